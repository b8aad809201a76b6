//! Statements that change the client's session and touch no table: USE, SET, and texts that hold
//! no statement at all.
//!
//! The server keeps no session, so all there is to do is to tell the client what to repeat.

use std::borrow::Cow;

use crate::fault::Phase;
use crate::http::reply::Reply;
use crate::http::settings;
use crate::server::FakeConfig;
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
    let changes = match call.info.kind {
        StatementKind::UseDatabase => {
            vec![using(statement, "Database", "database", &config.database)?]
        }
        StatementKind::UseEngine => {
            let change = using(statement, "Engine", "engine", &config.engine)?;
            let answer = config.quirks.use_engine;
            let parameters = answer.tells_parameters().then_some(change);
            let endpoint = answer.tells_endpoint().then(|| endpoint(config));
            endpoint.into_iter().chain(parameters).collect()
        }
        StatementKind::Set => {
            let (name, value) = statement.setting().unwrap_or_default();
            settings::check_set(name, value)
                .map_err(|text| Detour::Answer(Reply::user_error(&text)))?;
            vec![SessionChange::set(Cow::Owned(name.to_owned()), value)]
        }
        _ => Vec::new(),
    };
    life.done(Phase::Executed).await?;
    let reply = call.encode_nothing(life.query_id)?;
    Ok(Reply { session: changes, ..reply })
}

/// The engine's address as `Firebolt-Update-Endpoint` gives it: without a scheme where that is
/// https, which every client assumes (firebolt-wire §3.2).
fn endpoint(config: &FakeConfig) -> SessionChange {
    let base = config.base_url.strip_prefix("https://").unwrap_or(&config.base_url);
    let engine: String = form_urlencoded::byte_serialize(config.engine.as_bytes()).collect();
    SessionChange::Endpoint(format!("{base}?engine={engine}"))
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
