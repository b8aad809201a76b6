//! A parsed statement and its kind: all that the server has to know before it executes one.

use super::copy::CopyStatement;
use super::external::ExternalRead;
use super::parse_cache::Tree;

/// What a statement is, as far as sessions, transactions, and faults are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatementKind {
    /// SELECT, also with CTEs or set operations.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// COPY … FROM.
    Copy,
    /// CREATE TABLE with columns.
    CreateTable,
    /// CREATE TABLE … AS SELECT.
    CreateTableAs,
    /// DROP TABLE.
    DropTable,
    /// ALTER TABLE.
    AlterTable,
    /// TRUNCATE TABLE.
    Truncate,
    /// BEGIN.
    Begin,
    /// COMMIT.
    Commit,
    /// ROLLBACK.
    Rollback,
    /// USE DATABASE, or plain USE.
    UseDatabase,
    /// USE ENGINE.
    UseEngine,
    /// SET name = value.
    Set,
    /// Only comments and white space.
    Nothing,
    /// Parses, but the fake does not execute it.
    Other,
}

impl StatementKind {
    /// Whether it changes rows or tables.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Insert
                | Self::Update
                | Self::Delete
                | Self::Merge
                | Self::Copy
                | Self::CreateTable
                | Self::CreateTableAs
                | Self::DropTable
                | Self::AlterTable
                | Self::Truncate
        )
    }
}

/// The parsed form.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Sql(Tree),
    Copy(CopyStatement),
    /// USE: the name.
    Name(String),
    /// SET: name and value.
    Setting(String, String),
    None,
}

/// A parsed statement.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(super) kind: StatementKind,
    pub(super) body: Body,
    /// Columns of PRIMARY INDEX, which sqlparser does not read.
    pub(super) primary_index: Vec<String>,
    pub(super) reads: Vec<ExternalRead>,
}

impl Statement {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> StatementKind {
        self.kind
    }

    /// The files it reads; the server fetches and decodes them before it executes the statement.
    #[must_use]
    pub fn external_reads(&self) -> Vec<ExternalRead> {
        self.reads.clone()
    }

    /// The database or engine of a USE.
    #[must_use]
    pub fn used_name(&self) -> Option<&str> {
        match &self.body {
            Body::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Name and value of a SET.
    #[must_use]
    pub fn setting(&self) -> Option<(&str, &str)> {
        match &self.body {
            Body::Setting(name, value) => Some((name, value)),
            _ => None,
        }
    }
}
