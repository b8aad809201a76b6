//! `POST /`, and any other POST: one SQL statement in, its result out.
//!
//! What happens at the `Received` point is decided here; everything after it is `execution`'s.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use tokio::time::Instant;

use super::connection::Connection;
use super::parameters::Parameters;
use super::reply::{Outcome, Reply};
use super::token;
use crate::execution::call::Call;
use crate::execution::life::{Detour, Life};
use crate::execution::{boundary, engine_statement, restart, session, statement};
use crate::fault::{Answer, Endpoint, FaultPoint, Phase, StatementInfo, Verdict};
use crate::server::Inner;
use crate::sql::{self, StatementKind};

/// Answers a query.
pub(crate) async fn handle(
    inner: &Arc<Inner>,
    connection: &Connection,
    head: &Parts,
    body: &[u8],
) -> Outcome {
    let Ok(sql) = std::str::from_utf8(body) else {
        return Reply::user_error("The statement is not UTF-8").into();
    };
    let sql: Arc<str> = Arc::from(sql);
    let parameters = Parameters::parse(head.uri.query().unwrap_or_default());
    let parsed = sql::parse(&sql);
    let (request, request_id) = {
        let mut state = inner.state();
        (state.ids.request(), state.ids.uuid())
    };
    let info = StatementInfo {
        request,
        peer: connection.peer.clone(),
        connection: connection.ordinal,
        endpoint: Endpoint::Query,
        sql,
        kind: parsed.as_ref().map_or(StatementKind::Other, |statement| statement.kind()),
        transaction: parameters.transaction_id.clone(),
        label: parameters.query_label.clone(),
    };
    let call = Arc::new(Call {
        inner: Arc::clone(inner),
        info: Arc::new(info),
        parameters,
        statement: parsed,
        bearer: token::bearer(head).map(str::to_owned),
        arrived: Instant::now(),
        request_id,
    });
    received(call).await
}

/// The `Received` point of a query.
async fn received(call: Arc<Call>) -> Outcome {
    match arrive(&call.inner, &call.info).await {
        Arrival::GoesOn { cut_after } => run(&call, cut_after, true).await,
        Arrival::Ends(outcome) => outcome,
        Arrival::Later(delay) => {
            // The token is looked at now: the request that executes late was let in long ago.
            if token::refuse_stranger(&call.inner, call.bearer.as_deref()).is_none() {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    admitted(&call, None, false).await;
                });
            }
            Outcome::Cut
        }
        Arrival::Twice => {
            run(&call, None, false).await;
            run(&call, None, true).await
        }
    }
}

/// What became of a request at its `Received` point.
enum Arrival {
    GoesOn { cut_after: Option<usize> },
    Ends(Outcome),
    Later(Duration),
    Twice,
}

async fn arrive(inner: &Arc<Inner>, info: &Arc<StatementInfo>) -> Arrival {
    match inner.hooks.at(&FaultPoint { phase: Phase::Received, statement: info }) {
        Verdict::Pass => Arrival::GoesOn { cut_after: None },
        Verdict::Delay(delay) => {
            tokio::time::sleep(delay).await;
            Arrival::GoesOn { cut_after: None }
        }
        Verdict::Hold(gate) => {
            gate.opened().await;
            Arrival::GoesOn { cut_after: None }
        }
        Verdict::CutMidReply(bytes) => Arrival::GoesOn { cut_after: Some(bytes) },
        Verdict::Cut => Arrival::Ends(Outcome::Cut),
        Verdict::Reset => Arrival::Ends(Outcome::Reset),
        Verdict::Hang => Arrival::Ends(Outcome::Hang),
        Verdict::Answer(reply) => Arrival::Ends(Outcome::Reply(reply.into(), None)),
        Verdict::ExecuteLater(delay) => Arrival::Later(delay),
        Verdict::Twice => Arrival::Twice,
        Verdict::Restart { away } => {
            // The node goes down with the request unread in its buffers: nothing has begun.
            restart::restart(inner, away);
            Arrival::Ends(Outcome::Cut)
        }
        verdict @ (Verdict::Conflict | Verdict::FailStatement(_)) => {
            tracing::warn!(?verdict, "no meaning at a request's arrival, passed over");
            Arrival::GoesOn { cut_after: None }
        }
    }
}

/// Lets the request in, or not, and executes it.
async fn run(call: &Arc<Call>, cut_after: Option<usize>, has_reply: bool) -> Outcome {
    if let Some(refusal) = token::refuse_stranger(&call.inner, call.bearer.as_deref()) {
        let life = Life::new(call, has_reply);
        return life.answer(Ok(refusal)).await;
    }
    admitted(call, cut_after, has_reply).await
}

async fn admitted(call: &Arc<Call>, cut_after: Option<usize>, has_reply: bool) -> Outcome {
    let mut life = Life::new(call, has_reply);
    life.cut_reply_after(cut_after);
    let end = execute(&mut life).await;
    life.answer(end).await
}

async fn execute(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let call = life.call;
    if let Some(refusal) = refuse(call) {
        return Err(Detour::Answer(refusal));
    }
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
    None
}

/// A statement that does not parse has failed like any other, and takes its transaction along.
async fn doom(call: &Call) {
    if let Some(id) = &call.info.transaction
        && let Some(mut turn) = boundary::turn(&call.inner, id).await
    {
        turn.doomed = true;
    }
}

/// The points of a request that is not a query: it arrives and is answered, nothing is executed
/// in between that a fault could undo.
pub(crate) async fn door(
    inner: &Arc<Inner>,
    connection: &Connection,
    endpoint: Endpoint,
    serve: impl Fn() -> Reply,
) -> Outcome {
    let info = Arc::new(StatementInfo {
        request: inner.state().ids.request(),
        peer: connection.peer.clone(),
        connection: connection.ordinal,
        endpoint,
        sql: Arc::from(""),
        kind: StatementKind::Other,
        transaction: None,
        label: None,
    });
    let mut cut_after = match arrive(inner, &info).await {
        Arrival::GoesOn { cut_after } => cut_after,
        Arrival::Ends(outcome) => return outcome,
        // A sign-on that is served late gives a token to nobody.
        Arrival::Later(_) => return Outcome::Cut,
        Arrival::Twice => {
            serve();
            None
        }
    };
    let reply = serve();
    inner.hooks.answered(&Answer { statement: &info, status: reply.status });
    match inner.hooks.at(&FaultPoint { phase: Phase::Answered, statement: &info }) {
        Verdict::Delay(delay) => tokio::time::sleep(delay).await,
        Verdict::Hold(gate) => gate.opened().await,
        Verdict::Cut => return Outcome::Cut,
        Verdict::Reset => return Outcome::Reset,
        Verdict::CutMidReply(bytes) => cut_after = Some(bytes),
        Verdict::Hang => return Outcome::Hang,
        Verdict::Answer(reply) => return Outcome::Reply(reply.into(), None),
        Verdict::Restart { away } => {
            restart::restart(inner, away);
            return Outcome::Cut;
        }
        Verdict::Pass
        | Verdict::Conflict
        | Verdict::FailStatement(_)
        | Verdict::ExecuteLater(_)
        | Verdict::Twice => {}
    }
    Outcome::Reply(reply, cut_after)
}
