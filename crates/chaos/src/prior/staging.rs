//! How a file gets into its staging table, and which of its columns the MERGE writes.

use super::loader::Work;
use super::sdk::{Rows, SdkError};
use super::statements::{self, TypedColumn};

/// Columns of the change stream that the rewritten loader never writes to a target.
const CONTROL_COLUMNS: [&str; 3] = ["Op", "load_timestamp", "ingestion_seq"];

/// A staged file.
pub(super) struct Staged {
    /// The table to merge from.
    pub(super) table: String,
    /// The columns that are written, in the target's order.
    pub(super) columns: Vec<String>,
    /// Whether the delete column is there; a full load has none.
    pub(super) has_delete_column: bool,
}

/// prior-0 to prior-4: COPY, then the four looks at the catalogue.
pub(super) async fn copied(work: &mut Work<'_>) -> Result<Staged, SdkError> {
    let (staging, target) = (work.staging.clone(), work.file.table.clone());
    let location = work.loader.config.location.clone();
    let copy = statements::copy(&staging, &location, &work.file.pattern);
    work.execute(&copy).await?;
    let target_names = names(work.execute(&statements::column_names(&target)).await?);
    let staged_names = names(work.execute(&statements::column_names(&staging)).await?);
    let staged_types = typed(work.execute(&statements::column_types(&staging)).await?);
    let target_types = typed(work.execute(&statements::column_types(&target)).await?);
    let mut columns = Vec::new();
    for name in target_names.into_iter().filter(|name| staged_names.contains(name)) {
        if !differs(&name, &staged_types, &target_types) {
            columns.push(name);
        } else if work.keys.contains(&name) {
            let text = format!("primary key {name} of {target} has another precision");
            return Err(SdkError { text, status: None });
        } else {
            // Left out of the MERGE without a word: NULL on insert, stale on update
            // (firebolt-semantics §9 F7).
            tracing::warn!("column {name} of {target} is left out: its precision differs");
        }
    }
    let has_delete_column = staged_names.contains(&work.loader.config.delete_column);
    Ok(Staged { table: staging, columns, has_delete_column })
}

/// prior-5: read, number the rows, add new columns to the target, keep one row per key.
pub(super) async fn numbered(work: &mut Work<'_>) -> Result<Staged, SdkError> {
    let (staging, target) = (work.staging.clone(), work.file.table.clone());
    let location = work.loader.config.location.clone();
    let temp = format!("{staging}_temp");
    let read = statements::read_into(&temp, &location, &work.file.pattern);
    work.execute(&read).await?;
    let read_names = names(work.execute(&statements::column_names(&temp)).await?);
    work.execute(&statements::numbered(&staging, &temp, &read_names)).await?;
    work.clean_up(&temp).await;
    let rows = number(&work.execute(&statements::count(&staging)).await?);
    let staged = typed(work.execute(&statements::column_types(&staging)).await?);
    let mut target_types = typed(work.execute(&statements::column_types(&target)).await?);
    for column in staged.iter().filter(|(name, _)| !CONTROL_COLUMNS.contains(&name.as_str())) {
        if target_types.iter().all(|(name, _)| *name != column.0) {
            match work.execute(&statements::add_column(&target, column)).await {
                Ok(_) => target_types.push(column.clone()),
                Err(error) => tracing::warn!(error = %error.text, "a column could not be added"),
            }
        }
    }
    let keys = number(&work.execute(&statements::count_keys(&staging, &work.keys)).await?);
    let staged_names: Vec<String> = staged.iter().map(|(name, _)| name.clone()).collect();
    let mut table = staging.clone();
    if rows != keys {
        table = format!("{staging}_dedup");
        let sql = statements::deduplicated(&table, &staging, &work.keys, &staged_names);
        work.execute(&sql).await?;
        work.execute(&statements::count(&table)).await?;
    }
    work.execute(&statements::column_names(&table)).await?;
    let columns = target_types
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| staged_names.contains(name) && !CONTROL_COLUMNS.contains(&name.as_str()))
        .collect();
    let has_delete_column = staged_names.contains(&work.loader.config.delete_column);
    Ok(Staged { table, columns, has_delete_column })
}

/// Whether a column is NUMERIC on a side and not the same on both.
fn differs(name: &str, staged: &[TypedColumn], target: &[TypedColumn]) -> bool {
    let of = |columns: &[TypedColumn]| {
        columns
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, data_type)| data_type.to_lowercase())
    };
    let (Some(staged), Some(target)) = (of(staged), of(target)) else { return false };
    let is_numeric = |text: &str| text.starts_with("numeric") || text.starts_with("decimal");
    is_numeric(&staged) && is_numeric(&target) && staged != target
}

fn names(rows: Rows) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

fn typed(rows: Rows) -> Vec<TypedColumn> {
    rows.into_iter()
        .filter_map(|row| {
            let mut row = row.into_iter();
            Some((row.next()??, row.next()??))
        })
        .collect()
}

fn number(rows: &Rows) -> u64 {
    let text = rows.first().and_then(|row| row.first()).and_then(Option::as_deref);
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
