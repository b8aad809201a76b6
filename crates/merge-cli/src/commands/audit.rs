//! `audit`: what the bucket has and the ledger has not, and keys that stand twice.

use crate::answer::{Answer, Line, count};
use crate::arguments::Table;
use crate::error::CliError;
use merge_engine::{AuditReport, MergeEngine};
use merge_protocol::object::ObjectRef;
use serde_json::{Value, json};

pub(super) async fn run(engine: &MergeEngine, table: &Table) -> Result<Answer, CliError> {
    let report = engine.audit(&table.database, &table.table).await?;
    Ok(render(&report, has_keys(engine, table)))
}

/// Without declared keys nobody can say which rows are the same.
pub(super) fn has_keys(engine: &MergeEngine, table: &Table) -> bool {
    engine.config().tables.of(&table.table).is_some()
}

fn render(report: &AuditReport, has_keys: bool) -> Answer {
    let mut lines = duplicates(report, has_keys);
    let advice = "`redrive` merges it";
    let unsettled = report.unsettled.iter();
    lines.extend(unsettled.map(|object| Line::new("Unsettled", &object.key).text(advice)));
    let advice = "see cdc_quarantine; `redrive` tries it again";
    let aside = report.quarantined.iter();
    lines.extend(aside.map(|object| Line::new("Set aside", &object.key).text(advice)));
    Answer {
        lines,
        summary: tally(report),
        machine: machine(report, has_keys),
        attention: attention(report),
    }
}

/// Whether somebody has to look at the table.
fn attention(report: &AuditReport) -> bool {
    let in_order = report.unsettled.is_empty()
        && report.quarantined.is_empty()
        && report.duplicate_keys.is_empty();
    !in_order
}

pub(super) fn duplicates(report: &AuditReport, has_keys: bool) -> Vec<Line> {
    if !has_keys {
        let why = "keys are not declared in the configuration, duplicates were not looked for";
        return vec![Line::new("Skipped", why)];
    }
    report.duplicate_keys.iter().map(|key| Line::new("Duplicate", key)).collect()
}

pub(super) fn tally(report: &AuditReport) -> String {
    format!(
        "{} applied, {} set aside, {} neither, {} more than once",
        count(report.settled, "file"),
        report.quarantined.len(),
        report.unsettled.len(),
        count(report.duplicate_keys.len(), "key"),
    )
}

pub(super) fn machine(report: &AuditReport, has_keys: bool) -> Value {
    let one = |object: &ObjectRef| json!({"key": object.key, "etag": object.etag});
    json!({
        "settled": report.settled,
        "quarantined": report.quarantined.iter().map(one).collect::<Vec<_>>(),
        "unsettled": report.unsettled.iter().map(one).collect::<Vec<_>>(),
        "duplicates_looked_for": has_keys,
        "duplicate_keys": report.duplicate_keys,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::object;
    use super::*;

    #[test]
    fn an_audit_lists_what_needs_attention() {
        let report = AuditReport {
            unsettled: vec![object("20251111-120000001"), object("20251111-120000002")],
            quarantined: vec![object("20251111-120000003")],
            settled: 41,
            duplicate_keys: vec!["7".into()],
        };
        let clean = AuditReport { settled: 1, ..AuditReport::default() };
        assert_eq!(render(&report, true).exit_code(), 10);
        assert_eq!(render(&clean, true).exit_code(), 0);
        let shown = [
            render(&report, true).text(),
            render(&clean, true).text(),
            render(&clean, false).text(),
            render(&report, true).json(),
        ];
        insta::assert_snapshot!(shown.join("\n\n"));
    }
}
