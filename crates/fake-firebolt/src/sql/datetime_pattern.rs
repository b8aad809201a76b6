//! Patterns of TO_CHAR, TO_DATE, and TO_TIMESTAMP (the vendor's pages on both).
//!
//! A pattern is a list of parts; what is no part is copied. Both directions share the reading of
//! the pattern and nothing else.

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Copied as it is; `quoted` matches any character when read.
    Literal {
        text: char,
        quoted: bool,
    },
    Field(Field),
}

/// A field, with the letters it is written in: their case is that of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// In upper case.
    pub(super) name: &'static str,
    pub(super) written: String,
    /// FM: without padding.
    pub(super) bare: bool,
    /// TH or th behind it: an ordinal.
    pub(super) ordinal: Option<&'static str>,
}

/// Longer names stand before those that they begin with.
const NAMES: &[&str] = &[
    "A.D.", "B.C.", "A.M.", "P.M.", "MONTH", "Y,YYY", "SSSSS", "YYYY", "IYYY", "HH24", "HH12",
    "SSSS", "YYY", "IYY", "MON", "DAY", "DDD", "TZH", "TZM", "HH", "MI", "SS", "MS", "US", "YY",
    "IY", "MM", "DD", "DY", "ID", "IW", "WW", "CC", "AM", "PM", "AD", "BC", "RM", "TZ", "OF", "Y",
    "I", "D", "W", "Q",
];

fn starts_with(text: &str, name: &str) -> bool {
    text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// Takes a pattern apart.
pub(super) fn parts(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    let mut quoted = false;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            quoted = !quoted;
            rest = &rest[1..];
            continue;
        }
        let bare = !quoted && starts_with(rest, "FM");
        let body = if bare { &rest[2..] } else { rest };
        let name = NAMES.iter().find(|name| !quoted && starts_with(body, name));
        let Some(name) = name else {
            parts.push(Part::Literal { text: first, quoted });
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (written, mut after) = body.split_at(name.len());
        let ordinal = ["TH", "th"].into_iter().find(|suffix| after.starts_with(suffix));
        after = &after[ordinal.map_or(0, str::len)..];
        parts.push(Part::Field(Field { name, written: written.to_owned(), bare, ordinal }));
        rest = after;
    }
    parts
}
