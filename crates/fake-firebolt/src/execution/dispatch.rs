//! From a statement to whoever executes it, after what the gateway refuses.

use std::sync::Arc;

use super::call::Call;
use super::life::{Detour, Life};
use super::{asynchronous, boundary, cancel, engine_statement, session, statement};
use crate::http::reply::Reply;
use crate::sql::StatementKind;

/// Executes a call, or starts it if it is asynchronous; the reply, or why there is none.
pub(crate) async fn execute(life: &mut Life<'_>, call: &Arc<Call>) -> Result<Reply, Detour> {
    if let Some(refusal) = refuse(call) {
        return Err(Detour::Answer(refusal));
    }
    life.is_known = true;
    if call.parameters.is_async {
        let submitted = asynchronous::submit(life, call);
        // The history has it when it has run; only what is refused is remembered now.
        life.is_known = submitted.is_err();
        return submitted;
    }
    statement_of(life).await
}

/// Executes the statement of a life.
pub(super) async fn statement_of(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let call = life.call;
    let parsed = match &call.statement {
        Ok(parsed) => parsed,
        Err(error) => {
            doom(call).await;
            return Err(Detour::Answer(Reply::user_error(&error.text)));
        }
    };
    match (parsed.kind(), call.info.transaction.as_deref()) {
        (StatementKind::Begin, _) => boundary::begin(life).await,
        (StatementKind::Commit, _) => boundary::commit_transaction(life).await,
        (StatementKind::Rollback, _) => boundary::roll_back(life).await,
        (StatementKind::AsyncStatus, _) => asynchronous::status(life, parsed).await,
        (StatementKind::CancelQuery, _) => cancel::statement(life, parsed).await,
        (kind, _) if session::answers(kind) => session::session_statement(life, parsed).await,
        (StatementKind::StartEngine | StatementKind::StopEngine, None)
            if let Some(run) = parsed.engine_run(&call.inner.config.engine) =>
        {
            engine_statement::run(life, run).await
        }
        (_, Some(id)) => statement::in_transaction(life, parsed, id).await,
        (_, None) => statement::autocommit(life, parsed).await,
    }
}

/// What the gateway refuses before the statement is looked at.
fn refuse(call: &Call) -> Option<Reply> {
    let config = &call.inner.config;
    let parameters = &call.parameters;
    if let Some(text) = &parameters.refusal {
        return Some(Reply::user_error(text));
    }
    if let Some(database) = &parameters.database
        && *database != config.database
    {
        let text = format!("Database '{database}' does not exist or not authorized");
        return Some(Reply::user_error(&text));
    }
    if let Some(engine) = &parameters.engine
        && *engine != config.engine
    {
        let text = format!("Engine '{engine}' does not exist or not authorized");
        return Some(Reply::text(404, text));
    }
    // Looked at first: a COMMIT whose answer cannot be written must not commit.
    call.parameters.format().err().map(|text| Reply::text(404, text))
}

/// A statement that does not parse has failed like any other, and takes its transaction along.
async fn doom(call: &Call) {
    if let Some(id) = &call.info.transaction
        && let Some(mut turn) = boundary::turn(&call.inner, id).await
    {
        turn.doomed = true;
    }
}
