//! `+ - * / %` on operands of one type. Overflow is an error, never a wrap.

use super::error::SqlError;
use super::numeric;
use crate::value::{DataType, Numeric, Value};

/// A binary arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    /// Its symbol, for messages.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    /// The type of the result where both operands have the type `operand`; `None` where the
    /// operator is not defined, or its result type is not publicly known.
    pub(super) fn result(self, operand: &DataType) -> Option<DataType> {
        match (operand, self) {
            (DataType::Integer | DataType::Bigint, _) => Some(operand.clone()),
            (DataType::Real | DataType::Double, Self::Modulo) => None,
            (DataType::Real | DataType::Double, _) => Some(operand.clone()),
            // A decimal keeps its precision and scale in every operation (the vendor's page on
            // NUMERIC).
            (DataType::Numeric { .. }, Self::Modulo) => None,
            (DataType::Numeric { .. }, _) => Some(operand.clone()),
            _ => None,
        }
    }
}

fn division_by_zero() -> SqlError {
    SqlError::data("Division by zero")
}

fn whole(operator: Operator, a: i128, b: i128) -> Result<i128, SqlError> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide if b == 0 => return Err(division_by_zero()),
        Operator::Divide => a.checked_div(b),
        Operator::Modulo if b == 0 => return Err(division_by_zero()),
        Operator::Modulo => a.checked_rem(b),
    };
    result.ok_or_else(|| numeric::overflow(format!("{a} {} {b}", operator.symbol()), "numeric"))
}

fn float(operator: Operator, a: f64, b: f64) -> Result<f64, SqlError> {
    Ok(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide if b == 0.0 => return Err(division_by_zero()),
        Operator::Divide => a / b,
        Operator::Modulo => return Err(SqlError::unsupported("% on floating-point values")),
    })
}

/// Computes; NULL if an operand is NULL.
pub(super) fn compute(
    operator: Operator,
    a: &Value,
    b: &Value,
    result: &DataType,
) -> Result<Value, SqlError> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(a), Value::Integer(b)) => {
            let value = whole(operator, i128::from(*a), i128::from(*b))?;
            let small = i32::try_from(value);
            small.map(Value::Integer).map_err(|_| numeric::overflow(value, result))
        }
        (Value::Bigint(a), Value::Bigint(b)) => {
            let value = whole(operator, i128::from(*a), i128::from(*b))?;
            let fits = i64::try_from(value);
            fits.map(Value::Bigint).map_err(|_| numeric::overflow(value, result))
        }
        (Value::Real(a), Value::Real(b)) => {
            float(operator, f64::from(*a), f64::from(*b)).map(|value| Value::Real(value as f32))
        }
        (Value::Double(a), Value::Double(b)) => float(operator, *a, *b).map(Value::Double),
        (Value::Numeric(a), Value::Numeric(b)) => {
            let DataType::Numeric { precision, scale } = result else {
                return Err(SqlError::internal("a numeric sum without a numeric type"));
            };
            let scaled = numeric::power(a.scale);
            let value = match operator {
                Operator::Multiply => numeric::multiply_divide(a.unscaled, b.unscaled, scaled),
                Operator::Divide if b.unscaled == 0 => return Err(division_by_zero()),
                Operator::Divide => numeric::multiply_divide(a.unscaled, scaled, b.unscaled),
                _ => Some(whole(operator, a.unscaled, b.unscaled)?),
            };
            let value = value.ok_or_else(|| {
                numeric::overflow(format!("{a} {} {b}", operator.symbol()), result)
            })?;
            let value = Numeric { unscaled: value, scale: a.scale };
            numeric::rescale(value, *precision, *scale).map(Value::Numeric)
        }
        _ => Err(SqlError::internal("arithmetic on operands of different types")),
    }
}
