//! The ground truth: what was committed, when, and at whose request.
//!
//! Clients are lied to by lost replies and canned errors; this list is not. It is appended to in
//! the order of commits and never rewritten.

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

/// Every commit that changed something, oldest first.
#[derive(Debug, Default)]
pub(crate) struct CommitLog {
    entries: Vec<Committed>,
}

impl CommitLog {
    /// Appends a commit.
    pub(crate) fn push(&mut self, entry: Committed) {
        if let Some(last) = self.entries.last() {
            // The store hands out one ascending sequence; a log that went back would make every
            // checker that reads it judge a history that never was.
            assert!(last.record.lsn < entry.record.lsn, "commits are logged out of order");
        }
        self.entries.push(entry);
    }

    /// A copy of the list; the records themselves are shared.
    pub(crate) fn snapshot(&self) -> Vec<Committed> {
        self.entries.clone()
    }
}
