//! A transaction: a snapshot, a private view of it with the own writes, and the record of those
//! writes that commit validates and replays.
//!
//! It must not touch the store: everything it does is lost by dropping it, which is ROLLBACK.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::catalog::{Catalog, Table};
use super::store::Store;
use crate::value::Row;

/// Why a write was refused; the SQL layer words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteError {
    /// No such table in the view.
    NoTable,
    /// A table or a view of that name is in the view.
    TableExists,
    /// A column of that name is in the table.
    ColumnExists,
}

/// The rows a transaction took from and gave to one table.
#[derive(Debug, Clone, Default)]
pub(super) struct TableWrites {
    /// The table's name.
    pub(super) name: Arc<str>,
    /// Rows that were there before the transaction: these are what conflicts are about.
    pub(super) deleted: BTreeMap<u64, Row>,
    /// Rows of the private view from this id on are own ones; commit gives them their final ids.
    pub(super) first_own: u64,
    /// How many own rows there are.
    pub(super) own: usize,
}

impl TableWrites {
    /// Whether nothing is left of what was written.
    pub(super) fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.own == 0
    }

    /// The own rows, as they are in `table`.
    pub(super) fn own_rows<'t>(&self, table: &'t Table) -> impl Iterator<Item = &'t Row> {
        table.rows.iter_from(self.first_own).map(|(_, row)| row)
    }
}

/// An open transaction. Dropping it is ROLLBACK.
#[derive(Debug)]
pub struct Transaction {
    /// State at BEGIN; holding it keeps the commit log long enough to validate against.
    pub(super) begin: Arc<Catalog>,
    /// What statements read: the snapshot with the own writes.
    pub(super) view: Arc<Catalog>,
    /// Writes by table id.
    pub(super) writes: BTreeMap<u64, TableWrites>,
    /// Names that own DDL touched, each with the table that was there at the snapshot.
    pub(super) ddl: BTreeMap<Arc<str>, Option<Arc<Table>>>,
    /// Names that own DDL took for granted without touching them: what a new view reads.
    pub(super) relied: BTreeSet<Arc<str>>,
    /// Tables created or altered here (by id): they commit whole, their rows need no replay.
    pub(super) owned: BTreeSet<u64>,
    /// Ids for tables created here; the store hands them out so that none is used twice.
    pub(super) table_ids: Arc<std::sync::atomic::AtomicU64>,
    pub(super) now_micros: i64,
}

impl Transaction {
    /// The state that statements of this transaction read.
    pub(crate) fn view(&self) -> &Arc<Catalog> {
        &self.view
    }

    /// Server time of BEGIN, microseconds since the epoch.
    #[must_use]
    pub fn began_micros(&self) -> i64 {
        self.now_micros
    }

    /// The last commit that the snapshot at BEGIN saw.
    #[must_use]
    pub fn begin_lsn(&self) -> u64 {
        self.begin.lsn
    }

    /// Whether there is anything to commit.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        !self.ddl.is_empty() || self.writes.values().any(|writes| !writes.is_empty())
    }

    /// Takes a newer snapshot and puts the own writes on top (quirk `snapshot = statement`).
    /// Commit still validates against everything since BEGIN.
    pub fn refresh_snapshot(&mut self, store: &Store) {
        if store.current().lsn == self.view.lsn {
            return;
        }
        let (view, first_own) = super::validate::replay(store.current(), self);
        self.view = view;
        for (id, first_own) in first_own {
            if let Some(writes) = self.writes.get_mut(&id) {
                writes.first_own = first_own;
            }
        }
    }

    pub(super) fn table_mut(&mut self, name: &str) -> Result<&mut Table, WriteError> {
        let view = Arc::make_mut(&mut self.view);
        view.tables.get_mut(name).map(Arc::make_mut).ok_or(WriteError::NoTable)
    }

    /// Takes rows out by id and puts new ones in. An update is one of each.
    pub(crate) fn write_rows(
        &mut self,
        name: &str,
        deleted: &[u64],
        inserted: Vec<Row>,
    ) -> Result<(), WriteError> {
        if deleted.is_empty() && inserted.is_empty() {
            return Ok(());
        }
        let table = self.table_mut(name)?;
        let (id, table_name, first_own) =
            (table.id, table.schema.name.clone(), table.rows.next_id());
        let removed = table.rows.remove(deleted);
        let added = inserted.len();
        for row in inserted {
            table.rows.insert(row);
        }
        let fresh = || TableWrites { name: table_name, first_own, ..TableWrites::default() };
        let writes = self.writes.entry(id).or_insert_with(fresh);
        writes.own += added;
        for (row_id, row) in removed {
            if row_id < writes.first_own {
                writes.deleted.insert(row_id, row);
            } else {
                writes.own -= 1;
            }
        }
        Ok(())
    }
}
