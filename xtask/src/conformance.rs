//! `cargo xtask conformance`: is the fake like the real thing, as far as that is written down?
//!
//! Two bodies of data decide: `fixtures/wire/*.http`, where client and fake meet, and `fixtures/sql`,
//! which say what SQL means. With `FIREBOLT_CORE_URL` set, the SQL tests may also ask a real engine.

use std::process::ExitCode;

use crate::process;

const TEST: [&str; 3] = ["test", "--profile", "chaos"];

/// Runs both; stops at the first failure.
pub(crate) fn run() -> ExitCode {
    println!("Conformance: the wire fixtures (fixtures/wire) and the SQL fixtures (fixtures/sql)");
    let mut suites: Vec<(&str, Vec<&str>)> = vec![
        ("SQL fixtures on the fake", vec!["-p", "fake-firebolt", "--test", "slt"]),
        ("wire fixtures, client", vec!["-p", "firebolt-client", "--test", "exchange", "wire::"]),
        ("wire encoders of the fake", vec!["-p", "fake-firebolt", "--lib", "wire::"]),
    ];
    if process::root().join("crates/fake-firebolt/tests/wire.rs").exists() {
        suites.push(("wire fixtures, fake", vec!["-p", "fake-firebolt", "--test", "wire"]));
    }
    for (name, arguments) in suites {
        let command = process::cargo(&[&TEST[..], &arguments[..]].concat());
        if let Err(error) = process::run(command) {
            eprintln!("      Failed {name}: {error}");
            return ExitCode::FAILURE;
        }
        println!("      Passed {name}");
    }
    ExitCode::SUCCESS
}
