//! Step 4: the MERGE into the versions table.
//!
//! It takes every staged row whose change is newer, deletes included: the tombstone is what keeps a
//! late change from raising a deleted row. It runs after step 3, which compares with the versions as
//! the predecessor in the chain of commits left them.

use super::ours;
use super::quote::{Name, Text};
use crate::plan::Beside;

/// Renders the MERGE.
pub fn versions(target: &str, staging: &str, token: &str, horizon: &str) -> String {
    format!(
        "MERGE INTO {versions} AS v USING (SELECT s.\"__cdc_key\" AS \"key\", s.\"__cdc_seq\" AS \"seq\", \
         s.\"__cdc_deleted\" AS \"deleted\" FROM {staging} AS s WHERE {ours}) AS s ON v.\"key\" = s.\"key\" \
         WHEN MATCHED AND s.\"seq\" > v.\"seq\" THEN UPDATE SET \"seq\" = s.\"seq\", \"deleted\" = s.\"deleted\" \
         WHEN NOT MATCHED AND s.\"seq\" > {horizon} THEN INSERT (\"key\", \"seq\", \"deleted\") \
         VALUES (s.\"key\", s.\"seq\", s.\"deleted\")",
        versions = Name(&Beside::Versions.table(target)),
        staging = Name(staging),
        ours = ours(target, token),
        horizon = Text(horizon),
    )
}
