//! `cdc_processed_files`: check, then act, mark afterwards; three statements that nothing ties
//! together (prior-4, prior-5).

use super::loader::Work;
use super::policy::Markers;
use super::sdk::SdkError;
use super::statements;

/// A *processing* mark younger than this makes another invocation return success without work.
const STALE_MINUTES: i64 = 15;

/// Whether the file is to be worked on. `false` means: report success and do nothing.
pub(super) async fn may_start(work: &mut Work<'_>) -> Result<bool, SdkError> {
    let markers = work.loader.rung.markers;
    if markers == Markers::None {
        return Ok(true);
    }
    let key = work.file.key.clone();
    // An error while asking counts as "not processed yet".
    let rows = work.execute(&statements::marker(&key)).await.unwrap_or_default();
    if let Some(row) = rows.first() {
        let status = row.first().and_then(Option::as_deref).unwrap_or("");
        let minutes = row.get(1).and_then(Option::as_deref).and_then(|text| text.parse().ok());
        let is_fresh = minutes.unwrap_or(i64::MAX) < STALE_MINUTES;
        if status == "completed" || (status == "processing" && is_fresh) {
            return Ok(false);
        }
    }
    if markers == Markers::AroundTheWork {
        let sql = statements::insert_marker(&key, &work.file.table, "processing");
        if let Err(error) = work.execute(&sql).await {
            // Waits for an error that Firebolt cannot raise: there are no unique keys.
            if error.text.to_lowercase().contains("duplicate") {
                return Ok(false);
            }
            tracing::warn!(error = %error.text, "the file could not be marked, going on");
        }
    }
    Ok(true)
}

/// Marks the file after the work; an error is swallowed.
pub(super) async fn completed(work: &mut Work<'_>) {
    let sql = match work.loader.rung.markers {
        Markers::None => return,
        Markers::AroundTheWork => statements::update_marker(&work.file.key, "completed"),
        Markers::AfterTheWork => {
            statements::insert_marker(&work.file.key, &work.file.table, "completed")
        }
    };
    if let Err(error) = work.execute(&sql).await {
        tracing::warn!(error = %error.text, "the file could not be marked as completed");
    }
}

/// Marks the file as failed, where the rung does.
pub(super) async fn failed(work: &mut Work<'_>) {
    if work.loader.rung.markers == Markers::AroundTheWork {
        let sql = statements::update_marker(&work.file.key, "failed");
        if let Err(error) = work.execute(&sql).await {
            tracing::warn!(error = %error.text, "the file could not be marked as failed");
        }
    }
}
