//! The project's own commands, `cargo xtask …`: what CI runs is what a person runs.
//!
//! It starts cargo and reads files; it depends on nothing of ours, so it builds in seconds and still
//! works when everything else does not compile.

mod bench;
mod chaos;
mod ci;
mod conformance;
mod process;
mod tidy;

use std::process::ExitCode;

/// Exit code of a wrong command line.
const EXIT_USAGE: u8 = 2;

const USAGE: &str = "\
usage: cargo xtask <command>

  ci [--seeds N]     everything that must hold: format, tidy, lints, tests, docs, a chaos run
  tidy               the rules of the house that no compiler checks
  chaos [ARGS…]      the chaos runner; `cargo xtask chaos --help` lists its own commands
  conformance [--only SUITE]…
                     the official clients, dbt and SQLAlchemy on the fake; the SQL and wire
                     fixtures; PostgreSQL on the portable scripts
  bench fake [PART]  how fast the fake is, against its targets; parts: statements,
                     transactions, requests, merges; --quick leaves the largest out
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &arguments[..]),
    };
    match (command, rest) {
        ("ci", []) => ci::run(ci::SEEDS_DEFAULT),
        ("ci", [flag, seeds]) if flag == "--seeds" && seeds.parse::<u32>().is_ok() => {
            ci::run(seeds)
        }
        ("tidy", []) => tidy::run(),
        ("chaos", rest) => chaos::run(rest),
        ("conformance", rest) => conformance::run(rest),
        ("bench", [what, rest @ ..]) if what == "fake" => bench::run(rest),
        ("help" | "--help" | "-h", []) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USAGE}");
            if !command.is_empty() {
                eprintln!("\nerror: not a command: {}", arguments.join(" "));
            }
            ExitCode::from(EXIT_USAGE)
        }
    }
}
