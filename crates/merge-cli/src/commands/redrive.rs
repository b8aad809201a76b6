//! `redrive`: the reconcile. Merging again is always right, so it needs no list of what to merge.

use super::{audit, machine, outcomes, tally};
use crate::answer::Answer;
use crate::arguments::Table;
use crate::error::CliError;
use merge_engine::{MergeEngine, Reconciled};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

pub(super) async fn run(
    engine: &MergeEngine,
    table: &Table,
    within: Duration,
) -> Result<Answer, CliError> {
    let deadline = Instant::now() + within;
    let done = engine.reconcile(&table.database, &table.table, deadline).await?;
    Ok(render(&done, audit::has_keys(engine, table)))
}

fn render(done: &Reconciled, has_keys: bool) -> Answer {
    let (files, open) = outcomes(&done.redriven);
    let mut lines = audit::duplicates(&done.audit, has_keys);
    lines.extend(files);
    Answer {
        lines,
        summary: format!("before: {}; now: {}", audit::tally(&done.audit), tally(&done.redriven)),
        machine: json!({
            "before": audit::machine(&done.audit, has_keys),
            "redriven": machine(&done.redriven),
        }),
        attention: open || !done.audit.duplicate_keys.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::every_outcome;
    use super::*;
    use merge_engine::AuditReport;

    #[test]
    fn a_redrive_tells_before_and_now() {
        let redriven = every_outcome();
        let unsettled = redriven.iter().map(|result| result.object.clone()).collect();
        let audit = AuditReport { unsettled, settled: 41, ..AuditReport::default() };
        let done = Reconciled { audit: audit.clone(), redriven: redriven.clone() };
        assert_eq!(render(&done, true).exit_code(), 10);
        let all_good = Reconciled { audit, redriven: redriven[..2].to_vec() };
        assert_eq!(render(&all_good, true).exit_code(), 0);
        let shown = [render(&done, true).text(), render(&all_good, true).json()];
        insta::assert_snapshot!(shown.join("\n\n"));
    }
}
