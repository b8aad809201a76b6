//! Which output format a request asked for (firebolt-wire §1.5, §5).

use super::{About, JSON, json_compact, json_lines, tsv};
use crate::value::ResultSet;

/// An output format that this server can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// One JSON document; what the SDKs ask for.
    JsonCompact,
    /// One JSON object a line; what the SDKs ask for to stream.
    JsonLinesCompact,
    /// Tab separated, names and types first; JDBC's, and the default of the service.
    TabSeparated,
}

impl OutputFormat {
    /// Reads the `output_format` parameter; `None` when the format is not written here.
    pub(crate) fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::TabSeparated),
            Some("JSON_Compact" | "JSON_CompactLimited") => Some(Self::JsonCompact),
            Some("JSONLines_Compact") => Some(Self::JsonLinesCompact),
            Some("TabSeparatedWithNamesAndTypes") => Some(Self::TabSeparated),
            Some(_) => None,
        }
    }

    /// The Content-Type of a result in this format.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::JsonCompact => JSON,
            Self::JsonLinesCompact => "application/jsonl; charset=utf-8",
            Self::TabSeparated => "text/tab-separated-values; charset=utf-8",
        }
    }

    /// Writes a result.
    pub(crate) fn encode(self, result: &ResultSet, about: About<'_>) -> String {
        match self {
            Self::JsonCompact => json_compact::encode(result, about),
            Self::JsonLinesCompact => json_lines::encode(result, about),
            Self::TabSeparated => tsv::encode(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_services_and_an_unknown_format_is_refused() {
        assert_eq!(OutputFormat::parse(None), Some(OutputFormat::TabSeparated));
        assert_eq!(OutputFormat::parse(Some("JSON_Compact")), Some(OutputFormat::JsonCompact));
        assert_eq!(OutputFormat::parse(Some("ArrowStream")), None);
        assert_eq!(OutputFormat::parse(Some("PSQL")), None);
    }
}
