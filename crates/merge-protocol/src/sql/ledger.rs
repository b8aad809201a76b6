//! Step 5: what is applied, what was refused below the horizon, and what is set aside.
//!
//! Each INSERT is conditional on the fence's token and on the row not being there, so that a request
//! that runs twice, or outside its transaction, adds nothing.

use super::ours;
use super::quote::{Name, Text, listed};
use crate::change::ChangeSeq;
use crate::object::FileId;
use crate::outcome::Reason;
use crate::plan::{BatchFile, Beside};

/// A file as the ledger records it.
#[derive(Clone, Copy)]
pub struct LedgerEntry<'a> {
    /// What reading it gave.
    pub file: &'a BatchFile,
    /// Its object's key.
    pub object_key: &'a str,
    /// Its object's etag.
    pub etag: &'a str,
    /// The generation it belongs to.
    pub generation: u64,
}

/// One row per file.
pub fn ledger<'a>(
    target: &str,
    entries: &[LedgerEntry<'a>],
    attempt: &str,
    columns: &str,
    token: &str,
) -> String {
    let rows = listed(entries, " UNION ALL ", |f, entry| {
        let file = entry.file;
        let seq = |seq: Option<&'a ChangeSeq>| Text(seq.map_or("", ChangeSeq::as_str));
        write!(
            f,
            "SELECT {} AS \"target\", CAST({} AS BIGINT) AS \"generation\", {} AS \"file_id\", \
             {} AS \"object_key\", {} AS \"etag\", {} AS \"attempt\", CAST({} AS BIGINT) AS \"rows_read\", \
             CAST({} AS BIGINT) AS \"rows_staged\", {} AS \"seq_min\", {} AS \"seq_max\", {} AS \"columns\"",
            Text(target),
            entry.generation,
            Text(file.id.as_str()),
            Text(entry.object_key),
            Text(entry.etag),
            Text(attempt),
            file.rows_read,
            file.rows_staged,
            seq(file.seq_min.as_ref()),
            seq(file.seq_max.as_ref()),
            Text(columns),
        )
    });
    let names = [
        "target",
        "generation",
        "file_id",
        "object_key",
        "etag",
        "attempt",
        "rows_read",
        "rows_staged",
        "seq_min",
        "seq_max",
        "columns",
    ];
    let list = |prefix: &'static str| {
        listed(names, ", ", move |f, name| write!(f, "{prefix}{}", Name(name)))
    };
    format!(
        "INSERT INTO \"cdc_ledger\" ({}, \"committed_at\") SELECT {}, CURRENT_TIMESTAMP FROM ({}) AS f \
         LEFT JOIN \"cdc_ledger\" AS l ON l.\"target\" = f.\"target\" AND l.\"generation\" = f.\"generation\" \
         AND l.\"file_id\" = f.\"file_id\" WHERE l.\"file_id\" IS NULL AND {}",
        list(""),
        list("f."),
        rows,
        ours(target, token),
    )
}

/// Records, in the merge's own transaction, that rows of this file lay at or below the horizon and
/// had no version: they were refused, and somebody must be able to find out.
pub fn below_horizon(
    target: &str,
    entry: &LedgerEntry<'_>,
    staging: &str,
    horizon: &str,
    token: &str,
) -> String {
    let detail =
        format!("rows at or below the horizon {horizon} whose key has no version were refused");
    let rows = format!(
        " AND EXISTS (SELECT 1 FROM {} AS s LEFT JOIN {} AS v ON v.\"key\" = s.\"__cdc_key\" \
         WHERE v.\"key\" IS NULL AND s.\"__cdc_seq\" <= {} AND s.\"__cdc_seq\" LIKE {})",
        Name(staging),
        Name(&Beside::Versions.table(target)),
        Text(horizon),
        Text(&format!("%{}", entry.file.id.short())),
    );
    event(
        target,
        entry.generation,
        &entry.file.id,
        entry.object_key,
        "below-horizon",
        &detail,
        &rows,
        token,
    )
}

/// Sets a file aside.
pub fn set_aside(
    target: &str,
    generation: u64,
    id: &FileId,
    object_key: &str,
    reason: &Reason,
    token: &str,
) -> String {
    event(target, generation, id, object_key, reason.code.as_str(), &reason.detail, "", token)
}

#[expect(clippy::too_many_arguments, reason = "one row, column by column")]
fn event(
    target: &str,
    generation: u64,
    id: &FileId,
    object_key: &str,
    reason: &str,
    detail: &str,
    condition: &str,
    token: &str,
) -> String {
    format!(
        "INSERT INTO \"cdc_quarantine\" (\"target\", \"generation\", \"file_id\", \"object_key\", \"event\", \
         \"reason\", \"detail\", \"at\") SELECT {target_text}, CAST({generation} AS BIGINT), {id}, {key}, \
         'quarantined', {reason}, {detail}, CURRENT_TIMESTAMP WHERE {ours}{condition} AND NOT EXISTS \
         (SELECT 1 FROM \"cdc_quarantine\" AS q WHERE q.\"target\" = {target_text} AND q.\"file_id\" = {id} \
         AND q.\"generation\" = {generation} AND q.\"reason\" = {reason})",
        target_text = Text(target),
        id = Text(id.as_str()),
        key = Text(object_key),
        reason = Text(reason),
        detail = Text(detail),
        ours = ours(target, token),
    )
}
