//! What came of every statement of the scripts: the material of `docs/dialect.md`.

/// One statement, and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) script: String,
    pub(crate) sql: String,
    /// The text of the refusal; `None` if the statement was accepted.
    pub(crate) error: Option<String>,
}
