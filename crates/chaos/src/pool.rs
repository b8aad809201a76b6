//! Runs many independent jobs on a few threads, and gives their results back in the jobs' order.
//!
//! A run is a pure function of its plan, so threads change nothing but the wall time; this file
//! keeps that true for the report as well: results are collected by index, never by arrival. It is
//! the only place of the crate that starts threads, and it must never hand anything from one job to
//! another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Which part of the jobs this process runs: every job whose index falls on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// 1-based.
    pub index: usize,
    /// How many shards there are.
    pub of: usize,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Reads `3/16`.
    ///
    /// # Errors
    /// When it is not two positive numbers, or the first is greater than the second.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a shard; write K/N, for example 3/16");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let index: usize = index.parse().map_err(|_| wrong())?;
        let of: usize = of.parse().map_err(|_| wrong())?;
        if index == 0 || index > of { Err(wrong()) } else { Ok(Self { index, of }) }
    }

    /// Whether the job of this index is ours. Round robin, so that a scenario whose runs are slow
    /// is shared out too.
    pub fn has(self, job: usize) -> bool {
        job % self.of == self.index - 1
    }
}

/// Runs every job and returns the results in the jobs' order, whatever `threads` is. A job that
/// panics gives `Err` with the panic's text: one bad run must not take the report of all the others
/// with it. `done` is told the index of each job as it ends.
pub fn run_all<J, R>(
    jobs: &[J],
    threads: usize,
    work: impl Fn(&J) -> R + Sync,
    done: impl Fn(usize, &Result<R, String>) + Sync,
) -> Vec<Result<R, String>>
where
    J: Sync,
    R: Send,
{
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<R, String>>>> =
        Mutex::new(jobs.iter().map(|_| None).collect());
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            let result = catch_unwind(AssertUnwindSafe(|| work(job))).map_err(panic_text);
            done(index, &result);
            results.lock().expect("no job panics while it holds the results")[index] = Some(result);
        }
    };
    on_threads(threads.clamp(1, jobs.len().max(1)), &worker);
    let results = results.into_inner().expect("no job panics while it holds the results");
    results.into_iter().map(|r| r.expect("every index was handed out once")).collect()
}

/// Scoped threads only: none outlives the jobs. Each runs whole simulations, and no simulation sees
/// another, so the ban on threads inside of simulations is kept.
fn on_threads(threads: usize, worker: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
}

fn panic_text(payload: Box<dyn std::any::Any + Send>) -> String {
    let text = payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a text".to_owned());
    format!("the run panicked: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_whatever_the_threads() {
        let jobs: Vec<u64> = (0..500).collect();
        // Early jobs take longest, so that with several threads they end last.
        let work = |job: &u64| (0..(500 - job) * 200).fold(*job, |a, b| a.wrapping_mul(31) ^ b);
        let one = run_all(&jobs, 1, work, |_, _| {});
        for threads in [2, 3, 8, 1000] {
            assert_eq!(one, run_all(&jobs, threads, work, |_, _| {}));
        }
    }

    #[test]
    fn a_panic_is_one_failed_job_and_no_more() {
        let results = run_all(&[1, 2, 3], 2, |job| assert_ne!(*job, 2, "two is bad"), |_, _| {});
        assert_eq!(results[0], Ok(()));
        assert!(results[1].as_ref().is_err_and(|text| text.contains("two is bad")));
        assert_eq!(results[2], Ok(()));
    }

    #[test]
    fn shards_are_a_partition() {
        for of in 1..=7 {
            for job in 0..100 {
                let holders = (1..=of).filter(|index| Shard { index: *index, of }.has(job)).count();
                assert_eq!(holders, 1, "job {job} of {of} shards");
            }
        }
    }

    #[test]
    fn shard_is_read_or_refused() {
        assert_eq!(Shard::parse("3/16"), Ok(Shard { index: 3, of: 16 }));
        for bad in ["0/4", "5/4", "x/4", "3", "3/0", "-1/2", ""] {
            assert!(Shard::parse(bad).is_err(), "{bad:?}");
        }
    }
}
