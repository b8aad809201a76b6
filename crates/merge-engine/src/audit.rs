//! The audit: what is in the bucket and in no book, and what stands twice; and the redrive of it.
//!
//! The reconcile (audit, then redrive) is what turns "every invocation may fail" into "every file is
//! applied": it feeds what is not settled to the ordinary merge, which is always right.

use crate::engine::{FileResult, MergeEngine};
use crate::error::EngineError;
use crate::warehouse::{Warehouse, none_if_missing};
use firebolt_client::StatementOptions;
use futures_util::TryStreamExt as _;
use merge_protocol::object::{FileId, KeyPath, ObjectRef};
use merge_protocol::sql;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);
/// More duplicate keys than this are counted by the operator, not listed here.
const DUPLICATES_SHOWN: u32 = 100;
/// Files of one redrive that are merged together.
const REDRIVE_GROUP: usize = 16;

/// What an audit of one table found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    /// Files in the bucket that neither ledger nor quarantine knows.
    pub unsettled: Vec<ObjectRef>,
    /// Files in the bucket that are applied or set aside.
    pub settled: usize,
    /// Keys with more than one row: at most the first hundred, rendered.
    pub duplicate_keys: Vec<String>,
}

/// What a reconcile did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// What the audit found before.
    pub audit: AuditReport,
    /// How every redriven file ended.
    pub redriven: Vec<FileResult>,
}

impl MergeEngine {
    /// Compares the bucket with the books of one table.
    ///
    /// # Errors
    /// When bucket or warehouse cannot be read.
    pub async fn audit(&self, database: &str, table: &str) -> Result<AuditReport, EngineError> {
        let warehouse = Warehouse::new(&self.parts.client, &self.catalog);
        let options =
            StatementOptions::new(PATIENCE).label("audit").setting("enable_result_cache", "false");
        // Where no merge ever ran, the books do not exist yet, and nothing is settled.
        let books =
            none_if_missing(warehouse.read(&sql::audit::settled_files(table), &options).await)
                .map_err(EngineError::warehouse("reading ledger and quarantine"))?;
        let known: BTreeSet<&str> =
            (0..books.len()).filter_map(|row| books.text(row, "file_id")).collect();
        let mut report = AuditReport::default();
        for object in self.objects(database, table).await? {
            if known.contains(FileId::of(&object).as_str()) {
                report.settled += 1;
            } else {
                report.unsettled.push(object);
            }
        }
        if let Some(keys) = self.parts.config.tables.of(table) {
            let duplicates = warehouse
                .read(&sql::audit::duplicate_keys(table, &keys, DUPLICATES_SHOWN), &options)
                .await
                .map_err(EngineError::warehouse("looking for duplicate keys"))?;
            report.duplicate_keys = duplicates
                .rows
                .iter()
                .map(|row| format!("{:?}", &row[..keys.len().min(row.len())]))
                .collect();
        }
        Ok(report)
    }

    /// Audits one table and merges what is not settled.
    ///
    /// # Errors
    /// See [`MergeEngine::audit`]; how files end is in the result.
    pub async fn reconcile(
        &self,
        database: &str,
        table: &str,
        deadline: Instant,
    ) -> Result<Reconciled, EngineError> {
        let audit = self.audit(database, table).await?;
        let mut redriven = Vec::new();
        for group in audit.unsettled.chunks(REDRIVE_GROUP) {
            redriven.extend(self.merge(group.to_vec(), deadline).await?);
        }
        Ok(Reconciled { audit, redriven })
    }

    /// Every file of a table in the bucket, in the order of their keys.
    async fn objects(&self, database: &str, table: &str) -> Result<Vec<ObjectRef>, EngineError> {
        let prefix = format!("{}{database}/{table}/", self.parts.config.location_prefix);
        let path = object_store::path::Path::from(prefix.as_str());
        let listed: Vec<object_store::ObjectMeta> = self
            .parts
            .store
            .list(Some(&path))
            .try_collect()
            .await
            .map_err(|why| EngineError::object(&prefix, why))?;
        let mut objects: Vec<ObjectRef> = listed
            .into_iter()
            .filter(|meta| KeyPath::parse(meta.location.as_ref()).is_ok())
            .map(|meta| ObjectRef {
                bucket: self.parts.config.bucket.clone(),
                key: meta.location.to_string(),
                etag: meta.e_tag.unwrap_or_default().trim_matches('"').to_owned(),
            })
            .collect();
        objects.sort();
        Ok(objects)
    }
}
