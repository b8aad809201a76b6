//! The one error of this crate. It answers two questions: what went wrong ([`ErrorKind`]) and whether
//! the statement may have happened all the same ([`Effect`]).
//!
//! The second answer decides between "send it again" and "find out first", so a guess is not allowed
//! here: whatever is not certain is [`Effect::InDoubt`]. The message is the server's own text, cut to
//! a bounded length; it never holds a token or a client secret.

use std::error::Error as StdError;
use std::fmt;

/// Longest server text kept in an error, in characters. A proxy may answer with a whole web page.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// Longest part of a statement kept as context, in characters.
const CONTEXT_CHARS_MAX: usize = 80;

/// Whether the statement that failed may have taken effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Effect {
    /// It certainly did not happen: never sent, rejected before execution, or rolled back.
    None,
    /// It may have happened, and may still be happening.
    InDoubt,
    /// It certainly happened; only its answer could not be used.
    Certain,
}

/// What went wrong, as far as a caller would act differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection: nothing was sent.
    Connect,
    /// The connection broke after the request may have left.
    ConnectionLost,
    /// No reply within the caller's patience, or a 408.
    TimedOut,
    /// 401 (also a 500 that wraps one), after one refresh of the token.
    Unauthorized,
    /// 429: wait, then send it again.
    TooManyRequests,
    /// The server refused the statement: another 4xx, or errors inside a 200.
    Refused,
    /// 5xx, or a status that no statement is answered with.
    Server,
    /// A 2xx whose body is cut short or cannot be understood.
    Malformed,
    /// A BEGIN without a transaction id, or a transaction that the server has ended.
    NoTransaction,
    /// The configuration or the statement cannot be turned into a request.
    Config,
}

impl ErrorKind {
    /// True for failures of the connection rather than of the statement: the session is worth
    /// forgetting before the next try (`Client::forget_session`).
    pub fn is_connection(self) -> bool {
        matches!(self, ErrorKind::Connect | ErrorKind::ConnectionLost | ErrorKind::TimedOut)
    }
}

/// A failed request.
pub struct Error {
    kind: ErrorKind,
    effect: Effect,
    status: Option<u16>,
    message: String,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error that was not caused by a reply. Public so that other implementations of the
    /// warehouse can be tested with the same errors.
    pub fn new(kind: ErrorKind, effect: Effect, message: impl AsRef<str>) -> Self {
        Error {
            kind,
            effect,
            status: None,
            message: bounded(message.as_ref().trim(), MESSAGE_CHARS_MAX),
            context: String::new(),
            source: None,
        }
    }

    /// Sets the HTTP status that the error came with.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets which statement failed: its first 80 characters, on one line.
    #[must_use]
    pub fn with_context(mut self, statement: &str) -> Self {
        let mut one_line = String::new();
        for word in statement.split_whitespace() {
            if !one_line.is_empty() {
                one_line.push(' ');
            }
            one_line.push_str(word);
            // More than can be shown, whatever the characters: the rest need not be looked at.
            if one_line.len() > CONTEXT_CHARS_MAX * char::MAX.len_utf8() {
                break;
            }
        }
        self.context = bounded(&one_line, CONTEXT_CHARS_MAX);
        self
    }

    /// As `with_context`, for a failure of the sign-on: the step that failed goes into the message.
    #[must_use]
    pub(crate) fn with_statement(mut self, statement: &str) -> Self {
        if !self.context.is_empty() {
            let message = format!("sign-on, {}: {}", self.context, self.message);
            self.message = bounded(&message, MESSAGE_CHARS_MAX);
        }
        self.with_context(statement)
    }

    /// Replaces the effect, where the caller knows more than the place that built the error.
    #[must_use]
    pub(crate) fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Keeps the lower error for `Error::source`.
    #[must_use]
    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Removes a secret that a server or a proxy echoed back.
    #[must_use]
    pub(crate) fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() && self.message.contains(secret) {
            self.message = self.message.replace(secret, "***");
        }
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the statement may have happened.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The HTTP status, if a reply was read.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The server's text (at most 2 000 characters), or ours where there was no reply.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The first 80 characters of the statement, or the name of the step of the sign-on.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// True if this is a write conflict: the transaction certainly did not commit, and only the whole
    /// transaction may be tried again (firebolt-wire §6.3).
    pub fn is_conflict(&self) -> bool {
        self.effect == Effect::None
            && (self.status == Some(409) || says_conflict(&self.message.to_lowercase()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Connect => "no connection",
            ErrorKind::ConnectionLost => "connection lost",
            ErrorKind::TimedOut => "timed out",
            ErrorKind::Unauthorized => "not authorized",
            ErrorKind::TooManyRequests => "too many requests",
            ErrorKind::Refused => "refused",
            ErrorKind::Server => "server error",
            ErrorKind::Malformed => "malformed reply",
            ErrorKind::NoTransaction => "no transaction",
            ErrorKind::Config => "configuration",
        };
        f.write_str(what)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        if !self.context.is_empty() {
            write!(f, " at `{}`", self.context)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match self.effect {
            Effect::None => Ok(()),
            Effect::InDoubt => f.write_str(" [it may have happened]"),
            Effect::Certain => f.write_str(" [it has happened]"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("effect", &self.effect)
            .field("status", &self.status)
            .field("message", &self.message)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// What was asked of the server, as far as it changes how a refusal is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// Anything but COMMIT: a refused statement changed nothing, because a statement is atomic.
    Statement,
    /// COMMIT: only a conflict proves that nothing was committed.
    Commit,
}

/// Kind and effect of a reply that is not a success: the whole table in one place.
///
/// `status` is the HTTP status, 2xx for errors inside a success; `text` is the server's message.
pub(crate) fn classify(status: u16, text: &str, asked: Asked) -> (ErrorKind, Effect) {
    let text = text.to_lowercase();
    // A proxied refusal of the token arrives as a 500 that names it (firebolt-wire §2.1).
    if status == 401 || (status == 500 && text.contains("http status code: 401")) {
        return (ErrorKind::Unauthorized, Effect::None);
    }
    // Rejected before execution (exactly-once §5).
    if status == 429 {
        return (ErrorKind::TooManyRequests, Effect::None);
    }
    let kind = match status {
        408 => ErrorKind::TimedOut,
        200..=299 | 400..=499 => ErrorKind::Refused,
        _ => ErrorKind::Server,
    };
    let effect = if says_conflict(&text) {
        Effect::None
    } else if says_unclear(&text) {
        Effect::InDoubt
    } else if status == 409 {
        Effect::None
    } else if asked == Asked::Commit || !matches!(kind, ErrorKind::Refused) {
        // "no transaction is in progress" at COMMIT may be the answer to the second of two copies
        // of it, of which the first has committed.
        Effect::InDoubt
    } else {
        Effect::None
    };
    (kind, effect)
}

/// Texts of a detected write conflict, which certainly did not commit (firebolt-wire §6.3: JDBC's
/// TransactionTest; `code: 9` is the marker that third-party code looks for). Expects lower case.
fn says_conflict(text: &str) -> bool {
    let code_nine = text.match_indices("code: 9").any(|(at, found)| {
        !text[at + found.len()..].starts_with(|next: char| next.is_ascii_digit())
    });
    text.contains("conflict") && (text.contains("detected") || code_nine)
        || text.contains("failed to commit transaction") && code_nine
}

/// Texts after which the statement may have happened although the status looks like a refusal.
/// Expects lower case.
fn says_unclear(text: &str) -> bool {
    const UNCLEAR: [&str; 5] = [
        // "An attempt died", before or after its commit (firebolt-semantics §3.1).
        "cannot be retried",
        // A server-side time-out may race with the commit (firebolt-semantics §3.2).
        "statement_timeout",
        "statement timeout",
        "timed out",
        "query was cancel",
    ];
    UNCLEAR.iter().any(|unclear| text.contains(unclear))
}

/// The first `chars_max` characters, with a mark if something was cut.
fn bounded(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", &text[..cut]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFLICT: &str = "Failed to commit transaction, error: 'detected 2 conflicts with 1 \
                            transactions on transaction commit', code: 9";

    #[test]
    fn every_refusal_has_its_kind_and_effect() {
        use Asked::{Commit, Statement};
        let table = [
            (401, "expired", Statement, ErrorKind::Unauthorized, Effect::None),
            (401, "expired", Commit, ErrorKind::Unauthorized, Effect::None),
            (500, "x HTTP status code: 401 y", Commit, ErrorKind::Unauthorized, Effect::None),
            (429, "slow down", Commit, ErrorKind::TooManyRequests, Effect::None),
            (409, CONFLICT, Commit, ErrorKind::Refused, Effect::None),
            (409, "", Commit, ErrorKind::Refused, Effect::None),
            (500, CONFLICT, Commit, ErrorKind::Server, Effect::None),
            (200, CONFLICT, Commit, ErrorKind::Refused, Effect::None),
            (400, "syntax error", Statement, ErrorKind::Refused, Effect::None),
            (200, "Line 1, Column 9: no", Statement, ErrorKind::Refused, Effect::None),
            (400, "no transaction is in progress", Commit, ErrorKind::Refused, Effect::InDoubt),
            (200, "something else", Commit, ErrorKind::Refused, Effect::InDoubt),
            (400, "error code: 95 conflict", Commit, ErrorKind::Refused, Effect::InDoubt),
            (
                400,
                "Query of type 'DML Merge' cannot be retried",
                Statement,
                ErrorKind::Refused,
                Effect::InDoubt,
            ),
            (409, "it cannot be retried", Statement, ErrorKind::Refused, Effect::InDoubt),
            (408, "", Statement, ErrorKind::TimedOut, Effect::InDoubt),
            (500, "boom", Statement, ErrorKind::Server, Effect::InDoubt),
            (503, "", Statement, ErrorKind::Server, Effect::InDoubt),
            (302, "", Statement, ErrorKind::Server, Effect::InDoubt),
        ];
        for (status, text, asked, kind, effect) in table {
            assert_eq!(classify(status, text, asked), (kind, effect), "{status} {text} {asked:?}");
        }
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        let error = Error::new(ErrorKind::Server, Effect::InDoubt, "ä".repeat(5_000))
            .with_context(&"x".repeat(200));
        assert_eq!(error.message().chars().count(), MESSAGE_CHARS_MAX + 1);
        assert_eq!(error.context().chars().count(), CONTEXT_CHARS_MAX + 1);
        assert!(error.message().ends_with('…'));
    }

    #[test]
    fn an_echoed_secret_is_removed() {
        let error =
            Error::new(ErrorKind::Refused, Effect::None, "bad secret s3cret").without("s3cret");
        assert_eq!(error.message(), "bad secret ***");
        assert!(!format!("{error:?}{error}").contains("s3cret"));
    }

    #[test]
    fn display_says_what_where_and_whether_it_happened() {
        let error = Error::new(ErrorKind::ConnectionLost, Effect::InDoubt, "reset by peer")
            .with_context("MERGE  INTO\n \"users\"");
        assert_eq!(
            error.to_string(),
            "connection lost at `MERGE INTO \"users\"`: reset by peer [it may have happened]"
        );
    }
}
