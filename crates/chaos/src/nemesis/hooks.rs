//! The nemesis at the phases of the server: it turns what the plan wants into the fake's verdicts,
//! and writes down what the fake committed.
//!
//! The texts of injected errors are the vendor's own (firebolt-wire §6.3, firebolt-semantics §3.1),
//! since the engine under test must recognise those and no others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_firebolt as fake;
use fake_firebolt::{CannedReply, FaultPoint, Hooks, InFlight, StatementInfo, Verdict};

use super::{Nemesis, Point};
use crate::history::{Change, ChangeKind, What};
use crate::plan::{Does, Phase, Plan, WarehousePlan};
use crate::seed::{Seed, Stream};
use crate::statement::{Endpoint, StatementName, classify};
use crate::world::recorder::Recorder;

/// What the fake asks and tells.
#[derive(Debug)]
pub struct ServerHooks {
    nemesis: Nemesis,
    recorder: Recorder,
    warehouse: WarehousePlan,
    seed: Seed,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who asked for what, by the fake's number of the request, which counts from 1. The worker may
    /// have gone on to another file by the time a late execution comes to its next phase.
    known: Vec<Option<Known>>,
    times: BTreeMap<StatementName, Stream>,
    restarts: Option<Stream>,
}

#[derive(Clone, Debug)]
struct Known {
    file: Arc<str>,
    statement: StatementName,
}

impl ServerHooks {
    /// The hooks of a plan.
    pub fn new(plan: &Plan, nemesis: Nemesis, recorder: Recorder) -> ServerHooks {
        ServerHooks {
            nemesis,
            recorder,
            warehouse: plan.warehouse.clone(),
            seed: plan.seed,
            state: Mutex::default(),
        }
    }

    fn known(&self, statement: &StatementInfo) -> Known {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(statement.request).expect("a run has few requests");
        if state.known.len() <= at {
            state.known.resize_with(at + 1, || None);
        }
        let known = state.known[at].get_or_insert_with(|| Known {
            file: self.nemesis.file_of(&statement.peer),
            statement: name_of(statement),
        });
        known.clone()
    }

    fn verdict(&self, does: Does, statement: &StatementInfo) -> Verdict {
        match does {
            Does::ResetBefore | Does::ReplyLost => Verdict::Cut,
            Does::RequestLost | Does::Hang => Verdict::Hang,
            Does::TruncateReply => Verdict::CutMidReply(cut_after(statement)),
            Does::ErrorBefore { status } => Verdict::Answer(refusal(status)),
            Does::ErrorAfter => Verdict::Answer(CannedReply::text(500, "Internal server error")),
            Does::CannotBeRetriedBefore => Verdict::FailStatement(cannot_be_retried(statement)),
            Does::CannotBeRetriedAfter => Verdict::Answer(cannot_be_retried(statement)),
            Does::RestartBefore | Does::RestartAfter => Verdict::Restart { away: self.away() },
            Does::Conflict | Does::Vacuum => Verdict::Conflict,
            Does::ConflictApplied => Verdict::Answer(CannedReply::text(409, CONFLICT)),
            Does::Delay { by } => Verdict::Delay(by.0),
            Does::ExecuteLate { by } => Verdict::ExecuteLater(by.0),
            Does::Twice => Verdict::Twice,
            Does::DropFails => Verdict::FailStatement(CannedReply::text(500, DROP_FAILED)),
            Does::DropFailsButDone => Verdict::Answer(CannedReply::text(500, DROP_FAILED)),
            Does::ErrorInside => {
                let commit = name_of(statement) == StatementName::Commit;
                let text = if commit { CONFLICT } else { "Cluster not yet healthy" };
                Verdict::FailStatement(CannedReply::errors(200, text))
            }
            Does::TokenExpires => Verdict::Answer(CannedReply::text(401, "Unauthorized")),
            // The network's faults never fit a phase of the server, and the worker's fate is not
            // the request's: the server goes on, whoever listens.
            Does::ConnectRefused
            | Does::StaleConnection
            | Does::KillWorker
            | Does::Freeze { .. } => Verdict::Pass,
        }
    }

    fn away(&self) -> Duration {
        let away = self.warehouse.away;
        self.nemesis.span("away", away.min.0, away.max.0)
    }
}

const CONFLICT: &str = "Failed to commit transaction, error: 'detected 1 conflicts with 1 \
                        transactions on transaction commit', code: 9";
const DROP_FAILED: &str = "Cannot drop table: internal error";

impl Hooks for ServerHooks {
    fn at(&self, point: &FaultPoint<'_>) -> Verdict {
        if point.phase == fake::Phase::Received {
            self.nemesis.count_request();
        }
        let known = self.known(point.statement);
        let does = self.nemesis.decide(Point {
            worker: &point.statement.peer,
            file: &known.file,
            statement: known.statement,
            phase: phase_of(point.phase),
            reused: true,
        });
        does.map_or(Verdict::Pass, |does| self.verdict(does, point.statement))
    }

    fn execution_time(&self, statement: &StatementInfo) -> Duration {
        let name = self.known(statement).statement;
        let latency =
            self.warehouse.latencies.get(name.as_str()).unwrap_or(&self.warehouse.latency);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let times =
            state.times.entry(name).or_insert_with(|| self.seed.stream(&format!("latency/{name}")));
        times.lognormal(latency.mean.0, latency.sigma.0, latency.min.0, latency.max.0)
    }

    fn on_restart(&self, _statement: &StatementInfo) -> InFlight {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let restarts =
            state.restarts.get_or_insert_with(|| self.seed.stream("killed-after-commit"));
        if restarts.chance(self.warehouse.killed_after_commit) {
            InFlight::KilledAfterCommit
        } else {
            InFlight::KilledBeforeCommit
        }
    }

    fn committed(&self, commit: &fake::Commit<'_>) {
        let what = What::Committed {
            lsn: commit.record.lsn,
            peer: commit.peer.to_owned(),
            sql_kind: classify(Endpoint::Query, commit.sql).to_string(),
            changes: commit.record.changes.iter().map(change).collect(),
        };
        self.recorder.push("firebolt", what);
    }
}

fn name_of(statement: &StatementInfo) -> StatementName {
    let endpoint = match statement.endpoint {
        fake::Endpoint::Token => Endpoint::Token,
        fake::Endpoint::EngineUrl => Endpoint::EngineUrl,
        fake::Endpoint::Query => Endpoint::Query,
    };
    classify(endpoint, &statement.sql)
}

fn phase_of(phase: fake::Phase) -> Phase {
    match phase {
        fake::Phase::Connect => Phase::Connect,
        fake::Phase::Sent => Phase::Sent,
        fake::Phase::Received => Phase::Received,
        fake::Phase::Executing => Phase::Executing,
        fake::Phase::Executed => Phase::Executed,
        fake::Phase::Committed => Phase::Committed,
        fake::Phase::Answered => Phase::Answered,
        fake::Phase::Seen => Phase::Seen,
    }
}

/// Any number of bytes will do, as long as the same request is always cut at the same place.
fn cut_after(statement: &StatementInfo) -> usize {
    usize::try_from(statement.request % 64).expect("a number below 64 fits")
}

fn refusal(status: u16) -> CannedReply {
    match status {
        429 => CannedReply::text(429, "Too many requests").with_header("Retry-After", "1"),
        503 => CannedReply::text(503, "Cluster not yet healthy").with_header("Retry-After", "2"),
        status => CannedReply::text(status, "Internal server error"),
    }
}

/// The server's own words after a restart (firebolt-semantics §3.1).
fn cannot_be_retried(statement: &StatementInfo) -> CannedReply {
    let kind = match name_of(statement) {
        StatementName::Merge | StatementName::Versions => "DML Merge",
        StatementName::Ledger | StatementName::Copy => "DML Insert",
        StatementName::Fence => "DML Update",
        _ => "DDL",
    };
    CannedReply::text(500, format!("Query of type '{kind}' cannot be retried"))
}

fn change(change: &fake::mvcc::TableChange) -> Change {
    let row = |row: &fake::value::Row| row.iter().map(text).collect();
    // What a staging table holds follows from its file, and is most of what a run writes: only its
    // coming and going is part of the history.
    let is_staging = change.table.starts_with("stg_");
    let rows = |rows: &[fake::value::Row]| {
        if is_staging { Vec::new() } else { rows.iter().map(row).collect() }
    };
    Change {
        table: change.table.clone(),
        kind: match change.kind {
            fake::mvcc::ChangeKind::Created => ChangeKind::Created,
            fake::mvcc::ChangeKind::Dropped => ChangeKind::Dropped,
            fake::mvcc::ChangeKind::Altered => ChangeKind::Altered,
            fake::mvcc::ChangeKind::Rows => ChangeKind::Rows,
        },
        columns: change.columns.iter().map(|column| column.name.to_string()).collect(),
        inserted: rows(&change.inserted),
        deleted: rows(&change.deleted),
    }
}

/// A value as `CAST(… AS TEXT)` shows it; NULL is `None`.
pub(crate) fn text(value: &fake::value::Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}
