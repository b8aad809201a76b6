//! Objects and files: which bytes are meant, and what their key says about them.
//!
//! A file's identity must be the same at every delivery of the same bytes and different for other
//! bytes under the same key, so it is a hash of bucket, decoded key and etag. It never contains a
//! time, a request id or anything else that a redelivery would change.
//! This module does not read objects and does not decode event envelopes.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// One version of one object: what an S3 notification points at, after its key was decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ObjectRef {
    /// The bucket's name.
    pub bucket: String,
    /// The key as the object store knows it (S3 notifications carry it form-urlencoded; whoever
    /// builds an `ObjectRef` has decoded it).
    pub key: String,
    /// The version's etag without quotes. Reading is conditional on it, so an object that was
    /// overwritten meanwhile is noticed instead of being applied under the old identity.
    pub etag: String,
}

/// The identity of a file: 32 hex digits of a hash over bucket, decoded key and etag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FileId(String);

impl FileId {
    /// Hashes an object reference. Lengths go in too, so that no two references share an encoding.
    pub fn of(object: &ObjectRef) -> FileId {
        let mut hash = Sha256::new();
        for part in [&object.bucket, &object.key, &object.etag] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        FileId(hex(&hash.finalize()[..16]))
    }

    /// The 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identity read back from the ledger.
    pub fn from_ledger(text: &str) -> FileId {
        FileId(text.to_owned())
    }

    /// The first eight digits: the last resort of the change order, so that two files that agree in
    /// everything else still have one order, the same everywhere.
    pub fn short(&self) -> &str {
        &self.0[..self.0.len().min(8)]
    }
}

impl std::fmt::Display for FileId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case hex of a digest: how content-addressed objects are named.
pub fn hex_digest(bytes: &[u8]) -> String {
    hex(bytes)
}

/// Lower-case hex of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 0xf)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// What kind of DMS file it is, and the part of its name that orders it among its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileStamp {
    /// A full-load file `LOAD….parquet`; its ordinal (DMS counts in hex) as written, upper case.
    Load(String),
    /// A change file `YYYYMMDD-HHMMSSmmm.parquet`: the 17 digits.
    Cdc(String),
}

impl FileStamp {
    /// Whether the file belongs to the full load.
    pub fn is_load(&self) -> bool {
        matches!(self, FileStamp::Load(_))
    }

    /// The stamp's own text.
    pub fn text(&self) -> &str {
        match self {
            FileStamp::Load(text) | FileStamp::Cdc(text) => text,
        }
    }
}

/// What an object key says: `<prefix>/<database>/<table>/YYYY/MM/DD/<file>`; full-load files may
/// lie directly under the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath {
    /// The source database (the folder above the table).
    pub database: String,
    /// The table, which is also the target's name.
    pub table: String,
    /// The date folders, if there are any.
    pub date: Option<String>,
    /// The file's name.
    pub file: String,
    /// What the name says about order.
    pub stamp: FileStamp,
}

/// Why a key names no file of ours. The text says which part did not fit and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("object key `{key}` is not a DMS file of a table: {why}")]
pub struct KeyPathError {
    /// The whole key.
    pub key: String,
    /// The part that did not fit.
    pub why: String,
}

impl KeyPath {
    /// Reads a decoded key.
    ///
    /// # Errors
    /// When the file is no `.parquet`, its name carries no stamp, or the folders are missing.
    pub fn parse(key: &str) -> Result<KeyPath, KeyPathError> {
        let fail = |why: &str| KeyPathError { key: key.to_owned(), why: why.to_owned() };
        let mut parts: Vec<&str> = key.split('/').collect();
        let file =
            parts.pop().filter(|name| !name.is_empty()).ok_or_else(|| fail("no file name"))?;
        let stem =
            file.strip_suffix(".parquet").ok_or_else(|| fail("the file is not `.parquet`"))?;
        let stamp = stamp_of(stem).ok_or_else(|| {
            fail("the name is neither `YYYYMMDD-HHMMSSmmm.parquet` nor `LOAD….parquet`")
        })?;
        let date = date_of(&parts);
        if date.is_some() {
            parts.truncate(parts.len() - 3);
        } else if !stamp.is_load() {
            return Err(fail("a change file lies under `YYYY/MM/DD/`"));
        }
        let table = parts.pop().filter(|name| !name.is_empty());
        let database = parts.pop().filter(|name| !name.is_empty());
        let (Some(table), Some(database)) = (table, database) else {
            return Err(fail("the folders `<database>/<table>/` are missing"));
        };
        Ok(KeyPath {
            database: database.to_owned(),
            table: table.to_owned(),
            date,
            file: file.to_owned(),
            stamp,
        })
    }
}

fn stamp_of(stem: &str) -> Option<FileStamp> {
    if let Some(ordinal) = stem.strip_prefix("LOAD") {
        let fits = !ordinal.is_empty()
            && ordinal.len() <= 17
            && ordinal.bytes().all(|b| b.is_ascii_hexdigit());
        return fits.then(|| FileStamp::Load(ordinal.to_ascii_uppercase()));
    }
    let (day, time) = stem.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (day.len() == 8 && time.len() == 9 && digits(day) && digits(time))
        .then(|| FileStamp::Cdc(format!("{day}{time}")))
}

fn date_of(folders: &[&str]) -> Option<String> {
    let [.., year, month, day] = folders else { return None };
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    (digits(year, 4) && digits(month, 2) && digits(day, 2)).then(|| format!("{year}/{month}/{day}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_or_refused_with_a_reason() {
        let ok =
            KeyPath::parse("firebolt_dms_job/shop/users/2025/11/11/20251111-120000123.parquet")
                .expect("a change file");
        assert_eq!((ok.database.as_str(), ok.table.as_str()), ("shop", "users"));
        assert_eq!(ok.stamp, FileStamp::Cdc("20251111120000123".into()));
        assert_eq!(ok.date.as_deref(), Some("2025/11/11"));
        let load = KeyPath::parse("p/shop/users/LOAD0000000a.parquet").expect("a load file");
        assert_eq!(load.stamp, FileStamp::Load("0000000A".into()));
        for (key, why) in [
            ("users/2025/11/11/20251111-120000123.parquet", "folders"),
            ("p/shop/users/20251111-120000123.parquet", "YYYY/MM/DD"),
            ("p/shop/users/2025/11/11/20251111-120000123.csv", "not `.parquet`"),
            ("p/shop/users/2025/11/11/today.parquet", "neither"),
            ("p/shop/users/2025/11/11/", "no file name"),
        ] {
            let error = KeyPath::parse(key).expect_err(key).to_string();
            assert!(error.contains(why), "{key}: {error}");
        }
    }

    #[test]
    fn identity_depends_on_every_part_and_on_nothing_else() {
        let of = |b: &str, k: &str, e: &str| {
            FileId::of(&ObjectRef { bucket: b.into(), key: k.into(), etag: e.into() })
        };
        assert_eq!(of("b", "k", "e"), of("b", "k", "e"));
        assert_ne!(of("b", "k", "e"), of("b", "k", "f"));
        // Without the lengths these two would be one file.
        assert_ne!(of("bk", "", "e"), of("b", "k", "e"));
        assert_eq!(of("b", "k", "e").as_str().len(), 32);
    }
}
