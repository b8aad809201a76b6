//! O11: what the engine reports agrees with what happened: *applied* and *already applied* mean that
//! the ledger has the file by then, *quarantined* that the quarantine has it, and a control row that
//! is called broken has been missing or doubled.
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

/// The outcome that calls an operator: the table stands still until somebody has looked at it
/// (docs/operations.md).
const CONTROL_BROKEN: &str = "ControlBroken";

impl Honesty {
    /// A failed invocation owes nobody a result, but its reason is acted on.
    fn failed(&mut self, invocation: u64, error: &str, facts: &Facts) {
        if !error.contains(CONTROL_BROKEN) {
            return;
        }
        self.exercised += 1;
        if !facts.control_was_broken {
            let is = match facts.control_rows {
                None => "not there yet".to_owned(),
                Some(rows) => format!("never without its {rows} row"),
            };
            let message = format!(
                "invocation {invocation} called the control row broken, and its table was {is}"
            );
            self.violations.push(Violation::of_run("O11", message));
        }
    }
}

impl Checker for Honesty {
    fn id(&self) -> &'static str {
        "O11"
    }

    fn observe(&mut self, event: &Event, facts: &Facts) {
        let What::Ended { invocation, end } = &event.what else { return };
        let files = match end {
            Ended::Succeeded { files } => files,
            Ended::Failed { error } => return self.failed(*invocation, error, facts),
            Ended::TimedOut | Ended::Killed => return,
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

    #[test]
    fn a_control_row_is_broken_only_if_it_was() {
        let broken = "1 of 1 files are not settled: Unfinished(ControlBroken { rows: 2 })";
        let found = |rows: Option<usize>| {
            let mut case = Case::new();
            if let Some(rows) = rows {
                case.control(rows);
            }
            case.fail("1 of 1 files are not settled: Unfinished(OutOfTime { last: None })");
            case.fail(broken);
            case.rest(&[]).of("O11")
        };
        let says = |is: &str| {
            vec![format!("invocation 1 called the control row broken, and its table was {is}")]
        };
        assert_eq!(found(None), says("not there yet"));
        assert_eq!(found(Some(1)), says("never without its 1 row"));
        assert_eq!(found(Some(0)), Vec::<String>::new());
        assert_eq!(found(Some(2)), Vec::<String>::new());
        let mut case = Case::new();
        case.control(1);
        case.drop("cdc_control_users");
        case.fail(broken);
        assert_eq!(case.rest(&[]).of("O11"), Vec::<String>::new());
    }
}
