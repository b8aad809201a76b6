//! Counts what a history says, in the words of docs/scenarios.md.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::assemble::World;
use super::{Counts, RunResult};
use crate::checkers::Verdict;
use crate::history::{Ended, Event, What};
use crate::selftest::APPLIED;

/// A MERGE takes 20 s on average in the field, and everything around it a few more.
const WINDOW: Duration = Duration::from_secs(30);

/// Oracles that look at the end. A run that is stuck has none, so they would accuse it of not having
/// done what it had no time for.
const AT_REST: [&str; 5] = ["O2", "O3", "O4", "O8", "O10"];

/// Puts the result of a run together.
pub(super) fn result(
    world: &World,
    verdict: Verdict,
    stuck: Option<String>,
    applied_before_audit: u64,
) -> RunResult {
    let tallies = world.nemesis.take_tallies();
    let history = world.recorder.take();
    let loaders = world.hatchery.tallies();
    let mut counts = counted(history.events(), world.plan.delivery.deadline.0);
    counts.files = world.workload.files.len() as u64;
    counts.files_applied_at_end_of_deliveries = applied_before_audit;
    counts.files_applied = verdict.files_applied;
    counts.requests = tallies.requests;
    counts.cleanup_attempts = loaders.cleanup_attempts.load(Ordering::Relaxed);
    counts.cleanup_failures = loaders.cleanup_failures.load(Ordering::Relaxed);
    let mut violations = verdict.violations;
    if stuck.is_some() {
        violations.retain(|violation| !AT_REST.contains(&violation.oracle.as_str()));
    } else {
        counts.duplicate_keys = verdict.counts.duplicate_keys;
        counts.lost_updates = verdict.counts.lost_updates;
        counts.resurrected_deletes = verdict.counts.resurrected_deletes;
        counts.orphan_staging = verdict.orphan_staging;
    }
    let mut marks = marks(history.events());
    if world.mutated() > 0 {
        marks.insert(APPLIED.to_owned(), world.mutated());
    }
    RunResult {
        hash: history.hash(),
        counts,
        violations,
        stuck,
        faults_fired: tallies.faults_fired,
        marks,
        oracles: verdict.exercised,
        cells: tallies.cells,
        points: tallies.points,
        fired: tallies.fired,
        virtual_elapsed: world.elapsed(),
        internal_error: None,
        history,
    }
}

fn marks(events: &[Event]) -> BTreeMap<String, u64> {
    let mut marks = BTreeMap::new();
    for event in events {
        if let What::Note { mark } = &event.what {
            *marks.entry(mark.clone()).or_default() += 1;
        }
    }
    marks
}

fn counted(events: &[Event], patience: Duration) -> Counts {
    let mut counts = Counts::default();
    let mut restarts = Vec::new();
    let mut began = Vec::new();
    let mut first_delivered: BTreeMap<usize, Duration> = BTreeMap::new();
    let mut took: BTreeMap<usize, Duration> = BTreeMap::new();
    for event in events {
        match &event.what {
            What::Restarted => restarts.push(event.at),
            What::Delivered { file, .. } => {
                first_delivered.entry(*file).or_insert(event.at);
            }
            What::Started { .. } => {
                counts.invocations += 1;
                began.push(event.at);
            }
            What::Ended { end: Ended::Succeeded { files }, .. } => {
                counts.invocations_succeeded += 1;
                for (file, _) in files {
                    let since = first_delivered.get(file).copied().unwrap_or(event.at);
                    took.entry(*file).or_insert(event.at - since);
                }
            }
            _ => {}
        }
    }
    let millis = |took: &Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    counts.per_file_millis = took.values().map(millis).collect();
    let undisturbed = began.iter().filter(|at| has_window(**at, patience, &restarts)).count();
    counts.undisturbed_invocations = undisturbed as u64;
    counts
}

/// Whether there is a stretch without a restart between the beginning and the deadline.
fn has_window(began: Duration, patience: Duration, restarts: &[Duration]) -> bool {
    let deadline = began + patience;
    let mut quiet_since = began;
    for restart in restarts.iter().filter(|at| (began..deadline).contains(*at)) {
        if *restart - quiet_since >= WINDOW {
            return true;
        }
        quiet_since = *restart;
    }
    deadline - quiet_since >= WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_half_a_minute_without_a_restart() {
        let seconds = Duration::from_secs;
        let storm: Vec<Duration> = (0..40).map(|n| seconds(100 + n * 10)).collect();
        assert!(!has_window(seconds(100), seconds(300), &storm));
        assert!(has_window(seconds(60), seconds(300), &storm));
        assert!(has_window(seconds(100), seconds(300), &storm[..20]));
        assert!(has_window(seconds(0), seconds(300), &[]));
    }
}
