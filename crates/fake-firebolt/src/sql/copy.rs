//! COPY … FROM: its own small parser, because sqlparser reads PostgreSQL's COPY only.
//!
//! ```text
//! COPY [INTO] t [(col [DEFAULT v] [$cN | name | $source_file_…], …)]
//!   FROM location | 'url' [, …] [LIMIT n] [OFFSET n] [[WITH] options] [WHERE condition]
//! ```
//! Both option spellings of firebolt-semantics §4 are read: `WITH (A = b, C = d)` and
//! `WITH a = b c = d`. Options that would change what is loaded and that the fake does not have
//! are refused by name.

use sqlparser::ast;

use super::error::SqlError;
use super::external::{CsvOptions, ExternalRead, FileFormat};
use super::location;
use super::parse::Cursor;
use super::read_options::{OptionValue, csv_option, is_credential, url};

/// A parsed COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyStatement {
    pub(super) table: Vec<String>,
    /// The listed columns; without a list, columns are found by name.
    pub(super) mapping: Vec<MappedColumn>,
    pub(super) reads: Vec<ExternalRead>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
    /// Which files are loaded, by their metadata.
    pub(super) condition: Option<Box<ast::Expr>>,
    pub(super) auto_create: bool,
    pub(super) allow_column_mismatch: bool,
    /// Whether a table that COPY makes gets STRUCT columns; no table that is there minds.
    pub(super) support_structs: bool,
    pub(super) case_sensitive: bool,
    /// How many rows of a file may be passed over; `None` for all of them.
    pub(super) errors_max: Option<u64>,
}

/// One column of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MappedColumn {
    pub(super) target: String,
    /// What stands in for NULL, as text.
    pub(super) default: Option<String>,
    pub(super) source: Source,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The column of that name.
    Name(String),
    /// The column at that place, from 1.
    Index(usize),
    /// What the store knows of the file.
    Metadata(Metadata),
}

/// The metadata columns (firebolt-semantics §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metadata {
    Name,
    Timestamp,
    Size,
    Etag,
}

impl Metadata {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("$source_file_name", Self::Name),
        ("$source_file_timestamp", Self::Timestamp),
        ("$source_file_size", Self::Size),
        ("$source_file_etag", Self::Etag),
    ];
}

/// Reads what follows the word COPY.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<CopyStatement, SqlError> {
    if cursor.peek_symbol("(") {
        return Err(SqlError::unsupported("COPY (query) TO"));
    }
    cursor.accept_word("INTO");
    let table = cursor.object_name()?;
    if cursor.accept_word("TO") {
        return Err(SqlError::unsupported("COPY TO"));
    }
    let mapping = if cursor.accept_symbol("(") { mapping(cursor)? } else { Vec::new() };
    cursor.expect_word("FROM")?;
    let mut copy = CopyStatement {
        table,
        mapping,
        reads: sources(cursor)?,
        limit: None,
        offset: 0,
        condition: None,
        auto_create: true,
        allow_column_mismatch: true,
        support_structs: true,
        case_sensitive: false,
        errors_max: Some(0),
    };
    let mut reading = Reading::default();
    while !cursor.at_end() {
        if cursor.accept_word("LIMIT") {
            copy.limit = Some(count(cursor, "LIMIT")?);
        } else if cursor.accept_word("OFFSET") {
            copy.offset = count(cursor, "OFFSET")?;
        } else if cursor.accept_word("WHERE") {
            copy.condition = Some(Box::new(cursor.expression_until(&["LIMIT", "OFFSET", "WITH"])?));
        } else if cursor.accept_word("WITH") || cursor.peek_symbol("(") {
            options(cursor, &mut copy, &mut reading)?;
        } else {
            cursor.expect_end()?;
        }
    }
    let format = reading.format();
    for read in &mut copy.reads {
        read.pattern.clone_from(&reading.pattern);
        read.format.clone_from(&format);
    }
    Ok(copy)
}

fn mapping(cursor: &mut Cursor<'_>) -> Result<Vec<MappedColumn>, SqlError> {
    let mut columns: Vec<MappedColumn> = Vec::new();
    loop {
        let target = cursor.identifier("a column")?;
        if columns.iter().any(|column| column.target == target) {
            return Err(SqlError::type_error(format!("column {target} is listed more than once")));
        }
        let default = if cursor.accept_word("DEFAULT") { Some(cursor.scalar()?) } else { None };
        let ends = cursor.peek_symbol(",") || cursor.peek_symbol(")");
        let source = if ends { Source::Name(target.clone()) } else { source(cursor)? };
        columns.push(MappedColumn { target, default, source });
        if cursor.accept_symbol(")") {
            return Ok(columns);
        }
        cursor.expect_symbol(",")?;
    }
}

fn source(cursor: &mut Cursor<'_>) -> Result<Source, SqlError> {
    let name = cursor.identifier("a column of the file")?;
    if let Some((_, metadata)) = Metadata::ALL.iter().find(|(other, _)| *other == name) {
        return Ok(Source::Metadata(*metadata));
    }
    if let Some(number) = name.strip_prefix("$c") {
        let index = number.parse().ok().filter(|index| *index >= 1);
        let wrong = || SqlError::type_error(format!("{name} is not a place: they begin at $c1"));
        return Ok(Source::Index(index.ok_or_else(wrong)?));
    }
    if name.starts_with('$') {
        return Err(SqlError::unsupported(format!("the metadata column {name}")));
    }
    Ok(Source::Name(name))
}

fn sources(cursor: &mut Cursor<'_>) -> Result<Vec<ExternalRead>, SqlError> {
    let mut reads = Vec::new();
    loop {
        let location = if cursor.peek_string() {
            url(&cursor.string()?)?
        } else {
            cursor.identifier("the name of a LOCATION")?
        };
        reads.push(ExternalRead { location, ..ExternalRead::default() });
        if !cursor.accept_symbol(",") {
            return Ok(reads);
        }
    }
}

fn count(cursor: &mut Cursor<'_>, what: &str) -> Result<u64, SqlError> {
    let text = cursor.scalar()?;
    text.parse().map_err(|_| SqlError::type_error(format!("{what} cannot be {text}")))
}

/// The options that say how files are read.
#[derive(Default)]
struct Reading {
    pattern: String,
    kind: Option<String>,
    csv: CsvOptions,
}

impl Reading {
    fn format(self: &Reading) -> FileFormat {
        let csv = self.csv.clone();
        match self.kind.as_deref() {
            Some("PARQUET") => FileFormat::Parquet,
            Some("CSV") => FileFormat::Csv(csv),
            Some("TSV") => {
                FileFormat::Csv(CsvOptions { delimiter: csv.delimiter.or(Some('\t')), ..csv })
            }
            _ => FileFormat::Auto(csv),
        }
    }
}

/// Reads the options that follow WITH.
fn options(
    cursor: &mut Cursor<'_>,
    copy: &mut CopyStatement,
    reading: &mut Reading,
) -> Result<(), SqlError> {
    let parenthesised = cursor.accept_symbol("(");
    loop {
        if parenthesised && cursor.accept_symbol(")") {
            return Ok(());
        }
        let ends = ["WHERE", "LIMIT", "OFFSET"].iter().any(|word| cursor.peek_is(word));
        if !parenthesised && (cursor.at_end() || ends) {
            return Ok(());
        }
        let name = cursor.identifier("an option of COPY")?.to_ascii_uppercase();
        cursor.expect_symbol("=")?;
        if name == "CREDENTIALS" {
            location::credentials(cursor)?;
        } else {
            let value = cursor.option_value()?;
            option(&name, &value, copy, reading)?;
        }
        cursor.accept_symbol(",");
    }
}

fn option(
    name: &str,
    value: &OptionValue,
    copy: &mut CopyStatement,
    reading: &mut Reading,
) -> Result<(), SqlError> {
    let refused = || SqlError::unsupported(format!("COPY … WITH {name} = {}", value.text()));
    match (name, value.flag()) {
        // The vendor's page on LOCATIONs calls it OBJECT_PATTERN.
        ("PATTERN" | "OBJECT_PATTERN", _) => value.text().clone_into(&mut reading.pattern),
        ("TYPE", _) => {
            let kind = value.text().to_ascii_uppercase();
            if !matches!(kind.as_str(), "AUTO" | "CSV" | "TSV" | "PARQUET") {
                return Err(refused());
            }
            reading.kind = Some(kind);
        }
        ("AUTO_CREATE", Some(flag)) => copy.auto_create = flag,
        ("ALLOW_COLUMN_MISMATCH", Some(flag)) => copy.allow_column_mismatch = flag,
        ("SUPPORT_STRUCTS", Some(flag)) => copy.support_structs = flag,
        ("CASE_SENSITIVE_COLUMN_MAPPING", Some(flag)) => copy.case_sensitive = flag,
        ("MAX_ERRORS_PER_FILE", _) => copy.errors_max = errors_max(value.text())?,
        ("INFER_SCHEMA", _) => return Err(refused()),
        (name, _) if is_credential(name) => {}
        (name, _) if csv_option(&mut reading.csv, name, value)?.is_some() => {}
        _ => return Err(refused()),
    }
    Ok(())
}

/// A number of rows, or one of the two percentages that the vendor's page allows.
fn errors_max(text: &str) -> Result<Option<u64>, SqlError> {
    match text {
        "0%" => Ok(Some(0)),
        "100%" => Ok(None),
        _ => text.parse().map(Some).map_err(|_| {
            SqlError::type_error(format!(
                "MAX_ERRORS_PER_FILE cannot be {text}: it is a number of rows, '0%' or '100%'"
            ))
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sql::statement::Body;

    fn copy(text: &str) -> CopyStatement {
        match crate::sql::parse(text).expect(text).body {
            Body::Copy(copy) => *copy,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_spellings_of_options_mean_the_same() {
        let expected = copy("COPY t FROM loc WITH PATTERN = 'a*' TYPE = CSV HEADER = TRUE");
        for text in [
            "COPY INTO t FROM loc WITH (PATTERN = 'a*', TYPE = CSV, HEADER = TRUE)",
            "COPY t FROM loc WITH (TYPE = 'csv' HEADER = 'true' OBJECT_PATTERN = 'a*')",
            "COPY t FROM loc (pattern = 'a*', type = csv, header = true)",
            "COPY t FROM loc WITH PATTERN = 'a*', TYPE = CSV, HEADER = TRUE MAX_ERRORS_PER_FILE = '0%'",
        ] {
            assert_eq!(copy(text), expected, "{text}");
        }
        let clauses = "COPY t FROM loc LIMIT 5 OFFSET 2 WITH (PATTERN = 'a') WHERE \
                       $source_file_size > 1";
        let turned = "COPY t FROM loc WHERE $source_file_size > 1 LIMIT 5 OFFSET 2 WITH \
                      PATTERN = 'a'";
        let (clauses, turned) = (copy(clauses), copy(turned));
        assert_eq!((turned.limit, turned.offset), (Some(5), 2));
        assert_eq!(turned.reads, clauses.reads);
        assert_eq!(
            turned.condition.map(|c| c.to_string()),
            clauses.condition.map(|c| c.to_string())
        );
    }

    const WORDS: &[&str] = &[
        "COPY",
        "INTO",
        "t",
        "FROM",
        "TO",
        "loc",
        "'s3://b/x'",
        "WITH",
        "(",
        ")",
        ",",
        "=",
        "=>",
        "PATTERN",
        "TYPE",
        "CSV",
        "HEADER",
        "TRUE",
        "LIMIT",
        "OFFSET",
        "1",
        "-",
        "WHERE",
        "$source_file_name",
        "$c1",
        "DEFAULT",
        "'a'",
        "CREDENTIALS",
        "AWS_ROLE_ARN",
        "{",
        "}",
        "CREATE",
        "ALTER",
        "DROP",
        "LOCATION",
        "SOURCE",
        "AMAZON_S3",
        "URL",
        "SET",
        "RENAME",
        "READ_CSV",
        "READ_PARQUET",
        "LIST_OBJECTS",
        "SELECT",
        "*",
        "JOIN",
        "\"q\"",
        ".",
        "information_schema",
        "locations",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_words_in_any_order_panic(
            start in prop::sample::select(vec![
                "COPY t FROM", "COPY t (", "CREATE LOCATION x", "ALTER LOCATION x", "DROP LOCATION",
                "SELECT * FROM READ_CSV(", "SELECT * FROM LIST_OBJECTS(", "SELECT * FROM", "COPY t",
            ]),
            rest in prop::collection::vec(prop::sample::select(WORDS), 0..14),
        ) {
            let text = format!("{start} {}", rest.join(" "));
            if let Err(error) = crate::sql::parse(&text) {
                prop_assert!(!error.text.is_empty());
            }
        }
    }
}
