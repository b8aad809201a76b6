//! How long a statement may be evaluated, and who may end it before: its time-out, a CANCEL, a
//! restart of the engine, a client that leaves.
//!
//! The evaluation asks every few thousand steps, where it counts them anyway. On a paused clock no
//! time passes while a statement is evaluated and nobody else runs, so there only the step budget
//! of [`crate::Limits::steps_per_second`] can end it, after the same step in every run.
//!
//! An evaluation that takes long must not hold up the thread that answers others. Which ones do is
//! seen when they have begun; such a one is given up, and done from the start on a thread that the
//! runtime lends. It has changed nothing until then: a statement writes when all of it is computed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

use crate::sql::Watch;

/// Steps between two looks: well below a millisecond of a join.
const STEPS_BETWEEN_LOOKS: u64 = 1 << 12;

/// How long an evaluation may hold up the thread on which its request is served.
const INLINE_MAX: Duration = Duration::from_millis(20);

/// Why an evaluation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// More steps than its time-out has room for.
    Steps,
    /// Its time is over.
    Late,
    /// A restart or a CANCEL has found it.
    Killed,
    /// Its client has left, and wants it to end with that.
    Left,
}

/// The sign that a client has left, for statements that end with that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving(Arc<AtomicBool>);

impl Leaving {
    /// It has left.
    pub(crate) fn has_left(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one statement may take.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    deadline: Option<Instant>,
    /// Steps that fit into the time-out, where steps take time.
    steps_max: Option<u64>,
    steps_per_second: Option<u64>,
    client: Option<Leaving>,
    killed: AtomicBool,
    /// Steps of evaluations that have ended.
    spent: AtomicU64,
    end: OnceLock<End>,
    /// When it was looked at first on the thread that serves.
    inline_since: OnceLock<Instant>,
    /// It runs, or is to run, on a thread where it is in nobody's way.
    is_moved: AtomicBool,
    /// It runs on the thread that serves.
    is_inline: AtomicBool,
}

impl Patience {
    /// From now on, for so long. With a number of steps a second they take the time of the clock
    /// that the server runs by.
    pub(crate) fn new(
        timeout: Option<Duration>,
        steps_per_second: Option<u64>,
        client: Option<Leaving>,
    ) -> Self {
        let fit = |(timeout, rate): (Duration, u64)| {
            u64::try_from(timeout.as_nanos() * u128::from(rate) / NANOS).unwrap_or(u64::MAX)
        };
        Self {
            // A client that wants no limit may ask for the largest number there is.
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            steps_max: timeout.zip(steps_per_second).map(fit),
            steps_per_second,
            // Where nothing runs beside an evaluation, nobody can leave during one; whoever has left
            // before would make the difference of what is done then depend on its length.
            client: client.filter(|client| !client.is_set()),
            ..Self::default()
        }
    }

    /// A restart or a CANCEL has found the statement.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
    }

    /// Whether its time is over by the clock.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    /// Why the evaluation was ended, if it was.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// The time that evaluation takes by the server's clock: none, where steps take none.
    pub(crate) fn evaluation_time(&self) -> Duration {
        if self.end() == Some(End::Steps) {
            return Duration::MAX;
        }
        let Some(rate) = self.steps_per_second else { return Duration::ZERO };
        let nanos =
            u128::from(self.spent.load(Ordering::Relaxed)) * NANOS / u128::from(rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Evaluates; a second time from the start, where the first was given up because it was in the
    /// way of others. One that has come to a result has also written, and is never done again.
    pub(crate) fn evaluate<T, E>(&self, mut run: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        if !self.is_moved.load(Ordering::Relaxed) {
            let spent = self.spent.load(Ordering::Relaxed);
            self.is_inline.store(true, Ordering::Relaxed);
            let end = run();
            self.is_inline.store(false, Ordering::Relaxed);
            if !self.is_moved.load(Ordering::Relaxed) || end.is_ok() {
                return end;
            }
            self.spent.store(spent, Ordering::Relaxed);
        }
        on_lent_thread(run)
    }

    /// The end that has come after so many steps.
    fn end_after(&self, steps: u64) -> Option<End> {
        let all = self.spent.load(Ordering::Relaxed).saturating_add(steps);
        if self.steps_max.is_some_and(|max| all > max) {
            Some(End::Steps)
        } else if self.killed.load(Ordering::Relaxed) {
            Some(End::Killed)
        } else if self.client.as_ref().is_some_and(Leaving::is_set) {
            Some(End::Left)
        } else if self.is_late() {
            Some(End::Late)
        } else {
            None
        }
    }

    /// Whether it has been in the way for long enough, and there is another thread for it.
    fn moves_now(&self) -> bool {
        if self.is_moved.load(Ordering::Relaxed) {
            // Whoever has passed over the end of the first evaluation meets it again at each look.
            return self.is_inline.load(Ordering::Relaxed);
        }
        let now = Instant::now();
        let since = *self.inline_since.get_or_init(|| now);
        let moves = now - since > INLINE_MAX && lends_threads();
        self.is_moved.store(moves, Ordering::Relaxed);
        moves
    }
}

const NANOS: u128 = 1_000_000_000;

impl Watch for Patience {
    fn first_look(&self) -> u64 {
        let spent = self.spent.load(Ordering::Relaxed);
        let left = self.steps_max.map_or(u64::MAX, |max| max.saturating_sub(spent));
        left.min(STEPS_BETWEEN_LOOKS)
    }

    fn look(&self, steps: u64) -> Option<u64> {
        if self.end().is_some() {
            return None;
        }
        if let Some(end) = self.end_after(steps) {
            let _ = self.end.set(end);
            return None;
        }
        if self.moves_now() {
            return None;
        }
        let spent = self.spent.load(Ordering::Relaxed);
        let left = self.steps_max.map_or(u64::MAX, |max| max.saturating_sub(spent));
        Some(left.min(steps.saturating_add(STEPS_BETWEEN_LOOKS)))
    }

    fn ended(&self, steps: u64) {
        self.spent.fetch_add(steps, Ordering::Relaxed);
    }
}

/// Whether the runtime has more threads than the one that would be held up. The simulation has one,
/// and a fake that a test starts on a runtime of one thread has no other either.
fn lends_threads() -> bool {
    cfg!(feature = "serve")
        && Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

#[cfg(feature = "serve")]
fn on_lent_thread<T>(run: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(run)
}

#[cfg(not(feature = "serve"))]
fn on_lent_thread<T>(run: impl FnOnce() -> T) -> T {
    run()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the twenty milliseconds do it that a test must not wait for.
    fn give_up(patience: &Patience) {
        patience.is_moved.store(true, Ordering::Relaxed);
    }

    #[test]
    fn what_is_given_up_meets_its_end_at_each_look_and_is_done_again() {
        let patience = Patience::default();
        let mut looks = Vec::new();
        let end = patience.evaluate(|| {
            give_up(&patience);
            // The first error may have been taken for one of a value.
            let seen = (patience.look(1).is_some(), patience.look(2).is_some());
            looks.push(seen);
            if seen.1 { Ok(()) } else { Err(()) }
        });
        assert_eq!((end, looks), (Ok(()), vec![(false, false), (true, true)]));
    }

    #[test]
    fn what_has_come_to_a_result_is_not_done_again() {
        let patience = Patience::default();
        let mut done = 0;
        let end: Result<(), ()> = patience.evaluate(|| {
            give_up(&patience);
            done += 1;
            Ok(())
        });
        assert_eq!((end, done), (Ok(()), 1));
    }

    #[test]
    fn the_longest_time_there_is_is_no_limit() {
        let patience = Patience::new(Some(Duration::MAX), Some(1_000), None);
        assert!(!patience.is_late());
        assert_eq!(patience.look(1_000_000), Some(1_000_000 + STEPS_BETWEEN_LOOKS));
    }
}
