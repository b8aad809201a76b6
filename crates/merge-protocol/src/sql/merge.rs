//! Step 3: the MERGE into the target.
//!
//! A staged change is applied when it is newer than its key's version, or when the key has no version
//! and the change lies above the horizon. Deleted keys keep their version, so a change that comes late
//! finds a newer version and does nothing; a delete of an absent key inserts nothing.

use super::ours;
use super::quote::{Name, Text, listed};
use crate::plan::{Beside, MergePlan};
use crate::schema::MappedColumn;
use std::fmt;

/// Renders the MERGE.
pub fn merge(target: &str, staging: &str, plan: &MergePlan, token: &str, horizon: &str) -> String {
    let source = listed(&plan.columns, ", ", |f, column| {
        let (name, to) = (Name(&column.source), Name(&column.target));
        match &column.cast {
            Some(cast) => write!(f, "CAST(s.{name} AS {}) AS {to}", cast.sql()),
            None => write!(f, "s.{name} AS {to}"),
        }
    });
    let names = || plan.columns.iter().map(|column| Name(&column.target));
    format!(
        "MERGE INTO {target_name} AS t USING (SELECT {source}, \
         s.\"__cdc_deleted\" AS \"__cdc_deleted\" FROM {staging} AS s \
         LEFT JOIN {versions} AS v ON v.\"key\" = s.\"__cdc_key\" \
         WHERE (s.\"__cdc_seq\" > v.\"seq\" OR (v.\"key\" IS NULL AND s.\"__cdc_seq\" > {horizon})) \
         AND {ours}) AS s ON {on} \
         WHEN MATCHED AND s.\"__cdc_deleted\" THEN DELETE \
         WHEN MATCHED THEN {update} \
         WHEN NOT MATCHED AND NOT s.\"__cdc_deleted\" THEN INSERT ({names}) VALUES ({values})",
        target_name = Name(target),
        staging = Name(staging),
        versions = Name(&Beside::Versions.table(target)),
        horizon = Text(horizon),
        ours = ours(target, token),
        on = listed(&plan.keys, " AND ", |f, key| write!(f, "t.{0} = s.{0}", Name(key))),
        update = update(plan),
        names = listed(names(), ", ", |f, name| write!(f, "{name}")),
        values = listed(names(), ", ", |f, name| write!(f, "s.{name}")),
    )
}

/// A table of nothing but keys has nothing to update.
fn update(plan: &MergePlan) -> String {
    let mut values =
        plan.columns.iter().filter(|column| !plan.keys.contains(&column.target)).peekable();
    if values.peek().is_none() {
        return "DO NOTHING".to_owned();
    }
    let set = |f: &mut fmt::Formatter<'_>, column: &MappedColumn| {
        write!(f, "{0} = s.{0}", Name(&column.target))
    };
    format!("UPDATE SET {}", listed(values, ", ", set))
}
