//! What happened in one run, in order, and its hash.
//!
//! The history is the only thing that checkers and reports see. It holds what the world did and
//! what the fake committed, never what the engine believes, apart from what the engine *reported*.
//! Two runs are the same run exactly when their hashes are equal, so nothing that differs between
//! processes (addresses in memory, wall-clock time) may enter an event.

use std::time::Duration;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::plan::Address;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Virtual time since the run's start; in JSON whole milliseconds.
    #[serde(serialize_with = "whole_millis", rename = "at_ms")]
    pub at: Duration,
    /// Who did it: a worker, `delivery`, `firebolt`, `nemesis`, `world`.
    pub who: String,
    /// What it was.
    pub what: What,
}

fn whole_millis<S: Serializer>(at: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
}

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A phase of the run begins: `safety`, `heal`, `rest`.
    Phase {
        /// Which.
        name: String,
    },
    /// The source wrote a file to the bucket.
    Put {
        /// The object's key.
        object_key: String,
        /// The file's index in the workload.
        file: usize,
    },
    /// A notification of a file was handed to the queue of a worker pool.
    Delivered {
        /// The file's index in the workload.
        file: usize,
        /// The invocation that serves this delivery.
        invocation: u64,
        /// 1 for the first delivery of this request id, 2 and 3 for its automatic retries.
        delivery: u32,
    },
    /// A worker began an invocation.
    Started {
        /// Number of the invocation, from 1.
        invocation: u64,
        /// The files it was given.
        files: Vec<usize>,
        /// The worker's name.
        worker: String,
    },
    /// An invocation ended, in the eyes of the platform.
    Ended {
        /// Number of the invocation.
        invocation: u64,
        /// How.
        end: Ended,
    },
    /// The platform took a delivery off its queue since the handler returned success.
    Acknowledged {
        /// The file's index.
        file: usize,
    },
    /// The platform gave a delivery up after its last try; it is in the dead-letter queue.
    GivenUp {
        /// The file's index.
        file: usize,
    },
    /// A fault was injected.
    Fault {
        /// The id of docs/scenarios.md, such as `F04`.
        id: String,
        /// Where.
        address: Address,
    },
    /// The fake committed something.
    Committed {
        /// The fake's log sequence number: the order of commits.
        lsn: u64,
        /// The connection's peer: a worker's name.
        peer: String,
        /// The statement that decided it, by name: `commit`, or the autocommit statement's own.
        sql_kind: String,
        /// Every table that changed.
        changes: Vec<Change>,
    },
    /// The engine passed a branch that scenarios may require, such as `merge.conflict`.
    Note {
        /// The mark.
        mark: String,
    },
    /// The Firebolt engine restarted.
    Restarted,
    /// A sweep ran.
    Swept {
        /// How many staging tables it dropped.
        dropped: u64,
    },
    /// An attempt to drop a staging table failed for good in its invocation.
    CleanupFailed {
        /// The staging table.
        table: String,
    },
    /// The scheduled audit handed unapplied files to the loader again.
    Reconciled {
        /// How many files.
        redriven: u64,
    },
}

/// How an invocation ended, in the eyes of the platform.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It returned without error before its deadline.
    Succeeded {
        /// What it said about each of its files.
        files: Vec<(usize, Reported)>,
    },
    /// It returned an error.
    Failed {
        /// The error's text.
        error: String,
    },
    /// The deadline struck.
    TimedOut,
    /// The worker died.
    Killed,
}

/// What a loader said about a file of a successful invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reported {
    /// This invocation applied it.
    Applied,
    /// It had been applied before.
    AlreadyApplied,
    /// It was set aside, with the reason code.
    Quarantined(String),
}

/// What one commit did to one table. An update is one deleted and one inserted row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The table.
    pub table: String,
    /// What kind of change.
    pub kind: ChangeKind,
    /// Column names, in the order of the values of each row.
    pub columns: Vec<String>,
    /// Rows that appeared; a NULL is `None`.
    pub inserted: Vec<Vec<Option<String>>>,
    /// Rows that disappeared.
    pub deleted: Vec<Vec<Option<String>>>,
}

/// A row with its column names.
pub type TextRow = Vec<(String, Option<String>)>;

impl Change {
    /// The inserted rows, each value beside its column's name.
    pub fn inserted_rows(&self) -> impl Iterator<Item = TextRow> {
        self.inserted.iter().map(|row| self.named(row))
    }

    /// The deleted rows, each value beside its column's name.
    pub fn deleted_rows(&self) -> impl Iterator<Item = TextRow> {
        self.deleted.iter().map(|row| self.named(row))
    }

    /// Where a column stands in each row.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    /// What a row has in a column; `None` for NULL and for a column that is not there.
    pub fn value<'a>(&self, row: &'a [Option<String>], column: &str) -> Option<&'a str> {
        row.get(self.position(column)?)?.as_deref()
    }

    fn named(&self, row: &[Option<String>]) -> TextRow {
        self.columns.iter().cloned().zip(row.iter().cloned()).collect()
    }
}

/// What happened to a table in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It came into being, possibly with rows (CREATE TABLE AS).
    Created,
    /// It was dropped.
    Dropped,
    /// Its columns changed.
    Altered,
    /// Its rows changed.
    Rows,
}

/// All events of a run in order, with a running hash over them.
#[derive(Clone, Debug, Default)]
pub struct History {
    events: Vec<Event>,
    hash: Sha256,
    /// Where the line of an event is written, used again for each.
    line: Vec<u8>,
}

impl History {
    /// A history in which nothing has happened.
    pub fn new() -> History {
        History::default()
    }

    /// Appends an event and moves the hash on.
    pub fn push(&mut self, event: Event) {
        self.line.clear();
        write_line(&mut self.line, &event);
        self.hash.update(&self.line);
        self.events.push(event);
    }

    /// The events so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// True when nothing was recorded, or the record was not wanted.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The first 128 bits of SHA-256 over the canonical JSON lines.
    pub fn hash(&self) -> u128 {
        let digest = self.hash.clone().finalize();
        let mut first = [0u8; 16];
        first.copy_from_slice(&digest[..16]);
        u128::from_be_bytes(first)
    }

    /// One JSON object a line, in the order of the events: `history.jsonl`.
    pub fn to_jsonl(&self) -> String {
        let mut text = Vec::new();
        for event in &self.events {
            write_line(&mut text, event);
        }
        String::from_utf8(text).expect("JSON is UTF-8")
    }
}

/// Canonical: fields in the order of the struct, no maps, no floats.
fn write_line(text: &mut Vec<u8>, event: &Event) {
    serde_json::to_writer(&mut *text, event).expect("an event has only strings, numbers and lists");
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(at: u64, mark: &str) -> Event {
        Event {
            at: Duration::from_millis(at),
            who: "worker-1".to_owned(),
            what: What::Note { mark: mark.to_owned() },
        }
    }

    #[test]
    fn equal_histories_have_equal_hashes_and_order_counts() {
        let build = |events: &[Event]| {
            let mut history = History::new();
            events.iter().cloned().for_each(|event| history.push(event));
            history
        };
        let (first, second) = (note(1, "merge.conflict"), note(2, "merge.bootstrap"));
        let forward = build(&[first.clone(), second.clone()]);
        assert_eq!(forward.hash(), build(&[first.clone(), second.clone()]).hash());
        assert_ne!(forward.hash(), build(&[second, first]).hash());
        assert_eq!(forward.to_jsonl().lines().count(), 2);
    }

    #[test]
    fn a_line_is_readable_json() {
        let mut history = History::new();
        history.push(note(412, "merge.conflict"));
        assert_eq!(
            history.to_jsonl(),
            "{\"at_ms\":412,\"who\":\"worker-1\",\"what\":{\"note\":{\"mark\":\"merge.conflict\"}}}\n"
        );
    }
}
