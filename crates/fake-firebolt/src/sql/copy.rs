//! COPY … FROM: its own small parser, because sqlparser reads PostgreSQL's COPY only.
//!
//! Both option spellings of firebolt-semantics §4 are read: `WITH (A = b, C = d)` and
//! `WITH a = b c = d`. Options that would change what is loaded and that the fake does not have
//! are refused by name.

use super::bind::Binder;
use super::bind_table::{no_files, stack};
use super::cast::{self, CastLevel};
use super::error::SqlError;
use super::execute::{check_nulls, refused};
use super::external::ExternalRead;
use super::parse::Cursor;
use crate::mvcc::{Table, Transaction};
use crate::quirks::CopyNoMatch;
use crate::value::{Column, Row, Value};

/// A parsed COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyStatement {
    pub(super) table: Vec<String>,
    pub(super) read: ExternalRead,
    pub(super) auto_create: bool,
    pub(super) allow_column_mismatch: bool,
}

/// Reads what follows the word COPY.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<CopyStatement, SqlError> {
    cursor.accept_word("INTO");
    let table = cursor.object_name()?;
    if cursor.peek_symbol("(") {
        return Err(SqlError::unsupported("a column list in COPY"));
    }
    cursor.expect_word("FROM")?;
    let location = cursor.identifier("the name of a LOCATION")?;
    let mut copy = CopyStatement {
        table,
        read: ExternalRead { location, pattern: String::new() },
        auto_create: true,
        allow_column_mismatch: true,
    };
    if cursor.accept_word("WITH") {
        let parenthesised = cursor.accept_symbol("(");
        while !cursor.at_end() && !cursor.accept_symbol(")") {
            option(cursor, &mut copy)?;
            if parenthesised {
                cursor.accept_symbol(",");
            }
        }
    }
    cursor.expect_end()?;
    Ok(copy)
}

fn option(cursor: &mut Cursor<'_>, copy: &mut CopyStatement) -> Result<(), SqlError> {
    let name = cursor.identifier("an option of COPY")?.to_ascii_uppercase();
    cursor.expect_symbol("=")?;
    let value = cursor.scalar()?;
    let is = |expected: &str| value.eq_ignore_ascii_case(expected);
    let flag = match () {
        () if is("true") => Some(true),
        () if is("false") => Some(false),
        () => None,
    };
    match (name.as_str(), flag) {
        ("PATTERN", _) => copy.read.pattern = value,
        ("TYPE", _) if is("PARQUET") || is("AUTO") => {}
        ("AUTO_CREATE", Some(flag)) => copy.auto_create = flag,
        ("ALLOW_COLUMN_MISMATCH", Some(flag)) => copy.allow_column_mismatch = flag,
        ("MAX_ERRORS_PER_FILE", _) if is("0") || is("0%") => {}
        _ => return Err(SqlError::unsupported(format!("COPY … WITH {name} = {value}"))),
    }
    Ok(())
}

/// Runs COPY: appends to a table that is there, creates one that is not.
pub(super) fn run(
    copy: &CopyStatement,
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let name = binder.table_name(&copy.table)?;
    let files = binder.files(&copy.read)?;
    let existing = binder.view.table(&name).cloned();
    let Some((_, first)) = files.first() else {
        let empty = binder.ctx.quirks.copy_no_match == CopyNoMatch::Empty;
        return if empty && existing.is_some() { Ok(()) } else { Err(no_files(&copy.read)) };
    };
    let rows = stack(files, &first.columns)?;
    match existing {
        Some(table) => {
            let rows = fitted(copy, &first.columns, &rows, &table)?;
            txn.write_rows(&name, &[], rows).map_err(|error| refused(error, &name))
        }
        None if copy.auto_create => {
            // The file's own case: staging tables have a column "Op" (firebolt-semantics §4).
            let columns = first.columns.clone();
            txn.create_table(&name, columns, Vec::new(), binder.ctx.now_micros, rows)
                .map_err(|error| refused(error, &name))
        }
        None => Err(SqlError::no_relation(&name)),
    }
}

/// Rows of a file in the columns of a table, which are found by name, in any case.
fn fitted(
    copy: &CopyStatement,
    columns: &[Column],
    rows: &[Row],
    table: &Table,
) -> Result<Vec<Row>, SqlError> {
    let mut places = Vec::new();
    for column in &table.schema.columns {
        let exact = columns.iter().position(|other| other.name == column.name);
        let folded =
            || columns.iter().position(|other| other.name.eq_ignore_ascii_case(&column.name));
        let place = exact.or_else(folded);
        match place.map(|at| &columns[at].data_type) {
            None if !copy.allow_column_mismatch => {
                return Err(SqlError::not_found(format!("Couldn't find column {}", column.name)));
            }
            Some(from)
                if cast::level(from, &column.data_type) > Some(CastLevel::Assignment)
                    || cast::level(from, &column.data_type).is_none() =>
            {
                return Err(cast::refused(from, &column.data_type));
            }
            _ => places.push(place),
        }
    }
    let mut fitted = Vec::with_capacity(rows.len());
    for row in rows {
        let mut values = Vec::with_capacity(places.len());
        for (column, place) in table.schema.columns.iter().zip(&places) {
            values.push(match place {
                Some(at) if columns[*at].data_type == column.data_type => row[*at].clone(),
                Some(at) => cast::cast(&row[*at], &column.data_type)?,
                None => Value::Null,
            });
        }
        let row = Row::from(values);
        check_nulls(&table.schema.columns, &row, "INSERT INTO")?;
        fitted.push(row);
    }
    Ok(fitted)
}
