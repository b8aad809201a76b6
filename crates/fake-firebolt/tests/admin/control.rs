//! What the control port answers, what it changes, and how it refuses.

use std::time::Duration;

use fake_firebolt::{FakeFirebolt, RunningFake};
use serde_json::json;

use crate::http::{control, done, sql, sql_at};

const TABLE: &str = "CREATE TABLE t (id INTEGER NOT NULL, v TEXT NULL)";
const INSERT: &str = "INSERT INTO t VALUES (1, 'a')";

fn fake() -> RunningFake {
    FakeFirebolt::start().setup(TABLE).in_process().expect("a fake")
}

#[tokio::test(start_paused = true)]
async fn rules_are_added_counted_and_removed() {
    let fake = fake();
    let admin = fake.admin();
    let lost = r#"{"name": "lost", "on": "insert", "at": "committed", "does": "drop-connection"}"#;
    assert_eq!(done(admin, "POST /admin/faults", lost).await, json!({"added": ["lost"]}));
    assert_eq!(sql(&fake, INSERT).await, None);
    let found = done(admin, "GET /admin/faults/lost", "").await;
    assert_eq!((&found["seen"], &found["fired"]), (&json!(1), &json!(1)));
    let (status, refusal) = control(admin, "POST /admin/faults", lost).await;
    assert_eq!(status, 409, "{refusal}");
    assert_eq!(done(admin, "DELETE /admin/faults/lost", "").await, json!({"removed": 1}));
    assert_eq!(control(admin, "DELETE /admin/faults/lost", "").await.0, 404);
    assert_eq!(sql(&fake, INSERT).await.map(|it| it.0), Some(200));
    let listed = found["rule"].to_string();
    done(admin, "POST /admin/faults", &listed).await;
    assert_eq!(done(admin, "DELETE /admin/faults", "").await, json!({"removed": 1}));
}

#[tokio::test(start_paused = true)]
async fn of_several_rules_with_one_mistake_none_is_added() {
    let fake = fake();
    let rules = r#"[{"name": "a", "does": "conflict"},
                    {"name": "b", "does": "conflict", "at": "answered"}]"#;
    let (status, refusal) = control(fake.admin(), "POST /admin/faults", rules).await;
    assert_eq!(status, 400);
    assert_eq!(
        refusal["error"],
        "[1].at: `at`: conflict means nothing at answered; allowed: executing"
    );
    let faults = done(fake.admin(), "GET /admin/faults", "").await;
    assert_eq!(faults, json!({"seed": 0, "faults": []}));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_held_and_released() {
    let fake = fake();
    let admin = fake.admin();
    let hold = r#"{"name": "h", "on": "insert", "at": "committed"}"#;
    done(admin, "POST /admin/holds", hold).await;
    let (status, refusal) = control(admin, "GET /admin/holds?wait=1&timeout=5s", "").await;
    assert_eq!(
        (status, &refusal["error"]),
        (504, &json!("0 requests stand still after 5s, not 1"))
    );
    let near = fake.connect("client");
    let insert = tokio::spawn(crate::http::ask(near, "POST", "/", INSERT));
    let holds = done(admin, "GET /admin/holds?wait=1", "").await;
    let held = &holds["holds"][0];
    assert_eq!((&held["at"], &held["request"]["sql"]), (&json!("committed"), &json!(INSERT)));
    assert_eq!(fake.sql("SELECT id FROM t").expect("rows").rows.len(), 1, "it has committed");
    assert!(!insert.is_finished());
    let line = format!("POST /admin/holds/{}/release", held["id"]);
    assert_eq!(done(admin, &line, "").await, json!({"released": 1}));
    assert_eq!(insert.await.expect("no panic").map(|it| it.0), Some(200));
    assert_eq!(control(admin, &line, "").await.0, 404, "it is gone");
    let (status, _) =
        control(admin, "POST /admin/holds", r#"{"name": "x", "does": "delay"}"#).await;
    assert_eq!(status, 400);
}

#[tokio::test(start_paused = true)]
async fn tables_go_back_to_a_snapshot_and_open_transactions_end() {
    let fake = fake();
    let admin = fake.admin();
    done(admin, "POST /admin/snapshot", r#"{"name": "empty"}"#).await;
    sql(&fake, INSERT).await;
    sql(&fake, "CREATE TABLE other (id INTEGER)").await;
    let begun = fake.server().open_transactions();
    sql(&fake, "BEGIN").await;
    assert_eq!(fake.server().open_transactions(), begun + 1);
    done(admin, "POST /admin/restore", r#"{"name": "empty"}"#).await;
    assert_eq!(fake.sql("SELECT id FROM t").expect("the table").rows.len(), 0);
    assert!(fake.sql("SELECT id FROM other").is_err(), "it was made later");
    assert_eq!(fake.server().open_transactions(), 0);
    sql(&fake, INSERT).await;
    assert_eq!(fake.sql("SELECT id FROM t").expect("the table").rows.len(), 1);
    let names = done(admin, "GET /admin/snapshots", "").await;
    assert_eq!(names, json!({"snapshots": ["empty"]}));
    done(admin, "DELETE /admin/snapshots/empty", "").await;
    let (status, _) = control(admin, "POST /admin/restore", r#"{"name": "empty"}"#).await;
    assert_eq!(status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_overlaps_a_restore_conflicts_with_it() {
    let fake = fake();
    let admin = fake.admin();
    sql(&fake, INSERT).await;
    done(admin, "POST /admin/snapshot", r#"{"name": "one"}"#).await;
    sql(&fake, "INSERT INTO t VALUES (2, 'b')").await;
    let hold = r#"{"name": "h", "on": "update", "at": "executing"}"#;
    done(admin, "POST /admin/holds", hold).await;
    let near = fake.connect("client");
    let update =
        tokio::spawn(crate::http::ask(near, "POST", "/", "UPDATE t SET v = 'x' WHERE id = 1"));
    done(admin, "GET /admin/holds?wait=1", "").await;
    done(admin, "POST /admin/restore", r#"{"name": "one"}"#).await;
    done(admin, "POST /admin/holds/release", "").await;
    assert_eq!(update.await.expect("no panic").map(|it| it.0), Some(409));
    assert_eq!(fake.sql("SELECT v FROM t").expect("a row").rows[0][0].to_string(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_reset_goes_back_to_the_beginning() {
    let fake = fake();
    let admin = fake.admin();
    sql(&fake, INSERT).await;
    done(admin, "POST /admin/seed", r#"{"seed": 9}"#).await;
    done(admin, "POST /admin/faults", r#"{"name": "c", "does": "conflict"}"#).await;
    done(admin, "POST /admin/engine/stop", "").await;
    done(admin, "POST /admin/reset", "").await;
    let faults = done(admin, "GET /admin/faults", "").await;
    assert_eq!(faults, json!({"seed": 0, "faults": []}));
    assert_eq!(done(admin, "GET /admin/history", "").await, json!({"commits": [], "forgotten": 0}));
    let statements = done(admin, "GET /admin/statements", "").await;
    assert_eq!(statements, json!({"statements": [], "forgotten": 0}));
    assert_eq!(fake.sql("SELECT id FROM t").expect("the table").rows.len(), 0);
    assert_eq!(sql(&fake, INSERT).await.map(|it| it.0), Some(200));
    done(admin, "POST /admin/reset", r#"{"tables": false}"#).await;
    assert_eq!(fake.sql("SELECT id FROM t").expect("the table").rows.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn history_and_statements_tell_what_happened() {
    let fake = fake();
    let admin = fake.admin();
    let lost = r#"{"name": "lost", "on": "insert", "at": "committed", "does": "drop-connection"}"#;
    done(admin, "POST /admin/faults", lost).await;
    sql_at(&fake, "/?query_label=loader", INSERT).await;
    sql(&fake, "SELECT id FROM t").await;
    let history = done(admin, "GET /admin/history?rows=true", "").await;
    let commit = &history["commits"][0];
    assert_eq!((&commit["sql"], &commit["peer"]), (&json!(INSERT), &json!("client")));
    assert_eq!(
        commit["changes"],
        json!([{
            "table": "t", "kind": "rows", "inserted": 1, "deleted": 0, "columns": ["id", "v"],
            "inserted_rows": [["1", "a"]], "deleted_rows": [],
        }])
    );
    let line = format!("GET /admin/history?after={}", commit["lsn"]);
    assert_eq!(done(admin, &line, "").await, json!({"commits": [], "forgotten": 0}));
    let statements = done(admin, "GET /admin/statements?label=loader", "").await;
    let logged = &statements["statements"][0];
    assert_eq!(
        (&logged["on"], &logged["status"], &logged["faults"]),
        (&json!("insert"), &json!(null), &json!(["lost@committed"]))
    );
    let statements = done(admin, "GET /admin/statements?on=select&limit=5", "").await;
    assert_eq!(statements["statements"][0]["status"], 200);
}

#[tokio::test(start_paused = true)]
async fn the_engine_stops_starts_and_restarts() {
    let fake = fake();
    let admin = fake.admin();
    let stopped = done(admin, "POST /admin/engine/stop", "").await;
    assert_eq!(stopped, json!({"engine": "stopped", "open_transactions": 0}));
    let started = done(admin, "POST /admin/engine/start", r#"{"takes": "2s"}"#).await;
    assert_eq!((&started["engine"], &started["back_in_ms"]), (&json!("away"), &json!(2_000)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(done(admin, "GET /admin/engine", "").await["engine"], "running");
    let away = done(admin, "POST /admin/engine/restart", r#"{"away": "7s"}"#).await;
    assert_eq!(away["back_in_ms"], 7_000);
    let (status, refusal) =
        control(admin, "POST /admin/engine/restart", r#"{"away": "1s..=7s"}"#).await;
    assert_eq!((status, &refusal["error"]), (400, &json!("`away`: one span, not a range")));
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_and_quirks_are_shown() {
    let fake = FakeFirebolt::start().service_account("c", "s").in_process().expect("a fake");
    let admin = fake.admin();
    let form = "client_id=c&client_secret=s&grant_type=client_credentials";
    assert_eq!(sql_at(&fake, "/oauth/token", form).await.map(|it| it.0), Some(200));
    assert_eq!(done(admin, "POST /admin/tokens/expire", "").await, json!({"expired": true}));
    assert_eq!(done(admin, "GET /admin/quirks", "").await["conflict-status"], 409);
}

#[tokio::test(start_paused = true)]
async fn the_owner_has_a_way_of_his_own() {
    let fake = fake();
    let admin = fake.admin();
    let refuse = r#"{"name": "r", "at": "received", "does": "refuse-request"}"#;
    done(admin, "POST /admin/faults", refuse).await;
    assert_eq!(sql(&fake, "SELECT 1").await.map(|it| it.0), Some(503));
    done(admin, "POST /admin/sql", "INSERT INTO t VALUES (5, NULL); INSERT INTO t VALUES (6, 'b')")
        .await;
    let rows = done(admin, "POST /admin/sql", "SELECT id, v FROM t ORDER BY id").await;
    assert_eq!(rows, json!({"columns": ["id", "v"], "rows": [["5", null], ["6", "b"]]}));
    let (status, refusal) = control(admin, "POST /admin/sql", "SELECT nothing FROM t").await;
    assert_eq!(status, 400);
    assert!(refusal["error"].as_str().is_some_and(|it| it.contains("nothing")), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_served_is_told_and_changes_nothing() {
    let fake = fake();
    for (line, body, status, expected) in [
        ("GET /admin/nothing", "", 404, "nothing is at /admin/nothing; GET /admin lists"),
        ("PUT /admin/faults", "", 405, "PUT is not for /admin/faults; allowed: GET, POST, DELETE"),
        ("GET /admin/reset", "", 405, "GET is not for /admin/reset; allowed: POST"),
        ("POST /admin/faults", "{", 400, "the body is not JSON: EOF"),
        ("POST /admin/seed", "{}", 400, "`seed` is missing: expected a whole number"),
        ("POST /admin/seed", r#"{"seed": "x"}"#, 400, "`seed`: expected a whole number"),
        ("POST /admin/reset", r#"{"table": true}"#, 400, "`table`: no such key; allowed: tables"),
        ("POST /admin/snapshot", "", 400, "`name` is missing: expected a string"),
        ("GET /admin/statements?kind=x", "", 400, "no such parameter: kind; allowed: on, label"),
        ("GET /admin/history?rows=yes", "", 400, "rows=yes: expected true or false"),
        ("GET /admin/faults/x%2Fy", "", 404, "there is no rule \"x/y\"; GET /admin/faults"),
    ] {
        let (found, refusal) = control(fake.admin(), line, body).await;
        let text = refusal["error"].as_str().expect("a text");
        assert_eq!(found, status, "{line}: {text}");
        assert!(text.starts_with(expected), "{line}: {text}");
    }
    let paths = done(fake.admin(), "GET /admin", "").await;
    assert!(paths["paths"].as_array().is_some_and(|it| it.len() > 20));
}

#[tokio::test(start_paused = true)]
async fn the_page_lists_the_paths_that_there_are() {
    const PAGE: &str = include_str!("../../../../docs/faults.md");
    let (_, table) = PAGE.split_once("## The control port").expect("a chapter");
    let told: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|path| path.contains("/admin"))
        .collect();
    let paths = done(fake().admin(), "GET /admin", "").await;
    assert_eq!(paths["paths"], json!(told));
}
