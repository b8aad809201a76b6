//! Literals and their types.

use sqlparser::ast;

use super::bind::boolean;
use super::cast;
use super::error::SqlError;
use super::expr::Expr;
use super::scope::Typed;
use super::type_name;
use crate::value::{DataType, Numeric, Value};

/// A number takes the smallest of INTEGER, BIGINT, and NUMERIC(38, 0) that holds it; with a point
/// it is DOUBLE PRECISION.
pub(super) fn number(digits: &str) -> Result<Typed, SqlError> {
    let constant = |value, data_type| Ok(Typed::new(Expr::Constant(value), data_type, false));
    if let Ok(value) = digits.parse() {
        return constant(Value::Integer(value), DataType::Integer);
    }
    if let Ok(value) = digits.parse() {
        return constant(Value::Bigint(value), DataType::Bigint);
    }
    if let Ok(unscaled) = digits.parse::<i128>()
        && unscaled.unsigned_abs() < 10_u128.pow(38)
    {
        let data_type = DataType::Numeric { precision: 38, scale: 0 };
        return constant(Value::Numeric(Numeric { unscaled, scale: 0 }), data_type);
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => constant(Value::Double(value), DataType::Double),
        _ => Err(SqlError::data(format!("the number {digits} is out of range"))),
    }
}

/// A literal of the grammar.
pub(super) fn literal(value: &ast::Value) -> Result<Typed, SqlError> {
    match value {
        ast::Value::Number(digits, false) => number(digits),
        ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => {
            let expr = Expr::Constant(Value::text(text));
            Ok(Typed { literal: true, ..Typed::new(expr, DataType::Text, false) })
        }
        ast::Value::Boolean(value) => Ok(boolean(Expr::Constant(Value::Boolean(*value)), false)),
        ast::Value::Null => Ok(Typed::new(Expr::Constant(Value::Null), DataType::Null, true)),
        other => Err(SqlError::unsupported(format!("the literal {other}"))),
    }
}

/// `DATE '…'` and its like.
pub(super) fn typed_string(typed: &ast::TypedString) -> Result<Typed, SqlError> {
    let to = type_name::resolve(&typed.data_type)?;
    let point = matches!(to, DataType::Date | DataType::Timestamp | DataType::TimestampTz);
    match &typed.value.value {
        ast::Value::SingleQuotedString(text) if point => {
            Ok(Typed::new(Expr::Constant(cast::cast(&Value::text(text), &to)?), to, false))
        }
        _ => Err(SqlError::unsupported(format!("the literal {typed}"))),
    }
}
