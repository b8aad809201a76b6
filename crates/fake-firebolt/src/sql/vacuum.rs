//! VACUUM: rewrites the rows of a table, so that it conflicts with whoever changes them meanwhile.
//!
//! Nothing is gained by it here; that the first of two committers wins is what applications have
//! to live with (firebolt-semantics §1.3). Which tablets the service would pick is not known, so
//! all are rewritten.

use super::bind::Binder;
use super::clone::index_names;
use super::context::Facts;
use super::definition::Name;
use super::error::SqlError;
use super::execute::refused;
use super::meter;
use crate::mvcc::{Catalog, Transaction};

/// Runs it, on a table or on an aggregating index, which has no rows of its own here.
pub(super) fn run(
    name: &Name,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let table = match Binder::new(catalog, facts).table(name) {
        Ok(table) => table,
        Err(error) => match name.as_slice() {
            [only] if index_names(catalog).contains(only) => return Ok(()),
            _ => return Err(error),
        },
    };
    meter::passed(table.rows.len())?;
    let mut ids = Vec::new();
    let mut rows = Vec::new();
    for (id, row) in table.rows.iter() {
        ids.push(id);
        rows.push(row.clone());
    }
    let name = &table.schema.name;
    txn.write_rows(name, &ids, rows).map_err(|error| refused(error, name))
}
