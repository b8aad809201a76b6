//! Open questions about explicit transactions: their id, their steps, their end.

use serde::{Deserialize, Serialize};

/// What the `transaction_id` of a BEGIN is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionId {
    /// The transaction's begin_lsn, so that `information_schema.transactions` can be asked for it.
    Lsn,
    /// An id of its own, which that view does not know.
    Opaque,
}

/// What becomes of `transaction_sequence_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SequenceId {
    /// It is not sent, and not looked at.
    Absent,
    /// Every answer within a transaction sends the next one; what comes back is not looked at.
    Sent,
    /// It is sent, and a statement that does not bring it back is refused.
    Checked,
}

/// What is left of a transaction whose COMMIT has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailedCommit {
    /// It stays aborted until ROLLBACK.
    Aborted,
    /// It is gone: its id is that of no transaction.
    Ended,
}

/// When CURRENT_TIMESTAMP is taken inside of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimestampRule {
    /// At each statement.
    Statement,
    /// At BEGIN, as in PostgreSQL.
    Transaction,
}

/// When a statement of its own takes its snapshot, if it has to wait for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueuedSnapshot {
    /// When it starts to execute.
    Start,
    /// When it arrives.
    Arrival,
}
