//! What `information_schema.transactions` tells: where each transaction began and where it
//! committed, in the one sequence of LSNs (firebolt-semantics §1.1, §6).
//!
//! Remembered are explicit transactions, and statements of their own that committed something.

use std::collections::VecDeque;

use super::query_history::columns;
use crate::ids::Lsn;
use crate::quirks::TransactionsView;
use crate::value::{DataType, ResultSet, Row, Value};

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It committed, here in the sequence.
    Committed(Lsn),
    /// ROLLBACK, or a conflict at its commit.
    RolledBack,
    /// Nobody ended it: its engine died, or its time was over.
    Aborted,
}

/// One transaction that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransactionRecord {
    pub(crate) begin: Lsn,
    pub(crate) began_micros: i64,
    pub(crate) ended_micros: i64,
    pub(crate) end: End,
}

/// The last transactions, in the order they ended.
#[derive(Debug, Default)]
pub(crate) struct TransactionLog {
    records: VecDeque<TransactionRecord>,
}

/// Names and types; what comes after the second is inferred (quirk `transactions-view`).
const COLUMNS: [(&str, DataType); 5] = [
    ("begin_lsn", DataType::Text),
    ("commit_lsn", DataType::Text),
    ("state", DataType::Text),
    ("begin_time", DataType::TimestampTz),
    ("end_time", DataType::TimestampTz),
];

impl TransactionLog {
    /// Remembers a transaction, and forgets the oldest beyond `max`.
    pub(crate) fn push(&mut self, record: TransactionRecord, max: usize) {
        if max == 0 {
            return;
        }
        while self.records.len() >= max {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    /// The view: those that ended, and those that are `open`, in the order they began; at most the
    /// latest `max` of them.
    pub(crate) fn view(
        &self,
        open: impl Iterator<Item = (Lsn, i64, bool)>,
        max: usize,
        shape: TransactionsView,
    ) -> ResultSet {
        let width = match shape {
            TransactionsView::Full => COLUMNS.len(),
            TransactionsView::Lsns => 2,
        };
        let ended = self.records.iter().map(|record| {
            let (commit, state) = match record.end {
                End::Committed(lsn) => (Some(lsn), "COMMITTED"),
                End::RolledBack => (None, "ROLLED_BACK"),
                End::Aborted => (None, "ABORTED"),
            };
            (record.begin, commit, state, record.began_micros, Some(record.ended_micros))
        });
        let open = open.map(|(begin, began_micros, is_aborted)| {
            let state = if is_aborted { "ABORTED" } else { "RUNNING" };
            (begin, None, state, began_micros, None)
        });
        let mut all: Vec<_> = ended.chain(open).collect();
        all.sort_by_key(|(begin, ..)| *begin);
        let rows = all.iter().skip(all.len().saturating_sub(max)).map(
            |(begin, commit, state, began_micros, ended_micros)| -> Row {
                let cells = [
                    Value::text(&begin.to_string()),
                    commit.map_or(Value::Null, |lsn| Value::text(&lsn.to_string())),
                    Value::text(state),
                    Value::TimestampTz(*began_micros),
                    ended_micros.map_or(Value::Null, Value::TimestampTz),
                ];
                Row::from(&cells[..width])
            },
        );
        ResultSet { columns: columns(&COLUMNS[..width]), rows: rows.collect() }
    }
}
