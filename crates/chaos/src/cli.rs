//! The command line (chaos.md §7): what may be said, and what is refused before anything runs.
//!
//! Every option holds for every subcommand. Parsing must not touch the world: no file is read here,
//! no environment, no clock.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::pool::Shard;
use crate::seed::Seed;

/// Runs the real merge engine against a fake Firebolt through seeded faults, and judges it.
#[derive(Debug, Parser)]
#[command(name = "chaos", bin_name = "cargo xtask chaos", disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; `run` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of every subcommand.
    #[command(flatten)]
    pub options: Options,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Everything of a tier (the default).
    Run,
    /// The prior loader's policies and ours, on the same seeds.
    Ladder,
    /// All placements of at most K faults over all fault points.
    Exhaust {
        /// At most so many faults in one schedule.
        #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=3))]
        faults: Option<u64>,
    },
    /// The worker is killed at every point that it reaches.
    Crash,
    /// Known-bad engines: each must be caught.
    Selftest,
    /// The same plans in this process and in another: histories must be identical.
    Determinism,
    /// Runs one plan again and tells what happened.
    Replay {
        /// `<scenario>@<seed>`, or a plan file.
        what: String,
        /// The smallest plan of that failure instead of the original.
        #[arg(long)]
        shrunk: bool,
        /// Another policy than the plan's: `engine`, or `prior-0` to `prior-5`.
        #[arg(long)]
        policy: Option<String>,
    },
    /// Cuts a failing plan down to the smallest that fails in the same way.
    Shrink {
        /// `<scenario>@<seed>`, or a plan file.
        what: String,
    },
    /// Keeps a failure as a scenario in scenarios/regressions/.
    Adopt {
        /// `<scenario>@<seed>`, or a plan file.
        what: String,
    },
    /// Unites the report.json of shards.
    Merge {
        /// The shards' report.json files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// What a scenario does, what it must reach, and one plan of it.
    Explain {
        /// The scenario's name.
        scenario: String,
    },
    /// Every scenario and every known-bad engine.
    List,
    /// The real binaries over real sockets and the real clock.
    Real,
    /// The history of a plan, for the determinism check in another process.
    #[command(name = "__history", hide = true)]
    History {
        /// A plan file.
        plan: PathBuf,
    },
}

/// How much to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// For every pull request: under a minute on two cores.
    #[default]
    Pr,
    /// Ten times as many seeds, and all kinds of faults in the enumerations.
    Nightly,
    /// Until it is stopped.
    Soak,
}

impl Tier {
    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pr => "pr",
            Self::Nightly => "nightly",
            Self::Soak => "soak",
        }
    }
}

/// What holds for every subcommand.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How much to run.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub tier: Tier,
    /// Only scenarios whose name fits; `*` stands for anything, `?` for one character.
    #[arg(long, global = true, value_name = "GLOB")]
    pub scenario: Option<String>,
    /// Fresh seeds per scenario or rung, instead of each one's own number.
    #[arg(long, global = true, value_name = "N")]
    pub seeds: Option<u64>,
    /// Where all fresh seeds come from: decimal, 0x…, or four groups of hex. Default: a hash of
    /// the commit.
    #[arg(long, global = true, value_name = "X", value_parser = seed)]
    pub root_seed: Option<Seed>,
    /// Threads; default: as many as the machine has cores.
    #[arg(long, global = true, value_name = "N", value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Only this part of the work; unite the reports with `merge`.
    #[arg(long, global = true, value_name = "K/N", value_parser = Shard::parse)]
    pub shard: Option<Shard>,
    /// Where the reports go.
    #[arg(long, global = true, value_name = "DIR", default_value = "target/chaos")]
    pub out: PathBuf,
    /// report.json on stdout; everything for people on stderr.
    #[arg(long, global = true)]
    pub json: bool,
}

fn seed(text: &str) -> Result<Seed, String> {
    text.parse::<Seed>().map_err(|error| error.to_string())
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is no number of threads; write 1 or more")),
        Ok(jobs) => Ok(jobs),
    }
}

/// `*` stands for any text, slashes included, and `?` for one character.
pub fn glob_matches(glob: &str, name: &str) -> bool {
    let (glob, name): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
    // The classical two-pointer match: on a mismatch, the last star takes one character more.
    let (mut g, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, n));
                g += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                g += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                g = at + 1;
                n = taken + 1;
            }
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("chaos").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_subcommand() {
        for line in ["--seeds 7 --jobs 3 ladder", "ladder --seeds 7 --jobs 3"] {
            let cli = parse(line).expect(line);
            assert_eq!(cli.command, Some(Command::Ladder));
            assert_eq!((cli.options.seeds, cli.options.jobs), (Some(7), Some(3)));
        }
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in [
            "",
            "run",
            "run --tier nightly --scenario network/* --root-seed 51d0_09aa_7c3e_11f4",
            "ladder --seeds 50",
            "exhaust --faults 2",
            "crash",
            "selftest",
            "determinism",
            "real",
            "replay a/b@0x7",
            "replay a/b@0x7 --shrunk",
            "replay plan.toml --json",
            "shrink a/b@7",
            "adopt target/chaos/x.toml",
            "merge a.json b.json",
            "explain a/b",
            "list --out /tmp/x",
            "run --shard 3/16 --json",
            "__history plan.toml",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn nonsense_is_refused_with_exit_code_2() {
        for line in [
            "--seeds many",
            "--shard 5/4",
            "--root-seed xyz",
            "--jobs 0",
            "--tier weekly",
            "exhaust --faults 0",
            "replay",
            "merge",
            "shake",
        ] {
            assert_eq!(parse(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn globs() {
        for (glob, name, fits) in [
            ("*", "a/b", true),
            ("network/*", "network/lost-commit-ack", true),
            ("network/*", "delivery/late", false),
            ("*commit*", "network/lost-commit-ack", true),
            ("a/b", "a/bc", false),
            ("a?c*", "abc", true),
            ("*a*b", "xaxb", true),
            ("*a*b", "xaxbx", false),
        ] {
            assert_eq!(glob_matches(glob, name), fits, "{glob} {name}");
        }
    }
}
