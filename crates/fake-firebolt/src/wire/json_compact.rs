//! `JSON_Compact`: one document a statement, rows as arrays (firebolt-wire §5.1).
//!
//! A statement without a result is the same document with empty `meta` and `data`: an empty body
//! would break the Rust SDK, and a key too many in `statistics` the Python one.

use std::fmt::Write as _;

use super::cell::{push_json, push_json_string};
use super::type_name::{Spelling, push_column_type};
use super::{About, errors};
use crate::value::{ResultSet, Row};

/// Writes the document, with at most so many rows.
pub(crate) fn encode(result: &ResultSet, about: About<'_>, rows_max: usize) -> String {
    let rows = &result.rows[..result.rows.len().min(rows_max)];
    let cells = rows.len() * result.columns.len().max(1);
    let mut out = String::with_capacity(320 + 48 * result.columns.len() + 16 * cells);
    push_query(&mut out, about);
    out.push_str(",\"meta\":[");
    push_columns(&mut out, result, Spelling::Short);
    out.push_str("],\"data\":[");
    push_rows(&mut out, rows);
    write!(out, "],\"rows\":{},", rows.len()).expect("a String takes any text");
    push_statistics(&mut out, about);
    out.push('}');
    out
}

/// The document of a statement that failed after its rows were out: an error inside a success,
/// which every client has to look for (firebolt-wire §1.8). `None` for what is no document.
pub(crate) fn fail_late(written: &str, description: &str) -> Option<String> {
    let members = written.trim_end().strip_suffix('}')?.trim_end();
    let mut out = String::with_capacity(written.len() + description.len() + 48);
    out.push_str(members);
    if !members.ends_with('{') {
        out.push(',');
    }
    errors::push_list(&mut out, description);
    out.push('}');
    Some(out)
}

/// Appends the opening brace and the `query` member.
fn push_query(out: &mut String, about: About<'_>) {
    out.push_str("{\"query\":{\"query_id\":\"");
    about.query_id.push_to(out);
    out.push_str("\",\"request_id\":\"");
    about.request_id.push_to(out);
    out.push_str("\",\"query_label\":");
    match about.query_label {
        Some(label) => push_json_string(out, label),
        None => out.push_str("null"),
    }
    out.push('}');
}

/// Appends `{"name":…,"type":…}` for each column.
pub(super) fn push_columns(out: &mut String, result: &ResultSet, spelling: Spelling) {
    for (position, column) in result.columns.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str("{\"name\":");
        push_json_string(out, &column.name);
        out.push_str(",\"type\":");
        if column.data_type.has_struct() {
            // The names of fields may hold anything.
            let mut name = String::new();
            push_column_type(&mut name, column, spelling);
            push_json_string(out, &name);
        } else {
            out.push('"');
            push_column_type(out, column, spelling);
            out.push('"');
        }
        out.push('}');
    }
}

/// Appends `[…]` for each row.
pub(super) fn push_rows(out: &mut String, rows: &[Row]) {
    for (position, row) in rows.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push('[');
        for (position, value) in row.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            push_json(out, value);
        }
        out.push(']');
    }
}

/// Appends the `statistics` member: the documented keys and no other.
pub(super) fn push_statistics(out: &mut String, about: About<'_>) {
    out.push_str("\"statistics\":{\"elapsed\":");
    push_seconds(out, about.elapsed_micros);
    out.push_str(
        ",\"rows_read\":0,\"bytes_read\":0,\"time_before_execution\":0.0,\"time_to_execute\":",
    );
    push_seconds(out, about.elapsed_micros);
    out.push_str(",\"scanned_bytes_cache\":0,\"scanned_bytes_storage\":0}");
}

/// Appends microseconds as seconds with six digits behind the point. Every reply has two of them, so
/// the digits are written one by one and not by the formatter.
fn push_seconds(out: &mut String, micros: u64) {
    match micros / 1_000_000 {
        0 => out.push('0'),
        seconds => out.push_str(&seconds.to_string()),
    }
    out.push('.');
    let mut unit = 100_000;
    while unit > 0 {
        let digit = u8::try_from(micros / unit % 10).expect("a digit is small");
        out.push(char::from(b'0' + digit));
        unit /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::Ids;
    use crate::value::{Column, DataType, Value};

    fn about() -> About<'static> {
        let id = Ids::new(0).uuid();
        About { query_id: id, request_id: id, query_label: Some("l\"1"), elapsed_micros: 10 }
    }

    #[test]
    fn a_document_that_a_json_reader_accepts() {
        let column =
            |name: &str, data_type, nullable| Column { name: name.into(), data_type, nullable };
        let result = ResultSet {
            columns: vec![
                column("id", DataType::Bigint, false),
                column("na\"me", DataType::Text, true),
            ],
            rows: vec![
                Arc::from([Value::Bigint(1), Value::Text(Arc::from("a"))]),
                Arc::from([Value::Bigint(2), Value::Null]),
            ],
        };
        let read: serde_json::Value =
            serde_json::from_str(&encode(&result, about(), usize::MAX)).expect("JSON");
        assert_eq!(read["query"]["query_label"], "l\"1");
        assert_eq!(read["meta"][0], serde_json::json!({"name": "id", "type": "long"}));
        assert_eq!(read["meta"][1], serde_json::json!({"name": "na\"me", "type": "text null"}));
        assert_eq!(read["data"], serde_json::json!([["1", "a"], ["2", null]]));
        assert_eq!(read["rows"], 2);
        assert_eq!(read["statistics"]["elapsed"], 0.00001);
        // The Python SDK refuses the whole document for one key outside its eight.
        let keys: Vec<&String> =
            read["statistics"].as_object().expect("an object").keys().collect();
        let known = [
            "elapsed",
            "rows_read",
            "bytes_read",
            "time_before_execution",
            "time_to_execute",
            "scanned_bytes_cache",
            "scanned_bytes_storage",
            "result_rows",
        ];
        assert!(keys.iter().all(|key| known.contains(&key.as_str())), "{keys:?}");
    }

    #[test]
    fn a_statement_without_a_result_is_an_empty_document_not_an_empty_body() {
        let result = ResultSet { columns: Vec::new(), rows: Vec::new() };
        let read: serde_json::Value =
            serde_json::from_str(&encode(&result, about(), usize::MAX)).expect("JSON");
        assert_eq!(read["meta"], serde_json::json!([]));
        assert_eq!(read["data"], serde_json::json!([]));
        assert_eq!(read["rows"], 0);
    }
}
