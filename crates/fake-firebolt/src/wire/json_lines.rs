//! `JSONLines_Compact`: START, DATA, FINISH, one object a line (firebolt-wire §5.2).
//!
//! The Python SDK demands exactly these keys; a stream without a FINISH line is a broken
//! transfer, so a server that is cut must never have written one.

use super::About;
use super::cell::push_json_string;
use super::json_compact::{push_columns, push_rows, push_statistics};
use super::type_name::Spelling;
use crate::value::ResultSet;

/// Writes the stream; all rows are in one DATA line.
pub(crate) fn encode(result: &ResultSet, about: About<'_>) -> String {
    let mut out = String::from("{\"message_type\":\"START\",\"result_columns\":[");
    push_columns(&mut out, result, Spelling::Sql);
    out.push_str("],\"query_id\":");
    push_json_string(&mut out, about.query_id);
    out.push_str(",\"query_label\":");
    match about.query_label {
        Some(label) => push_json_string(&mut out, label),
        None => out.push_str("null"),
    }
    out.push_str(",\"request_id\":");
    push_json_string(&mut out, about.request_id);
    out.push_str("}\n");
    if !result.rows.is_empty() {
        out.push_str("{\"message_type\":\"DATA\",\"data\":[");
        push_rows(&mut out, result);
        out.push_str("]}\n");
    }
    out.push_str("{\"message_type\":\"FINISH_SUCCESSFULLY\",");
    push_statistics(&mut out, about);
    out.push_str("}\n");
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::{Column, DataType, Value};

    #[test]
    fn start_data_finish_with_exactly_the_known_keys() {
        let result = ResultSet {
            columns: vec![Column {
                name: "n".to_owned(),
                data_type: DataType::Integer,
                nullable: false,
            }],
            rows: vec![Arc::from([Value::Integer(1)])],
        };
        let about =
            About { query_id: "q", request_id: "r", query_label: None, elapsed_micros: 2_500_000 };
        let text = encode(&result, about);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            lines[0],
            serde_json::json!({
                "message_type": "START", "result_columns": [{"name": "n", "type": "integer"}],
                "query_id": "q", "query_label": null, "request_id": "r",
            })
        );
        assert_eq!(lines[1], serde_json::json!({"message_type": "DATA", "data": [[1]]}));
        assert_eq!(lines[2]["message_type"], "FINISH_SUCCESSFULLY");
        assert_eq!(lines[2]["statistics"]["elapsed"], 2.5);
        assert_eq!(lines.len(), 3);
    }
}
