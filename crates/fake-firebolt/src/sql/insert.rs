//! INSERT, and the assignment of values to columns, which UPDATE and MERGE share.

use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::Span;

use super::bind::Binder;
use super::cast::{self, CastLevel};
use super::column_default::{is_default, missing};
use super::error::SqlError;
use super::execute::{check_nulls, refused};
use super::expr::{Env, Expr};
use super::plan::project;
use super::scope::{Scope, Typed, name_parts, single_name};
use crate::mvcc::{Table, Transaction};
use crate::quirks::Acceptance;
use crate::value::{Column, DataType, Row};

/// The position of a column of the target table.
pub(super) fn column_index(columns: &[Column], name: &str) -> Result<usize, SqlError> {
    columns
        .iter()
        .position(|column| &*column.name == name)
        .ok_or_else(|| SqlError::not_found(format!("Column '{name}' does not exist.")))
}

/// Makes a value fit a column, or refuses in the words of firebolt-semantics §7.
pub(super) fn assign(
    binder: &Binder<'_>,
    typed: Typed,
    column: &Column,
    span: Option<Span>,
) -> Result<Expr, SqlError> {
    let from = typed.data_type.clone();
    // A literal has no type yet that would need a cast.
    let level = match typed.literal && binder.ctx.quirks.literal_assignment == Acceptance::Accept {
        true => CastLevel::Explicit,
        false => CastLevel::Assignment,
    };
    binder.coerce(typed, &column.data_type, level).map(|typed| typed.expr).map_err(|error| {
        let error = match cast::level(&from, &column.data_type) {
            Some(CastLevel::Implicit | CastLevel::Assignment) => error,
            _ => SqlError::type_error(format!(
                "{from} can't be assigned to column {} of the type {}",
                column.name, column.data_type
            )),
        };
        match span {
            Some(span) => error.at(span),
            None => error,
        }
    })
}

/// Positions of the listed columns, or of all where none is listed.
pub(super) fn target_columns(
    table: &Table,
    listed: &[ast::ObjectName],
) -> Result<Vec<usize>, SqlError> {
    let columns = &table.schema.columns;
    if listed.is_empty() {
        return Ok((0..columns.len()).collect());
    }
    let mut targets = Vec::new();
    for name in listed {
        let name = single_name(name)?;
        let index = column_index(columns, &name)?;
        if targets.contains(&index) {
            return Err(SqlError::type_error(format!("column {name} is listed more than once")));
        }
        targets.push(index);
    }
    Ok(targets)
}

/// The refusal of more or fewer values than columns.
pub(super) fn wrong_width(values: usize, columns: usize) -> SqlError {
    SqlError::type_error(format!("INSERT has {values} values for {columns} columns"))
}

/// One expression per column of the table: its DEFAULT, or NULL.
pub(super) fn default_row(binder: &Binder<'_>, table: &Table) -> Result<Vec<Expr>, SqlError> {
    let schema = &table.schema;
    let columns = 0..schema.columns.len();
    columns
        .map(|column| missing(schema, column, binder.ctx.now_micros).map(Expr::Constant))
        .collect()
}

/// One expression per column of the table, its default where nothing is given.
pub(super) fn full_row(
    binder: &Binder<'_>,
    table: &Table,
    targets: &[usize],
    values: Vec<(Typed, Option<Span>)>,
) -> Result<Vec<Expr>, SqlError> {
    if values.len() != targets.len() {
        return Err(wrong_width(values.len(), targets.len()));
    }
    let mut row = default_row(binder, table)?;
    for (index, (typed, span)) in targets.iter().zip(values) {
        row[*index] = assign(binder, typed, &table.schema.columns[*index], span)?;
    }
    Ok(row)
}

fn check_plain(insert: &ast::Insert) -> Result<(), SqlError> {
    let plain = matches!(insert, ast::Insert {
        insert_token: _,
        optimizer_hints,
        or: None,
        ignore: false,
        into: true,
        table: ast::TableObject::TableName(_),
        table_alias: None,
        columns: _,
        by_name: false,
        overwrite: false,
        source: Some(_),
        assignments,
        partitioned: None,
        after_columns,
        overriding: None,
        has_table_keyword: false,
        on: None,
        returning: None,
        output: None,
        replace_into: false,
        priority: None,
        insert_alias: None,
        settings: None,
        format_clause: None,
        multi_table_insert_type: None,
        multi_table_into_clauses,
        multi_table_when_clauses,
        multi_table_else_clause: None,
    } if optimizer_hints.is_empty()
        && assignments.is_empty()
        && after_columns.is_empty()
        && multi_table_into_clauses.is_empty()
        && multi_table_when_clauses.is_empty());
    if plain {
        return Ok(());
    }
    Err(SqlError::unsupported(if insert.returning.is_some() {
        "INSERT … RETURNING"
    } else if insert.on.is_some() {
        "INSERT … ON CONFLICT"
    } else if insert.overwrite {
        "INSERT OVERWRITE"
    } else if insert.source.is_none() {
        "INSERT … DEFAULT VALUES"
    } else if insert.table_alias.is_some() {
        "INSERT INTO a table with an alias"
    } else {
        "this form of INSERT"
    }))
}

/// Runs INSERT … VALUES and INSERT … SELECT.
pub(super) fn run<'b>(
    insert: &'b ast::Insert,
    binder: &Binder<'b>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    check_plain(insert)?;
    let (ast::TableObject::TableName(name), Some(source)) = (&insert.table, &insert.source) else {
        return Err(SqlError::unsupported("this form of INSERT"));
    };
    let table = binder.table(&name_parts(name)?)?;
    let targets = target_columns(&table, &insert.columns)?;
    // Without a list of columns, fewer values than columns are the first columns' values.
    let listed = !insert.columns.is_empty();
    let fitting = |width: usize| match listed || width > targets.len() {
        true => targets.as_slice(),
        false => &targets[..width],
    };
    let rows = match source.body.as_ref() {
        ast::SetExpr::Values(values) if says_default(values) => {
            with_defaults(binder, &table, values, fitting)?
        }
        _ => {
            let relation = binder.query(source, None)?;
            let targets = fitting(relation.fields.len());
            let fields = relation.fields.into_iter().enumerate();
            let values = fields.map(|(index, field)| {
                let column = targets.get(index).map(|index| &table.schema.columns[*index]);
                let literal = field.data_type == DataType::Text
                    && column.is_some_and(|column| needs_cast(&column.data_type))
                    && is_literal(source, index);
                let typed = Typed::new(Expr::Column(index), field.data_type, field.nullable);
                (Typed { literal, ..typed }, None)
            });
            let exprs = full_row(binder, &table, targets, values.collect())?;
            let env = Env::default();
            let mut rows: Vec<Row> = Vec::new();
            for row in relation.plan.run(&env)? {
                rows.push(project(&exprs, &row, &env)?);
            }
            rows
        }
    };
    for row in &rows {
        check_nulls(&table.schema.columns, row, "INSERT INTO")?;
    }
    let name = &table.schema.name;
    txn.write_rows(name, &[], rows).map_err(|error| refused(error, name))
}

/// Whether TEXT becomes this type by a written cast only.
fn needs_cast(data_type: &DataType) -> bool {
    cast::level(&DataType::Text, data_type) == Some(CastLevel::Explicit)
}

/// Whether a column of VALUES holds nothing but string literals and NULL.
fn is_literal(source: &ast::Query, index: usize) -> bool {
    let ast::SetExpr::Values(values) = source.body.as_ref() else { return false };
    values.rows.iter().all(|row| match row.content.get(index) {
        Some(ast::Expr::Value(value)) => {
            matches!(value.value, ast::Value::SingleQuotedString(_) | ast::Value::Null)
        }
        _ => false,
    })
}

fn says_default(values: &ast::Values) -> bool {
    values.rows.iter().any(|row| row.content.iter().any(is_default))
}

/// VALUES in which some are DEFAULT: each row is bound by itself.
fn with_defaults<'b, 't>(
    binder: &Binder<'b>,
    table: &Table,
    values: &'b ast::Values,
    fitting: impl Fn(usize) -> &'t [usize],
) -> Result<Vec<Row>, SqlError> {
    let mut rows = Vec::with_capacity(values.rows.len());
    let width = values.rows.first().map_or(0, |row| row.content.len());
    for row in &values.rows {
        if row.content.len() != width {
            return Err(SqlError::type_error("VALUES lists must all be the same length"));
        }
        let targets = fitting(width);
        let (mut given, mut places) = (Vec::new(), Vec::new());
        if targets.len() != width {
            return Err(wrong_width(width, targets.len()));
        }
        for (expr, index) in row.content.iter().zip(targets) {
            if !is_default(expr) {
                given.push((binder.expr(expr, &Scope::default())?, Some(expr.span())));
                places.push(*index);
            }
        }
        let exprs = full_row(binder, table, &places, given)?;
        rows.push(project(&exprs, &[], &Env::default())?);
    }
    Ok(rows)
}
