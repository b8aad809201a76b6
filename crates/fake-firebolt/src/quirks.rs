//! Every unknown of the real service as a named switch.
//!
//! Public material leaves these questions open; each field says what the question is, what the
//! default answers, where the default comes from, and how sure we are. The engine has to be right
//! under every setting. This file must not grow switches for things that are known.

mod answer;
mod json;
mod transaction;

use serde::{Deserialize, Serialize};

pub use answer::{AsyncLost, ConflictBody, SessionHeaders, TransactionsView, UseEngine};
pub use json::{JsonNull, MalformedJson};
pub use transaction::{FailedCommit, QueuedSnapshot, SequenceId, TimestampRule, TransactionId};

/// The unit in which two committed rewrites are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictUnit {
    /// Two transactions conflict when both rewrote the same row version.
    Row,
    /// Two transactions conflict when both rewrote any row of the same tablet; the tables of a
    /// simulation are small, so a table is one tablet.
    Tablet,
}

/// When a statement of an explicit transaction takes its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotRule {
    /// Fixed at BEGIN.
    Begin,
    /// Each statement sees whatever was committed before it, its own writes on top.
    Statement,
}

/// What MERGE, or UPDATE … FROM, does when two source rows match one target row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMultiMatch {
    /// The statement fails, as in PostgreSQL.
    Error,
    /// One of the source rows, picked at random, decides.
    Arbitrary,
    /// Every pair acts: an update leaves one row per matching source row.
    Multiply,
}

/// Whether something that the vendor does not document is understood or allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// Understood, allowed.
    Accept,
    /// Refused with an error.
    Refuse,
}

/// What COMMIT answers when a statement of the transaction has failed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitOfFailed {
    /// An error; the transaction stays aborted until ROLLBACK.
    Error,
    /// Success, as in PostgreSQL, where it silently rolls back.
    Rollback,
}

/// When the attempt died that "cannot be retried" speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CannotBeRetried {
    /// Nothing was committed.
    BeforeCommit,
    /// Everything was committed; only the reply is lost.
    AfterCommit,
}

/// What an engine restart does to open explicit transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartTransactions {
    /// They are gone.
    Lost,
    /// They live in the metadata service and go on.
    Survive,
}

/// What COPY does when its pattern matches no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyNoMatch {
    /// The statement fails.
    Error,
    /// The statement succeeds and loads nothing (it fails if it has to infer columns).
    Empty,
}

/// What COPY with AUTO_CREATE calls the columns of a new table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyColumnCase {
    /// As the file does.
    Keep,
    /// In lower case, unless CASE_SENSITIVE_COLUMN_MAPPING is TRUE.
    Lower,
}

/// What INT96 is read as, which Impala and Spark wrote for timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParquetInt96 {
    /// A file with such a column is refused.
    Refuse,
    /// TIMESTAMP, microseconds.
    Timestamp,
    /// TIMESTAMPTZ, microseconds.
    Timestamptz,
}

/// What Parquet's TIMESTAMP without UTC, in milliseconds or nanoseconds, is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParquetLocalTimestamp {
    /// TIMESTAMP, extended or cut to microseconds.
    Timestamp,
    /// BIGINT: the number in the file.
    Bigint,
}

/// Which running statements end when their client's connection drops and the request does not say
/// (`cancel_query_on_connection_drop`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelOnDisconnect {
    /// None that writes: each goes on and may commit later, the vendor's `TYPE_DEPENDENT`. A SELECT
    /// ends while it is evaluated, unless it runs in an explicit transaction, which must not fail
    /// of that.
    None,
    /// All of them: the vendor's `ALL`.
    All,
}

/// What a statement does that names a transaction the server does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownTransactionStatement {
    /// It is refused.
    Refuse,
    /// It runs on its own and commits.
    Autocommit,
}

/// The settings of one fake; read from a scenario, unknown names are errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Quirks {
    /// Unit of write conflicts. Default row: documented (firebolt-semantics §1.3), but deletes are
    /// kept per tablet. Confidence: medium.
    pub conflict_unit: ConflictUnit,
    /// Snapshot of explicit transactions. Default begin: documented (§1.1). Confidence: high.
    pub snapshot: SnapshotRule,
    /// Two source rows for one target row. Default error: PostgreSQL's rule, which Firebolt's
    /// MERGE says it follows (§2). Confidence: medium.
    pub merge_multi_match: MergeMultiMatch,
    /// Two rows of UPDATE … FROM for one target row. Default error: the documentation requires at
    /// most one and does not say what happens otherwise (§5). Confidence: low.
    pub update_multi_match: MergeMultiMatch,
    /// `DATEDIFF` as a spelling of `DATE_DIFF`. Default accept: operators use it in production
    /// (field report); the vendor documents only `DATE_DIFF` (§6). Confidence: low.
    pub datediff: Acceptance,
    /// Memory that one statement may use up, in bytes: rows and texts it makes, without credit for
    /// what it frees on the way. Default 4 GiB; the service's limit depends on the engine's size
    /// and is not published. Confidence: low.
    pub statement_bytes_max: u64,
    /// Rows that one statement may make plus pairs of rows it may try. Default 2,000,000,000, some
    /// minutes: nothing that a test means to run. Confidence: low.
    pub statement_steps_max: u64,
    /// A string literal as the value of a column to whose type TEXT needs a written cast (NUMERIC,
    /// BOOLEAN, BYTEA). Default accept: the Python SDK's own tests store BYTEA by a literal and
    /// NUMERIC by a text parameter; the cast matrix speaks of TEXT in general (§7). Confidence:
    /// medium.
    pub literal_assignment: Acceptance,
    /// A TEXT that is no JSON document, in the functions that take one apart. Default missing: "returns
    /// NULL otherwise"; of the formatting functions alone the vendor's pages say that they fail.
    /// Confidence: low.
    pub malformed_json: MalformedJson,
    /// What JSON_VALUE and JSON_VALUE_ARRAY make of a null of JSON. Default text: the vendor's pages
    /// say that scalars other than strings do not change. Confidence: low.
    pub json_null: JsonNull,
    /// HTTP status of a conflict. Default 409 (§1.3, §8). Confidence: medium.
    pub conflict_status: u16,
    /// COMMIT of a failed transaction. Default error (§1.2). Confidence: medium.
    pub commit_of_failed_transaction: CommitOfFailed,
    /// What "cannot be retried" means. Default before-commit (§3.1). Confidence: low.
    pub cannot_be_retried: CannotBeRetried,
    /// Open transactions at a restart. Default lost: the pessimistic reading; the vendor says that
    /// they survive replacement of a cluster (§1.1). Confidence: low.
    pub restart_transactions: RestartTransactions,
    /// COPY without a matching file. Default error (§4). Confidence: low.
    pub copy_no_match: CopyNoMatch,
    /// COPY inside an explicit transaction. Default accept: it is a write like INSERT, and neither
    /// of the two lists that the vendor gives names it (§1.2). Confidence: low.
    pub copy_in_transaction: Acceptance,
    /// Names of the columns that COPY with AUTO_CREATE makes. Default keep: a production pipeline
    /// finds its column "Op" again; the vendor's page says lower case (§4). Confidence: low.
    pub copy_column_case: CopyColumnCase,
    /// Parquet's INT96. Default refuse: the vendor's pages map 64-bit TIMESTAMP only (§4, pages on
    /// TIMESTAMP and TIMESTAMPTZ). Confidence: low.
    pub parquet_int96: ParquetInt96,
    /// Parquet's TIMESTAMP without UTC in other units than microseconds. Default timestamp: so the
    /// page on TIMESTAMPTZ has it for UTC; the page on TIMESTAMP speaks of microseconds only, and
    /// one vendor text saw bigint (§4). Confidence: low.
    pub parquet_local_timestamp: ParquetLocalTimestamp,
    /// Whether a stopped engine starts by itself and holds the request. Default true (§3.3).
    /// Confidence: high.
    pub auto_start: bool,
    /// Statements of a client that left. Default none: writes are not cancelled, only what reads
    /// is (§3.2). Confidence: high.
    pub cancel_on_disconnect: CancelOnDisconnect,
    /// A statement with a dead transaction id. Default refuse (§1.2). Confidence: low.
    pub unknown_transaction_statement: UnknownTransactionStatement,
    /// Whether `information_schema.tables.created` is filled. Default true: since 4.18 (§6).
    /// Confidence: high.
    pub created_column: bool,
    /// HTTP status of a conflict of a statement without BEGIN. Default 409, as for COMMIT: no raw
    /// log shows one (§1.3, §12.3). Confidence: low.
    pub autocommit_conflict_status: u16,
    /// HTTP status of a conflict over a name, DDL against DDL or DML. Default 409, the text too is
    /// that of rows: only that one of the two fails is known (§1.3, §12.10). Confidence: low.
    pub ddl_conflict_status: u16,
    /// How a conflict is told. Default text: as JDBC's test reads it (firebolt-wire §6.3, §12.3).
    /// Confidence: medium.
    pub conflict_body: ConflictBody,
    /// HTTP status of "cannot be retried". Default 500 (§3.1, §12.4). Confidence: low.
    pub cannot_be_retried_status: u16,
    /// Seconds after its last statement at which a transaction is gone; 0 is never. Default 0: the
    /// documented limits could not be read (§1.2, §12.5). Confidence: low.
    pub transaction_idle_seconds: u64,
    /// Seconds after BEGIN at which a transaction is gone; 0 is never. Default 0, as above.
    /// Confidence: low.
    pub transaction_duration_seconds: u64,
    /// Transactions that may be open at once; one more BEGIN is refused; 0 is any number. Default
    /// 0 (§12.5). Confidence: low.
    pub open_transactions_max: usize,
    /// What is left after a failed COMMIT. Default aborted: the Go SDK sends ROLLBACK then (§1.2,
    /// §12.6). Confidence: medium.
    pub failed_commit: FailedCommit,
    /// Whether the answer to a failed COMMIT removes the id from the session. Default false: what
    /// the service sends is not known (firebolt-wire §7). Confidence: low.
    pub failed_commit_removes_id: bool,
    /// ROLLBACK with the id of no transaction. Default accept: if it were an error, Node, Go and
    /// JDBC would send the dead id for ever (firebolt-wire §7). Confidence: medium.
    pub rollback_of_unknown: Acceptance,
    /// A second COMMIT with the id of a transaction that has committed. Default refuse (§12.8).
    /// Confidence: low.
    pub duplicate_commit: Acceptance,
    /// What the id of a transaction is. Default lsn: ids look like LSNs (firebolt-wire §7, §12.8).
    /// Confidence: medium.
    pub transaction_id: TransactionId,
    /// The step number of a transaction. Default absent: one parameter is enough for every client,
    /// and its form with two is not proven (firebolt-wire §3.3, §12.8). Confidence: low.
    pub transaction_sequence_id: SequenceId,
    /// BEGIN from a client that says it speaks a protocol older than 2.4. Default refuse:
    /// documented (§1.2); the text is not. Confidence: medium.
    pub old_protocol_begin: Acceptance,
    /// CURRENT_TIMESTAMP in a transaction. Default statement (§12.14). Confidence: low.
    pub current_timestamp: TimestampRule,
    /// The snapshot of a statement that waits for its engine. Default start (§1.1, §12.15).
    /// Confidence: low.
    pub queued_snapshot: QueuedSnapshot,
    /// `async=true` with MERGE, UPDATE, DELETE, which the list of the documentation lacks. Default
    /// accept (§3.4, §12.9). Confidence: low.
    pub async_unlisted: Acceptance,
    /// `async=true` inside of a transaction. Default refuse (§3.4). Confidence: low.
    pub async_in_transaction: Acceptance,
    /// What an asynchronous query is said to be when its engine died. Default in-doubt: the word
    /// has no definition (§3.4, §12.9). Confidence: low.
    pub async_lost: AsyncLost,
    /// Milliseconds until a statement shows in `engine_query_history`. Default 2000: the vendor's
    /// tests wait 2 to 10 s (§6). Confidence: medium.
    pub history_delay_millis: u64,
    /// Statements that the history of an engine keeps. Default 10000: documented (§6). Confidence:
    /// high.
    pub history_statements_max: usize,
    /// Whether the history outlives a stop of the engine. Default false: assumed (§12.13).
    /// Confidence: low.
    pub history_survives_stop: bool,
    /// Transactions that `information_schema.transactions` scans. Default 1000: documented (§6).
    /// Confidence: high.
    pub transactions_max: usize,
    /// Its columns. Default full: the first two are documented, state and times are likely (§6,
    /// §12.12). Confidence: low.
    pub transactions_view: TransactionsView,
    /// What USE ENGINE answers. Default parameters, the only way that every client goes on a plain
    /// socket; the service sends the endpoint, or both (firebolt-wire §3.2, §3.3). Confidence:
    /// medium.
    pub use_engine: UseEngine,
    /// Several parameters in one answer, which there are with `transaction-sequence-id` only.
    /// Default lines: JDBC, .NET and fb-cli read one pair a line; which of the two the service
    /// sends is not proven (firebolt-wire §7, §12). Confidence: low.
    pub session_headers: SessionHeaders,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            conflict_unit: ConflictUnit::Row,
            snapshot: SnapshotRule::Begin,
            merge_multi_match: MergeMultiMatch::Error,
            update_multi_match: MergeMultiMatch::Error,
            datediff: Acceptance::Accept,
            literal_assignment: Acceptance::Accept,
            malformed_json: MalformedJson::Missing,
            json_null: JsonNull::Text,
            statement_bytes_max: 4 << 30,
            statement_steps_max: 2_000_000_000,
            conflict_status: 409,
            commit_of_failed_transaction: CommitOfFailed::Error,
            cannot_be_retried: CannotBeRetried::BeforeCommit,
            restart_transactions: RestartTransactions::Lost,
            copy_no_match: CopyNoMatch::Error,
            copy_in_transaction: Acceptance::Accept,
            copy_column_case: CopyColumnCase::Keep,
            parquet_int96: ParquetInt96::Refuse,
            parquet_local_timestamp: ParquetLocalTimestamp::Timestamp,
            auto_start: true,
            cancel_on_disconnect: CancelOnDisconnect::None,
            unknown_transaction_statement: UnknownTransactionStatement::Refuse,
            created_column: true,
            autocommit_conflict_status: 409,
            ddl_conflict_status: 409,
            conflict_body: ConflictBody::Text,
            cannot_be_retried_status: 500,
            transaction_idle_seconds: 0,
            transaction_duration_seconds: 0,
            open_transactions_max: 0,
            failed_commit: FailedCommit::Aborted,
            failed_commit_removes_id: false,
            rollback_of_unknown: Acceptance::Accept,
            duplicate_commit: Acceptance::Refuse,
            transaction_id: TransactionId::Lsn,
            transaction_sequence_id: SequenceId::Absent,
            old_protocol_begin: Acceptance::Refuse,
            current_timestamp: TimestampRule::Statement,
            queued_snapshot: QueuedSnapshot::Start,
            async_unlisted: Acceptance::Accept,
            async_in_transaction: Acceptance::Refuse,
            async_lost: AsyncLost::InDoubt,
            history_delay_millis: 2_000,
            history_statements_max: 10_000,
            history_survives_stop: false,
            transactions_max: 1_000,
            transactions_view: TransactionsView::Full,
            use_engine: UseEngine::Parameters,
            session_headers: SessionHeaders::Lines,
        }
    }
}
