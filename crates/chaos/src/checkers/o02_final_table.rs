//! O2: at rest the table equals the model, row for row, as a multiset.
//!
//! It says the same as O1, O3 and O4 together, but by another road: a plain comparison of sorted
//! rows that knows nothing of keys, so a mistake in the key logic cannot hide a difference.

use super::{AtRest, Checker, Violation, at_rest};
use crate::workload::Row;

/// How many differing rows are named.
const SHOWN_MAX: usize = 3;

#[derive(Default)]
pub(super) struct FinalTable {
    exercised: u64,
    violations: Vec<Violation>,
}

impl Checker for FinalTable {
    fn id(&self) -> &'static str {
        "O2"
    }

    fn at_rest(&mut self, rest: &AtRest<'_>) {
        let mut actual: Vec<Row> = rest.rows.values().flatten().cloned().collect();
        actual.sort();
        let expected = rest.model.rows();
        self.exercised += rest.model.keys.len() as u64;
        if actual == expected {
            return;
        }
        let missing = without(&expected, &actual);
        let surplus = without(&actual, &expected);
        self.violations.push(Violation::of_run(
            "O2",
            format!(
                "the table is not the model: {} rows missing {}, {} rows too many {}",
                missing.len(),
                shown(&missing),
                surplus.len(),
                shown(&surplus),
            ),
        ));
    }

    fn exercised(&self) -> u64 {
        self.exercised
    }

    fn take_violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }
}

/// The rows of sorted `left` that sorted `right` does not have, each as often as it is missing.
fn without(left: &[Row], right: &[Row]) -> Vec<Row> {
    let mut rest = right.iter().peekable();
    let mut missing = Vec::new();
    for row in left {
        while rest.next_if(|other| *other < row).is_some() {}
        if rest.next_if(|other| *other == row).is_none() {
            missing.push(row.clone());
        }
    }
    missing
}

fn shown(rows: &[Row]) -> String {
    let mut texts: Vec<String> = rows.iter().take(SHOWN_MAX).map(at_rest::show).collect();
    if rows.len() > SHOWN_MAX {
        texts.push("…".to_owned());
    }
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;

    #[test]
    fn the_model_itself_passes_in_any_order() {
        let mut case = Case::new();
        case.merge(&[0], &[], &["1@1", "2@2"]);
        let verdict = case.rest(&["2@2", "1@1"]);
        assert_eq!(verdict.of("O2"), Vec::<String>::new());
        assert_eq!(verdict.exercised("O2"), 2);
    }

    #[test]
    fn a_missing_a_changed_and_a_doubled_row_are_found() {
        for (rows, expected) in [
            (vec!["1@1"], "1 rows missing [(counter 2, id 2)], 0 rows too many []"),
            (vec!["1@1", "2@2", "2@2"], "0 rows missing [], 1 rows too many [(counter 2, id 2)]"),
            (
                vec!["1@9", "2@2"],
                "1 rows missing [(counter 1, id 1)], 1 rows too many [(counter 9, id 1)]",
            ),
        ] {
            let mut case = Case::new();
            case.merge(&[0], &[], &["1@1", "2@2"]);
            let found = case.rest(&rows).of("O2");
            assert_eq!(found, [format!("the table is not the model: {expected}")]);
        }
    }
}
