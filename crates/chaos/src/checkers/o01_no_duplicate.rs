//! O1: no key has two rows in the target, neither after any commit nor at rest.
//!
//! Counts the target's rows by key as commits insert and delete them, so that a duplicate that a
//! later merge happens to remove is found too: a reader may have seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{AtRest, Bench, Checker, Facts, KeyFault, Violation, key_of};
use crate::history::{Change, Event, What};
use crate::workload::Workload;

pub(super) struct NoDuplicate {
    workload: Arc<Workload>,
    rows: BTreeMap<String, i64>,
    told: BTreeSet<String>,
    exercised: u64,
    violations: Vec<Violation>,
}

impl NoDuplicate {
    pub(super) fn new(bench: &Bench) -> Self {
        NoDuplicate {
            workload: Arc::clone(&bench.workload),
            rows: BTreeMap::new(),
            told: BTreeSet::new(),
            exercised: 0,
            violations: Vec::new(),
        }
    }

    /// The key of each row, by the change's own columns.
    fn keys(&self, change: &Change, rows: &[Vec<Option<String>>]) -> Vec<String> {
        rows.iter().map(|row| key_of(&self.workload.key_columns, change, row)).collect()
    }

    fn tell(&mut self, key: &str, message: String) {
        if self.told.insert(key.to_owned()) {
            self.violations.push(Violation::of_key(self.id(), key, message));
        }
    }
}

impl Checker for NoDuplicate {
    fn id(&self) -> &'static str {
        "O1"
    }

    fn observe(&mut self, event: &Event, _facts: &Facts) {
        let What::Committed { lsn, peer, changes, .. } = &event.what else { return };
        let table = self.workload.table.clone();
        let mut inserted = BTreeSet::new();
        for change in changes.iter().filter(|change| change.table == table) {
            for key in self.keys(change, &change.deleted) {
                *self.rows.entry(key).or_default() -= 1;
            }
            for key in self.keys(change, &change.inserted) {
                *self.rows.entry(key.clone()).or_default() += 1;
                inserted.insert(key);
            }
        }
        self.exercised += u64::from(!inserted.is_empty());
        for key in inserted {
            let count = self.rows.get(&key).copied().unwrap_or(0);
            if count > 1 {
                let message =
                    format!("{table} key {key} has {count} rows after commit {lsn} by {peer}");
                self.tell(&key, message);
            }
        }
    }

    fn at_rest(&mut self, rest: &AtRest<'_>) {
        self.exercised += rest.rows.len() as u64;
        for key in rest.keys_with(KeyFault::Duplicate) {
            let message = format!("{} key {key} at rest: {}", self.workload.table, rest.shown(key));
            self.tell(key, message);
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
    fn one_row_a_key_is_fine() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[1], &["1@1"], &["1@3"]);
        let verdict = case.rest(&["1@3", "2@2"]);
        assert_eq!(verdict.of("O1"), Vec::<String>::new());
        assert!(verdict.exercised("O1") >= 2);
    }

    #[test]
    fn a_duplicate_is_found_though_it_goes_away_again() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1"]);
        case.merge(&[1], &[], &["1@3"]);
        case.merge(&[2], &["1@1"], &[]);
        let found = case.rest(&["1@3"]).of("O1");
        assert_eq!(found, ["users key 1 has 2 rows after commit 2 by worker-1"]);
    }

    #[test]
    fn a_duplicate_at_rest_is_found_without_any_commit() {
        let found = Case::new().rest(&["1@1", "1@1"]).of("O1");
        assert_eq!(found, ["users key 1 at rest: (counter 1, id 1) and (counter 1, id 1)"]);
    }
}
