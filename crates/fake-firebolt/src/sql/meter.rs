//! What one statement may cost, and who may end it: a cross join of large tables is refused instead
//! of eating the memory of whoever runs the fake, and ended when its time is over.
//!
//! Rows are counted when they are made, pairs when they are tried; what is given back on the way
//! is not credited, so that the sum is the same on every machine and in every run. A statement is
//! evaluated in one go on one thread, which is why its meter can live there: every plan and every
//! subquery of it counts without being handed one.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::context::Watch;
use super::error::{SqlError, SqlErrorKind};
use crate::quirks::Quirks;
use crate::value::{Row, Value};

thread_local! {
    static LEFT: Cell<Option<Left>> = const { Cell::new(None) };
    static WATCH: RefCell<Option<Arc<dyn Watch>>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, Copy)]
struct Left {
    bytes: u64,
    bytes_max: u64,
    steps: u64,
    steps_max: u64,
    /// The watch is asked when fewer steps than these are left: most charges only compare.
    watched_below: u64,
}

/// A statement under way; dropping it ends its meter.
#[derive(Debug)]
pub(super) struct Metered(());

/// Starts the meter of a statement.
pub(super) fn start(quirks: &Quirks, watch: Option<&Arc<dyn Watch>>) -> Metered {
    let (bytes, steps) = (quirks.statement_bytes_max, quirks.statement_steps_max);
    let watched_below = watch.map_or(0, |watch| steps.saturating_sub(watch.first_look()));
    WATCH.set(watch.cloned());
    LEFT.set(Some(Left { bytes, bytes_max: bytes, steps, steps_max: steps, watched_below }));
    Metered(())
}

impl Drop for Metered {
    fn drop(&mut self) {
        let spent = LEFT.take().map_or(0, |left| left.steps_max - left.steps);
        if let Some(watch) = WATCH.take() {
            watch.ended(spent);
        }
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

/// The next row of a loop that counts none: one by one they cost little, and there may be millions.
#[inline]
pub(super) fn row(at: usize) -> Result<(), SqlError> {
    if at & (ROWS_BETWEEN_LOOKS - 1) == ROWS_BETWEEN_LOOKS - 1 { glance() } else { Ok(()) }
}

const ROWS_BETWEEN_LOOKS: usize = 1 << 12;

/// Asks the watch, if there is one.
#[cold]
fn glance() -> Result<(), SqlError> {
    match LEFT.get() {
        Some(left) if left.watched_below > 0 => look(left, left.steps_max - left.steps),
        _ => Ok(()),
    }
}

/// Whether a text of so many bytes could still be charged. For what may be very much longer than
/// all that it is made of: asked before, and charged as any other when it is there.
pub(super) fn has_room_for(bytes: u64) -> Result<(), SqlError> {
    match LEFT.get() {
        Some(left) if bytes > left.bytes => Err(too_many_bytes(left)),
        _ => Ok(()),
    }
}

fn too_many_bytes(left: Left) -> SqlError {
    exhausted(format!(
        "The query was canceled: it needs more memory than the {} MiB that one statement may \
         use. Restrict what it reads, or start the fake with a larger statement_bytes_max.",
        left.bytes_max >> 20
    ))
}

fn charge(bytes: u64, steps: u64) -> Result<(), SqlError> {
    let Some(left) = LEFT.get() else { return Ok(()) };
    let Some(bytes) = left.bytes.checked_sub(bytes) else { return Err(too_many_bytes(left)) };
    let Some(steps) = left.steps.checked_sub(steps) else {
        // Of two limits that are crossed at once, the watch's own is the lower one.
        look(Left { steps: 0, ..left }, (left.steps_max - left.steps).saturating_add(steps))?;
        return Err(exhausted(format!(
            "The query was canceled: it takes more than the {} steps that one statement may take. \
             Join by equality, or start the fake with a larger statement_steps_max.",
            left.steps_max
        )));
    };
    let left = Left { bytes, steps, ..left };
    if steps < left.watched_below {
        return look(left, left.steps_max - steps);
    }
    LEFT.set(Some(left));
    Ok(())
}

fn exhausted(text: String) -> SqlError {
    SqlError::new(SqlErrorKind::Exhausted, text)
}

/// Asks the watch, after so many steps.
#[cold]
fn look(left: Left, spent: u64) -> Result<(), SqlError> {
    let answer = WATCH.with_borrow(|watch| watch.as_ref().map(|watch| watch.look(spent)));
    let watched_below = match answer {
        None => 0,
        Some(Some(next)) => left.steps_max.saturating_sub(next),
        // Whoever passes over the error meets it again at the next charge.
        Some(None) => u64::MAX,
    };
    LEFT.set(Some(Left { watched_below, ..left }));
    if answer == Some(None) {
        return Err(SqlError::new(SqlErrorKind::Interrupted, "The query was canceled"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn counts_down_and_ends_with_its_statement() {
        let quirks =
            Quirks { statement_bytes_max: 1 << 20, statement_steps_max: 10, ..Quirks::default() };
        let metered = start(&quirks, None);
        assert!(tried(10).is_ok());
        let over = tried(1).unwrap_err().text;
        assert!(over.contains("more than the 10 steps"), "{over}");
        assert!(made_bytes(1 << 20).is_ok());
        let over = made_bytes(1).unwrap_err().text;
        assert!(over.contains("more memory than the 1 MiB"), "{over}");
        drop(metered);
        assert!(tried(usize::MAX).is_ok(), "nothing runs, so nothing counts");
    }

    /// Looks every ten steps, and has enough after so many of them.
    #[derive(Debug)]
    struct Every10 {
        enough_after: u64,
        heard: Mutex<Vec<u64>>,
    }

    impl Watch for Every10 {
        fn first_look(&self) -> u64 {
            10
        }

        fn look(&self, steps: u64) -> Option<u64> {
            self.heard.lock().expect("no panic").push(steps);
            (steps <= self.enough_after).then_some(steps + 10)
        }

        fn ended(&self, steps: u64) {
            self.heard.lock().expect("no panic").push(steps);
        }
    }

    fn watched(enough_after: u64, steps: &[usize]) -> (Vec<Result<(), SqlErrorKind>>, Vec<u64>) {
        let quirks = Quirks { statement_steps_max: 100, ..Quirks::default() };
        let watch = Arc::new(Every10 { enough_after, heard: Mutex::default() });
        let shared: Arc<dyn Watch> = Arc::clone(&watch) as Arc<dyn Watch>;
        let metered = start(&quirks, Some(&shared));
        let answers = steps.iter().map(|&steps| tried(steps).map_err(|error| error.kind)).collect();
        drop(metered);
        let heard = watch.heard.lock().expect("no panic").clone();
        (answers, heard)
    }

    #[test]
    fn a_watch_is_asked_when_it_wants_to_be_and_hears_the_sum() {
        let (answers, heard) = watched(1_000, &[10, 1, 9, 1, 30]);
        assert_eq!(answers, [Ok(()); 5]);
        assert_eq!(heard, [11, 51, 51], "at 11 for 21, at 51, and the sum");
    }

    #[test]
    fn what_a_watch_has_ended_stays_ended() {
        use SqlErrorKind::Interrupted;
        let (answers, heard) = watched(20, &[15, 5, 15, 0]);
        assert_eq!(answers, [Ok(()), Ok(()), Err(Interrupted), Err(Interrupted)]);
        assert_eq!(heard, [15, 35, 35, 35]);
    }

    #[test]
    fn the_lower_of_two_limits_that_are_crossed_at_once_is_told() {
        assert_eq!(watched(20, &[500]).0, [Err(SqlErrorKind::Interrupted)]);
        assert_eq!(watched(1_000, &[500]).0, [Err(SqlErrorKind::Exhausted)]);
    }
}
