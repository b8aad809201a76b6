//! ALTER TABLE: ADD COLUMN, MODIFY COLUMN, RENAME TO, OWNER TO, DROP PARTITION.
//!
//! What the vendor does not document (DROP COLUMN, RENAME COLUMN, another type) is refused by the
//! parser. A table under a view keeps its shape and its name (firebolt-semantics §5).

use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast::{self, BinaryOperator, Spanned};
use sqlparser::parser::Parser;

use super::bind::Binder;
use super::bind_table::fields_of;
use super::coerce::pair;
use super::column_default;
use super::context::Facts;
use super::ddl::{Declared, check_name, column};
use super::definition::{Name, TableChange};
use super::error::{SqlError, SqlErrorKind};
use super::execute::{check_nulls, refused};
use super::expr::{Comparison, Env, Expr};
use super::insert::column_index;
use super::parse::{parse_part, tokenize};
use super::scope::Scope;
use super::view::refuse_readers;
use crate::mvcc::{Catalog, Schema, Table, Transaction};
use crate::value::{Row, Value};

/// Runs ALTER TABLE.
pub(super) fn run(
    if_exists: bool,
    name: &Name,
    change: &TableChange,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    if if_exists && !matches!(change, TableChange::RenameTo(_)) {
        return Err(SqlError::unsupported("ALTER TABLE IF EXISTS other than RENAME TO"));
    }
    let binder = Binder::new(catalog, facts);
    let own = binder.table_name(name)?;
    if if_exists && catalog.table(&own).is_none() {
        return Ok(());
    }
    let table = binder.table(name)?;
    match change {
        TableChange::AddColumn { if_not_exists, column } => {
            add_column(&table, *if_not_exists, column, &binder, txn)
        }
        TableChange::MoveColumn { column, after } => {
            refuse_readers(&format!("alter table \"{own}\""), &own, catalog)?;
            move_column(&table, column, after.as_deref(), txn)
        }
        TableChange::RenameTo(to) => {
            // A bare name stays in the schema; a qualified one must name the same schema.
            let to = binder.table_name(to).map_err(|_| {
                SqlError::unsupported("ALTER TABLE … RENAME TO another schema or database")
            })?;
            check_name(&to)?;
            refuse_readers(&format!("rename table \"{own}\""), &own, catalog)?;
            txn.rename_table(&own, &to).map_err(|error| refused(error, &to))
        }
        TableChange::OwnerTo(owner) => {
            let owner = Some(owner.clone());
            let set = |schema: &mut Schema| Arc::make_mut(&mut schema.extras).owner = owner;
            txn.alter_table(&own, set, None).map_err(|error| refused(error, &own))
        }
        TableChange::DropPartition(values) => drop_partition(&table, values, &binder, txn),
    }
}

fn add_column(
    table: &Table,
    if_not_exists: bool,
    definition: &ast::ColumnDef,
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let inner = Binder::new(binder.view, binder.ctx);
    let Declared { column, default, unique } = column(definition, &inner)?;
    let name = &table.schema.name;
    if table.schema.columns.iter().any(|other| other.name == column.name) {
        if if_not_exists {
            return Ok(());
        }
        let text = format!("column \"{}\" of relation \"{name}\" already exists", column.name);
        return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
    }
    check_name(&column.name)?;
    refuse_readers(&format!("alter table \"{name}\""), name, binder.view)?;
    let value = match &default {
        Some(default) => column_default::value(default, &column.data_type, binder.ctx.now_micros)?,
        None => Value::Null,
    };
    if table.rows.len() > 0 {
        let row = Row::from([value.clone()]);
        check_nulls(std::slice::from_ref(&column), &row, "ALTER TABLE")?;
    }
    let added = column.name.clone();
    txn.add_column(name, column, &value).map_err(|error| refused(error, name))?;
    if default.is_none() && !unique {
        return Ok(());
    }
    let describe = |schema: &mut Schema| {
        let extras = Arc::make_mut(&mut schema.extras);
        if unique {
            extras.unique.insert(added.to_string());
        }
        if let Some(default) = default {
            extras.defaults.insert(added.to_string(), default);
        }
    };
    txn.alter_table(name, describe, None).map_err(|error| refused(error, name))
}

fn move_column(
    table: &Table,
    column: &str,
    after: Option<&str>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let columns = &table.schema.columns;
    let from = column_index(columns, column)?;
    let mut order: Vec<usize> = (0..columns.len()).filter(|at| *at != from).collect();
    let to = match after {
        None => 0,
        Some(other) => {
            let other = column_index(columns, other)?;
            let Some(at) = order.iter().position(|at| *at == other) else {
                let text = format!("column {column} cannot be placed after itself");
                return Err(SqlError::type_error(text));
            };
            at + 1
        }
    };
    order.insert(to, from);
    let reordered = order.iter().map(|at| columns[*at].clone()).collect();
    let reshape = |row: &Row| -> Row { order.iter().map(|at| row[*at].clone()).collect() };
    let name = &table.schema.name;
    txn.alter_table(name, |schema| schema.columns = reordered, Some(&reshape))
        .map_err(|error| refused(error, name))
}

/// DROP PARTITION deletes the rows whose partition key is the given one.
fn drop_partition(
    table: &Table,
    values: &[ast::Expr],
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let name = &table.schema.name;
    let texts = &table.schema.extras.partition_by;
    if texts.is_empty() {
        return Err(SqlError::type_error(format!("table \"{name}\" has no partitions")));
    }
    if texts.len() != values.len() {
        let text =
            format!("a partition of \"{name}\" has {} values, not {}", texts.len(), values.len());
        return Err(SqlError::type_error(text));
    }
    let keys = texts.iter().map(|text| parse_part(tokenize(text)?, Parser::parse_expr));
    let keys = keys.collect::<Result<Vec<_>, SqlError>>()?;
    let inner = Binder::new(binder.view, binder.ctx);
    let scope = Scope::new(Rc::new(fields_of(&table.schema.columns, name)), None);
    let mut equalities = Vec::new();
    for (key, value) in keys.iter().zip(values) {
        let (key, given) = (inner.expr(key, &scope)?, inner.expr(value, &Scope::default())?);
        let (key, given) =
            pair(key, given, &BinaryOperator::Eq).map_err(|error| error.at(value.span()))?;
        let (key, given) = (Box::new(key.expr), Box::new(given.expr));
        equalities.push(Expr::Compare(Comparison::Equal, key, given));
    }
    let condition = Expr::And(equalities);
    let env = Env::default();
    let mut deleted = Vec::new();
    for (id, row) in table.rows.iter() {
        if condition.test(row, &env)? == Some(true) {
            deleted.push(id);
        }
    }
    txn.write_rows(name, &deleted, Vec::new()).map_err(|error| refused(error, name))
}
