//! What a hook may demand of a request that stands at a fault point.
//!
//! Every verdict is something that the real service, or what stands before it, was seen to do or
//! cannot be shown never to do. A verdict at a point where it has no meaning is not obeyed; the
//! doc of each says where it has one.

use std::time::Duration;

use bytes::Bytes;

use super::gate::Gate;

/// What happens to a request at a fault point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing; the request goes on.
    Pass,
    /// The request stands still for a while, then goes on. A restart of the engine still kills it.
    Delay(Duration),
    /// The request stands still until the gate opens, then goes on. A restart of the engine still
    /// kills it.
    Hold(Gate),
    /// The connection is closed without a reply and the request goes no further: at `Received` it
    /// is never executed, at `Executing` its work is thrown away, from `Executed` on it is done.
    Cut,
    /// As [`Verdict::Cut`], and the peer gets a TCP reset where the stream is a socket that the
    /// server listens on itself; over any other stream it is the same.
    Reset,
    /// The request goes on to its end, and the connection is closed after so many bytes of the
    /// reply's body (always fewer than the whole).
    CutMidReply(usize),
    /// No reply ever comes and the connection stays open. The request goes no further; what is
    /// done stays done.
    Hang,
    /// This reply is given and the request goes no further; what is done stays done, so that at
    /// `Committed` the client is told of a failure that did not happen.
    Answer(CannedReply),
    /// At `Received` only: the connection is closed now, and the request executes after the delay
    /// with nobody listening (a late execution).
    ExecuteLater(Duration),
    /// At `Received` only: the request is executed twice, one after the other, and the second
    /// reply is given.
    Twice,
    /// At `Executing` of COMMIT or of an autocommit statement only: it is aborted as a write
    /// conflict; certainly not committed.
    Conflict,
    /// At `Executing`: the statement's work is thrown away, its transaction is aborted, and this
    /// reply is given. At `Answered`: what is done stays done, the rows go out under a status of
    /// 200, and the reply's text follows them as an error where the output format has a place for
    /// it: a stream that ends with FINISH_WITH_ERRORS, `errors` in a document, a tail behind TSV.
    FailStatement(CannedReply),
    /// The engine restarts here and is away for a while; this request is one of those in flight.
    Restart {
        /// How long the engine stays away.
        away: Duration,
    },
}

/// What becomes of a statement that an engine restart finds in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// It dies before it commits.
    KilledBeforeCommit,
    /// It commits and dies before its reply.
    KilledAfterCommit,
    /// As the quirk `cannot_be_retried` says.
    AsConfigured,
}

/// A reply that the server gives instead of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedReply {
    /// The HTTP status.
    pub status: u16,
    /// The Content-Type; none is sent when empty.
    pub content_type: String,
    /// The body, as it is.
    pub body: Bytes,
    /// Further headers, for instance `Retry-After`.
    pub headers: Vec<(String, String)>,
}

impl CannedReply {
    /// A plain-text reply, as gateways give it for 409, 429 and 5xx (firebolt-wire §6.2).
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8".to_owned(),
            body: Bytes::from(body.into()),
            headers: Vec::new(),
        }
    }

    /// A structured error, `{"errors":[{"description":…}]}`, at any status: with 200 it is the
    /// error that hides in a success (firebolt-wire §6.1).
    pub fn errors(status: u16, description: &str) -> Self {
        Self {
            status,
            content_type: crate::wire::JSON.to_owned(),
            body: Bytes::from(crate::wire::errors::body(description)),
            headers: Vec::new(),
        }
    }

    /// The same reply with one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
