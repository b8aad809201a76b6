//! What statements read from outside: files of LOCATIONs and buckets, fetched and decoded before
//! the statement is evaluated.
//!
//! ```text
//! ExternalRead ─ locations ─► store, prefix ─ glob ─► paths ─ decode ─► rows (kept by path and etag)
//! ```
//! Patterns are globs relative to the LOCATION's own prefix (firebolt-semantics §4). A file that
//! was decoded once is kept, so that a file which is overwritten is read again and one which is
//! not costs a look at its metadata. Nothing in here writes to a store.

mod decode;
mod glob;
mod locations;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore};

use self::locations::{Locations, Place};
use crate::quirks::Quirks;
use crate::server::Location;
use crate::sql::{
    ExternalFile, ExternalFiles, ExternalRead, ExternalTable, FileFormat, SqlError, SqlErrorKind,
    Statement,
};
use crate::value::{Column, DataType, Row, Value};

/// Decoded files that are kept. A server that lives long sees files without end; then it starts anew.
const DECODED_MAX: usize = 1_024;

/// A decoded file's key: how it is reached, its path and etag, and how it was read.
type Key = (String, Path, String, FileFormat);

/// The outside as one server sees it: its LOCATION objects, its buckets, and the files it has
/// decoded.
#[derive(Debug)]
pub struct Files {
    locations: Mutex<Locations>,
    decoded: Mutex<BTreeMap<Key, Arc<ExternalTable>>>,
    quirks: Quirks,
}

impl Files {
    /// Those LOCATIONs and buckets, by name, and nothing read yet.
    #[must_use]
    pub fn new(
        given: &BTreeMap<String, Location>,
        buckets: &BTreeMap<String, Arc<dyn ObjectStore>>,
        quirks: Quirks,
        created_micros: i64,
    ) -> Self {
        let locations = Locations::new(given, buckets, created_micros);
        Self { locations: Mutex::new(locations), decoded: Mutex::default(), quirks }
    }

    /// Everything that a statement reads from outside.
    ///
    /// # Errors
    /// Names the LOCATION or the file: it is not there, or cannot be decoded.
    pub async fn fetch(
        &self,
        statement: &Statement,
        owner: &str,
    ) -> Result<ExternalFiles, SqlError> {
        let mut fetched = ExternalFiles::default();
        for read in statement.external_reads() {
            if let Entry::Vacant(entry) = fetched.0.entry(read) {
                let files = self.fetch_one(entry.key(), owner).await?;
                entry.insert(files);
            }
        }
        Ok(fetched)
    }

    /// Executes CREATE, ALTER or DROP LOCATION; does nothing for any other statement.
    ///
    /// # Errors
    /// The LOCATION is there already, or is not there.
    pub fn apply(&self, statement: &Statement, now_micros: i64) -> Result<(), SqlError> {
        match statement.location() {
            Some(location) => self.locations().apply(location, now_micros),
            None => Ok(()),
        }
    }

    async fn fetch_one(
        &self,
        read: &ExternalRead,
        owner: &str,
    ) -> Result<Vec<ExternalFile>, SqlError> {
        if read.format == FileFormat::Locations {
            let rows = self.locations().rows(owner);
            return Ok(vec![table(LOCATION_COLUMNS, rows)]);
        }
        let mut place = self.locations().place(&read.location)?;
        if read.format == FileFormat::Objects {
            return Ok(vec![table(OBJECT_COLUMNS, objects(&place).await?)]);
        }
        let files = self.files(read, &place).await?;
        let is_named = !read.location.contains("://");
        if files.is_empty() && read.pattern.is_empty() && is_named && !place.is_folder {
            // A LOCATION may be of a file or of a folder, and need not say which.
            place.is_folder = true;
            return self.files(read, &place).await;
        }
        Ok(files)
    }

    async fn files(
        &self,
        read: &ExternalRead,
        place: &Place,
    ) -> Result<Vec<ExternalFile>, SqlError> {
        let mut files = Vec::new();
        for path in matching(place, &read.pattern).await? {
            files.extend(self.file(read, place, &path).await?);
        }
        Ok(files)
    }

    /// One file; `None` when there is none.
    async fn file(
        &self,
        read: &ExternalRead,
        place: &Place,
        path: &Path,
    ) -> Result<Option<ExternalFile>, SqlError> {
        let object = match place.store.get_opts(path, GetOptions::default()).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unreadable(path, &error)),
        };
        let mut file = described(&object.meta);
        let key = object
            .meta
            .e_tag
            .clone()
            .map(|etag| (read.location.clone(), path.clone(), etag, read.format.clone()));
        if let Some(key) = &key
            && let Some(known) = self.decoded().get(key)
        {
            file.table = Arc::clone(known);
            return Ok(Some(file));
        }
        let bytes = object.bytes().await.map_err(|error| unreadable(path, &error))?;
        file.table = Arc::new(decode::decode(&file.name, bytes, &read.format, &self.quirks)?);
        if let Some(key) = key {
            let mut decoded = self.decoded();
            if decoded.len() >= DECODED_MAX {
                decoded.clear();
            }
            decoded.insert(key, Arc::clone(&file.table));
        }
        Ok(Some(file))
    }

    fn locations(&self) -> MutexGuard<'_, Locations> {
        self.locations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decoded(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<ExternalTable>>> {
        self.decoded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The columns of LIST_OBJECTS (firebolt-semantics §4, vendor's page on LIST_OBJECTS).
const OBJECT_COLUMNS: &[(&str, DataType)] = &[
    ("object_name", DataType::Text),
    ("object_type", DataType::Text),
    ("object_bytes", DataType::Bigint),
    ("last_modified", DataType::TimestampTz),
];

/// The columns of `information_schema.locations` (vendor's page of that name).
const LOCATION_COLUMNS: &[(&str, DataType)] = &[
    ("location_name", DataType::Text),
    ("source", DataType::Text),
    ("url", DataType::Text),
    ("description", DataType::Text),
    ("location_owner", DataType::Text),
    ("created", DataType::TimestampTz),
    ("ddl", DataType::Text),
];

fn table(columns: &[(&str, DataType)], rows: Vec<Row>) -> ExternalFile {
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).into(),
        data_type: data_type.clone(),
        nullable: true,
    };
    let columns = columns.iter().map(column).collect();
    let table = ExternalTable { columns, rows, ..ExternalTable::default() };
    ExternalFile { table: Arc::new(table), ..ExternalFile::default() }
}

fn described(meta: &ObjectMeta) -> ExternalFile {
    ExternalFile {
        name: meta.location.to_string(),
        modified_micros: meta.last_modified.timestamp_micros(),
        size: i64::try_from(meta.size).unwrap_or(i64::MAX),
        etag: meta.e_tag.clone(),
        table: Arc::default(),
    }
}

/// The objects right below a place, folders first by the order of names.
async fn objects(place: &Place) -> Result<Vec<Row>, SqlError> {
    let under = Path::from(place.prefix.as_str());
    let listed = place
        .store
        .list_with_delimiter(Some(&under))
        .await
        .map_err(|error| unreadable(&under, &error))?;
    let folders = listed.common_prefixes.iter().map(|path| {
        let name = Value::text(&format!("{path}/"));
        Row::from([name, Value::text("folder"), Value::Null, Value::Null])
    });
    let files = listed.objects.iter().map(|meta| {
        let file = described(meta);
        let seconds = file.modified_micros.div_euclid(1_000_000) * 1_000_000;
        Row::from([
            Value::text(&file.name),
            Value::text("file"),
            Value::Bigint(file.size),
            Value::TimestampTz(seconds),
        ])
    });
    let mut rows: Vec<Row> = folders.chain(files).collect();
    rows.sort();
    Ok(rows)
}

/// The paths that a pattern names, in order.
async fn matching(place: &Place, pattern: &str) -> Result<Vec<Path>, SqlError> {
    let prefix = place.prefix.as_str();
    let whole = match (prefix, pattern.trim_start_matches('/')) {
        // A URL without a slash at its end is one file, or a pattern itself.
        (prefix, "") if !place.is_folder => prefix.to_owned(),
        ("", "") => "*".to_owned(),
        ("", pattern) => pattern.to_owned(),
        (prefix, "") => format!("{prefix}/*"),
        (prefix, pattern) => format!("{prefix}/{pattern}"),
    };
    if !glob::is_glob(&whole) {
        // A plain name needs no listing: the most frequent read by far.
        return Ok(vec![Path::parse(&whole).unwrap_or_else(|_| Path::from(whole))]);
    }
    let under = Path::from(glob::root(&whole));
    let listed: Vec<ObjectMeta> = place
        .store
        .list(Some(&under))
        .try_collect()
        .await
        .map_err(|error| unreadable(&under, &error))?;
    let mut paths: Vec<Path> = listed
        .into_iter()
        .map(|meta| meta.location)
        .filter(|path| glob::matches(whole.as_bytes(), path.as_ref().as_bytes()))
        .collect();
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &object_store::Error) -> SqlError {
    SqlError::new(SqlErrorKind::Data, format!("Cannot read '{path}': {error}"))
}
