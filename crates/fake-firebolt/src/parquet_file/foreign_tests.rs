//! Files that pyarrow wrote, held against what pyarrow itself reads from them; and the same files
//! damaged, which must be an error or other rows, never a panic.
//!
//! `fixtures/parquet/foreign/generate.py` writes both the files and what is expected of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use proptest::prelude::*;
use serde::Deserialize;

use super::read;
use crate::quirks::{ParquetInt96, ParquetLocalTimestamp, Quirks};
use crate::value::{DataType, Value};

/// What one file is expected to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expected {
    #[serde(default)]
    columns: Vec<(String, String, bool)>,
    #[serde(default)]
    rows: Vec<Vec<serde_json::Value>>,
    /// Words that the refusal contains.
    refused: Option<Vec<String>>,
    /// The same for builds without the feature `codecs`.
    refused_without_codecs: Option<Vec<String>>,
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/parquet/foreign");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("fixtures/parquet/foreign is part of the repository")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn expectations(folder: &Path) -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("a manifest");
    serde_json::from_str(&text).expect("a manifest of the expected shape")
}

fn bytes(path: &Path) -> Bytes {
    Bytes::from(std::fs::read(path).expect("a file of the manifest"))
}

/// A value as generate.py writes it.
fn shown(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Struct(value) => {
            value.fields().map(|(name, field)| (name.to_owned(), shown(field))).collect()
        }
        Value::Real(real) => format!("bits {:08x}", real.to_bits()).into(),
        Value::Double(double) => format!("bits {:016x}", double.to_bits()).into(),
        other => other.to_string().into(),
    }
}

/// What is wrong with one file, if anything.
fn complaint(path: &Path, expected: &Expected) -> Option<String> {
    let name = path.to_str().expect("a readable name");
    let refused = match &expected.refused_without_codecs {
        Some(words) if !cfg!(feature = "codecs") => Some(words),
        _ => expected.refused.as_ref(),
    };
    let read = read(name, bytes(path), &Quirks::default());
    match (read, refused) {
        (Err(error), Some(words)) => {
            let missing: Vec<_> = std::iter::once(name)
                .chain(words.iter().map(String::as_str))
                .filter(|word| !error.text.contains(word))
                .collect();
            (!missing.is_empty()).then(|| format!("{name}: {error}: without {missing:?}"))
        }
        (Ok(_), Some(_)) => Some(format!("{name}: read, not refused")),
        (Err(error), None) => Some(format!("{name}: {error}")),
        (Ok(table), None) => {
            let columns: Vec<_> = table
                .columns
                .iter()
                .map(|column| {
                    (column.name.to_string(), column.data_type.to_string(), column.nullable)
                })
                .collect();
            if columns != expected.columns {
                return Some(format!("{name}: {columns:?}, expected {:?}", expected.columns));
            }
            let rows: Vec<Vec<_>> =
                table.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
            let differs = rows.iter().zip(&expected.rows).find(|(row, other)| row != other);
            if let Some((row, other)) = differs {
                return Some(format!("{name}: {row:?}, expected {other:?}"));
            }
            let (count, other) = (rows.len(), expected.rows.len());
            (count != other).then(|| format!("{name}: {count} rows, expected {other}"))
        }
    }
}

#[test]
fn every_file_is_read_exactly_or_refused_by_name() {
    let mut complaints = Vec::new();
    let mut files = 0;
    for folder in folders() {
        for (name, expected) in expectations(&folder) {
            files += 1;
            complaints.extend(complaint(&folder.join(name), &expected));
        }
    }
    assert!(files > 150, "only {files} files found");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_quirks_decide_about_timestamps_that_the_vendor_does_not_map() {
    let folder = folders().pop().expect("a version");
    let types = |file: &str, quirks: &Quirks| -> Vec<String> {
        let table = read(file, bytes(&folder.join(file)), quirks).expect("readable");
        table.columns.iter().map(|column| column.data_type.to_string()).collect()
    };
    let int96 = |parquet_int96| Quirks { parquet_int96, ..Quirks::default() };
    assert_eq!(types("int96.parquet", &int96(ParquetInt96::Timestamp)), ["timestamp"]);
    assert_eq!(types("int96.parquet", &int96(ParquetInt96::Timestamptz)), ["timestamptz"]);
    let table =
        read("int96", bytes(&folder.join("int96.parquet")), &int96(ParquetInt96::Timestamp))
            .expect("readable");
    let shown: Vec<String> = table.rows.iter().map(|row| row[0].to_string()).collect();
    assert_eq!(
        shown,
        [
            "1970-01-01 00:00:00",
            "1969-12-31 23:59:59.999999",
            "NULL",
            "2025-11-11 10:00:00.5",
            "1969-11-04 03:06:39.999999",
        ]
    );
    let bigint =
        Quirks { parquet_local_timestamp: ParquetLocalTimestamp::Bigint, ..Quirks::default() };
    let found = types("timestamps-2.6.parquet", &bigint);
    let expected = [
        // Seconds are stored as milliseconds.
        ["bigint", "timestamptz", "timestamptz"],
        ["bigint", "timestamptz", "timestamptz"],
        ["timestamp", "timestamptz", "timestamptz"],
        ["bigint", "timestamptz", "timestamptz"],
    ];
    assert_eq!(found, expected.concat());
}

/// Every file that is read, small enough to be damaged often.
fn small_files() -> Vec<Bytes> {
    let mut files = Vec::new();
    for folder in folders() {
        for (name, expected) in expectations(&folder) {
            let file = bytes(&folder.join(name));
            if expected.refused.is_none() && file.len() < 8_000 {
                files.push(file);
            }
        }
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn damaged_bytes_do_not_panic(
        pick: prop::sample::Index,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        tail: bool,
    ) {
        thread_local! { static FILES: Vec<Bytes> = small_files(); }
        let file = FILES.with(|files| files[pick.index(files.len())].clone());
        let mut broken = file.to_vec();
        // The footer decides about everything else: damage it as often as all the pages.
        let start = if tail { broken.len() / 2 } else { 0 };
        let length = broken.len() - start;
        for (at, byte) in damage {
            broken[start + at.index(length)] = byte;
        }
        if let Ok(table) = read("f", Bytes::from(broken), &Quirks::default()) {
            for row in &table.rows {
                prop_assert_eq!(row.len(), table.columns.len());
            }
            let nulls = table.columns.iter().filter(|c| c.data_type == DataType::Null);
            prop_assert_eq!(nulls.count(), 0);
        }
    }
}
