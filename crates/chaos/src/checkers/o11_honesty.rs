//! O11: what the engine reports about a file agrees with what happened: *applied* and *already
//! applied* mean that the ledger has it by then, *quarantined* that the quarantine has it.
//!
//! The other direction is free: a failed invocation may have committed, which is what in doubt
//! means.

use super::{Checker, Facts, Violation};
use crate::history::{Ended, Event, Reported, What};

#[derive(Default)]
pub(super) struct Honesty {
    exercised: u64,
    violations: Vec<Violation>,
}

impl Checker for Honesty {
    fn id(&self) -> &'static str {
        "O11"
    }

    fn observe(&mut self, event: &Event, facts: &Facts) {
        let What::Ended { invocation, end: Ended::Succeeded { files } } = &event.what else {
            return;
        };
        for (file, reported) in files {
            self.exercised += 1;
            let (is_true, claim, place) = match reported {
                Reported::Applied => (facts.is_applied(*file), "applied", "ledger"),
                Reported::AlreadyApplied => (facts.is_applied(*file), "already applied", "ledger"),
                Reported::Quarantined(_) => {
                    (facts.quarantined.contains_key(file), "quarantined", "quarantine")
                }
            };
            if !is_true {
                let name = facts.name(*file);
                let message = format!(
                    "invocation {invocation} reported {name} as {claim}, \
                     and the {place} does not have it"
                );
                self.violations.push(Violation::of_file("O11", *file, message));
            }
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
    use super::super::fixture::Case;
    use crate::history::Reported;

    #[test]
    fn true_reports_pass() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.quarantine(&[1]);
        case.report(&[0]);
        case.report_as(0, Reported::AlreadyApplied);
        case.report_as(1, Reported::Quarantined("null-key".to_owned()));
        let verdict = case.rest(&["1@1", "2@2"]);
        assert_eq!(verdict.of("O11"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O11"), 3);
    }

    #[test]
    fn a_report_before_the_commit_is_a_lie_and_so_is_a_quarantine_that_is_not_there() {
        let mut case = Case::new();
        case.report(&[0]);
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.report_as(1, Reported::Quarantined("null-key".to_owned()));
        let found = case.rest(&["1@1", "2@2"]).of("O11");
        let expected = [
            "invocation 1 reported file 0 (20251111-100000000.parquet) as applied, and the ledger \
             does not have it",
            "invocation 1 reported file 1 (20251111-100001000.parquet) as quarantined, and the \
             quarantine does not have it",
        ];
        assert_eq!(found, expected);
    }
}
