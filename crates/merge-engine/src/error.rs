//! Errors of the engine's own surface. How files end is an outcome, not an error: see
//! `merge_protocol::outcome`.

use merge_protocol::failure::Failure;

/// What the engine cannot do at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A setting is missing or impossible.
    #[error("configuration `{key}`: {what}")]
    Config {
        /// Which.
        key: String,
        /// What is wrong and what would fit.
        what: String,
    },
    /// A file that cannot be taken at all.
    #[error("object `{key}`: {what}")]
    Object {
        /// Its key.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// The warehouse did not answer a question of the sweeper or the audit.
    #[error("{what}: {} ({:?})", .failure.text, .failure.kind)]
    Warehouse {
        /// Which question.
        what: &'static str,
        /// What it said; says whether it may have happened.
        failure: Failure,
    },
}

impl EngineError {
    pub(crate) fn config(key: &str, what: &str) -> EngineError {
        EngineError::Config { key: key.to_owned(), what: what.to_owned() }
    }

    pub(crate) fn object(key: &str, what: impl std::fmt::Display) -> EngineError {
        EngineError::Object { key: key.to_owned(), what: what.to_string() }
    }

    pub(crate) fn warehouse(what: &'static str) -> impl Fn(Failure) -> EngineError + Copy {
        move |failure| EngineError::Warehouse { what, failure }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            EngineError::Config { .. } | EngineError::Object { .. } => false,
            EngineError::Warehouse { .. } => true,
        }
    }
}
