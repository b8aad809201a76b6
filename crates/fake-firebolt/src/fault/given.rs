//! What somebody wrote, in TOML or in JSON, as one tree that knows where each value stands.
//!
//! Rules are read from both, and an error has to say where it is: as line and column of a file, or
//! as the path to a value of a request.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; both counted from 1, columns in characters.
    Line {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// In a JSON document: names and, in brackets, numbers from 0. Empty for the whole.
    Path(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, column } => write!(f, "{line}:{column}"),
            Self::Path(path) if path.is_empty() => f.write_str("the document"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

/// What cannot be read: where, at which key, why, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// Where.
    pub place: Place,
    /// The key, where one is known.
    pub key: Option<String>,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.problem)
    }
}

/// One value and its place.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) what: What,
    pub(super) place: Place,
}

/// A value.
#[derive(Debug)]
pub(super) enum What {
    Text(String),
    Whole(i64),
    List(Vec<Given>),
    /// Key, its place, its value, in the order given.
    Table(Vec<(String, Place, Given)>),
    /// What no rule has a use for, by name.
    Else(&'static str),
}

impl What {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Whole(_) => "a whole number",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Else(name) => name,
        }
    }
}

/// Reads TOML.
pub(super) fn from_toml(text: &str) -> Result<Given, ReadError> {
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let problem = error.message().trim().replace('\n', ", ");
        ReadError { place: lines.place(at), key: None, problem }
    })?;
    let what = toml_table(table.get_ref(), &lines);
    Ok(Given { what, place: lines.place(0) })
}

fn toml_table(table: &DeTable<'_>, lines: &Lines<'_>) -> What {
    let entries = table.iter().map(|(key, value)| {
        let place = lines.place(key.span().start);
        (key.get_ref().clone().into_owned(), place, toml_value(value, lines))
    });
    let mut entries: Vec<_> = entries.collect();
    // The parser keeps keys in its own order; the first mistake of the file is to be named first.
    entries.sort_by_key(|(_, place, _)| match place {
        Place::Line { line, column } => (*line, *column),
        Place::Path(_) => (0, 0),
    });
    What::Table(entries)
}

fn toml_value(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Given {
    let what = match value.get_ref() {
        DeValue::String(text) => What::Text(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(What::Else("a number out of range"), What::Whole),
        DeValue::Array(list) => {
            What::List(list.iter().map(|value| toml_value(value, lines)).collect())
        }
        DeValue::Table(table) => toml_table(table, lines),
        DeValue::Float(_) => What::Else("a number with a point"),
        DeValue::Boolean(_) => What::Else("true or false"),
        DeValue::Datetime(_) => What::Else("a date"),
    };
    Given { what, place: lines.place(value.span().start) }
}

/// Where lines begin, found once: looking for each value anew would take the square of the file.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(starts).collect() }
    }

    fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..at).unwrap_or_default();
        Place::Line { line, column: before.chars().count() + 1 }
    }
}

/// Takes a JSON value apart.
pub(super) fn from_json(value: serde_json::Value) -> Given {
    json_value(value, String::new())
}

fn json_value(value: serde_json::Value, path: String) -> Given {
    use serde_json::Value;
    let what = match value {
        Value::String(text) => What::Text(text),
        Value::Number(number) => {
            number.as_i64().map_or(What::Else("a number that is not whole"), What::Whole)
        }
        Value::Array(list) => {
            let list = list.into_iter().enumerate();
            What::List(list.map(|(at, value)| json_value(value, format!("{path}[{at}]"))).collect())
        }
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                (key, Place::Path(path.clone()), json_value(value, path))
            });
            What::Table(entries.collect())
        }
        Value::Bool(_) => What::Else("true or false"),
        Value::Null => What::Else("null"),
    };
    Given { what, place: Place::Path(path) }
}
