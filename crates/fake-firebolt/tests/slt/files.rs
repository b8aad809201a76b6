//! The world outside of a script: the staged files of a CDC tool, and real files in buckets.
//!
//! `s3://data` is `fixtures/sql/files/data`, `s3://foreign` is what the newest pyarrow wrote; both
//! are LOCATIONs of the same name too.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path as Folder;
use std::sync::Arc;

use fake_firebolt::Location;
use fake_firebolt::files::Files;
use fake_firebolt::quirks::Quirks;
use fake_firebolt::sql::{ExternalFiles, ExternalRead, SqlError, Statement};
use futures_util::FutureExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::in_process::EPOCH_MICROS;
use super::staged_files::{Staged, staged_files};

/// Buckets and the folders they are filled from.
const BUCKETS: [(&str, &str); 2] = [
    ("data", "../../fixtures/sql/files/data"),
    ("foreign", "../../fixtures/parquet/foreign/21.0.0"),
];

/// What a script can read.
pub(crate) struct Outside {
    staged: Staged,
    files: Files,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Outside {
    pub(crate) fn new(quirks: &Quirks) -> Self {
        let buckets: BTreeMap<String, Arc<dyn ObjectStore>> =
            BUCKETS.iter().map(|(name, folder)| ((*name).to_owned(), bucket(folder))).collect();
        let locations: BTreeMap<String, Location> = buckets
            .iter()
            .map(|(name, store)| {
                (name.clone(), Location { store: Arc::clone(store), prefix: String::new() })
            })
            .collect();
        let files = Files::new(&locations, &buckets, quirks.clone(), EPOCH_MICROS);
        Self { staged: staged_files(), files }
    }

    /// Everything that a statement reads; the stores are in memory, so nothing waits.
    pub(crate) fn fetch(&self, statement: &Statement) -> Result<ExternalFiles, SqlError> {
        let reads = statement.external_reads();
        if reads.iter().any(|read| read.location == "cdc") {
            // A pattern that is not staged stays unfetched.
            let staged = |read: ExternalRead| {
                self.staged.get(&read.pattern).map(|files| (read, files.clone()))
            };
            return Ok(ExternalFiles(reads.into_iter().filter_map(staged).collect()));
        }
        self.files.fetch(statement, "account").now_or_never().expect("stores in memory are ready")
    }

    pub(crate) fn apply(&self, statement: &Statement, now_micros: i64) -> Result<(), SqlError> {
        self.files.apply(statement, now_micros)
    }
}

fn bucket(folder: &str) -> Arc<dyn ObjectStore> {
    let bucket = InMemory::new();
    let folder = Folder::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fill(&bucket, &folder, "");
    Arc::new(bucket)
}

fn fill(bucket: &InMemory, folder: &Folder, below: &str) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder of the repository")
        .map(|entry| entry.expect("readable").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().expect("not a root").to_string_lossy();
        let name = if below.is_empty() { name.into_owned() } else { format!("{below}/{name}") };
        if path.is_dir() {
            fill(bucket, &path, &name);
        } else {
            let bytes = std::fs::read(&path).expect("a file of the repository");
            let put =
                bucket.put(&Path::parse(name).expect("a plain path"), bytes.into()).now_or_never();
            put.expect("a store in memory is ready").expect("a put");
        }
    }
}
