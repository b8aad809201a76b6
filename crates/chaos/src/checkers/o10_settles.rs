//! O10: once the faults stop, everything settles: every file that the source has put there is
//! applied by the time the world is at rest.
//!
//! Being set aside settles a file that nothing can be done about. The workload has no such file, so
//! one that is set aside fell to a fault that would have passed: an operator would be called for
//! nothing, and the file is not in the table.

use super::{AtRest, Checker, Violation};

#[derive(Default)]
pub(super) struct Settles {
    exercised: u64,
    violations: Vec<Violation>,
}

impl Checker for Settles {
    fn id(&self) -> &'static str {
        "O10"
    }

    fn at_rest(&mut self, rest: &AtRest<'_>) {
        if let Some(reason) = &rest.rest.stuck {
            self.violations.push(Violation::of_run("O10", format!("it did not settle: {reason}")));
        }
        for file in &rest.facts.put {
            self.exercised += 1;
            if rest.facts.is_applied(*file) {
                continue;
            }
            let name = rest.facts.name(*file);
            let message = match rest.facts.quarantined.get(file) {
                None => format!("{name} is neither applied nor quarantined at rest"),
                Some(reason) => {
                    format!("{name} is set aside, though nothing is wrong with it: {reason}")
                }
            };
            self.violations.push(Violation::of_file("O10", *file, message));
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

    #[test]
    fn applied_files_have_settled_and_good_files_set_aside_have_not() {
        let mut case = Case::new();
        case.put(&[0, 1]);
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.quarantine(&[1]);
        let verdict = case.rest(&["1@1", "2@2"]);
        assert_eq!(verdict.exercised("O10"), 2);
        let found = verdict.of("O10");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("is set aside, though nothing is wrong with it"), "{found:?}");
    }

    #[test]
    fn a_file_that_is_neither_and_a_world_that_is_stuck_are_found() {
        let mut case = Case::new();
        case.put(&[0, 1]);
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.stuck("worker-1 still runs invocation 4");
        let found = case.rest(&["1@1", "2@2"]).of("O10");
        let expected = [
            "it did not settle: worker-1 still runs invocation 4",
            "file 1 (20251111-100001000.parquet) is neither applied nor quarantined at rest",
        ];
        assert_eq!(found, expected);
    }
}
