//! `cargo xtask conformance`: is the fake like the real thing? Others than us say so.
//!
//! Its judges are programs that nobody here wrote: the official clients, unmodified, against
//! `fake-firebolt serve`; dbt and SQLAlchemy on top of them; PostgreSQL, which runs the portable
//! scripts; and what is written down in `fixtures/wire` and `fixtures/sql`. What it needs from the
//! package registries it puts below `target/conformance`, at the versions that
//! `fixtures/conformance` pins. A judge that cannot be had is a failure, never a silent pass.

mod node;
mod postgres;
mod python;
mod server;
mod suite;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use self::suite::Suite;
use crate::process;

/// Exit code of a wrong command line.
const EXIT_USAGE: u8 = 2;

/// A red run of CI is then about the change, and takes well under a minute.
const SEED_DEFAULT: u64 = 1;
const CASES_DEFAULT: u64 = 1_000;

/// Where everything that is made here goes.
fn folder() -> PathBuf {
    process::root().join("target/conformance")
}

/// Where the judges' programs and pinned versions are.
fn fixtures() -> PathBuf {
    process::root().join("fixtures/conformance")
}

/// What the command line asks for.
#[derive(Debug, Eq, PartialEq)]
struct Request {
    only: Vec<&'static Suite>,
    profile: String,
    /// Where `postgres-random` begins, and how many cases it runs.
    seed: u64,
    cases: u64,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Request, String> {
        let mut only = Vec::new();
        let mut profile = "ci".to_owned();
        let (mut seed, mut cases) = (SEED_DEFAULT, CASES_DEFAULT);
        let mut arguments = arguments.iter();
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} wants a value"));
            match flag.as_str() {
                "--only" => only.push(suite::named(value?)?),
                "--profile" => profile.clone_from(value?),
                "--seed" => seed = number(flag, value?)?,
                "--cases" => cases = number(flag, value?)?,
                _ => return Err(format!("not an argument of conformance: {flag}")),
            }
        }
        let only = if only.is_empty() { suite::ALL.iter().collect() } else { only };
        Ok(Request { only, profile, seed, cases })
    }
}

fn number(flag: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{flag} wants a whole number, not {value:?}"))
}

/// Runs the suites that are asked for, all of them whatever becomes of the first.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let request = match Request::parse(arguments) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("error: {error}");
            eprintln!("usage: cargo xtask conformance [--only SUITE]… [--profile PROFILE]");
            eprintln!("       [--seed NUMBER] [--cases NUMBER] of the suite postgres-random");
            eprintln!("suites:");
            for suite in suite::ALL {
                eprintln!("  {:<16} {}", suite.name, suite.about);
            }
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let started = now();
    let mut lines = Vec::new();
    let mut failures = 0_usize;
    for suite in &request.only {
        eprintln!("     Running {}: {}", suite.name, suite.about);
        let suite_started = now();
        let result = suite::run(suite, &request);
        let elapsed = seconds(suite_started.elapsed());
        let verb = if result.is_ok() { "Passed" } else { "Failed" };
        if let Err(error) = result {
            failures += 1;
            eprintln!("{error}");
        }
        eprintln!("      {verb} [{elapsed}] {}", suite.name);
        lines.push(format!("      {verb} [{elapsed}] {}", suite.name));
    }
    for line in &lines {
        println!("{line}");
    }
    println!("     Summary [{}] conformance", seconds(started.elapsed()));
    println!("{} passed, {failures} failed", lines.len() - failures);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::disallowed_methods, reason = "a person waits for this, by the clock on the wall")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(elapsed: Duration) -> String {
    format!("{:8.3}s", elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Request, String> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        Request::parse(&arguments)
    }

    #[test]
    fn without_arguments_every_suite_runs() {
        let request = parse(&[]).expect("nothing to refuse");
        assert_eq!(request.only.len(), suite::ALL.len());
        assert_eq!(request.profile, "ci");
    }

    #[test]
    fn suites_can_be_picked_and_a_wrong_name_is_told_the_right_ones() {
        let request = parse(&["--only", "wire", "--profile", "dev", "--only", "sql"]);
        let request = request.expect("both exist");
        let names: Vec<&str> = request.only.iter().map(|suite| suite.name).collect();
        assert_eq!((names, request.profile.as_str()), (vec!["wire", "sql"], "dev"));
        assert!(parse(&["--only", "wirr"]).expect_err("no such suite").contains("wire"));
        let request = parse(&["--seed", "7", "--cases", "20"]).expect("two numbers");
        assert_eq!((request.seed, request.cases), (7, 20));
        assert!(parse(&["--cases", "many"]).expect_err("no number").contains("--cases"));
        assert!(parse(&["--only"]).expect_err("which?").contains("--only"));
        assert!(parse(&["--fast", "1"]).expect_err("no such flag").contains("--fast"));
    }
}
