//! What one statement may cost: a cross join of large tables is refused instead of eating the
//! memory of whoever runs the fake, or wedging it for hours.
//!
//! Rows are counted when they are made, pairs when they are tried; what is given back on the way
//! is not credited, so that the sum is the same on every machine and in every run. A statement is
//! evaluated in one go on one thread, which is why its meter can live there: every plan and every
//! subquery of it counts without being handed one.

use std::cell::Cell;

use super::error::SqlError;
use crate::quirks::Quirks;
use crate::value::{Row, Value};

thread_local! {
    static LEFT: Cell<Option<Left>> = const { Cell::new(None) };
}

#[derive(Debug, Clone, Copy)]
struct Left {
    bytes: u64,
    bytes_max: u64,
    steps: u64,
    steps_max: u64,
}

/// A statement under way; dropping it ends its meter.
#[derive(Debug)]
pub(super) struct Metered(());

/// Starts the meter of a statement.
pub(super) fn start(quirks: &Quirks) -> Metered {
    let (bytes, steps) = (quirks.statement_bytes_max, quirks.statement_steps_max);
    LEFT.set(Some(Left { bytes, bytes_max: bytes, steps, steps_max: steps }));
    Metered(())
}

impl Drop for Metered {
    fn drop(&mut self) {
        LEFT.set(None);
    }
}

/// Rows handed from one node of a plan to the next.
pub(super) fn passed(rows: usize) -> Result<(), SqlError> {
    charge(rows as u64 * size_of::<Row>() as u64, rows as u64)
}

/// Rows of so many columns made.
pub(super) fn made(rows: usize, width: usize) -> Result<(), SqlError> {
    // A row is two counters and its values; what texts hold is counted where they are made.
    let row = 2 * size_of::<usize>() + width * size_of::<Value>() + size_of::<Row>();
    charge(rows as u64 * row as u64, rows as u64)
}

/// Pairs of rows tried.
pub(super) fn tried(pairs: usize) -> Result<(), SqlError> {
    charge(0, pairs as u64)
}

/// Bytes of a text or array made.
pub(super) fn made_bytes(bytes: usize) -> Result<(), SqlError> {
    charge(bytes as u64, 0)
}

fn charge(bytes: u64, steps: u64) -> Result<(), SqlError> {
    let Some(left) = LEFT.get() else { return Ok(()) };
    let Some(bytes) = left.bytes.checked_sub(bytes) else {
        return Err(SqlError::data(format!(
            "The query was canceled: it needs more memory than the {} MiB that one statement may \
             use. Restrict what it reads, or start the fake with a larger statement_bytes_max.",
            left.bytes_max >> 20
        )));
    };
    let Some(steps) = left.steps.checked_sub(steps) else {
        return Err(SqlError::data(format!(
            "The query was canceled: it takes more than the {} steps that one statement may take. \
             Join by equality, or start the fake with a larger statement_steps_max.",
            left.steps_max
        )));
    };
    LEFT.set(Some(Left { bytes, steps, ..left }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_down_and_ends_with_its_statement() {
        let quirks =
            Quirks { statement_bytes_max: 1 << 20, statement_steps_max: 10, ..Quirks::default() };
        let metered = start(&quirks);
        assert!(tried(10).is_ok());
        let over = tried(1).unwrap_err().text;
        assert!(over.contains("more than the 10 steps"), "{over}");
        assert!(made_bytes(1 << 20).is_ok());
        let over = made_bytes(1).unwrap_err().text;
        assert!(over.contains("more memory than the 1 MiB"), "{over}");
        drop(metered);
        assert!(tried(usize::MAX).is_ok(), "nothing runs, so nothing counts");
    }
}
