//! Scalar functions on numbers.
//!
//! Where the vendor's reference says that a decimal stays what it is (CEIL, FLOOR), it does, and
//! one that does not fit any more is an overflow; everything else is computed in doubles.

use super::arithmetic::{self, Operator};
use super::error::SqlError;
use super::function::{Resolved, whole};
use super::numeric;
use crate::value::{DataType, Numeric, Value};

/// A function on numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFunction {
    Ceil,
    Floor,
    Round,
    Trunc,
    Modulo,
    Power,
    Sqrt,
    Cbrt,
    Exp,
    Ln,
    Log,
    Sign,
    Pi,
    Sin,
    Cos,
    Tan,
    Cot,
    Asin,
    Acos,
    Atan,
    Atan2,
    Degrees,
    Radians,
    IsFinite,
    IsInfinite,
    ShiftLeft,
    ShiftRight,
}

impl NumberFunction {
    /// The function of a lower-case name for arguments of those types; `None` if there is none.
    pub(super) fn resolve(name: &str, given: &[DataType]) -> Option<Resolved<Self>> {
        use DataType as T;
        let double = |function, count| (function, vec![T::Double; count], T::Double);
        let count = given.len();
        let first = given.first().cloned().unwrap_or(T::Null);
        let (function, arguments, result) = match (name, count) {
            ("ceil" | "ceiling" | "floor" | "round" | "trunc", 1 | 2) => {
                let function = match name {
                    "floor" => Self::Floor,
                    "round" => Self::Round,
                    "trunc" => Self::Trunc,
                    _ => Self::Ceil,
                };
                let value = if matches!(first, T::Numeric { .. }) { first } else { T::Double };
                let mut arguments = vec![value.clone()];
                arguments.extend((count == 2).then_some(T::Integer));
                (function, arguments, value)
            }
            ("mod", 2) => {
                let big = given.contains(&T::Bigint);
                let whole = if big { T::Bigint } else { T::Integer };
                (Self::Modulo, vec![whole.clone(); 2], whole)
            }
            ("pow" | "power", 2) => double(Self::Power, 2),
            ("sqrt", 1) => double(Self::Sqrt, 1),
            ("cbrt", 1) => double(Self::Cbrt, 1),
            ("exp", 1) => double(Self::Exp, 1),
            ("ln", 1) => double(Self::Ln, 1),
            ("log", 1 | 2) => double(Self::Log, count),
            ("log10", 1) => double(Self::Log, 1),
            ("sign", 1) => double(Self::Sign, 1),
            ("pi", 0) => double(Self::Pi, 0),
            ("sin", 1) => double(Self::Sin, 1),
            ("cos", 1) => double(Self::Cos, 1),
            ("tan", 1) => double(Self::Tan, 1),
            ("cot", 1) => double(Self::Cot, 1),
            ("asin", 1) => double(Self::Asin, 1),
            ("acos", 1) => double(Self::Acos, 1),
            ("atan", 1) => double(Self::Atan, 1),
            ("atan2", 2) => double(Self::Atan2, 2),
            ("degrees", 1) => double(Self::Degrees, 1),
            ("radians", 1) => double(Self::Radians, 1),
            ("is_finite", 1) => (Self::IsFinite, vec![T::Double], T::Boolean),
            ("is_infinite", 1) => (Self::IsInfinite, vec![T::Double], T::Boolean),
            ("bit_shift_left" | "bit_shift_right", 2) => {
                let left = name == "bit_shift_left";
                let value = if first == T::Integer { T::Integer } else { T::Bigint };
                let function = if left { Self::ShiftLeft } else { Self::ShiftRight };
                (function, vec![value.clone(), T::Bigint], value)
            }
            _ => return None,
        };
        Some(Resolved { function, arguments, result })
    }

    pub(super) fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        match self {
            Self::Ceil | Self::Floor | Self::Round | Self::Trunc => self.rounded(values),
            Self::Modulo => {
                let result = match values[0] {
                    Value::Integer(_) => DataType::Integer,
                    _ => DataType::Bigint,
                };
                arithmetic::compute(Operator::Modulo, &values[0], &values[1], &result)
            }
            Self::ShiftLeft | Self::ShiftRight => self.shifted(values),
            _ => self.of_doubles(values),
        }
    }

    fn of_doubles(self, values: &[Value]) -> Result<Value, SqlError> {
        let number = |index: usize| match values.get(index) {
            Some(Value::Double(value)) => Ok(*value),
            _ => Err(SqlError::internal("a function got what is not a double")),
        };
        if self == Self::Pi {
            return Ok(Value::Double(std::f64::consts::PI));
        }
        let x = number(0)?;
        let domain = |holds: bool, what: &str| {
            if holds { Ok(()) } else { Err(SqlError::data(what)) }
        };
        let result = match self {
            Self::IsFinite => return Ok(Value::Boolean(x.is_finite())),
            Self::IsInfinite => return Ok(Value::Boolean(x.is_infinite())),
            Self::Power => {
                let y = number(1)?;
                domain(x != 0.0 || y >= 0.0, "zero raised to a negative power is undefined")?;
                let real = x >= 0.0 || y.fract() == 0.0 || y.is_nan();
                domain(real, "a negative number raised to a non-integer power is not real")?;
                finite(x.powf(y), &[x, y])?
            }
            Self::Sqrt => {
                domain(x >= 0.0 || x.is_nan(), "cannot take square root of a negative number")?;
                x.sqrt()
            }
            Self::Cbrt => x.cbrt(),
            Self::Exp => finite(x.exp(), &[x])?,
            Self::Ln => {
                domain(x > 0.0 || x.is_nan(), "cannot take logarithm of a number up to zero")?;
                x.ln()
            }
            Self::Log => {
                let (base, value) = if values.len() > 1 { (x, number(1)?) } else { (10.0, x) };
                let text = "cannot take logarithm of a number up to zero";
                domain(value > 0.0 || value.is_nan(), text)?;
                let text = "the base of a logarithm must be positive and not one";
                domain(base > 0.0 && base != 1.0 || base.is_nan(), text)?;
                if base == 10.0 {
                    value.log10()
                } else if base == 2.0 {
                    value.log2()
                } else {
                    value.ln() / base.ln()
                }
            }
            Self::Sign if x == 0.0 || x.is_nan() => x,
            Self::Sign => x.signum(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Cot => 1.0 / x.tan(),
            Self::Asin | Self::Acos => {
                domain(x.abs() <= 1.0 || x.is_nan(), "input is out of range")?;
                if self == Self::Asin { x.asin() } else { x.acos() }
            }
            Self::Atan => x.atan(),
            Self::Atan2 => x.atan2(number(1)?),
            Self::Degrees => x.to_degrees(),
            Self::Radians => x.to_radians(),
            _ => return Err(SqlError::internal(format!("{self:?} is computed elsewhere"))),
        };
        Ok(Value::Double(result))
    }

    /// CEIL, FLOOR, ROUND, and TRUNC to a number of digits, which may be negative.
    fn rounded(self, values: &[Value]) -> Result<Value, SqlError> {
        let digits = match values.get(1) {
            Some(digits) => whole(digits)?.clamp(-400, 400) as i32,
            None => 0,
        };
        match &values[0] {
            Value::Numeric(value) => self.rounded_decimal(*value, digits).map(Value::Numeric),
            Value::Double(value) => Ok(Value::Double(self.rounded_double(*value, digits))),
            _ => Err(SqlError::internal("rounding of what is not a number")),
        }
    }

    fn rounded_double(self, value: f64, digits: i32) -> f64 {
        let round = |value: f64| match self {
            Self::Ceil => value.ceil(),
            Self::Floor => value.floor(),
            Self::Trunc => value.trunc(),
            _ => value.round(),
        };
        if digits == 0 {
            return round(value);
        }
        // Both directions by a whole power of ten: 10^-n is no double, and would not round-trip.
        let power = 10_f64.powi(digits.abs());
        let (scaled, back): (f64, fn(f64, f64) -> f64) = if digits > 0 {
            (value * power, |value, power| value / power)
        } else {
            (value / power, |value, power| value * power)
        };
        if scaled.is_finite() && power.is_finite() { back(round(scaled), power) } else { value }
    }

    fn rounded_decimal(self, value: Numeric, digits: i32) -> Result<Numeric, SqlError> {
        let dropped = i32::from(value.scale) - digits;
        if dropped <= 0 {
            return Ok(value);
        }
        let Some(unit) = u32::try_from(dropped).ok().and_then(|d| 10_i128.checked_pow(d)) else {
            return Ok(Numeric { unscaled: 0, ..value });
        };
        let quotient = match self {
            Self::Ceil => -(-value.unscaled).div_euclid(unit),
            Self::Floor => value.unscaled.div_euclid(unit),
            Self::Trunc => value.unscaled / unit,
            _ => numeric::divide_rounded(value.unscaled, unit),
        };
        let unscaled = quotient.checked_mul(unit);
        unscaled
            .map(|unscaled| Numeric { unscaled, ..value })
            .ok_or_else(|| numeric::overflow(value, "numeric"))
    }

    fn shifted(self, values: &[Value]) -> Result<Value, SqlError> {
        let by = u32::try_from(whole(&values[1])?)
            .map_err(|_| SqlError::data("a shift must not be negative"))?;
        let shift = |value: i64| match self {
            Self::ShiftLeft => value.checked_shl(by).unwrap_or(0),
            _ => value.checked_shr(by).unwrap_or(if value < 0 { -1 } else { 0 }),
        };
        match values[0] {
            Value::Integer(value) => Ok(Value::Integer(shift(i64::from(value)) as i32)),
            Value::Bigint(value) => Ok(Value::Bigint(shift(value))),
            _ => Err(SqlError::internal("a shift of what is not a whole number")),
        }
    }
}

/// An infinity that none of the operands was is an overflow.
fn finite(result: f64, operands: &[f64]) -> Result<f64, SqlError> {
    if result.is_infinite() && operands.iter().all(|operand| operand.is_finite()) {
        return Err(numeric::overflow("the result", DataType::Double));
    }
    Ok(result)
}
