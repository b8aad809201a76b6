//! CREATE and DROP AGGREGATING INDEX: names in the catalogue, no more.
//!
//! An index changes how fast an answer comes and never the answer, so nothing is built here. Its
//! keys and aggregates are read by the grammar only.

use std::sync::Arc;

use super::bind::Binder;
use super::clone::index_names;
use super::context::Facts;
use super::definition::Definition;
use super::error::{SqlError, SqlErrorKind};
use super::execute::refused;
use crate::mvcc::{Catalog, Schema, Transaction};

/// Runs CREATE AGGREGATING INDEX.
pub(super) fn create(
    definition: &Definition,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let Definition::CreateIndex { if_not_exists, name, table, elements } = definition else {
        return Err(SqlError::internal("not a CREATE AGGREGATING INDEX"));
    };
    let table = Binder::new(catalog, facts).table(table)?;
    if index_names(catalog).contains(name) {
        if *if_not_exists {
            return Ok(());
        }
        let text = format!("index \"{name}\" already exists");
        return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
    }
    let elements: Vec<_> = elements.iter().map(ToString::to_string).collect();
    let index = (name.clone(), elements.join(", "));
    let add = |schema: &mut Schema| Arc::make_mut(&mut schema.extras).aggregating.push(index);
    let table = &table.schema.name;
    txn.alter_table(table, add, None).map_err(|error| refused(error, table))
}

/// Runs DROP AGGREGATING INDEX.
pub(super) fn drop(
    if_exists: bool,
    name: &str,
    catalog: &Catalog,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let owner = catalog
        .tables
        .values()
        .find(|table| table.schema.extras.aggregating.iter().any(|(other, _)| other == name));
    let Some(table) = owner else {
        let missing = || SqlError::not_found(format!("index \"{name}\" does not exist"));
        return if if_exists { Ok(()) } else { Err(missing()) };
    };
    let remove = |schema: &mut Schema| {
        Arc::make_mut(&mut schema.extras).aggregating.retain(|(other, _)| other != name);
    };
    let table = &table.schema.name;
    txn.alter_table(table, remove, None).map_err(|error| refused(error, table))
}
