//! What the runs reached: cells of fault, statement and phase, histories, and idle oracles.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcome::{Cell, Origin, Outcome, RawReport, Section};
use crate::report::aggregate::add;
use crate::report::json::CoverageReport;
use crate::stats;

/// Sums up every part.
pub fn coverage(raw: &RawReport) -> CoverageReport {
    let mut sums: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut oracles: BTreeMap<String, u64> = BTreeMap::new();
    let mut drawn = 0;
    let mut count_cells = |cells: &[Cell]| {
        for cell in cells {
            let at = (cell.fault.clone(), cell.statement.clone(), cell.phase.clone());
            *sums.entry(at).or_default() += cell.count;
        }
    };
    for part in &raw.parts {
        match &part.outcome {
            Outcome::Run(run) => {
                count_cells(&run.cells);
                add(&mut oracles, &run.oracles);
                if part.label.origin == Origin::Fresh && part.label.section == Section::Scenario {
                    drawn += 1;
                    *seen.entry(run.hash.as_str()).or_default() += 1;
                }
            }
            Outcome::Census(census) => {
                count_cells(&census.cells);
                add(&mut oracles, &census.oracles);
            }
            Outcome::Mutant(_) | Outcome::Determinism(_) | Outcome::Broken(_) => {}
        }
    }
    let singletons = seen.values().filter(|times| **times == 1).count() as u64;
    CoverageReport {
        cold: cold(&sums),
        cells: sums.into_iter().map(|((f, s, p), count)| (f, s, p, count)).collect(),
        distinct_histories: seen.len() as u64,
        singletons,
        unseen_estimate: stats::rounded(stats::unseen_estimate(singletons, drawn)),
        idle_oracles: oracles.into_iter().filter(|(_, n)| *n == 0).map(|(name, _)| name).collect(),
    }
}

/// Cells that never fired, among the statements that any fault reached and the phases at which that
/// fault fired at all: what the distribution could have drawn.
fn cold(warm: &BTreeMap<(String, String, String), u64>) -> Vec<(String, String, String)> {
    let statements: BTreeSet<&String> = warm.keys().map(|(_, statement, _)| statement).collect();
    let kinds: BTreeSet<(&String, &String)> = warm.keys().map(|(f, _, p)| (f, p)).collect();
    let decides = |statement: &str| matches!(statement, "commit" | "stage" | "alter" | "drop");
    let mut cells = Vec::new();
    for (fault, phase) in kinds {
        for statement in &statements {
            // Only COMMIT and autocommit statements have the phase `committed`; only a DROP can
            // fail as a DROP.
            let possible = (phase != "committed" || decides(statement))
                && (!matches!(fault.as_str(), "F16" | "F17" | "F18") || *statement == "drop")
                && (fault != "F10" || *statement == "commit");
            let cell = (fault.clone(), (*statement).clone(), phase.clone());
            if possible && !warm.contains_key(&cell) {
                cells.push(cell);
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cold_cells_respect_what_is_possible() {
        let warm: BTreeMap<_, _> = [
            ("F04", "commit", "committed"),
            ("F02", "begin", "received"),
            ("F16", "drop", "executed"),
        ]
        .into_iter()
        .map(|(f, s, p)| ((f.to_owned(), s.to_owned(), p.to_owned()), 1))
        .collect();
        let cold = cold(&warm);
        assert!(cold.contains(&("F02".into(), "commit".into(), "received".into())));
        assert!(!cold.iter().any(|(f, s, _)| f == "F04" && s == "begin"));
        assert!(!cold.iter().any(|(f, s, _)| f == "F16" && s != "drop"));
    }
}
