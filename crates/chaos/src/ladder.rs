//! The ladder: the prior loader's policies and ours, rung by rung, on the same seeds of the field
//! scenario.
//!
//! Seeds are pinned by the scenario: the restart interval was calibrated on them once, with prior-0
//! alone, and everything above it is measured, not tuned. So they must not change with the commit,
//! as the fresh seeds of the other scenarios do.

use std::collections::BTreeMap;

use crate::history::{Ended, History, What};
use crate::job::{Job, Work};
use crate::outcome::{Label, Origin, Section};
use crate::plan::{Plan, Policy};
use crate::scenario::Scenario;
use crate::seed::Seed;

/// One job per rung and seed; rung by rung, so that the report's rungs stand in their order.
pub fn jobs(scenario: &Scenario, seeds: &[Seed], policies: &[Policy]) -> Vec<Job> {
    let job = |policy: Policy, seed: Seed| Job {
        label: Label {
            section: Section::Ladder,
            name: policy.to_string(),
            seed: seed.to_string(),
            origin: Origin::Pinned,
        },
        work: Work::Rung(Box::new(Plan::resolve(scenario, seed, policy))),
    };
    policies.iter().flat_map(|policy| seeds.iter().map(|seed| job(*policy, *seed))).collect()
}

/// The scenario's pinned seeds; beyond those, a fixed sequence.
pub fn seeds(scenario: &Scenario, count: u64) -> Vec<Seed> {
    let beyond = (0..).map(|n: u64| Seed(0).child(&format!("{}/{n}", scenario.name)));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    scenario.pinned.iter().copied().chain(beyond).take(count).collect()
}

/// For each file of a run, whether its first invocation succeeded: the pairs that neighbouring
/// rungs are compared by.
pub fn first_tries(history: &History, files: u64) -> Vec<bool> {
    let mut first: BTreeMap<usize, u64> = BTreeMap::new();
    let mut succeeded: BTreeMap<u64, bool> = BTreeMap::new();
    for event in history.events() {
        match &event.what {
            What::Started { invocation, files, .. } => {
                for file in files {
                    first.entry(*file).or_insert(*invocation);
                }
            }
            What::Ended { invocation, end } => {
                succeeded.insert(*invocation, matches!(end, Ended::Succeeded { .. }));
            }
            _ => {}
        }
    }
    let of = |file: usize| first.get(&file).and_then(|invocation| succeeded.get(invocation));
    (0..usize::try_from(files).unwrap_or(0))
        .map(|file| of(file).copied().unwrap_or(false))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Event;
    use std::time::Duration;

    #[test]
    fn only_the_first_invocation_of_a_file_counts() {
        let mut history = History::new();
        let mut push = |what| {
            history.push(Event { at: Duration::ZERO, who: "worker-1".into(), what });
        };
        let started = |invocation, file| What::Started {
            invocation,
            files: vec![file],
            worker: "worker-1".into(),
        };
        let succeeded = Ended::Succeeded { files: Vec::new() };
        push(started(1, 0));
        push(started(2, 1));
        push(What::Ended { invocation: 1, end: Ended::TimedOut });
        push(What::Ended { invocation: 2, end: succeeded.clone() });
        push(started(3, 0));
        push(What::Ended { invocation: 3, end: succeeded });
        // File 2 was never delivered.
        assert_eq!(first_tries(&history, 3), [false, true, false]);
    }
}
