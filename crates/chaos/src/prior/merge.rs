//! The MERGE and its up to ten tries, with the DELETE before it that some rungs send.

use std::time::Duration;

use super::loader::Work;
use super::policy::{Delete, MERGE_TRIES};
use super::sdk::SdkError;
use super::staging::Staged;
use super::statements::Merge;

/// Merges a staged file; the error is that of the last try.
pub(super) async fn merge(work: &mut Work<'_>, staged: &Staged) -> Result<(), SdkError> {
    let rung = work.loader.rung;
    let (target, keys) = (work.file.table.clone(), work.keys.clone());
    let config = &work.loader.config;
    let delete = staged
        .has_delete_column
        .then_some((config.delete_column.as_str(), config.delete_values.as_slice()));
    let merge = Merge {
        target: &target,
        staging: &staged.table,
        keys: &keys,
        columns: &staged.columns,
        delete,
    };
    let (sql, delete_sql) = (merge.sql(), merge.delete_sql());
    let mut failures = 0;
    loop {
        delete_first(work, rung.delete, failures, &delete_sql).await?;
        let Err(error) = work.execute(&sql).await else { return Ok(()) };
        failures += 1;
        if failures == MERGE_TRIES || !rung.merge.applies(&error.text, error.status) {
            return Err(error);
        }
        let wait = Duration::from_secs(rung.merge.wait_seconds(failures))
            + work.loader.jitter(rung.merge.jitter_millis);
        tokio::time::sleep(wait).await;
    }
}

async fn delete_first(
    work: &mut Work<'_>,
    delete: Delete,
    failures: u32,
    sql: &str,
) -> Result<(), SdkError> {
    let wanted = match delete {
        Delete::Never => false,
        Delete::BeforeRetry => failures > 0,
        Delete::Always | Delete::AlwaysOrFail => true,
    };
    if !wanted {
        return Ok(());
    }
    match work.execute(sql).await {
        Err(error) if delete == Delete::AlwaysOrFail => Err(error),
        Err(error) => {
            tracing::warn!(error = %error.text, "the DELETE before the MERGE failed, going on");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}
