//! First committer wins: what of a transaction collides with commits since its BEGIN, and how its
//! writes are put on top of a newer state.
//!
//! Only rewritten rows and DDL names are compared. Reads and inserts never are: that two
//! transactions can insert one key is the property this fake exists to show
//! (firebolt-semantics §1.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::Catalog;
use super::store::{Conflict, LogEntry};
use super::transaction::Transaction;
use crate::quirks::ConflictUnit;

/// Counts collisions of `txn` with the commits in `log`, which are those since its BEGIN.
pub(super) fn conflict_with<'a>(
    txn: &Transaction,
    log: impl Iterator<Item = &'a LogEntry>,
    unit: ConflictUnit,
) -> Option<Conflict> {
    let mut conflict = Conflict { rows: 0, transactions: 0, over_ddl: false };
    for entry in log {
        let collisions = collisions(txn, entry, unit);
        if collisions > 0 {
            conflict.rows += collisions;
            conflict.transactions += 1;
            conflict.over_ddl |= meets_ddl(txn, entry);
        }
    }
    (conflict.transactions > 0).then_some(conflict)
}

fn collisions(txn: &Transaction, entry: &LogEntry, unit: ConflictUnit) -> usize {
    let mut count = 0;
    for (id, writes) in &txn.writes {
        // A table that own DDL touched is counted once, with the names below.
        if writes.is_empty() || txn.ddl.contains_key(&writes.name) {
            continue;
        }
        if entry.ddl.contains(&writes.name) {
            count += 1;
            continue;
        }
        let Some(theirs) = entry.deleted_from(*id) else { continue };
        count += match unit {
            ConflictUnit::Row => {
                theirs.iter().filter(|row| writes.deleted.contains_key(row)).count()
            }
            ConflictUnit::Tablet if theirs.is_empty() || writes.deleted.is_empty() => 0,
            ConflictUnit::Tablet => writes.deleted.len(),
        };
    }
    let touched = |name: &Arc<str>| {
        entry.ddl.contains(name) || entry.written.contains(name) || entry.relied.contains(name)
    };
    count += txn.ddl.keys().filter(|name| touched(name)).count();
    // DDL is serialisable (firebolt-semantics §1.1): a view must not be made of a table that
    // somebody has just dropped.
    count + txn.relied.iter().filter(|name| entry.ddl.contains(*name)).count()
}

/// Whether a name is among what two that collide have done to each other.
fn meets_ddl(txn: &Transaction, entry: &LogEntry) -> bool {
    let written = txn.writes.values().map(|writes| &writes.name);
    let mut names = written.chain(txn.ddl.keys()).chain(&txn.relied);
    let theirs = |name: &Arc<str>| entry.written.contains(name) || entry.relied.contains(name);
    names.any(|name| entry.ddl.contains(name)) || txn.ddl.keys().any(theirs)
}

/// Where the own rows of a transaction begin in a newer state, by table id.
pub(super) type FirstOwn = BTreeMap<u64, u64>;

/// Puts the writes of `txn` on top of `base`.
pub(super) fn replay(base: &Arc<Catalog>, txn: &Transaction) -> (Arc<Catalog>, FirstOwn) {
    let mut result = Arc::clone(base);
    let state = Arc::make_mut(&mut result);
    let mut first_own = FirstOwn::new();
    for name in txn.ddl.keys() {
        match txn.view.tables.get(name) {
            Some(table) => state.tables.insert(name.clone(), table.clone()),
            None => state.tables.remove(name),
        };
        match txn.view.objects.get(name) {
            Some(object) => state.objects.insert(name.clone(), object.clone()),
            None => state.objects.remove(name),
        };
    }
    for (id, writes) in &txn.writes {
        if txn.owned.contains(id) {
            continue;
        }
        // A table that somebody dropped: validation has refused the commit already, and a
        // refreshed view simply no longer has it.
        let Some(table) = state.tables.get_mut(&writes.name).filter(|table| table.id == *id) else {
            continue;
        };
        let table = Arc::make_mut(table);
        let deleted: Vec<u64> = writes.deleted.keys().copied().collect();
        table.rows.remove(&deleted);
        first_own.insert(*id, table.rows.next_id());
        let own = txn.view.tables.get(&writes.name).filter(|table| table.id == *id);
        for row in own.iter().flat_map(|table| writes.own_rows(table)) {
            table.rows.insert(row.clone());
        }
    }
    (result, first_own)
}
