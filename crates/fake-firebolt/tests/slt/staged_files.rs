//! Files as a CDC tool writes them, and the same reduced by the engine: what READ_PARQUET and COPY
//! find in the scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use fake_firebolt::sql::{ExternalFile, ExternalTable};
use fake_firebolt::value::{Column, DataType, Numeric, Value};

use super::in_process::EPOCH_MICROS;

/// Files of the LOCATION `cdc`, by pattern.
pub(crate) type Staged = BTreeMap<String, Vec<ExternalFile>>;

fn column(name: &str, data_type: DataType, nullable: bool) -> Column {
    Column { name: name.into(), data_type, nullable }
}

/// A file as DMS writes it, and the same reduced by the engine.
pub(crate) fn staged_files() -> Staged {
    let decimal = |unscaled| Value::Numeric(Numeric { unscaled, scale: 0 });
    let wide = DataType::Numeric { precision: 38, scale: 0 };
    let raw = ExternalTable {
        columns: vec![
            column("Op", DataType::Text, true),
            column("load_timestamp", DataType::Timestamp, true),
            column("id", DataType::Bigint, true),
            column("name", DataType::Text, true),
            column("loan_id", wide, true),
        ],
        rows: [("I", 1, "ann"), ("U", 2, "bob"), ("D", 3, "cyd")]
            .map(|(op, id, name)| {
                let at = Value::Timestamp(EPOCH_MICROS);
                [Value::text(op), at, Value::Bigint(id), Value::text(name), decimal(id.into())]
                    .into()
            })
            .to_vec(),
        ..ExternalTable::default()
    };
    let reduced = ExternalTable {
        columns: vec![
            column("id", DataType::Bigint, true),
            column("name", DataType::Text, true),
            column("amount", DataType::Numeric { precision: 38, scale: 2 }, true),
            column("__cdc_key", DataType::Text, false),
            column("__cdc_seq", DataType::Text, false),
            column("__cdc_deleted", DataType::Boolean, false),
        ],
        rows: [(1, "ann", false), (2, "bob", false), (3, "cyd", true)]
            .map(|(id, name, deleted)| {
                let amount = Numeric { unscaled: i128::from(id) * 150, scale: 2 };
                [
                    Value::Bigint(id),
                    Value::text(name),
                    Value::Numeric(amount),
                    Value::text(&format!("1:{id}")),
                    Value::text(&format!("1|0001|{id:04}")),
                    Value::Boolean(deleted),
                ]
                .into()
            })
            .to_vec(),
        ..ExternalTable::default()
    };
    let mut files = Staged::new();
    let mut add = |pattern: &str, contents: Vec<(String, ExternalTable)>| {
        let file = |(name, table): (String, ExternalTable)| ExternalFile {
            name,
            table: Arc::new(table),
            ..ExternalFile::default()
        };
        files.insert(pattern.to_owned(), contents.into_iter().map(file).collect());
    };
    add("db/users/2025/11/11/x.parquet", vec![("x.parquet".into(), raw.clone())]);
    add(
        "db/users/2025/11/11/*.parquet",
        vec![
            ("x.parquet".into(), raw.clone()),
            (
                "y.parquet".into(),
                ExternalTable {
                    columns: raw.columns[..4].to_vec(),
                    rows: raw.rows.iter().map(|row| row[..4].into()).collect(),
                    ..ExternalTable::default()
                },
            ),
        ],
    );
    add("nothing/*.parquet", Vec::new());
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    add(&format!("_normalised/{hash}.parquet"), vec![("normalised".into(), reduced)]);
    files
}
