//! The audit: what is in the bucket and in no book, and what stands twice; and the redrive of it.
//!
//! The reconcile (audit, then redrive) is what turns "every invocation may fail" into "every file is
//! applied": it feeds what is not settled to the ordinary merge, which is always right.

use crate::engine::{FileResult, MergeEngine};
use crate::error::EngineError;
use crate::warehouse::{Warehouse, none_if_missing};
use firebolt_client::{StatementOptions, Value};
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
    /// Files in the bucket that neither ledger nor quarantine knows in their generation.
    pub unsettled: Vec<ObjectRef>,
    /// Files in the bucket that are set aside and not applied: each waits for an operator, and a redrive
    /// tries it again.
    pub quarantined: Vec<ObjectRef>,
    /// Files in the bucket that are applied.
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
        let asking = EngineError::warehouse("reading control, ledger and quarantine");
        // Where no merge ever ran, the books do not exist yet, and nothing is settled.
        let books =
            none_if_missing(warehouse.read(&sql::audit::settled_files(table), &options).await)
                .map_err(asking)?;
        let control = warehouse.control(table, &options).await.map_err(asking)?;
        let known = |found: &str| -> BTreeSet<(&str, i64)> {
            (0..books.len())
                .filter(|row| books.text(*row, "found") == Some(found))
                .filter_map(|row| {
                    Some((books.text(row, "file_id")?, books.int(row, "generation")?))
                })
                .collect()
        };
        let (applied, aside) = (known("ledger"), known("quarantine"));
        let mut report = AuditReport::default();
        for (object, path) in self.objects(database, table).await? {
            let generation = control.as_ref().map_or(1, |control| control.generation_of(&path));
            let id = FileId::of(&object);
            let entry = (id.as_str(), i64::try_from(generation).unwrap_or(i64::MAX));
            if applied.contains(&entry) {
                report.settled += 1;
            } else if aside.contains(&entry) {
                report.quarantined.push(object);
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
                .map(|row| {
                    let parts: Vec<String> = row.iter().take(keys.len()).map(rendered).collect();
                    parts.join(", ")
                })
                .collect();
        }
        Ok(report)
    }

    /// Audits one table and merges what is not applied, files that are set aside included: what set
    /// them aside may have been mended.
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
        let again: Vec<ObjectRef> =
            audit.unsettled.iter().chain(&audit.quarantined).cloned().collect();
        for group in again.chunks(REDRIVE_GROUP) {
            redriven.extend(self.merge(group.to_vec(), deadline).await?);
        }
        Ok(Reconciled { audit, redriven })
    }

    /// Every file of a table in the bucket, in the order of their keys.
    async fn objects(
        &self,
        database: &str,
        table: &str,
    ) -> Result<Vec<(ObjectRef, KeyPath)>, EngineError> {
        let prefix = format!("{}{database}/{table}/", self.parts.config.location_prefix);
        let path = object_store::path::Path::from(prefix.as_str());
        let listed: Vec<object_store::ObjectMeta> = self
            .parts
            .store
            .list(Some(&path))
            .try_collect()
            .await
            .map_err(|why| EngineError::object(&prefix, why))?;
        let mut objects: Vec<(ObjectRef, KeyPath)> = listed
            .into_iter()
            .filter_map(|meta| {
                let path = KeyPath::parse(meta.location.as_ref()).ok()?;
                let object = ObjectRef {
                    bucket: self.parts.config.bucket.clone(),
                    key: meta.location.to_string(),
                    etag: meta.e_tag.unwrap_or_default().trim_matches('"').to_owned(),
                };
                Some((object, path))
            })
            .collect();
        objects.sort();
        Ok(objects)
    }
}

/// A key part as an operator would write it.
fn rendered(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Array(parts) => {
            let parts: Vec<String> = parts.iter().map(rendered).collect();
            format!("[{}]", parts.join(", "))
        }
    }
}
