//! What the engine remembers of the statements it has executed (firebolt-semantics §6).
//!
//! Remembering is one small record a statement, no text is copied and no row is made: rows exist
//! only when somebody asks for the view. It tells what happened on the engine, not what the client
//! was told, and nothing at all of what an engine took with it when it died.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::fault::StatementInfo;
use crate::ids::Uuid;
use crate::value::{Column, DataType, ResultSet, Row, Value};

/// How a statement ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It did what it was asked.
    Success,
    /// It was cancelled, or its time was over.
    Canceled(String),
    /// It could not be read.
    ParseError(String),
    /// It failed.
    Error(String),
    /// Its engine died, or its connection was cut by a fault: no end was ever written.
    Lost,
}

impl Ending {
    /// The word for it, as the view and the asynchronous status spell it.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Success => "ENDED_SUCCESSFULLY",
            Self::Canceled(_) => "CANCELED_EXECUTION",
            Self::ParseError(_) => "PARSE_ERROR",
            Self::Error(_) => "EXECUTION_ERROR",
            Self::Lost => "IN_DOUBT",
        }
    }

    /// What went wrong.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Canceled(text) | Self::ParseError(text) | Self::Error(text) => Some(text),
            Self::Success | Self::Lost => None,
        }
    }
}

/// One executed statement.
#[derive(Debug)]
pub(crate) struct QueryRecord {
    pub(crate) info: Arc<StatementInfo>,
    /// It came with `Firebolt-Machine-Query`: a program asked for its own purposes.
    pub(crate) is_machine: bool,
    pub(crate) query_id: Uuid,
    pub(crate) request_id: Uuid,
    pub(crate) submitted_micros: i64,
    pub(crate) started_micros: i64,
    pub(crate) ended_micros: i64,
    pub(crate) ending: Ending,
    pub(crate) returned_rows: usize,
    /// Rows that a statement of its own has committed; inside of a transaction it is not known.
    pub(crate) inserted_rows: Option<usize>,
}

/// The last statements of the engine, oldest first.
#[derive(Debug, Default)]
pub(crate) struct QueryHistory {
    records: VecDeque<QueryRecord>,
    /// Bytes of their texts.
    text_bytes: usize,
}

/// Bytes of text that are kept. Without this limit a client with long statements could fill the
/// memory: ten thousand of them are kept, and one may be as long as a request.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// Names and types of the columns; NULL may be in each.
const COLUMNS: [(&str, DataType); 20] = [
    ("account_name", DataType::Text),
    ("user_name", DataType::Text),
    ("submitted_time", DataType::TimestampTz),
    ("start_time", DataType::TimestampTz),
    ("end_time", DataType::TimestampTz),
    ("duration_us", DataType::Bigint),
    ("e2e_duration_us", DataType::Bigint),
    ("status", DataType::Text),
    ("request_id", DataType::Text),
    ("query_id", DataType::Text),
    ("query_label", DataType::Text),
    ("query_text", DataType::Text),
    ("error_message", DataType::Text),
    ("scanned_rows", DataType::Bigint),
    ("scanned_bytes", DataType::Bigint),
    ("inserted_rows", DataType::Bigint),
    ("returned_rows", DataType::Bigint),
    ("returned_bytes", DataType::Bigint),
    ("time_in_queue_us", DataType::Bigint),
    ("retries", DataType::Bigint),
];

impl QueryHistory {
    /// Remembers a statement, and forgets the oldest beyond `max`.
    pub(crate) fn push(&mut self, record: QueryRecord, max: usize) {
        if max == 0 {
            return;
        }
        self.text_bytes += record.info.sql.len();
        self.records.push_back(record);
        while self.records.len() > max || self.text_bytes > TEXT_BYTES_MAX {
            let Some(oldest) = self.records.pop_front() else { break };
            self.text_bytes -= oldest.info.sql.len();
        }
    }

    /// The engine went away, and its memory with it.
    pub(crate) fn forget(&mut self) {
        self.records.clear();
        self.text_bytes = 0;
    }

    /// The view: a row for each start and one for each end that was written before `until`.
    pub(crate) fn view(&self, names: (&str, &str), until: i64, users_only: bool) -> ResultSet {
        let (account, user) = (Value::text(names.0), Value::text(names.1));
        let mut rows: Vec<(i64, Row)> = Vec::new();
        for record in &self.records {
            if users_only && record.is_machine {
                continue;
            }
            if record.started_micros <= until && !matches!(record.ending, Ending::ParseError(_)) {
                rows.push((record.started_micros, record.row(&account, &user, false)));
            }
            if record.ended_micros <= until && record.ending != Ending::Lost {
                rows.push((record.ended_micros, record.row(&account, &user, true)));
            }
        }
        // Stable, so that what happened at one instant keeps its order.
        rows.sort_by_key(|(at, _)| *at);
        ResultSet { columns: columns(&COLUMNS), rows: rows.into_iter().map(|(_, r)| r).collect() }
    }
}

/// Columns that may hold NULL.
pub(crate) fn columns(shape: &[(&str, DataType)]) -> Vec<Column> {
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).into(),
        data_type: data_type.clone(),
        nullable: true,
    };
    shape.iter().map(column).collect()
}

impl QueryRecord {
    fn row(&self, account: &Value, user: &Value, is_end: bool) -> Row {
        let ended = |value: Value| if is_end { value } else { Value::Null };
        let count = |rows: usize| Value::Bigint(i64::try_from(rows).unwrap_or(i64::MAX));
        let status = if is_end { self.ending.status() } else { "STARTED_EXECUTION" };
        let error = self.ending.error().map_or(Value::Null, Value::text);
        let inserted = self.inserted_rows.map_or(Value::Null, count);
        Row::from([
            account.clone(),
            user.clone(),
            Value::TimestampTz(self.submitted_micros),
            Value::TimestampTz(self.started_micros),
            ended(Value::TimestampTz(self.ended_micros)),
            ended(Value::Bigint(self.ended_micros - self.started_micros)),
            ended(Value::Bigint(self.ended_micros - self.submitted_micros)),
            Value::text(status),
            Value::text(&self.request_id.to_string()),
            Value::text(&self.query_id.to_string()),
            self.info.label.as_deref().map_or(Value::Null, Value::text),
            Value::Text(Arc::clone(&self.info.sql)),
            ended(error),
            // Nothing is scanned here that could be counted as a real engine counts it.
            Value::Null,
            Value::Null,
            ended(inserted),
            ended(count(self.returned_rows)),
            Value::Null,
            Value::Bigint(self.started_micros - self.submitted_micros),
            Value::Bigint(0),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Endpoint;
    use crate::ids::Ids;
    use crate::sql::StatementKind;

    fn record(sql: &Arc<str>) -> QueryRecord {
        let id = Ids::new(0).uuid();
        let info = StatementInfo {
            request: 1,
            peer: "worker-1".to_owned(),
            connection: 1,
            endpoint: Endpoint::Query,
            sql: Arc::clone(sql),
            kind: StatementKind::Select,
            transaction: None,
            label: None,
        };
        QueryRecord {
            info: Arc::new(info),
            is_machine: false,
            query_id: id,
            request_id: id,
            submitted_micros: 0,
            started_micros: 0,
            ended_micros: 0,
            ending: Ending::Success,
            returned_rows: 0,
            inserted_rows: None,
        }
    }

    #[test]
    fn long_texts_push_the_oldest_out_before_the_memory_is_full() {
        let mut history = QueryHistory::default();
        let short: Arc<str> = Arc::from("SELECT 1");
        history.push(record(&short), 10);
        let long: Arc<str> = Arc::from("x".repeat(TEXT_BYTES_MAX / 2));
        for _ in 0..3 {
            history.push(record(&long), 10);
            assert!(history.text_bytes <= TEXT_BYTES_MAX);
        }
        assert_eq!(history.records.len(), 2, "the short one and the first long one are gone");
        for _ in 0..20 {
            history.push(record(&short), 10);
        }
        assert_eq!((history.records.len(), history.text_bytes), (10, 10 * short.len()));
        history.forget();
        assert_eq!((history.records.len(), history.text_bytes), (0, 0));
    }
}
