//! DEFAULT of a column: what it may be, and what it is worth when a row needs it.
//!
//! Only literals and the four functions of the present moment are allowed (firebolt-semantics §5),
//! so a default never has to be bound again. It applies where a column is left out or said to be
//! DEFAULT; an explicit NULL stays NULL.

use sqlparser::ast::{self, FunctionArguments};

use super::bind::Binder;
use super::cast::{self, CastLevel};
use super::error::SqlError;
use super::expr::Expr;
use super::insert::assign;
use super::scope::Scope;
use crate::mvcc::{ColumnDefault, DefaultValue, Schema};
use crate::value::{Column, DataType, Value};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Reads the expression behind DEFAULT.
pub(super) fn read<'b>(
    expr: &'b ast::Expr,
    column: &Column,
    binder: &Binder<'b>,
) -> Result<ColumnDefault, SqlError> {
    let text = expr.to_string();
    let value = match moment(expr) {
        Some(moment) => {
            let from = type_of(&moment);
            let level = cast::level(&from, &column.data_type);
            if from != column.data_type && level.is_none_or(|level| level > CastLevel::Assignment) {
                return Err(SqlError::type_error(format!(
                    "{from} can't be assigned to column {} of the type {}",
                    column.name, column.data_type
                )));
            }
            moment
        }
        None if is_literal(expr) => {
            let typed = binder.expr(expr, &Scope::default())?;
            match assign(binder, typed, column, None)? {
                Expr::Constant(value) => DefaultValue::Literal(value),
                _ => return Err(refused(&column.name)),
            }
        }
        None => return Err(refused(&column.name)),
    };
    Ok(ColumnDefault { text, value })
}

fn refused(column: &str) -> SqlError {
    SqlError::type_error(format!(
        "the default of column {column} may only be a literal, CURRENT_DATE(), LOCALTIMESTAMP(), \
         CURRENT_TIMESTAMP(), or NOW()"
    ))
}

fn is_literal(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Value(_) | ast::Expr::TypedString(_) => true,
        ast::Expr::Nested(inner)
        | ast::Expr::UnaryOp { expr: inner, .. }
        | ast::Expr::Cast { expr: inner, .. } => is_literal(inner),
        ast::Expr::Array(array) => array.elem.iter().all(is_literal),
        _ => false,
    }
}

/// The function of the present moment that an expression is.
fn moment(expr: &ast::Expr) -> Option<DefaultValue> {
    let ast::Expr::Function(function) = expr else { return None };
    let empty = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::List(list) => list.args.is_empty() && list.clauses.is_empty(),
        FunctionArguments::Subquery(_) => false,
    };
    if !empty || function.over.is_some() || function.filter.is_some() {
        return None;
    }
    match function.name.to_string().to_lowercase().as_str() {
        "current_date" => Some(DefaultValue::CurrentDate),
        "localtimestamp" => Some(DefaultValue::LocalTimestamp),
        "current_timestamp" | "now" => Some(DefaultValue::CurrentTimestamp),
        _ => None,
    }
}

fn type_of(moment: &DefaultValue) -> DataType {
    match moment {
        DefaultValue::Literal(_) => DataType::Null,
        DefaultValue::CurrentDate => DataType::Date,
        DefaultValue::LocalTimestamp => DataType::Timestamp,
        DefaultValue::CurrentTimestamp => DataType::TimestampTz,
    }
}

/// The value at a moment, as a value of the column.
pub(super) fn value(
    default: &ColumnDefault,
    to: &DataType,
    now_micros: i64,
) -> Result<Value, SqlError> {
    let now = match &default.value {
        DefaultValue::Literal(value) => return Ok(value.clone()),
        DefaultValue::CurrentDate => {
            Value::Date(i32::try_from(now_micros.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX))
        }
        DefaultValue::LocalTimestamp => Value::Timestamp(now_micros),
        DefaultValue::CurrentTimestamp => Value::TimestampTz(now_micros),
    };
    cast::cast(&now, to)
}

/// What a column of a new row is if nothing is said about it.
pub(super) fn missing(schema: &Schema, column: usize, now_micros: i64) -> Result<Value, SqlError> {
    match schema.default_of(column) {
        None => Ok(Value::Null),
        Some(default) => value(default, &schema.columns[column].data_type, now_micros),
    }
}

/// Whether an expression is the word DEFAULT.
pub(super) fn is_default(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Identifier(name)
        if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("DEFAULT"))
}
