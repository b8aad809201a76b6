//! What a rule does to a request, and at which phases that means something.
//!
//! The words are those of docs/scenarios.md; what belongs to the client's side of the wire there
//! (a refused connection, a worker that dies) is not a server's to do and is not in here.

use super::gate::Gate;
use super::point::{Phase, StatementInfo};
use super::timespan::Span;
use super::verdict::{CannedReply, Verdict};
use crate::ids::Stream;
use crate::mvcc::Conflict;
use crate::sql::StatementKind;

/// What happens to a request that a rule strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// The connection closes without a reply: before execution that loses the request, afterwards
    /// the reply.
    DropConnection,
    /// The same, with a TCP reset where the connection is a socket.
    ResetConnection,
    /// The request vanishes: never executed, never answered, the connection stays open.
    LoseRequest,
    /// No reply ever comes; what is done stays done.
    NeverAnswer,
    /// It takes this much longer.
    Delay {
        /// How much.
        by: Span,
    },
    /// It stands still until it is released.
    Hold,
    /// The reply breaks off.
    TruncateReply {
        /// After so many bytes of its body, always fewer than the whole.
        bytes: usize,
    },
    /// It is refused before execution.
    RefuseRequest(CannedReply),
    /// This reply is given in its stead; what is done stays done.
    AnswerInstead(CannedReply),
    /// An error: while executing it is rolled back, afterwards done and reported as failed.
    ReportError(CannedReply),
    /// "Query of type … cannot be retried": while executing it is rolled back, afterwards done.
    CannotBeRetried,
    /// The engine restarts under it.
    RestartEngine {
        /// How long it is away.
        away: Span,
    },
    /// A write conflict, clean.
    Conflict,
    /// A write conflict is reported, though it committed (contradicts the vendor).
    ReportConflict,
    /// The connection closes at once, and it executes nevertheless, later.
    ExecuteLate {
        /// How much later.
        by: Span,
    },
    /// A middlebox sends it twice.
    SendTwice,
    /// DROP fails.
    FailDrop,
    /// DROP is done, and reported as failed.
    ReportFailedDrop,
    /// HTTP 200 whose body is an error; rolled back.
    HideError {
        /// The error's description.
        text: String,
    },
    /// The rows go out under a status of 200, and an error follows them where the output format
    /// has a place for it: a last line FINISH_WITH_ERRORS, `errors` in the document, a tail behind
    /// TSV. What is done stays done; a reply of another status goes out as it is.
    FailLate {
        /// The error's description.
        text: String,
    },
    /// 401, as for a token that has expired.
    ExpireToken,
}

use Phase::{Answered, Committed, Executed, Executing, Received};

const ANY: &[Phase] = &[Received, Executing, Executed, Committed, Answered];
const BEFORE: &[Phase] = &[Received];
const RUNNING: &[Phase] = &[Executing];
const COMMITTED: &[Phase] = &[Committed];
const REPLY: &[Phase] = &[Answered];
const BEGUN: &[Phase] = &[Executing, Executed, Committed, Answered];

/// What a request has to be so that a deed means something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A statement: signing on has no result.
    Statement,
    /// COMMIT, or a statement that writes and commits by itself.
    Commit,
    Drop,
}

/// What stands in the way of a real Firebolt, where only the wire can be hurt.
const WIRE: &[Phase] = &[Received, Answered];

/// Name, phases on the fake, phases on the wire before a real service, needs.
struct Place(&'static str, &'static [Phase], &'static [Phase], Needs);

impl Does {
    fn place(&self) -> Place {
        use Needs as N;
        match self {
            Self::DropConnection => Place("drop-connection", ANY, WIRE, N::Nothing),
            Self::ResetConnection => Place("reset-connection", ANY, WIRE, N::Nothing),
            Self::LoseRequest => Place("lose-request", BEFORE, BEFORE, N::Nothing),
            Self::NeverAnswer => Place("never-answer", ANY, WIRE, N::Nothing),
            Self::Delay { .. } => Place("delay", ANY, WIRE, N::Nothing),
            Self::Hold => Place("hold", ANY, WIRE, N::Nothing),
            Self::TruncateReply { .. } => Place("truncate-reply", REPLY, REPLY, N::Nothing),
            Self::RefuseRequest(_) => Place("refuse-request", BEFORE, BEFORE, N::Nothing),
            Self::AnswerInstead(_) => Place("answer-instead", ANY, WIRE, N::Nothing),
            Self::ReportError(_) => Place("report-error", BEGUN, REPLY, N::Nothing),
            Self::CannotBeRetried => Place("cannot-be-retried", BEGUN, REPLY, N::Nothing),
            Self::RestartEngine { .. } => Place("restart-engine", ANY, &[], N::Nothing),
            Self::Conflict => Place("conflict", RUNNING, &[], N::Commit),
            Self::ReportConflict => Place("report-conflict", COMMITTED, REPLY, N::Commit),
            Self::ExecuteLate { .. } => Place("execute-late", BEFORE, BEFORE, N::Nothing),
            Self::SendTwice => Place("send-twice", BEFORE, BEFORE, N::Nothing),
            Self::FailDrop => Place("fail-drop", RUNNING, &[], N::Drop),
            Self::ReportFailedDrop => Place("report-failed-drop", COMMITTED, REPLY, N::Drop),
            Self::HideError { .. } => Place("hide-error", RUNNING, &[], N::Nothing),
            Self::FailLate { .. } => Place("fail-late", REPLY, REPLY, N::Statement),
            Self::ExpireToken => Place("expire-token", BEFORE, BEFORE, N::Nothing),
        }
    }

    /// The word by which rules call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.place().0
    }

    /// The phases at which the fake can do it.
    #[must_use]
    pub fn phases(&self) -> &'static [Phase] {
        self.place().1
    }

    /// The phases at which a proxy in front of a real service can do it.
    #[must_use]
    pub fn wire_phases(&self) -> &'static [Phase] {
        self.place().2
    }

    pub(crate) fn needs(&self) -> Needs {
        self.place().3
    }

    /// What the server is told to do. `gate` is where a held request waits.
    pub(crate) fn verdict(
        &self,
        phase: Phase,
        statement: &StatementInfo,
        draws: &mut Stream,
        gate: impl FnOnce() -> Gate,
    ) -> Verdict {
        // While executing an error means that nothing is done; later it means nothing at all.
        let fail = |reply| match phase {
            Executing => Verdict::FailStatement(reply),
            _ => Verdict::Answer(reply),
        };
        match self {
            Self::DropConnection => Verdict::Cut,
            Self::ResetConnection => Verdict::Reset,
            Self::LoseRequest | Self::NeverAnswer => Verdict::Hang,
            Self::Delay { by } => Verdict::Delay(by.draw(draws)),
            Self::Hold => Verdict::Hold(gate()),
            Self::TruncateReply { bytes } => Verdict::CutMidReply(*bytes),
            Self::RefuseRequest(reply) | Self::AnswerInstead(reply) => {
                Verdict::Answer(reply.clone())
            }
            Self::ReportError(reply) => fail(reply.clone()),
            Self::CannotBeRetried => fail(cannot_be_retried(statement.kind)),
            Self::RestartEngine { away } => Verdict::Restart { away: away.draw(draws) },
            Self::Conflict => Verdict::Conflict,
            Self::ReportConflict => {
                let conflict = Conflict { rows: 1, transactions: 1, over_ddl: false };
                Verdict::Answer(CannedReply::text(409, conflict.to_string()))
            }
            Self::ExecuteLate { by } => Verdict::ExecuteLater(by.draw(draws)),
            Self::SendTwice => Verdict::Twice,
            Self::FailDrop | Self::ReportFailedDrop => {
                fail(CannedReply::text(500, "Cannot drop table: internal error"))
            }
            Self::HideError { text } => fail(CannedReply::errors(200, text)),
            Self::FailLate { text } => Verdict::FailStatement(CannedReply::errors(200, text)),
            Self::ExpireToken => Verdict::Answer(CannedReply::text(401, "Unauthorized")),
        }
    }
}

/// The reply of a gateway that refuses or fails, in the words that clients know
/// (firebolt-wire §6.2, §6.3).
#[must_use]
pub fn gateway_reply(status: u16) -> CannedReply {
    match status {
        401 => CannedReply::text(401, "Unauthorized"),
        409 => CannedReply::text(
            409,
            Conflict { rows: 1, transactions: 1, over_ddl: false }.to_string(),
        ),
        429 => CannedReply::text(429, "Too many requests").with_header("Retry-After", "1"),
        503 => CannedReply::text(503, "Cluster not yet healthy").with_header("Retry-After", "2"),
        status => CannedReply::text(status, "Internal server error"),
    }
}

/// The server's own words after a restart (firebolt-semantics §3.1); only those about MERGE were
/// ever seen.
fn cannot_be_retried(kind: StatementKind) -> CannedReply {
    let kind = match kind {
        StatementKind::Merge => "DML Merge",
        StatementKind::Insert | StatementKind::Copy => "DML Insert",
        StatementKind::Update => "DML Update",
        StatementKind::Delete => "DML Delete",
        _ => "DDL",
    };
    CannedReply::text(500, format!("Query of type '{kind}' cannot be retried"))
}
