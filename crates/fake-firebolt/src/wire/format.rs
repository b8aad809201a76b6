//! Which output format a request asked for (firebolt-wire §1.5, §5).

use super::{About, JSON, TEXT, json_compact, json_lines, psql, tsv};
use crate::value::ResultSet;

/// Rows of a result in `JSON_CompactLimited` (firebolt-wire §5.1).
const LIMITED_ROWS: usize = 10_000;

/// An output format that this server can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// One JSON document; what the SDKs ask for.
    JsonCompact,
    /// The same, cut after 10,000 rows; what user interfaces ask for.
    JsonCompactLimited,
    /// One JSON object a line; what the SDKs ask for to stream.
    JsonLinesCompact,
    /// Tab separated, names and types first; JDBC's, and the default of the service.
    TabSeparated,
    /// A table for the eye; fb-cli's.
    Psql,
}

impl OutputFormat {
    /// Reads the `output_format` parameter; `None` when the format is not written here.
    pub(crate) fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::TabSeparated),
            Some("JSON_Compact") => Some(Self::JsonCompact),
            Some("JSON_CompactLimited") => Some(Self::JsonCompactLimited),
            Some("JSONLines_Compact") => Some(Self::JsonLinesCompact),
            Some("TabSeparatedWithNamesAndTypes") => Some(Self::TabSeparated),
            Some("PSQL") => Some(Self::Psql),
            Some(_) => None,
        }
    }

    /// The Content-Type of a result in this format.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::JsonCompact | Self::JsonCompactLimited => JSON,
            Self::JsonLinesCompact => "application/jsonl; charset=utf-8",
            Self::TabSeparated => "text/tab-separated-values; charset=utf-8",
            Self::Psql => TEXT,
        }
    }

    /// Writes a result.
    pub(crate) fn encode(self, result: &ResultSet, about: About<'_>) -> String {
        match self {
            Self::JsonCompact => json_compact::encode(result, about, usize::MAX),
            Self::JsonCompactLimited => json_compact::encode(result, about, LIMITED_ROWS),
            Self::JsonLinesCompact => json_lines::encode(result, about),
            Self::TabSeparated => tsv::encode(result),
            Self::Psql => psql::encode(result),
        }
    }

    /// A result that was written, as it is when its statement fails after the rows have gone out
    /// under a status of 200: each format has its own place for the error (firebolt-wire §5.2,
    /// §5.4, §6.1). `None` for what is not in this format, or has failed already.
    pub(crate) fn fail_late(self, written: &str, description: &str) -> Option<String> {
        match self {
            Self::JsonCompact | Self::JsonCompactLimited => {
                json_compact::fail_late(written, description)
            }
            Self::JsonLinesCompact => json_lines::fail_late(written, description),
            Self::TabSeparated | Self::Psql => Some(tsv::fail_late(written, description)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::Ids;
    use crate::value::{Column, DataType, Value};

    #[test]
    fn the_default_is_the_services_and_an_unknown_format_is_refused() {
        assert_eq!(OutputFormat::parse(None), Some(OutputFormat::TabSeparated));
        assert_eq!(OutputFormat::parse(Some("JSON_Compact")), Some(OutputFormat::JsonCompact));
        assert_eq!(OutputFormat::parse(Some("PSQL")), Some(OutputFormat::Psql));
        assert_eq!(OutputFormat::parse(Some("ArrowStream")), None);
    }

    fn numbers(rows: i32) -> ResultSet {
        let column = Column { name: "n".into(), data_type: DataType::Integer, nullable: false };
        let row = |n| Arc::from([Value::Integer(n)]);
        ResultSet { columns: vec![column], rows: (0..rows).map(row).collect() }
    }

    fn about() -> About<'static> {
        let id = Ids::new(0).uuid();
        About { query_id: id, request_id: id, query_label: None, elapsed_micros: 0 }
    }

    #[test]
    fn a_limited_document_ends_after_ten_thousand_rows() {
        let result = numbers(10_001);
        for (format, expected) in
            [(OutputFormat::JsonCompact, 10_001), (OutputFormat::JsonCompactLimited, 10_000)]
        {
            let text = format.encode(&result, about());
            let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(read["rows"], expected);
            assert_eq!(read["data"].as_array().expect("rows").len(), expected);
        }
    }

    #[test]
    fn each_format_has_its_place_for_an_error_that_comes_late() {
        let result = numbers(2);
        let late = |format: OutputFormat| {
            let written = format.encode(&result, about());
            format.fail_late(&written, "Line 1, Column 9: \"boom\"").expect("a result")
        };
        let read: serde_json::Value =
            serde_json::from_str(&late(OutputFormat::JsonCompact)).expect("JSON");
        assert_eq!(read["data"], serde_json::json!([[0], [1]]));
        assert_eq!(read["errors"][0]["description"], "Line 1, Column 9: \"boom\"");
        let lines = late(OutputFormat::JsonLinesCompact);
        let last: serde_json::Value =
            serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
        let keys: Vec<_> = last.as_object().expect("an object").keys().cloned().collect();
        let exactly =
            ["errors", "message_type", "query_id", "query_label", "request_id", "statistics"];
        assert_eq!(keys, exactly);
        assert_eq!(last["message_type"], "FINISH_WITH_ERRORS");
        assert!(lines.contains("\"data\":[[0],[1]]") && !lines.contains("SUCCESS"), "{lines}");
        let tail = "\n1\n{\"errors\":[{\"description\":\"Line 1, Column 9: \\\"boom\\\"\"}]}";
        assert!(late(OutputFormat::TabSeparated).ends_with(tail));
    }
}
