//! Data from outside: the files that READ_PARQUET, READ_CSV and COPY name, what LIST_OBJECTS
//! lists, and the LOCATION objects, which belong to the account and not to the database.
//!
//! The SQL layer does no IO. It says which files a statement needs, and the server hands the
//! decoded contents in.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::{Column, Row};

/// A location, a pattern relative to it and a format, as the statement spells them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ExternalRead {
    /// Name of the LOCATION object, or a URL with its scheme.
    pub location: String,
    /// Glob below the location's prefix; empty for everything.
    pub pattern: String,
    /// How the files are decoded.
    pub format: FileFormat,
}

/// How files become rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileFormat {
    /// By the end of each file's name; these options where it is CSV or TSV.
    Auto(CsvOptions),
    /// Parquet.
    Parquet,
    /// CSV, or TSV with a tabulator as delimiter.
    Csv(CsvOptions),
    /// No contents: one row an object, as LIST_OBJECTS answers.
    Objects,
    /// No files: the LOCATION objects, as `information_schema.locations` has them.
    Locations,
}

impl Default for FileFormat {
    fn default() -> Self {
        Self::Auto(CsvOptions::default())
    }
}

/// The options of COPY and READ_CSV for CSV and TSV; the defaults are the vendor's
/// (pages on COPY FROM and READ_CSV).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CsvOptions {
    /// Whether the first record holds the names of the columns.
    pub header: bool,
    /// What stands between two fields; `None` is a comma, and a tabulator in TSV.
    pub delimiter: Option<char>,
    /// What ends a record; `None` is `\n`, `\r`, `\r\n` or `\n\r`.
    pub newline: Option<String>,
    /// What stands around a field that holds delimiters.
    pub quote: char,
    /// What makes the next character part of the field; `None` is the quote, doubled.
    pub escape: Option<char>,
    /// The text of an unquoted field that means NULL.
    pub null_string: Option<String>,
    /// Whether an unquoted empty field means NULL.
    pub empty_as_null: bool,
    /// Whether empty lines are passed over.
    pub skip_blank_lines: bool,
    /// Whether a table function gives its columns types by their contents.
    pub infer: bool,
    /// Whether the file is compressed with GZIP; `None` is by the end of its name.
    pub gzip: Option<bool>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            header: false,
            delimiter: None,
            newline: None,
            quote: '"',
            escape: None,
            null_string: None,
            empty_as_null: true,
            skip_blank_lines: false,
            infer: false,
            gzip: None,
        }
    }
}

/// The rows of one decoded file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExternalTable {
    /// Columns in the file's order and case.
    pub columns: Vec<Column>,
    /// Rows in the file's order.
    pub rows: Vec<Row>,
    /// The line on which each row starts, from 1; empty for files that have no lines.
    pub lines: Vec<u64>,
    /// Rows that are not as wide as the file is, or not well formed, in order.
    pub flaws: Vec<Flaw>,
}

/// What is wrong with one row of a text file. The row itself is filled up with NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Its position in [`ExternalTable::rows`].
    pub row: usize,
    /// Whether it only lacks fields at its end.
    pub is_short: bool,
    /// What is wrong, without file and line.
    pub text: String,
}

/// A file with what its store knows about it.
#[derive(Debug, Clone, Default)]
pub struct ExternalFile {
    /// `$source_file_name`: its path without the bucket.
    pub name: String,
    /// `$source_file_timestamp`: when it was last modified, microseconds since 1970, UTC.
    pub modified_micros: i64,
    /// `$source_file_size`, bytes.
    pub size: i64,
    /// `$source_file_etag`.
    pub etag: Option<String>,
    /// Its contents.
    pub table: Arc<ExternalTable>,
}

/// What the server has fetched for one statement: per read, the files in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct ExternalFiles(pub BTreeMap<ExternalRead, Vec<ExternalFile>>);

impl ExternalFiles {
    /// The files of one read; `None` if the server did not fetch it.
    #[must_use]
    pub fn get(&self, read: &ExternalRead) -> Option<&[ExternalFile]> {
        self.0.get(read).map(Vec::as_slice)
    }
}
