//! The explicit transactions that are open, by the id the client repeats in each URL.
//!
//! Two requests of one transaction never run side by side: each waits for its turn, in the order
//! of arrival. A transaction is open exactly as long as it is in this table; who waited for a
//! turn has to look again, because the one before may have ended it. One whose time is over (quirks
//! `transaction-idle-seconds`, `transaction-duration-seconds`) is found out by the next who looks:
//! no timer runs for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::transaction_log::{End, TransactionRecord};
use crate::ids::Lsn;
use crate::mvcc::Transaction;
use crate::quirks::Quirks;
use crate::server::{Inner, State};

/// One open transaction, as the request whose turn it is holds it.
#[derive(Debug)]
pub(crate) struct Turn {
    /// `None` once a COMMIT has consumed it.
    pub(crate) transaction: Option<Transaction>,
    /// Something failed: nothing but ROLLBACK helps (firebolt-semantics §1.2).
    pub(crate) doomed: bool,
    /// The step that the next statement has to name (quirk `transaction-sequence-id`).
    pub(crate) step: u64,
}

/// A turn that is held.
pub(crate) type HeldTurn = OwnedMutexGuard<Turn>;

/// The transactions by id.
#[derive(Debug, Default)]
pub(crate) struct OpenTransactions {
    by_id: BTreeMap<String, Entry>,
    /// Kept under the quirk `duplicate-commit = accept` only.
    committed: BTreeSet<String>,
}

#[derive(Debug)]
struct Entry {
    turn: Arc<Mutex<Turn>>,
    begin: Lsn,
    began_micros: i64,
    opened: Instant,
    touched: Instant,
}

impl Entry {
    fn is_over(&self, now: Instant, quirks: &Quirks) -> bool {
        let over = |since: Instant, seconds: u64| {
            seconds > 0 && now.saturating_duration_since(since) >= Duration::from_secs(seconds)
        };
        // While a statement runs, its transaction is not idle, however long that takes.
        let idles = self.turn.try_lock().is_ok();
        idles && over(self.touched, quirks.transaction_idle_seconds)
            || over(self.opened, quirks.transaction_duration_seconds)
    }
}

impl OpenTransactions {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn open(&mut self, id: String, begin: Lsn, transaction: Transaction, now: Instant) {
        let began_micros = transaction.began_micros();
        let turn = Turn { transaction: Some(transaction), doomed: false, step: 1 };
        let turn = Arc::new(Mutex::new(turn));
        self.by_id.insert(id, Entry { turn, begin, began_micros, opened: now, touched: now });
    }

    /// Remembers that a transaction of this id has committed.
    pub(super) fn remember_commit(&mut self, id: &str) {
        self.committed.insert(id.to_owned());
    }

    /// Whether a transaction of this id is remembered as committed.
    pub(super) fn has_committed(&self, id: &str) -> bool {
        self.committed.contains(id)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Begin, time of it, and whether it has failed, for each; one whose turn is taken has not.
    pub(crate) fn list(&self) -> impl Iterator<Item = (Lsn, i64, bool)> {
        self.by_id.values().map(|entry| {
            let doomed = entry.turn.try_lock().is_ok_and(|turn| turn.doomed);
            (entry.begin, entry.began_micros, doomed)
        })
    }
}

/// The queue for a turn; `None` when no such transaction is open, or not any more.
pub(super) fn queue(inner: &Inner, id: &str) -> Option<Arc<Mutex<Turn>>> {
    let (now, quirks) = (Instant::now(), &inner.config.quirks);
    let mut state = inner.state();
    let entry = state.transactions.by_id.get_mut(id)?;
    if entry.is_over(now, quirks) {
        end(inner, &mut state, id, End::Aborted);
        return None;
    }
    entry.touched = now;
    Some(Arc::clone(&entry.turn))
}

/// Notes that a statement of the transaction has just ended: it idles from here on.
pub(super) fn touch(inner: &Inner, id: &str) {
    // Without the quirk nobody ever looks.
    if inner.config.quirks.transaction_idle_seconds > 0
        && let Some(entry) = inner.state().transactions.by_id.get_mut(id)
    {
        entry.touched = Instant::now();
    }
}

/// Ends a transaction; what it wrote and did not commit is gone with its last holder.
pub(super) fn end(inner: &Inner, state: &mut State, id: &str, end: End) {
    if let Some(entry) = state.transactions.by_id.remove(id) {
        let record = TransactionRecord {
            begin: entry.begin,
            began_micros: entry.began_micros,
            ended_micros: inner.now_micros(),
            end,
        };
        state.transaction_log.push(record, inner.config.quirks.transactions_max);
    }
}

/// Ends all of them: an engine restart under the quirk `restart-transactions = lost`, or a restore.
pub(crate) fn end_all(inner: &Inner, state: &mut State) {
    while let Some(id) = state.transactions.by_id.keys().next().cloned() {
        end(inner, state, &id, End::Aborted);
    }
}

/// Ends those whose time is over, so that they count no longer.
pub(super) fn sweep(inner: &Inner, state: &mut State) {
    let quirks = &inner.config.quirks;
    if quirks.transaction_idle_seconds == 0 && quirks.transaction_duration_seconds == 0 {
        return;
    }
    let now = Instant::now();
    let over: Vec<String> = (state.transactions.by_id.iter())
        .filter(|(_, entry)| entry.is_over(now, quirks))
        .map(|(id, _)| id.clone())
        .collect();
    for id in over {
        end(inner, state, &id, End::Aborted);
    }
}
