//! Progress on stderr: a line that is rewritten on a terminal, a quiet line now and then in CI.
//!
//! It must never write to stdout, which carries the result alone.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

/// Between two updates on a terminal.
const TERMINAL_EVERY: Duration = Duration::from_millis(200);
/// Between two lines elsewhere.
const QUIET_EVERY: Duration = Duration::from_secs(15);

/// Counts jobs as they end.
pub struct Progress<'a> {
    total: usize,
    terminal: bool,
    clock: &'a (dyn Fn() -> Duration + Sync),
    state: Mutex<State>,
}

struct State {
    done: usize,
    failed: usize,
    shown_at: Duration,
}

impl<'a> Progress<'a> {
    /// For that many jobs; `clock` is the time since the program's start.
    pub fn new(total: usize, terminal: bool, clock: &'a (dyn Fn() -> Duration + Sync)) -> Self {
        let state = State { done: 0, failed: 0, shown_at: clock() };
        Self { total, terminal, clock, state: Mutex::new(state) }
    }

    /// A job has ended.
    pub fn job_done(&self, failed: bool) {
        let now = (self.clock)();
        let mut state = self.state.lock().expect("no panic while a job is counted");
        state.done += 1;
        state.failed += usize::from(failed);
        let every = if self.terminal { TERMINAL_EVERY } else { QUIET_EVERY };
        if now.saturating_sub(state.shown_at) >= every {
            state.shown_at = now;
            let line = line(state.done, self.total, state.failed, now);
            let end = if self.terminal { '\r' } else { '\n' };
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(std::io::stderr(), "{line}{end}");
        }
    }

    /// Wipes the line of a terminal.
    pub fn finish(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "{:78}\r", "");
        }
    }
}

fn line(done: usize, total: usize, failed: usize, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = done as f64 / seconds;
    let left = (total - done.min(total)) as f64 / rate.max(0.001);
    let failures = if failed > 0 { format!(" · {failed} failed") } else { String::new() };
    format!("{:>12} {done:>6} of {total} · {rate:.0}/s · {left:.0}s left{failures}   ", "Running")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_remaining_time() {
        let text = line(500, 1500, 2, Duration::from_secs(5));
        assert_eq!(text.trim(), "Running    500 of 1500 · 100/s · 10s left · 2 failed");
    }
}
