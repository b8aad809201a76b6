//! Hand-made histories for the tests of the judges, in a few words each.
//!
//! The workload is fixed: file 0 inserts keys 1 (change 1) and 2 (change 2), file 1 updates key 1
//! (change 3), file 2 deletes key 2 (change 4). A row reads `key@counter`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Bench, Judges, KeyCounts, Rest, Verdict};
use crate::history::{self, ChangeKind, Ended, Event, Reported, TextRow, What};
use crate::workload::{Change, FileKind, Op, Row, WorkFile, Workload};

pub(super) struct Case {
    bench: Bench,
    at: Duration,
    lsn: u64,
    events: Vec<Event>,
    rest: Rest,
}

pub(super) struct Judged(Verdict);

impl Judged {
    pub(super) fn of(&self, oracle: &str) -> Vec<String> {
        let found = self.0.violations.iter().filter(|violation| violation.oracle == oracle);
        found.map(|violation| violation.message.clone()).collect()
    }

    pub(super) fn exercised(&self, oracle: &str) -> u64 {
        self.0.exercised[oracle]
    }

    pub(super) fn counts(&self) -> KeyCounts {
        self.0.counts
    }

    pub(super) fn orphans(&self) -> u64 {
        self.0.orphan_staging
    }
}

impl Case {
    /// A run of an engine with a ledger.
    pub(super) fn new() -> Self {
        let bench =
            Bench { workload: Arc::new(workload()), has_ledger: true, staging_age_max: None };
        let (at, lsn, events, rest) = Default::default();
        Case { bench, at, lsn, events, rest }
    }

    /// A run of a prior rung.
    pub(super) fn policy() -> Self {
        let mut case = Case::new();
        case.bench.has_ledger = false;
        case
    }

    pub(super) fn staging_age_max(&mut self, age: Duration) {
        self.bench.staging_age_max = Some(age);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.at += time;
    }

    /// One commit: ledger rows of `files`, and rows of the target.
    pub(super) fn merge(&mut self, files: &[usize], deleted: &[&str], inserted: &[&str]) {
        let target = rows("users", deleted, inserted);
        let ledger = self.file_rows("cdc_ledger", files);
        self.commit(vec![target, ledger]);
    }

    pub(super) fn quarantine(&mut self, files: &[usize]) {
        let change = self.file_rows("cdc_quarantine", files);
        self.commit(vec![change]);
    }

    pub(super) fn create(&mut self, table: &str) {
        self.commit(vec![history::Change { kind: ChangeKind::Created, ..rows(table, &[], &[]) }]);
    }

    pub(super) fn drop(&mut self, table: &str) {
        self.commit(vec![history::Change { kind: ChangeKind::Dropped, ..rows(table, &[], &[]) }]);
    }

    pub(super) fn leave(&mut self, table: &str) {
        self.rest.staging_tables.push(table.to_owned());
    }

    pub(super) fn stuck(&mut self, reason: &str) {
        self.rest.stuck = Some(reason.to_owned());
    }

    pub(super) fn put(&mut self, files: &[usize]) {
        for file in files {
            let object_key = self.bench.workload.files[*file].object_key.clone();
            self.push(What::Put { object_key, file: *file });
        }
    }

    pub(super) fn acknowledge(&mut self, files: &[usize]) {
        for file in files {
            self.push(What::Acknowledged { file: *file });
        }
    }

    pub(super) fn report(&mut self, files: &[usize]) {
        for file in files {
            self.report_as(*file, Reported::Applied);
        }
    }

    pub(super) fn report_as(&mut self, file: usize, reported: Reported) {
        let end = Ended::Succeeded { files: vec![(file, reported)] };
        self.push(What::Ended { invocation: 1, end });
    }

    pub(super) fn fail(&mut self, error: &str) {
        let end = Ended::Failed { error: error.to_owned() };
        self.push(What::Ended { invocation: 1, end });
    }

    /// The control table comes into being, with so many rows.
    pub(super) fn control(&mut self, count: usize) {
        let inserted = vec!["0@0"; count];
        let table = rows("cdc_control_users", &[], &inserted);
        self.commit(vec![history::Change { kind: ChangeKind::Created, ..table }]);
    }

    /// The end, with these rows in the target.
    pub(super) fn rest(mut self, target: &[&str]) -> Judged {
        self.rest.target = target
            .iter()
            .map(|text| {
                let row: TextRow =
                    pair(text).into_iter().map(|(name, value)| (name, Some(value))).collect();
                row
            })
            .collect();
        let mut judges = Judges::new(self.bench);
        self.events.iter().for_each(|event| judges.observe(event));
        Judged(judges.conclude(&self.rest))
    }

    fn file_rows(&self, table: &str, files: &[usize]) -> history::Change {
        let key = |file: &usize| Some(self.bench.workload.files[*file].object_key.clone());
        history::Change {
            columns: vec!["object_key".to_owned()],
            inserted: files.iter().map(|file| vec![key(file)]).collect(),
            ..rows(table, &[], &[])
        }
    }

    fn commit(&mut self, changes: Vec<history::Change>) {
        self.lsn += 1;
        let (lsn, peer) = (self.lsn, "worker-1".to_owned());
        self.push(What::Committed { lsn, peer, sql_kind: "commit".to_owned(), changes });
    }

    fn push(&mut self, what: What) {
        self.events.push(Event { at: self.at, who: "test".to_owned(), what });
    }
}

fn rows(table: &str, deleted: &[&str], inserted: &[&str]) -> history::Change {
    let values = |texts: &[&str]| {
        texts.iter().map(|text| pair(text).into_values().map(Some).collect()).collect()
    };
    history::Change {
        table: table.to_owned(),
        kind: ChangeKind::Rows,
        columns: vec!["counter".to_owned(), "id".to_owned()],
        inserted: values(inserted),
        deleted: values(deleted),
    }
}

fn pair(text: &str) -> Row {
    let (id, counter) = text.split_once('@').expect("key@counter");
    Row::from([("counter".to_owned(), counter.to_owned()), ("id".to_owned(), id.to_owned())])
}

fn workload() -> Workload {
    let change = |text: &str, op| {
        let row = pair(text);
        let counter = row["counter"].parse().expect("a number");
        Change { key: row["id"].clone(), op, counter, second: 0, row, cells: Vec::new() }
    };
    let file = |index: usize, changes: &[usize]| WorkFile {
        index,
        object_key: format!(
            "firebolt_dms_job/db/users/2025/11/11/20251111-10000{index}000.parquet"
        ),
        kind: FileKind::Changes,
        bytes: Bytes::new(),
        changes: changes.to_vec(),
        stamp_millis: 0,
    };
    Workload {
        table: "users".to_owned(),
        database: "db".to_owned(),
        ddl: String::new(),
        columns: Vec::new(),
        key_columns: vec!["id".to_owned()],
        keys: vec!["1".to_owned(), "2".to_owned()],
        truth: vec![
            change("1@1", Op::Insert),
            change("2@2", Op::Insert),
            change("1@3", Op::Update),
            change("2@4", Op::Delete),
        ],
        files: vec![file(0, &[0, 1]), file(1, &[2]), file(2, &[3])],
    }
}
