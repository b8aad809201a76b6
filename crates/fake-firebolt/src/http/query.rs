//! `POST /`, and any other POST: one SQL statement in, its result out.
//!
//! What happens at the `Received` point is decided here; everything after it is `execution`'s.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::connection::Connection;
use super::parameters::{CancelOnDrop, Parameters};
use super::reply::{Outcome, Reply};
use super::{several, token};
use crate::execution::call::Call;
use crate::execution::life::Life;
use crate::execution::{dispatch, restart};
use crate::fault::{Answer, Endpoint, FaultPoint, Phase, StatementInfo, Verdict};
use crate::quirks::CancelOnDisconnect;
use crate::server::Inner;
use crate::sql::{self, SqlError, SqlErrorKind, Statement, StatementKind};

/// What the client speaks; transactions need 2.4 (firebolt-wire §7).
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("firebolt-protocol-version");
/// Marks the statements that a client sends for itself.
const MACHINE_QUERY: HeaderName = HeaderName::from_static("firebolt-machine-query");

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
    let request = Request {
        inner,
        connection,
        head,
        parameters: Arc::new(Parameters::parse(head.uri.query().unwrap_or_default())),
    };
    // The common request, without a list of one.
    if !sql.contains(';') && !request.has_parameters(sql) {
        return received(request.call(Arc::from(sql), sql::parse(sql), Vec::new())).await;
    }
    match request.parse(sql) {
        Ok(mut statements) if statements.len() == 1 => {
            received(request.call(Arc::from(sql), Ok(statements.remove(0)), Vec::new())).await
        }
        Ok(statements) => request.several(sql, statements).await,
        Err(error) => received(request.call(Arc::from(sql), Err(error), Vec::new())).await,
    }
}

/// What all statements of one request share.
struct Request<'a> {
    inner: &'a Arc<Inner>,
    connection: &'a Connection,
    head: &'a Parts,
    parameters: Arc<Parameters>,
}

impl Request<'_> {
    /// Whether the text names parameters, or some came with it.
    fn has_parameters(&self, sql: &str) -> bool {
        !self.parameters.query_parameters.is_empty() || sql::names_parameters(sql)
    }

    /// Parses all statements; their parameters are filled in where they have some.
    fn parse(&self, sql: &str) -> Result<Vec<Statement>, SqlError> {
        if self.has_parameters(sql) {
            return sql::parse_all_with(sql, &self.parameters.query_parameters);
        }
        sql::parse_all(sql)
    }

    /// Whether the evaluation of a statement ends when its client leaves. What only reads ends,
    /// unless somebody has said otherwise: nobody could see what comes of it. In an explicit
    /// transaction somebody could: a statement that is ended has failed, and would doom all that
    /// was written there, though the client may come back on another connection and commit it.
    fn is_left_with_its_client(&self, kind: StatementKind) -> bool {
        let by_default = match self.inner.config.quirks.cancel_on_disconnect {
            CancelOnDisconnect::All => CancelOnDrop::All,
            CancelOnDisconnect::None => CancelOnDrop::TypeDependent,
        };
        match self.parameters.cancel_on_drop.unwrap_or(by_default) {
            // A connection that has answered with a token tells nothing about the query behind it.
            _ if self.parameters.is_async => false,
            CancelOnDrop::All => true,
            CancelOnDrop::TypeDependent => {
                kind == StatementKind::Select && self.parameters.transaction_id.is_none()
            }
            CancelOnDrop::None => false,
        }
    }

    fn call(
        &self,
        sql: Arc<str>,
        statement: Result<Statement, SqlError>,
        further: Vec<Statement>,
    ) -> Arc<Call> {
        let kind = statement.as_ref().map_or(StatementKind::Other, |statement| statement.kind());
        let (request, request_id) = {
            let mut state = self.inner.state();
            (state.ids.request(), state.ids.uuid())
        };
        let info = StatementInfo {
            request,
            peer: self.connection.peer.clone(),
            connection: self.connection.ordinal,
            endpoint: Endpoint::Query,
            sql,
            kind,
            transaction: self.parameters.transaction_id.clone(),
            label: self.parameters.query_label.clone(),
        };
        let headers = &self.head.headers;
        // Only BEGIN asks for it; nobody else pays for looking.
        let is_begin = kind == StatementKind::Begin;
        let protocol = is_begin.then(|| headers.get(PROTOCOL_VERSION)).flatten();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Arc::new(Call {
            inner: Arc::clone(self.inner),
            info: Arc::new(info),
            parameters: Arc::clone(&self.parameters),
            statement,
            further,
            bearer: token::bearer(self.head).map(str::to_owned),
            protocol: protocol.map(text),
            is_machine: headers.contains_key(MACHINE_QUERY),
            client: self.is_left_with_its_client(kind).then(|| self.connection.left.clone()),
            arrived: Instant::now(),
            request_id,
        })
    }

    /// A request with several statements.
    async fn several(&self, whole: &str, mut statements: Vec<Statement>) -> Outcome {
        if let Some(refusal) = several::refusal(&statements, self.parameters.is_async) {
            let refusal = SqlError::new(SqlErrorKind::Unsupported, refusal);
            return received(self.call(Arc::from(whole), Err(refusal), Vec::new())).await;
        }
        if self.parameters.transaction_id.is_none() && sql::is_one_transaction(&statements) {
            let first = statements.remove(0);
            return received(self.call(Arc::from(whole), Ok(first), statements)).await;
        }
        let texts = several::texts(whole, statements.len());
        let call = |(text, statement)| self.call(text, Ok(statement), Vec::new());
        several::run(texts.into_iter().zip(statements).map(call).collect()).await
    }
}

/// The `Received` point of a query.
pub(super) async fn received(call: Arc<Call>) -> Outcome {
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
    let end = dispatch::execute(&mut life, call).await;
    life.answer(end).await
}

/// The points of a request that is not a query: it arrives and is answered, nothing is executed
/// in between that a fault could undo.
pub(crate) async fn door(
    inner: &Arc<Inner>,
    connection: &Connection,
    endpoint: Endpoint,
    serve: impl Fn() -> Reply,
) -> Outcome {
    let kind = match endpoint {
        Endpoint::Query => StatementKind::CancelQuery,
        Endpoint::Token | Endpoint::EngineUrl => StatementKind::Other,
    };
    let info = Arc::new(StatementInfo {
        request: inner.state().ids.request(),
        peer: connection.peer.clone(),
        connection: connection.ordinal,
        endpoint,
        sql: Arc::from(""),
        kind,
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
