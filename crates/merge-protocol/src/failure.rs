//! Failures: what went wrong, and whether the statement may have happened all the same.
//!
//! This is the one place where texts of the server are turned into kinds; each row of the table
//! names where the text is known from. Everything else decides by [`FailureKind`] and [`Effect`].
//! A text that no row knows is judged by its status alone, and always on the side of doubt.

use serde::Serialize;

/// Whether a statement that failed may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Effect {
    /// It certainly did not: it was never sent, was refused before execution, or was rolled back.
    None,
    /// It may have.
    InDoubt,
    /// It certainly did; only the reply was bad.
    Certain,
}

/// What went wrong, as far as the protocol acts differently.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum FailureKind {
    /// The request did not leave: connection refused, name not found, session not open.
    Unreached,
    /// 401 after a fresh token, or the sign-on was refused.
    Unauthorized,
    /// 429: refused before execution.
    Throttled,
    /// The connection broke, or the reply was cut or unreadable.
    ConnectionLost,
    /// No reply in time.
    TimedOut,
    /// The engine is not running or is being replaced.
    EngineAway,
    /// 5xx with a text that no row knows.
    Server,
    /// Firebolt would not run the statement again itself: an attempt died, nothing more is said.
    CannotBeRetried,
    /// A write conflict at commit: certainly not committed.
    Conflict,
    /// The server knows no such transaction, or none is in progress.
    NoTransaction,
    /// The transaction is doomed by an earlier error.
    Doomed,
    /// BEGIN answered without a transaction id.
    NoTransactionId,
    /// A table of this name does not exist.
    MissingTable(String),
    /// The table to be created is there already.
    AlreadyExists,
    /// A refusal of schema's shape: a column, a type, a cast.
    Schema,
    /// A database, engine, location or table that this account may not see: configuration, not data.
    NotAuthorized,
    /// An object store said no for now.
    Store,
    /// Any other refusal: it will always fail.
    Refused,
}

/// A failure of one command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// Whether it may have happened.
    pub effect: Effect,
    /// The server's or the network's own words, bounded, without secrets.
    pub text: String,
}

/// What the network client saw, before any judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// The request certainly did not leave.
    NotSent,
    /// It left, or may have, and no readable reply came.
    Lost,
    /// It left, or may have, and no reply came in time.
    TimedOut,
    /// A reply that is a refusal: an HTTP status, or errors inside a 200.
    Answered {
        /// The HTTP status (200 when the body carried errors).
        status: u16,
        /// The error text.
        text: &'a str,
    },
}

struct Row {
    /// All of these, in lower case, are in the text.
    has: &'static [&'static str],
    kind: fn(&str) -> FailureKind,
    effect: Effect,
    /// Where the text is known from.
    #[cfg_attr(not(test), expect(dead_code, reason = "provenance, for the reader and the tests"))]
    source: &'static str,
}

/// Read from the top; the first row that fits decides.
const TABLE: &[Row] = &[
    Row {
        has: &["detected", "conflicts with", "on transaction commit"],
        kind: |_| FailureKind::Conflict,
        effect: Effect::None,
        source: "firebolt-semantics, error catalogue: field logs; JDBC TransactionTest",
    },
    Row {
        has: &["failed to commit transaction", "code: 9"],
        kind: |_| FailureKind::Conflict,
        effect: Effect::None,
        source: "firebolt-semantics, error catalogue: field logs",
    },
    Row {
        has: &["cannot be retried"],
        kind: |_| FailureKind::CannotBeRetried,
        effect: Effect::InDoubt,
        source: "firebolt-semantics, internal retries: an attempt died, before or after its commit",
    },
    Row {
        has: &["current transaction is aborted"],
        kind: |_| FailureKind::Doomed,
        effect: Effect::None,
        source: "firebolt-wire, messages: a statement failed earlier in the transaction",
    },
    Row {
        has: &["no transaction is in progress"],
        kind: |_| FailureKind::NoTransaction,
        effect: Effect::InDoubt,
        source: "JDBC TransactionTest; an earlier COMMIT may have ended it",
    },
    Row {
        has: &["not authorized"],
        kind: |_| FailureKind::NotAuthorized,
        effect: Effect::None,
        source: "firebolt-semantics, error catalogue: database, engine, location",
    },
    Row {
        has: &["transaction", "is not in progress"],
        kind: |_| FailureKind::NoTransaction,
        effect: Effect::InDoubt,
        source: "the fake's words for a statement with a dead id; the service's are unknown",
    },
    Row {
        has: &["relation", "does not exist"],
        kind: |text| FailureKind::MissingTable(quoted(text)),
        effect: Effect::None,
        source: "JDBC SystemEngineTest: relation \"dummy\" does not exist",
    },
    Row {
        has: &["table", "does not exist"],
        kind: |text| FailureKind::MissingTable(quoted(text)),
        effect: Effect::None,
        source: "the same refusal as other layers phrase it",
    },
    Row {
        has: &["already exists"],
        kind: |_| FailureKind::AlreadyExists,
        effect: Effect::None,
        source: "DDL is serialisable: of two that create one name one succeeds",
    },
    Row {
        has: &["column", "does not exist"],
        kind: |_| FailureKind::Schema,
        effect: Effect::None,
        source: "JDBC tests: Column 'wrong' does not exist.",
    },
    // Below the rows of tables and columns, whose names may say "transaction".
    Row {
        has: &["transaction", "does not exist"],
        kind: |_| FailureKind::NoTransaction,
        effect: Effect::InDoubt,
        source: "firebolt-wire, transactions: a finished id on another statement",
    },
    Row {
        has: &["couldn't find column"],
        kind: |_| FailureKind::Schema,
        effect: Effect::None,
        source: "firebolt-semantics, error catalogue: field logs",
    },
    Row {
        has: &["can't be assigned to column"],
        kind: |_| FailureKind::Schema,
        effect: Effect::None,
        source: "field logs; Kafka connector tests",
    },
    Row {
        has: &["different precision/scale"],
        kind: |_| FailureKind::Schema,
        effect: Effect::None,
        source: "firebolt-semantics, error catalogue: field logs",
    },
    Row {
        has: &["cannot cast"],
        kind: |_| FailureKind::Schema,
        effect: Effect::None,
        source: "firebolt-semantics, field report F4",
    },
    Row {
        has: &["needs to be running"],
        kind: |_| FailureKind::EngineAway,
        effect: Effect::None,
        source: "Python SDK EngineNotRunningError",
    },
    Row {
        has: &["engine is not running"],
        kind: |_| FailureKind::EngineAway,
        effect: Effect::None,
        source: "JDBC: 503/404 while the engine is stopped",
    },
    Row {
        has: &["it is stopped"],
        kind: |_| FailureKind::EngineAway,
        effect: Effect::None,
        source: "firebolt-wire, USE ENGINE without auto start",
    },
    Row {
        has: &["cluster not yet healthy"],
        kind: |_| FailureKind::EngineAway,
        effect: Effect::None,
        source: "firebolt-wire, messages: engine state",
    },
];

impl Failure {
    /// Judges what the client saw.
    pub fn judge(seen: Seen<'_>) -> Failure {
        let (kind, effect, text) = match seen {
            Seen::NotSent => (FailureKind::Unreached, Effect::None, "the request was not sent"),
            Seen::Lost => (FailureKind::ConnectionLost, Effect::InDoubt, "the reply was lost"),
            Seen::TimedOut => (FailureKind::TimedOut, Effect::InDoubt, "no reply in time"),
            Seen::Answered { status, text } => {
                let (kind, effect) = judge_answer(status, text);
                return Failure { kind, effect, text: text.to_owned() };
            }
        };
        Failure { kind, effect, text: text.to_owned() }
    }

    /// The same failure in the words that the network used.
    pub fn with_text(self, text: impl Into<String>) -> Failure {
        Failure { text: text.into(), ..self }
    }

    /// A failure of the object store that may pass.
    pub fn store(text: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::Store, effect: Effect::None, text: text.into() }
    }

    /// BEGIN was answered, but without a transaction id: whatever followed would autocommit.
    pub fn no_transaction_id() -> Failure {
        Failure {
            kind: FailureKind::NoTransactionId,
            effect: Effect::None,
            text: "BEGIN was answered without a transaction id".into(),
        }
    }

    /// Whether operators would call it a connection error (the log text they filter by).
    pub fn is_connection(&self) -> bool {
        match self.kind {
            FailureKind::Unreached
            | FailureKind::ConnectionLost
            | FailureKind::TimedOut
            | FailureKind::EngineAway
            | FailureKind::CannotBeRetried => true,
            FailureKind::Unauthorized
            | FailureKind::Throttled
            | FailureKind::Server
            | FailureKind::Conflict
            | FailureKind::NoTransaction
            | FailureKind::Doomed
            | FailureKind::NoTransactionId
            | FailureKind::MissingTable(_)
            | FailureKind::AlreadyExists
            | FailureKind::Schema
            | FailureKind::NotAuthorized
            | FailureKind::Store
            | FailureKind::Refused => false,
        }
    }

    /// Whether the statement was refused before it was executed, so that the very same statement
    /// may be sent again in the very same transaction.
    pub fn is_before_execution(&self) -> bool {
        self.effect == Effect::None
            && matches!(
                self.kind,
                FailureKind::Unreached | FailureKind::Unauthorized | FailureKind::Throttled
            )
    }
}

fn judge_answer(status: u16, text: &str) -> (FailureKind, Effect) {
    let lower = text.to_lowercase();
    // Before the table: a proxied 401 carries the text of a 500 (firebolt-wire, auth).
    if status == 401 || lower.contains("http status code: 401") {
        return (FailureKind::Unauthorized, Effect::None);
    }
    if status == 429 {
        return (FailureKind::Throttled, Effect::None);
    }
    if let Some(row) = TABLE.iter().find(|row| row.has.iter().all(|part| lower.contains(part))) {
        return ((row.kind)(text), row.effect);
    }
    match status {
        // 409 is the vendor's status for a conflict (firebolt-semantics, status handling).
        409 => (FailureKind::Conflict, Effect::None),
        500..=599 => (FailureKind::Server, Effect::InDoubt),
        // 408 may come from a gateway that gave up waiting for the engine.
        408 => (FailureKind::TimedOut, Effect::InDoubt),
        // A permission or an endpoint: no data's fault.
        403 | 404 => (FailureKind::NotAuthorized, Effect::None),
        // Only these are refusals of a statement (firebolt-wire, error bodies).
        200 | 400 | 422 => (FailureKind::Refused, Effect::None),
        _ => (FailureKind::Server, Effect::InDoubt),
    }
}

/// The first name in quotes, whatever the quotes.
fn quoted(text: &str) -> String {
    let mut parts = text.split(['"', '\'', '`']);
    parts.nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, text: &str) -> (FailureKind, Effect) {
        let failure = Failure::judge(Seen::Answered { status, text });
        (failure.kind, failure.effect)
    }

    #[test]
    fn known_texts_have_their_kind_and_effect_at_any_status() {
        let conflict = "Failed to commit transaction, error: 'detected 2 conflicts with 1 \
                        transactions on transaction commit', code: 9";
        for status in [200, 400, 409, 500] {
            assert_eq!(answered(status, conflict), (FailureKind::Conflict, Effect::None));
        }
        assert_eq!(
            answered(500, "Query of type 'DML Merge' cannot be retried"),
            (FailureKind::CannotBeRetried, Effect::InDoubt)
        );
        assert_eq!(
            answered(400, "Line 1, Column 15: relation \"stg_x\" does not exist"),
            (FailureKind::MissingTable("stg_x".into()), Effect::None)
        );
        assert_eq!(
            answered(400, "cannot COMMIT transaction: no transaction is in progress"),
            (FailureKind::NoTransaction, Effect::InDoubt)
        );
    }

    #[test]
    fn unknown_texts_are_judged_by_status_on_the_side_of_doubt() {
        assert_eq!(answered(500, "boom"), (FailureKind::Server, Effect::InDoubt));
        assert_eq!(answered(503, "gateway"), (FailureKind::Server, Effect::InDoubt));
        assert_eq!(answered(400, "syntax error"), (FailureKind::Refused, Effect::None));
        assert_eq!(answered(200, "syntax error"), (FailureKind::Refused, Effect::None));
        assert_eq!(answered(302, "moved"), (FailureKind::Server, Effect::InDoubt));
        assert_eq!(answered(403, "forbidden"), (FailureKind::NotAuthorized, Effect::None));
        assert_eq!(answered(401, ""), (FailureKind::Unauthorized, Effect::None));
        assert_eq!(answered(429, "cannot be retried"), (FailureKind::Throttled, Effect::None));
        assert_eq!(Failure::judge(Seen::TimedOut).effect, Effect::InDoubt);
        assert_eq!(Failure::judge(Seen::NotSent).effect, Effect::None);
    }

    #[test]
    fn names_that_say_transaction_are_names() {
        let table = "relation \"cdc_control_user_transactions\" does not exist";
        let name = "cdc_control_user_transactions".to_owned();
        assert_eq!(answered(400, table), (FailureKind::MissingTable(name), Effect::None));
        let column = "Column 'transaction_id' does not exist";
        assert_eq!(answered(400, column), (FailureKind::Schema, Effect::None));
        let gone = "transaction 00ff does not exist";
        assert_eq!(answered(400, gone), (FailureKind::NoTransaction, Effect::InDoubt));
    }

    #[test]
    fn every_row_is_reachable() {
        for (index, row) in TABLE.iter().enumerate() {
            let text = row.has.join(" \"x\" ");
            let first = TABLE.iter().position(|r| r.has.iter().all(|p| text.contains(p)));
            assert_eq!(first, Some(index), "row {:?} ({}) is shadowed", row.has, row.source);
        }
    }
}
