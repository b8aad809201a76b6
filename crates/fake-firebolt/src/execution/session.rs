//! Statements that change the client's session and touch no table: USE, SET, and texts that hold
//! no statement at all.
//!
//! The server keeps no session, so all there is to do is to tell the client what to repeat.

use std::borrow::Cow;

use crate::fault::Phase;
use crate::http::reply::Reply;
use crate::http::settings;
use crate::sql::{Statement, StatementKind};
use crate::wire::headers::SessionChange;

use super::life::{Detour, Life};

/// Whether the kind of statement is answered here.
pub(crate) fn answers(kind: StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::UseDatabase
            | StatementKind::UseEngine
            | StatementKind::Set
            | StatementKind::Nothing
    )
}

/// Answers it. It runs on what stands before the engine, so a stopped engine does not matter; and
/// it has no part in a transaction, which it neither ends nor fails (firebolt-semantics §1.2).
pub(crate) async fn session_statement(
    life: &mut Life<'_>,
    statement: &Statement,
) -> Result<Reply, Detour> {
    let call = life.call;
    let config = &call.inner.config;
    let change = match call.info.kind {
        StatementKind::UseDatabase => {
            Some(using(statement, "Database", "database", &config.database)?)
        }
        StatementKind::UseEngine => Some(using(statement, "Engine", "engine", &config.engine)?),
        StatementKind::Set => {
            let (name, value) = statement.setting().unwrap_or_default();
            settings::check_set(name, value)
                .map_err(|text| Detour::Answer(Reply::user_error(&text)))?;
            Some(SessionChange::set(Cow::Owned(name.to_owned()), value))
        }
        _ => None,
    };
    life.done(Phase::Executed).await?;
    let reply = call.encode_nothing(life.query_id)?;
    Ok(match change {
        Some(change) => reply.with_session(change),
        None => reply,
    })
}

fn using(
    statement: &Statement,
    what: &str,
    parameter: &'static str,
    existing: &str,
) -> Result<SessionChange, Detour> {
    let name = statement.used_name().unwrap_or_default();
    if name != existing {
        let text = format!("{what} '{name}' does not exist or not authorized");
        return Err(Detour::Answer(Reply::user_error(&text)));
    }
    Ok(SessionChange::set(parameter, name))
}
