//! The explicit transactions that are open, by the id the client repeats in each URL.
//!
//! Two requests of one transaction never run side by side: each waits for its turn, in the order
//! of arrival. A transaction is open exactly as long as it is in this table; who waited for a
//! turn has to look again, because the one before may have ended it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::mvcc::Transaction;

/// One open transaction, as the request whose turn it is holds it.
#[derive(Debug)]
pub(crate) struct Turn {
    /// `None` once a COMMIT has consumed it.
    pub(crate) transaction: Option<Transaction>,
    /// Something failed: nothing but ROLLBACK helps (firebolt-semantics §1.2).
    pub(crate) doomed: bool,
}

/// A turn that is held.
pub(crate) type HeldTurn = OwnedMutexGuard<Turn>;

/// The transactions by id.
#[derive(Debug, Default)]
pub(crate) struct OpenTransactions {
    by_id: BTreeMap<String, Arc<Mutex<Turn>>>,
}

impl OpenTransactions {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn open(&mut self, id: String, transaction: Transaction) {
        let turn = Turn { transaction: Some(transaction), doomed: false };
        self.by_id.insert(id, Arc::new(Mutex::new(turn)));
    }

    /// The queue for a turn; `None` when no such transaction is open.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Mutex<Turn>>> {
        self.by_id.get(id).cloned()
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Ends a transaction; what it wrote and did not commit is gone with its last holder.
    pub(crate) fn end(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// Ends all of them: an engine restart under the quirk `restart_transactions = lost`.
    pub(crate) fn end_all(&mut self) {
        self.by_id.clear();
    }
}
