//! The handler: one event in; success exactly when every file of it is settled.
//!
//! Failing the invocation is how a file is left to the next delivery. Nothing is acknowledged that
//! is neither applied nor set aside for good.

use crate::event::{self, EventError, EventFile};
use merge_engine::{EngineError, FileResult, MergeEngine};
use merge_protocol::object::{KeyPath, KeyPathError, ObjectRef};
use merge_protocol::outcome::FileOutcome;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::time::Instant;

/// Handles events with one engine.
pub struct Handler {
    engine: MergeEngine,
}

/// How one file of the event ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The bucket.
    pub bucket: String,
    /// The decoded key.
    pub key: String,
    /// What became of it.
    pub outcome: FileOutcome,
}

/// What the invocation answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Response {
    /// One report a file.
    pub files: Vec<FileReport>,
    /// SQS messages to be delivered again (partial batch response).
    #[serde(rename = "batchItemFailures", skip_serializing_if = "Vec::is_empty")]
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One SQS message to be delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchItemFailure {
    /// Its id.
    #[serde(rename = "itemIdentifier")]
    pub item_identifier: String,
}

/// Why an invocation fails.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The event cannot be read: delivering it again is of no use.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A key that is no file of a table: check the notification's prefix and suffix filters.
    #[error(transparent)]
    Key(#[from] KeyPathError),
    /// The engine cannot take the files.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Some files are not settled: the next delivery goes on.
    #[error("{} of {} files are not settled: {}", .unsettled, .files.len(), first(.files))]
    Unsettled {
        /// How many.
        unsettled: usize,
        /// Every file of the event.
        files: Vec<FileReport>,
    },
}

fn first(files: &[FileReport]) -> String {
    files
        .iter()
        .find(|file| !file.outcome.is_settled())
        .map_or_else(String::new, |file| format!("{}: {:?}", file.key, file.outcome))
}

impl Handler {
    /// A handler for one engine.
    pub fn new(engine: MergeEngine) -> Handler {
        Handler { engine }
    }

    /// The engine.
    pub fn engine(&self) -> &MergeEngine {
        &self.engine
    }

    /// Handles one event; returns before `deadline`, when the platform would kill the invocation.
    ///
    /// # Errors
    /// See [`HandlerError`]. An event from SQS fails message by message instead.
    pub async fn handle(&self, event: &Value, deadline: Instant) -> Result<Response, HandlerError> {
        let files = event::files(event)?;
        let config = self.engine.config();
        let files: Vec<EventFile> =
            files.into_iter().filter(|file| !config.is_own(&file.key)).collect();
        let mut objects = Vec::with_capacity(files.len());
        for file in &files {
            // Before any work: an event that names something else must not be half handled.
            KeyPath::parse(&file.key)?;
            objects.push(self.object(file).await?);
        }
        let results = self.engine.merge(objects, deadline).await?;
        let reports: Vec<FileReport> = results.iter().map(report).collect();
        let unsettled = reports.iter().filter(|file| !file.outcome.is_settled()).count();
        if unsettled == 0 {
            return Ok(Response { files: reports, batch_item_failures: Vec::new() });
        }
        if files.iter().any(|file| file.message.is_none()) {
            return Err(HandlerError::Unsettled { unsettled, files: reports });
        }
        let again = messages_of(&files, &reports);
        Ok(Response { files: reports, batch_item_failures: again })
    }

    async fn object(&self, file: &EventFile) -> Result<ObjectRef, EngineError> {
        match &file.etag {
            Some(etag) => Ok(ObjectRef {
                bucket: file.bucket.clone(),
                key: file.key.clone(),
                etag: etag.clone(),
            }),
            None => self.engine.resolve(&file.key).await,
        }
    }
}

fn report(result: &FileResult) -> FileReport {
    FileReport {
        bucket: result.object.bucket.clone(),
        key: result.object.key.clone(),
        outcome: result.outcome.clone(),
    }
}

/// The messages that carried a file which is not settled.
fn messages_of(files: &[EventFile], reports: &[FileReport]) -> Vec<BatchItemFailure> {
    let open: BTreeSet<&str> = reports
        .iter()
        .filter(|report| !report.outcome.is_settled())
        .map(|report| report.key.as_str())
        .collect();
    let messages: BTreeSet<&str> = files
        .iter()
        .filter(|file| open.contains(file.key.as_str()))
        .filter_map(|file| file.message.as_deref())
        .collect();
    messages
        .into_iter()
        .map(|message| BatchItemFailure { item_identifier: message.to_owned() })
        .collect()
}
