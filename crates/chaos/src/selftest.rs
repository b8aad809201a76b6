//! Known-bad engines on trial: each runs on the smallest world that can show its fault, seed by
//! seed, until the oracle that it is meant for complains.
//!
//! A mutant that nobody notices means that an oracle is blind, or that the world never asks the
//! question; either way every green run above is worth less than it says. A mutation that never
//! applied is an error of ours, not a mutant that was missed.

use std::collections::BTreeSet;

use crate::job;
use crate::outcome::MutantOutcome;
use crate::plan::{Plan, Policy};
use crate::run::{Record, RunResult, run};
use crate::scenario::Scenario;
use crate::seed::Seed;

/// The mark under which a run counts how often its mutation was applied.
pub const APPLIED: &str = "mutant.applied";

/// A trial: the scenario with its mutant, and the seeds that it may take.
#[derive(Debug, Clone)]
pub struct Trial {
    /// A scenario that names a mutant.
    pub scenario: Scenario,
    /// Tried in this order.
    pub seeds: Vec<Seed>,
}

/// Runs the seeds until the mutant is caught.
pub fn trial(trial: &Trial) -> MutantOutcome {
    let plans =
        trial.seeds.iter().map(|seed| Plan::resolve(&trial.scenario, *seed, Policy::Engine));
    let expected = trial.scenario.expect.caught_by.clone().unwrap_or_default();
    until_caught(&expected, trial.seeds.len() as u64, plans, |plan| run(plan, Record::Hash))
}

fn until_caught(
    expected: &str,
    schedules_max: u64,
    plans: impl Iterator<Item = Plan>,
    runs: impl Fn(&Plan) -> RunResult,
) -> MutantOutcome {
    let mut outcome = MutantOutcome {
        kind: "engine".to_owned(),
        expected: expected.to_owned(),
        schedules_max,
        ..MutantOutcome::default()
    };
    let (mut applied, mut others) = (0, BTreeSet::new());
    for plan in plans {
        let result = runs(&plan);
        outcome.schedules += 1;
        if let Some(error) = result.internal_error {
            outcome.internal_error = Some(format!("at {}: {error}", plan.seed));
            return outcome;
        }
        applied += result.marks.get(APPLIED).copied().unwrap_or(0);
        let findings = job::findings(&result);
        if applied > 0 && findings.iter().any(|finding| finding.oracle == expected) {
            outcome.by = Some(expected.to_owned());
            return outcome;
        }
        others.extend(findings.into_iter().map(|finding| finding.oracle));
    }
    if applied == 0 {
        outcome.internal_error = Some(format!(
            "vacuous: the mutation never applied in {} schedules; the engine's statements have \
             changed their shape (see mutant/rewrite.rs)",
            outcome.schedules
        ));
    } else if !others.is_empty() {
        let list: Vec<String> = others.into_iter().collect();
        outcome.expected = format!("{expected} (only {} complained)", list.join(", "));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutant;
    use crate::run::Violation;
    use crate::scenario::Library;

    fn result(applied: u64, oracle: Option<&str>) -> RunResult {
        let violation = |oracle: &str| Violation {
            oracle: oracle.to_owned(),
            message: "wrong".to_owned(),
            file: None,
            key: None,
        };
        RunResult {
            marks: [(APPLIED.to_owned(), applied)].into(),
            violations: oracle.map(violation).into_iter().collect(),
            ..RunResult::default()
        }
    }

    fn judged(runs: impl Fn(&Plan) -> RunResult) -> MutantOutcome {
        let plans = (1..=5).map(|seed| Plan { seed: Seed(seed), ..job::tests::plan() });
        until_caught("O7", 5, plans, runs)
    }

    #[test]
    fn every_mutant_has_a_trial_and_every_trial_an_oracle() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let library = Library::read(&root).expect("the repository's own scenarios are sound");
        let mut tried = BTreeSet::new();
        for scenario in library.all() {
            let Some(name) = &scenario.mutant else { continue };
            assert!(mutant::named(name).is_some(), "{}: no mutant {name}", scenario.name);
            assert!(scenario.expect.caught_by.is_some(), "{}: no oracle", scenario.name);
            tried.insert(name.as_str());
        }
        let all: BTreeSet<&str> = mutant::MUTANTS.iter().map(|mutant| mutant.name).collect();
        assert_eq!(tried, all);
    }

    #[test]
    fn it_is_caught_by_its_own_oracle_and_the_schedules_are_counted() {
        let outcome = judged(|plan| result(1, (plan.seed == Seed(3)).then_some("O7")));
        assert_eq!((outcome.by.as_deref(), outcome.schedules), (Some("O7"), 3));
    }

    #[test]
    fn another_oracle_does_not_count_but_is_named() {
        let outcome = judged(|_| result(1, Some("O2")));
        assert_eq!((outcome.by, outcome.schedules), (None, 5));
        assert!(outcome.expected.contains("only O2"));
    }

    #[test]
    fn a_mutation_that_never_applied_is_our_error() {
        let outcome = judged(|_| result(0, Some("O7")));
        assert_eq!(outcome.by, None);
        assert!(outcome.internal_error.is_some_and(|error| error.contains("vacuous")));
    }
}
