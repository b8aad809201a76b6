//! What was asked of the server lately: a ring of bounded length.
//!
//! It tells a test what a client really sent, also when no reply ever went back. It is kept only
//! where somebody can read it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::point::{Endpoint, FaultPoint, StatementInfo};
use crate::sql::StatementKind;

/// Entries that are kept; the oldest goes first.
pub(super) const ENTRIES_MAX: usize = 10_000;

/// Bytes of a statement that are kept: an INSERT of megabytes must not be.
const SQL_MAX: usize = 4_096;

/// A request, as far as logs show it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Ordinal of the request on this server, from 1.
    pub request: u64,
    /// The name the connection was accepted under.
    pub peer: String,
    /// Ordinal of the connection on this server, from 1.
    pub connection: u64,
    /// Which door it came through.
    pub endpoint: Endpoint,
    /// What kind of statement it is.
    pub kind: StatementKind,
    /// The text, or the first 4 KiB of it.
    pub sql: Arc<str>,
    /// The `transaction_id` of the URL.
    pub transaction: Option<String>,
    /// The `query_label` of the URL.
    pub label: Option<String>,
}

impl Request {
    pub(super) fn of(info: &StatementInfo) -> Self {
        Self {
            request: info.request,
            peer: info.peer.clone(),
            connection: info.connection,
            endpoint: info.endpoint,
            kind: info.kind,
            sql: first_of(&info.sql),
            transaction: info.transaction.clone(),
            label: info.label.clone(),
        }
    }

    /// What it is, by the name that rules call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Token => "sign-on",
            Endpoint::EngineUrl => "engine-url",
            Endpoint::Query => self.kind.name(),
        }
    }
}

fn first_of(sql: &Arc<str>) -> Arc<str> {
    if sql.len() <= SQL_MAX {
        return Arc::clone(sql);
    }
    Arc::from(&sql[..sql.floor_char_boundary(SQL_MAX)])
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The request.
    pub request: Request,
    /// When it arrived, on tokio's clock, counted from the making of the rules.
    pub at: Duration,
    /// The status of the server's own reply; none while there is none, or if none ever came.
    pub status: Option<u16>,
    /// The rules that struck it, as `rule@phase`, in order.
    pub faults: Vec<String>,
}

/// The ring.
#[derive(Debug, Default)]
pub(super) struct StatementLog {
    entries: VecDeque<Logged>,
    dropped: u64,
}

impl StatementLog {
    pub(super) fn arrived(&mut self, info: &StatementInfo, at: Duration) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
            self.dropped += 1;
        }
        let request = Request::of(info);
        self.entries.push_back(Logged { request, at, status: None, faults: Vec::new() });
    }

    pub(super) fn struck(&mut self, point: &FaultPoint<'_>, rule: &str) {
        if let Some(entry) = self.entry(point.statement.request) {
            entry.faults.push(format!("{rule}@{}", point.phase.name()));
        }
    }

    pub(super) fn answered(&mut self, request: u64, status: u16) {
        if let Some(entry) = self.entry(request) {
            entry.status = Some(status);
        }
    }

    /// From the back: what is told of a request is nearly always about one of the last.
    fn entry(&mut self, request: u64) -> Option<&mut Logged> {
        self.entries.iter_mut().rev().find(|entry| entry.request.request == request)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The entries, oldest first, and how many older ones were dropped.
    pub(super) fn snapshot(&self) -> (Vec<Logged>, u64) {
        (self.entries.iter().cloned().collect(), self.dropped)
    }
}
