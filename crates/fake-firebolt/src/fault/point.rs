//! A point in the life of a request, in the order a request lives.
//!
//! No other list of phases exists in the project. `Connect`, `Sent` and `Seen` belong to the
//! client's side of the wire and are named here only so that there is one vocabulary; the server
//! never asks at them.

use std::sync::Arc;

use crate::sql::StatementKind;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The client opens a connection (client side, never asked by the server).
    Connect,
    /// The client has written the request (client side, never asked by the server).
    Sent,
    /// The server has read the whole request; nothing has been checked or executed.
    Received,
    /// The statement has been evaluated on its snapshot and now spends its execution time;
    /// nothing of it is visible to anybody else.
    Executing,
    /// A statement that commits nothing by itself is done: one inside a transaction, or BEGIN,
    /// ROLLBACK, USE.
    Executed,
    /// COMMIT or an autocommit statement has committed; the client has not heard of it.
    Committed,
    /// The reply is encoded and about to be written.
    Answered,
    /// The client has read the reply (client side, never asked by the server).
    Seen,
}

impl Phase {
    /// All of them, in the order a request lives.
    pub const ALL: [Self; 8] = [
        Self::Connect,
        Self::Sent,
        Self::Received,
        Self::Executing,
        Self::Executed,
        Self::Committed,
        Self::Answered,
        Self::Seen,
    ];

    /// The phase's name in scenarios and reports, lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Executing => "executing",
            Self::Executed => "executed",
            Self::Committed => "committed",
            Self::Answered => "answered",
            Self::Seen => "seen",
        }
    }
}

/// Which door of the service a request came through (firebolt-wire §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `POST /oauth/token`.
    Token,
    /// `GET /web/v3/account/{account}/engineUrl`.
    EngineUrl,
    /// Any other POST: one SQL text.
    Query,
}

/// What a request is, as far as a fault rule may look.
///
/// No credentials are in here: hooks log what they see.
#[derive(Debug)]
pub struct StatementInfo {
    /// Ordinal of the request on this server, from 1.
    pub request: u64,
    /// The name the connection was accepted under.
    pub peer: String,
    /// Ordinal of the connection on this server, from 1.
    pub connection: u64,
    /// Which door.
    pub endpoint: Endpoint,
    /// The SQL text as it came; empty at the other doors.
    pub sql: Arc<str>,
    /// What kind of statement it is; [`StatementKind::Other`] where there is none or it does not
    /// parse.
    pub kind: StatementKind,
    /// The `transaction_id` of the URL.
    pub transaction: Option<String>,
    /// The `query_label` of the URL.
    pub label: Option<String>,
}

/// A request that stands at a point.
#[derive(Clone, Copy, Debug)]
pub struct FaultPoint<'a> {
    /// How far it has come.
    pub phase: Phase,
    /// What it is.
    pub statement: &'a StatementInfo,
}
