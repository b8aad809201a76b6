//! What a statement meets on its way: fault points, a stopped engine, restarts, time-outs.
//!
//! Nothing in here knows what the statement does. Each step says whether to go on, and if not,
//! what becomes of the request; the callers decide what becomes of the work.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::Instant;

use super::call::Call;
use super::in_flight::Flight;
use crate::engine_state::Admission;
use crate::fault::{Answer, CannedReply, FaultPoint, Gate, InFlight, Phase, Verdict};
use crate::http::reply::{Outcome, Reply};
use crate::mvcc::Conflict;
use crate::sql::{SqlError, StatementKind};

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
    Killed(InFlight),
}

/// One execution of a call.
pub(crate) struct Life<'a> {
    pub(crate) call: &'a Call,
    pub(crate) query_id: String,
    flight: Option<Flight>,
    cut_after: Option<usize>,
    /// Whether the `Answered` point is asked: of a doubled request only the second has a reply.
    asks_answered: bool,
}

impl<'a> Life<'a> {
    pub(crate) fn new(call: &'a Call, asks_answered: bool) -> Self {
        let query_id = call.inner.state().ids.uuid();
        Self { call, query_id, flight: None, cut_after: None, asks_answered }
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

    /// From here on a restart of the engine kills the statement.
    pub(crate) fn take_off(&mut self) {
        self.flight = Some(Flight::start(&self.call.inner, &self.call.info, &self.query_id));
    }

    /// The working part: the `Executing` point and the time that execution takes.
    pub(crate) async fn work(&mut self) -> Work {
        match self.ask(Phase::Executing).await {
            Step::GoOn => {}
            Step::Conflict => return Work::Conflict,
            Step::Fail(reply) => return Work::Failed(Detour::Answer(reply.into())),
            Step::Stop(outcome) => return Work::Failed(Detour::Stop(outcome)),
            Step::Killed(fate) => return self.dying(fate),
        }
        let mut takes = self.call.inner.hooks.execution_time(&self.call.info);
        let timeout = self.call.parameters.statement_timeout;
        let timed_out = timeout.is_some_and(|limit| limit < takes);
        if timed_out {
            takes = timeout.unwrap_or(takes);
        }
        if let Some(fate) = self.pause(takes).await {
            return self.dying(fate);
        }
        if timed_out {
            // Whether the service's own text is this one is not known; that nothing was done is.
            let text = format!("The query was canceled: statement_timeout of {takes:?} is over");
            return Work::Failed(Detour::Answer(Reply::text(500, text)));
        }
        Work::Done
    }

    fn dying(&self, fate: InFlight) -> Work {
        match fate {
            InFlight::KilledAfterCommit => Work::DoneAndKilled,
            InFlight::KilledBeforeCommit | InFlight::AsConfigured => {
                Work::Failed(Detour::Stop(self.death()))
            }
        }
    }

    /// How a client learns that the engine died under its statement.
    pub(crate) fn death(&self) -> Outcome {
        if self.call.info.kind != StatementKind::Merge {
            return Outcome::Cut;
        }
        let reply = Reply::text(500, CANNOT_BE_RETRIED);
        self.tell(&reply);
        Outcome::Reply(reply, None)
    }

    /// A point after which there is nothing left to undo: `Executed` or `Committed`.
    pub(crate) async fn done(&mut self, phase: Phase) -> Result<(), Detour> {
        match self.ask(phase).await {
            Step::GoOn | Step::Conflict | Step::Fail(_) => Ok(()),
            Step::Stop(outcome) => Err(Detour::Stop(outcome)),
            Step::Killed(_) => Err(Detour::Stop(self.death())),
        }
    }

    /// The end: the reply is known and about to be written.
    pub(crate) async fn answer(mut self, end: Result<Reply, Detour>) -> Outcome {
        let reply = match end {
            Ok(reply) | Err(Detour::Answer(reply)) => reply,
            Err(Detour::Stop(outcome)) => return outcome,
        };
        self.tell(&reply);
        if self.asks_answered {
            match self.ask(Phase::Answered).await {
                Step::GoOn | Step::Conflict | Step::Fail(_) => {}
                Step::Stop(outcome) => return outcome,
                Step::Killed(_) => return self.death(),
            }
        }
        Outcome::Reply(reply, self.cut_after)
    }

    /// The reply to a conflict: the field's text, the status of the quirk.
    pub(crate) fn conflict(&self, conflict: Conflict) -> Detour {
        let status = self.call.inner.config.quirks.conflict_status;
        Detour::Answer(Reply::text(status, conflict.to_string()))
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
            Verdict::FailStatement(reply) if phase == Phase::Executing => Step::Fail(reply),
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
    async fn pause(&mut self, time: Duration) -> Option<InFlight> {
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
    async fn stand(&mut self, gate: &Gate) -> Option<InFlight> {
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
    fn fate(&mut self) -> Option<InFlight> {
        self.flight.as_mut()?.killed.try_recv().ok()
    }
}

/// Keeps the compiler honest about what may move between threads.
const _: fn() = || {
    fn sendable<T: Send + Sync>() {}
    sendable::<Arc<Call>>();
};
