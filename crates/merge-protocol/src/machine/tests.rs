//! Scripts of replies, and the commands and notes they lead to, as reviewed snapshots.

use super::*;
use crate::change::{ChangeSeq, FileOrder};
use crate::failure::{Failure, Seen};
use crate::object::{FileId, FileStamp, KeyPath, ObjectRef};
use crate::outcome::{Reason, ReasonCode};
use crate::plan::{Batch, BatchFile, Beside, ControlRow, Look, TaskFile};
use crate::policy::Policy;
use crate::retry::Deadline;
use crate::schema::{Column, ColumnType};
use std::fmt::Write as _;
use std::time::Duration;

const KEY: &str = "cdc/shop/users/2025/11/11/20251111-120000123.parquet";
const LOST: Seen<'_> = Seen::Lost;
const CONFLICT: Seen<'_> = Seen::Answered {
    status: 409,
    text: "detected 1 conflicts with 1 transactions on transaction commit",
};

fn object() -> ObjectRef {
    ObjectRef { bucket: "lake".into(), key: KEY.into(), etag: "e1".into() }
}

fn id() -> FileId {
    FileId::of(&object())
}

fn task(deadline: Deadline) -> Arc<Task> {
    let path = KeyPath::parse(KEY).expect("a key of ours");
    Arc::new(Task {
        target: "users".into(),
        keys: Some(vec!["id".into()]),
        location: "cdc".into(),
        files: [(id(), TaskFile { object: object(), path })].into(),
        policy: Policy { trust_commit: true, rounds_max: 5, ..Policy::default() },
        deadline,
    })
}

fn column(name: &str, data_type: ColumnType) -> Column {
    Column { name: name.into(), data_type, nullable: true }
}

fn control(token: &str) -> ControlRow {
    ControlRow { token: token.into(), generation: 1, since: String::new(), horizon: String::new() }
}

fn look() -> Look {
    Look {
        columns: vec![
            column("id", ColumnType::Bigint),
            column("amount", ColumnType::Numeric(12, 2)),
        ],
        beside: Beside::ALL.into_iter().collect(),
        control: vec![control("")],
        fed: [("id".to_owned(), String::new())].into(),
    }
}

fn normalised() -> Normalised {
    let stamp = FileStamp::Cdc("20251111120000123".into());
    let id = id();
    let order = FileOrder {
        scheme: Policy::default().order.scheme(),
        generation: 1,
        stamp: &stamp,
        id: &id,
    };
    let seq = |row| ChangeSeq::new(&order, Some("1762862400000000"), row).ok();
    let file = BatchFile {
        id: id.clone(),
        rows_read: 3,
        rows_staged: 2,
        seq_min: seq(0),
        seq_max: seq(2),
    };
    let batch = Batch {
        files: vec![file],
        columns: vec![
            column("Op", ColumnType::Text),
            column("id", ColumnType::Bigint),
            column("amount", ColumnType::Numeric(38, 2)),
        ],
        pattern: "_normalised/00ff.parquet".into(),
        rows: 2,
    };
    Normalised { batch, refused: BTreeMap::new() }
}

fn counted() -> Reply {
    Reply::Counted(Counts { rows: 2, keys: 2, key_columns: 2 })
}

fn failed(seen: Seen<'_>) -> Option<Reply> {
    Some(Reply::Failed(Failure::judge(seen)))
}

/// The file is refused: it was cut on its way.
fn unreadable() -> Option<Reply> {
    let reason = Reason { code: ReasonCode::Unreadable, detail: "cut".into() };
    let refused = [(id(), reason)].into();
    Some(Reply::Normalised(Normalised { batch: Batch::default(), refused }))
}

/// The reply that a command has when all is well.
fn well(merge: &Merge, command: &Command, landed: bool) -> Reply {
    match command {
        Command::Look => Reply::Looked(look()),
        Command::Probe | Command::Confirm => Reply::Probed(Vec::new()),
        Command::Normalise => Reply::Normalised(normalised()),
        Command::Count => counted(),
        Command::Begin => Reply::Opened,
        Command::Check => {
            let attempt = merge.label().split('.').next().unwrap_or_default().to_owned();
            let hit = landed.then(|| LedgerHit { file: id(), generation: 1, attempt });
            Reply::Checked(CheckView::from_rows(vec![(control(merge.label()), hit)]))
        }
        Command::Guard => Reply::Guarded(false),
        Command::Pause(_) => Reply::Waited,
        Command::Bootstrap(_)
        | Command::AddColumn(_)
        | Command::Stage
        | Command::Fence
        | Command::Merge
        | Command::Versions
        | Command::RecordBelowHorizon(_)
        | Command::Ledger
        | Command::SetAside(_)
        | Command::Commit
        | Command::Rollback
        | Command::Drop
        | Command::Finish => Reply::Done,
    }
}

fn short(command: &Command) -> String {
    match command {
        Command::Pause(_) => "Pause".to_owned(),
        Command::RecordBelowHorizon(_) => "RecordBelowHorizon".to_owned(),
        Command::SetAside(_) => "SetAside".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Drives a machine; `script(command, nth)` may answer otherwise than well.
/// Whether a COMMIT whose reply is scripted has landed all the same is `lands`.
fn drive(
    deadline: Deadline,
    lands: bool,
    script: &mut dyn FnMut(&Command, u32) -> Option<Reply>,
) -> String {
    let mut text = String::new();
    let (mut merge, mut command) = Merge::start(task(deadline));
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let mut committed = false;
    for tick in 0..200 {
        if command == Command::Finish {
            for outcome in merge.outcomes().values() {
                let _ = writeln!(text, "= {outcome:?}");
            }
            return text;
        }
        let nth = times.entry(short(&command)).or_insert(0);
        *nth += 1;
        let own = script(&command, *nth);
        committed |= command == Command::Commit && lands;
        let reply = own.unwrap_or_else(|| well(&merge, &command, committed));
        let _ = write!(text, "{}", short(&command));
        if let Reply::Failed(failure) = &reply {
            let _ = write!(text, " ✗ {:?}", failure.kind);
        }
        let inputs =
            Inputs { now: Duration::from_secs(tick), jitter: 0, entropy: u128::from(tick) };
        let step = merge.step(reply, inputs).expect("replies fit their commands");
        for note in &step.notes {
            let _ = write!(text, "  [{}]", note.mark());
        }
        text.push('\n');
        merge = step.merge;
        command = step.command;
    }
    panic!("no end after 200 steps:\n{text}");
}

fn check_script(name: &str, mut script: impl FnMut(&Command, u32) -> Option<Reply>) {
    insta::assert_snapshot!(name, drive(Deadline::never(), false, &mut script));
}

#[test]
fn all_is_well() {
    check_script("all_is_well", |_, _| None);
}

#[test]
fn a_lost_commit_reply_is_resolved_by_the_next_round() {
    let mut commit_lost = |command: &Command, nth| match (command, nth) {
        (Command::Commit, 1) => failed(LOST),
        _ => None,
    };
    let mut drive = |lands| drive(Deadline::never(), lands, &mut commit_lost);
    insta::assert_snapshot!("doubt_landed", drive(true));
    insta::assert_snapshot!("doubt_not_landed", drive(false));
}

#[test]
fn before_the_commit_everything_ends_the_round_and_nothing_more() {
    check_script("conflict", |command, nth| match (command, nth) {
        (Command::Commit, 1) => failed(CONFLICT),
        _ => None,
    });
    check_script("merge_cannot_be_retried", |command, nth| match (command, nth) {
        (Command::Merge, 1) => failed(Seen::Answered {
            status: 500,
            text: "Query of type 'DML Merge' cannot be retried",
        }),
        _ => None,
    });
    check_script("refused_before_execution", |command, nth| match (command, nth) {
        (Command::Merge, 1) => failed(Seen::Answered { status: 429, text: "too many" }),
        (Command::Commit, 1) => failed(Seen::NotSent),
        _ => None,
    });
}

#[test]
fn staging_is_given_up_when_it_is_in_doubt_or_lost() {
    check_script("stage_in_doubt", |command, nth| match (command, nth) {
        (Command::Stage, 1) => failed(Seen::TimedOut),
        _ => None,
    });
    check_script("counts_disagree", |command, _| match command {
        Command::Count => Some(Reply::Counted(Counts { rows: 4, keys: 2, key_columns: 2 })),
        _ => None,
    });
}

#[test]
fn refusals_are_looked_at_once_more_and_then_set_aside() {
    check_script("schema_refused", |command, _| match command {
        Command::Merge => failed(Seen::Answered {
            status: 400,
            text: "numeric(38, 0) can't be assigned to column amount of the type numeric(20, 0)",
        }),
        _ => None,
    });
    check_script("unreadable", |command, nth| match (command, nth) {
        (Command::Normalise, 1) => unreadable(),
        _ => None,
    });
}

#[test]
fn what_is_missing_is_set_up_and_what_is_broken_is_refused() {
    check_script("bootstrap", |command, nth| match (command, nth) {
        (Command::Look, 1) => {
            let nothing = Look { beside: Default::default(), control: vec![], ..look() };
            Some(Reply::Looked(nothing))
        }
        _ => None,
    });
    check_script("control_doubled", |command, _| match command {
        Command::Look => {
            Some(Reply::Looked(Look { control: vec![control(""), control("")], ..look() }))
        }
        _ => None,
    });
    check_script("no_transaction_id", |command, _| match command {
        Command::Begin => Some(Reply::Failed(Failure::no_transaction_id())),
        _ => None,
    });
}

/// Inside a transaction two rows may be ours and theirs; what is broken shows from outside.
#[test]
fn a_control_row_is_judged_from_outside_of_the_transaction() {
    let two_rows = || {
        let rows = vec![(control("theirs"), None), (control("ours"), None)];
        Some(Reply::Checked(CheckView::from_rows(rows)))
    };
    check_script("overtaken_behind_the_fence", |command, nth| match (command, nth) {
        (Command::Check, 1) => two_rows(),
        _ => None,
    });
    check_script("overtaken_again_and_again", |command, nth| match (command, nth) {
        (Command::Check, ..=3) => two_rows(),
        _ => None,
    });
    check_script("overtaken_while_setting_aside", |command, nth| match (command, nth) {
        (Command::Normalise, 1) => unreadable(),
        (Command::Check, 1) => two_rows(),
        _ => None,
    });
    check_script("control_doubled_behind_the_fence", |command, nth| match (command, nth) {
        (Command::Check, 1) => two_rows(),
        (Command::Look, 2..) => {
            Some(Reply::Looked(Look { control: vec![control(""), control("")], ..look() }))
        }
        _ => None,
    });
}

#[test]
fn a_drop_that_fails_changes_no_outcome() {
    check_script("drop_fails", |command, _| match command {
        Command::Drop => failed(Seen::Answered { status: 500, text: "internal" }),
        _ => None,
    });
}

#[test]
fn no_round_is_begun_that_could_not_end_in_time() {
    let deadline = Deadline::at(Duration::from_secs(18));
    let mut conflicts = |command: &Command, _| match command {
        Command::Commit => failed(CONFLICT),
        _ => None,
    };
    insta::assert_snapshot!("out_of_time", drive(deadline, false, &mut conflicts));
}

#[test]
fn a_reply_that_answers_nothing_is_an_error_that_names_both() {
    let (merge, _) = Merge::start(task(Deadline::never()));
    let inputs = Inputs { now: Duration::ZERO, jitter: 0, entropy: 0 };
    let illegal = merge.step(Reply::Opened, inputs).expect_err("a Look is not answered by a BEGIN");
    assert_eq!(illegal.to_string(), "reply Opened does not answer state Looking");
}

/// One reviewed snapshot of every statement of a merge.
#[test]
fn statements_of_a_merge() {
    let mut text = String::new();
    let (mut merge, mut command) = Merge::start(task(Deadline::never()));
    while command != Command::Finish {
        if let Some(statement) = merge.statement(&command) {
            let _ = writeln!(text, "-- {}\n{statement}\n", short(&command));
        }
        let reply = well(&merge, &command, false);
        let inputs = Inputs { now: Duration::ZERO, jitter: 0, entropy: 7 };
        let step = merge.step(reply, inputs).expect("replies fit their commands");
        merge = step.merge;
        command = step.command;
    }
    insta::assert_snapshot!(text);
}
