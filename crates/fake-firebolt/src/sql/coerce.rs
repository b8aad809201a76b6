//! Bringing operands to one type, by the levels of the cast matrix.

use sqlparser::ast::BinaryOperator;

use super::bind::Binder;
use super::bind_compare::comparable;
use super::cast::{self, CastLevel};
use super::error::SqlError;
use super::expr::Expr;
use super::scope::Typed;
use crate::value::DataType;

impl Binder<'_> {
    /// Brings a value to a type if the matrix allows it at that level.
    pub(super) fn coerce(
        &self,
        typed: Typed,
        to: &DataType,
        level: CastLevel,
    ) -> Result<Typed, SqlError> {
        if typed.data_type == *to {
            return Ok(typed);
        }
        if cast::level(&typed.data_type, to).is_none_or(|needed| needed > level) {
            return Err(cast::refused(&typed.data_type, to));
        }
        convert(typed, to)
    }
}

/// Converts; a constant at once, so that it is not converted again for every row.
pub(super) fn convert(typed: Typed, to: &DataType) -> Result<Typed, SqlError> {
    let expr = match typed.expr {
        Expr::Constant(value) => Expr::Constant(cast::cast(&value, to)?),
        other if typed.data_type == DataType::Null => other,
        other => Expr::Cast(Box::new(other), to.clone()),
    };
    Ok(Typed::new(expr, to.clone(), typed.nullable))
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

/// Brings two operands of an operator to one type.
pub(super) fn pair(a: Typed, b: Typed, op: &BinaryOperator) -> Result<(Typed, Typed), SqlError> {
    if is_comparison(op) {
        for operand in [&a, &b] {
            comparable(&operand.data_type, op)?;
        }
    }
    if a.data_type == b.data_type {
        return Ok((a, b));
    }
    let point =
        |t: &DataType| matches!(t, DataType::Date | DataType::Timestamp | DataType::TimestampTz);
    if a.literal && point(&b.data_type) {
        let a = convert(a, &b.data_type)?;
        return Ok((a, b));
    }
    if b.literal && point(&a.data_type) {
        let b = convert(b, &a.data_type)?;
        return Ok((a, b));
    }
    let target = match (&a.data_type, &b.data_type) {
        (DataType::Numeric { .. }, DataType::Numeric { .. }) => {
            return Err(SqlError::type_error(
                "Operations between decimals with different precision/scale are not supported",
            ));
        }
        (left, right) => cast::common(left, right).ok_or_else(|| {
            SqlError::type_error(format!("operator does not exist: {left} {op} {right}"))
        })?,
    };
    // A whole number next to a decimal needs all the digits there are, not the decimal's own.
    let wide = |typed: Typed| match (&typed.data_type, &target) {
        (DataType::Integer | DataType::Bigint, DataType::Numeric { scale, .. }) => {
            let wide = DataType::Numeric { precision: 38, scale: *scale };
            let mut typed = convert(typed, &wide)?;
            typed.data_type = target.clone();
            Ok(typed)
        }
        (from, to) if from == to => Ok(typed),
        _ => convert(typed, &target),
    };
    Ok((wide(a)?, wide(b)?))
}

/// Brings several results to one type.
pub(super) fn unify(results: Vec<Typed>, what: &str) -> Result<(Vec<Expr>, DataType), SqlError> {
    let mut target = DataType::Null;
    for result in results.iter().filter(|result| !result.literal) {
        target = common_result(&target, &result.data_type, what)?;
    }
    // A bare string literal becomes a date or a point in time if the others are.
    let point = matches!(target, DataType::Date | DataType::Timestamp | DataType::TimestampTz);
    if !point && results.iter().any(|result| result.literal) {
        target = common_result(&target, &DataType::Text, what)?;
    }
    let exprs = results.into_iter().map(|result| {
        if result.data_type == target {
            Ok(result.expr)
        } else {
            Ok(convert(result, &target)?.expr)
        }
    });
    Ok((exprs.collect::<Result<_, SqlError>>()?, target))
}

/// The type of a column that is fed by both types.
pub(super) fn common_result(a: &DataType, b: &DataType, what: &str) -> Result<DataType, SqlError> {
    cast::common(a, b)
        .ok_or_else(|| SqlError::type_error(format!("{what} types {a} and {b} cannot be matched")))
}
