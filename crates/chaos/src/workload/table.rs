//! The shape of the target table, read from its own `CREATE TABLE`, and how values read as text.
//!
//! The DDL of a scenario is what an operator would have written, so the columns are found in it and
//! not stated twice. It must not lean on the fake's or the engine's parser: an oracle that shares
//! code shares mistakes.

use std::collections::BTreeMap;

use crate::workload::calendar;

/// A row as text by column name. A NULL is absent, so that a column that nobody has filled yet and
/// a column that does not exist yet read the same.
pub type Row = BTreeMap<String, String>;

/// The column that, where a table has it, carries the source's own change counter: with it a row
/// alone tells which change wrote it.
pub const COUNTER_COLUMN: &str = "counter";

/// What a column holds, as far as a file must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BIGINT.
    Bigint,
    /// INTEGER.
    Integer,
    /// NUMERIC of at most 18 digits, with its digits and its scale.
    Numeric(u8, u8),
    /// TEXT.
    Text,
    /// TIMESTAMP without zone.
    Timestamp,
    /// DATE.
    Date,
    /// BOOLEAN.
    Boolean,
}

/// One column of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the DDL spells it.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether NULL is allowed.
    pub nullable: bool,
}

/// One value of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// BIGINT or INTEGER.
    Integer(i64),
    /// NUMERIC: the digits without the point, and how many of them stand behind it.
    Decimal(i64, u8),
    /// TEXT.
    Text(String),
    /// TIMESTAMP in microseconds since 1970.
    Timestamp(i64),
    /// DATE in days since 1970.
    Date(i32),
    /// BOOLEAN.
    Boolean(bool),
}

impl Cell {
    /// As Firebolt shows it; `None` for NULL.
    pub fn text(&self) -> Option<String> {
        match self {
            Cell::Null => None,
            Cell::Integer(number) => Some(number.to_string()),
            Cell::Decimal(unscaled, scale) => Some(decimal(*unscaled, *scale)),
            Cell::Text(text) => Some(text.clone()),
            Cell::Timestamp(micros) => Some(calendar::timestamp(*micros)),
            Cell::Date(days) => Some(calendar::date(i64::from(*days))),
            Cell::Boolean(value) => Some(value.to_string()),
        }
    }
}

/// A NUMERIC keeps its scale: `2.50`, never `2.5`.
fn decimal(unscaled: i64, scale: u8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The columns of a `CREATE TABLE`; the error names the piece that no workload can fill.
pub(super) fn columns(ddl: &str) -> Result<Vec<Column>, String> {
    let code = |line: &'_ str| line.split("--").next().unwrap_or("").to_owned() + " ";
    let ddl: String = ddl.lines().map(code).collect();
    let open = ddl.find('(').ok_or("the DDL has no column list")?;
    let list = balanced(&ddl[open..]).ok_or("the column list of the DDL is not closed")?;
    list.into_iter().map(|item| column(item.trim())).collect()
}

/// The comma-separated items of the parenthesis that `text` begins with.
fn balanced(text: &str) -> Option<Vec<&str>> {
    let (mut depth, mut start, mut items) = (0, 1, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if (character == ',' && depth == 1) || depth == 0 {
            items.push(&text[start..at]);
            start = at + 1;
        }
        if depth == 0 {
            return Some(items);
        }
    }
    None
}

fn column(item: &str) -> Result<Column, String> {
    let (name, rest) = match item.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((name, rest)) => (name.to_owned(), rest),
        None => {
            let (name, rest) = item.split_once(' ').ok_or(format!("{item:?} has no type"))?;
            (name.to_lowercase(), rest)
        }
    };
    let rest = rest.trim().to_uppercase();
    let word: &str = rest.split([' ', '(']).next().unwrap_or("");
    let kind = match word {
        "BIGINT" | "LONG" => Kind::Bigint,
        "INT" | "INTEGER" => Kind::Integer,
        "TEXT" | "VARCHAR" | "STRING" => Kind::Text,
        "TIMESTAMP" | "TIMESTAMPNTZ" => Kind::Timestamp,
        "DATE" | "PGDATE" => Kind::Date,
        "BOOLEAN" | "BOOL" => Kind::Boolean,
        "NUMERIC" | "DECIMAL" => numeric(&rest)?,
        _ => return Err(format!("no workload can fill a column of type {word:?} ({name:?})")),
    };
    Ok(Column { name, kind, nullable: !rest.contains("NOT NULL") })
}

fn numeric(rest: &str) -> Result<Kind, String> {
    let wrong = || format!("write NUMERIC(p, s) with p of at most 18, not {rest:?}");
    let inside = rest.split_once('(').and_then(|(_, tail)| tail.split_once(')'));
    let (digits, scale) = inside.and_then(|(pair, _)| pair.split_once(',')).ok_or_else(wrong)?;
    let digits: u8 = digits.trim().parse().map_err(|_| wrong())?;
    let scale: u8 = scale.trim().parse().map_err(|_| wrong())?;
    if digits > 18 || scale > digits { Err(wrong()) } else { Ok(Kind::Numeric(digits, scale)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_from_its_ddl() {
        let ddl = "CREATE TABLE IF NOT EXISTS \"Loan\" ( -- the loans (all)\n  \
                   \"id\" BIGINT NOT NULL,\n  \
                   branch TEXT NOT NULL, amount NUMERIC(12, 2) NULL,\n  paid TIMESTAMP NULL\n) \
                   PRIMARY INDEX \"id\"";
        let columns = columns(ddl).expect("a good table");
        let shape: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.kind, c.nullable)).collect();
        let expected = [
            ("id", Kind::Bigint, false),
            ("branch", Kind::Text, false),
            ("amount", Kind::Numeric(12, 2), true),
            ("paid", Kind::Timestamp, true),
        ];
        assert_eq!(shape, expected);
    }

    #[test]
    fn what_cannot_be_filled_is_named() {
        for (ddl, part) in [
            ("CREATE TABLE t", "column list"),
            ("CREATE TABLE t (id BIGINT", "not closed"),
            ("CREATE TABLE t (id GEOGRAPHY)", "GEOGRAPHY"),
            ("CREATE TABLE t (id NUMERIC(38, 0))", "at most 18"),
        ] {
            let error = columns(ddl).expect_err(ddl);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn values_read_as_firebolt_shows_them() {
        for (cell, text) in [
            (Cell::Decimal(0, 2), "0.00"),
            (Cell::Decimal(-5, 2), "-0.05"),
            (Cell::Decimal(12_345, 2), "123.45"),
            (Cell::Decimal(7, 0), "7"),
            (Cell::Boolean(true), "true"),
            (Cell::Timestamp(1_762_855_200_000_000), "2025-11-11 10:00:00"),
            (Cell::Date(20_403), "2025-11-11"),
        ] {
            assert_eq!(cell.text().as_deref(), Some(text));
        }
        assert_eq!(Cell::Null.text(), None);
    }
}
