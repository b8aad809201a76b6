//! The cast matrix of firebolt-semantics §7, and the casts themselves.
//!
//! Which conversions happen by themselves, which only on assignment, and which only when written
//! out is what breaks real pipelines (a NUMERIC never changes its precision by itself), so the
//! table stands here in one place and must not be bypassed.

use std::sync::Arc;

use super::array_text;
use super::bind_struct::unnamed;
use super::bytes_text;
use super::datetime;
use super::error::SqlError;
use super::function_json;
use super::geography;
use super::numeric;
use crate::value::{DataType, Numeric, Struct, StructField, StructType, Value};

/// How strongly a cast is asked for. A cast is allowed where the table's level is at most that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CastLevel {
    /// Operands of an operator.
    Implicit,
    /// A value for a column.
    Assignment,
    /// CAST or `::`.
    Explicit,
}

/// The level at which a cast is allowed; `None` if never.
pub(super) fn level(from: &DataType, to: &DataType) -> Option<CastLevel> {
    use CastLevel::{Assignment as A, Explicit as E, Implicit as I};
    use DataType as T;
    if from == to || *from == T::Null {
        return Some(I);
    }
    Some(match (from, to) {
        (T::Integer, T::Bigint | T::Real | T::Double | T::Numeric { .. }) => I,
        (T::Integer | T::Bigint | T::Real | T::Double, T::Boolean) => E,
        (T::Bigint, T::Double | T::Numeric { .. }) => I,
        (T::Bigint, T::Integer | T::Real) => A,
        (T::Real, T::Double) => I,
        (T::Real, T::Integer | T::Bigint | T::Numeric { .. }) => A,
        (T::Double, T::Integer | T::Bigint | T::Real | T::Numeric { .. }) => A,
        (T::Numeric { .. }, T::Double) => I,
        (T::Numeric { .. }, T::Integer | T::Bigint) => A,
        (T::Numeric { .. }, T::Real | T::Numeric { .. }) => E,
        (T::Text, T::Numeric { .. } | T::Boolean | T::Bytea) => E,
        (T::Text, T::Integer | T::Bigint | T::Real | T::Double) => A,
        (T::Text, T::Date | T::Timestamp | T::TimestampTz | T::Array(_)) => A,
        (T::Bytea, T::Text) => E,
        (T::Boolean, T::Integer) => E,
        (T::Date | T::Timestamp | T::TimestampTz, T::Date | T::Timestamp | T::TimestampTz) => I,
        (T::Array(from), T::Array(to)) => return level(from, to),
        (T::Struct(from), T::Struct(to)) => return struct_level(from, to),
        // The one cast that there is of JSON; its scalars become values by JSON_VALUE.
        (T::Text, T::Json) => A,
        (T::Text, T::Geography) => A,
        (T::Bytea, T::Geography) | (T::Geography, T::Bytea) => I,
        (T::Bytea, _) => return None,
        (_, T::Text) if !from.has_no_text() => A,
        _ => return None,
    })
}

/// Field by field. Fields that were given no names take those of the target, on assignment as in a
/// written cast; what becomes of other names that differ is not known, so there is no such cast.
fn struct_level(from: &StructType, to: &StructType) -> Option<CastLevel> {
    if from.fields.len() != to.fields.len() {
        return None;
    }
    let pairs = || from.fields.iter().zip(&to.fields);
    let named_alike = pairs().all(|(from, to)| from.name == to.name);
    let unnamed = from.fields.iter().enumerate().all(|(at, field)| *field.name == unnamed(at));
    let least = match (named_alike, unnamed) {
        (true, _) => CastLevel::Implicit,
        (false, true) => CastLevel::Assignment,
        (false, false) => return None,
    };
    pairs().try_fold(least, |all, (from, to)| Some(all.max(level(&from.data_type, &to.data_type)?)))
}

/// The STRUCT whose fields hold the values of both.
fn common_struct(a: &StructType, b: &StructType) -> Option<DataType> {
    if a.fields.len() != b.fields.len() {
        return None;
    }
    let pairs = a.fields.iter().zip(&b.fields);
    let fields = pairs.map(|(a, b)| {
        let data_type = common(&a.data_type, &b.data_type).filter(|_| a.name == b.name)?;
        Some(StructField { name: a.name.clone(), data_type, nullable: a.nullable || b.nullable })
    });
    let fields = fields.collect::<Option<Vec<_>>>()?;
    Some(DataType::Struct(Arc::new(StructType { fields })))
}

/// The type both operands are brought to, if the table lets them meet by themselves.
pub(super) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    let implicit = |from, to| level(from, to) == Some(CastLevel::Implicit);
    match (a, b) {
        (T::Timestamp | T::Date, T::TimestampTz) | (T::TimestampTz, T::Timestamp | T::Date) => {
            Some(T::TimestampTz)
        }
        (T::Date, T::Timestamp) | (T::Timestamp, T::Date) => Some(T::Timestamp),
        (T::Integer | T::Bigint, T::Real) | (T::Real, T::Integer | T::Bigint) => Some(T::Double),
        (T::Numeric { .. }, T::Real) | (T::Real, T::Numeric { .. }) => Some(T::Double),
        (T::Struct(a), T::Struct(b)) => common_struct(a, b),
        // Each becomes the other by itself, so neither is the one that both become.
        (T::Geography, T::Bytea) | (T::Bytea, T::Geography) => None,
        (T::Array(a), T::Array(b)) if a.has_struct() && b.has_struct() => {
            Some(T::Array(Box::new(common(a, b)?)))
        }
        _ if implicit(a, b) => Some(b.clone()),
        _ if implicit(b, a) => Some(a.clone()),
        _ => None,
    }
}

fn unable(text: &str, to: &DataType) -> SqlError {
    SqlError::data(format!("Unable to cast text '{text}' to {to}"))
}

fn to_integer(value: i128) -> Result<Value, SqlError> {
    let small = i32::try_from(value);
    small.map(Value::Integer).map_err(|_| numeric::overflow(value, DataType::Integer))
}

fn to_bigint(value: i128) -> Result<Value, SqlError> {
    let fits = i64::try_from(value);
    fits.map(Value::Bigint).map_err(|_| numeric::overflow(value, DataType::Bigint))
}

fn whole(value: f64, to: &DataType) -> Result<i128, SqlError> {
    let inside = value.is_finite() && value.abs() < 1e30;
    inside.then(|| value.round() as i128).ok_or_else(|| numeric::overflow(value, to))
}

fn from_whole(value: i128, to: &DataType) -> Result<Value, SqlError> {
    Ok(match *to {
        DataType::Integer => to_integer(value)?,
        DataType::Bigint => to_bigint(value)?,
        DataType::Real => Value::Real(value as f32),
        DataType::Double => Value::Double(value as f64),
        DataType::Boolean => Value::Boolean(value != 0),
        DataType::Numeric { precision, scale } => {
            let value = Numeric { unscaled: value, scale: 0 };
            Value::Numeric(numeric::rescale(value, precision, scale)?)
        }
        _ => return Err(refused(&DataType::Bigint, to)),
    })
}

fn from_float(value: f64, to: &DataType) -> Result<Value, SqlError> {
    Ok(match *to {
        DataType::Integer => to_integer(whole(value, to)?)?,
        DataType::Bigint => to_bigint(whole(value, to)?)?,
        DataType::Double => Value::Double(value),
        DataType::Boolean => Value::Boolean(value != 0.0),
        DataType::Real => {
            let narrow = value as f32;
            if narrow.is_infinite() && value.is_finite() {
                let text = format!("{value} cannot be safely converted into type real");
                return Err(SqlError::data(text));
            }
            Value::Real(narrow)
        }
        DataType::Numeric { precision, scale } => {
            let value =
                numeric::from_f64(value, scale).ok_or_else(|| numeric::overflow(value, to))?;
            Value::Numeric(numeric::rescale(value, precision, scale)?)
        }
        _ => return Err(refused(&DataType::Double, to)),
    })
}

fn from_text(text: &str, to: &DataType) -> Result<Value, SqlError> {
    let trimmed = text.trim();
    let fail = || unable(text, to);
    Ok(match to {
        DataType::Integer => Value::Integer(trimmed.parse().map_err(|_| fail())?),
        DataType::Bigint => Value::Bigint(trimmed.parse().map_err(|_| fail())?),
        DataType::Real => Value::Real(trimmed.parse().map_err(|_| fail())?),
        DataType::Double => Value::Double(trimmed.parse().map_err(|_| fail())?),
        DataType::Numeric { precision, scale } => {
            let value = numeric::parse(text).ok_or_else(fail)?;
            Value::Numeric(numeric::rescale(value, *precision, *scale)?)
        }
        DataType::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "t" | "true" | "1" | "yes" | "y" | "on" => Value::Boolean(true),
            "f" | "false" | "0" | "no" | "n" | "off" => Value::Boolean(false),
            _ => {
                let text = format!("Invalid input syntax for type BOOLEAN: {text}");
                return Err(SqlError::data(text));
            }
        },
        DataType::Date => Value::Date(datetime::parse_date(text).ok_or_else(fail)?),
        DataType::Timestamp => {
            Value::Timestamp(datetime::parse_timestamp(text, false).ok_or_else(fail)?)
        }
        DataType::TimestampTz => {
            Value::TimestampTz(datetime::parse_timestamp(text, true).ok_or_else(fail)?)
        }
        DataType::Bytea => Value::Bytea(bytes_text::from_text(text).ok_or_else(fail)?.into()),
        DataType::Array(element) => array_text::parse(text, element)?,
        DataType::Geography => Value::Geography(geography::from_text(text)?),
        DataType::Json => Value::Json(function_json::kept(text)?.into()),
        _ => return Err(SqlError::unsupported(format!("a cast from text to {to}"))),
    })
}

fn from_micros(micros: i64, to: &DataType) -> Result<Value, SqlError> {
    Ok(match to {
        DataType::Date => {
            let day = i32::try_from(micros.div_euclid(datetime::DAY));
            Value::Date(day.map_err(|_| numeric::overflow(micros, to))?)
        }
        DataType::Timestamp => Value::Timestamp(micros),
        DataType::TimestampTz => Value::TimestampTz(micros),
        _ => return Err(refused(&DataType::Timestamp, to)),
    })
}

/// The text for a cast that the table does not have.
pub(super) fn refused(from: &DataType, to: &DataType) -> SqlError {
    SqlError::type_error(format!("Cannot cast {from} to {to}"))
}

/// Converts a value; the binder has made sure that the table allows it.
pub(super) fn cast(value: &Value, to: &DataType) -> Result<Value, SqlError> {
    let has_text =
        !matches!(value, Value::Null | Value::Text(_) | Value::Struct(_) | Value::Json(_));
    if *to == DataType::Text && has_text {
        return Ok(Value::text(&value.to_string()));
    }
    match value {
        Value::Null => Ok(Value::Null),
        Value::Boolean(flag) => match to {
            DataType::Boolean => Ok(value.clone()),
            DataType::Integer => Ok(Value::Integer(i32::from(*flag))),
            _ => Err(refused(&DataType::Boolean, to)),
        },
        Value::Integer(whole) => from_whole(i128::from(*whole), to),
        Value::Bigint(whole) => from_whole(i128::from(*whole), to),
        Value::Real(float) => from_float(f64::from(*float), to),
        Value::Double(float) => from_float(*float, to),
        Value::Numeric(decimal) => match to {
            DataType::Numeric { precision, scale } => {
                numeric::rescale(*decimal, *precision, *scale).map(Value::Numeric)
            }
            DataType::Real | DataType::Double => from_float(numeric::to_f64(*decimal), to),
            _ => {
                let whole =
                    numeric::divide_rounded(decimal.unscaled, numeric::power(decimal.scale));
                from_whole(whole, to)
            }
        },
        Value::Text(text) if *to == DataType::Text => Ok(Value::Text(text.clone())),
        Value::Text(text) => from_text(text, to),
        Value::Date(day) if *to != DataType::Date => {
            let micros =
                datetime::start_of_day(*day).ok_or_else(|| SqlError::data("date out of range"))?;
            from_micros(micros, to)
        }
        Value::Timestamp(micros) | Value::TimestampTz(micros) => from_micros(*micros, to),
        Value::Array(items) => match to {
            DataType::Array(element) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| cast(item, element)).collect();
                Ok(Value::Array(items?.into()))
            }
            _ => Err(SqlError::unsupported(format!("a cast from an array to {to}"))),
        },
        Value::Struct(from) => match to {
            DataType::Struct(of) if of.fields.len() == from.values.len() => {
                let fields = from.values.iter().zip(&of.fields);
                let values = fields.map(|(value, field)| cast(value, &field.data_type));
                Ok(Struct::value(of.clone(), values.collect::<Result<_, _>>()?))
            }
            _ => Err(SqlError::unsupported(format!("a cast from a struct to {to}"))),
        },
        Value::Bytea(bytes) if *to == DataType::Geography => {
            geography::from_wkb(bytes).map(Value::Geography)
        }
        Value::Geography(bytes) if *to == DataType::Bytea => Ok(Value::Bytea(bytes.clone())),
        Value::Date(_) | Value::Bytea(_) | Value::Geography(_) => Ok(value.clone()),
        Value::Json(_) if *to == DataType::Json => Ok(value.clone()),
        Value::Json(_) => Err(refused(&DataType::Json, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix as firebolt-semantics §7 and the vendor's page on data types write it, one letter per pair: I by itself, A on
    /// assignment, E when written out, `-` never. Where the table there is silent (REAL to DOUBLE,
    /// dates to TEXT), the letter follows its neighbours.
    const MATRIX: [&str; 13] = [
        // boo int big rea dou num tex dat tim tz  byt geo jso
        "I E - - - - A - - - - - -", // boolean
        "E I I I I I A - - - - - -", // integer
        "E A I A I I A - - - - - -", // bigint
        "E A A I I A A - - - - - -", // real
        "E A A A I A A - - - - - -", // double precision
        "- A A E I I A - - - - - -", // numeric
        "E A A A A E I A A A E A A", // text
        "- - - - - - A I I I - - -", // date
        "- - - - - - A I I I - - -", // timestamp
        "- - - - - - A I I I - - -", // timestamptz
        "- - - - - - E - - - I I -", // bytea
        "- - - - - - A - - - I I -", // geography
        "- - - - - - - - - - - - I", // json
    ];

    fn types() -> [DataType; 13] {
        let numeric = DataType::Numeric { precision: 12, scale: 2 };
        [
            DataType::Boolean,
            DataType::Integer,
            DataType::Bigint,
            DataType::Real,
            DataType::Double,
            numeric,
            DataType::Text,
            DataType::Date,
            DataType::Timestamp,
            DataType::TimestampTz,
            DataType::Bytea,
            DataType::Geography,
            DataType::Json,
        ]
    }

    #[test]
    fn matrix() {
        for (from, line) in types().iter().zip(MATRIX) {
            for (to, letter) in types().iter().zip(line.split(' ')) {
                let expected = match letter {
                    "I" => Some(CastLevel::Implicit),
                    "A" => Some(CastLevel::Assignment),
                    "E" => Some(CastLevel::Explicit),
                    _ => None,
                };
                assert_eq!(level(from, to), expected, "{from} to {to}");
            }
        }
        let numeric = |precision, scale| DataType::Numeric { precision, scale };
        assert_eq!(level(&numeric(38, 0), &numeric(20, 0)), Some(CastLevel::Explicit));
        assert_eq!(level(&numeric(20, 0), &numeric(38, 0)), Some(CastLevel::Explicit));
    }

    /// Every pair that the matrix allows must convert some value, never end in an internal error.
    #[test]
    fn allowed_casts_are_implemented() {
        let sample = |data_type: &DataType| match data_type {
            DataType::Boolean => Value::Boolean(true),
            DataType::Integer => Value::Integer(1),
            DataType::Bigint => Value::Bigint(1),
            DataType::Real => Value::Real(1.0),
            DataType::Double => Value::Double(1.0),
            DataType::Numeric { .. } => Value::Numeric(Numeric { unscaled: 100, scale: 2 }),
            DataType::Date => Value::Date(1),
            DataType::Timestamp => Value::Timestamp(1),
            DataType::TimestampTz => Value::TimestampTz(1),
            DataType::Bytea => Value::Bytea(geography::from_text("POINT(1 2)").expect("WKT")),
            DataType::Json => Value::Json(Arc::from("1")),
            DataType::Geography => {
                Value::Geography(geography::from_text("POINT(1 2)").expect("WKT"))
            }
            _ => Value::text("1"),
        };
        for from in types() {
            for to in types() {
                let point =
                    matches!(to, DataType::Date | DataType::Timestamp | DataType::TimestampTz);
                let value = match from {
                    DataType::Text if point => Value::text("2025-11-11"),
                    DataType::Text if to == DataType::Geography => Value::text("POINT(1 2)"),
                    _ => sample(&from),
                };
                if level(&from, &to).is_some() {
                    let result =
                        cast(&value, &to).unwrap_or_else(|e| panic!("{from} to {to}: {e}"));
                    let kind = std::mem::discriminant(&result);
                    assert_eq!(kind, std::mem::discriminant(&sample(&to)), "{from} to {to}");
                }
            }
        }
    }
}
