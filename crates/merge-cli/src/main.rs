//! `firebolt-merge`: the operator's command line of the merge engine.
//!
//! ```text
//!   arguments.rs ─► connection.rs ─► commands/ ─► answer.rs ─► stdout
//!                                        └──► merge-engine      stderr: logs, errors
//! ```
//!
//! It has no logic of its own about merging: each command asks the engine that the Lambda runs, and
//! renders what it says. This file is the only one that reads the environment and writes the streams.

mod answer;
mod arguments;
mod commands;
mod connection;
mod error;

use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Warnings of everybody, and what the engine tells about each merge.
const LOGS_DEFAULT: &str = "warn,merge_engine=info";

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let lookup = |name: &str| std::env::var(name).ok();
    let filter = lookup("RUST_LOG").unwrap_or_else(|| LOGS_DEFAULT.to_owned());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::new(filter))
        .with_target(false)
        .init();
    let json = arguments.options.json;
    match run(arguments, &lookup) {
        Ok(answer) => {
            let text = if json { answer.json() } else { answer.text() };
            // A reader that has seen enough (`| head`) is no failure.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::from(answer.exit_code())
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", error.text());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(
    arguments: arguments::Arguments,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<answer::Answer, error::CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| error::CliError::internal("starting the runtime", why))?;
    runtime.block_on(commands::run(arguments, lookup))
}
