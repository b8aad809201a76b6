//! `cargo xtask bench fake`: what the fake's speed is, measured as users would run it.
//!
//! The program is built in the profile of the chaos runner, because that is the one the project's
//! own runs use. It ends with 0 whether targets are met or not: it informs, it does not judge.

use std::process::ExitCode;

use crate::process;

/// Measures the fake; the arguments go to the program (`--quick`, or the name of one part).
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut command = process::cargo(&[
        "run",
        "--quiet",
        "--profile",
        "chaos",
        "-p",
        "fake-firebolt",
        "--features",
        "serve",
        "--example",
        "bench_fake",
        "--",
    ]);
    command.args(arguments);
    match process::run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}
