//! `report.json`: the contract with everything that reads us (chaos.md §7).
//!
//! Fields stand in the order in which they are written, and maps are ordered, so that equal inputs
//! give equal bytes. Nothing that depends on the machine, the clock or `--jobs` may be added here;
//! that is `timing.json`'s. New keys may be added, and a key that is there keeps its meaning:
//! otherwise raise [`SCHEMA_VERSION`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::outcome::RawReport;

/// Raised when a key changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// The report. What the keys mean: chaos.md §0 and §7, docs/scenarios.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct Report {
    pub schema_version: u32,
    pub verdict: String,
    pub exit_code: u8,
    pub commit: String,
    pub root_seed: String,
    pub distribution: String,
    pub tier: String,
    pub scenarios: Vec<ScenarioReport>,
    pub exhaustive: Vec<ExhaustiveReport>,
    pub crash_points: CrashReport,
    pub ladder: Vec<RungReport>,
    pub ladder_pairs: Vec<PairReport>,
    pub mutants: Vec<MutantReport>,
    pub failures: Vec<FailureReport>,
    pub internal_errors: Vec<String>,
    pub coverage: CoverageReport,
    pub determinism: DeterminismReport,
    pub fresh_schedules: u64,
    pub zero_failure_bound_95: f64,
    /// Every result by itself: only in the report of a shard, for `merge`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts: Option<RawReport>,
}

/// One scenario file, over all its seeds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct ScenarioReport {
    pub name: String,
    pub schedules: u64,
    pub fresh_schedules: u64,
    pub violations: u64,
    pub stuck: u64,
    /// Runs that say nothing, since the harness broke.
    pub broken: u64,
    pub vacuous: bool,
    pub vacuous_because: Vec<String>,
    pub invocations: u64,
    pub invocations_succeeded: u64,
    pub files: u64,
    pub files_applied_at_end_of_deliveries: u64,
    pub files_applied: u64,
    pub duplicate_keys: u64,
    pub lost_updates: u64,
    pub resurrected_deletes: u64,
    pub orphan_staging: u64,
    pub success_rate: f64,
    pub success_rate_ci95: [f64; 2],
    pub requests: u64,
    pub virtual_seconds: u64,
    pub distinct_histories: u64,
    pub faults_fired: BTreeMap<String, u64>,
    pub marks: BTreeMap<String, u64>,
    pub oracles: BTreeMap<String, u64>,
}

/// A census of fault placements.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct ExhaustiveReport {
    pub workload: String,
    pub faults_max: u64,
    pub fault_kinds: u64,
    pub schedules: u64,
    pub distinct_histories: u64,
    pub violations: u64,
    pub complete: bool,
}

/// The census of crash points.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct CrashReport {
    pub points: u64,
    pub schedules: u64,
    pub violations: u64,
    pub complete: bool,
}

/// One policy on the field scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct RungReport {
    pub policy: String,
    pub seeds: u64,
    pub invocations: u64,
    pub invocations_succeeded: u64,
    pub success_rate: f64,
    pub success_rate_ci95: [f64; 2],
    pub success_rate_exact95: [f64; 2],
    pub files: u64,
    pub files_applied_at_end_of_deliveries: u64,
    pub files_applied: u64,
    pub duplicate_keys: u64,
    pub lost_updates: u64,
    pub resurrected_deletes: u64,
    pub orphan_staging: u64,
    pub cleanup_attempts: u64,
    pub cleanup_failures: u64,
    pub cleanup_failure_rate: f64,
    pub requests: u64,
    pub requests_per_file: f64,
    /// Median and 99th percentile.
    pub virtual_seconds_per_file: [f64; 2],
    pub undisturbed_ceiling: f64,
    pub violations: u64,
    pub stuck: u64,
}

/// Two neighbours of the ladder, file by file on common seeds: did the first invocation succeed?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct PairReport {
    pub lower: String,
    pub higher: String,
    pub pairs: u64,
    pub only_lower: u64,
    pub only_higher: u64,
    pub mcnemar_p: f64,
}

/// A known-bad engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct MutantReport {
    pub name: String,
    pub kind: String,
    pub caught: bool,
    pub by: Option<String>,
    pub expected: String,
    pub schedules_to_catch: u64,
    pub schedules_max: u64,
}

/// A violated invariant, or a run that never settled, of something that must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct FailureReport {
    pub scenario: String,
    pub seed: String,
    pub oracle: String,
    pub message: String,
    /// Runs of this scenario that show the same oracle.
    pub seeds_affected: u64,
    pub plan: String,
    pub shrunk: String,
}

/// What the runs reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct CoverageReport {
    /// Fault, statement, phase, times fired.
    pub cells: Vec<(String, String, String, u64)>,
    /// Cells that the scenarios' faults could reach and never did.
    pub cold: Vec<(String, String, String)>,
    pub distinct_histories: u64,
    pub singletons: u64,
    pub unseen_estimate: f64,
    pub idle_oracles: Vec<String>,
}

/// Histories compared between two processes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the keys are documented once, in docs/scenarios.md")]
pub struct DeterminismReport {
    pub checked: u64,
    pub mismatches: u64,
    pub first_difference: Option<String>,
}

/// The file's text, with a final newline.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report)
        .expect("numbers, strings and lists have a JSON form; no float here is NaN");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{aggregate, sample};

    #[test]
    fn the_report_of_a_sample() {
        insta::assert_snapshot!(render(&aggregate::report(&sample::raw())));
    }

    #[test]
    fn a_report_is_read_back_as_it_was() {
        let report = aggregate::report(&sample::raw());
        let again: Report = serde_json::from_str(&render(&report)).expect("our own text");
        assert_eq!(report, again);
    }
}
