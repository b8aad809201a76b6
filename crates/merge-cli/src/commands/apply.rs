//! `apply`: merge these objects now.

use super::{machine, outcomes, tally};
use crate::answer::{Answer, count};
use crate::error::CliError;
use merge_engine::{FileResult, MergeEngine};
use merge_protocol::object::KeyPath;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Finds keys that name no file of a table, before anything is asked for.
pub(super) fn check(keys: &[String]) -> Result<(), CliError> {
    for key in keys {
        KeyPath::parse(key).map_err(|why| CliError::unusable(why.to_string()))?;
    }
    Ok(())
}

pub(super) async fn run(
    engine: &MergeEngine,
    keys: &[String],
    within: Duration,
) -> Result<Answer, CliError> {
    let deadline = Instant::now() + within;
    let mut objects = Vec::with_capacity(keys.len());
    for key in keys {
        objects.push(engine.resolve(key).await?);
    }
    Ok(render(&engine.merge(objects, deadline).await?))
}

fn render(results: &[FileResult]) -> Answer {
    let (lines, attention) = outcomes(results);
    let summary = format!("{}: {}", count(results.len(), "file"), tally(results));
    Answer { lines, summary, machine: json!({"files": machine(results)}), attention }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::every_outcome;
    use super::*;

    #[test]
    fn every_outcome_has_its_line() {
        let results = every_outcome();
        assert_eq!((render(&results).exit_code(), render(&results[..2]).exit_code()), (10, 0));
        let shown = [render(&results).text(), render(&results).json()];
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn a_key_that_is_none_stops_before_anything_is_done() {
        let error = check(&["p/shop/users/today.csv".to_owned()]).expect_err("no file of a table");
        assert_eq!(error.exit_code(), 2);
        assert!(error.text().contains("is not `.parquet`"), "{}", error.text());
    }
}
