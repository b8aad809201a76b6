//! Every placement of at most k faults, not a sample of them.
//!
//! A fault opens new points (a retry, a second round), so the tree cannot be written down in
//! advance: each run lists the points that it reached, and the next fault is placed on each of
//! those behind the last one. So each schedule is visited once, and the count is a census: "all N
//! placements of at most k faults of F kinds". A bound that ends it early is said, never hidden.

use std::collections::{BTreeMap, BTreeSet};

use crate::job;
use crate::outcome::{CensusExample, CensusOutcome, Finding};
use crate::plan::{Address, Does, Phase, PlacedFault, Plan};
use crate::pool::Shard;
use crate::run::{Record, RunResult, run};
use crate::timespan::Span;

/// Schedules that a share may run; far above what k = 2 needs, so that reaching it is a surprise.
const SCHEDULES_MAX: u64 = 2_000_000;
/// Failing plans that a share keeps.
const EXAMPLES_MAX: usize = 3;
/// How much later a late execution runs: after the client's patience and its next tries.
const LATE: Span = Span(std::time::Duration::from_secs(100));

/// What is enumerated.
#[derive(Debug, Clone)]
pub struct Census {
    /// The world, without faults of its own.
    pub plan: Plan,
    /// At most so many faults in one schedule.
    pub faults_max: u64,
    /// The kinds that are placed.
    pub kinds: Vec<Does>,
    /// Which of the first-level choices are ours.
    pub share: Shard,
}

/// The six kinds of the pr tier: request lost, reply lost, error before, error after, restart, late
/// execution.
pub fn six_kinds() -> Vec<Does> {
    vec![
        Does::RequestLost,
        Does::ReplyLost,
        Does::ErrorBefore { status: 503 },
        Does::ErrorAfter,
        Does::RestartBefore,
        Does::ExecuteLate { by: LATE },
    ]
}

/// All kinds that can strike a statement, for the nightly tier.
pub fn all_kinds() -> Vec<Does> {
    let mut kinds = six_kinds();
    kinds.extend([
        Does::ConnectRefused,
        Does::ResetBefore,
        Does::TruncateReply,
        Does::CannotBeRetriedBefore,
        Does::CannotBeRetriedAfter,
        Does::RestartAfter,
        Does::Conflict,
        Does::Hang,
        Does::Twice,
        Does::StaleConnection,
        Does::DropFails,
        Does::DropFailsButDone,
        Does::ErrorInside,
        Does::TokenExpires,
        Does::KillWorker,
    ]);
    kinds
}

/// The one phase at which a kind is placed on a statement: placing the same fault at `executed` and
/// at `answered` would count one effect twice. A kill is different at every phase.
fn belongs(does: Does, at: &Address) -> bool {
    if !does.fits(at.statement, at.phase) {
        return false;
    }
    match does {
        Does::KillWorker | Does::Freeze { .. } => true,
        Does::RequestLost | Does::ResetBefore => at.phase == Phase::Received,
        Does::ReplyLost | Does::ErrorAfter | Does::Hang => {
            matches!(at.phase, Phase::Executed | Phase::Committed)
        }
        Does::CannotBeRetriedAfter | Does::RestartAfter => {
            matches!(at.phase, Phase::Executed | Phase::Committed)
        }
        _ => true,
    }
}

/// What can be placed behind the last fault of a run that reached these points.
fn choices(points: &[Address], last: Option<&PlacedFault>, kinds: &[Does]) -> Vec<PlacedFault> {
    let start = match last {
        None => 0,
        // A point that was not reached again cannot have its fault fired: nothing stands behind it.
        Some(last) => match points.iter().position(|point| *point == last.address) {
            Some(place) => place + 1,
            None => return Vec::new(),
        },
    };
    let mut choices = Vec::new();
    for address in &points[start..] {
        for does in kinds {
            if belongs(*does, address) {
                choices.push(PlacedFault { address: address.clone(), does: *does });
            }
        }
    }
    choices
}

/// The enumeration at work.
struct Explorer<'a, R: Fn(&Plan) -> RunResult> {
    census: &'a Census,
    runs: R,
    hashes: BTreeSet<u128>,
    cells: BTreeMap<(String, String, String), u64>,
    outcome: CensusOutcome,
}

/// Runs our share of the census.
pub fn enumerate(census: &Census) -> CensusOutcome {
    enumerate_with(census, |plan| run(plan, Record::Hash))
}

fn enumerate_with(census: &Census, runs: impl Fn(&Plan) -> RunResult) -> CensusOutcome {
    let mut explorer = Explorer {
        census,
        runs,
        hashes: BTreeSet::new(),
        cells: BTreeMap::new(),
        outcome: CensusOutcome {
            complete: true,
            fault_kinds: census.kinds.len() as u64,
            faults_max: census.faults_max,
            ..CensusOutcome::default()
        },
    };
    explorer.explore(&mut Vec::new());
    let Explorer { hashes, cells, mut outcome, .. } = explorer;
    outcome.hashes = hashes.into_iter().map(|hash| format!("{hash:032x}")).collect();
    outcome.cells = job::cells(&cells);
    outcome
}

impl<R: Fn(&Plan) -> RunResult> Explorer<'_, R> {
    /// Runs the schedule with these faults, then all schedules that have one more behind them.
    fn explore(&mut self, placed: &mut Vec<PlacedFault>) {
        let level = placed.len() as u64;
        if self.outcome.internal_error.is_some() {
            return;
        }
        if self.outcome.schedules >= SCHEDULES_MAX {
            self.outcome.complete = false;
            return;
        }
        let mut plan = self.census.plan.clone();
        plan.placed = placed.clone();
        plan.points = level < self.census.faults_max;
        let result = (self.runs)(&plan);
        // Every share needs the root's points; one of them counts it.
        if level > 0 || self.census.share.index == 1 {
            self.count(&plan, &result);
        }
        if level >= self.census.faults_max {
            return;
        }
        let choices = choices(&result.points, placed.last(), &self.census.kinds);
        if level == 0 {
            self.outcome.points = if self.census.share.index == 1 { places(&choices) } else { 0 };
        }
        for (index, choice) in choices.into_iter().enumerate() {
            if level > 0 || self.census.share.has(index) {
                placed.push(choice);
                self.explore(placed);
                placed.pop();
            }
        }
    }

    fn count(&mut self, plan: &Plan, result: &RunResult) {
        self.outcome.schedules += 1;
        self.hashes.insert(result.hash);
        for (oracle, times) in &result.oracles {
            *self.outcome.oracles.entry(oracle.clone()).or_default() += times;
        }
        for (mark, times) in &result.marks {
            *self.outcome.marks.entry(mark.clone()).or_default() += times;
        }
        for (cell, times) in &result.cells {
            *self.cells.entry(cell.clone()).or_default() += times;
        }
        if let Some(error) = &result.internal_error {
            let id = schedule_id(&plan.placed);
            self.outcome.internal_error = Some(format!("{id}: {error}"));
        }
        let findings = job::findings(result);
        if let Some(finding) = findings.first() {
            self.outcome.violations += 1;
            self.keep(plan, finding.clone());
        }
    }

    /// The first example of each oracle, as far as there is room.
    fn keep(&mut self, plan: &Plan, finding: Finding) {
        let known = self.outcome.examples.iter().any(|e| e.finding.oracle == finding.oracle);
        if self.outcome.examples.len() < EXAMPLES_MAX && !known {
            let plan = Plan { points: false, ..plan.clone() };
            let id = schedule_id(&plan.placed);
            self.outcome.examples.push(CensusExample { id, finding, plan: plan.to_toml() });
        }
    }
}

/// The different places among the choices.
fn places(choices: &[PlacedFault]) -> u64 {
    choices.iter().map(|choice| &choice.address).collect::<BTreeSet<_>>().len() as u64
}

/// A name for a schedule that can be part of a path: `commit#1@committed=F04+drop#1@…`.
fn schedule_id(placed: &[PlacedFault]) -> String {
    if placed.is_empty() {
        return "no-fault".to_owned();
    }
    let texts: Vec<String> = placed
        .iter()
        .map(|fault| {
            let Address { worker, statement, nth, phase, .. } = &fault.address;
            format!("{worker}.{statement}.{nth}.{phase}.{}", fault.does.fault_id())
        })
        .collect();
    texts.join("+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Violation;
    use crate::statement::StatementName;

    fn point(statement: StatementName, nth: u32, phase: Phase) -> Address {
        Address { worker: "worker-1".into(), file: "f".into(), statement, nth, phase }
    }

    /// A toy world: BEGIN, COMMIT, each received and committed; every fault before the end is
    /// answered by one more round; a reply lost at the second COMMIT is a violation.
    fn toy(plan: &Plan) -> RunResult {
        let mut points = Vec::new();
        for round in 1..=plan.placed.len() as u32 + 1 {
            points.push(point(StatementName::Begin, round, Phase::Received));
            points.push(point(StatementName::Commit, round, Phase::Received));
            points.push(point(StatementName::Commit, round, Phase::Committed));
        }
        let bad = plan.placed.iter().any(|fault| {
            fault.does == Does::ReplyLost
                && fault.address == point(StatementName::Commit, 2, Phase::Committed)
        });
        let violation = Violation {
            oracle: "O7".into(),
            message: "applied twice".into(),
            file: None,
            key: None,
        };
        RunResult {
            hash: plan.placed.iter().fold(1, |hash, fault| {
                let word = format!("{fault:?}");
                word.bytes().fold(hash, |h: u128, b| h.wrapping_mul(257).wrapping_add(b.into()))
            }),
            points,
            violations: if bad { vec![violation] } else { Vec::new() },
            ..RunResult::default()
        }
    }

    fn census(faults_max: u64, share: Shard) -> Census {
        let kinds = vec![Does::RequestLost, Does::ReplyLost];
        Census { plan: job::tests::plan(), faults_max, kinds, share }
    }

    #[test]
    fn every_schedule_is_visited_once() {
        // Root: 3 choices (lost BEGIN, lost COMMIT, lost reply of COMMIT). Behind each: what is
        // left of its round and the whole next one.
        let one = enumerate_with(&census(1, Shard::WHOLE), toy);
        assert_eq!((one.schedules, one.points), (1 + 3, 3));
        let two = enumerate_with(&census(2, Shard::WHOLE), toy);
        assert_eq!(two.schedules, 1 + 3 + (5 + 4 + 3));
        assert_eq!(two.hashes.len() as u64, two.schedules);
        assert!(two.complete);
    }

    #[test]
    fn a_violation_is_kept_with_its_plan() {
        let outcome = enumerate_with(&census(2, Shard::WHOLE), toy);
        assert_eq!(outcome.violations, 3);
        assert_eq!(outcome.examples.len(), 1);
        let plan = Plan::from_toml(&outcome.examples[0].plan).expect("our own text");
        assert_eq!(plan.placed.len(), 2);
    }

    #[test]
    fn shares_are_a_partition() {
        let whole = enumerate_with(&census(2, Shard::WHOLE), toy);
        let (mut schedules, mut points, mut hashes) = (0, 0, BTreeSet::new());
        for index in 1..=3 {
            let share = enumerate_with(&census(2, Shard { index, of: 3 }), toy);
            schedules += share.schedules;
            points += share.points;
            hashes.extend(share.hashes);
        }
        assert_eq!((schedules, points), (whole.schedules, whole.points));
        assert_eq!(hashes.into_iter().collect::<Vec<_>>(), whole.hashes);
    }
}
