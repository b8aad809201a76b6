//! The real handler against the fake warehouse, without any fault: what each kind of event and file
//! leads to. The chaos scenarios say that faults change nothing about it.

mod fixture;

use std::time::Duration;

use fixture::{Change, Laboratory, changes, changes_with_nick};
use merge_engine::SweepOptions;
use merge_lambda::HandlerError;
use merge_protocol::outcome::{FileOutcome, ReasonCode};
use serde_json::json;

const FIRST: &str = "firebolt_dms_job/shop/users/2025/11/11/20251111-120000001.parquet";
const LATER: &str = "firebolt_dms_job/shop/users/2025/11/11/20251111-120000002.parquet";

const LEDGER: &str = "SELECT \"object_key\", \"rows_read\", \"rows_staged\" FROM \"cdc_ledger\" ORDER BY \"object_key\"";
const USERS: &str = "SELECT * FROM \"users\" ORDER BY \"id\"";
const STAGING: &str =
    "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'stg\\_%'";

fn insert(second: u8, id: i64, name: &'static str) -> Change {
    Change { op: "I", second, id, name }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_applied_once_however_often_its_event_comes() {
    let lab = Laboratory::new();
    lab.put(FIRST, changes(&[insert(1, 1, "ada"), insert(2, 2, "bob")])).await;
    assert_eq!(lab.handle(FIRST).await, FileOutcome::Applied);
    assert_eq!(lab.rows(USERS), ["1|ada", "2|bob"]);
    assert_eq!(lab.rows(LEDGER), [format!("{FIRST}|2|2")]);
    assert_eq!(lab.handle(FIRST).await, FileOutcome::AlreadyApplied);
    assert_eq!(lab.rows(USERS), ["1|ada", "2|bob"]);
    assert_eq!(lab.rows(LEDGER).len(), 1);
    assert_eq!(lab.rows(STAGING), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_row_stays_deleted_when_an_older_change_comes_late() {
    let lab = Laboratory::new();
    lab.put(FIRST, changes(&[Change { op: "U", second: 1, id: 1, name: "ada" }])).await;
    lab.put(LATER, changes(&[Change { op: "D", second: 2, id: 1, name: "ada" }])).await;
    assert_eq!(lab.handle(LATER).await, FileOutcome::Applied);
    assert_eq!(lab.handle(FIRST).await, FileOutcome::Applied);
    assert_eq!(lab.rows(USERS), Vec::<String>::new());
    let tombstones = "SELECT \"key\" FROM \"cdc_versions_users\" WHERE \"deleted\"";
    assert_eq!(lab.rows(tombstones), ["1:1"]);
}

#[tokio::test(start_paused = true)]
async fn what_lies_below_the_horizon_is_refused_and_recorded_with_the_merge() {
    let lab = Laboratory::new();
    lab.put(LATER, changes(&[insert(5, 1, "ada")])).await;
    assert_eq!(lab.handle(LATER).await, FileOutcome::Applied);
    let newest = lab.rows("SELECT MAX(\"seq_max\") FROM \"cdc_ledger\"").remove(0);
    lab.sql(&format!("UPDATE \"cdc_control_users\" SET \"horizon\" = '{newest}' WHERE TRUE"));
    // Key 3 has no version: whether it was deleted long ago, nobody knows any more.
    lab.put(FIRST, changes(&[insert(1, 3, "who"), insert(1, 1, "old")])).await;
    assert_eq!(lab.handle(FIRST).await, FileOutcome::Applied);
    assert_eq!(lab.rows(USERS), ["1|ada"]);
    assert_eq!(lab.rows(LEDGER).len(), 2);
    let events = "SELECT \"object_key\", \"reason\" FROM \"cdc_quarantine\"";
    assert_eq!(lab.rows(events), [format!("{FIRST}|below-horizon")]);
}

#[tokio::test(start_paused = true)]
async fn files_of_one_event_are_merged_together_and_recorded_one_by_one() {
    let lab = Laboratory::new();
    lab.put(FIRST, changes(&[insert(1, 1, "old"), insert(1, 2, "bob")])).await;
    lab.put(LATER, changes(&[Change { op: "U", second: 2, id: 1, name: "new" }])).await;
    let event = json!({"Records": [lab.record(FIRST).await, lab.record(LATER).await]});
    let response = lab.handler().handle(&event, lab.deadline()).await.expect("settled");
    assert!(response.files.iter().all(|file| file.outcome == FileOutcome::Applied));
    assert_eq!(lab.rows(USERS), ["1|new", "2|bob"]);
    assert_eq!(lab.rows(LEDGER), [format!("{FIRST}|2|1"), format!("{LATER}|1|1")]);
    let commits = lab.fake().commits();
    let merges = commits.iter().filter(|commit| commit.transaction.is_some()).count();
    assert_eq!(merges, 1, "both files in one transaction");
}

#[tokio::test(start_paused = true)]
async fn a_new_column_is_added_and_filled() {
    let lab = Laboratory::new();
    lab.put(FIRST, changes(&[insert(1, 1, "ada")])).await;
    lab.put(LATER, changes_with_nick(&[insert(2, 2, "bob")], "bobby")).await;
    assert_eq!(lab.handle(FIRST).await, FileOutcome::Applied);
    assert_eq!(lab.handle(LATER).await, FileOutcome::Applied);
    assert_eq!(lab.rows(USERS), ["1|ada|NULL", "2|bob|bobby"]);
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_merged_is_set_aside_and_nothing_is_written() {
    let lab = Laboratory::new();
    let whole = changes(&[insert(1, 1, "ada")]);
    lab.put(FIRST, whole.slice(..whole.len() - 9)).await;
    let keyless = "firebolt_dms_job/shop/audit/2025/11/11/20251111-120000001.parquet";
    lab.put(keyless, whole).await;
    for (key, code) in [(FIRST, ReasonCode::Unreadable), (keyless, ReasonCode::KeysNotDeclared)] {
        // The second delivery finds the same, and adds no second event.
        for _ in 0..2 {
            let FileOutcome::Quarantined(reason) = lab.handle(key).await else { panic!("{key}") };
            assert_eq!(reason.code, code, "{}", reason.detail);
        }
    }
    assert_eq!(lab.rows(LEDGER), Vec::<String>::new());
    assert_eq!(lab.rows(USERS), Vec::<String>::new());
    let events = "SELECT \"target\", \"reason\" FROM \"cdc_quarantine\" ORDER BY \"target\"";
    assert_eq!(lab.rows(events), ["audit|keys-not-declared", "users|unreadable"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_file_of_ours_fails_before_anything_is_sent() {
    let lab = Laboratory::new();
    let nothing = lab.handler().handle(&json!({"hello": "world"}), lab.deadline()).await;
    assert!(matches!(nothing, Err(HandlerError::Event(_))), "{nothing:?}");
    let csv = "firebolt_dms_job/shop/users/2025/11/11/20251111-120000001.csv";
    let other = lab.handler().handle(&lab.event(csv), lab.deadline()).await;
    assert!(matches!(other, Err(HandlerError::Key(_))), "{other:?}");
    // What the engine writes itself must not come back in.
    let own = lab.event("firebolt_dms_job/_normalised/0123.parquet");
    let own = lab.handler().handle(&own, lab.deadline()).await.expect("nothing to do");
    assert_eq!(own.files, []);
    assert_eq!(lab.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_sweep_drops_what_is_old_and_ours_and_nothing_else() {
    let lab = Laboratory::new();
    let ours = |attempt: &str| format!("stg_users_0123456789abcdef_{attempt:0>26}");
    let create = |name: &str| lab.sql(&format!("CREATE TABLE \"{name}\" AS SELECT 1 AS \"x\""));
    create(&ours("1"));
    create("stg_users_1a2b3c4d");
    tokio::time::sleep(Duration::from_secs(41 * 60)).await;
    create(&ours("2"));
    let engine = lab.handler().engine();
    let dry = SweepOptions { dry_run: true, ..SweepOptions::default() };
    let shown = engine.sweep(&dry).await.expect("the catalogue is read");
    assert_eq!(lab.rows(STAGING).len(), 3, "a dry run drops nothing");
    let done = engine.sweep(&SweepOptions::default()).await.expect("the catalogue is read");
    assert_eq!(shown, done);
    let dropped: Vec<_> = done.dropped.iter().map(|orphan| orphan.table.as_str()).collect();
    assert_eq!(dropped, [ours("1").as_str()]);
    assert_eq!(done.dropped[0].age_minutes, 41);
    assert_eq!((done.kept, done.foreign, done.failed.len()), (1, 1, 0));
    assert_eq!(lab.rows(STAGING).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_audit_finds_what_was_never_delivered_and_the_reconcile_merges_it() {
    let lab = Laboratory::new();
    lab.put(FIRST, changes(&[insert(1, 1, "ada")])).await;
    lab.put(LATER, changes(&[insert(2, 2, "bob")])).await;
    assert_eq!(lab.handle(FIRST).await, FileOutcome::Applied);
    let engine = lab.handler().engine();
    let found = engine.audit("shop", "users").await.expect("books and bucket are read");
    assert_eq!(found.settled, 1);
    assert_eq!(found.unsettled.iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), [LATER]);
    let done = engine.reconcile("shop", "users", lab.deadline()).await.expect("both are there");
    assert!(done.redriven.iter().all(|file| file.outcome == FileOutcome::Applied));
    let now = engine.audit("shop", "users").await.expect("books and bucket are read");
    assert_eq!((now.settled, now.unsettled.len(), now.duplicate_keys.len()), (2, 0, 0));
    lab.sql("INSERT INTO \"users\" (\"id\", \"name\") VALUES (2, 'written around the fence')");
    let doubled = engine.audit("shop", "users").await.expect("books and bucket are read");
    assert_eq!(doubled.duplicate_keys.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_enough_time_nothing_is_begun_and_the_next_delivery_goes_on() {
    let lab = Laboratory::new();
    lab.put(FIRST, changes(&[insert(1, 1, "ada")])).await;
    let soon = tokio::time::Instant::now() + Duration::from_secs(5);
    let late = lab.handler().handle(&lab.event(FIRST), soon).await;
    assert!(matches!(late, Err(HandlerError::Unsettled { unsettled: 1, .. })), "{late:?}");
    assert_eq!(lab.rows(USERS), Vec::<String>::new());
    assert_eq!(lab.handle(FIRST).await, FileOutcome::Applied);
    assert_eq!(lab.rows(USERS), ["1|ada"]);
}
