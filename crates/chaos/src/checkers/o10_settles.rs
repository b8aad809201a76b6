//! O10: once the faults stop, everything settles: every file that the source has put there is
//! applied or set aside by the time the world is at rest.

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
            if !rest.facts.is_applied(*file) && !rest.facts.quarantined.contains(file) {
                let name = rest.facts.name(*file);
                let message = format!("{name} is neither applied nor quarantined at rest");
                self.violations.push(Violation::of_file("O10", *file, message));
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

    #[test]
    fn applied_and_quarantined_files_have_settled() {
        let mut case = Case::new();
        case.put(&[0, 1]);
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.quarantine(&[1]);
        let verdict = case.rest(&["1@1", "2@2"]);
        assert_eq!(verdict.of("O10"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O10"), 2);
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
