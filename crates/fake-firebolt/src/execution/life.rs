//! What a statement meets on its way: fault points, a stopped engine, restarts, time-outs.
//!
//! Nothing in here knows what the statement does. Each step says whether to go on, and if not,
//! what becomes of the request; the callers decide what becomes of the work.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::Instant;

use super::call::Call;
use super::in_flight::{Flight, Kill};
use super::patience::{End, Patience};
use super::query_history::{Ending, QueryRecord};
use super::statement::DEMANDED;
use crate::engine_state::Admission;
use crate::fault::{Answer, CannedReply, FaultPoint, Gate, InFlight, Phase, Verdict};
use crate::http::reply::{Outcome, Reply};
use crate::ids::Uuid;
use crate::mvcc::Conflict;
use crate::quirks::ConflictBody;
use crate::sql::{SqlError, SqlErrorKind, StatementKind};
use crate::value::ResultSet;
use crate::wire::{errors, lz4_blocks};

/// The text of an engine that died under a statement which it will not run again
/// (firebolt-semantics §3.1, field report). Only MERGE was ever seen to get it.
const CANNOT_BE_RETRIED: &str = "Query of type 'DML Merge' cannot be retried";

/// Why a statement does not reach the end of its ordinary way.
#[derive(Debug)]
pub(crate) enum Detour {
    /// It has a reply all the same, most often an error.
    Answer(Reply),
    /// The request ends here.
    Stop(Outcome),
}

impl From<SqlError> for Detour {
    fn from(error: SqlError) -> Self {
        Self::Answer(Reply::user_error(&error.text))
    }
}

/// How the working part of a statement ended.
#[derive(Debug)]
pub(crate) enum Work {
    /// It is done and may take effect.
    Done,
    /// It takes effect, and its reply is lost in a restart.
    DoneAndKilled,
    /// It must not take effect.
    Failed(Detour),
    /// It must not take effect, because it is said to conflict.
    Conflict,
}

/// What a fault point came to.
enum Step {
    GoOn,
    Conflict,
    Fail(CannedReply),
    Stop(Outcome),
    Killed(Kill),
}

/// One execution of a call.
pub(crate) struct Life<'a> {
    pub(crate) call: &'a Call,
    pub(crate) query_id: Uuid,
    /// Rows of the result, and rows that were committed: the history tells them.
    pub(crate) returned_rows: usize,
    pub(crate) inserted_rows: Option<usize>,
    /// It was let in: whatever becomes of it, the history has it.
    pub(crate) is_known: bool,
    flight: Option<Flight>,
    started_micros: Option<i64>,
    /// It has done what it was asked, whatever the client will hear.
    is_done: bool,
    is_canceled: bool,
    cut_after: Option<usize>,
    /// Whether the `Answered` point is asked: of a doubled request only the second has a reply.
    asks_answered: bool,
}

impl<'a> Life<'a> {
    pub(crate) fn new(call: &'a Call, asks_answered: bool) -> Self {
        let query_id = call.inner.state().ids.uuid();
        Self {
            call,
            query_id,
            returned_rows: 0,
            inserted_rows: None,
            is_known: false,
            flight: None,
            started_micros: None,
            is_done: false,
            is_canceled: false,
            cut_after: None,
            asks_answered,
        }
    }

    /// The rest of the way of a request whose `Received` point broke its reply in the middle.
    pub(crate) fn cut_reply_after(&mut self, bytes: Option<usize>) {
        self.cut_after = bytes;
    }

    /// Waits until the engine runs. A statement that waits is not in flight: no restart kills it.
    pub(crate) async fn wait_for_engine(&self) -> Result<(), Detour> {
        let inner = &self.call.inner;
        let may_wake = inner.config.quirks.auto_start && !self.call.parameters.leave_engine_asleep;
        loop {
            let admission = inner.state().engine.admit(Instant::now(), may_wake);
            match admission {
                Admission::Now => return Ok(()),
                Admission::HeldUntil(until) => tokio::time::sleep_until(until).await,
                Admission::Refused => {
                    let engine = &inner.config.engine;
                    // The wording by which the SDKs know a stopped engine (firebolt-wire §6.3).
                    let text = format!("Cannot run the query on engine {engine}: it is stopped");
                    return Err(Detour::Answer(Reply::text(404, text)));
                }
            }
        }
    }

    /// When it took off.
    pub(crate) fn started_micros(&self) -> Option<i64> {
        self.started_micros
    }

    /// From here on a restart of the engine kills the statement.
    pub(crate) fn take_off(&mut self) {
        let Call { inner, info, .. } = self.call;
        let now = inner.now_micros();
        self.started_micros = Some(now);
        let rate = inner.config.limits.steps_per_second;
        let patience = Patience::new(self.call.timeout(), rate, self.call.client.clone());
        self.flight = Some(Flight::start(inner, info, self.query_id, now, patience));
    }

    /// How long its evaluation may go on, from its take-off; without one it is for ever.
    pub(crate) fn patience(&self) -> Arc<Patience> {
        self.flight.as_ref().map(|flight| Arc::clone(&flight.patience)).unwrap_or_default()
    }

    /// What its evaluation came to: a result, an error of its own, or the end that somebody or the
    /// time has made of it.
    pub(crate) async fn evaluated(
        &mut self,
        end: Result<ResultSet, SqlError>,
    ) -> Result<ResultSet, Detour> {
        match end {
            Ok(result) if self.patience().is_late() => {
                drop(result);
                // An engine that is gone tells nobody of a time-out.
                Err(match self.fate() {
                    Some(kill) => self.dead(kill),
                    None => self.out_of_time(),
                })
            }
            Ok(result) => Ok(result),
            Err(error) if error.kind == SqlErrorKind::Interrupted => Err(self.cut_short().await),
            Err(error) => Err(error.into()),
        }
    }

    /// The end of an evaluation that was ended.
    async fn cut_short(&mut self) -> Detour {
        if let Some(kill) = self.fate() {
            return self.dead(kill);
        }
        match self.patience().end() {
            // By the server's clock its time is yet to pass, as it does for any that takes long.
            Some(End::Steps) => match self.work().await {
                Work::Failed(detour) => detour,
                Work::Conflict => self.conflict(DEMANDED),
                Work::DoneAndKilled => Detour::Stop(self.death()),
                Work::Done => self.out_of_time(),
            },
            Some(End::Left) => {
                // The task is about to be aborted; if that comes late, nobody listens anyway.
                tokio::task::yield_now().await;
                Detour::Stop(Outcome::Cut)
            }
            Some(End::Late | End::Killed) | None => self.out_of_time(),
        }
    }

    fn dead(&mut self, kill: Kill) -> Detour {
        if kill == Kill::Restart(InFlight::KilledAfterCommit) {
            tracing::warn!(
                "killed after its commit, it was to be: its evaluation had not come to one"
            );
        }
        match self.dying(kill) {
            Work::Failed(detour) => detour,
            // It would have committed first, and has nothing to commit.
            Work::DoneAndKilled | Work::Done | Work::Conflict => Detour::Stop(self.death()),
        }
    }

    /// The working part: the `Executing` point and the time that execution takes.
    pub(crate) async fn work(&mut self) -> Work {
        match self.ask(Phase::Executing).await {
            Step::GoOn => {}
            Step::Conflict => return Work::Conflict,
            Step::Fail(reply) => return Work::Failed(Detour::Answer(reply.into())),
            Step::Stop(outcome) => return Work::Failed(Detour::Stop(outcome)),
            Step::Killed(kill) => return self.dying(kill),
        }
        let takes = self.call.inner.hooks.execution_time(&self.call.info);
        let mut takes = self.patience().evaluation_time().saturating_add(takes);
        let timeout = self.call.timeout();
        let timed_out = timeout.is_some_and(|limit| limit < takes);
        if timed_out {
            takes = timeout.unwrap_or(takes);
        }
        if let Some(kill) = self.pause(takes).await {
            return self.dying(kill);
        }
        if timed_out {
            return Work::Failed(self.out_of_time());
        }
        Work::Done
    }

    /// The end of a statement that ran for longer than it may.
    fn out_of_time(&mut self) -> Detour {
        self.is_canceled = true;
        let limit = self.call.timeout().unwrap_or_default();
        // Whether the service's own text is this one is not known; that nothing was done is.
        let text = format!("The query was canceled: statement_timeout of {limit:?} is over");
        Detour::Answer(Reply::text(500, text))
    }

    fn dying(&mut self, kill: Kill) -> Work {
        match kill {
            Kill::Restart(InFlight::KilledAfterCommit) => Work::DoneAndKilled,
            Kill::Restart(InFlight::KilledBeforeCommit | InFlight::AsConfigured) => {
                Work::Failed(Detour::Stop(self.death()))
            }
            Kill::Cancel => {
                self.is_canceled = true;
                // The text is not known; the status of the history is (firebolt-semantics §6).
                Work::Failed(Detour::Answer(Reply::user_error("The query was canceled")))
            }
        }
    }

    /// How a client learns that the engine died under its statement.
    pub(crate) fn death(&self) -> Outcome {
        if self.call.info.kind != StatementKind::Merge {
            return Outcome::Cut;
        }
        let status = self.call.inner.config.quirks.cannot_be_retried_status;
        let reply = Reply::text(status, CANNOT_BE_RETRIED);
        self.tell(&reply);
        Outcome::Reply(reply, None)
    }

    /// A point after which there is nothing left to undo: `Executed` or `Committed`.
    pub(crate) async fn done(&mut self, phase: Phase) -> Result<(), Detour> {
        self.is_done = true;
        match self.ask(phase).await {
            // A CANCEL that comes now comes too late.
            Step::GoOn | Step::Conflict | Step::Fail(_) | Step::Killed(Kill::Cancel) => Ok(()),
            Step::Stop(outcome) => Err(Detour::Stop(outcome)),
            Step::Killed(Kill::Restart(_)) => Err(Detour::Stop(self.death())),
        }
    }

    /// Writes the history of it; how it ended, whatever anybody is told.
    pub(crate) fn settle(&mut self, end: &Result<Reply, Detour>) -> Ending {
        let Call { inner, info, .. } = self.call;
        let ending = match end {
            Ok(_) => Ending::Success,
            Err(Detour::Stop(_)) if self.is_done => Ending::Success,
            Err(Detour::Stop(_)) => Ending::Lost,
            Err(Detour::Answer(reply)) => {
                let text = errors::description(&String::from_utf8_lossy(&reply.body));
                match &self.call.statement {
                    Err(_) => Ending::ParseError(text),
                    Ok(_) if self.is_canceled => Ending::Canceled(text),
                    Ok(_) => Ending::Error(text),
                }
            }
        };
        if self.is_known {
            let ended_micros = inner.now_micros();
            let record = QueryRecord {
                info: Arc::clone(info),
                is_machine: self.call.is_machine,
                query_id: self.query_id,
                request_id: self.call.request_id,
                submitted_micros: inner.micros_at(self.call.arrived),
                started_micros: self.started_micros.unwrap_or(ended_micros),
                ended_micros,
                ending: ending.clone(),
                returned_rows: self.returned_rows,
                inserted_rows: self.inserted_rows,
            };
            let max = inner.config.quirks.history_statements_max;
            inner.state().history.push(record, max);
        }
        ending
    }

    /// The end: the reply is known and about to be written.
    pub(crate) async fn answer(mut self, end: Result<Reply, Detour>) -> Outcome {
        self.settle(&end);
        let mut reply = match end {
            Ok(reply) | Err(Detour::Answer(reply)) => reply,
            Err(Detour::Stop(outcome)) => return outcome,
        };
        self.tell(&reply);
        if self.asks_answered {
            match self.ask(Phase::Answered).await {
                Step::GoOn | Step::Conflict | Step::Killed(Kill::Cancel) => {}
                Step::Fail(canned) => {
                    let text = errors::description(&String::from_utf8_lossy(&canned.body));
                    reply = self.call.fail_late(reply, &text);
                }
                Step::Stop(outcome) => return outcome,
                Step::Killed(Kill::Restart(_)) => return self.death(),
            }
        }
        if self.call.parameters.compress && reply.status == 200 {
            reply.body = lz4_blocks::pack(&reply.body).into();
        }
        Outcome::Reply(reply, self.cut_after)
    }

    /// The reply to a conflict: the field's text, status and form of the quirks.
    pub(crate) fn conflict(&self, conflict: Conflict) -> Detour {
        let quirks = &self.call.inner.config.quirks;
        let status = match self.call.info.kind {
            _ if conflict.over_ddl => quirks.ddl_conflict_status,
            StatementKind::Commit => quirks.conflict_status,
            _ => quirks.autocommit_conflict_status,
        };
        let text = conflict.to_string();
        Detour::Answer(match quirks.conflict_body {
            ConflictBody::Text => Reply::text(status, text),
            ConflictBody::Json => Reply { status, ..Reply::user_error(&text) },
        })
    }

    fn tell(&self, reply: &Reply) {
        let answer = Answer { statement: &self.call.info, status: reply.status };
        self.call.inner.hooks.answered(&answer);
    }

    async fn ask(&mut self, phase: Phase) -> Step {
        let call = self.call;
        let point = FaultPoint { phase, statement: &call.info };
        let step = match call.inner.hooks.at(&point) {
            Verdict::Pass => Step::GoOn,
            Verdict::Delay(delay) => {
                return self.pause(delay).await.map_or(Step::GoOn, Step::Killed);
            }
            Verdict::Hold(gate) => {
                return self.stand(&gate).await.map_or(Step::GoOn, Step::Killed);
            }
            Verdict::Cut => Step::Stop(Outcome::Cut),
            Verdict::Reset => Step::Stop(Outcome::Reset),
            Verdict::CutMidReply(bytes) => {
                self.cut_after = Some(bytes);
                Step::GoOn
            }
            Verdict::Hang => Step::Stop(Outcome::Hang),
            Verdict::Answer(reply) => Step::Stop(Outcome::Reply(reply.into(), None)),
            Verdict::Restart { away } => {
                super::restart::restart(&call.inner, away);
                Step::GoOn
            }
            // Reads never conflict, so only what may commit something can be told that it did.
            Verdict::Conflict
                if phase == Phase::Executing
                    && (call.info.kind == StatementKind::Commit || call.info.kind.writes()) =>
            {
                Step::Conflict
            }
            Verdict::FailStatement(reply)
                if matches!(phase, Phase::Executing | Phase::Answered) =>
            {
                Step::Fail(reply)
            }
            verdict @ (Verdict::Conflict
            | Verdict::FailStatement(_)
            | Verdict::ExecuteLater(_)
            | Verdict::Twice) => {
                tracing::warn!(?verdict, phase = phase.name(), "no meaning here, passed over");
                Step::GoOn
            }
        };
        match self.fate() {
            Some(fate) => Step::Killed(fate),
            None => step,
        }
    }

    /// Lets time pass, unless a restart kills the statement first.
    async fn pause(&mut self, time: Duration) -> Option<Kill> {
        if time.is_zero() {
            return self.fate();
        }
        let Some(flight) = self.flight.as_mut() else {
            tokio::time::sleep(time).await;
            return None;
        };
        // Polls the wire before the clock, so that a kill at the very end of the time still
        // kills, on every run alike.
        match tokio::time::timeout(time, &mut flight.killed).await {
            Ok(Ok(fate)) => Some(fate),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Stands at a gate until it opens, unless a restart kills the statement first.
    async fn stand(&mut self, gate: &Gate) -> Option<Kill> {
        let Some(flight) = self.flight.as_mut() else {
            gate.opened().await;
            return None;
        };
        let opened = std::pin::pin!(gate.opened());
        // As in a pause, the wire is polled first, so that every run decides alike.
        match select(&mut flight.killed, opened).await {
            Either::Left((fate, _)) => fate.ok(),
            Either::Right(_) => None,
        }
    }

    /// Whether a restart has found the statement.
    fn fate(&mut self) -> Option<Kill> {
        self.flight.as_mut()?.killed.try_recv().ok()
    }
}

/// Keeps the compiler honest about what may move between threads.
const _: fn() = || {
    fn sendable<T: Send + Sync>() {}
    sendable::<Arc<Call>>();
};
