//! One immutable state of the database: every table with its columns and rows.
//!
//! A transaction's snapshot is an `Arc` of this, so that BEGIN costs one counter, and a reader
//! needs no visibility checks.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, OnceLock};

use super::tablet::Rows;
use crate::value::{Column, Row, Value};

/// Everything about a table but its rows.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// The table's name, as the catalogue keeps it.
    pub(crate) name: Arc<str>,
    /// Its columns in order.
    pub(crate) columns: Vec<Column>,
    /// Columns of the PRIMARY INDEX; pruning only, never unique (firebolt-semantics §2).
    pub(crate) primary_index: Vec<String>,
    /// What few tables have; shared by all that have nothing of it.
    pub(crate) extras: Arc<Extras>,
    /// Server time of CREATE TABLE, microseconds since the epoch.
    pub(crate) created_micros: i64,
    /// What the catalogue says of it.
    pub(crate) described: Described,
}

/// Descriptions of one version of a table, made on first use: every look at the catalogue describes
/// every table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    /// Its rows in `information_schema.columns`.
    pub(crate) columns: OnceLock<Vec<Row>>,
    /// The statement that would create it.
    pub(crate) ddl: OnceLock<Arc<str>>,
}

impl Schema {
    /// A schema with columns and nothing else.
    pub(crate) fn new(name: &str, columns: Vec<Column>, created_micros: i64) -> Self {
        Self {
            name: Arc::from(name),
            columns,
            primary_index: Vec::new(),
            extras: plain(),
            created_micros,
            described: Described::default(),
        }
    }

    /// The value that the column takes where none is given; `None` is NULL.
    pub(crate) fn default_of(&self, column: usize) -> Option<&ColumnDefault> {
        self.extras.defaults.get(&*self.columns.get(column)?.name)
    }
}

/// The extras of a table that was created without any: counted up rather than made anew.
fn plain() -> Arc<Extras> {
    static PLAIN: LazyLock<Arc<Extras>> = LazyLock::new(Arc::default);
    Arc::clone(&PLAIN)
}

/// Clauses of CREATE TABLE beyond columns and PRIMARY INDEX, and what was added later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// DEFAULT by column.
    pub(crate) defaults: BTreeMap<String, ColumnDefault>,
    /// Columns declared UNIQUE: told to the optimizer, never enforced (firebolt-semantics §5).
    pub(crate) unique: BTreeSet<String>,
    /// The expressions of PARTITION BY, as text, and the columns they look at.
    pub(crate) partition_by: Vec<String>,
    /// Columns in `partition_by`.
    pub(crate) partition_columns: BTreeSet<String>,
    /// DIMENSION rather than FACT: how rows are spread over nodes, of which there are none here.
    pub(crate) is_dimension: bool,
    /// WITH (index_granularity = …).
    pub(crate) index_granularity: Option<u32>,
    /// ALTER TABLE … OWNER TO; `None` is whoever owns the account.
    pub(crate) owner: Option<String>,
    /// Aggregating indexes: name, and the text between the parentheses.
    pub(crate) aggregating: Vec<(String, String)>,
}

/// DEFAULT of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnDefault {
    /// As the statement spelled it, for the catalogue.
    pub(crate) text: String,
    /// What it stands for.
    pub(crate) value: DefaultValue,
}

/// The values that a DEFAULT may have (firebolt-semantics §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DefaultValue {
    /// A literal, already of the column's type.
    Literal(Value),
    /// CURRENT_DATE().
    CurrentDate,
    /// LOCALTIMESTAMP().
    LocalTimestamp,
    /// CURRENT_TIMESTAMP() or NOW().
    CurrentTimestamp,
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

/// A view: a query under a name. Its columns are what the query gives when it is asked.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// The text of its query, for the catalogue.
    pub(crate) definition: Arc<str>,
    /// The parsed query, which only the SQL layer looks into.
    pub(crate) query: Arc<dyn Any + Send + Sync>,
    /// Columns as they were when it was created.
    pub(crate) columns: Vec<Column>,
    /// Tables and views it reads: they cannot go away under it.
    pub(crate) reads: BTreeSet<Arc<str>>,
    /// Server time of CREATE VIEW, microseconds since the epoch.
    pub(crate) created_micros: i64,
}

/// An object of the account that exists by name only: a database or an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    /// Its settings, by lower-case name.
    pub(crate) settings: BTreeMap<String, String>,
    /// Server time of its CREATE, microseconds since the epoch.
    pub(crate) created_micros: i64,
}

/// Everything that has a name and is not a table.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    View(View),
    Entry(Entry),
}

/// All tables and other objects, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    /// The commit that made this state.
    pub(crate) lsn: u64,
    /// Tables by name.
    pub(crate) tables: BTreeMap<Arc<str>, Arc<Table>>,
    /// Views by name, in one name space with the tables; entries by a name that no table can
    /// have.
    pub(crate) objects: BTreeMap<Arc<str>, Arc<Object>>,
}

impl Catalog {
    /// The table of that exact name.
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// The view of that exact name.
    pub(crate) fn view(&self, name: &str) -> Option<&View> {
        match self.objects.get(name).map(Arc::as_ref) {
            Some(Object::View(view)) => Some(view),
            Some(Object::Entry(_)) | None => None,
        }
    }

    /// All views, in the order of their names.
    pub(crate) fn views(&self) -> impl Iterator<Item = &View> {
        self.objects.values().filter_map(|object| match object.as_ref() {
            Object::View(view) => Some(view),
            Object::Entry(_) => None,
        })
    }

    /// The views that read the table or view of that name, directly.
    pub(crate) fn readers<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c View> {
        self.views().filter(move |view| view.reads.contains(name))
    }

    /// The database or engine of that key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match self.objects.get(key).map(Arc::as_ref) {
            Some(Object::Entry(entry)) => Some(entry),
            Some(Object::View(_)) | None => None,
        }
    }

    /// Databases or engines, by key.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.objects.iter().filter_map(|(key, object)| match object.as_ref() {
            Object::Entry(entry) => Some((&**key, entry)),
            Object::View(_) => None,
        })
    }
}
