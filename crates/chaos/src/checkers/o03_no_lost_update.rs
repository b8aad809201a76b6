//! O3: no change of an applied file is lost: a key that the model has is there, with the model's
//! values.

use super::{AtRest, Checker, KeyFault, Violation, at_rest};

#[derive(Default)]
pub(super) struct NoLostUpdate {
    exercised: u64,
    violations: Vec<Violation>,
}

impl Checker for NoLostUpdate {
    fn id(&self) -> &'static str {
        "O3"
    }

    fn at_rest(&mut self, rest: &AtRest<'_>) {
        self.exercised += rest.model.keys.values().filter(|key| key.row.is_some()).count() as u64;
        for key in rest.keys_with(KeyFault::Lost) {
            let expected = rest.model.keys.get(key).and_then(|key| key.row.as_ref());
            let expected = expected.map_or_else(|| "(no row)".to_owned(), at_rest::show);
            let message = format!("key {key} must read {expected} and reads {}", rest.shown(key));
            self.violations.push(Violation::of_key("O3", key, message));
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
    fn the_newest_change_passes() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[1], &["1@1"], &["1@3"]);
        let verdict = case.rest(&["1@3", "2@2"]);
        assert_eq!(verdict.of("O3"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O3"), 2);
        assert_eq!(verdict.counts().lost_updates, 0);
    }

    #[test]
    fn an_older_row_and_a_missing_row_are_lost_updates() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        case.merge(&[1], &["1@1"], &["1@3"]);
        let verdict = case.rest(&["1@1"]);
        let found = [
            "key 1 must read (counter 3, id 1) and reads (counter 1, id 1)",
            "key 2 must read (counter 2, id 2) and reads (no row)",
        ];
        assert_eq!(verdict.of("O3"), found);
        assert_eq!(verdict.counts().lost_updates, 2);
    }

    /// A prior rung's failed file may have come through or not; neither is a loss.
    #[test]
    fn what_a_policy_never_promised_is_not_lost() {
        let mut case = Case::policy();
        case.report(&[0]);
        let verdict = case.rest(&["1@3", "2@2"]);
        assert_eq!(verdict.counts().lost_updates, 0);
        let mut case = Case::policy();
        case.report(&[0, 1]);
        assert_eq!(case.rest(&["1@1", "2@2"]).counts().lost_updates, 1);
    }
}
