//! Staging: filled by one statement, counted, dropped.

use super::quote::{Name, Text, listed};
use crate::plan::{Batch, MergePlan};
use crate::schema::Column;

/// The columns that the engine adds to a reduced file: canonical key, order, tombstone flag.
pub const OWN_COLUMNS: [&str; 3] = ["__cdc_key", "__cdc_seq", "__cdc_deleted"];

/// Fills a staging table in one statement, so that a request that runs twice fails the second time
/// instead of doubling the rows (as COPY into an existing table does).
pub fn stage(staging: &str, location: &str, batch: &Batch) -> String {
    let names = batch.columns.iter().map(|column| column.name.as_str()).chain(OWN_COLUMNS);
    format!(
        "CREATE TABLE {} AS SELECT {} FROM READ_PARQUET(LOCATION => {}, PATTERN => {})",
        Name(staging),
        listed(names, ", ", |f, name| write!(f, "{}", Name(name))),
        Text(location),
        Text(&batch.pattern)
    )
}

/// Rows, distinct canonical keys, and distinct keys as the *target's* types see them. All three must
/// be the expected number; else one MERGE would touch one target row twice, or insert one key twice.
pub fn count(staging: &str, plan: &MergePlan) -> String {
    let staging = Name(staging);
    let keys: Vec<(String, &str)> = plan
        .columns
        .iter()
        .filter(|column| plan.keys.contains(&column.target))
        .map(|column| {
            let source = format!("CAST({} AS {})", Name(&column.source), column.data_type.sql());
            (source, column.target.as_str())
        })
        .collect();
    if let [(source, _)] = keys.as_slice() {
        return format!(
            "SELECT COUNT(*) AS \"n\", COUNT(DISTINCT \"__cdc_key\") AS \"keys\", \
             COUNT(DISTINCT {source}) AS \"key_columns\" FROM {staging}"
        );
    }
    let keys: Vec<String> =
        keys.iter().map(|(source, target)| format!("{source} AS {}", Name(target))).collect();
    format!(
        "SELECT a.\"n\", a.\"keys\", b.\"n\" AS \"key_columns\" FROM \
         (SELECT COUNT(*) AS \"n\", COUNT(DISTINCT \"__cdc_key\") AS \"keys\" FROM {staging}) AS a CROSS JOIN \
         (SELECT COUNT(*) AS \"n\" FROM (SELECT DISTINCT {} FROM {staging}) AS d) AS b",
        keys.join(", ")
    )
}

/// Adds a column that files bring and the target lacks. May be repeated, may race.
pub fn add_column(target: &str, column: &Column) -> String {
    format!(
        "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {} NULL",
        Name(target),
        Name(&column.name),
        column.data_type.sql()
    )
}

/// Drops a staging table, or does nothing.
pub fn drop(staging: &str) -> String {
    format!("DROP TABLE IF EXISTS {}", Name(staging))
}
