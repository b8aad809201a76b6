//! O14: a delivery that is taken off the queue after success has been applied or set aside; no file
//! is acknowledged and forgotten.

use super::{Checker, Facts, Violation};
use crate::history::{Event, What};

#[derive(Default)]
pub(super) struct NeverDropped {
    exercised: u64,
    violations: Vec<Violation>,
}

impl Checker for NeverDropped {
    fn id(&self) -> &'static str {
        "O14"
    }

    fn observe(&mut self, event: &Event, facts: &Facts) {
        let What::Acknowledged { file } = &event.what else { return };
        self.exercised += 1;
        if !facts.is_applied(*file) && !facts.quarantined.contains_key(file) {
            let message = format!(
                "{} was acknowledged, and is neither applied nor quarantined",
                facts.name(*file)
            );
            self.violations.push(Violation::of_file("O14", *file, message));
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
    fn applied_and_quarantined_files_may_be_acknowledged() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.quarantine(&[1]);
        case.acknowledge(&[0, 1]);
        let verdict = case.rest(&["1@1", "2@2"]);
        assert_eq!(verdict.of("O14"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O14"), 2);
    }

    #[test]
    fn a_file_that_is_acknowledged_too_early_is_found() {
        let mut case = Case::new();
        case.acknowledge(&[0]);
        case.merge(&[0], &[], &["1@1", "2@2"]);
        let expected = "file 0 (20251111-100000000.parquet) was acknowledged, and is neither \
                        applied nor quarantined";
        assert_eq!(case.rest(&["1@1", "2@2"]).of("O14"), [expected]);
    }
}
