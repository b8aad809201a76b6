//! One immutable state of the database: every table with its columns and rows.
//!
//! A transaction's snapshot is an `Arc` of this, so that BEGIN costs one counter, and a reader
//! needs no visibility checks.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::tablet::Rows;
use crate::value::{Column, Row};

/// Everything about a table but its rows.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// The table's name, as the catalogue keeps it.
    pub(crate) name: Arc<str>,
    /// Its columns in order.
    pub(crate) columns: Vec<Column>,
    /// Columns of the PRIMARY INDEX; pruning only, never unique (firebolt-semantics §2).
    pub(crate) primary_index: Vec<String>,
    /// Server time of CREATE TABLE, microseconds since the epoch.
    pub(crate) created_micros: i64,
    /// The table's rows in `information_schema.columns`, made on first use.
    pub(crate) described: OnceLock<Vec<Row>>,
}

/// One version of one table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Identity of this CREATE TABLE: a table that is dropped and created again is another one.
    pub(crate) id: u64,
    /// Shared by all versions between two ALTERs.
    pub(crate) schema: Arc<Schema>,
    /// Its rows.
    pub(crate) rows: Rows,
}

/// All tables, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    /// The commit that made this state.
    pub(crate) lsn: u64,
    /// Tables by name.
    pub(crate) tables: BTreeMap<Arc<str>, Arc<Table>>,
}

impl Catalog {
    /// The table of that exact name.
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }
}
