//! The sweeper: drops staging tables that nobody uses any more.
//!
//! A table is dropped when its name is strictly one of ours, it is older than any invocation can be
//! by the *server's* clock, and no statement of its attempt runs. Dropping a live one would cost
//! that attempt a retry and could corrupt nothing.

use crate::engine::MergeEngine;
use crate::error::EngineError;
use crate::telemetry::Note;
use crate::warehouse::Warehouse;
use firebolt_client::StatementOptions;
use merge_protocol::sql;
use merge_protocol::staging::StagingName;
use std::collections::BTreeSet;
use std::time::Duration;

/// How to sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepOptions {
    /// Younger tables are left alone. At least Lambda's maximum, plus the statement time-out, plus a
    /// margin.
    pub older_than: Duration,
    /// Report only.
    pub dry_run: bool,
    /// Patience with each statement.
    pub patience: Duration,
}

impl Default for SweepOptions {
    fn default() -> Self {
        // 15 min (the platform's longest invocation) + 15 min (a statement it left behind) + 10.
        SweepOptions {
            older_than: Duration::from_secs(40 * 60),
            dry_run: false,
            patience: Duration::from_secs(30),
        }
    }
}

/// One staging table that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its name.
    pub table: String,
    /// Its age by the server's clock.
    pub age_minutes: i64,
    /// Its size, where the catalogue knows it.
    pub bytes: i64,
}

/// What a sweep found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Old enough and unused: dropped, or to be dropped in a dry run.
    pub dropped: Vec<Orphan>,
    /// Could not be dropped, with the last error.
    pub failed: Vec<(Orphan, String)>,
    /// Ours, but too young or in use.
    pub kept: usize,
    /// Looks like staging and is not ours.
    pub foreign: usize,
}

impl MergeEngine {
    /// Sweeps once.
    ///
    /// # Errors
    /// When the catalogue cannot be read. A DROP that fails is in the report.
    pub async fn sweep(&self, options: &SweepOptions) -> Result<SweepReport, EngineError> {
        let warehouse = Warehouse::new(&self.parts.client, &self.catalog);
        let statement = StatementOptions::new(options.patience).label("sweep");
        let tables = warehouse
            .read(sql::audit::STAGING_TABLES, &statement)
            .await
            .map_err(EngineError::warehouse("listing staging tables"))?;
        let running = warehouse
            .read(sql::audit::RUNNING_LABELS, &statement)
            .await
            .map_err(EngineError::warehouse("listing running statements"))?;
        // A label is `attempt.round`.
        let busy: BTreeSet<&str> = (0..running.len())
            .filter_map(|row| running.text(row, "query_label"))
            .filter_map(|label| label.split('.').next())
            .collect();
        let mut report = SweepReport::default();
        for row in 0..tables.len() {
            let Some(name) = tables.text(row, "table_name") else { continue };
            let Some(staging) = StagingName::parse(name) else {
                report.foreign += 1;
                continue;
            };
            let age_minutes = tables.int(row, "age_minutes").unwrap_or(0);
            let old =
                Duration::from_secs(age_minutes.max(0).unsigned_abs() * 60) >= options.older_than;
            if !old || busy.contains(staging.attempt.as_str()) {
                report.kept += 1;
                continue;
            }
            let bytes = tables.int(row, "compressed_bytes").unwrap_or(0);
            let orphan = Orphan { table: name.to_owned(), age_minutes, bytes };
            if options.dry_run {
                report.dropped.push(orphan);
                continue;
            }
            match warehouse.run(&sql::stage::drop(name), &statement).await {
                Ok(()) => {
                    let note = Note::CleanedUp { table: name.to_owned() };
                    self.parts.observer.note(&staging.table, &note);
                    report.dropped.push(orphan);
                }
                // The next sweep tries again: a sweep runs on a schedule.
                Err(failure) => report.failed.push((orphan, failure.text)),
            }
        }
        Ok(report)
    }
}
