//! What a command answers, and how it looks: lines of verb and columns with a summary for people, one
//! JSON object for machines. Pure: the same answer is always the same text.

use serde_json::Value;

/// Something needs attention.
pub(crate) const ATTENTION: u8 = 10;
/// Verbs end in this column, so that what they are about begins in one line.
const VERB_WIDTH: usize = 12;

/// One thing that was found or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What was done: `Dropped`, `Applied`.
    pub(crate) verb: &'static str,
    /// To what, in columns; numbers stand right.
    pub(crate) cells: Vec<Cell>,
}

/// One column of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Stands left.
    Text(String),
    /// Stands right.
    Number(String),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The parts.
    pub(crate) lines: Vec<Line>,
    /// All of it in one line, printed last.
    pub(crate) summary: String,
    /// The same for machines.
    pub(crate) machine: Value,
    /// Whether a person has to look at it.
    pub(crate) attention: bool,
}

impl Line {
    /// A line with one text.
    pub(crate) fn new(verb: &'static str, what: impl Into<String>) -> Line {
        Line { verb, cells: vec![Cell::Text(what.into())] }
    }

    /// Adds a text.
    pub(crate) fn text(mut self, text: impl Into<String>) -> Line {
        self.cells.push(Cell::Text(text.into()));
        self
    }

    /// Adds a number, or a text that stands right as numbers do.
    pub(crate) fn number(mut self, number: impl std::fmt::Display) -> Line {
        self.cells.push(Cell::Number(number.to_string()));
        self
    }
}

impl Cell {
    fn width(&self) -> usize {
        match self {
            Cell::Text(text) | Cell::Number(text) => text.chars().count(),
        }
    }
}

impl Answer {
    pub(crate) fn exit_code(&self) -> u8 {
        if self.attention { ATTENTION } else { 0 }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let columns = self.lines.iter().map(|line| line.cells.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.lines.iter().filter_map(|line| line.cells.get(column));
                cells.map(Cell::width).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for line in &self.lines {
            let mut shown = format!("{:>VERB_WIDTH$}", line.verb);
            for (cell, width) in line.cells.iter().zip(&widths) {
                shown.push_str("  ");
                shown.push_str(&match cell {
                    Cell::Text(text) => format!("{text:<width$}"),
                    Cell::Number(text) => format!("{text:>width$}"),
                });
            }
            text.push_str(shown.trim_end());
            text.push('\n');
        }
        text.push_str(&format!("{:>VERB_WIDTH$}  {}", "Summary", self.summary));
        text
    }

    /// For machines: one line.
    pub(crate) fn json(&self) -> String {
        self.machine.to_string()
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `95 min`, `26 h 5 min`: ages are compared with hours.
pub(crate) fn minutes(minutes: i64) -> String {
    if minutes < 120 {
        return format!("{minutes} min");
    }
    format!("{} h {} min", minutes / 60, minutes % 60)
}

/// `512 B`, `3.4 MB`.
pub(crate) fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_and_the_summary_comes_last() {
        let answer = Answer {
            lines: vec![
                Line::new("Dropped", "stg_grüße").number("7 min").text("tail"),
                Line::new("Failed", "stg_a_longer_name").number("120 min"),
            ],
            summary: "1 dropped".to_owned(),
            machine: serde_json::json!({"dropped": 1}),
            attention: true,
        };
        insta::assert_snapshot!(answer.text());
        assert_eq!(answer.json(), r#"{"dropped":1}"#);
        assert_eq!(answer.exit_code(), 10);
    }

    #[test]
    fn magnitudes_are_readable() {
        assert_eq!((bytes(999), bytes(1_000)), ("999 B".into(), "1.0 kB".into()));
        assert_eq!((bytes(999_999), bytes(1_234_567)), ("999.9 kB".into(), "1.2 MB".into()));
        assert_eq!(bytes(i64::MAX), "9223372.0 TB");
        assert_eq!((minutes(119), minutes(1565)), ("119 min".into(), "26 h 5 min".into()));
        assert_eq!((count(1, "file"), count(0, "file")), ("1 file".into(), "0 files".into()));
    }
}
