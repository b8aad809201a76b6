//! The same plan in another process: what makes a seed a reproducer.
//!
//! Two runs in one process can share what differs between processes: addresses, the seeds of hash
//! maps, the environment. So the second run is a child of this program, and its history must be
//! equal byte for byte.

use std::process::{Command, Stdio};

use crate::history::History;
use crate::job::Bench;
use crate::outcome::DeterminismOutcome;
use crate::plan::Plan;
use crate::report::files;
use crate::run::{Record, run};

/// The subcommand that the child is started with.
const SUBCOMMAND: &str = "__history";
/// Longest stretch of a differing line that is shown.
const SHOWN_MAX: usize = 200;

/// What the child prints: the hash, then the lines.
pub fn printed(history: &History) -> String {
    format!("{:032x}\n{}", history.hash(), history.to_jsonl())
}

/// Runs the plan here and in a child, and compares.
pub fn compare(plan: &Plan, bench: &Bench) -> DeterminismOutcome {
    let ours = run(plan, Record::Full);
    if let Some(error) = ours.internal_error {
        return DeterminismOutcome { difference: None, internal_error: Some(error) };
    }
    match in_another_process(plan, bench) {
        Ok(theirs) => DeterminismOutcome {
            difference: first_difference(&printed(&ours.history), &theirs),
            internal_error: None,
        },
        Err(error) => DeterminismOutcome { difference: None, internal_error: Some(error) },
    }
}

fn in_another_process(plan: &Plan, bench: &Bench) -> Result<String, String> {
    let name = format!("{}@{}.toml", plan.scenario.replace('/', "."), plan.seed);
    let path = bench.scratch.join(name);
    files::write(&path, &plan.to_toml())?;
    let output = Command::new(&bench.program)
        .arg(SUBCOMMAND)
        .arg(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {}: {error}", bench.program.display()))?;
    if !output.status.success() {
        return Err(format!("{SUBCOMMAND} {} ended with {}", path.display(), output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| "the other process printed no text".to_owned())
}

/// The first line in which two histories differ, both sides of it.
fn first_difference(ours: &str, theirs: &str) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let (mut a, mut b) = (ours.lines().skip(1), theirs.lines().skip(1));
    let mut number = 1;
    loop {
        let (left, right) = (a.next(), b.next());
        if left == right && left.is_some() {
            number += 1;
            continue;
        }
        let shown = |line: Option<&str>| {
            line.map_or("(no event)".to_owned(), |l| l.chars().take(SHOWN_MAX).collect::<String>())
        };
        return Some(format!("event {number}: {} | {}", shown(left), shown(right)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_event_is_named() {
        for (ours, theirs, says) in [
            ("h\na\nb\n", "h\na\nb\n", None),
            ("h\na\nb\n", "g\na\nc\n", Some("event 2: b | c")),
            ("h\na\n", "g\na\nc\n", Some("event 2: (no event) | c")),
            ("h\n", "", Some("event 1: (no event) | (no event)")),
        ] {
            assert_eq!(first_difference(ours, theirs).as_deref(), says);
        }
    }
}
