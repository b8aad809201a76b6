//! Encoders: from typed rows to the bytes that Firebolt's clients read.
//!
//! Written from firebolt-wire §5 and §6 and held to it by the tests beside them and by
//! `fixtures/wire`. Pure: nothing in here knows a connection or a clock.
//!
//! * [`format`]: which of the output formats a request asked for
//! * [`type_name`], [`cell`]: one type's name and one value, shared by the formats
//! * [`json_compact`], [`json_lines`], [`tsv`], [`psql`]: one output format each
//! * [`lz4_blocks`], [`city_hash`]: a body under `compress=1`
//! * [`errors`]: the structured error body
//! * [`headers`]: the session headers, one pair a line

pub(crate) mod cell;
mod city_hash;
pub(crate) mod errors;
pub(crate) mod format;
pub(crate) mod headers;
pub(crate) mod json_compact;
pub(crate) mod json_lines;
pub(crate) mod lz4_blocks;
pub(crate) mod psql;
pub(crate) mod tsv;
pub(crate) mod type_name;

use crate::ids::Uuid;

/// The Content-Type of JSON replies.
pub(crate) const JSON: &str = "application/json; charset=utf-8";
/// The Content-Type of plain-text replies.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// What every result says about itself, besides its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// Identifies the execution.
    pub(crate) query_id: Uuid,
    /// Identifies the request; the clients print it next to errors.
    pub(crate) request_id: Uuid,
    /// The label the client gave, if any.
    pub(crate) query_label: Option<&'a str>,
    /// Microseconds from the arrival of the request to its end, on the virtual clock.
    pub(crate) elapsed_micros: u64,
}
