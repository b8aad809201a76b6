//! DELETE and TRUNCATE.

use std::rc::Rc;

use sqlparser::ast;

use super::bind::Binder;
use super::bind_table::fields_of;
use super::error::SqlError;
use super::execute::refused;
use super::expr::Env;
use super::paired::Pairs;
use super::scope::{Scope, name_parts};
use super::update::target;
use crate::mvcc::Transaction;

/// Runs DELETE FROM … [USING …] [WHERE …]; without WHERE it deletes all rows.
pub(super) fn run<'b>(
    delete: &'b ast::Delete,
    binder: &Binder<'b>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let ast::Delete {
        delete_token: _,
        optimizer_hints,
        tables,
        from: ast::FromTable::WithFromKeyword(from),
        on_cluster: None,
        using,
        selection,
        returning: None,
        output: None,
        order_by,
        limit: None,
        settings: None,
    } = delete
    else {
        return Err(SqlError::unsupported(match (&delete.returning, &delete.limit) {
            (Some(_), _) => "DELETE … RETURNING",
            (None, Some(_)) => "DELETE … LIMIT",
            (None, None) => "this form of DELETE",
        }));
    };
    let [only] = from.as_slice() else {
        return Err(SqlError::unsupported("DELETE from several tables"));
    };
    let plain = optimizer_hints.is_empty() && tables.is_empty() && order_by.is_empty();
    if !plain || !only.joins.is_empty() {
        return Err(SqlError::unsupported("this form of DELETE"));
    }
    let (table, called) = target(binder, &only.relation)?;
    if let Some(using) = using {
        let pairs = Pairs::bind(binder, &table, &called, using, selection.as_ref())?;
        let deleted: Vec<u64> = pairs.run()?.into_keys().collect();
        let name = &table.schema.name;
        return txn.write_rows(name, &deleted, Vec::new()).map_err(|error| refused(error, name));
    }
    let scope = Scope::new(Rc::new(fields_of(&table.schema.columns, &called)), None);
    let condition = match selection {
        Some(selection) => Some(binder.condition(selection, &scope)?),
        None => None,
    };
    let env = Env::default();
    let mut deleted = Vec::new();
    for (id, row) in table.rows.iter() {
        let hit = match &condition {
            Some(condition) => condition.test(row, &env)? == Some(true),
            None => true,
        };
        if hit {
            deleted.push(id);
        }
    }
    let name = &table.schema.name;
    txn.write_rows(name, &deleted, Vec::new()).map_err(|error| refused(error, name))
}

/// Runs TRUNCATE TABLE.
pub(super) fn truncate(
    truncate: &ast::Truncate,
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let ast::Truncate {
        table_names,
        partitions: None,
        table: _,
        if_exists: false,
        identity: None,
        cascade: None,
        on_cluster: None,
    } = truncate
    else {
        return Err(SqlError::unsupported(match truncate.if_exists {
            true => "TRUNCATE TABLE IF EXISTS",
            false => "this form of TRUNCATE",
        }));
    };
    let [only] = table_names.as_slice() else {
        return Err(SqlError::unsupported("TRUNCATE of several tables"));
    };
    let table = binder.table(&name_parts(&only.name)?)?;
    let deleted: Vec<u64> = table.rows.iter().map(|(id, _)| id).collect();
    let name = &table.schema.name;
    txn.write_rows(name, &deleted, Vec::new()).map_err(|error| refused(error, name))
}
