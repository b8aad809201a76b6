//! `cargo xtask chaos …`: builds the chaos runner in its profile and hands everything over to it.
//!
//! The exit code is the runner's: 10 means a violated invariant, 11 stuck, and so on (docs/scenarios.md).

use std::process::{Command, ExitCode};

use crate::process;

/// Exit code of a failure that is ours: the runner could not be started, or was killed.
const EXIT_INTERNAL: u8 = 1;

/// The runner with these arguments. The commit goes by the environment, because a runner that asked
/// git itself could not be replayed outside of a repository.
pub(crate) fn command(arguments: &[String]) -> Command {
    let mut command =
        process::cargo(&["run", "--quiet", "--profile", "chaos", "-p", "chaos", "--"]);
    command.args(arguments).env("CHAOS_COMMIT", commit());
    command
}

/// Runs it and passes its exit code through.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match command(arguments).status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.unwrap_or(EXIT_INTERNAL))
        }
        Err(error) => {
            eprintln!("error: cargo cannot be started: {error}");
            ExitCode::from(EXIT_INTERNAL)
        }
    }
}

/// The commit that is checked out, or `unknown` outside of git.
fn commit() -> String {
    let output =
        Command::new("git").args(["rev-parse", "HEAD"]).current_dir(process::root()).output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if text.is_empty() { "unknown".to_owned() } else { text }
        }
        _ => "unknown".to_owned(),
    }
}
