//! O4: a key whose last applied change is a delete has no row.

use super::{AtRest, Checker, KeyFault, Violation};

#[derive(Default)]
pub(super) struct NoResurrection {
    exercised: u64,
    violations: Vec<Violation>,
}

impl Checker for NoResurrection {
    fn id(&self) -> &'static str {
        "O4"
    }

    fn at_rest(&mut self, rest: &AtRest<'_>) {
        self.exercised += rest.model.keys.values().filter(|key| key.row.is_none()).count() as u64;
        for key in rest.keys_with(KeyFault::Resurrected) {
            let why = match rest.model.keys.get(key) {
                Some(expected) => format!("its last change, {}, is a delete", expected.counter),
                None => "no applied file has it".to_owned(),
            };
            let message = format!("key {key} is live, but {why}: {}", rest.shown(key));
            self.violations.push(Violation::of_key("O4", key, message));
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
    fn a_deleted_key_without_a_row_passes() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[2], &["2@2"], &[]);
        let verdict = case.rest(&["1@1"]);
        assert_eq!(verdict.of("O4"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O4"), 1);
    }

    #[test]
    fn a_row_of_a_deleted_key_is_found() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[2], &["2@2"], &[]);
        let verdict = case.rest(&["1@1", "2@2"]);
        let found = ["key 2 is live, but its last change, 4, is a delete: (counter 2, id 2)"];
        assert_eq!(verdict.of("O4"), found);
        let counts = verdict.counts();
        assert_eq!((counts.resurrected_deletes, counts.lost_updates), (1, 0));
    }

    #[test]
    fn a_row_that_nobody_wrote_is_found() {
        let found = Case::new().rest(&["7@7"]).of("O4");
        assert_eq!(found, ["key 7 is live, but no applied file has it: (counter 7, id 7)"]);
    }
}
