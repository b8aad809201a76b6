//! The stupidest correct program: fold every change per key in the source's own counter order, and
//! what is left is the table.
//!
//! It knows the workload and nothing else: no ChangeSeq, no file order, no engine, no fake. It must
//! stay small enough (150 lines) that a reader can see it is right, because every verdict rests on
//! it.

use std::collections::{BTreeMap, BTreeSet};

use crate::workload::{Row, Workload};

/// What one key must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The row, or `None` when the last change deleted it.
    pub row: Option<Row>,
    /// The counter of the change that decided it.
    pub counter: u64,
}

/// The state of every key that the given files touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// By key.
    pub keys: BTreeMap<String, Expected>,
}

impl Model {
    /// Folds the changes of `files`; a file index that the workload does not have is ignored.
    pub fn fold(workload: &Workload, files: &BTreeSet<usize>) -> Model {
        let mut changes: Vec<usize> = files
            .iter()
            .filter_map(|file| workload.files.get(*file))
            .flat_map(|file| file.changes.iter().copied())
            .collect();
        changes.sort_by_key(|change| workload.truth[*change].counter);
        let mut model = Model::default();
        // From the newest back, so that only a key's last row is copied.
        for change in changes.into_iter().rev().map(|change| &workload.truth[change]) {
            if !model.keys.contains_key(&change.key) {
                let expected = Expected { row: change.after().cloned(), counter: change.counter };
                model.keys.insert(change.key.clone(), expected);
            }
        }
        model
    }

    /// The rows of the table, sorted.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.keys.values().filter_map(|key| key.row.clone()).collect();
        rows.sort();
        rows
    }
}

/// The states that files *outside* the fold may have given a key: for every later change that such
/// a file carries, the state after it. A loader that failed a file has promised nothing about it,
/// so a table that shows one of these has lost nothing (chaos.md §0: such files count as files −
/// files_applied only).
pub fn unpromised(
    workload: &Workload,
    model: &Model,
    files: &BTreeSet<usize>,
) -> BTreeMap<String, Vec<Expected>> {
    let mut states: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
    for file in workload.files.iter().filter(|file| !files.contains(&file.index)) {
        for change in file.changes.iter().map(|change| &workload.truth[*change]) {
            let folded = model.keys.get(&change.key).map_or(0, |expected| expected.counter);
            if change.counter > folded {
                let row = change.after().cloned();
                let state = Expected { row, counter: change.counter };
                states.entry(change.key.clone()).or_default().push(state);
            }
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::WorkloadPlan;
    use crate::seed::Seed;
    use crate::workload::{generate, tests};

    fn workload() -> Workload {
        let plan = WorkloadPlan { files: 8, delete: 3, ..tests::plan() };
        generate(&plan, &mut Seed(11).stream("model")).expect("a good plan")
    }

    #[test]
    fn the_last_change_by_counter_wins_whatever_the_order_of_files() {
        let mut workload = workload();
        let all: BTreeSet<usize> = (0..workload.files.len()).collect();
        let model = Model::fold(&workload, &all);
        for (key, expected) in &model.keys {
            let last = workload.truth.iter().rfind(|change| change.key == *key).expect("touched");
            assert_eq!((&expected.row, expected.counter), (&last.after().cloned(), last.counter));
        }
        assert!(model.keys.values().any(|key| key.row.is_none()), "no delete in this workload");
        // Files that hold the same slices in another order fold to the same table.
        workload.files.reverse();
        assert_eq!(Model::fold(&workload, &all), model);
    }

    #[test]
    fn files_outside_the_fold_change_nothing_and_promise_nothing() {
        let workload = workload();
        let most: BTreeSet<usize> = (0..workload.files.len() - 1).collect();
        let model = Model::fold(&workload, &most);
        let last = workload.files.last().expect("eight files");
        for change in last.changes.iter().map(|change| &workload.truth[*change]) {
            let folded = model.keys.get(&change.key);
            assert!(folded.is_none_or(|expected| expected.counter < change.counter));
            let states = unpromised(&workload, &model, &most);
            assert!(states[&change.key].iter().any(|state| state.counter == change.counter));
        }
        let all: BTreeSet<usize> = (0..workload.files.len()).collect();
        let whole = Model::fold(&workload, &all);
        assert!(unpromised(&workload, &whole, &all).is_empty());
    }
}
