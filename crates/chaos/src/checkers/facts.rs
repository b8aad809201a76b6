//! What the events have established so far: which files took effect, were set aside, were promised.
//!
//! Truth comes from commits; promises come from what a loader reported. Nothing here judges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Bench;
use crate::history::{Change, ChangeKind, Ended, Event, Reported, What};
use crate::workload::Workload;

/// The name of the table whose rows say which file was applied.
const LEDGER: &str = "cdc_ledger";
/// The name of the table whose rows say which file was set aside.
const QUARANTINE: &str = "cdc_quarantine";
/// What the name of a target's control table begins with; its one row is the fence.
const CONTROL: &str = "cdc_control_";

/// Established facts, by file index.
#[derive(Debug, Clone)]
pub struct Facts {
    workload: Arc<Workload>,
    by_object_key: BTreeMap<String, usize>,
    /// Files that the source has put into the bucket.
    pub put: BTreeSet<usize>,
    /// Ledger rows committed, by file: more than one is a file applied twice.
    pub ledger_rows: BTreeMap<usize, u64>,
    /// Files with a committed quarantine row, and the reason it gives.
    pub quarantined: BTreeMap<usize, String>,
    /// Files that a successful invocation called applied or applied before.
    pub reported: BTreeSet<usize>,
    /// Files whose delivery was taken off the queue after success.
    pub acknowledged: BTreeSet<usize>,
    /// The target's control table as committed: how many rows it has, once it is there.
    pub control_rows: Option<usize>,
    /// Whether it ever was without its one row, or was dropped.
    pub control_was_broken: bool,
}

impl Facts {
    pub(super) fn new(bench: &Bench) -> Self {
        let files = bench.workload.files.iter();
        Facts {
            workload: Arc::clone(&bench.workload),
            by_object_key: files.map(|file| (file.object_key.clone(), file.index)).collect(),
            put: BTreeSet::new(),
            ledger_rows: BTreeMap::new(),
            quarantined: BTreeMap::new(),
            reported: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            control_rows: None,
            control_was_broken: false,
        }
    }

    pub(super) fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Put { file, .. } => {
                self.put.insert(*file);
            }
            What::Acknowledged { file } => {
                self.acknowledged.insert(*file);
            }
            What::Ended { end: Ended::Succeeded { files }, .. } => {
                let kept = |reported: &Reported| !matches!(reported, Reported::Quarantined(_));
                self.reported.extend(files.iter().filter(|(_, r)| kept(r)).map(|(file, _)| *file));
            }
            What::Committed { changes, .. } => {
                changes.iter().for_each(|change| self.observe_control(change));
                for change in changes.iter().filter(|change| change.kind != ChangeKind::Dropped) {
                    if change.table == LEDGER {
                        for file in self.files_named(change) {
                            *self.ledger_rows.entry(file).or_default() += 1;
                        }
                    } else if change.table == QUARANTINE {
                        self.quarantined.extend(self.set_aside(change));
                    }
                }
            }
            _ => {}
        }
    }

    fn observe_control(&mut self, change: &Change) {
        if change.table.strip_prefix(CONTROL) != Some(self.workload.table.as_str()) {
            return;
        }
        self.control_rows = match change.kind {
            ChangeKind::Dropped => None,
            ChangeKind::Created | ChangeKind::Altered | ChangeKind::Rows => {
                let before = self.control_rows.unwrap_or(0);
                Some((before + change.inserted.len()).saturating_sub(change.deleted.len()))
            }
        };
        self.control_was_broken |= self.control_rows != Some(1);
    }

    /// True once the ledger says so.
    pub fn is_applied(&self, file: usize) -> bool {
        self.ledger_rows.contains_key(&file)
    }

    /// The files that the ledger names.
    pub fn applied(&self) -> BTreeSet<usize> {
        self.ledger_rows.keys().copied().collect()
    }

    /// The files whose ledger rows one commit inserted, with multiplicity.
    pub(super) fn ledgered_by(&self, changes: &[Change]) -> Vec<usize> {
        let ledger = changes.iter().filter(|change| change.table == LEDGER);
        ledger.flat_map(|change| self.files_named(change)).collect()
    }

    /// A file's name for a message.
    pub(super) fn name(&self, file: usize) -> String {
        let key = self.workload.files.get(file).map_or("?", |file| file.object_key.as_str());
        format!("file {file} ({})", key.rsplit('/').next().unwrap_or(key))
    }

    /// The files that a change of the quarantine names, with what it says about each.
    fn set_aside(&self, change: &Change) -> Vec<(usize, String)> {
        let Some(key) = change.position("object_key") else { return Vec::new() };
        let text = |row: &[Option<String>], name| {
            change.position(name).and_then(|at| row.get(at)?.clone()).unwrap_or_default()
        };
        let rows = change.inserted.iter().filter_map(|row| {
            let file = self.by_object_key.get(row.get(key)?.as_deref()?)?;
            Some((*file, format!("{}: {}", text(row, "reason"), text(row, "detail"))))
        });
        rows.collect()
    }

    /// The files named by the `object_key` column of the rows that a change inserted.
    fn files_named(&self, change: &Change) -> Vec<usize> {
        let Some(column) = change.position("object_key") else { return Vec::new() };
        let keys = change.inserted.iter().filter_map(|row| row.get(column)?.as_deref());
        keys.filter_map(|key| self.by_object_key.get(key).copied()).collect()
    }
}
