//! CREATE TABLE … CLONE: the columns, clauses, and rows of another table under a new name.
//!
//! No row is copied; both tables share them until one changes (firebolt-semantics §4).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bind::Binder;
use super::context::Facts;
use super::ddl;
use super::definition::{ClonedIndexes, Name};
use super::error::SqlError;
use super::execute::refused;
use crate::mvcc::{Catalog, Described, Extras, Schema, Transaction, WriteError};

/// What to do if the name is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    pub(super) or_replace: bool,
    pub(super) if_not_exists: bool,
}

/// Runs it.
pub(super) fn run(
    mode: Mode,
    name: &Name,
    source: &Name,
    indexes: &ClonedIndexes,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let binder = Binder::new(catalog, facts);
    let name = binder.table_name(name)?;
    let source = binder.table(source)?;
    let taken = catalog.table(&name).is_some() || catalog.view(&name).is_some();
    let mut names: BTreeSet<String> = index_names(catalog);
    if taken && mode.if_not_exists {
        return Ok(());
    }
    ddl::check_name(&name)?;
    let aggregating = cloned(&source.schema.extras, indexes, &mut names)?;
    let extras = Extras { aggregating, ..Extras::clone(&source.schema.extras) };
    let schema = Schema {
        name: Arc::from(name.as_str()),
        extras: Arc::new(extras),
        created_micros: facts.now_micros,
        described: Described::default(),
        ..Schema::clone(&source.schema)
    };
    if taken && mode.or_replace {
        if catalog.table(&name).is_none() {
            return Err(refused(WriteError::TableExists, &name));
        }
        ddl::drop_table(&name, false, catalog, txn)?;
    }
    txn.clone_table(&source, schema).map_err(|error| refused(error, &name))
}

/// Names of all aggregating indexes: they are unique in the database.
pub(super) fn index_names(catalog: &Catalog) -> BTreeSet<String> {
    let tables = catalog.tables.values();
    tables
        .flat_map(|table| &table.schema.extras.aggregating)
        .map(|(name, _)| name.clone())
        .collect()
}

fn cloned(
    extras: &Extras,
    indexes: &ClonedIndexes,
    taken: &mut BTreeSet<String>,
) -> Result<Vec<(String, String)>, SqlError> {
    if let ClonedIndexes::Only(listed) = indexes {
        let missing = |name: &&String| !extras.aggregating.iter().any(|(other, _)| other == *name);
        if let Some(name) = listed.iter().find(missing) {
            return Err(SqlError::not_found(format!("index \"{name}\" does not exist")));
        }
    }
    let wanted = |name: &String| match indexes {
        ClonedIndexes::All => true,
        ClonedIndexes::Only(listed) => listed.contains(name),
        ClonedIndexes::None => false,
    };
    let mut cloned = Vec::new();
    for (name, definition) in extras.aggregating.iter().filter(|(name, _)| wanted(name)) {
        let mut fresh = name.clone();
        let mut number = 0_u32;
        while !taken.insert(fresh.clone()) {
            number += 1;
            fresh = format!("{name}_{number}");
        }
        cloned.push((fresh, definition.clone()));
    }
    Ok(cloned)
}
