//! Data from outside: the files that READ_PARQUET and COPY name.
//!
//! The SQL layer does no IO. It says which files a statement needs, and the server hands the
//! decoded contents in.

use std::collections::BTreeMap;

use crate::value::{Column, Row};

/// A location and a pattern relative to it, as the statement spells them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExternalRead {
    /// Name of the LOCATION object.
    pub location: String,
    /// Glob below the location's prefix; empty for everything.
    pub pattern: String,
}

/// One decoded file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExternalTable {
    /// Columns in the file's order and case.
    pub columns: Vec<Column>,
    /// Rows in the file's order.
    pub rows: Vec<Row>,
}

/// What the server has fetched for one statement: per read, file names with contents.
#[derive(Debug, Clone, Default)]
pub struct ExternalFiles(pub BTreeMap<ExternalRead, Vec<(String, ExternalTable)>>);

impl ExternalFiles {
    /// The files of one read; `None` if the server did not fetch it.
    #[must_use]
    pub fn get(&self, read: &ExternalRead) -> Option<&[(String, ExternalTable)]> {
        self.0.get(read).map(Vec::as_slice)
    }
}
