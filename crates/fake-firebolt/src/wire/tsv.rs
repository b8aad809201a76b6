//! `TabSeparatedWithNamesAndTypes`: JDBC's format and the service's default (firebolt-wire §5.4).

use super::cell::push_text;
use super::errors;
use super::type_name::{Spelling, push_column_type};
use crate::value::{ResultSet, Value};

/// Writes names, types and rows. A statement without a result is an empty body.
pub(crate) fn encode(result: &ResultSet) -> String {
    let (mut out, mut cell) = (String::new(), String::new());
    if result.columns.is_empty() {
        return out;
    }
    for (position, column) in result.columns.iter().enumerate() {
        push_separator(&mut out, position);
        push_escaped(&mut out, &column.name);
    }
    out.push('\n');
    for (position, column) in result.columns.iter().enumerate() {
        push_separator(&mut out, position);
        cell.clear();
        push_column_type(&mut cell, column, Spelling::Sql);
        push_escaped(&mut out, &cell);
    }
    out.push('\n');
    for row in &result.rows {
        for (position, value) in row.iter().enumerate() {
            push_separator(&mut out, position);
            if matches!(value, Value::Null) {
                out.push_str("\\N");
            } else {
                cell.clear();
                push_text(&mut cell, value);
                push_escaped(&mut out, &cell);
            }
        }
        out.push('\n');
    }
    out
}

/// The rows of a statement that failed after they were out: JDBC looks for the error in the tail.
pub(crate) fn fail_late(written: &str, description: &str) -> String {
    format!("{written}{}", errors::body(description))
}

fn push_separator(out: &mut String, position: usize) {
    if position > 0 {
        out.push('\t');
    }
}

/// A tab or a line end inside a value would otherwise start another cell or row.
fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::{Column, DataType};

    #[test]
    fn names_types_rows_and_escapes() {
        let column =
            |name: &str, data_type, nullable| Column { name: name.into(), data_type, nullable };
        let result = ResultSet {
            columns: vec![
                column("id", DataType::Integer, false),
                column("t", DataType::Text, true),
                column("b", DataType::Boolean, false),
            ],
            rows: vec![
                Arc::from([Value::Integer(1), Value::Text("a\tb\\".into()), Value::Boolean(true)]),
                Arc::from([Value::Integer(2), Value::Null, Value::Boolean(false)]),
            ],
        };
        assert_eq!(
            encode(&result),
            "id\tt\tb\ninteger\ttext null\tboolean\n1\ta\\tb\\\\\tt\n2\t\\N\tf\n"
        );
        assert_eq!(encode(&ResultSet { columns: Vec::new(), rows: Vec::new() }), "");
    }
}
