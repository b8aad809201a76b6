//! A job: the unit of work that the pool hands out, and how it becomes a part of the report.
//!
//! Jobs share nothing. What a job leaves behind is small and serialisable ([`crate::outcome`]), so
//! that shards can be united later.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::exhaust::{self, Census};
use crate::ladder;
use crate::outcome::{Cell, Finding, Label, Outcome, RunOutcome, Tally};
use crate::plan::Plan;
use crate::run::{Counts, Record, RunResult, run};
use crate::selftest::{self, Trial};
use crate::twin;

/// Work with a name.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name in the report.
    pub label: Label,
    /// What to do.
    pub work: Work,
}

/// The kinds of work.
#[derive(Debug, Clone)]
pub enum Work {
    /// One run.
    Run(Box<Plan>),
    /// One run that is compared file by file with those of other policies.
    Rung(Box<Plan>),
    /// A share of an enumeration.
    Census(Box<Census>),
    /// A known-bad engine, until it is caught.
    Trial(Box<Trial>),
    /// One plan here and in another process.
    Twin(Box<Plan>),
}

impl Work {
    /// The plan of a single run.
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Run(plan) | Self::Rung(plan) | Self::Twin(plan) => Some(plan),
            Self::Census(_) | Self::Trial(_) => None,
        }
    }
}

/// What jobs need of the outer world.
#[derive(Debug, Clone)]
pub struct Bench {
    /// This program, to start another process of it.
    pub program: PathBuf,
    /// A folder for the plans that other processes are given.
    pub scratch: PathBuf,
}

/// Does the work.
pub fn perform(job: &Job, bench: &Bench) -> Outcome {
    match &job.work {
        Work::Run(plan) => Outcome::Run(run_outcome(plan, &run(plan, Record::Hash))),
        Work::Rung(plan) => {
            let result = run(plan, Record::Full);
            let first_try = ladder::first_tries(&result.history, result.counts.files);
            Outcome::Run(RunOutcome { first_try, ..run_outcome(plan, &result) })
        }
        Work::Census(census) => Outcome::Census(exhaust::enumerate(census)),
        Work::Trial(trial) => Outcome::Mutant(selftest::trial(trial)),
        Work::Twin(plan) => Outcome::Determinism(twin::compare(plan, bench)),
    }
}

/// What a run leaves behind.
pub fn run_outcome(plan: &Plan, result: &RunResult) -> RunOutcome {
    let mut file_millis = result.counts.per_file_millis.clone();
    file_millis.sort_unstable();
    RunOutcome {
        hash: format!("{:032x}", result.hash),
        tally: tally(&result.counts),
        file_millis,
        findings: violations(result),
        stuck: result.stuck.clone(),
        faults_fired: result.faults_fired.clone(),
        marks: result.marks.clone(),
        oracles: result.oracles.clone(),
        cells: cells(&result.cells),
        virtual_millis: u64::try_from(result.virtual_elapsed.as_millis()).unwrap_or(u64::MAX),
        first_try: Vec::new(),
        size: [plan.workload.files, u64::from(plan.delivery.workers)],
        internal_error: result.internal_error.clone(),
    }
}

fn violations(result: &RunResult) -> Vec<Finding> {
    let finding = |violation: &crate::run::Violation| Finding {
        oracle: violation.oracle.clone(),
        message: violation.message.clone(),
    };
    result.violations.iter().map(finding).collect()
}

/// Everything that is wrong with a run, a missing end included (as O10).
pub fn findings(result: &RunResult) -> Vec<Finding> {
    let mut findings = violations(result);
    if let Some(why) = &result.stuck
        && findings.iter().all(|finding| finding.oracle != "O10")
    {
        findings.push(Finding { oracle: "O10".to_owned(), message: why.clone() });
    }
    findings
}

fn tally(counts: &Counts) -> Tally {
    Tally {
        invocations: counts.invocations,
        invocations_succeeded: counts.invocations_succeeded,
        undisturbed_invocations: counts.undisturbed_invocations,
        files: counts.files,
        files_applied_at_end_of_deliveries: counts.files_applied_at_end_of_deliveries,
        files_applied: counts.files_applied,
        duplicate_keys: counts.duplicate_keys,
        lost_updates: counts.lost_updates,
        resurrected_deletes: counts.resurrected_deletes,
        orphan_staging: counts.orphan_staging,
        cleanup_attempts: counts.cleanup_attempts,
        cleanup_failures: counts.cleanup_failures,
        requests: counts.requests,
    }
}

/// Cells in a form that JSON can hold.
pub fn cells(cells: &BTreeMap<(String, String, String), u64>) -> Vec<Cell> {
    cells
        .iter()
        .map(|((fault, statement, phase), count)| Cell {
            fault: fault.clone(),
            statement: statement.clone(),
            phase: phase.clone(),
            count: *count,
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::time::Duration;

    use crate::plan::{
        Bounds, DeliveryPlan, EventShape, Expect, HealPlan, Latency, Policy, Sigma, Skew,
        WarehousePlan, WorkloadPlan,
    };
    use crate::ratio::Ratio;
    use crate::seed::Seed;
    use crate::timespan::{Between, Span};

    /// A plan for tests that never run it.
    pub(crate) fn plan() -> Plan {
        let millis = |n| Span(Duration::from_millis(n));
        let latency =
            Latency { min: millis(5), mean: millis(5), max: millis(5), sigma: Sigma::default() };
        Plan {
            scenario: "tests/none".into(),
            seed: Seed(7),
            policy: Policy::Engine,
            mutant: None,
            points: false,
            workload: WorkloadPlan {
                database: "db".into(),
                table: "users".into(),
                ddl: "CREATE TABLE \"users\" (\"id\" BIGINT NOT NULL)".into(),
                key: vec!["id".into()],
                keys: 1,
                skew: Skew::Uniform,
                insert: 1,
                update: 0,
                delete: 0,
                same_key: Ratio::ZERO,
                full_load: false,
                files: 1,
                rows: Between { min: 1, max: 1 },
                step: millis(400),
                added_column: None,
            },
            delivery: DeliveryPlan {
                workers: 1,
                spacing: millis(2000),
                duplicate: Ratio::ZERO,
                reorder: Ratio::ZERO,
                late: None,
                deadline: millis(300_000),
                tries: 3,
                retry_after: millis(60_000),
                event: EventShape::S3,
                clock_skew: Span::default(),
                object_cut: Ratio::ZERO,
                sweep_every: None,
            },
            warehouse: WarehousePlan {
                latency,
                latencies: BTreeMap::new(),
                away: Between { min: millis(2000), max: millis(5000) },
                restart_every: None,
                killed_after_commit: Ratio::ZERO,
                quirks: toml::Table::new(),
            },
            heal: HealPlan { after: Duration::from_secs(600), within: Duration::from_secs(1800) },
            bounds: Bounds { sim_time: Duration::from_secs(7200), steps: 250_000 },
            expect: Expect::default(),
            faults: Vec::new(),
            placed: Vec::new(),
        }
    }

    #[test]
    fn a_run_without_an_end_is_an_o10_and_only_once() {
        let mut result = RunResult { stuck: Some("worker-1 waits".into()), ..RunResult::default() };
        assert_eq!(findings(&result)[0].oracle, "O10");
        result.violations.push(crate::run::Violation {
            oracle: "O10".into(),
            message: "not settled".into(),
            file: None,
            key: None,
        });
        assert_eq!(findings(&result).len(), 1);
    }
}
