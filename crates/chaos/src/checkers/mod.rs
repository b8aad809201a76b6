//! The judges: one property a file, each fed the history event by event and then the table at rest.
//!
//! A judge sees the history and the workload and nothing of the engine: neither its types nor its
//! order of changes. It returns violations and never panics, and it counts how often it had
//! anything to judge, since a judge that was never exercised has proved nothing.

mod at_rest;
mod facts;
mod o01_no_duplicate;
mod o02_final_table;
mod o03_no_lost_update;
mod o04_no_resurrection;
mod o05_never_back;
mod o07_applied_once;
mod o08_no_orphan;
mod o10_settles;
mod o11_honesty;
mod o14_never_dropped;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use at_rest::{AtRest, KeyCounts, KeyFault};
pub use facts::Facts;

use crate::history::{Change, Event, TextRow};
use crate::workload::{Workload, key_text_by};

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// `O1` … `O15`.
    pub oracle: String,
    /// What is wrong, in one sentence that names the table and the key or file.
    pub message: String,
    /// The key, where it is about one.
    pub key: Option<String>,
    /// The file's index, where it is about one.
    pub file: Option<usize>,
}

impl Violation {
    fn of_key(oracle: &str, key: &str, message: String) -> Self {
        Violation { oracle: oracle.to_owned(), message, key: Some(key.to_owned()), file: None }
    }

    fn of_file(oracle: &str, file: usize, message: String) -> Self {
        Violation { oracle: oracle.to_owned(), message, key: None, file: Some(file) }
    }

    fn of_run(oracle: &str, message: String) -> Self {
        Violation { oracle: oracle.to_owned(), message, key: None, file: None }
    }
}

/// One property.
trait Checker {
    /// `O1` … `O15`.
    fn id(&self) -> &'static str;
    /// Looks at an event; `facts` already include it.
    fn observe(&mut self, _event: &Event, _facts: &Facts) {}
    /// Looks at the end.
    fn at_rest(&mut self, _rest: &AtRest<'_>) {}
    /// How often there was anything to judge.
    fn exercised(&self) -> u64;
    /// What was found, in the order found.
    fn take_violations(&mut self) -> Vec<Violation>;
}

/// What the judges must know before the run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The workload that the run feeds.
    pub workload: Arc<Workload>,
    /// True for our engine, which keeps a ledger; false for a prior rung, which is only counted and
    /// is judged by what it reported.
    pub has_ledger: bool,
    /// Oldest age at which a staging table may still be there; `None`: not judged before the end.
    pub staging_age_max: Option<Duration>,
}

/// What the world looks like when the run is over.
#[derive(Debug, Clone, Default)]
pub struct Rest {
    /// Rows of the target: columns by name, NULL as `None`.
    pub target: Vec<TextRow>,
    /// Names of every table that begins with `stg_`.
    pub staging_tables: Vec<String>,
    /// Why the run did not come to rest, if it did not.
    pub stuck: Option<String>,
}

/// What the judges say.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Everything found, by oracle, then in the order found.
    pub violations: Vec<Violation>,
    /// How often each oracle was exercised, zero included.
    pub exercised: BTreeMap<String, u64>,
    /// Wrong keys at rest, each counted once.
    pub counts: KeyCounts,
    /// Files that took effect: by the ledger, or for a prior rung those it reported.
    pub files_applied: u64,
    /// Staging tables at rest.
    pub orphan_staging: u64,
}

/// All judges of a run.
pub struct Judges {
    bench: Bench,
    facts: Facts,
    checkers: Vec<Box<dyn Checker + Send>>,
}

impl Judges {
    /// A fresh bench. A prior rung has no ledger, so the oracles about it stay away.
    pub fn new(bench: Bench) -> Self {
        let mut checkers: Vec<Box<dyn Checker + Send>> = vec![
            Box::new(o01_no_duplicate::NoDuplicate::new(&bench)),
            Box::new(o02_final_table::FinalTable::default()),
            Box::new(o03_no_lost_update::NoLostUpdate::default()),
            Box::new(o04_no_resurrection::NoResurrection::default()),
            Box::new(o05_never_back::NeverBack::new(&bench)),
            Box::new(o08_no_orphan::NoOrphan::new(&bench)),
        ];
        if bench.has_ledger {
            checkers.push(Box::new(o07_applied_once::AppliedOnce::new(&bench)));
            checkers.push(Box::new(o10_settles::Settles::default()));
            checkers.push(Box::new(o11_honesty::Honesty::default()));
            checkers.push(Box::new(o14_never_dropped::NeverDropped::default()));
        }
        checkers.sort_by_key(|checker| number(checker.id()));
        Judges { facts: Facts::new(&bench), bench, checkers }
    }

    /// Shows every judge the next event.
    pub fn observe(&mut self, event: &Event) {
        self.facts.observe(event);
        for checker in &mut self.checkers {
            checker.observe(event, &self.facts);
        }
    }

    /// What the events so far say; for a world that wants to know whether it has come to rest.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The end: looks at the table and closes the case.
    pub fn conclude(mut self, rest: &Rest) -> Verdict {
        let at_rest = AtRest::new(&self.bench, &self.facts, rest);
        let mut verdict = Verdict {
            counts: at_rest.counts(),
            files_applied: at_rest.files.len() as u64,
            orphan_staging: rest.staging_tables.len() as u64,
            ..Verdict::default()
        };
        for checker in &mut self.checkers {
            checker.at_rest(&at_rest);
            verdict.violations.extend(checker.take_violations());
            verdict.exercised.insert(checker.id().to_owned(), checker.exercised());
        }
        verdict
    }
}

/// The key of a row of a commit.
fn key_of(key_columns: &[String], change: &Change, row: &[Option<String>]) -> String {
    key_text_by(key_columns, |name| change.value(row, name))
}

fn number(id: &str) -> u32 {
    id.trim_start_matches('O').parse().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod fixture;
