//! What executes right now, and the wire by which a restart or a CANCEL reaches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use crate::fault::{InFlight, StatementInfo};
use crate::ids::Uuid;
use crate::server::Inner;
use crate::sql::RunningQuery;

use super::patience::Patience;

/// Why a statement in flight ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// Its engine goes away.
    Restart(InFlight),
    /// Somebody cancelled it.
    Cancel,
}

/// The statements in flight, in the order they took off.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    next: u64,
    entries: BTreeMap<u64, Entry>,
    landed: Arc<Notify>,
}

#[derive(Debug)]
struct Entry {
    info: Arc<StatementInfo>,
    query_id: Uuid,
    started_micros: i64,
    kill: Option<oneshot::Sender<Kill>>,
    patience: Arc<Patience>,
}

/// A statement that a restart has found, and the wire to it.
pub(crate) struct Victim {
    pub(crate) info: Arc<StatementInfo>,
    kill: oneshot::Sender<Kill>,
    patience: Arc<Patience>,
}

impl Victim {
    /// Tells it of the restart. One that is to commit first is evaluated to its end.
    pub(crate) fn tell(self, fate: InFlight) {
        // A statement that landed in the meantime has nobody listening, and needs no telling.
        let _ = self.kill.send(Kill::Restart(fate));
        if fate != InFlight::KilledAfterCommit {
            self.patience.kill();
        }
    }
}

impl Flights {
    /// Whether nothing runs.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Tells whoever waits that a statement has landed.
    pub(crate) fn landed(&self) -> Arc<Notify> {
        Arc::clone(&self.landed)
    }

    /// Everything that a restart kills now. Each statement is found once: one that has been told
    /// already is on its way down.
    pub(crate) fn victims(&mut self) -> Vec<Victim> {
        self.entries
            .values_mut()
            .filter_map(|entry| {
                let kill = entry.kill.take()?;
                let (info, patience) = (Arc::clone(&entry.info), Arc::clone(&entry.patience));
                Some(Victim { info, kill, patience })
            })
            .collect()
    }

    /// Cancels a statement; whether there is one of that id. What is past its point of no return
    /// is told and goes on all the same (firebolt-semantics §3.2).
    pub(crate) fn cancel(&mut self, query_id: &str) -> bool {
        let mut entries = self.entries.values_mut();
        let Some(entry) = entries.find(|entry| entry.query_id.to_string() == query_id) else {
            return false;
        };
        if let Some(kill) = entry.kill.take() {
            // Nobody listens when it lands at this very moment.
            let _ = kill.send(Kill::Cancel);
            entry.patience.kill();
        }
        true
    }

    /// When a statement took off, if it is in flight.
    pub(crate) fn started_micros(&self, query_id: Uuid) -> Option<i64> {
        let mut entries = self.entries.values();
        entries.find(|entry| entry.query_id == query_id).map(|entry| entry.started_micros)
    }

    /// What `information_schema.engine_running_queries` shows.
    pub(crate) fn running(&self) -> Vec<RunningQuery> {
        self.entries
            .values()
            .map(|entry| RunningQuery {
                query_id: entry.query_id.to_string(),
                label: entry.info.label.clone(),
                text: entry.info.sql.to_string(),
                started_micros: entry.started_micros,
            })
            .collect()
    }
}

/// One statement in flight; dropping it is landing.
pub(crate) struct Flight {
    inner: Arc<Inner>,
    ordinal: u64,
    pub(crate) killed: oneshot::Receiver<Kill>,
    pub(crate) patience: Arc<Patience>,
}

impl Flight {
    /// Takes off: from here on a restart of the engine kills the statement.
    pub(crate) fn start(
        inner: &Arc<Inner>,
        info: &Arc<StatementInfo>,
        query_id: Uuid,
        started_micros: i64,
        patience: Patience,
    ) -> Self {
        let patience = Arc::new(patience);
        let (kill, killed) = oneshot::channel();
        let mut state = inner.state();
        let ordinal = state.flights.next;
        state.flights.next += 1;
        let entry = Entry {
            info: Arc::clone(info),
            query_id,
            started_micros,
            kill: Some(kill),
            patience: Arc::clone(&patience),
        };
        state.flights.entries.insert(ordinal, entry);
        drop(state);
        Self { inner: Arc::clone(inner), ordinal, killed, patience }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        state.flights.entries.remove(&self.ordinal);
        state.flights.landed.notify_waiters();
    }
}
