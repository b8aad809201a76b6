//! The trait through which a test decides what breaks, and hears what really happened.
//!
//! Hooks are called with no lock of the server held, so they may call the server back. They are
//! synchronous: time passes only where a verdict says so.

use std::time::Duration;

use super::point::{FaultPoint, StatementInfo};
use super::verdict::{InFlight, Verdict};
use crate::mvcc::CommitRecord;

/// Decides what breaks, and is told what happened. Every method has a harmless default.
pub trait Hooks: Send + Sync + 'static {
    /// A request stands at a point; what happens to it?
    fn at(&self, _point: &FaultPoint<'_>) -> Verdict {
        Verdict::Pass
    }

    /// How long the statement executes, once for each execution of it.
    fn execution_time(&self, _statement: &StatementInfo) -> Duration {
        Duration::ZERO
    }

    /// An engine restart finds the statement in flight; what becomes of it?
    fn on_restart(&self, _statement: &StatementInfo) -> InFlight {
        InFlight::AsConfigured
    }

    /// Something was committed that changed something.
    fn committed(&self, _commit: &Commit<'_>) {}

    /// A reply is about to be written, or would be if somebody still listened.
    fn answered(&self, _answer: &Answer<'_>) {}
}

/// Nothing ever breaks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Hooks for NoFaults {}

/// A commit that changed something: the ground truth, whatever the client was told.
#[derive(Debug)]
pub struct Commit<'a> {
    /// What changed.
    pub record: &'a CommitRecord,
    /// Whose connection asked for it.
    pub peer: &'a str,
    /// The statement that made it happen: COMMIT, or the autocommit statement itself.
    pub sql: &'a str,
    /// The transaction, if it was an explicit one.
    pub transaction: Option<&'a str>,
    /// When, on tokio's clock, since the server was made.
    pub at: Duration,
}

/// A reply, as the client will see it unless the `Answered` point says otherwise.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What was asked.
    pub statement: &'a StatementInfo,
    /// The HTTP status of the reply.
    pub status: u16,
}
