//! The engine's front door: files in, one outcome a file.

use crate::catalog::Catalog;
use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::telemetry::Observer;
use firebolt_client::Client;
use merge_protocol::object::{FileId, KeyPath, ObjectRef};
use merge_protocol::outcome::FileOutcome;
use merge_protocol::plan::{Task, TaskFile};
use merge_protocol::retry::Deadline;
use object_store::ObjectStore;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Randomness, injected: names of staging tables and the spread of waits.
pub trait Entropy: Send + Sync + 'static {
    /// 64 bits that nobody can guess and nobody draws twice.
    fn next_u64(&self) -> u64;
}

/// What an engine is made of.
pub struct Parts {
    /// The warehouse.
    pub client: Client,
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// The settings.
    pub config: EngineConfig,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who hears what happens.
    pub observer: Arc<dyn Observer>,
}

/// Merges files, exactly once each. Cheap to keep, safe to use from several invocations at once:
/// nothing of one merge is visible to another but through the warehouse.
pub struct MergeEngine {
    pub(crate) parts: Parts,
    pub(crate) catalog: Catalog,
    origin: Instant,
}

/// How one file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileResult {
    /// The file.
    pub object: ObjectRef,
    /// Its identity.
    pub id: FileId,
    /// Its target table.
    pub table: String,
    /// What became of it, and so whether its message may be acknowledged.
    pub outcome: FileOutcome,
}

impl MergeEngine {
    /// Builds an engine.
    ///
    /// # Errors
    /// An impossible setting, by its key.
    pub fn new(parts: Parts) -> Result<MergeEngine, EngineError> {
        parts.config.check()?;
        Ok(MergeEngine { parts, catalog: Catalog::default(), origin: Instant::now() })
    }

    /// The settings.
    pub fn config(&self) -> &EngineConfig {
        &self.parts.config
    }

    /// The version of an object that no event named: its etag as the store has it now.
    ///
    /// # Errors
    /// The store does not know the object or does not answer.
    pub async fn resolve(&self, key: &str) -> Result<ObjectRef, EngineError> {
        use object_store::ObjectStoreExt as _;
        let path =
            object_store::path::Path::parse(key).map_err(|why| EngineError::object(key, why))?;
        let meta =
            self.parts.store.head(&path).await.map_err(|why| EngineError::object(key, why))?;
        let etag = meta.e_tag.as_deref().unwrap_or_default().trim_matches('"').to_owned();
        Ok(ObjectRef { bucket: self.parts.config.bucket.clone(), key: key.to_owned(), etag })
    }

    /// Merges files, grouped by table, each group as one task. Ends before `deadline`, unless a
    /// single statement's patience is shorter than that.
    ///
    /// # Errors
    /// A key that names no file of a table. Nothing was begun then.
    pub async fn merge(
        &self,
        objects: Vec<ObjectRef>,
        deadline: Instant,
    ) -> Result<Vec<FileResult>, EngineError> {
        let mut tables: BTreeMap<String, BTreeMap<FileId, TaskFile>> = BTreeMap::new();
        for object in objects {
            if object.bucket != self.parts.config.bucket {
                let what = format!("is in bucket `{}`, not in the configured one", object.bucket);
                return Err(EngineError::object(&object.key, what));
            }
            let path = KeyPath::parse(&object.key)
                .map_err(|why| EngineError::object(&object.key, why.why))?;
            let files = tables.entry(path.table.clone()).or_default();
            files.insert(FileId::of(&object), TaskFile { object, path });
        }
        let mut results = Vec::new();
        for (target, files) in tables {
            let task = Task {
                keys: self.parts.config.tables.of(&target),
                target: target.clone(),
                location: self.parts.config.location.clone(),
                files: files.clone(),
                policy: self.parts.config.policy.clone(),
                deadline: Deadline::at(deadline.saturating_duration_since(self.origin)),
            };
            let outcomes = self.drive(task).await;
            results.extend(outcomes.into_iter().filter_map(|(id, outcome)| {
                let object = files.get(&id)?.object.clone();
                Some(FileResult { object, id, table: target.clone(), outcome })
            }));
        }
        Ok(results)
    }

    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}
