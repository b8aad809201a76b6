//! Columns, their types, and the difference between what a file brings and what the target has.
//!
//! The rule is that nothing is dropped or changed in silence: a new column is added, a differing
//! type gets an explicit CAST that is either exact or refused by the server when a value does not
//! fit, and everything else stops the file with the difference.
//! Types and casts: firebolt-semantics, types and the cast matrix. Nothing here talks to a server.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Columns of the staging table that are ours. A source that brings columns of this prefix is
/// refused, because they could not be told apart.
pub const RESERVED_PREFIX: &str = "__cdc_";

/// A column type of Firebolt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum ColumnType {
    /// BOOLEAN
    Boolean,
    /// INTEGER, 32 bits
    Integer,
    /// BIGINT, 64 bits
    Bigint,
    /// REAL
    Real,
    /// DOUBLE PRECISION
    Double,
    /// NUMERIC(precision, scale)
    Numeric(u8, u8),
    /// TEXT
    Text,
    /// DATE
    Date,
    /// TIMESTAMP, microseconds, no zone
    Timestamp,
    /// TIMESTAMPTZ, microseconds, UTC
    TimestampTz,
    /// BYTEA
    Bytea,
    /// A type that the merge never casts and never creates (ARRAY, STRUCT, GEOGRAPHY …).
    Other(String),
}

impl ColumnType {
    /// Reads `data_type` of information_schema.columns, in any case and in either spelling.
    pub fn parse(text: &str) -> ColumnType {
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "boolean" | "bool" => ColumnType::Boolean,
            "integer" | "int" | "int4" => ColumnType::Integer,
            "bigint" | "long" | "int8" => ColumnType::Bigint,
            "real" | "float" | "float4" => ColumnType::Real,
            "double precision" | "double" | "float8" => ColumnType::Double,
            "text" | "string" => ColumnType::Text,
            "date" | "pgdate" => ColumnType::Date,
            "timestamp" | "timestampntz" => ColumnType::Timestamp,
            "timestamptz" => ColumnType::TimestampTz,
            "bytea" => ColumnType::Bytea,
            _ => numeric(&lower).unwrap_or(ColumnType::Other(lower)),
        }
    }

    /// The type as SQL writes it.
    pub fn sql(&self) -> String {
        match self {
            ColumnType::Boolean => "BOOLEAN".into(),
            ColumnType::Integer => "INTEGER".into(),
            ColumnType::Bigint => "BIGINT".into(),
            ColumnType::Real => "REAL".into(),
            ColumnType::Double => "DOUBLE PRECISION".into(),
            ColumnType::Numeric(precision, scale) => format!("NUMERIC({precision}, {scale})"),
            ColumnType::Text => "TEXT".into(),
            ColumnType::Date => "DATE".into(),
            ColumnType::Timestamp => "TIMESTAMP".into(),
            ColumnType::TimestampTz => "TIMESTAMPTZ".into(),
            ColumnType::Bytea => "BYTEA".into(),
            ColumnType::Other(text) => text.clone(),
        }
    }

    /// What it takes to write a value of this type into a column of type `target`.
    pub fn cast_to(&self, target: &ColumnType) -> Cast {
        use ColumnType::{
            Bigint, Boolean, Bytea, Date, Double, Integer, Numeric, Other, Real, Text, Timestamp,
            TimestampTz,
        };
        if self == target {
            return Cast::None;
        }
        match (self, target) {
            (Integer, Bigint | Double | Text)
            | (Bigint, Text)
            | (Real, Double)
            | (Numeric(..), Text)
            | (Boolean, Text | Integer)
            | (Date, Timestamp | TimestampTz)
            | (Timestamp, TimestampTz)
            | (TimestampTz, Timestamp) => Cast::Explicit,
            // A value that does not fit is an error of the server, not a silent loss.
            (Bigint, Integer) | (Integer | Bigint, Numeric(..)) => Cast::Explicit,
            (Numeric(_, 0), Integer | Bigint) => Cast::Explicit,
            // Too few digits before the point is an error; too few behind it would round in silence.
            (Numeric(_, from), Numeric(_, to)) if to >= from => Cast::Explicit,
            (
                Boolean | Integer | Bigint | Real | Double | Numeric(..) | Text | Date | Timestamp
                | TimestampTz | Bytea | Other(_),
                _,
            ) => Cast::Refused,
        }
    }
}

fn numeric(lower: &str) -> Option<ColumnType> {
    let inner = lower.strip_prefix("numeric").or_else(|| lower.strip_prefix("decimal"))?.trim();
    if inner.is_empty() {
        // Firebolt's default, firebolt-semantics: NUMERIC without arguments is (38, 9).
        return Some(ColumnType::Numeric(38, 9));
    }
    let inner = inner.strip_prefix('(')?.strip_suffix(')')?;
    let (precision, scale) = inner.split_once(',')?;
    Some(ColumnType::Numeric(precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

/// What writing a value takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// Nothing: the types agree.
    None,
    /// `CAST(x AS t)`: exact, or refused by the server for a value that does not fit.
    Explicit,
    /// Would lose something in silence, or does not exist.
    Refused,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Column {
    /// Its exact name.
    pub name: String,
    /// Its type.
    pub data_type: ColumnType,
    /// Whether it takes NULL.
    pub nullable: bool,
}

/// A column of the file with its place in the target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MappedColumn {
    /// The name in the file and in the staging table.
    pub source: String,
    /// The name in the target.
    pub target: String,
    /// The target's type when a CAST is needed.
    pub cast: Option<ColumnType>,
    /// The target's type.
    pub data_type: ColumnType,
}

/// What a file's columns and the target's differ in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SchemaDiff {
    /// Columns that are written, in the file's order.
    pub mapped: Vec<MappedColumn>,
    /// Columns that the target does not have yet.
    pub added: Vec<Column>,
}

/// Why a file cannot be written into the target as they stand: every difference, not the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SchemaRefusal(pub Vec<String>);

/// DMS's own columns: written only where the target has them, never added.
pub fn is_control_column(name: &str) -> bool {
    name == "Op" || name == "load_timestamp" || name.starts_with("AR_H_")
}

/// Compares a file's columns with the target's.
///
/// `fed` are the target's columns that other files wrote, each with the first change that had it: one
/// of them missing in a file that is newer (its last change is `newest`) would be silently NULL for
/// new rows and stale for old ones. In an older file it is missing because it did not exist yet.
/// `dropped` names those that were declared gone.
///
/// # Errors
/// Every difference that cannot be bridged without loss.
pub fn compare(
    source: &[Column],
    target: &[Column],
    fed: &BTreeMap<String, String>,
    newest: &str,
    dropped: &BTreeSet<String>,
) -> Result<SchemaDiff, SchemaRefusal> {
    let mut diff = SchemaDiff::default();
    let mut refused = Vec::new();
    let mut written = BTreeSet::new();
    for column in source {
        match find(target, &column.name) {
            Found::One(to) => match column.data_type.cast_to(&to.data_type) {
                Cast::Refused => refused.push(format!(
                    "column {} is {} in the file and {} in the table, which cannot be cast without loss",
                    column.name,
                    column.data_type.sql(),
                    to.data_type.sql(),
                )),
                cast => {
                    if !written.insert(to.name.clone()) {
                        refused.push(format!("two columns of the file map to column {}", to.name));
                    }
                    diff.mapped.push(MappedColumn {
                        source: column.name.clone(),
                        target: to.name.clone(),
                        cast: (cast == Cast::Explicit).then(|| to.data_type.clone()),
                        data_type: to.data_type.clone(),
                    });
                }
            },
            Found::Many => refused.push(format!(
                "column {} matches several columns of the table that differ in case only",
                column.name
            )),
            Found::None if is_control_column(&column.name) => {}
            Found::None => diff.added.push(Column { nullable: true, ..column.clone() }),
        }
    }
    for (name, first) in fed {
        // A full load has no Op even where the changes after it have.
        if written.contains(name) || is_control_column(name) || newest <= first.as_str() {
            continue;
        }
        let still_there = target.iter().any(|column| &column.name == name);
        if still_there && !dropped.contains(name) {
            refused.push(format!(
                "column {name} was in older files and is missing now; declare it dropped or fix the source"
            ));
        }
    }
    if refused.is_empty() { Ok(diff) } else { Err(SchemaRefusal(refused)) }
}

enum Found<'a> {
    None,
    One(&'a Column),
    Many,
}

/// An exact name wins; else one that differs in case only, because COPY folds names and CTAS does
/// not, so both spellings exist in the field.
fn find<'a>(target: &'a [Column], name: &str) -> Found<'a> {
    if let Some(exact) = target.iter().find(|column| column.name == name) {
        return Found::One(exact);
    }
    // A business column `op` is not DMS's `Op`.
    let is_control = |column: &&Column| is_control_column(name) != is_control_column(&column.name);
    let mut folded = target
        .iter()
        .filter(|column| column.name.eq_ignore_ascii_case(name) && !is_control(column));
    match (folded.next(), folded.next()) {
        (None, _) => Found::None,
        (Some(one), None) => Found::One(one),
        (Some(_), Some(_)) => Found::Many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, data_type: &str) -> Column {
        Column { name: name.into(), data_type: ColumnType::parse(data_type), nullable: true }
    }

    fn names(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn fed(items: &[&str]) -> BTreeMap<String, String> {
        items.iter().map(|item| ((*item).to_owned(), "5".to_owned())).collect()
    }

    #[test]
    fn types_are_read_in_every_spelling() {
        for (text, sql) in [
            ("bigint", "BIGINT"),
            ("long", "BIGINT"),
            ("numeric(38, 0)", "NUMERIC(38, 0)"),
            ("Decimal(12,2)", "NUMERIC(12, 2)"),
            ("numeric", "NUMERIC(38, 9)"),
            ("double precision", "DOUBLE PRECISION"),
            ("timestamptz", "TIMESTAMPTZ"),
            ("array(integer)", "array(integer)"),
        ] {
            assert_eq!(ColumnType::parse(text).sql(), sql);
        }
    }

    #[test]
    fn a_cast_is_exact_or_fails_loudly_or_is_refused() {
        let cast = |from: &str, to: &str| ColumnType::parse(from).cast_to(&ColumnType::parse(to));
        assert_eq!(cast("bigint", "bigint"), Cast::None);
        // The field's failure: MySQL's BIGINT UNSIGNED arrives as NUMERIC(38, 0).
        assert_eq!(cast("numeric(38, 0)", "numeric(20, 0)"), Cast::Explicit);
        assert_eq!(cast("numeric(12, 4)", "numeric(12, 2)"), Cast::Refused);
        assert_eq!(cast("double", "real"), Cast::Refused);
        assert_eq!(cast("text", "bigint"), Cast::Refused);
        assert_eq!(cast("bytea", "text"), Cast::Refused);
        assert_eq!(cast("timestamp", "date"), Cast::Refused);
        assert_eq!(cast("bigint", "integer"), Cast::Explicit);
    }

    #[test]
    fn nothing_is_dropped_in_silence() {
        let target = [column("id", "bigint"), column("name", "text"), column("note", "text")];
        let source = [column("Op", "text"), column("ID", "integer"), column("nick", "text")];
        let diff = compare(&source, &target, &fed(&[]), "9", &names(&[])).expect("fits");
        assert_eq!(diff.added, [column("nick", "text")]);
        assert_eq!(diff.mapped.len(), 1, "Op is a control column the target does not have");
        assert_eq!(diff.mapped[0].target, "id");
        let gone = compare(&source, &target, &fed(&["id", "name"]), "9", &names(&[]));
        assert!(gone.expect_err("name was fed").to_string().contains("column name was in older"));
        assert!(compare(&source, &target, &fed(&["name"]), "9", &names(&["name"])).is_ok());
        // A file from before the column existed, and a full load without Op, are as they should be.
        assert!(compare(&source, &target, &fed(&["name"]), "4", &names(&[])).is_ok());
        let with_op = [column("id", "bigint"), column("Op", "text")];
        let load = [column("id", "bigint")];
        assert!(compare(&load, &with_op, &fed(&["Op"]), "9", &names(&[])).is_ok());
        let clash = compare(&[column("name", "bytea")], &target, &fed(&[]), "9", &names(&[]));
        assert!(clash.expect_err("bytea").to_string().contains("BYTEA in the file and TEXT"));
    }
}
