//! The ground truth: what was committed, when, and at whose request.
//!
//! Clients are lied to by lost replies and canned errors; this list is not. It is appended to in
//! the order of commits and never rewritten.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::mvcc::CommitRecord;

/// One commit that changed something.
#[derive(Clone, Debug)]
pub struct Committed {
    /// When, on tokio's clock, since the server was made.
    pub at: Duration,
    /// Whose connection asked for it; `setup` for what was seeded without a connection.
    pub peer: Arc<str>,
    /// The deciding statement: COMMIT, or the autocommit statement itself.
    pub sql: Arc<str>,
    /// The transaction, if it was an explicit one.
    pub transaction: Option<Arc<str>>,
    /// What changed.
    pub record: Arc<CommitRecord>,
}

/// The commits that changed something, oldest first: all of them, or the latest so many.
#[derive(Debug)]
pub(crate) struct CommitLog {
    entries: VecDeque<Committed>,
    kept: usize,
    forgotten: u64,
}

impl CommitLog {
    /// A log that keeps so many commits. At least one, by which the next is known to be later.
    pub(crate) fn new(kept: usize) -> Self {
        Self { entries: VecDeque::new(), kept: kept.max(1), forgotten: 0 }
    }

    /// Appends a commit.
    pub(crate) fn push(&mut self, entry: Committed) {
        if let Some(last) = self.entries.back() {
            // The store hands out one ascending sequence; a log that went back would make every
            // checker that reads it judge a history that never was.
            assert!(last.record.lsn < entry.record.lsn, "commits are logged out of order");
        }
        if self.entries.len() == self.kept {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(entry);
    }

    /// A copy of the list; the records themselves are shared.
    pub(crate) fn snapshot(&self) -> Vec<Committed> {
        self.entries.iter().cloned().collect()
    }

    /// How many commits there were that it keeps no more.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(lsn: u64) -> Committed {
        let record = CommitRecord { lsn, at_micros: 0, changes: Vec::new() };
        Committed {
            at: Duration::ZERO,
            peer: Arc::from("worker-1"),
            sql: Arc::from("COMMIT"),
            transaction: None,
            record: Arc::new(record),
        }
    }

    #[test]
    fn the_oldest_are_forgotten_and_counted() {
        let mut log = CommitLog::new(2);
        (1..=5).for_each(|lsn| log.push(commit(lsn)));
        let kept: Vec<u64> = log.snapshot().iter().map(|commit| commit.record.lsn).collect();
        assert_eq!((kept, log.forgotten()), (vec![4, 5], 3));
        let mut log = CommitLog::new(usize::MAX);
        (1..=5).for_each(|lsn| log.push(commit(lsn)));
        assert_eq!((log.snapshot().len(), log.forgotten()), (5, 0));
    }

    #[test]
    #[should_panic(expected = "out of order")]
    fn a_log_of_one_still_knows_what_is_later() {
        let mut log = CommitLog::new(0);
        log.push(commit(2));
        log.push(commit(2));
    }
}
