//! Runs a statement inside a transaction.
//!
//! Every statement computes all of its changes before it applies the first: one that fails leaves
//! the transaction as it was.

use sqlparser::ast;

use super::bind::Binder;
use super::context::StatementContext;
use super::error::{SqlError, SqlErrorKind};
use super::expr::Env;
use super::statement::{Body, Statement, StatementKind};
use super::{copy_load, ddl, delete, insert, merge, meter, update};
use crate::mvcc::{Store, Transaction, WriteError};
use crate::quirks::SnapshotRule;
use crate::value::{Column, ResultSet, Row, Value};

/// Executes a statement in a transaction. BEGIN, COMMIT, ROLLBACK, USE, and SET are the server's.
///
/// # Errors
/// [`SqlError`]; the transaction's writes are then as before the statement.
pub fn execute(
    statement: &Statement,
    store: &Store,
    txn: &mut Transaction,
    ctx: &mut StatementContext<'_>,
) -> Result<ResultSet, SqlError> {
    if ctx.quirks.snapshot == SnapshotRule::Statement {
        txn.refresh_snapshot(store);
    }
    execute_on_snapshot(statement, txn, ctx)
}

/// The same on the snapshot that the transaction has: it needs no store, and so no lock.
pub(crate) fn execute_on_snapshot(
    statement: &Statement,
    txn: &mut Transaction,
    ctx: &mut StatementContext<'_>,
) -> Result<ResultSet, SqlError> {
    let _metered = meter::start(ctx.quirks, ctx.watch);
    let view = txn.view().clone();
    let binder = Binder::new(&view, ctx.facts());
    let parsed = match &statement.body {
        Body::Sql(parsed) => parsed.statement(),
        Body::Definition(definition) => return definition.run(&view, ctx.facts(), txn),
        Body::Copy(copy) => {
            return copy_load::run(copy, &binder, txn).map(|()| ResultSet::default());
        }
        // The server makes, changes and removes LOCATIONs when the statement takes effect.
        Body::Location(_) => return Ok(ResultSet::default()),
        Body::Name(_) | Body::Setting(..) | Body::None => return outside(statement.kind),
    };
    match parsed {
        ast::Statement::Query(query) => return select(query, &binder),
        ast::Statement::Insert(parsed) => insert::run(parsed, &binder, txn)?,
        ast::Statement::Update(parsed) => update::run(parsed, &binder, txn, ctx.random)?,
        ast::Statement::Delete(parsed) => delete::run(parsed, &binder, txn)?,
        ast::Statement::Merge(parsed) => merge::run(parsed, &binder, txn, ctx.random)?,
        ast::Statement::CreateTable(parsed) => {
            ddl::create(parsed, statement.clauses.as_deref(), &binder, txn)?;
        }
        ast::Statement::Truncate(parsed) => delete::truncate(parsed, &binder, txn)?,
        ast::Statement::Drop { .. } => ddl::drop(parsed, &binder, txn)?,
        other => {
            let text = other.to_string();
            let words: Vec<_> = text.split_whitespace().take(2).collect();
            return Err(SqlError::unsupported(format!("the statement {}", words.join(" "))));
        }
    }
    Ok(ResultSet::default())
}

fn outside(kind: StatementKind) -> Result<ResultSet, SqlError> {
    match kind {
        StatementKind::Nothing => Ok(ResultSet::default()),
        other => Err(SqlError::internal(format!("{other:?} is the server's to execute"))),
    }
}

fn select<'b>(query: &'b ast::Query, binder: &Binder<'b>) -> Result<ResultSet, SqlError> {
    let relation = binder.query(query, None)?;
    let rows = relation.plan.run(&Env::default())?;
    let columns = relation.fields.into_iter().map(|field| Column {
        name: field.name,
        data_type: field.data_type,
        nullable: field.nullable,
    });
    Ok(ResultSet { columns: columns.collect(), rows })
}

/// Words a refusal of the store.
pub(super) fn refused(error: WriteError, table: &str) -> SqlError {
    match error {
        WriteError::NoTable => SqlError::no_relation(table),
        WriteError::TableExists => {
            let text = format!("relation \"{table}\" already exists");
            SqlError::new(SqlErrorKind::AlreadyExists, text)
        }
        WriteError::ColumnExists => {
            let text = format!("column already exists in relation \"{table}\"");
            SqlError::new(SqlErrorKind::AlreadyExists, text)
        }
    }
}

/// Refuses NULL in NOT NULL columns, in the words of firebolt-semantics §4.
pub(super) fn check_nulls(columns: &[Column], row: &Row, statement: &str) -> Result<(), SqlError> {
    for (column, value) in columns.iter().zip(row.iter()) {
        if !column.nullable && matches!(value, Value::Null) {
            return Err(SqlError::data(format!(
                "The {statement} statement failed because it tried to insert a NULL into the \
                 column {}, which is NOT NULL. Please specify a value or redefine the column's \
                 logical constraints.",
                column.name
            )));
        }
    }
    Ok(())
}
