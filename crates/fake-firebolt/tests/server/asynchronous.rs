//! `async=true`: the token, the status, the end of it; and what cannot run that way.

use std::time::Duration;

use fake_firebolt::quirks::{Acceptance, AsyncLost, Quirks};
use fake_firebolt::{CannedReply, FakeConfig, InFlight, Phase, Verdict};
use serde_json::{Value, json};

use crate::harness::{Client, Heard, Script, fake, fake_with, rows, upsert};

const INSERT: &str = "INSERT INTO t VALUES (3, 'c')";

async fn submit(client: &mut Client, sql: &str) -> Heard {
    client.parameters.insert("async".to_owned(), "true".to_owned());
    let heard = client.sql(sql).await;
    client.parameters.remove("async");
    heard
}

fn token(heard: &Heard) -> String {
    assert_eq!(heard.status(), 202, "{heard:?}");
    heard.json()["token"].as_str().expect("a token").to_owned()
}

/// The status row, by column.
async fn status(client: &mut Client, token: &str) -> Value {
    let heard = client.sql(&format!("CALL fb_GetAsyncStatus('{token}')")).await;
    let (meta, data) = (heard.json()["meta"].clone(), heard.data());
    let names = meta.as_array().expect("columns").iter().map(|column| column["name"].clone());
    let cells = data[0].as_array().expect("one row").iter().cloned();
    names.map(|name| name.as_str().expect("a name").to_owned()).zip(cells).collect()
}

fn quirks(change: impl FnOnce(&mut Quirks)) -> FakeConfig {
    let mut config = FakeConfig::default();
    change(&mut config.quirks);
    config
}

#[tokio::test(start_paused = true)]
async fn a_token_first_and_the_outcome_when_it_is_asked_for() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(20));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = submit(&mut client, INSERT).await;
    let body = heard.json();
    let keys: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["message", "monitorSql", "token"], "exactly these, or Python raises");
    let token = token(&heard);
    assert_eq!(body["monitorSql"], format!("CALL fb_GetAsyncStatus('{token}');"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let running = status(&mut client, &token).await;
    assert_eq!(running["status"], "RUNNING");
    assert_eq!(running["end_time"], Value::Null);
    assert_eq!(rows(&fake), "1=a 2=b");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let ended = status(&mut client, &token).await;
    assert_eq!(ended["status"], "ENDED_SUCCESSFULLY");
    assert_eq!(ended["start_time"], "2025-11-11 00:00:00+00");
    assert_eq!(ended["end_time"], "2025-11-11 00:00:20+00");
    assert_eq!(ended["error_message"], Value::Null);
    assert_eq!(
        (&ended["account_name"], &ended["user_name"]),
        (&json!("account"), &json!("client"))
    );
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn the_twelve_columns_stand_in_their_order() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let token = token(&submit(&mut client, INSERT).await);
    let heard = client.sql(&format!("CALL fb_GetAsyncStatus('{token}')")).await;
    let meta = heard.json()["meta"].clone();
    let columns: Vec<String> = (meta.as_array().expect("columns").iter())
        .map(|column| format!("{} {}", column["name"], column["type"]).replace('"', ""))
        .collect();
    assert_eq!(
        columns,
        [
            "account_name text",
            "user_name text",
            "submitted_time timestamptz",
            "start_time timestamptz null",
            "end_time timestamptz null",
            "status text",
            "request_id text",
            "query_id text",
            "error_message text null",
            "scanned_bytes long null",
            "scanned_rows long null",
            "retries long null",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_by_the_status_and_a_malformed_statement_at_once() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let token = token(&submit(&mut client, "INSERT INTO nowhere VALUES (1)").await);
    let failed = status(&mut client, &token).await;
    assert_eq!(failed["status"], "EXECUTION_ERROR");
    let text = failed["error_message"].as_str().expect("a text");
    assert!(text.contains("relation \"nowhere\" does not exist"), "{text}");
    assert_eq!(submit(&mut client, "INSERT INTO").await.status(), 400);
    let unknown = client.sql("CALL fb_GetAsyncStatus('nobody')").await.error();
    assert!(unknown.contains("'nobody'") && unknown.contains("invalid or expired"), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn what_changes_the_session_cannot_be_asynchronous() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for (sql, expected) in [
        ("SET max_threads = 1", "SET cannot be executed asynchronously"),
        ("USE ENGINE \"engine\"", "USE cannot be executed asynchronously"),
        ("BEGIN", "BEGIN cannot be executed asynchronously"),
        ("SELECT 1; SELECT 2", "Several statements cannot be executed asynchronously"),
        ("-- nothing", "A request without a statement cannot be executed asynchronously"),
    ] {
        assert_eq!(submit(&mut client, sql).await.error(), expected, "{sql}");
    }
    assert_eq!(fake.open_transactions(), 0);
}

#[tokio::test(start_paused = true)]
async fn quirk_async_unlisted() {
    for (answer, expected) in [(Acceptance::Accept, 202), (Acceptance::Refuse, 400)] {
        let fake = fake_with(&Script::new(), quirks(|q| q.async_unlisted = answer));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        for sql in [&*upsert(3, "c"), "UPDATE t SET v = 'x' WHERE id = 1", "DELETE FROM t"] {
            assert_eq!(submit(&mut client, sql).await.status(), expected, "{sql}");
        }
        assert_eq!(submit(&mut client, INSERT).await.status(), 202);
    }
}

#[tokio::test(start_paused = true)]
async fn quirk_async_in_transaction() {
    for (answer, expected) in [(Acceptance::Accept, 202), (Acceptance::Refuse, 400)] {
        let fake = fake_with(&Script::new(), quirks(|q| q.async_in_transaction = answer));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.sql("BEGIN").await;
        assert_eq!(submit(&mut client, INSERT).await.status(), expected);
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.sql("COMMIT").await;
        let expected = if expected == 202 { "1=a 2=b 3=c" } else { "1=a 2=b" };
        assert_eq!(rows(&fake), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn quirk_async_lost_a_dead_engine_leaves_the_query_in_doubt_whether_it_committed_or_not() {
    for (quirk, word) in
        [(AsyncLost::InDoubt, "IN_DOUBT"), (AsyncLost::ExecutionError, "EXECUTION_ERROR")]
    {
        for (fate, expected) in [
            (InFlight::KilledBeforeCommit, "1=a 2=b"),
            (InFlight::KilledAfterCommit, "1=a 2=b 3=c"),
        ] {
            let script = Script::new();
            script.takes("INSERT", Duration::from_secs(20));
            script.restart_kills(fate);
            let fake = fake_with(&script, quirks(|q| q.async_lost = quirk));
            let mut client = Client::sign_on(&fake, "worker-1").await;
            let token = token(&submit(&mut client, INSERT).await);
            tokio::time::sleep(Duration::from_secs(1)).await;
            fake.restart_engine(Duration::from_secs(5));
            tokio::time::sleep(Duration::from_secs(60)).await;
            client.reconnect().await;
            assert_eq!(status(&mut client, &token).await["status"], word, "{fate:?}");
            assert_eq!(rows(&fake), expected, "{fate:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_strikes_an_asynchronous_query_as_any_other() {
    let script = Script::new();
    script.at(Phase::Executing, "INSERT", Verdict::FailStatement(CannedReply::text(500, "no")));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let failed = token(&submit(&mut client, INSERT).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let row = status(&mut client, &failed).await;
    assert_eq!((&row["status"], &row["error_message"]), (&json!("EXECUTION_ERROR"), &json!("no")));
    script.at(Phase::Committed, "INSERT", Verdict::Cut);
    let lost = token(&submit(&mut client, INSERT).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&mut client, &lost).await["status"], "ENDED_SUCCESSFULLY");
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_query_has_not_happened() {
    for by_statement in [true, false] {
        let script = Script::new();
        script.takes("INSERT", Duration::from_secs(20));
        let fake = fake(&script);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let token = token(&submit(&mut client, INSERT).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let row = status(&mut client, &token).await;
        let id = row["query_id"].as_str().expect("an id").to_owned();
        let cancelled = if by_statement {
            client.sql(&format!("CANCEL QUERY WHERE query_id='{id}'")).await
        } else {
            client.post(&format!("/cancel?query_id={id}"), "").await
        };
        assert_eq!(cancelled.status(), 200, "{cancelled:?}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(status(&mut client, &token).await["status"], "CANCELED_EXECUTION");
        assert_eq!(rows(&fake), "1=a 2=b");
        let again = client.sql(&format!("CANCEL QUERY WHERE query_id='{id}'")).await.error();
        assert_eq!(again, format!("Query '{id}' is not running"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_that_waits_for_its_engine_is_suspended_and_can_be_cancelled() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    fake.restart_engine(Duration::from_secs(30));
    client.reconnect().await;
    let token = token(&submit(&mut client, INSERT).await);
    let row = status(&mut client, &token).await;
    assert_eq!((&row["status"], &row["start_time"]), (&json!("SUSPENDED"), &Value::Null));
    let id = row["query_id"].as_str().expect("an id").to_owned();
    assert_eq!(client.sql(&format!("CANCEL QUERY WHERE query_id='{id}'")).await.status(), 200);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(status(&mut client, &token).await["status"], "CANCELED_EXECUTION");
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_the_query_and_nothing_else() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    script.takes("INSERT", Duration::from_secs(5));
    let token = token(&submit(&mut client, INSERT).await);
    script.panics_at("INSERT");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let row = status(&mut client, &token).await;
    assert_eq!(row["status"], "EXECUTION_ERROR");
    assert_eq!(fake.panics(), 1);
    assert_eq!(client.sql("SELECT 1").await.status(), 200);
}
