//! What READ_PARQUET and COPY read: files of a LOCATION, fetched and decoded before the statement
//! is evaluated.
//!
//! Patterns are globs relative to the LOCATION's own prefix (firebolt-semantics §4). A file that
//! was decoded once is kept by path and etag, so that a file which is overwritten is read again
//! and one which is not costs a look at its metadata.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt;
use object_store::GetOptions;
use object_store::path::Path;

use crate::parquet_file;
use crate::quirks::Quirks;
use crate::server::{FakeConfig, Location};
use crate::sql::{ExternalFiles, ExternalRead, ExternalTable, SqlError, SqlErrorKind, Statement};

/// Decoded files, by LOCATION, path and etag.
#[derive(Debug, Default)]
pub(crate) struct FileCache {
    decoded: Mutex<BTreeMap<(String, Path, String), Arc<ExternalTable>>>,
}

impl FileCache {
    /// Everything that a statement reads from outside.
    pub(crate) async fn fetch(
        &self,
        config: &FakeConfig,
        statement: &Statement,
    ) -> Result<ExternalFiles, SqlError> {
        let mut fetched = ExternalFiles::default();
        for read in statement.external_reads() {
            if fetched.0.contains_key(&read) {
                continue;
            }
            let files = self.fetch_one(config, &read).await?;
            fetched.0.insert(read, files);
        }
        Ok(fetched)
    }

    async fn fetch_one(
        &self,
        config: &FakeConfig,
        read: &ExternalRead,
    ) -> Result<Vec<(String, ExternalTable)>, SqlError> {
        let Some(location) = config.locations.get(&read.location) else {
            // The service's own words (firebolt-semantics §4).
            let text = format!("location '{}' does not exist or not authorized", read.location);
            return Err(SqlError::new(SqlErrorKind::NotFound, text));
        };
        let mut files = Vec::new();
        for path in matching(location, &read.pattern).await? {
            if let Some(table) =
                self.decode(&read.location, location, &path, &config.quirks).await?
            {
                files.push((path.to_string(), ExternalTable::clone(&table)));
            }
        }
        Ok(files)
    }

    /// One file's rows; `None` when there is no such file.
    async fn decode(
        &self,
        name: &str,
        location: &Location,
        path: &Path,
        quirks: &Quirks,
    ) -> Result<Option<Arc<ExternalTable>>, SqlError> {
        let object = match location.store.get_opts(path, GetOptions::default()).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unreadable(path, &error)),
        };
        let key = object.meta.e_tag.clone().map(|etag| (name.to_owned(), path.clone(), etag));
        if let Some(key) = &key
            && let Some(known) = self.lock().get(key)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let bytes = object.bytes().await.map_err(|error| unreadable(path, &error))?;
        let table = Arc::new(parquet_file::read(path.as_ref(), bytes, quirks)?);
        if let Some(key) = key {
            self.lock().insert(key, Arc::clone(&table));
        }
        Ok(Some(table))
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, BTreeMap<(String, Path, String), Arc<ExternalTable>>> {
        self.decoded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The paths that a pattern names, in order.
async fn matching(location: &Location, pattern: &str) -> Result<Vec<Path>, SqlError> {
    let prefix = location.prefix.trim_matches('/');
    let whole = match (prefix, pattern.trim_start_matches('/')) {
        ("", pattern) => pattern.to_owned(),
        (prefix, pattern) => format!("{prefix}/{pattern}"),
    };
    if !pattern.is_empty() && !pattern.contains(['*', '?', '[']) {
        // A plain name needs no listing: the most frequent read by far.
        return Ok(vec![Path::from(whole)]);
    }
    let under = Path::from(prefix);
    let listed: Vec<_> = location
        .store
        .list(Some(&under))
        .try_collect()
        .await
        .map_err(|error| unreadable(&under, &error))?;
    let mut paths: Vec<Path> = listed
        .into_iter()
        .map(|meta| meta.location)
        .filter(|path| pattern.is_empty() || glob(whole.as_bytes(), path.as_ref().as_bytes()))
        .collect();
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &object_store::Error) -> SqlError {
    SqlError::new(SqlErrorKind::Data, format!("Cannot read '{path}': {error}"))
}

/// Whether a path matches a glob of `*`, `?`, `[set]` and `[!set]`. A star also crosses slashes,
/// as in the vendor's examples, which load whole trees with `*.parquet`.
fn glob(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', rest @ ..] => (0..=path.len()).any(|skipped| glob(rest, &path[skipped..])),
        [b'?', rest @ ..] => !path.is_empty() && glob(rest, &path[1..]),
        [b'[', rest @ ..] => match rest.iter().position(|byte| *byte == b']') {
            Some(end) if !path.is_empty() => {
                in_set(&rest[..end], path[0]) && glob(&rest[end + 1..], &path[1..])
            }
            _ => false,
        },
        [literal, rest @ ..] => path.first() == Some(literal) && glob(rest, &path[1..]),
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let (negated, mut set) = match set {
        [b'!', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        set = rest;
        if let [b'-', last, after @ ..] = rest {
            found |= (*first..=*last).contains(&byte);
            set = after;
        } else {
            found |= *first == byte;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("a/b.parquet", "a/b.parquet", true),
            ("a/*.parquet", "a/b/c.parquet", true),
            ("a/?.parquet", "a/b.parquet", true),
            ("a/?.parquet", "a/bc.parquet", false),
            ("a/[a-c]1", "a/b1", true),
            ("a/[!a-c]1", "a/b1", false),
            ("a/[xyz]", "a/y", true),
            ("a/[", "a/[", false),
            ("*", "", true),
            ("a", "ab", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }
}
