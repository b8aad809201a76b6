//! Values of a result, decoded by the type name that the server gave the column.
//!
//! Numbers that a float cannot hold exactly (NUMERIC, dates, time stamps) stay text as they came.
//! Nothing is refused here: what does not look like its type is kept as text, because a client that
//! rejects an unknown spelling fails on the next release of the server (firebolt-wire §5.3).

use std::borrow::Cow;

use serde_json::value::RawValue;

/// Deepest nesting of arrays that is decoded; what lies deeper stays text. Bounds the stack on a
/// hostile body.
const DEPTH_MAX: usize = 16;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// INT and BIGINT.
    Int(i64),
    /// REAL and DOUBLE PRECISION, including the infinities and NaN.
    Double(f64),
    /// TEXT, and as exact text: NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ, BYTEA (`\x…`), GEOGRAPHY,
    /// STRUCT (its JSON), and whatever is unknown.
    Text(String),
    /// ARRAY.
    Array(Vec<Value>),
}

impl Value {
    /// True for SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer; also one that came as text (BIGINT comes as text, NUMERIC always does).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Decodes one JSON value of a column of that shape.
    pub(crate) fn decode(shape: &Shape, raw: &RawValue) -> Value {
        decode_at(shape, raw, DEPTH_MAX)
    }
}

/// What the type name says about the JSON value.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Integer,
    Float,
    Boolean,
    Array(Box<Shape>),
    Exact,
}

impl Shape {
    /// Reads both spellings (`long`, `bigint`), any case, with or without a trailing ` null`.
    pub(crate) fn of(type_name: &str) -> Shape {
        Shape::of_lower(&type_name.to_ascii_lowercase(), DEPTH_MAX)
    }

    fn of_lower(name: &str, depth: usize) -> Shape {
        let name = name.trim();
        let name = name.strip_suffix(" null").unwrap_or(name).trim_end();
        match name {
            "int" | "integer" | "long" | "bigint" => Shape::Integer,
            "float" | "real" | "double" | "double precision" => Shape::Float,
            "boolean" | "bool" => Shape::Boolean,
            _ => match name.strip_prefix("array(").and_then(|rest| rest.strip_suffix(')')) {
                Some(inner) if depth > 0 => {
                    Shape::Array(Box::new(Shape::of_lower(inner, depth - 1)))
                }
                _ => Shape::Exact,
            },
        }
    }
}

fn decode_at(shape: &Shape, raw: &RawValue, depth: usize) -> Value {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'n') => Value::Null,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') => match text_of(json) {
            Ok(text) => of_text(shape, &text),
            Err(_) => Value::Text(json.to_owned()),
        },
        Some(b'[') if depth > 0 => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => {
                let inner = match shape {
                    Shape::Array(inner) => inner,
                    _ => &Shape::Exact,
                };
                Value::Array(items.iter().map(|item| decode_at(inner, item, depth - 1)).collect())
            }
            Err(_) => Value::Text(json.to_owned()),
        },
        Some(b'[' | b'{') => Value::Text(json.to_owned()),
        _ => of_text(shape, json),
    }
}

/// The text of a JSON string. Without an escape it is what stands between the quotes: the reader of
/// the body has looked at every byte of it already.
fn text_of(json: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match json.get(1..json.len() - 1) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str(json).map(Cow::Owned),
    }
}

/// Longs, infinities and decimals come as text or as a number; both end here.
fn of_text(shape: &Shape, text: &str) -> Value {
    let parsed = match shape {
        Shape::Integer => text.parse().ok().map(Value::Int),
        Shape::Float => text.parse().ok().map(Value::Double),
        Shape::Boolean => text.parse().ok().map(Value::Bool),
        Shape::Array(_) | Shape::Exact => None,
    };
    parsed.unwrap_or_else(|| Value::Text(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(type_name: &str, json: &str) -> Value {
        let raw: &RawValue = serde_json::from_str(json).expect("the test's own JSON is valid");
        Value::decode(&Shape::of(type_name), raw)
    }

    #[test]
    fn both_spellings_of_every_type_decode() {
        let table = [
            ("int", "1", Value::Int(1)),
            ("integer null", "1", Value::Int(1)),
            ("long", "\"9223372036854775807\"", Value::Int(i64::MAX)),
            ("BIGINT", "-5", Value::Int(-5)),
            ("long", "\"9223372036854775808\"", Value::Text("9223372036854775808".into())),
            ("float", "1.5", Value::Double(1.5)),
            ("double precision", "\"-inf\"", Value::Double(f64::NEG_INFINITY)),
            ("Decimal(38, 9)", "\"12.100000000\"", Value::Text("12.100000000".into())),
            ("numeric(38, 9)", "12.100000000", Value::Text("12.100000000".into())),
            ("text", "\"x'y\"", Value::Text("x'y".into())),
            ("text", "\"\"", Value::Text(String::new())),
            ("text", "\"a\\n\\u00e9\\\"\"", Value::Text("a\né\"".into())),
            ("text null", "null", Value::Null),
            ("boolean", "true", Value::Bool(true)),
            ("date", "\"2025-11-11\"", Value::Text("2025-11-11".into())),
            ("bytea", "\"\\\\x616263\"", Value::Text("\\x616263".into())),
            ("array(int null)", "[1,null]", Value::Array(vec![Value::Int(1), Value::Null])),
            (
                "array(array(long) null) null",
                "[[\"1\"]]",
                Value::Array(vec![Value::Array(vec![Value::Int(1)])]),
            ),
            ("struct(a int)", "{\"a\":1}", Value::Text("{\"a\":1}".into())),
            ("a type of next year", "7", Value::Text("7".into())),
        ];
        for (type_name, json, expected) in table {
            assert_eq!(decoded(type_name, json), expected, "{type_name} {json}");
        }
        assert!(matches!(decoded("double", "\"nan\""), Value::Double(nan) if nan.is_nan()));
    }

    #[test]
    fn deep_nesting_stays_text_instead_of_eating_the_stack() {
        let json = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let mut value = decoded(&"array(".repeat(5_000), &json);
        let mut depth = 0;
        while let Value::Array(mut items) = value {
            value = items.pop().expect("every level holds the next");
            depth += 1;
        }
        assert_eq!(depth, DEPTH_MAX);
        assert!(matches!(value, Value::Text(_)));
    }
}
