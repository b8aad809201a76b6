//! O7: a file takes effect at most once: one ledger row, in the commit that changes the table.
//!
//! Both halves come from what the fake committed. The second half is what makes the first mean
//! anything: a commit that changes the target without a ledger row applied something that nobody
//! will recognise the next time.

use std::sync::Arc;

use super::{Bench, Checker, Facts, Violation};
use crate::history::{ChangeKind, Event, What};
use crate::workload::Workload;

pub(super) struct AppliedOnce {
    workload: Arc<Workload>,
    exercised: u64,
    violations: Vec<Violation>,
}

impl AppliedOnce {
    pub(super) fn new(bench: &Bench) -> Self {
        AppliedOnce { workload: Arc::clone(&bench.workload), exercised: 0, violations: Vec::new() }
    }
}

impl Checker for AppliedOnce {
    fn id(&self) -> &'static str {
        "O7"
    }

    fn observe(&mut self, event: &Event, facts: &Facts) {
        let What::Committed { lsn, peer, changes, .. } = &event.what else { return };
        let files = facts.ledgered_by(changes);
        for file in &files {
            self.exercised += 1;
            let rows = facts.ledger_rows.get(file).copied().unwrap_or(0);
            if rows > 1 {
                let name = facts.name(*file);
                let message =
                    format!("{name} was applied again by {peer}, commit {lsn}: {rows} ledger rows");
                self.violations.push(Violation::of_file("O7", *file, message));
            }
        }
        let changed = changes.iter().find(|change| {
            change.table == self.workload.table
                && change.kind == ChangeKind::Rows
                && !(change.inserted.is_empty() && change.deleted.is_empty())
        });
        if let (Some(change), true) = (changed, files.is_empty()) {
            let (came, went) = (change.inserted.len(), change.deleted.len());
            let message = format!(
                "commit {lsn} by {peer} changed {} ({came} rows in, {went} out) without a ledger row",
                change.table
            );
            self.violations.push(Violation::of_run("O7", message));
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
    fn a_file_a_commit_passes_and_so_do_two_files_in_one() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[1, 2], &["1@1", "2@2"], &["1@3"]);
        let verdict = case.rest(&["1@3"]);
        assert_eq!(verdict.of("O7"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O7"), 3);
    }

    #[test]
    fn a_second_ledger_row_is_found_in_one_commit_and_in_two() {
        let mut case = Case::new();
        case.merge(&[0, 0], &[], &["1@1", "2@2"]);
        assert_eq!(case.rest(&["1@1", "2@2"]).of("O7").len(), 2);
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[0], &[], &[]);
        let found = case.rest(&["1@1", "2@2"]).of("O7");
        let expected = "file 0 (20251111-100000000.parquet) was applied again by worker-1, \
                        commit 2: 2 ledger rows";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_change_without_a_ledger_row_is_found() {
        let mut case = Case::new();
        case.merge(&[], &[], &["1@1"]);
        let found = case.rest(&["1@1"]).of("O7");
        let expected = "commit 1 by worker-1 changed users (1 rows in, 0 out) without a ledger row";
        assert_eq!(found, [expected]);
    }
}
