//! `cargo xtask ci`: every check in the order of its cost, up to the first that fails.
//!
//! One profile (`ci`) for all that is tested; only the chaos run has its own. The faces with
//! TLS and the Lambda runtime come in steps of their own: built together with the rest, their features
//! would reach into the simulation, which must not have them.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::{chaos, process, tidy};

/// Fresh seeds per scenario of the chaos run: few enough to wait for, and so many that every mark which a
/// scenario asks for is reached whatever the root seed, which changes with every commit. With ten, the
/// swarm came out vacuous at one root seed in five.
pub(crate) const SEEDS_DEFAULT: &str = "100";

/// The crates and features that production has and the simulation has not.
pub(crate) const FACES: [&str; 10] = [
    "-p",
    "merge-cli",
    "-p",
    "merge-lambda",
    "-p",
    "firebolt-client",
    "-p",
    "fake-firebolt",
    "--features",
    "merge-lambda/runtime,firebolt-client/reqwest,fake-firebolt/serve,fake-firebolt/postgres-arm",
];

/// Everything else.
const CORE: [&str; 3] = ["--workspace", "--exclude", "merge-cli"];

const PROFILE: [&str; 2] = ["--profile", "ci"];

/// Where the property tests of a CI run draw from: a red run is then about the change. Whoever runs
/// `cargo test` by hand draws anew each time.
const PROPTEST_RNG_SEED: &str = "20251111";

/// One step: a name, and what it does.
struct Step {
    name: &'static str,
    what: What,
}

enum What {
    Tidy,
    Run(Command),
}

/// Runs all steps.
pub(crate) fn run(seeds: &str) -> ExitCode {
    let started = now();
    let mut passed = Vec::new();
    for step in steps(seeds) {
        let name = step.name;
        if let What::Run(command) = &step.what {
            eprintln!("     Running {name}: {}", process::shown(command));
        }
        let step_started = now();
        let result = match step.what {
            What::Tidy => tidy::check_workspace(),
            What::Run(command) => process::run(command),
        };
        let elapsed = seconds(step_started.elapsed());
        match result {
            Ok(()) => {
                eprintln!("      Passed [{elapsed}] {name}");
                passed.push((name, elapsed));
            }
            Err(error) => {
                eprintln!("      Failed [{elapsed}] {name}: {error}");
                println!("ci failed at {name}, after {} passed steps", passed.len());
                return ExitCode::FAILURE;
            }
        }
    }
    for (name, elapsed) in &passed {
        println!("      Passed [{elapsed}] {name}");
    }
    println!("     Summary [{}] {} steps passed", seconds(started.elapsed()), passed.len());
    ExitCode::SUCCESS
}

fn steps(seeds: &str) -> Vec<Step> {
    let mut docs = cargo(&["doc", "--no-deps"], &[&PROFILE, &CORE]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let chaos = chaos::command(&["--tier", "pr", "--seeds", seeds].map(str::to_owned));
    vec![
        Step { name: "format", what: What::Run(process::cargo(&["fmt", "--all", "--check"])) },
        Step { name: "tidy", what: What::Tidy },
        run_step("lints", clippy(&CORE)),
        run_step("tests", cargo(&["test"], &[&PROFILE, &CORE, &["--lib", "--bins", "--tests"]])),
        run_step("doctests", cargo(&["test", "--doc"], &[&PROFILE, &CORE])),
        run_step("docs", docs),
        run_step("chaos", chaos),
        run_step("lints of the faces", clippy(&FACES)),
        run_step(
            "tests of the faces",
            cargo(&["test"], &[&PROFILE, &FACES, &["--lib", "--bins", "--tests", "--examples"]]),
        ),
        run_step("doctests of the faces", cargo(&["test", "--doc"], &[&PROFILE, &FACES])),
    ]
}

fn run_step(name: &'static str, command: Command) -> Step {
    Step { name, what: What::Run(command) }
}

fn clippy(packages: &[&str]) -> Command {
    cargo(&["clippy"], &[&PROFILE, packages, &["--all-targets", "--", "-D", "warnings"]])
}

fn cargo(subcommand: &[&str], arguments: &[&[&str]]) -> Command {
    let mut command = process::cargo(&[subcommand, &arguments.concat()].concat());
    command.env("PROPTEST_RNG_SEED", PROPTEST_RNG_SEED);
    command
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

    #[test]
    fn every_step_is_a_command_that_a_person_can_type() {
        let shown: Vec<String> = steps("10")
            .into_iter()
            .map(|step| match step.what {
                What::Tidy => "cargo xtask tidy".to_owned(),
                What::Run(command) => process::shown(&command),
            })
            .collect();
        let expected = [
            "cargo fmt --all --check",
            "cargo xtask tidy",
            "cargo clippy --profile ci --workspace --exclude merge-cli --all-targets -- -D warnings",
            "cargo test --profile ci --workspace --exclude merge-cli --lib --bins --tests",
            "cargo test --doc --profile ci --workspace --exclude merge-cli",
            "cargo doc --no-deps --profile ci --workspace --exclude merge-cli",
            "cargo run --quiet --profile chaos -p chaos -- --tier pr --seeds 10",
        ];
        assert_eq!(shown[..expected.len()], expected);
        assert!(shown[expected.len()..].iter().all(|command| command.contains("merge-cli")));
    }
}
