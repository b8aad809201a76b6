//! What a fault does, and in which phases of a request it can do it.
//!
//! The ids F01 … F28 are the vocabulary of docs/scenarios.md. F18 and F19 (a catalogue that lags)
//! are quirks of the fake, and F23, F25, F26, F27 belong to delivery and bucket: none of those
//! strikes a statement, so none is listed here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::Phase;
use crate::statement::StatementName;
use crate::timespan::Span;

/// What happens at a fault point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Does {
    /// The connection is refused, or the name not found.
    ConnectRefused,
    /// The connection is reset before the server reads the request.
    ResetBefore,
    /// The request vanishes: never executed, and nobody is told.
    RequestLost,
    /// Done, and the connection is reset instead of a reply.
    ReplyLost,
    /// The reply breaks off half-way.
    TruncateReply,
    /// An error before execution: 429, 500 or 503.
    ErrorBefore {
        /// The HTTP status.
        status: u16,
    },
    /// Done, but the reply says 500.
    ErrorAfter,
    /// "Query of type … cannot be retried"; rolled back.
    CannotBeRetriedBefore,
    /// "Query of type … cannot be retried", though done.
    CannotBeRetriedAfter,
    /// The engine restarts while the statement runs; it is rolled back.
    RestartBefore,
    /// The engine restarts after the statement is done and before its reply.
    RestartAfter,
    /// A write conflict: certainly rolled back.
    Conflict,
    /// A write conflict is reported, though it is done (the prior loader's theory; contradicts
    /// the vendor).
    ConflictApplied,
    /// Done, and never answered: the client's patience ends first.
    Hang,
    /// The phase takes this much longer.
    Delay {
        /// How much.
        by: Span,
    },
    /// The connection is reset at once, and the request is executed nevertheless, later.
    ExecuteLate {
        /// How much later.
        by: Span,
    },
    /// A middlebox sends the request twice.
    Twice,
    /// The pooled connection has died in the meantime; strikes only a connection that was used.
    StaleConnection,
    /// DROP fails.
    DropFails,
    /// DROP is done, but reported as failed.
    DropFailsButDone,
    /// HTTP 200 whose body is an error; rolled back.
    ErrorInside,
    /// 401: the token is not valid any more.
    TokenExpires,
    /// The worker dies here.
    KillWorker,
    /// The worker stops here, and goes on after a while as if nothing had happened.
    Freeze {
        /// How long.
        lasting: Span,
    },
    /// Another writer, such as auto-VACUUM, wins a write conflict.
    Vacuum,
}

/// Where a fault may be placed: phases, and statements when it makes sense for some only.
struct Place {
    id: &'static str,
    phases: &'static [Phase],
    only: &'static [StatementName],
}

const BEFORE: &[Phase] = &[Phase::Sent, Phase::Received];
const RUNNING: &[Phase] = &[Phase::Executing];
const DONE: &[Phase] = &[Phase::Executed, Phase::Committed, Phase::Answered];
const ANY: &[StatementName] = &[];

impl Does {
    /// The id of docs/scenarios.md.
    pub fn fault_id(&self) -> &'static str {
        self.place().id
    }

    /// The phases in which it can strike.
    pub fn phases(&self) -> &'static [Phase] {
        self.place().phases
    }

    /// Whether it can strike that statement in that phase at all.
    pub fn fits(&self, statement: StatementName, phase: Phase) -> bool {
        let place = self.place();
        place.phases.contains(&phase) && (place.only.is_empty() || place.only.contains(&statement))
    }

    fn place(&self) -> Place {
        use Phase as P;
        use StatementName as S;
        let (id, phases, only): (_, &'static [Phase], &'static [StatementName]) = match self {
            Does::ConnectRefused => ("F01", &[P::Connect], ANY),
            Does::ResetBefore => ("F02", BEFORE, ANY),
            Does::RequestLost => ("F03", BEFORE, ANY),
            Does::ReplyLost => ("F04", &[P::Executed, P::Committed, P::Answered, P::Seen], ANY),
            Does::TruncateReply => ("F05", &[P::Answered], ANY),
            Does::ErrorBefore { .. } => ("F06", &[P::Received], ANY),
            Does::ErrorAfter => ("F07", DONE, ANY),
            Does::CannotBeRetriedBefore => ("F07", RUNNING, ANY),
            Does::CannotBeRetriedAfter => ("F07", DONE, ANY),
            Does::RestartBefore => ("F08", RUNNING, ANY),
            Does::RestartAfter => ("F09", DONE, ANY),
            Does::Conflict => ("F10", RUNNING, &[S::Commit, S::Merge]),
            Does::ConflictApplied => ("F11", &[P::Committed], &[S::Commit, S::Merge]),
            Does::Hang => ("F12", DONE, ANY),
            Does::Delay { .. } => {
                let phases: &'static [Phase] =
                    &[P::Received, P::Executing, P::Executed, P::Committed, P::Answered, P::Seen];
                ("F12", phases, ANY)
            }
            Does::ExecuteLate { .. } => ("F13", &[P::Received], ANY),
            Does::Twice => ("F14", &[P::Received], ANY),
            Does::StaleConnection => ("F15", &[P::Sent], ANY),
            Does::DropFails => ("F16", RUNNING, &[S::Drop]),
            Does::DropFailsButDone => ("F17", &[P::Committed], &[S::Drop]),
            Does::ErrorInside => ("F20", RUNNING, ANY),
            Does::TokenExpires => ("F21", &[P::Received], ANY),
            Does::KillWorker => ("F22", &Phase::ALL, ANY),
            Does::Freeze { .. } => ("F24", &Phase::ALL, ANY),
            Does::Vacuum => ("F28", RUNNING, &[S::Commit, S::Merge]),
        };
        Place { id, phases, only }
    }
}

impl fmt::Display for Does {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Does::ConnectRefused => "connect-refused",
            Does::ResetBefore => "reset-before",
            Does::RequestLost => "request-lost",
            Does::ReplyLost => "reply-lost",
            Does::TruncateReply => "truncate-reply",
            Does::ErrorBefore { status } => return write!(f, "error-before {status}"),
            Does::ErrorAfter => "error-after",
            Does::CannotBeRetriedBefore => "cannot-be-retried-before",
            Does::CannotBeRetriedAfter => "cannot-be-retried-after",
            Does::RestartBefore => "restart-before",
            Does::RestartAfter => "restart-after",
            Does::Conflict => "conflict",
            Does::ConflictApplied => "conflict-applied",
            Does::Hang => "hang",
            Does::Delay { by } => return write!(f, "delay {by}"),
            Does::ExecuteLate { by } => return write!(f, "execute-late {by}"),
            Does::Twice => "twice",
            Does::StaleConnection => "stale-connection",
            Does::DropFails => "drop-fails",
            Does::DropFailsButDone => "drop-fails-but-done",
            Does::ErrorInside => "error-inside",
            Does::TokenExpires => "token-expires",
            Does::KillWorker => "kill-worker",
            Does::Freeze { lasting } => return write!(f, "freeze {lasting}"),
            Does::Vacuum => "vacuum",
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_fits_only_where_it_makes_sense() {
        assert!(Does::Conflict.fits(StatementName::Commit, Phase::Executing));
        assert!(!Does::Conflict.fits(StatementName::Probe, Phase::Executing));
        assert!(!Does::RequestLost.fits(StatementName::Commit, Phase::Committed));
        assert!(Does::KillWorker.fits(StatementName::Drop, Phase::Seen));
        assert_eq!(Does::DropFails.fault_id(), "F16");
    }
}
