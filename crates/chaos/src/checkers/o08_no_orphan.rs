//! O8: no staging table is left at rest, and before that none outlives its bound.
//!
//! *At rest* means: queues empty, clock past the sweep age, two sweeps run (chaos.md §0). The age
//! is the fake's own record of creation and drop.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{AtRest, Bench, Checker, Facts, Violation};
use crate::history::{ChangeKind, Event, What};

pub(super) struct NoOrphan {
    age_max: Option<Duration>,
    created: BTreeMap<String, Duration>,
    exercised: u64,
    violations: Vec<Violation>,
}

impl NoOrphan {
    pub(super) fn new(bench: &Bench) -> Self {
        NoOrphan {
            age_max: bench.staging_age_max,
            created: BTreeMap::new(),
            exercised: 0,
            violations: Vec::new(),
        }
    }

    fn dropped(&mut self, table: &str, at: Duration) {
        let Some(created) = self.created.remove(table) else { return };
        let age = at.saturating_sub(created);
        if self.age_max.is_some_and(|max| age > max) {
            let message = format!("{table} lived for {} s", age.as_secs());
            self.violations.push(Violation::of_run("O8", message));
        }
    }
}

impl Checker for NoOrphan {
    fn id(&self) -> &'static str {
        "O8"
    }

    fn observe(&mut self, event: &Event, _facts: &Facts) {
        let What::Committed { changes, .. } = &event.what else { return };
        for change in changes.iter().filter(|change| change.table.starts_with("stg_")) {
            match change.kind {
                ChangeKind::Created => {
                    self.exercised += 1;
                    self.created.insert(change.table.clone(), event.at);
                }
                ChangeKind::Dropped => self.dropped(&change.table, event.at),
                ChangeKind::Altered | ChangeKind::Rows => {}
            }
        }
    }

    fn at_rest(&mut self, rest: &AtRest<'_>) {
        for table in &rest.rest.staging_tables {
            let message = format!("{table} is still there at rest");
            self.violations.push(Violation::of_run("O8", message));
        }
    }

    fn exercised(&self) -> u64 {
        self.exercised
    }

    fn take_violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture::Case;

    #[test]
    fn a_table_that_is_dropped_in_time_passes() {
        let mut case = Case::new();
        case.staging_age_max(Duration::from_secs(60));
        case.create("stg_users_1");
        case.pass(Duration::from_secs(60));
        case.drop("stg_users_1");
        let verdict = case.rest(&[]);
        assert_eq!(verdict.of("O8"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O8"), 1);
    }

    #[test]
    fn a_table_that_lives_too_long_is_found() {
        let mut case = Case::new();
        case.staging_age_max(Duration::from_secs(60));
        case.create("stg_users_1");
        case.pass(Duration::from_secs(61));
        case.drop("stg_users_1");
        assert_eq!(case.rest(&[]).of("O8"), ["stg_users_1 lived for 61 s"]);
    }

    #[test]
    fn a_table_at_rest_is_found() {
        let mut case = Case::new();
        case.create("stg_users_1");
        case.leave("stg_users_1");
        let verdict = case.rest(&[]);
        assert_eq!(verdict.of("O8"), ["stg_users_1 is still there at rest"]);
        assert_eq!(verdict.orphans(), 1);
    }
}
