//! One run of one plan: safety, heal, rest, verdict.
//!
//! Each run has a fresh single-threaded runtime with a paused clock and without IO, so a real
//! socket panics and nothing of one run can reach the next. The same plan gives the same history
//! in every process and on every thread.
//!
//! ```text
//! safety  faults on, files and events come              until all is delivered, or heal.after
//! heal    faults off, the frozen thaw                   all deliveries must end within heal.within
//! rest    one audit, past the sweep age, two sweeps     then the judges
//! ```

mod assemble;
mod tally;

use std::collections::BTreeMap;
use std::time::Duration;

pub use crate::checkers::Violation;
use crate::history::History;
use crate::plan::{Address, PlacedFault, Plan};

/// Whether a run hands its events back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Every event.
    Full,
    /// The hash alone.
    Hash,
}

/// What one run came to.
#[derive(Clone, Debug, Default)]
pub struct RunResult {
    /// The hash of the history.
    pub hash: u128,
    /// The history; empty with [`Record::Hash`].
    pub history: History,
    /// Everything that is counted.
    pub counts: Counts,
    /// Every broken promise.
    pub violations: Vec<Violation>,
    /// Why it did not settle within its bounds.
    pub stuck: Option<String>,
    /// Faults that fired, by id.
    pub faults_fired: BTreeMap<String, u64>,
    /// Marks that the engine passed.
    pub marks: BTreeMap<String, u64>,
    /// How often each oracle was exercised.
    pub oracles: BTreeMap<String, u64>,
    /// Fault × statement × phase, how often fired.
    pub cells: BTreeMap<(String, String, String), u64>,
    /// Every fault point that was reached, in order; only when the plan asks.
    pub points: Vec<Address>,
    /// Every fault that fired, as a placed fault: with these and no rates, the run repeats.
    pub fired: Vec<PlacedFault>,
    /// Virtual time from start to verdict.
    pub virtual_elapsed: Duration,
    /// A bug of the simulator or of the fake: the run proves nothing.
    pub internal_error: Option<String>,
}

/// What is counted in one run (words as in docs/scenarios.md).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of the handler; every automatic retry is its own.
    pub invocations: u64,
    /// Those that returned without error before their deadline.
    pub invocations_succeeded: u64,
    /// Files of the workload.
    pub files: u64,
    /// Files applied when deliveries had ended, before any reconcile.
    pub files_applied_at_end_of_deliveries: u64,
    /// Files applied at rest, after one scheduled reconcile.
    pub files_applied: u64,
    /// Keys with more than one row at rest.
    pub duplicate_keys: u64,
    /// Keys whose row is missing or different at rest.
    pub lost_updates: u64,
    /// Keys that the model has deleted and that have a row at rest.
    pub resurrected_deletes: u64,
    /// Staging tables at rest.
    pub orphan_staging: u64,
    /// Clean-ups of a staging table.
    pub cleanup_attempts: u64,
    /// Those that failed for good.
    pub cleanup_failures: u64,
    /// Requests that left their client.
    pub requests: u64,
    /// Virtual time from a file's first delivery to its first success, in milliseconds.
    pub per_file_millis: Vec<u64>,
    /// Invocations in which any policy had an undisturbed window: half a minute without a restart.
    pub undisturbed_invocations: u64,
}

/// Runs the plan to its verdict.
pub fn run(plan: &Plan, record: Record) -> RunResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO needs nothing of the system");
    match runtime.block_on(assemble::run(plan)) {
        Ok(mut result) => {
            if record == Record::Hash {
                result.history = History::new();
            }
            result
        }
        Err(error) => RunResult { internal_error: Some(error), ..RunResult::default() },
    }
}
