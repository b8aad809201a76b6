//! Statements that define something and that sqlparser does not read as Firebolt does: views,
//! clones, ALTER TABLE, indexes, databases, engines; and those that tell what is defined.
//!
//! Only the parsed forms are here. `parse_definition` makes them, one file a family runs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::ast;

use super::context::Facts;
use super::error::SqlError;
use super::statement::StatementKind;
use super::{alter_table, clone, entry, explain, index, show, vacuum, view};
use crate::mvcc::{Catalog, Transaction};
use crate::value::ResultSet;

/// The folded parts of a dotted name.
pub(super) type Name = Vec<String>;

/// A database or an engine: something of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Database,
    Engine,
}

/// What CREATE TABLE … CLONE does with aggregating indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClonedIndexes {
    All,
    Only(Vec<String>),
    None,
}

/// What ALTER TABLE changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TableChange {
    AddColumn {
        if_not_exists: bool,
        column: Box<ast::ColumnDef>,
    },
    /// MODIFY COLUMN: after that column, or first.
    MoveColumn {
        column: String,
        after: Option<String>,
    },
    RenameTo(Name),
    OwnerTo(String),
    DropPartition(Vec<ast::Expr>),
}

/// What ALTER does to a database or an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryChange {
    Set(BTreeMap<String, String>),
    RenameTo(String),
    OwnerTo(String),
}

/// What SHOW shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    Tables,
    Views,
    Columns(Name),
    Databases,
    Engines,
    Indexes,
}

/// A parsed statement of this family.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Definition {
    CloneTable {
        or_replace: bool,
        if_not_exists: bool,
        name: Name,
        source: Name,
        indexes: ClonedIndexes,
    },
    AlterTable {
        if_exists: bool,
        name: Name,
        change: TableChange,
    },
    CreateView {
        or_replace: bool,
        if_not_exists: bool,
        name: Name,
        columns: Vec<String>,
        query: Arc<ast::Query>,
    },
    DropView {
        if_exists: bool,
        name: Name,
        cascade: bool,
    },
    CreateIndex {
        if_not_exists: bool,
        name: String,
        table: Name,
        elements: Vec<ast::Expr>,
    },
    DropIndex {
        if_exists: bool,
        name: String,
    },
    Vacuum(Name),
    CreateEntry {
        kind: EntryKind,
        if_not_exists: bool,
        name: String,
        settings: BTreeMap<String, String>,
    },
    AlterEntry {
        kind: EntryKind,
        name: String,
        change: EntryChange,
    },
    DropEntry {
        kind: EntryKind,
        if_exists: bool,
        name: String,
    },
    /// START or STOP ENGINE; only STOP may say TERMINATE.
    RunEngine {
        start: bool,
        if_exists: bool,
        name: String,
        terminate: bool,
    },
    Show(Shown),
    Explain(Arc<ast::Query>),
}

impl Definition {
    /// What it is, for sessions, transactions, and faults.
    pub(super) fn kind(&self) -> StatementKind {
        match self {
            Self::CloneTable { .. } => StatementKind::CloneTable,
            Self::AlterTable { .. } => StatementKind::AlterTable,
            Self::CreateView { .. } => StatementKind::CreateView,
            Self::DropView { .. } => StatementKind::DropView,
            Self::CreateIndex { .. } | Self::DropIndex { .. } => StatementKind::Index,
            Self::Vacuum(_) => StatementKind::Vacuum,
            Self::CreateEntry { kind, .. }
            | Self::AlterEntry { kind, .. }
            | Self::DropEntry { kind, .. } => match kind {
                EntryKind::Database => StatementKind::Database,
                EntryKind::Engine => StatementKind::Engine,
            },
            Self::RunEngine { start: true, .. } => StatementKind::StartEngine,
            Self::RunEngine { start: false, .. } => StatementKind::StopEngine,
            Self::Show(_) => StatementKind::Show,
            Self::Explain(_) => StatementKind::Explain,
        }
    }

    /// Runs it in a transaction whose own view is `catalog`.
    pub(super) fn run(
        &self,
        catalog: &Catalog,
        facts: Facts<'_>,
        txn: &mut Transaction,
    ) -> Result<ResultSet, SqlError> {
        match self {
            Self::Show(shown) => return show::run(shown, catalog, facts),
            Self::Explain(query) => return explain::run(query, catalog, facts),
            Self::CloneTable { or_replace, if_not_exists, name, source, indexes } => {
                let mode = clone::Mode { or_replace: *or_replace, if_not_exists: *if_not_exists };
                clone::run(mode, name, source, indexes, catalog, facts, txn)
            }
            Self::AlterTable { if_exists, name, change } => {
                alter_table::run(*if_exists, name, change, catalog, facts, txn)
            }
            Self::CreateView { .. } => view::create(self, catalog, facts, txn),
            Self::DropView { if_exists, name, cascade } => {
                view::drop(*if_exists, name, *cascade, catalog, facts, txn)
            }
            Self::CreateIndex { .. } => index::create(self, catalog, facts, txn),
            Self::DropIndex { if_exists, name } => index::drop(*if_exists, name, catalog, txn),
            Self::Vacuum(name) => vacuum::run(name, catalog, facts, txn),
            Self::CreateEntry { kind, if_not_exists, name, settings } => {
                entry::create(*kind, *if_not_exists, name, settings, catalog, facts, txn)
            }
            Self::AlterEntry { kind, name, change } => {
                entry::alter(*kind, name, change, catalog, facts, txn)
            }
            Self::DropEntry { kind, if_exists, name } => {
                entry::drop(*kind, *if_exists, name, catalog, facts, txn)
            }
            Self::RunEngine { start, if_exists, name, .. } => {
                entry::run(*start, *if_exists, name, catalog, facts, txn)
            }
        }?;
        Ok(ResultSet::default())
    }
}
