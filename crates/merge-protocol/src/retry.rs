//! Waiting: how long, and whether there is time for it.
//!
//! Arithmetic only. Time is passed in as a duration since some instant of the caller's choice,
//! randomness as a number; nothing here sleeps.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Exponential back-off with full jitter in its upper half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// The first wait, at most.
    #[serde(with = "crate::policy::span")]
    pub base: Duration,
    /// No wait is longer.
    #[serde(with = "crate::policy::span")]
    pub max: Duration,
}

impl Backoff {
    /// The wait before try `n + 1` (`n` counts from 1): between half of `base·2^(n−1)` and all of
    /// it, `max` at most. Without the jitter, workers that conflicted once would meet again and
    /// again at the same moment.
    pub fn wait(&self, n: u32, jitter: u64) -> Duration {
        let doubled = self.base.saturating_mul(1 << n.saturating_sub(1).min(20));
        let whole = doubled.min(self.max).as_micros();
        let half = whole / 2;
        let part = u128::from(jitter) * (whole - half) / u128::from(u64::MAX);
        Duration::from_micros(u64::try_from(half + part).unwrap_or(u64::MAX))
    }
}

/// The time an invocation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deadline(Option<Duration>);

impl Deadline {
    /// Ends at `at`, on the same clock as every `now`.
    pub fn at(at: Duration) -> Deadline {
        Deadline(Some(at))
    }

    /// Never ends (tests and exploration).
    pub fn never() -> Deadline {
        Deadline(None)
    }

    /// Whether `need` still fits after waiting `wait` from `now` on.
    pub fn allows(&self, now: Duration, wait: Duration, need: Duration) -> bool {
        match self.0 {
            Some(end) => now.saturating_add(wait).saturating_add(need) <= end,
            None => true,
        }
    }

    /// What is left at `now`.
    pub fn remaining(&self, now: Duration) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_lies_between_half_and_all_of_its_step(n in 1u32..200, jitter: u64) {
            let backoff = Backoff { base: Duration::from_millis(250), max: Duration::from_secs(20) };
            let step = Duration::from_millis(250 * (1u64 << (n - 1).min(7))).min(backoff.max);
            let wait = backoff.wait(n, jitter);
            prop_assert!(wait >= step / 2 && wait <= step, "{wait:?} of {step:?}");
        }
    }

    #[test]
    fn a_deadline_counts_the_wait_and_the_work() {
        let end = Deadline::at(Duration::from_secs(10));
        let s = Duration::from_secs;
        assert!(end.allows(s(1), s(4), s(5)));
        assert!(!end.allows(s(2), s(4), s(5)));
        assert_eq!(end.remaining(s(12)), Duration::ZERO);
        assert!(Deadline::never().allows(s(u64::MAX / 2), Duration::MAX, Duration::MAX));
    }
}
