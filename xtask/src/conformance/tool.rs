//! The tools of the machine: finding them, and running them with what they say kept for a failure.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// Lines of a judge's output that a failure shows; the whole is in its log.
const SHOWN_LINES: usize = 150;

/// Cargo's target folder.
#[expect(clippy::disallowed_methods, reason = "cargo takes its target folder from there as well")]
pub(super) fn target_folder() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => process::root().join(folder),
        None => process::root().join("target"),
    }
}

/// Runs the command with its output in a file; the last line of it is a judge's own summary.
///
/// # Errors
/// The end of the output, the exit status, and where the rest is.
pub(super) fn run_logged(mut command: Command, log: &Path) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let shown = log.strip_prefix(process::root()).unwrap_or(log).display();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    let file = File::create(log).map_err(failed)?;
    command.stdout(file.try_clone().map_err(failed)?).stderr(file);
    let status = match command.status() {
        Ok(status) => status,
        Err(error) => return Err(format!("`{program}` cannot be started: {error}")),
    };
    let text = String::from_utf8_lossy(&std::fs::read(log).map_err(failed)?).into_owned();
    if status.success() {
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        return Ok(last.unwrap_or_default().trim().to_owned());
    }
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    Err(format!("{end}\n`{program}` ended with {status}; everything it said is in {shown}"))
}

/// What the command prints, if it can be started and succeeds.
pub(super) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether what was made from these bytes is still there; a mark beside it holds them.
pub(super) fn is_current(mark: &Path, made_from: &[u8]) -> bool {
    std::fs::read(mark).is_ok_and(|bytes| bytes == made_from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_what_the_command_said() {
        let log = std::env::temp_dir().join(format!("conformance-log-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let error = run_logged(command, &log).expect_err("it ends with 3");
        std::fs::remove_file(&log).expect("it can be removed");
        assert!(error.contains("out\nerr\n") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let log = std::env::temp_dir().join(format!("conformance-none-{}", std::process::id()));
        let error = run_logged(Command::new("no-such-program"), &log).expect_err("not there");
        std::fs::remove_file(&log).expect("it can be removed");
        assert!(error.contains("`no-such-program` cannot be started"), "{error}");
        assert_eq!(output(&mut Command::new("no-such-program")), None);
    }
}
