//! One command a file: ask, then render. Asking is `run`; rendering is a pure function with a snapshot.

mod apply;
mod audit;
mod redrive;
mod status;
mod sweep;

use crate::answer::{Answer, Line};
use crate::arguments::{Arguments, Command};
use crate::connection::{self, Lookup};
use crate::error::CliError;
use merge_engine::FileResult;
use merge_protocol::outcome::{FileOutcome, Unfinished};
use serde_json::{Value, json};

/// Runs one command.
pub(crate) async fn run(arguments: Arguments, lookup: Lookup<'_>) -> Result<Answer, CliError> {
    let options = &arguments.options;
    match arguments.command {
        Command::Sweep { dry_run, older_than } => {
            sweep::run(&connection::without_files(options, lookup)?, dry_run, older_than).await
        }
        Command::Audit(table) => {
            audit::run(&connection::engine(options, lookup).await?, &table).await
        }
        Command::Redrive { table, within } => {
            redrive::run(&connection::engine(options, lookup).await?, &table, within).await
        }
        Command::Apply { keys, within } => {
            apply::check(&keys)?;
            apply::run(&connection::engine(options, lookup).await?, &keys, within).await
        }
        Command::Status => status::run(&connection::client(options, lookup)?).await,
    }
}

/// How files ended: the lines, and whether somebody has to look at one of them.
fn outcomes(results: &[FileResult]) -> (Vec<Line>, bool) {
    let lines = results.iter().map(|result| {
        let (verb, why) = match &result.outcome {
            FileOutcome::Applied => ("Applied", String::new()),
            FileOutcome::AlreadyApplied => ("Present", "was applied before".to_owned()),
            FileOutcome::Quarantined(reason) => {
                ("Set aside", format!("{}: {}", reason.code.as_str(), reason.detail))
            }
            FileOutcome::Unfinished(why) => ("Unfinished", unfinished(why)),
        };
        Line::new(verb, &result.object.key).text(why)
    });
    let good = |result: &FileResult| {
        matches!(result.outcome, FileOutcome::Applied | FileOutcome::AlreadyApplied)
    };
    (lines.collect(), !results.iter().all(good))
}

fn unfinished(why: &Unfinished) -> String {
    let after = |last: &Option<String>| match last {
        None => String::new(),
        Some(text) => format!("; the last failure was: {text}"),
    };
    match why {
        Unfinished::OutOfTime { last } => {
            format!("no time was left, run it again or give it longer (--within){}", after(last))
        }
        Unfinished::BoundReached { knob, last } => {
            format!("the bound {knob} of the policy was reached, run it again{}", after(last))
        }
        Unfinished::Stopped(failure) => {
            format!("the warehouse refuses ({:?}): {}", failure.kind, failure.text)
        }
        Unfinished::TargetMissing { table } => {
            format!("table {table} does not exist or may not be seen; create it, then redrive")
        }
        Unfinished::OrderChanged { recorded } => {
            format!("the table's changes were ordered by another column so far (as in {recorded})")
        }
        Unfinished::ControlBroken { rows } => {
            format!("the table's control table has {rows} rows instead of one; nothing is merged")
        }
    }
}

/// `2 applied, 1 present, 1 set aside, 0 unfinished`.
fn tally(results: &[FileResult]) -> String {
    let of = |fits: fn(&FileOutcome) -> bool| {
        results.iter().filter(|result| fits(&result.outcome)).count()
    };
    format!(
        "{} applied, {} present before, {} set aside, {} unfinished",
        of(|outcome| *outcome == FileOutcome::Applied),
        of(|outcome| *outcome == FileOutcome::AlreadyApplied),
        of(|outcome| matches!(outcome, FileOutcome::Quarantined(_))),
        of(|outcome| matches!(outcome, FileOutcome::Unfinished(_))),
    )
}

fn machine(results: &[FileResult]) -> Value {
    let one = |result: &FileResult| {
        json!({
            "key": result.object.key,
            "etag": result.object.etag,
            "file_id": result.id.as_str(),
            "table": result.table,
            "settled": result.outcome.is_settled(),
            "outcome": result.outcome,
        })
    };
    Value::Array(results.iter().map(one).collect())
}

#[cfg(test)]
mod fixture {
    //! Results as the engine gives them.

    use merge_engine::FileResult;
    use merge_protocol::object::{FileId, ObjectRef};
    use merge_protocol::outcome::{FileOutcome, Reason, ReasonCode, Unfinished};

    pub(super) fn object(file: &str) -> ObjectRef {
        let key = format!("firebolt_dms_job/shop/users/2025/11/11/{file}.parquet");
        ObjectRef { bucket: "acme-cdc".into(), key, etag: "e1".into() }
    }

    pub(super) fn every_outcome() -> Vec<FileResult> {
        let detail = "key column id, row 3: is NULL".to_owned();
        let last = Some("connection reset".to_owned());
        let outcomes = [
            FileOutcome::Applied,
            FileOutcome::AlreadyApplied,
            FileOutcome::Quarantined(Reason { code: ReasonCode::NullKey, detail }),
            FileOutcome::Unfinished(Unfinished::OutOfTime { last }),
            FileOutcome::Unfinished(Unfinished::ControlBroken { rows: 2 }),
        ];
        outcomes
            .into_iter()
            .enumerate()
            .map(|(index, outcome)| {
                let object = object(&format!("20251111-12000000{index}"));
                FileResult { id: FileId::of(&object), object, table: "users".into(), outcome }
            })
            .collect()
    }
}
