//! Medians, and lines that say what was asked for and what was measured.

use std::time::{Duration, Instant};

/// Collects the verdicts for the last line.
#[derive(Debug, Default)]
pub(crate) struct Report {
    met: usize,
    missed: Vec<String>,
}

impl Report {
    pub(crate) fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    pub(crate) fn line(&self, name: &str, measured: &str) {
        println!("  {name:<44} {measured}");
    }

    /// A measured number with its target.
    pub(crate) fn target(&mut self, name: &str, measured: &str, target: &str, met: bool) {
        let verdict = if met { "met" } else { "MISSED" };
        println!("  {name:<44} {measured}   target {target}: {verdict}");
        if met {
            self.met += 1;
        } else {
            self.missed.push(name.to_owned());
        }
    }

    pub(crate) fn end(&self) {
        println!(
            "\n{} targets met, {} missed {}",
            self.met,
            self.missed.len(),
            self.missed.join(", ")
        );
    }
}

/// How long that takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// The middle one.
pub(crate) fn median<T: Copy + PartialOrd>(mut runs: Vec<T>) -> T {
    runs.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    runs[runs.len() / 2]
}

/// What this thread has used of a processor, where the system tells: on a machine that others use
/// too, the clock measures them as well.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// How long that keeps a processor busy; by the clock, where the system does not tell.
pub(crate) fn busy<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = processor_time();
    let (by_clock, result) = time(work);
    let used = before.zip(processor_time()).map(|(before, after)| after.saturating_sub(before));
    (used.unwrap_or(by_clock), result)
}

/// Microseconds of a processor for one of `count` pieces of work: the median of seven runs.
pub(crate) fn micros_each(count: u32, mut work: impl FnMut()) -> f64 {
    let runs = (0..7).map(|_| {
        let (taken, ()) = busy(|| (0..count).for_each(|_| work()));
        taken.as_secs_f64() * 1e6 / f64::from(count)
    });
    median(runs.collect())
}
