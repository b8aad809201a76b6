//! The owner's own statements: no HTTP, no faults, no hooks, no time.
//!
//! For seeding before a run and for oracles after it. Nothing a client does may come this way.

use std::sync::Arc;

use crate::history::Committed;
use crate::http::several::split;
use crate::server::Inner;
use crate::sql::{self, ExternalFiles, SqlError, SqlErrorKind, StatementKind};
use crate::value::ResultSet;

use super::patience::Patience;
use super::statement::evaluate;

/// Executes statements separated by `;`, each committing on its own.
pub(crate) fn setup(inner: &Arc<Inner>, script: &str) -> Result<(), SqlError> {
    for text in split(script) {
        let statement = sql::parse(text)?;
        match statement.kind() {
            StatementKind::Nothing => continue,
            StatementKind::Begin | StatementKind::Commit | StatementKind::Rollback => {
                return Err(refused("a transaction"));
            }
            StatementKind::Location => {
                inner.files.apply(&statement, inner.now_micros())?;
                continue;
            }
            _ if !statement.external_reads().is_empty() => return Err(refused("a LOCATION")),
            _ => {}
        }
        let now = inner.now_micros();
        let mut transaction = inner.state().store.begin(now);
        let files = ExternalFiles::default();
        let patience = Arc::new(Patience::default());
        evaluate(inner, &statement, &mut transaction, &files, now, &patience)?;
        let mut state = inner.state();
        let record = state
            .store
            .commit(transaction, now)
            .map_err(|conflict| SqlError::new(SqlErrorKind::Internal, conflict.to_string()))?;
        if !record.changes.is_empty() {
            state.log.push(Committed {
                at: inner.elapsed(),
                peer: Arc::from("setup"),
                sql: Arc::from(text),
                transaction: None,
                record: Arc::new(record),
            });
        }
    }
    Ok(())
}

/// Evaluates one SELECT on the last committed state.
pub(crate) fn query(inner: &Arc<Inner>, text: &str) -> Result<ResultSet, SqlError> {
    let statement = sql::parse(text)?;
    if statement.kind() != StatementKind::Select || !statement.external_reads().is_empty() {
        return Err(refused("anything but a SELECT from tables"));
    }
    let now = inner.now_micros();
    let mut transaction = inner.state().store.begin(now);
    let files = ExternalFiles::default();
    let patience = Arc::new(Patience::default());
    evaluate(inner, &statement, &mut transaction, &files, now, &patience)
}

fn refused(what: &str) -> SqlError {
    SqlError::new(
        SqlErrorKind::Unsupported,
        format!("{what} is out of reach here: send the statement over a connection"),
    )
}
