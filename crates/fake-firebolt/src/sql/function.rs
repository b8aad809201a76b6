//! Scalar functions: their signatures for the binder and what they compute.
//!
//! NULL in, NULL out, except where a function is about NULL.

use std::cmp::Ordering;

use md5::{Digest, Md5};

use super::city_hash;
use super::datetime::{self, Unit};
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::function_array::ArrayFunction;
use super::function_geography::GeographyFunction;
use super::function_json::JsonCall;
use super::function_number::NumberFunction;
use super::function_text::TextFunction;
use super::function_time::{TimeFunction, micros};
use crate::value::{DataType, Value};

/// A scalar function with its arguments' types settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Lower,
    Upper,
    Length,
    Md5,
    CityHash,
    /// CITY_HASH to which NULL is a value like any other.
    Hash,
    Trim,
    TrimStart,
    TrimEnd,
    Replace,
    Substring,
    Position,
    Left,
    Right,
    Concat,
    Coalesce,
    NullIf,
    Greatest,
    Least,
    Abs,
    DateDiff(Unit),
    DateTrunc(Unit),
    Text(TextFunction),
    Number(NumberFunction),
    Time(TimeFunction),
    Array(ArrayFunction),
    Geography(GeographyFunction),
    Json(JsonCall),
    /// The field of a STRUCT at that position.
    Field(usize),
}

/// A function that depends on the types of its arguments: which it is, what they become, what
/// comes out.
#[derive(Debug)]
pub(super) struct Resolved<F> {
    pub(super) function: F,
    pub(super) arguments: Vec<DataType>,
    pub(super) result: DataType,
}

impl<F> Resolved<F> {
    fn of(self, wrap: impl Fn(F) -> Function) -> Resolved<Function> {
        let Self { function, arguments, result } = self;
        Resolved { function: wrap(function), arguments, result }
    }
}

impl Resolved<Function> {
    /// Finds a function by its lower-case name and the types it is given.
    pub(super) fn find(name: &str, given: &[DataType]) -> Option<Self> {
        TextFunction::resolve(name, given)
            .map(|found| found.of(Function::Text))
            .or_else(|| NumberFunction::resolve(name, given).map(|f| f.of(Function::Number)))
            .or_else(|| ArrayFunction::resolve(name, given).map(|f| f.of(Function::Array)))
            .or_else(|| GeographyFunction::resolve(name, given).map(|f| f.of(Function::Geography)))
    }
}

/// How a function's arguments and result are typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signature {
    /// These argument types; the trailing ones beyond `required` may be left out.
    Fixed { arguments: &'static [DataType], required: usize, result: DataType },
    /// At least that many arguments, all brought to one type, which is the result's.
    Same { at_least: usize },
    /// Any arguments, each rendered as text.
    Texts,
    /// One number, whose type is the result's.
    Number,
}

const TEXTS: &[DataType] = &[DataType::Text, DataType::Text, DataType::Text];
const SUBSTRING: &[DataType] = &[DataType::Text, DataType::Bigint, DataType::Bigint];

fn texts(count: usize, result: DataType) -> Signature {
    Signature::Fixed { arguments: &TEXTS[..count], required: count, result }
}

impl Function {
    /// Finds a function by its lower-case name. DATE_DIFF and DATE_TRUNC are bound apart, because
    /// their first argument is not a value.
    pub(super) fn find(name: &str) -> Option<(Self, Signature)> {
        let text = || DataType::Text;
        let at =
            |required| Signature::Fixed { arguments: SUBSTRING, required, result: DataType::Text };
        let cut =
            Signature::Fixed { arguments: &SUBSTRING[..2], required: 2, result: DataType::Text };
        let trim = Signature::Fixed { arguments: &TEXTS[..2], required: 1, result: DataType::Text };
        Some(match name {
            "lower" => (Self::Lower, texts(1, text())),
            "upper" => (Self::Upper, texts(1, text())),
            "length" | "char_length" | "character_length" => {
                (Self::Length, texts(1, DataType::Integer))
            }
            "md5" => (Self::Md5, texts(1, text())),
            "trim" | "btrim" => (Self::Trim, trim),
            "ltrim" => (Self::TrimStart, trim),
            "rtrim" => (Self::TrimEnd, trim),
            "replace" => (Self::Replace, texts(3, text())),
            "substring" | "substr" => (Self::Substring, at(2)),
            "strpos" => (Self::Position, texts(2, DataType::Integer)),
            "left" => (Self::Left, cut),
            "right" => (Self::Right, cut),
            "concat" => (Self::Concat, Signature::Texts),
            "coalesce" | "ifnull" => (Self::Coalesce, Signature::Same { at_least: 1 }),
            "nullif" => (Self::NullIf, Signature::Same { at_least: 2 }),
            "greatest" => (Self::Greatest, Signature::Same { at_least: 1 }),
            "least" => (Self::Least, Signature::Same { at_least: 1 }),
            "abs" => (Self::Abs, Signature::Number),
            _ => return None,
        })
    }

    /// Whether the result can be NULL although no argument is.
    pub(super) fn makes_null(self) -> bool {
        match self {
            Self::NullIf => true,
            Self::Array(function) => function.makes_null(),
            Self::Geography(function) => function.makes_null(),
            _ => false,
        }
    }

    fn takes_null(self) -> bool {
        match self {
            Self::Text(function) => function.takes_null(),
            Self::Array(function) => function.takes_null(),
            Self::Hash => true,
            _ => false,
        }
    }

    /// Computes the function for a row.
    pub(super) fn call(
        self,
        arguments: &[Expr],
        row: &[Value],
        env: &Env<'_>,
    ) -> Result<Value, SqlError> {
        match self {
            Self::Coalesce => {
                for argument in arguments {
                    let value = argument.eval(row, env)?;
                    if !value.is_null() {
                        return Ok(value.into_owned());
                    }
                }
                return Ok(Value::Null);
            }
            Self::Greatest => return extreme(arguments, row, env, Ordering::Greater),
            Self::Least => return extreme(arguments, row, env, Ordering::Less),
            Self::Concat => {
                let mut joined = String::new();
                for argument in arguments {
                    let value = argument.eval(row, env)?;
                    if !value.is_null() {
                        joined.push_str(&value.to_string());
                    }
                }
                return Ok(Value::text(&joined));
            }
            _ => {}
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(argument.eval(row, env)?.into_owned());
        }
        if self == Self::NullIf {
            let equal = !values[0].is_null() && values[0] == values[1];
            return Ok(if equal { Value::Null } else { values.swap_remove(0) });
        }
        if values.iter().any(Value::is_null) && !self.takes_null() {
            return Ok(Value::Null);
        }
        self.compute(&values)
    }

    fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        match self {
            Self::Text(function) => return function.compute(values),
            Self::Number(function) => return function.compute(values),
            Self::Time(function) => return function.compute(values),
            Self::Array(function) => return function.compute(values),
            Self::Geography(function) => return function.compute(values),
            Self::Json(call) => return call.compute(values),
            Self::Field(at) => return field(&values[0], at),
            Self::CityHash | Self::Hash => return city_hash::hash_all(values),
            _ => {}
        }
        let text = |index: usize| match values.get(index) {
            Some(Value::Text(text)) => Ok(text.as_ref()),
            _ => Err(SqlError::internal("a function got what is not text")),
        };
        Ok(match self {
            // Only A to Z are letters to the real service (the vendor's page on TEXT).
            Self::Lower => Value::text(&text(0)?.to_ascii_lowercase()),
            Self::Upper => Value::text(&text(0)?.to_ascii_uppercase()),
            Self::Length => Value::Integer(count(text(0)?.chars().count())?),
            Self::Md5 => Value::text(&hex(&Md5::digest(text(0)?.as_bytes()))),
            Self::Trim | Self::TrimStart | Self::TrimEnd => {
                let set: Vec<char> =
                    if values.len() > 1 { text(1)?.chars().collect() } else { vec![' '] };
                let inside = |c: char| set.contains(&c);
                Value::text(match self {
                    Self::TrimStart => text(0)?.trim_start_matches(inside),
                    Self::TrimEnd => text(0)?.trim_end_matches(inside),
                    _ => text(0)?.trim_matches(inside),
                })
            }
            Self::Replace if text(1)?.is_empty() => Value::text(text(0)?),
            Self::Replace => Value::text(&text(0)?.replace(text(1)?, text(2)?)),
            Self::Position => {
                let found = text(0)?.find(text(1)?);
                let index = found.map_or(0, |at| text(0).unwrap_or("")[..at].chars().count() + 1);
                Value::Integer(count(index)?)
            }
            Self::Substring => substring(text(0)?, &values[1..])?,
            Self::Left | Self::Right => cut(text(0)?, &values[1], self == Self::Left)?,
            Self::Abs => absolute(&values[0])?,
            Self::DateDiff(unit) => {
                Value::Bigint(datetime::difference(unit, micros(&values[0])?, micros(&values[1])?))
            }
            Self::DateTrunc(unit) => {
                let start = datetime::truncate(unit, micros(&values[0])?);
                match &values[0] {
                    Value::TimestampTz(_) => Value::TimestampTz(start),
                    Value::Date(_) => super::cast::cast(&Value::Timestamp(start), &DataType::Date)?,
                    _ => Value::Timestamp(start),
                }
            }
            _ => return Err(SqlError::internal(format!("{self:?} is computed elsewhere"))),
        })
    }
}

fn field(value: &Value, at: usize) -> Result<Value, SqlError> {
    match value {
        Value::Struct(value) if at < value.values.len() => Ok(value.values[at].clone()),
        _ => Err(SqlError::internal("a field of what is no STRUCT")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn count(value: usize) -> Result<i32, SqlError> {
    i32::try_from(value).map_err(|_| SqlError::data("text is too long"))
}

/// A whole number that the binder has made a BIGINT or INTEGER.
pub(super) fn whole(value: &Value) -> Result<i64, SqlError> {
    match value {
        Value::Bigint(value) => Ok(*value),
        Value::Integer(value) => Ok(i64::from(*value)),
        _ => Err(SqlError::internal("a function got what is no whole number")),
    }
}

fn extreme(
    arguments: &[Expr],
    row: &[Value],
    env: &Env<'_>,
    wanted: Ordering,
) -> Result<Value, SqlError> {
    let mut best = Value::Null;
    for argument in arguments {
        let value = argument.eval(row, env)?;
        if !value.is_null() && (best.is_null() || value.as_ref().cmp(&best) == wanted) {
            best = value.into_owned();
        }
    }
    Ok(best)
}

/// Positions count from 1; a start before the text shortens the piece, as in PostgreSQL.
fn substring(text: &str, bounds: &[Value]) -> Result<Value, SqlError> {
    let start = whole(&bounds[0])?;
    let end = match bounds.get(1) {
        None => i64::MAX,
        Some(length) => {
            let length = whole(length)?;
            if length < 0 {
                return Err(SqlError::data("negative substring length not allowed"));
            }
            start.saturating_add(length)
        }
    };
    let inside = (1_i64..).zip(text.chars()).filter(|(at, _)| (start..end).contains(at));
    Ok(Value::text(&inside.map(|(_, c)| c).collect::<String>()))
}

/// LEFT and RIGHT; a negative number leaves that many off at the other end.
fn cut(text: &str, length: &Value, left: bool) -> Result<Value, SqlError> {
    let total = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let length = whole(length)?;
    let keep = if length < 0 { (total + length.max(-total)).max(0) } else { length.min(total) };
    let skip = if left { 0 } else { total - keep };
    let kept = text.chars().skip(skip as usize).take(keep as usize);
    Ok(Value::text(&kept.collect::<String>()))
}

fn absolute(value: &Value) -> Result<Value, SqlError> {
    let too_big = || SqlError::data("numeric overflow: absolute value out of range");
    Ok(match value {
        Value::Integer(value) => Value::Integer(value.checked_abs().ok_or_else(too_big)?),
        Value::Bigint(value) => Value::Bigint(value.checked_abs().ok_or_else(too_big)?),
        Value::Real(value) => Value::Real(value.abs()),
        Value::Double(value) => Value::Double(value.abs()),
        Value::Numeric(value) => {
            Value::Numeric(crate::value::Numeric { unscaled: value.unscaled.abs(), ..*value })
        }
        _ => return Err(SqlError::internal("ABS of what is not a number")),
    })
}
