//! What a statement is executed with besides the store: clock, names, files, randomness, and what
//! else is running.

use std::sync::Arc;

use super::external::ExternalFiles;
use crate::quirks::Quirks;
use crate::value::ResultSet;

/// A statement in flight, for `information_schema.engine_running_queries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningQuery {
    /// The server's id of it.
    pub query_id: String,
    /// The client's `query_label`, if any.
    pub label: Option<String>,
    /// The SQL text.
    pub text: String,
    /// Server time of its start, microseconds since the epoch.
    pub started_micros: i64,
}

/// Views of `information_schema` that show the server rather than the data: nothing of them exists
/// until a statement asks for it by name.
pub trait ServerViews: std::fmt::Debug {
    /// The view's columns and rows now; `None` when there is no such view.
    fn view(&self, name: &str) -> Option<ResultSet>;

    /// What runs on the engine now, the statement that asks included.
    fn running(&self) -> Vec<RunningQuery> {
        Vec::new()
    }
}

/// A server without any: statements that are executed on a store alone.
#[derive(Clone, Copy, Debug)]
pub struct NoServer;

impl ServerViews for NoServer {
    fn view(&self, _name: &str) -> Option<ResultSet> {
        None
    }
}

/// Who may end a statement while it is evaluated. Counts in steps, as the budget
/// `statement_steps_max` does; knows about clocks what the evaluation must not know.
pub trait Watch: std::fmt::Debug + Send + Sync {
    /// The steps after which it is asked for the first time.
    fn first_look(&self) -> u64;

    /// Asked after so many steps: the number after which it is to be asked again, or `None` when
    /// the evaluation has to end.
    fn look(&self, steps: u64) -> Option<u64>;

    /// The evaluation has ended, however it did, after so many steps.
    fn ended(&self, _steps: u64) {}
}

/// The surroundings of one execution.
pub struct StatementContext<'a> {
    /// CURRENT_TIMESTAMP, microseconds since the epoch, UTC.
    pub now_micros: i64,
    /// Database of the session.
    pub database: &'a str,
    /// Engine of the session.
    pub engine: &'a str,
    /// Account of the session.
    pub account: &'a str,
    /// Decoded files for every [`super::ExternalRead`] of the statement.
    pub files: &'a ExternalFiles,
    /// The switches for what is unknown of the real service.
    pub quirks: &'a Quirks,
    /// The views of the server, and what else runs there.
    pub server: &'a dyn ServerViews,
    /// Who may end it, if anybody.
    pub watch: Option<&'a Arc<dyn Watch>>,
    /// A number below its argument, for picks that the real service leaves arbitrary.
    pub random: &'a mut dyn FnMut(u64) -> u64,
    /// A seed for what RANDOM and its like draw: asked once by a statement that calls them, and
    /// never by another.
    pub values: &'a dyn Fn() -> u64,
}

impl std::fmt::Debug for StatementContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatementContext")
            .field("now_micros", &self.now_micros)
            .field("database", &self.database)
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// The part of the surroundings that binding needs; it can be copied while the rest is in use.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) now_micros: i64,
    pub(super) database: &'a str,
    pub(super) engine: &'a str,
    pub(super) account: &'a str,
    pub(super) files: &'a ExternalFiles,
    pub(super) quirks: &'a Quirks,
    pub(super) server: &'a dyn ServerViews,
    pub(super) values: &'a dyn Fn() -> u64,
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts")
            .field("now_micros", &self.now_micros)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl<'a> StatementContext<'a> {
    pub(super) fn facts(&self) -> Facts<'a> {
        Facts {
            now_micros: self.now_micros,
            database: self.database,
            engine: self.engine,
            account: self.account,
            files: self.files,
            quirks: self.quirks,
            server: self.server,
            values: self.values,
        }
    }
}
