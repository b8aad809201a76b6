//! The chaos runner's program: looks at its surroundings once, and hands everything over.
//!
//! The only file that reads the environment and the wall clock. Nothing of what it reads can
//! reach a simulation: the clock goes into timing.json and progress alone.

use std::io::IsTerminal;
use std::process::ExitCode;

use chaos::cli::Cli;
use chaos::conduct::{Setting, conduct};
use clap::Parser;

/// A schedule is thousands of small strings and trees: with the system's allocator a third of its time
/// goes into finding room for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    ExitCode::from(conduct(cli, &setting()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one look at clock, environment and machine; passed on as values"
)]
fn setting() -> Setting {
    let start = std::time::Instant::now();
    Setting {
        commit: std::env::var("CHAOS_COMMIT").unwrap_or_else(|_| "unknown".to_owned()),
        program: std::env::current_exe().unwrap_or_else(|_| "chaos".into()),
        root: std::env::current_dir().unwrap_or_else(|_| ".".into()),
        stdout_is_terminal: std::io::stdout().is_terminal(),
        stderr_is_terminal: std::io::stderr().is_terminal(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        clock: Box::new(move || start.elapsed()),
    }
}
