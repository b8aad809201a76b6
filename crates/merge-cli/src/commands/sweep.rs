//! `sweep`: the heir of the operators' clean-up script.

use crate::answer::{Answer, Line, bytes, count, minutes};
use crate::error::CliError;
use merge_engine::{MergeEngine, Orphan, SweepOptions, SweepReport};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) async fn run(
    engine: &MergeEngine,
    dry_run: bool,
    older_than: Duration,
) -> Result<Answer, CliError> {
    let options = SweepOptions { dry_run, older_than, ..SweepOptions::default() };
    Ok(render(&engine.sweep(&options).await?, dry_run))
}

fn render(report: &SweepReport, dry_run: bool) -> Answer {
    let line = |verb: &'static str, orphan: &Orphan| {
        Line::new(verb, &orphan.table)
            .number(minutes(orphan.age_minutes))
            .number(bytes(orphan.bytes))
    };
    let verb = if dry_run { "Would drop" } else { "Dropped" };
    let mut lines: Vec<Line> = report.dropped.iter().map(|orphan| line(verb, orphan)).collect();
    lines.extend(report.failed.iter().map(|(orphan, why)| line("Failed", orphan).text(why)));
    let size = report.dropped.iter().map(|orphan| orphan.bytes).fold(0, i64::saturating_add);
    let oldest = report.dropped.iter().map(|orphan| orphan.age_minutes).max();
    let oldest = oldest.map_or_else(String::new, |age| format!(", oldest {}", minutes(age)));
    let summary = format!(
        "{} {} ({}{oldest}), {} failed, {} too young or in use, {} not ours",
        count(report.dropped.len(), "staging table"),
        if dry_run { "would be dropped" } else { "dropped" },
        bytes(size),
        report.failed.len(),
        report.kept,
        report.foreign,
    );
    Answer {
        lines,
        summary,
        machine: machine(report, dry_run),
        attention: !report.failed.is_empty(),
    }
}

fn machine(report: &SweepReport, dry_run: bool) -> Value {
    let one = |orphan: &Orphan| json!({"table": orphan.table, "age_minutes": orphan.age_minutes, "bytes": orphan.bytes});
    let failed = report.failed.iter().map(|(orphan, why)| {
        let mut failed = one(orphan);
        failed["error"] = json!(why);
        failed
    });
    json!({
        "dry_run": dry_run,
        "dropped": report.dropped.iter().map(one).collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
        "kept": report.kept,
        "foreign": report.foreign,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_told_table_by_table() {
        let orphan = |table: &str, age_minutes, bytes| Orphan {
            table: format!("stg_{table}_0123456789abcdef_00000000000000000000000001"),
            age_minutes,
            bytes,
        };
        let report = SweepReport {
            dropped: vec![orphan("users", 72, 2_048), orphan("loans", 1_565, 1_234_567)],
            failed: vec![(orphan("users", 41, 0), "engine is stopped".into())],
            kept: 2,
            foreign: 4,
        };
        let clean = render(&SweepReport::default(), false);
        assert_eq!((clean.exit_code(), render(&report, false).exit_code()), (0, 10));
        insta::assert_snapshot!(
            [
                render(&report, false).text(),
                render(&report, true).text(),
                clean.text(),
                render(&report, false).json(),
            ]
            .join("\n\n")
        );
    }
}
