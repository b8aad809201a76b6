//! Open questions about answers: of conflicts, of asynchronous queries, of the views on the server,
//! and of what a client is told to keep.

use serde::{Deserialize, Serialize};

/// How a conflict is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictBody {
    /// Plain text.
    Text,
    /// A structured error.
    Json,
}

/// The status of an asynchronous query whose engine died under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsyncLost {
    /// `IN_DOUBT`: it may have committed.
    InDoubt,
    /// `EXECUTION_ERROR`, even where it did commit.
    ExecutionError,
}

/// Which columns `information_schema.transactions` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionsView {
    /// The two that are documented, a state and two times.
    Full,
    /// `begin_lsn` and `commit_lsn` only.
    Lsns,
}

/// How the answer to USE ENGINE tells the client where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UseEngine {
    /// By the parameter `engine`.
    Parameters,
    /// By `Firebolt-Update-Endpoint`, whose query part names the engine.
    Endpoint,
    /// By both.
    Both,
}

impl UseEngine {
    pub(crate) fn tells_parameters(self) -> bool {
        self != Self::Endpoint
    }

    pub(crate) fn tells_endpoint(self) -> bool {
        self != Self::Parameters
    }
}

/// How one answer tells several parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionHeaders {
    /// A line of headers for each.
    Lines,
    /// One line, with commas between them.
    List,
}
