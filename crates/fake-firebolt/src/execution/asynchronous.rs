//! Statements that run with nobody waiting: `async=true` in, a token out, and the state of it
//! asked for later (firebolt-wire §8.2, firebolt-semantics §3.4).
//!
//! Such a statement lives as any other does, fault points and engine restarts included; only its
//! end is written to a list instead of to a connection. What was cut or killed on its way is in
//! doubt, and stays so: that is what the status is for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::call::Call;
use super::dispatch;
use super::life::{Detour, Life};
use super::query_history::Ending;
use crate::engine_state::EngineState;
use crate::fault::Phase;
use crate::http::reply::Reply;
use crate::ids::Uuid;
use crate::quirks::{Acceptance, AsyncLost};
use crate::sql::{Statement, StatementKind};
use crate::value::{Column, DataType, ResultSet, Row, Value};
use crate::wire::JSON;
use crate::wire::cell::push_json_string;

/// Queries kept; the state of older ones is forgotten, as that of the service is some day.
const KEPT_MAX: usize = 10_000;

/// The asynchronous queries by token.
#[derive(Debug, Default)]
pub(crate) struct AsyncQueries {
    by_token: BTreeMap<String, Entry>,
    /// Tokens in the order they were given out.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Entry {
    query_id: Uuid,
    request_id: Uuid,
    submitted_micros: i64,
    started_micros: Option<i64>,
    end: Option<(i64, Ending)>,
    task: Option<AbortHandle>,
}

impl AsyncQueries {
    fn add(&mut self, token: String, entry: Entry) {
        if self.order.len() >= KEPT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_token.remove(&oldest);
        }
        self.order.push_back(token.clone());
        self.by_token.insert(token, entry);
    }

    fn finish(&mut self, token: &str, now_micros: i64, started: Option<i64>, ending: Ending) {
        if let Some(entry) = self.by_token.get_mut(token)
            && entry.end.is_none()
        {
            entry.started_micros = started.or(entry.started_micros);
            entry.end = Some((now_micros, ending));
        }
    }

    /// Ends a query that has not started yet; whether there is one.
    pub(super) fn abort(&mut self, query_id: &str, now_micros: i64) -> bool {
        let mut entries = self.by_token.values_mut().filter(|entry| entry.end.is_none());
        let Some(entry) = entries.find(|entry| entry.query_id.to_string() == query_id) else {
            return false;
        };
        if let Some(task) = entry.task.take() {
            task.abort();
        }
        entry.end = Some((now_micros, Ending::Canceled("The query was canceled".to_owned())));
        true
    }
}

/// Starts the statement and answers with its token.
pub(super) fn submit(life: &Life<'_>, call: &Arc<Call>) -> Result<Reply, Detour> {
    if let Some(refusal) = refusal(call) {
        return Err(Detour::Answer(Reply::user_error(&refusal)));
    }
    let inner = &call.inner;
    let token = {
        let mut state = inner.state();
        let token = state.ids.uuid().to_string();
        let entry = Entry {
            query_id: life.query_id,
            request_id: call.request_id,
            submitted_micros: inner.micros_at(call.arrived),
            started_micros: None,
            end: None,
            task: None,
        };
        state.asynchronous.add(token.clone(), entry);
        token
    };
    let (running, name, query_id) = (Arc::clone(call), token.clone(), life.query_id);
    let task = tokio::spawn(async move {
        let mut life = Life::new(&running, false);
        life.query_id = query_id;
        life.is_known = true;
        let end = dispatch::statement_of(&mut life).await;
        let ending = life.settle(&end);
        let started = life.started_micros();
        drop(life);
        let now = running.inner.now_micros();
        running.inner.state().asynchronous.finish(&name, now, started, ending);
    });
    let (inner, name) = (Arc::clone(inner), token.clone());
    if let Some(entry) = inner.state().asynchronous.by_token.get_mut(&token) {
        entry.task = Some(task.abort_handle());
    }
    tokio::spawn(async move {
        if task.await.is_err_and(|error| error.is_panic()) {
            let now = inner.now_micros();
            let mut state = inner.state();
            state.panics += 1;
            let ending = Ending::Error("Internal error of the fake: a query panicked".to_owned());
            state.asynchronous.finish(&name, now, None, ending);
            tracing::error!("an asynchronous query panicked");
        }
    });
    // Exactly these three: the Python SDK refuses any other.
    let mut body = String::from("{\"message\":\"The query was submitted\",\"monitorSql\":");
    push_json_string(&mut body, &format!("CALL fb_GetAsyncStatus('{token}');"));
    body.push_str(",\"token\":");
    push_json_string(&mut body, &token);
    body.push('}');
    Ok(Reply::new(202, JSON, body))
}

/// Why a statement cannot run asynchronously, if it cannot.
fn refusal(call: &Call) -> Option<String> {
    let quirks = &call.inner.config.quirks;
    let parsed = match &call.statement {
        Ok(parsed) => parsed,
        // A malformed statement is refused when it is submitted.
        Err(error) => return Some(error.text.clone()),
    };
    if call.info.transaction.is_some() && quirks.async_in_transaction == Acceptance::Refuse {
        return Some("An asynchronous query cannot run inside of a transaction".to_owned());
    }
    let what = match parsed.kind() {
        StatementKind::Set => "SET",
        StatementKind::UseDatabase | StatementKind::UseEngine => "USE",
        StatementKind::Begin => "BEGIN",
        StatementKind::Commit => "COMMIT",
        StatementKind::Rollback => "ROLLBACK",
        StatementKind::AsyncStatus => "CALL",
        StatementKind::CancelQuery => "CANCEL",
        StatementKind::Nothing => "A request without a statement",
        StatementKind::Merge if quirks.async_unlisted == Acceptance::Refuse => "MERGE",
        StatementKind::Update if quirks.async_unlisted == Acceptance::Refuse => "UPDATE",
        StatementKind::Delete if quirks.async_unlisted == Acceptance::Refuse => "DELETE",
        _ => return None,
    };
    Some(format!("{what} cannot be executed asynchronously"))
}

/// Names, types and nullability in the order that the Python SDK demands.
const COLUMNS: [(&str, DataType, bool); 12] = [
    ("account_name", DataType::Text, false),
    ("user_name", DataType::Text, false),
    ("submitted_time", DataType::TimestampTz, false),
    ("start_time", DataType::TimestampTz, true),
    ("end_time", DataType::TimestampTz, true),
    ("status", DataType::Text, false),
    ("request_id", DataType::Text, false),
    ("query_id", DataType::Text, false),
    ("error_message", DataType::Text, true),
    ("scanned_bytes", DataType::Bigint, true),
    ("scanned_rows", DataType::Bigint, true),
    ("retries", DataType::Bigint, true),
];

/// `CALL fb_GetAsyncStatus('token')`: one row.
pub(super) async fn status(life: &mut Life<'_>, parsed: &Statement) -> Result<Reply, Detour> {
    let token = parsed.used_name().unwrap_or_default();
    let Some(row) = row(life.call, token) else {
        let text = format!("The token '{token}' of an asynchronous query is invalid or expired");
        return Err(Detour::Answer(Reply::user_error(&text)));
    };
    life.done(Phase::Executed).await?;
    life.returned_rows = 1;
    let column = |(name, data_type, nullable): &(&str, DataType, bool)| Column {
        name: (*name).into(),
        data_type: data_type.clone(),
        nullable: *nullable,
    };
    let columns = COLUMNS.iter().map(column).collect();
    life.call.encode(&ResultSet { columns, rows: vec![row] }, life.query_id)
}

fn row(call: &Call, token: &str) -> Option<Row> {
    let inner = &call.inner;
    let state = inner.state();
    let entry = state.asynchronous.by_token.get(token)?;
    let started = entry.started_micros.or_else(|| state.flights.started_micros(entry.query_id));
    let status = match &entry.end {
        Some((_, Ending::Lost)) if inner.config.quirks.async_lost == AsyncLost::ExecutionError => {
            "EXECUTION_ERROR"
        }
        Some((_, ending)) => ending.status(),
        None if state.engine.state(Instant::now()) == EngineState::Running => "RUNNING",
        None => "SUSPENDED",
    };
    let error = entry.end.as_ref().and_then(|(_, ending)| ending.error());
    let time = |micros: Option<i64>| micros.map_or(Value::Null, Value::TimestampTz);
    Some(Row::from([
        Value::text(&inner.config.account),
        Value::text(inner.user()),
        Value::TimestampTz(entry.submitted_micros),
        time(started),
        time(entry.end.as_ref().map(|(at, _)| *at)),
        Value::text(status),
        Value::text(&entry.request_id.to_string()),
        Value::text(&entry.query_id.to_string()),
        error.map_or(Value::Null, Value::text),
        Value::Bigint(0),
        Value::Bigint(0),
        Value::Bigint(0),
    ]))
}
