//! Normalising: Parquet in, Parquet out.
//!
//! CDC files are read by the engine itself, reduced to the last change per key, and written as one
//! content-addressed file that the warehouse stages from. The same input gives the same bytes under
//! the same name, so a second writer changes nothing, and nothing is ever overwritten.
//! Row counts must add up: rows read = rows kept + rows superseded inside the batch.

mod columns;
mod key;
mod reduce;
mod write;

use bytes::Bytes;
use columns::FileTable;
use merge_protocol::change::{ChangeSeq, FileOrder};
use merge_protocol::failure::Failure;
use merge_protocol::machine::{Merge, Normalised};
use merge_protocol::object::FileId;
use merge_protocol::outcome::{Reason, ReasonCode};
use merge_protocol::plan::{Batch, BatchFile, TaskFile};
use merge_protocol::schema::Column;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use reduce::Change;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Where objects lie.
pub(crate) struct Normaliser<'a> {
    /// The bucket.
    pub(crate) store: &'a dyn ObjectStore,
    /// The prefix that the LOCATION stands for.
    pub(crate) location_prefix: &'a str,
    /// Where reduced files go, below that prefix.
    pub(crate) normalised_prefix: &'a str,
}

/// A file that was read and whose every row has its place in the order.
struct ReadFile<'a> {
    id: &'a FileId,
    table: FileTable,
    changes: Vec<Change>,
}

impl Normaliser<'_> {
    /// Reads the pending files, refuses those that will never be readable, and reduces those that
    /// share the columns of the first. The others wait for the next turn.
    ///
    /// # Errors
    /// What may pass: the object store does not answer.
    pub(crate) async fn normalise(&self, merge: &Merge) -> Result<Normalised, Failure> {
        let mut read: Vec<ReadFile<'_>> = Vec::new();
        let mut refused = BTreeMap::new();
        for id in merge.pending() {
            let Some(file) = merge.task().files.get(id) else { continue };
            match self.fetch(file).await? {
                Err(reason) => {
                    refused.insert(id.clone(), reason);
                }
                Ok(bytes) => match read_file(merge, id, file, bytes) {
                    Ok(file) => read.push(file),
                    Err(reason) => {
                        refused.insert(id.clone(), reason);
                    }
                },
            }
        }
        let Some(first) = read.first() else {
            return Ok(Normalised { batch: Batch::default(), refused });
        };
        let shape = shape(&first.table);
        let most = if merge.is_one_by_one() { 1 } else { usize::MAX };
        let together: Vec<&ReadFile<'_>> =
            read.iter().filter(|file| self::shape(&file.table) == shape).take(most).collect();
        let batch = self.reduce(&together).await?;
        Ok(Normalised { batch, refused })
    }

    async fn reduce(&self, files: &[&ReadFile<'_>]) -> Result<Batch, Failure> {
        let kept = reduce::last_per_key(files.iter().map(|file| file.changes.as_slice()));
        // Columns by name: two files may hold the same columns in another order.
        let names: Vec<&str> =
            files[0].table.columns.iter().map(|column| column.column.name.as_str()).collect();
        let columns: Vec<Vec<&columns::FileColumn>> = files
            .iter()
            .map(|file| names.iter().filter_map(|name| file.table.find(name)).collect())
            .collect();
        let bytes = write::write(&columns, &kept)
            .map_err(|why| Failure::store(format!("writing the reduced file: {why}")))?;
        let pattern = self.put(bytes).await?;
        let batch_files: Vec<BatchFile> = files
            .iter()
            .enumerate()
            .map(|(index, file)| {
                let seqs = || file.changes.iter().map(|change| &change.seq);
                let staged = kept.values().filter(|kept| kept.file == index).count() as u64;
                BatchFile {
                    id: file.id.clone(),
                    rows_read: file.table.rows as u64,
                    rows_staged: staged,
                    seq_min: seqs().min().cloned(),
                    seq_max: seqs().max().cloned(),
                }
            })
            .collect();
        let staged: u64 = batch_files.iter().map(|file| file.rows_staged).sum();
        assert_eq!(staged, kept.len() as u64, "every kept row comes from exactly one file");
        Ok(Batch {
            files: batch_files,
            columns: files[0].table.columns.iter().map(|column| column.column.clone()).collect(),
            pattern,
            rows: kept.len() as u64,
        })
    }

    /// The object's bytes; the inner error is for good, the outer one may pass.
    async fn fetch(&self, file: &TaskFile) -> Result<Result<Bytes, Reason>, Failure> {
        let key = &file.object.key;
        let Ok(path) = Path::parse(key) else {
            return Ok(Err(missing(key, "its key is no valid path")));
        };
        let got = match self.store.get(&path).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => {
                return Ok(Err(missing(key, "it is gone")));
            }
            Err(object_store::Error::Precondition { .. }) => return Ok(Err(superseded(key))),
            Err(why) => return Err(Failure::store(format!("reading object {key}: {why}"))),
        };
        // The etag of the very answer that carries the bytes: the same guarantee as If-Match.
        let etag = got.meta.e_tag.as_deref().map(|etag| etag.trim_matches('"'));
        if etag.is_some_and(|etag| etag != file.object.etag) {
            return Ok(Err(superseded(key)));
        }
        match got.bytes().await {
            Ok(bytes) => Ok(Ok(bytes)),
            Err(why) => Err(Failure::store(format!("reading object {key}: {why}"))),
        }
    }

    async fn put(&self, bytes: Vec<u8>) -> Result<String, Failure> {
        let digest = merge_protocol::object::hex_digest(&Sha256::digest(&bytes));
        let pattern = format!("{}{digest}.parquet", self.normalised_prefix);
        let path = Path::from(format!("{}{pattern}", self.location_prefix));
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path, bytes.into(), options).await {
            // Same name, same bytes: somebody else was faster.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(pattern),
            Err(why) => Err(Failure::store(format!(
                "writing {path}: {why}; the engine needs to create objects below its normalised prefix"
            ))),
        }
    }
}

fn missing(key: &str, why: &str) -> Reason {
    Reason {
        code: ReasonCode::ObjectMissing,
        detail: format!("object {key} cannot be read: {why}"),
    }
}

fn superseded(key: &str) -> Reason {
    Reason {
        code: ReasonCode::Superseded,
        detail: format!(
            "object {key} has another etag than its event named; a newer event will come"
        ),
    }
}

/// What must agree for files to be reduced together.
fn shape(table: &FileTable) -> Vec<&Column> {
    let mut columns: Vec<&Column> = table.columns.iter().map(|column| &column.column).collect();
    columns.sort();
    columns
}

fn read_file<'a>(
    merge: &Merge,
    id: &'a FileId,
    file: &TaskFile,
    bytes: Bytes,
) -> Result<ReadFile<'a>, Reason> {
    let table = FileTable::read(bytes)?;
    let task = merge.task();
    let empty = Vec::new();
    let target = merge.look().map_or(&empty, |look| &look.columns);
    let control = merge.look().and_then(|look| look.control.first());
    let order = FileOrder {
        scheme: task.policy.order.scheme(),
        generation: control.map_or(1, |control| control.generation_of(&file.path)),
        stamp: &file.path.stamp,
        id,
    };
    let keys = task.keys.as_deref().unwrap_or_default();
    let changes = reduce::changes(&table, keys, target, task.policy.order, &order)?;
    let seqs: std::collections::BTreeSet<&ChangeSeq> =
        changes.iter().map(|change| &change.seq).collect();
    assert_eq!(seqs.len(), changes.len(), "row ordinals make every change of a file distinct");
    Ok(ReadFile { id, table, changes })
}

#[cfg(test)]
mod tests;
