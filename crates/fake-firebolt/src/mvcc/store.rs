//! The committed state, the log that commits are validated against, and commit itself.
//!
//! One database per store, one schema (`public`). The store must not decide when to commit: the
//! server does, between two phases of a request.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use super::catalog::{Catalog, Table};
use super::transaction::Transaction;
use super::validate;
use crate::quirks::Quirks;
use crate::value::{Column, Row};

/// Why a transaction was aborted at commit: nothing of it is visible, and it may be run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Rows (or names, for DDL) that somebody else changed first.
    pub rows: usize,
    /// How many committed transactions changed them.
    pub transactions: usize,
    /// Whether a table's name was among what was changed.
    pub over_ddl: bool,
}

/// Firebolt's own text (firebolt-semantics §8, field reports).
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Failed to commit transaction, error: 'detected {} conflicts with {} transactions on \
             transaction commit', code: 9",
            self.rows, self.transactions
        )
    }
}

impl std::error::Error for Conflict {}

/// What happened to a table in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// CREATE TABLE; `inserted` holds the rows of a CREATE TABLE AS.
    Created,
    /// DROP TABLE; its rows are not listed.
    Dropped,
    /// ALTER TABLE; `columns` are the new ones.
    Altered,
    /// Only rows changed.
    Rows,
}

/// The change of one table in one commit. An update is one deleted and one inserted row.
#[derive(Debug, Clone)]
pub struct TableChange {
    /// The table's name.
    pub table: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Its columns after the commit, so that a reader finds values by name.
    pub columns: Vec<Column>,
    /// Rows that the commit added.
    pub inserted: Vec<Row>,
    /// Rows that the commit took away.
    pub deleted: Vec<Row>,
}

/// The ground truth of one commit.
#[derive(Debug, Clone)]
pub struct CommitRecord {
    /// Position in the one order of commits; an empty transaction repeats the last one.
    pub lsn: u64,
    /// Server time of the commit, microseconds since the epoch.
    pub at_micros: i64,
    /// What changed, by table.
    pub changes: Vec<TableChange>,
}

/// What later commits have to be compared with. Lists rather than maps: while one transaction stays
/// open every commit leaves an entry behind, and most touch one table.
#[derive(Debug)]
pub(super) struct LogEntry {
    pub(super) lsn: u64,
    /// The state before this commit: while somebody holds it, or an older one, this entry may
    /// still be needed.
    before: Weak<Catalog>,
    pub(super) ddl: Vec<Arc<str>>,
    /// Names that its DDL took for granted.
    pub(super) relied: Vec<Arc<str>>,
    pub(super) written: Vec<Arc<str>>,
    /// Rows that it took away, by the id of their table, ascending.
    pub(super) deleted: Vec<(u64, Vec<u64>)>,
}

impl LogEntry {
    /// The rows that it took away from a table.
    pub(super) fn deleted_from(&self, table: u64) -> Option<&[u64]> {
        let at = self.deleted.binary_search_by_key(&table, |(id, _)| *id).ok()?;
        Some(&self.deleted[at].1)
    }
}

/// A state of all tables that the store can go back to. It shares everything with the store, so
/// that keeping one costs only what changes afterwards.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<Catalog>);

/// All committed data of one database.
#[derive(Debug)]
pub struct Store {
    quirks: Quirks,
    current: Arc<Catalog>,
    log: VecDeque<LogEntry>,
    table_ids: Arc<AtomicU64>,
}

impl Store {
    /// An empty database.
    #[must_use]
    pub fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            current: Arc::new(Catalog::default()),
            log: VecDeque::new(),
            table_ids: Arc::new(AtomicU64::new(1)),
        }
    }

    /// The quirks that the store was made with.
    #[must_use]
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// The number of the last commit.
    #[must_use]
    pub fn lsn(&self) -> u64 {
        self.current.lsn
    }

    /// Names of all committed tables, in order.
    #[must_use]
    pub fn table_names(&self) -> Vec<String> {
        self.current.tables.keys().map(ToString::to_string).collect()
    }

    pub(crate) fn current(&self) -> &Arc<Catalog> {
        &self.current
    }

    /// Commits that are kept for validation; zero when no transaction is open.
    #[must_use]
    pub fn log_len(&self) -> usize {
        self.log.len()
    }

    /// Opens a transaction on the last committed state. Costs one counter.
    #[must_use]
    pub fn begin(&self, now_micros: i64) -> Transaction {
        Transaction {
            begin: Arc::clone(&self.current),
            view: Arc::clone(&self.current),
            writes: BTreeMap::new(),
            ddl: BTreeMap::new(),
            relied: BTreeSet::new(),
            owned: BTreeSet::new(),
            table_ids: Arc::clone(&self.table_ids),
            now_micros,
        }
    }

    /// Validates and applies.
    ///
    /// # Errors
    /// [`Conflict`] when another commit since BEGIN changed what this one changed; nothing of the
    /// transaction is visible then, now or later.
    pub fn commit(&mut self, txn: Transaction, now_micros: i64) -> Result<CommitRecord, Conflict> {
        if !txn.has_writes() {
            let record =
                CommitRecord { lsn: self.current.lsn, at_micros: now_micros, changes: Vec::new() };
            drop(txn);
            self.prune();
            return Ok(record);
        }
        let begin_lsn = txn.begin.lsn;
        let since = self.log.iter().rev().take_while(|entry| entry.lsn > begin_lsn);
        if let Some(conflict) = validate::conflict_with(&txn, since, self.quirks.conflict_unit) {
            drop(txn);
            self.prune();
            return Err(conflict);
        }
        let mut next = if txn.view.lsn == self.current.lsn {
            Arc::clone(&txn.view)
        } else {
            validate::replay(&self.current, &txn).0
        };
        let lsn = self.current.lsn + 1;
        let record = CommitRecord { lsn, at_micros: now_micros, changes: changes_of(&txn, &next) };
        let entry = LogEntry {
            lsn,
            before: Arc::downgrade(&self.current),
            ddl: txn.ddl.keys().cloned().collect(),
            relied: txn.relied.iter().cloned().collect(),
            written: txn.writes.values().map(|writes| writes.name.clone()).collect(),
            deleted: (txn.writes.iter())
                .map(|(id, writes)| (*id, writes.deleted.keys().copied().collect()))
                .collect(),
        };
        // The transaction's own references go first, so that setting the number copies nothing.
        drop(txn);
        Arc::make_mut(&mut next).lsn = lsn;
        self.log.push_back(entry);
        self.current = next;
        self.prune();
        Ok(record)
    }

    /// The committed state of this moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::clone(&self.current))
    }

    /// Goes back to that state. Numbers of commits go on, and a transaction that is open now
    /// conflicts if it wrote to a table that this changes.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let mut next = Catalog::clone(&snapshot.0);
        next.lsn = self.current.lsn + 1;
        let mut changed = differing(&next.tables, &self.current.tables);
        changed.append(&mut differing(&next.objects, &self.current.objects));
        let entry = LogEntry {
            lsn: next.lsn,
            before: Arc::downgrade(&self.current),
            ddl: changed.into_iter().collect(),
            relied: Vec::new(),
            written: Vec::new(),
            deleted: Vec::new(),
        };
        self.log.push_back(entry);
        self.current = Arc::new(next);
        self.prune();
    }

    /// Forgets log entries that no open transaction can be validated against any more. Entries go
    /// from the front only: one whose own state is unused may still matter to an older snapshot.
    fn prune(&mut self) {
        while self.log.front().is_some_and(|entry| entry.before.strong_count() == 0) {
            self.log.pop_front();
        }
    }
}

/// The names that two states do not have in common, or have for different things.
fn differing<T>(
    one: &BTreeMap<Arc<str>, Arc<T>>,
    other: &BTreeMap<Arc<str>, Arc<T>>,
) -> BTreeSet<Arc<str>> {
    let same = |name: &Arc<str>| {
        one.get(name).zip(other.get(name)).is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    };
    one.keys().chain(other.keys()).filter(|name| !same(name)).cloned().collect()
}

fn changes_of(txn: &Transaction, next: &Catalog) -> Vec<TableChange> {
    let mut changes = Vec::new();
    for (name, before) in &txn.ddl {
        let after = next.tables.get(name);
        let same = matches!((before, after), (Some(b), Some(a)) if a.id == b.id);
        if let Some(before) = before.as_ref().filter(|_| !same) {
            changes.push(change(ChangeKind::Dropped, before));
        }
        if let Some(after) = after {
            let kind = if same { ChangeKind::Altered } else { ChangeKind::Created };
            let mut made = change(kind, after);
            if kind == ChangeKind::Created {
                made.inserted = after.rows.iter().map(|(_, row)| row.clone()).collect();
            }
            changes.push(made);
        }
    }
    for (id, writes) in &txn.writes {
        let Some(table) = next.tables.get(&writes.name).filter(|table| table.id == *id) else {
            continue;
        };
        let created = txn.owned.contains(id)
            && txn.begin.tables.get(&writes.name).is_none_or(|table| table.id != *id);
        if created || writes.is_empty() {
            continue;
        }
        let own = txn.view.tables.get(&writes.name).filter(|table| table.id == *id);
        changes.push(TableChange {
            inserted: own.iter().flat_map(|table| writes.own_rows(table)).cloned().collect(),
            deleted: writes.deleted.values().cloned().collect(),
            ..change(ChangeKind::Rows, table)
        });
    }
    changes
}

fn change(kind: ChangeKind, table: &Table) -> TableChange {
    TableChange {
        table: table.schema.name.to_string(),
        kind,
        columns: table.schema.columns.clone(),
        inserted: Vec::new(),
        deleted: Vec::new(),
    }
}
