//! The table at rest beside the model, and the three ways in which a key can be wrong.
//!
//! The three exclude each other (chaos.md §0): more than one row is a *duplicate* whatever the rows
//! say; a row that should be gone is *resurrected*; a row that is missing or differs is *lost*.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Bench, Facts, Rest};
use crate::model::{self, Expected, Model};
use crate::workload::{Row, key_text};

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyFault {
    /// More than one row.
    Duplicate,
    /// The model has it deleted, a row is there.
    Resurrected,
    /// The model has a row; it is missing or different.
    Lost,
}

/// Wrong keys at rest, each counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCounts {
    /// Keys with more than one row.
    pub duplicate_keys: u64,
    /// Keys that should be gone.
    pub resurrected_deletes: u64,
    /// Keys whose row is missing or different.
    pub lost_updates: u64,
}

/// Everything that a judge may look at when the run is over.
pub struct AtRest<'a> {
    /// What the events established.
    pub facts: &'a Facts,
    /// The world's own report.
    pub rest: &'a Rest,
    /// True for our engine (see [`Bench`]).
    pub has_ledger: bool,
    /// The files that the model folds: the ledger's, or for a prior rung those it reported.
    pub files: BTreeSet<usize>,
    /// What the table must be.
    pub model: Model,
    /// The target's rows by key.
    pub rows: BTreeMap<String, Vec<Row>>,
    /// Wrong keys.
    pub faults: BTreeMap<String, KeyFault>,
}

impl<'a> AtRest<'a> {
    pub(super) fn new(bench: &Bench, facts: &'a Facts, rest: &'a Rest) -> Self {
        let files = if bench.has_ledger { facts.applied() } else { facts.reported.clone() };
        let model = Model::fold(&bench.workload, &files);
        let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in &rest.target {
            let row: Row =
                row.iter().filter_map(|(name, text)| Some((name.clone(), text.clone()?))).collect();
            rows.entry(key_text(&bench.workload.key_columns, &row)).or_default().push(row);
        }
        // The ledger is the engine's own word on what took effect, so nothing outside it is
        // excused; a prior rung's failed file may or may not have come through.
        let excused = if bench.has_ledger {
            BTreeMap::new()
        } else {
            model::unpromised(&bench.workload, &model, &files)
        };
        let faults = faults(&model, &rows, &excused);
        AtRest { facts, rest, has_ledger: bench.has_ledger, files, model, rows, faults }
    }

    /// Wrong keys by kind.
    pub fn counts(&self) -> KeyCounts {
        let count = |kind| self.faults.values().filter(|fault| **fault == kind).count() as u64;
        KeyCounts {
            duplicate_keys: count(KeyFault::Duplicate),
            resurrected_deletes: count(KeyFault::Resurrected),
            lost_updates: count(KeyFault::Lost),
        }
    }

    /// The keys with one kind of fault.
    pub(super) fn keys_with(&self, kind: KeyFault) -> impl Iterator<Item = &String> {
        self.faults.iter().filter(move |(_, fault)| **fault == kind).map(|(key, _)| key)
    }

    /// A key's rows for a message.
    pub(super) fn shown(&self, key: &str) -> String {
        let rows = self.rows.get(key).map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            return "(no row)".to_owned();
        }
        rows.iter().map(show).collect::<Vec<_>>().join(" and ")
    }
}

/// `(amount 2.50, counter 9, id 17)`; a NULL is not shown.
pub(super) fn show(row: &Row) -> String {
    let values: Vec<String> = row.iter().map(|(name, text)| format!("{name} {text}")).collect();
    format!("({})", values.join(", "))
}

fn faults(
    model: &Model,
    rows: &BTreeMap<String, Vec<Row>>,
    excused: &BTreeMap<String, Vec<Expected>>,
) -> BTreeMap<String, KeyFault> {
    let keys: BTreeSet<&String> = model.keys.keys().chain(rows.keys()).collect();
    let fault_of = |key: &String| {
        let found = rows.get(key).map(Vec::as_slice).unwrap_or_default();
        if found.len() > 1 {
            return Some(KeyFault::Duplicate);
        }
        let excuses = excused.get(key).map(Vec::as_slice).unwrap_or_default();
        if excuses.iter().any(|state| state.row.as_ref() == found.first()) {
            return None;
        }
        match (model.keys.get(key).and_then(|expected| expected.row.as_ref()), found.first()) {
            (Some(expected), Some(row)) if expected == row => None,
            (Some(_), _) => Some(KeyFault::Lost),
            (None, Some(_)) => Some(KeyFault::Resurrected),
            (None, None) => None,
        }
    };
    keys.into_iter().filter_map(|key| Some((key.clone(), fault_of(key)?))).collect()
}
