//! `fake-firebolt`: the fake as a program of its own, on a real socket and the real clock.
//!
//! One file a command. It must not do anything that the library does not: it only reads arguments,
//! listens and prints.

mod control;
mod proxy;
mod serve;
mod transport;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A Firebolt that speaks the real wire protocol, for tests.
#[derive(Debug, Parser)]
#[command(name = "fake-firebolt", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until interrupted.
    Serve(Box<serve::Serve>),
    /// Stand before a real Firebolt or Core, hurt the wire as the rules say, until interrupted.
    Proxy(Box<proxy::Arguments>),
}

/// Why the program ends: its exit code, and what it says.
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Arguments that cannot be used: the user's to mend, exit code 2.
    fn bad_arguments(text: impl Into<String>) -> Self {
        Self { code: 2, text: text.into() }
    }

    /// The machine does not let it: exit code 1.
    fn machine(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into() }
    }
}

/// Threads that serve. A statement that takes long is moved to a further one, so a few are enough.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .init();
    // Several threads, because nothing here has to be replayed, and because only such a runtime
    // lends a further one to a statement that takes long.
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Failure::machine(format!("cannot start a runtime: {error}"))),
    };
    let end = match command {
        Command::Serve(arguments) => runtime.block_on(serve::run(*arguments)),
        Command::Proxy(arguments) => runtime.block_on(proxy::run(*arguments)),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    eprintln!("fake-firebolt: {}", failure.text);
    ExitCode::from(failure.code)
}
