//! A parsed statement and its kind: all that the server has to know before it executes one.

use std::sync::Arc;

use super::copy::CopyStatement;
use super::definition::Definition;
use super::error::{SqlError, SqlErrorKind};
use super::external::ExternalRead;
use super::location::LocationStatement;
use super::parse_cache::Tree;
use super::table_clauses::TableClauses;

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
    /// CREATE TABLE … CLONE.
    CloneTable,
    /// DROP TABLE.
    DropTable,
    /// ALTER TABLE.
    AlterTable,
    /// TRUNCATE TABLE.
    Truncate,
    /// VACUUM.
    Vacuum,
    /// CREATE VIEW.
    CreateView,
    /// DROP VIEW.
    DropView,
    /// CREATE or DROP AGGREGATING INDEX.
    Index,
    /// CREATE, ALTER, or DROP DATABASE.
    Database,
    /// CREATE, ALTER, or DROP ENGINE.
    Engine,
    /// START ENGINE.
    StartEngine,
    /// STOP ENGINE.
    StopEngine,
    /// EXPLAIN.
    Explain,
    /// SHOW or DESCRIBE.
    Show,
    /// CREATE, ALTER or DROP LOCATION.
    Location,
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
    /// CALL fb_GetAsyncStatus('token').
    AsyncStatus,
    /// CANCEL QUERY WHERE query_id = 'id'.
    CancelQuery,
    /// Only comments and white space.
    Nothing,
    /// Parses, but the fake does not execute it.
    Other,
}

impl StatementKind {
    /// Whether it changes rows or tables, or what is defined besides them.
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
                | Self::CloneTable
                | Self::DropTable
                | Self::AlterTable
                | Self::Truncate
                | Self::Vacuum
                | Self::CreateView
                | Self::DropView
                | Self::Index
                | Self::Database
                | Self::Engine
        )
    }

    /// Whether BEGIN … COMMIT may hold it (firebolt-semantics §1.2).
    #[must_use]
    pub fn is_transactional(self) -> bool {
        !matches!(
            self,
            Self::Engine | Self::StartEngine | Self::StopEngine | Self::Vacuum | Self::Location
        )
    }
}

/// The parsed form.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Sql(Tree),
    Copy(Box<CopyStatement>),
    Location(Box<LocationStatement>),
    /// What sqlparser does not read.
    Definition(Arc<Definition>),
    /// USE: the name. CALL and CANCEL: the token or the query id.
    Name(String),
    /// SET: name and value.
    Setting(String, String),
    None,
}

/// START ENGINE or STOP ENGINE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineRun {
    /// START rather than STOP.
    pub start: bool,
    /// STOP … WITH TERMINATE = true: what runs is not waited for.
    pub terminate: bool,
}

/// A parsed statement.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(super) kind: StatementKind,
    pub(super) body: Body,
    /// Clauses of CREATE TABLE that sqlparser does not read.
    pub(super) clauses: Option<Arc<TableClauses>>,
    pub(super) reads: Vec<ExternalRead>,
}

impl Statement {
    pub(super) fn new(kind: StatementKind, body: Body) -> Self {
        Self { kind, body, clauses: None, reads: Vec::new() }
    }

    /// The refusal of a statement that an explicit transaction must not hold. The service's own
    /// words are not known (firebolt-semantics §1.2).
    #[must_use]
    pub fn refused_in_transaction(&self) -> Option<SqlError> {
        let what = match self.kind {
            kind if kind.is_transactional() => return None,
            StatementKind::Engine => "CREATE, ALTER, and DROP ENGINE",
            StatementKind::StartEngine => "START ENGINE",
            StatementKind::StopEngine => "STOP ENGINE",
            StatementKind::Location => "CREATE, ALTER, and DROP LOCATION",
            _ => "VACUUM",
        };
        let text = format!("{what} cannot run inside an explicit transaction");
        Some(SqlError::new(SqlErrorKind::Data, text))
    }

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

    /// What START ENGINE or STOP ENGINE does, if it is about that engine.
    #[must_use]
    pub fn engine_run(&self, engine: &str) -> Option<EngineRun> {
        let Body::Definition(definition) = &self.body else { return None };
        match definition.as_ref() {
            Definition::RunEngine { start, name, terminate, .. } if name == engine => {
                Some(EngineRun { start: *start, terminate: *terminate })
            }
            _ => None,
        }
    }

    /// What a CREATE, ALTER or DROP LOCATION asks for; the server keeps the LOCATIONs.
    #[must_use]
    pub fn location(&self) -> Option<&LocationStatement> {
        match &self.body {
            Body::Location(location) => Some(location),
            _ => None,
        }
    }

    /// The database or engine of a USE, the token of a CALL, the query id of a CANCEL.
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
