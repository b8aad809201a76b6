//! Views: CREATE VIEW, DROP VIEW, and a view in FROM.
//!
//! A view is its query, bound anew where it is used (firebolt-semantics, S19): nothing is stored.
//! What it reads cannot be dropped, altered, or renamed under it without CASCADE.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast;

use super::bind::Binder;
use super::bind_table::Relation;
use super::context::Facts;
use super::ddl::check_name;
use super::definition::{Definition, Name};
use super::error::{SqlError, SqlErrorKind};
use super::execute::refused;
use crate::mvcc::{Catalog, Object, Transaction, View, WriteError};
use crate::value::{Column, DataType};

impl<'b> Binder<'b> {
    /// A view in FROM. It does not see the WITH queries around it.
    pub(super) fn view_relation(&self, view: &'b View) -> Result<Relation, SqlError> {
        let Some(query) = view.query.downcast_ref::<ast::Query>() else {
            return Err(SqlError::internal(format!("view {} without a query", view.name)));
        };
        let ctes = std::mem::take(&mut *self.ctes.borrow_mut());
        let reads = self.reads.take();
        // Each mention of a view is a query of its own, so what it draws is too.
        let once = self.volatile.borrow_mut().forget();
        let relation = self.nested(|| self.query(query, None));
        self.reads.replace(reads);
        self.volatile.borrow_mut().remember(once);
        self.ctes.replace(ctes);
        let mut relation = relation?;
        if relation.fields.len() != view.columns.len() {
            // Only CREATE OR REPLACE of a view that this one reads can do that.
            let text = format!("view \"{}\" no longer fits what it reads", view.name);
            return Err(SqlError::type_error(text));
        }
        for (field, column) in relation.fields.iter_mut().zip(&view.columns) {
            field.name.clone_from(&column.name);
        }
        Ok(relation.qualified(&view.name))
    }
}

/// Runs CREATE VIEW.
pub(super) fn create(
    definition: &Definition,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let Definition::CreateView { or_replace, if_not_exists, name, columns: names, query } =
        definition
    else {
        return Err(SqlError::internal("not a CREATE VIEW"));
    };
    let binder = Binder::new(catalog, facts);
    let name = binder.table_name(name)?;
    if catalog.table(&name).is_some() || catalog.view(&name).is_some() {
        if *if_not_exists {
            return Ok(());
        }
        if !or_replace || catalog.table(&name).is_some() {
            return Err(refused(WriteError::TableExists, &name));
        }
    }
    check_name(&name)?;
    binder.reads.replace(Some(BTreeSet::new()));
    let relation = binder.query(query, None)?;
    let reads = binder.reads.take().unwrap_or_default();
    if reads.iter().any(|read| **read == *name || depends(catalog, read, &name)) {
        return Err(SqlError::type_error(format!("view \"{name}\" would read itself")));
    }
    let mut columns: Vec<Column> = relation.fields.into_iter().map(column).collect();
    if !names.is_empty() {
        if names.len() != columns.len() {
            let text =
                format!("view \"{name}\" has {} names for {} columns", names.len(), columns.len());
            return Err(SqlError::type_error(text));
        }
        for (column, name) in columns.iter_mut().zip(names) {
            column.name = name.as_str().into();
        }
    }
    for (index, column) in columns.iter().enumerate() {
        check_name(&column.name)?;
        if columns[..index].iter().any(|other| other.name == column.name) {
            let text = format!("column \"{}\" specified more than once", column.name);
            return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
        }
    }
    let list = match names.as_slice() {
        [] => String::new(),
        _ => format!(" ({})", quoted(names)),
    };
    let view = View {
        definition: Arc::from(format!("CREATE VIEW \"{name}\"{list} AS {query}")),
        name: Arc::from(name.as_str()),
        query: Arc::clone(query) as Arc<dyn std::any::Any + Send + Sync>,
        columns,
        reads,
        created_micros: facts.now_micros,
    };
    txn.put_object(&name, Object::View(view)).map_err(|error| refused(error, &name))
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

fn column(field: super::scope::Field) -> Column {
    let data_type = match field.data_type {
        DataType::Null => DataType::Text,
        other => other,
    };
    Column { name: field.name, data_type, nullable: field.nullable }
}

/// Whether the view `from` reads `on`, at any distance.
fn depends(catalog: &Catalog, from: &str, on: &str) -> bool {
    let Some(view) = catalog.view(from) else { return false };
    view.reads.iter().any(|read| **read == *on || depends(catalog, read, on))
}

/// Runs DROP VIEW.
pub(super) fn drop(
    if_exists: bool,
    name: &Name,
    cascade: bool,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let name = Binder::new(catalog, facts).table_name(name)?;
    if catalog.view(&name).is_none() {
        // A table of that name is passed over too: dbt drops each model as both.
        return if if_exists { Ok(()) } else { Err(SqlError::no_relation(&name)) };
    }
    drop_readers(&format!("view \"{name}\""), &name, cascade, catalog, txn)?;
    txn.drop_object(&name).map_err(|error| refused(error, &name))
}

/// Drops the views that read `name`, or refuses because there are some.
pub(super) fn drop_readers(
    what: &str,
    name: &str,
    cascade: bool,
    catalog: &Catalog,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    if !cascade {
        return refuse_readers(&format!("drop {what}"), name, catalog);
    }
    let mut doomed: Vec<&View> = catalog.readers(name).collect();
    while let Some(view) = doomed.pop() {
        doomed.extend(catalog.readers(&view.name));
        // A view that reads two of them comes up twice.
        match txn.drop_object(&view.name) {
            Ok(()) | Err(WriteError::NoTable) => {}
            Err(error) => return Err(refused(error, &view.name)),
        }
    }
    Ok(())
}

/// Refuses what would take a table or a view away from under a view. The service's words are not
/// known; that it refuses is (firebolt-semantics §5).
pub(super) fn refuse_readers(action: &str, name: &str, catalog: &Catalog) -> Result<(), SqlError> {
    let readers: Vec<_> = catalog.readers(name).map(|view| format!("\"{}\"", view.name)).collect();
    if readers.is_empty() {
        return Ok(());
    }
    let readers = readers.join(", ");
    let text = format!("cannot {action} because other objects depend on it: view {readers}");
    Err(SqlError::new(SqlErrorKind::Data, text))
}
