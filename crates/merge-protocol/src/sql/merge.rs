//! Step 3: the MERGE into the target.
//!
//! A staged change is applied when it is newer than its key's version, or when the key has no version
//! and the change lies above the horizon. Deleted keys keep their version, so a change that comes late
//! finds a newer version and does nothing; a delete of an absent key inserts nothing.

use super::ours;
use super::quote::{Name, Text};
use crate::plan::{Beside, MergePlan};

/// Renders the MERGE.
pub fn merge(target: &str, staging: &str, plan: &MergePlan, token: &str, horizon: &str) -> String {
    let mut source: Vec<String> = plan
        .columns
        .iter()
        .map(|column| {
            let name = Name(&column.source);
            let to = Name(&column.target);
            match &column.cast {
                Some(cast) => format!("CAST(s.{name} AS {}) AS {to}", cast.sql()),
                None => format!("s.{name} AS {to}"),
            }
        })
        .collect();
    source.push("s.\"__cdc_deleted\" AS \"__cdc_deleted\"".to_owned());
    let on: Vec<String> = plan.keys.iter().map(|key| format!("t.{0} = s.{0}", Name(key))).collect();
    let names: Vec<String> =
        plan.columns.iter().map(|column| Name(&column.target).to_string()).collect();
    let values: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
    format!(
        "MERGE INTO {target_name} AS t USING (SELECT {source} FROM {staging} AS s \
         LEFT JOIN {versions} AS v ON v.\"key\" = s.\"__cdc_key\" \
         WHERE (s.\"__cdc_seq\" > v.\"seq\" OR (v.\"key\" IS NULL AND s.\"__cdc_seq\" > {horizon})) \
         AND {ours}) AS s ON {on} \
         WHEN MATCHED AND s.\"__cdc_deleted\" THEN DELETE \
         WHEN MATCHED THEN {update} \
         WHEN NOT MATCHED AND NOT s.\"__cdc_deleted\" THEN INSERT ({names}) VALUES ({values})",
        target_name = Name(target),
        source = source.join(", "),
        staging = Name(staging),
        versions = Name(&Beside::Versions.table(target)),
        horizon = Text(horizon),
        ours = ours(target, token),
        on = on.join(" AND "),
        update = update(plan),
        names = names.join(", "),
        values = values.join(", "),
    )
}

/// A table of nothing but keys has nothing to update.
fn update(plan: &MergePlan) -> String {
    let sets: Vec<String> = plan
        .columns
        .iter()
        .filter(|column| !plan.keys.contains(&column.target))
        .map(|column| format!("{0} = s.{0}", Name(&column.target)))
        .collect();
    if sets.is_empty() {
        "DO NOTHING".to_owned()
    } else {
        format!("UPDATE SET {}", sets.join(", "))
    }
}
