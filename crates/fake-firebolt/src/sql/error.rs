//! Errors of the SQL layer, worded as Firebolt words them where its wording is known.

use std::fmt;

use sqlparser::tokenizer::{Location, Span};

/// What a refused statement ran into; the server picks the reply by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlErrorKind {
    /// A table, column, location, or function that is not there.
    NotFound,
    /// A table or column that is there already.
    AlreadyExists,
    /// The text does not parse.
    Syntax,
    /// The types do not go together.
    Type,
    /// A value does not fit: overflow, bad input text, NULL into NOT NULL, two rows for one.
    Data,
    /// The fake does not speak this part of the dialect; the text names the construct.
    Unsupported,
    /// The surroundings ended it: its time is over, or somebody cancelled it.
    Interrupted,
    /// It took more steps or more memory than one statement may.
    Exhausted,
    /// A defect of the fake.
    Internal,
}

/// A refused statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// The message for the reply's `description`.
    pub text: String,
    /// What it is about.
    pub kind: SqlErrorKind,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SqlError {}

impl SqlError {
    /// An error of that kind.
    pub fn new(kind: SqlErrorKind, text: impl Into<String>) -> Self {
        Self { text: text.into(), kind }
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(SqlErrorKind::NotFound, text)
    }

    pub(crate) fn type_error(text: impl Into<String>) -> Self {
        Self::new(SqlErrorKind::Type, text)
    }

    pub(crate) fn data(text: impl Into<String>) -> Self {
        Self::new(SqlErrorKind::Data, text)
    }

    /// Whether it is about the value at hand, so that TRY_CAST may take NULL for it and COPY may pass
    /// its row over. The end of the whole statement is never that: a statement that went on after its
    /// interruption would be done twice.
    pub(crate) fn is_of_a_value(&self) -> bool {
        use SqlErrorKind::{Exhausted, Internal, Interrupted};
        !matches!(self.kind, Exhausted | Internal | Interrupted)
    }

    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::new(SqlErrorKind::Internal, text)
    }

    /// The dialect ends here: says which construct.
    pub(crate) fn unsupported(construct: impl fmt::Display) -> Self {
        Self::new(
            SqlErrorKind::Unsupported,
            format!("not supported by this fake of Firebolt: {construct}"),
        )
    }

    pub(crate) fn syntax(at: Location, text: impl fmt::Display) -> Self {
        Self::new(SqlErrorKind::Syntax, format!("{}{text}", prefix(at)))
    }

    /// Firebolt's text for a missing table (firebolt-semantics §5).
    pub(crate) fn no_relation(name: &str) -> Self {
        Self::not_found(format!("relation \"{name}\" does not exist"))
    }

    /// Puts `Line l, Column c: ` in front, as type errors have it (firebolt-semantics §7).
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.text.insert_str(0, &prefix(span.start));
        self
    }
}

fn prefix(at: Location) -> String {
    if at.line == 0 {
        return String::new();
    }
    format!("Line {}, Column {}: ", at.line, at.column)
}
