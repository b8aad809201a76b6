//! Questions of the sweeper and of the audit. Read only, but for the sweeper's DROP.

use super::quote::{Name, Text};

/// Every table that looks like staging, with its age by the server's clock and its size.
pub const STAGING_TABLES: &str = "SELECT table_name, DATE_DIFF('minute', created, CURRENT_TIMESTAMP) \
    AS age_minutes, compressed_bytes FROM information_schema.tables WHERE table_schema = 'public' \
    AND table_name LIKE 'stg\\_%' ORDER BY table_name";

/// The labels of what runs now: a merge labels its statements with `attempt.round`.
pub const RUNNING_LABELS: &str =
    "SELECT query_label FROM information_schema.engine_running_queries";

/// Keys of a target that stand in more than one row.
pub fn duplicate_keys(target: &str, keys: &[String], limit: u32) -> String {
    let keys: Vec<String> = keys.iter().map(|key| Name(key).to_string()).collect();
    let keys = keys.join(", ");
    format!(
        "SELECT {keys}, COUNT(*) AS n FROM {} GROUP BY {keys} HAVING COUNT(*) > 1 ORDER BY {keys} LIMIT {limit}",
        Name(target)
    )
}

/// Rows of the target, live versions, tombstones.
pub fn row_balance(target: &str, versions: &str) -> String {
    format!(
        "SELECT a.\"n\" AS \"rows\", b.\"n\" AS \"live\", c.\"n\" AS \"tombstones\" FROM \
         (SELECT COUNT(*) AS \"n\" FROM {}) AS a CROSS JOIN \
         (SELECT COUNT(*) AS \"n\" FROM {versions} WHERE NOT \"deleted\") AS b CROSS JOIN \
         (SELECT COUNT(*) AS \"n\" FROM {versions} WHERE \"deleted\") AS c",
        Name(target),
        versions = Name(versions),
    )
}

/// Every file that the ledger or the quarantine knows for a target.
pub fn settled_files(target: &str) -> String {
    format!(
        "SELECT 'ledger' AS \"found\", l.\"file_id\", l.\"generation\" FROM \"cdc_ledger\" AS l \
         WHERE l.\"target\" = {target} UNION ALL SELECT 'quarantine' AS \"found\", q.\"file_id\", \
         q.\"generation\" FROM \"cdc_quarantine\" AS q WHERE q.\"target\" = {target} \
         AND q.\"event\" = 'quarantined'",
        target = Text(target)
    )
}
