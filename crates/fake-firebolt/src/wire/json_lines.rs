//! `JSONLines_Compact`: START, DATA, FINISH, one object a line (firebolt-wire §5.2).
//!
//! The Python SDK demands exactly these keys; a stream without a FINISH line is a broken
//! transfer, so a server that is cut must never have written one.

use std::fmt::Write as _;

use super::cell::push_json_string;
use super::json_compact::{push_columns, push_rows, push_statistics};
use super::type_name::Spelling;
use super::{About, errors};
use crate::value::ResultSet;

/// Rows of one DATA line: a client that reads only the first one must show.
const BATCH_ROWS: usize = 1_000;

/// Writes the stream.
pub(crate) fn encode(result: &ResultSet, about: About<'_>) -> String {
    let mut out = String::from("{\"message_type\":\"START\",\"result_columns\":[");
    push_columns(&mut out, result, Spelling::Sql);
    out.push_str("],");
    write!(out, "\"query_id\":\"{}\",\"query_label\":", about.query_id)
        .expect("a String takes any text");
    match about.query_label {
        Some(label) => push_json_string(&mut out, label),
        None => out.push_str("null"),
    }
    write!(out, ",\"request_id\":\"{}\"", about.request_id).expect("a String takes any text");
    out.push_str("}\n");
    for batch in result.rows.chunks(BATCH_ROWS) {
        out.push_str("{\"message_type\":\"DATA\",\"data\":[");
        push_rows(&mut out, batch);
        out.push_str("]}\n");
    }
    out.push_str("{\"message_type\":\"FINISH_SUCCESSFULLY\",");
    push_statistics(&mut out, about);
    out.push_str("}\n");
    out
}

/// The stream of a statement that failed after its rows were out. The ids are those of START.
/// `None` for what is no stream that ended well.
pub(crate) fn fail_late(written: &str, description: &str) -> Option<String> {
    let lines = written.trim_end();
    let (before, last) = lines.rsplit_once('\n')?;
    let object = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let (start, end) = (object(lines.lines().next()?)?, object(last)?);
    if end["message_type"] != "FINISH_SUCCESSFULLY" {
        return None;
    }
    let mut out = format!("{before}\n{{\"message_type\":\"FINISH_WITH_ERRORS\",");
    errors::push_list(&mut out, description);
    for name in ["query_id", "query_label", "request_id"] {
        write!(out, ",\"{name}\":{}", start[name]).expect("a String takes any text");
    }
    writeln!(out, ",\"statistics\":{}}}", end["statistics"]).expect("a String takes any text");
    Some(out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::Ids;
    use crate::value::{Column, DataType, Value};

    #[test]
    fn start_data_finish_with_exactly_the_known_keys() {
        let result = ResultSet {
            columns: vec![Column {
                name: "n".into(),
                data_type: DataType::Integer,
                nullable: false,
            }],
            rows: vec![Arc::from([Value::Integer(1)])],
        };
        let (q, r) = (Ids::new(1).uuid(), Ids::new(2).uuid());
        let about =
            About { query_id: q, request_id: r, query_label: None, elapsed_micros: 2_500_000 };
        let text = encode(&result, about);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            lines[0],
            serde_json::json!({
                "message_type": "START", "result_columns": [{"name": "n", "type": "integer"}],
                "query_id": q.to_string(), "query_label": null, "request_id": r.to_string(),
            })
        );
        assert_eq!(lines[1], serde_json::json!({"message_type": "DATA", "data": [[1]]}));
        assert_eq!(lines[2]["message_type"], "FINISH_SUCCESSFULLY");
        assert_eq!(lines[2]["statistics"]["elapsed"], 2.5);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_stream_of_another_server_fails_late_too() {
        let written = "{ \"message_type\": \"START\", \"result_columns\": [], \"query_id\": \"q\", \
                       \"query_label\": null, \"request_id\": \"r\" }\n\
                       { \"message_type\": \"FINISH_SUCCESSFULLY\", \"statistics\": { \"elapsed\": 1.5 } }\n\n";
        let failed = fail_late(written, "boom").expect("a stream");
        let last: serde_json::Value =
            serde_json::from_str(failed.lines().last().expect("a line")).expect("JSON");
        let expected = serde_json::json!({
            "message_type": "FINISH_WITH_ERRORS", "errors": [{"description": "boom"}],
            "query_id": "q", "query_label": null, "request_id": "r",
            "statistics": {"elapsed": 1.5},
        });
        assert_eq!((failed.lines().count(), last), (2, expected));
        assert_eq!(fail_late(&failed, "again"), None, "it has failed already");
        assert_eq!(fail_late("", "boom"), None);
    }

    #[test]
    fn many_rows_come_in_several_batches() {
        let column = Column { name: "n".into(), data_type: DataType::Integer, nullable: false };
        let row = |n| Arc::from([Value::Integer(n)]);
        let result = ResultSet { columns: vec![column], rows: (0..2_500).map(row).collect() };
        let id = Ids::new(1).uuid();
        let about = About { query_id: id, request_id: id, query_label: None, elapsed_micros: 0 };
        let text = encode(&result, about);
        let data = text.lines().filter(|line| line.starts_with("{\"message_type\":\"DATA\""));
        assert_eq!(data.count(), 3);
    }
}
