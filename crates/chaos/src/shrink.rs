//! Cuts a failing plan down to one that a person can read.
//!
//! First the faults: what fired is placed at its exact address, and halves, quarters and single
//! faults are left out for as long as the same oracle still complains (delta debugging). Then the
//! world: files, workers, rows, keys, disturbances of delivery, quirks. Round by round until no
//! single step makes it smaller: 1-minimal. The shrinker knows nothing of why a plan fails.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::job;
use crate::plan::{PlacedFault, Plan};
use crate::ratio::Ratio;
use crate::run::{Record, run};
use crate::timespan::{Between, Span};

/// Runs that one shrinking may cost.
const TRIES_MAX: u64 = 400;

/// The smallest plan found.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// It fails with the same oracle.
    pub plan: Plan,
    /// Runs that it took.
    pub tries: u64,
    /// False when the tries ran out before nothing could be left out any more.
    pub minimal: bool,
}

/// Shrinks a plan that this oracle complains about. A plan that does not fail comes back as it is.
pub fn shrink(plan: &Plan, oracle: &str) -> Shrunk {
    let first = run(plan, Record::Hash);
    let complains = |plan: &Plan| {
        let result = run(plan, Record::Hash);
        result.internal_error.is_none()
            && job::findings(&result).iter().any(|finding| finding.oracle == oracle)
    };
    shrink_with(plan, first.fired, complains)
}

fn shrink_with(plan: &Plan, fired: Vec<PlacedFault>, fails: impl FnMut(&Plan) -> bool) -> Shrunk {
    let mut shrinker = Shrinker { best: plan.clone(), tries: 0, fails };
    shrinker.place(fired);
    loop {
        let before = shrinker.best.clone();
        shrinker.faults();
        shrinker.rules();
        shrinker.world();
        if shrinker.best == before || shrinker.is_spent() {
            break;
        }
    }
    Shrunk { minimal: !shrinker.is_spent(), plan: shrinker.best, tries: shrinker.tries }
}

struct Shrinker<F> {
    best: Plan,
    tries: u64,
    fails: F,
}

impl<F: FnMut(&Plan) -> bool> Shrinker<F> {
    fn is_spent(&self) -> bool {
        self.tries >= TRIES_MAX
    }

    /// Keeps the candidate when it still fails.
    fn take(&mut self, candidate: Plan) -> bool {
        if self.is_spent() || candidate == self.best {
            return false;
        }
        self.tries += 1;
        let smaller = (self.fails)(&candidate);
        if smaller {
            self.best = candidate;
        }
        smaller
    }

    fn change(&mut self, edit: impl FnOnce(&mut Plan)) -> bool {
        let mut candidate = self.best.clone();
        edit(&mut candidate);
        self.take(candidate)
    }

    /// From faults by rate to the same faults at their addresses.
    fn place(&mut self, fired: Vec<PlacedFault>) {
        let without_restarts = self.change(|plan| {
            plan.faults.clear();
            plan.warehouse.restart_every = None;
            plan.placed.clone_from(&fired);
        });
        if !without_restarts {
            self.change(|plan| {
                plan.faults.clear();
                plan.placed = fired;
            });
        }
    }

    /// Delta debugging over the placed faults: without this part, in ever smaller parts.
    fn faults(&mut self) {
        let mut part = self.best.placed.len().div_ceil(2);
        while part > 0 && !self.best.placed.is_empty() && !self.is_spent() {
            let mut start = 0;
            let mut smaller = false;
            while start < self.best.placed.len() {
                let end = (start + part).min(self.best.placed.len());
                if self.change(|plan| drop(plan.placed.drain(start..end))) {
                    smaller = true;
                } else {
                    start = end;
                }
            }
            if part == 1 && !smaller {
                break;
            }
            part = if part == 1 { 1 } else { part.div_ceil(2) };
        }
    }

    /// Where the faults could not be placed, whole rules are left out.
    fn rules(&mut self) {
        let mut index = 0;
        while index < self.best.faults.len() {
            if !self.change(|plan| drop(plan.faults.remove(index))) {
                index += 1;
            }
        }
        self.change(|plan| plan.warehouse.restart_every = None);
    }

    fn world(&mut self) {
        self.change(one_worker);
        let files = self.best.workload.files;
        self.least(files, |plan, n| plan.workload.files = n);
        let files = self.best.workload.files;
        self.least(files, |plan, n| {
            plan.workload.files = n;
            one_worker(plan);
        });
        let workers = u64::from(self.best.delivery.workers);
        self.least(workers, |plan, n| {
            plan.delivery.workers = u32::try_from(n).unwrap_or(u32::MAX);
        });
        let rows = self.best.workload.rows.max;
        self.least(rows, |plan, n| {
            plan.workload.rows = Between { min: plan.workload.rows.min.min(n), max: n };
        });
        let keys = self.best.workload.keys;
        self.least(keys, |plan, n| plan.workload.keys = n);
        self.change(|plan| plan.delivery.late = None);
        self.change(|plan| plan.delivery.reorder = Ratio::ZERO);
        self.change(|plan| plan.delivery.duplicate = Ratio::ZERO);
        self.change(|plan| plan.delivery.object_cut = Ratio::ZERO);
        self.change(|plan| plan.delivery.clock_skew = Span(Duration::ZERO));
        self.change(|plan| plan.delivery.sweep_every = None);
        self.change(|plan| plan.workload.added_column = None);
        let quirks: Vec<String> =
            self.best.warehouse.quirks.iter().map(|(name, _)| name.clone()).collect();
        for quirk in quirks {
            self.change(|plan| drop(plan.warehouse.quirks.remove(&quirk)));
        }
    }

    /// The smallest value of a size with which it still fails, by doubling from one.
    fn least(&mut self, now: u64, set: impl Fn(&mut Plan, u64)) {
        let mut value = 1;
        while value < now {
            if self.change(|plan| set(plan, value)) {
                return;
            }
            // Small sizes one by one, then in steps: between 3 and 4 files lies a whole story.
            value = if value < 4 { value + 1 } else { value * 2 };
        }
    }
}

/// Everything happens in one container: with fewer workers a file comes to another one, and the
/// faults that were placed in the old one would never fire.
fn one_worker(plan: &mut Plan) {
    plan.delivery.workers = 1;
    let mut seen = BTreeMap::new();
    for fault in &mut plan.placed {
        let address = &mut fault.address;
        if address.worker.starts_with("worker-") {
            address.worker = "worker-1".to_owned();
            let place = (address.file.clone(), address.statement, address.phase);
            let nth = seen.entry(place).or_insert(0);
            *nth += 1;
            address.nth = *nth;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Address, Does, Phase};
    use crate::statement::StatementName;

    fn fault(nth: u32) -> PlacedFault {
        let address = Address {
            worker: "worker-1".into(),
            file: "f".into(),
            statement: StatementName::Commit,
            nth,
            phase: Phase::Committed,
        };
        PlacedFault { address, does: Does::ReplyLost }
    }

    #[test]
    fn only_what_is_needed_remains() {
        let mut plan = job::tests::plan();
        plan.workload.files = 40;
        plan.delivery.workers = 4;
        plan.delivery.duplicate = Ratio::ONE;
        let fired: Vec<PlacedFault> = (1..=60).map(fault).collect();
        // Two particular faults, three files, two workers: less does not fail.
        let shrunk = shrink_with(&plan, fired, |plan| {
            [17, 41].iter().all(|nth| plan.placed.contains(&fault(*nth)))
                && plan.workload.files >= 3
                && plan.delivery.workers >= 2
        });
        assert!(shrunk.minimal && shrunk.tries < 150, "{} tries", shrunk.tries);
        assert_eq!(shrunk.plan.placed, [fault(17), fault(41)]);
        assert_eq!((shrunk.plan.workload.files, shrunk.plan.delivery.workers), (3, 2));
        assert_eq!(shrunk.plan.delivery.duplicate, Ratio::ZERO);
        assert!(shrunk.plan.faults.is_empty());
    }

    #[test]
    fn faults_move_to_the_one_worker_that_is_left() {
        let mut plan = tests_plan_with(&["worker-1", "worker-3", "sweeper"]);
        one_worker(&mut plan);
        let places: Vec<String> = plan.placed.iter().map(|f| f.address.to_string()).collect();
        assert_eq!(
            places,
            [
                "worker-1/f/commit#1@committed",
                "worker-1/f/commit#2@committed",
                "sweeper/f/commit#9@committed"
            ]
        );
    }

    fn tests_plan_with(workers: &[&str]) -> Plan {
        let mut plan = job::tests::plan();
        for worker in workers {
            let mut placed = fault(9);
            placed.address.worker = (*worker).to_owned();
            plan.placed.push(placed);
        }
        plan
    }

    #[test]
    fn a_plan_that_fails_only_by_its_seed_keeps_what_it_needs() {
        let plan = job::tests::plan();
        let whole = plan.clone();
        let shrunk = shrink_with(&plan, vec![fault(1)], |candidate| *candidate == whole);
        assert_eq!(shrunk.plan, whole);
        assert!(shrunk.minimal);
    }

    #[test]
    fn a_failure_that_never_shrinks_ends_at_the_bound() {
        let mut plan = job::tests::plan();
        plan.workload.files = u64::MAX / 4;
        let mut toggles = 0u64;
        let shrunk = shrink_with(&plan, (1..=500).map(fault).collect(), |_| {
            toggles += 1;
            toggles % 97 == 1
        });
        assert!(shrunk.tries <= TRIES_MAX);
    }
}
