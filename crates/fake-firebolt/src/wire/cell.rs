//! One value in a result.
//!
//! Longs and decimals travel as strings, because JSON readers of other languages would round
//! them; infinities as strings, because JSON has none (firebolt-wire §5.3).

use std::fmt::Write as _;

use crate::value::Value;

/// Appends a value as a JSON cell.
pub(crate) fn push_json(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Integer(value) => push(out, format_args!("{value}")),
        Value::Real(value) if value.is_finite() => push(out, format_args!("{value}")),
        Value::Double(value) if value.is_finite() => push(out, format_args!("{value}")),
        Value::Text(text) => push_json_string(out, text),
        Value::Json(text) => out.push_str(text),
        Value::Array(elements) => {
            out.push('[');
            for (position, element) in elements.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                push_json(out, element);
            }
            out.push(']');
        }
        Value::Struct(value) => {
            out.push('{');
            for (position, (name, field)) in value.fields().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                push_json_string(out, name);
                out.push(':');
                push_json(out, field);
            }
            out.push('}');
        }
        Value::Bytea(bytes) => {
            // In JSON the backslash of the `\x` prefix is itself escaped.
            out.push_str("\"\\");
            push_text(out, &Value::Bytea(bytes.clone()));
            out.push('"');
        }
        // None of what is left needs escaping.
        other => {
            out.push('"');
            push_text(out, other);
            out.push('"');
        }
    }
}

/// A value as a JSON cell.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    push_json(&mut out, value);
    out
}

/// Appends a value as bare text, as TSV holds it before escaping. NULL is left to the format.
pub(crate) fn push_text(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Boolean(value) => out.push(if *value { 't' } else { 'f' }),
        Value::Integer(value) => push(out, format_args!("{value}")),
        Value::Bigint(value) => push(out, format_args!("{value}")),
        Value::Real(value) => push_float(out, f64::from(*value), format_args!("{value}")),
        Value::Double(value) => push_float(out, *value, format_args!("{value}")),
        Value::Text(text) | Value::Json(text) => out.push_str(text),
        // Exact decimals, dates, times and bytes read in a result as CAST to TEXT renders them.
        Value::Numeric(_)
        | Value::Date(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Bytea(_)
        | Value::Geography(_) => push(out, format_args!("{value}")),
        Value::Array(elements) => {
            out.push('[');
            for (position, element) in elements.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                match element {
                    Value::Text(text) => {
                        out.push('\'');
                        out.push_str(&text.replace('\'', "\\'"));
                        out.push('\'');
                    }
                    other => push_text(out, other),
                }
            }
            out.push(']');
        }
        // JDBC hands out the cell as it comes, and its tests expect JSON there.
        Value::Struct(_) => push_json(out, value),
    }
}

/// Appends a JSON string with its quotes.
pub(crate) fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[rest..at]);
        rest = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => push(out, format_args!("\\u{control:04x}")),
        }
    }
    out.push_str(&text[rest..]);
    out.push('"');
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes any text");
}

fn push_float(out: &mut String, value: f64, finite: std::fmt::Arguments<'_>) {
    if value.is_nan() {
        out.push_str("nan");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "inf" } else { "-inf" });
    } else {
        push(out, finite);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::value::{DataType, Numeric, Struct, StructField, StructType};

    #[test]
    fn every_kind_of_cell_as_the_clients_read_it() {
        let numeric = |unscaled, scale| Value::Numeric(Numeric { unscaled, scale });
        for (value, expected) in [
            (Value::Null, "null"),
            (Value::Boolean(true), "true"),
            (Value::Integer(-1), "-1"),
            (Value::Bigint(i64::MAX), "\"9223372036854775807\""),
            (Value::Real(1.5), "1.5"),
            (Value::Double(0.1), "0.1"),
            (Value::Double(f64::INFINITY), "\"inf\""),
            (Value::Double(f64::NEG_INFINITY), "\"-inf\""),
            (Value::Real(f32::NAN), "\"nan\""),
            (numeric(1_231_232_123_459_999, 9), "\"1231232.123459999\""),
            (numeric(-5, 2), "\"-0.05\""),
            (numeric(7, 0), "\"7\""),
            (Value::Text(Arc::from("x'\"y")), "\"x'\\\"y\""),
            (Value::Date(0), "\"1970-01-01\""),
            (Value::Timestamp(1_500_000), "\"1970-01-01 00:00:01.5\""),
            (Value::TimestampTz(-1), "\"1969-12-31 23:59:59.999999+00\""),
            (Value::Bytea(Arc::from(*b"abc")), "\"\\\\x616263\""),
            (Value::Json(Arc::from("{\"a\":[1]}")), "{\"a\":[1]}"),
            (Value::Geography(Arc::from(*b"\x01\xfe")), "\"01FE\""),
            (
                Value::Array(Arc::from([Value::Integer(1), Value::Null, Value::Integer(3)])),
                "[1,null,3]",
            ),
        ] {
            assert_eq!(json(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn a_struct_is_an_object_and_in_text_formats_its_json() {
        let field = |name: &str, data_type| StructField {
            name: Arc::from(name),
            data_type,
            nullable: true,
        };
        let of = StructType {
            fields: vec![
                field("a", DataType::Array(Box::new(DataType::Bigint))),
                field("b \"c", DataType::Text),
            ],
        };
        let items = Value::Array(Arc::from([Value::Bigint(1), Value::Null]));
        let value = Struct::value(Arc::new(of), vec![items, Value::text("x'y")]);
        let expected = "{\"a\":[\"1\",null],\"b \\\"c\":\"x'y\"}";
        assert_eq!(json(&value), expected);
        let mut text = String::new();
        push_text(&mut text, &Value::Array(Arc::from([value])));
        assert_eq!(text, format!("[{expected}]"));
    }

    proptest! {
        #[test]
        fn any_string_survives_a_json_reader(text in ".*") {
            let mut out = String::new();
            push_json_string(&mut out, &text);
            let read: String = serde_json::from_str(&out).expect("JSON");
            prop_assert_eq!(read, text);
        }
    }
}
