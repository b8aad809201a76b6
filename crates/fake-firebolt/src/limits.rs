//! How much one request may ask for.
//!
//! The service's own numbers are not public; these are what keeps one client from taking the
//! server down. Whatever exceeds one is answered with an error that names the limit, never cut
//! short in silence.

use std::time::Duration;

/// The limits of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body, after unpacking if it came compressed. More is a 413.
    pub body_bytes_max: usize,
    /// Bytes of a request's head: request line and headers. More is a 431, a longer URL than 64 KiB
    /// a 414. Below 8 KiB no head at all could be read, so less counts as 8 KiB.
    pub header_bytes_max: usize,
    /// Rows of one result. More is an error of the statement, and nothing of it is sent.
    pub result_rows_max: usize,
    /// How long a statement runs that sets no `statement_timeout` of its own; `None` is for ever,
    /// the service's default (firebolt-semantics §3.2).
    pub statement_time_max: Option<Duration>,
    /// How many steps of evaluation (`statement_steps_max` counts them) take a second of the
    /// server's clock; `None`: evaluation takes the time it takes, on a paused clock none. For a
    /// simulation in which a statement is to meet its time-out because of the work that it does.
    pub steps_per_second: Option<u64>,
    /// Commits that the server remembers for [`crate::FakeFirebolt::commits`], the latest ones. Each
    /// holds on to the rows that it wrote and took away, so a server that lives for long has to
    /// forget.
    pub commits_kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 20,
            header_bytes_max: 400 << 10,
            result_rows_max: 10_000_000,
            statement_time_max: None,
            steps_per_second: None,
            commits_kept: usize::MAX,
        }
    }
}
