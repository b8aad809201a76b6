//! O5: no key goes back: a row that a commit writes is never older than what was there before, and
//! an older change never brings a deleted key back.
//!
//! Age is the source's own counter, read from the row itself. A table without that column is not
//! judged. Where there is a ledger, the deletes of a committed file count as well, so that a
//! resurrection is found at the commit that does it and not only at rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Bench, Checker, Facts, Violation, key_of};
use crate::history::{Event, What};
use crate::workload::{COUNTER_COLUMN, Op, Workload};

pub(super) struct NeverBack {
    workload: Arc<Workload>,
    /// The newest change that has taken effect, by key.
    newest: BTreeMap<String, u64>,
    exercised: u64,
    violations: Vec<Violation>,
}

impl NeverBack {
    pub(super) fn new(bench: &Bench) -> Self {
        NeverBack {
            workload: Arc::clone(&bench.workload),
            newest: BTreeMap::new(),
            exercised: 0,
            violations: Vec::new(),
        }
    }

    fn wrote(&mut self, key: String, counter: u64, lsn: u64, peer: &str) {
        let newest = self.newest.entry(key.clone()).or_default();
        self.exercised += u64::from(*newest > 0);
        if counter < *newest {
            let message = format!(
                "commit {lsn} by {peer} wrote change {counter} of key {key} over change {newest}"
            );
            self.violations.push(Violation::of_key("O5", &key, message));
        }
        *newest = counter.max(*newest);
    }
}

impl Checker for NeverBack {
    fn id(&self) -> &'static str {
        "O5"
    }

    fn observe(&mut self, event: &Event, facts: &Facts) {
        let What::Committed { lsn, peer, changes, .. } = &event.what else { return };
        let workload = Arc::clone(&self.workload);
        for change in changes.iter().filter(|change| change.table == workload.table) {
            for row in &change.inserted {
                let counter = change.value(row, COUNTER_COLUMN).and_then(|text| text.parse().ok());
                if let Some(counter) = counter {
                    self.wrote(key_of(&workload.key_columns, change, row), counter, *lsn, peer);
                }
            }
        }
        // After the rows: a file that inserts a key and deletes it leaves no row behind.
        for file in facts.ledgered_by(changes) {
            let held = workload.files.get(file).map_or(&[][..], |file| &file.changes[..]);
            let deletes = held.iter().map(|change| &workload.truth[*change]);
            for change in deletes.filter(|change| change.op == Op::Delete) {
                let newest = self.newest.entry(change.key.clone()).or_default();
                *newest = change.counter.max(*newest);
            }
        }
    }

    fn exercised(&self) -> u64 {
        self.exercised
    }

    fn take_violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;

    #[test]
    fn forward_is_fine_and_so_is_writing_the_same_row_again() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[1], &["1@1"], &["1@3"]);
        case.merge(&[], &["1@3"], &["1@3"]);
        let verdict = case.rest(&["1@3", "2@2"]);
        assert_eq!(verdict.of("O5"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O5"), 2);
    }

    #[test]
    fn an_older_row_over_a_newer_one_is_found() {
        let mut case = Case::new();
        case.merge(&[1], &[], &["1@3"]);
        case.merge(&[0], &["1@3"], &["1@1", "2@2"]);
        let found = case.rest(&["1@1", "2@2"]).of("O5");
        assert_eq!(found, ["commit 2 by worker-1 wrote change 1 of key 1 over change 3"]);
    }

    #[test]
    fn a_deleted_key_that_an_older_file_brings_back_is_found_at_that_commit() {
        let mut case = Case::new();
        case.merge(&[2], &[], &[]);
        case.merge(&[0], &[], &["1@1", "2@2"]);
        let found = case.rest(&["1@1", "2@2"]).of("O5");
        assert_eq!(found, ["commit 2 by worker-1 wrote change 2 of key 2 over change 4"]);
    }
}
