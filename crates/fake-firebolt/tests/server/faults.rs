//! Each verdict, at each point where it has a meaning: what the client hears, what is true.

use std::time::Duration;

use fake_firebolt::quirks::{CancelOnDisconnect, Quirks};
use fake_firebolt::{CannedReply, FakeConfig, Phase, Verdict};

use crate::harness::{Client, Heard, Script, fake, fake_with, rows, upsert};

const INSERT: &str = "INSERT INTO t VALUES (3, 'c')";
const BEFORE: &str = "1=a 2=b";
const AFTER: &str = "1=a 2=b 3=c";

#[tokio::test(start_paused = true)]
async fn a_cut_is_before_or_after_the_commit() {
    for (phase, expected) in [
        (Phase::Received, BEFORE),
        (Phase::Executing, BEFORE),
        (Phase::Committed, AFTER),
        (Phase::Answered, AFTER),
    ] {
        let script = Script::new();
        let fake = fake(&script);
        script.at(phase, "INSERT", Verdict::Cut);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        assert_eq!(client.sql(INSERT).await, Heard::Nothing, "{phase:?}");
        assert_eq!(rows(&fake), expected, "{phase:?}");
        assert_eq!(script.commits().len(), usize::from(expected == AFTER), "{phase:?}");
        client.reconnect().await;
        assert_eq!(client.sql("SELECT 1").await.status(), 200, "the server lives");
    }
}

#[tokio::test(start_paused = true)]
async fn the_reply_to_a_commit_is_lost_and_the_table_has_changed() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Committed, "COMMIT", Verdict::Cut);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok(INSERT).await;
    assert_eq!(client.sql("COMMIT").await, Heard::Nothing);
    assert_eq!(rows(&fake), AFTER);
    client.reconnect().await;
    let again = client.sql("COMMIT").await;
    assert_eq!(again.error(), "cannot COMMIT transaction: no transaction is in progress");
}

#[tokio::test(start_paused = true)]
async fn a_reply_lost_inside_a_transaction_leaves_it_open() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Executed, "INSERT", Verdict::Cut);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    assert_eq!(client.sql(INSERT).await, Heard::Nothing);
    client.reconnect().await;
    assert_eq!(client.sql("COMMIT").await.status(), 200);
    assert_eq!(rows(&fake), AFTER);
}

#[tokio::test(start_paused = true)]
async fn a_statement_cut_while_executing_aborts_its_transaction() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Executing, "INSERT", Verdict::Cut);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    assert_eq!(client.sql(INSERT).await, Heard::Nothing);
    client.reconnect().await;
    assert_eq!(client.sql("COMMIT").await.status(), 400);
    assert_eq!(rows(&fake), BEFORE);
}

#[tokio::test(start_paused = true)]
async fn half_a_reply_is_never_a_whole_one() {
    for bytes in [0, 1, 40, 10_000] {
        let script = Script::new();
        let fake = fake(&script);
        script.at(Phase::Answered, "SELECT id", Verdict::CutMidReply(bytes));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        // The same letters in another order: as long as the reply that is cut.
        let whole = client.sql("SELECT v, id FROM t ORDER BY id").await.body().len();
        match client.sql("SELECT id, v FROM t ORDER BY id").await {
            Heard::Broken { body } => {
                assert_eq!(body.len(), bytes.min(whole - 1), "{body}");
            }
            other => panic!("{bytes}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_server_keeps_what_it_has_done() {
    for (phase, expected) in [(Phase::Received, BEFORE), (Phase::Committed, AFTER)] {
        let script = Script::new();
        let fake = fake(&script);
        script.at(phase, "INSERT", Verdict::Hang);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let patience = Duration::from_secs(3600);
        assert!(tokio::time::timeout(patience, client.sql(INSERT)).await.is_err(), "{phase:?}");
        assert_eq!(rows(&fake), expected, "{phase:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_canned_reply_may_lie_about_a_commit() {
    for (phase, expected) in [(Phase::Received, BEFORE), (Phase::Committed, AFTER)] {
        let script = Script::new();
        let fake = fake(&script);
        let reply =
            CannedReply::text(503, "Cluster not yet healthy").with_header("retry-after", "2");
        script.at(phase, "INSERT", Verdict::Answer(reply));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let heard = client.sql(INSERT).await;
        assert_eq!((heard.status(), heard.body()), (503, "Cluster not yet healthy"));
        assert_eq!(heard.header("retry-after"), Some("2"));
        assert_eq!(rows(&fake), expected, "{phase:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_may_hide_in_a_success() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Executing, "INSERT", Verdict::FailStatement(CannedReply::errors(200, "no")));
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.sql(INSERT).await;
    assert_eq!(heard.status(), 200);
    assert_eq!(heard.json()["errors"][0]["description"], "no");
    assert_eq!(rows(&fake), BEFORE);
}

#[tokio::test(start_paused = true)]
async fn a_late_execution_happens_after_the_client_has_gone_on() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Received, "MERGE", Verdict::ExecuteLater(Duration::from_secs(90)));
    let mut client = Client::sign_on(&fake, "worker-1").await;
    assert_eq!(client.sql(&upsert(3, "late")).await, Heard::Nothing);
    client.reconnect().await;
    client.ok(&upsert(3, "retried")).await;
    assert_eq!(rows(&fake), "1=a 2=b 3=retried");
    tokio::time::sleep(Duration::from_secs(91)).await;
    assert_eq!(rows(&fake), "1=a 2=b 3=late", "the zombie has written over the newer value");
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_commits_the_open_transaction() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Received, "COMMIT", Verdict::ExecuteLater(Duration::from_secs(90)));
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok(INSERT).await;
    assert_eq!(client.sql("COMMIT").await, Heard::Nothing);
    assert_eq!(rows(&fake), BEFORE);
    // Expired tokens do not stop it: it was let in before.
    fake.expire_tokens();
    tokio::time::sleep(Duration::from_secs(91)).await;
    assert_eq!(rows(&fake), AFTER);
}

#[tokio::test(start_paused = true)]
async fn a_doubled_request_runs_twice_and_answers_once() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Received, "INSERT", Verdict::Twice);
    script.at(Phase::Received, "COMMIT", Verdict::Twice);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok(INSERT).await;
    assert_eq!(rows(&fake), "1=a 2=b 3=c 3=c");
    client.sql("BEGIN").await;
    client.ok("DELETE FROM t WHERE id = 3").await;
    let second = client.sql("COMMIT").await;
    assert_eq!(second.error(), "cannot COMMIT transaction: no transaction is in progress");
    assert_eq!(rows(&fake), BEFORE, "the first of the two has committed");
}

#[tokio::test(start_paused = true)]
async fn a_demanded_conflict_is_certainly_not_committed() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Executing, "COMMIT", Verdict::Conflict);
    script.at(Phase::Executing, "MERGE", Verdict::Conflict);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok(INSERT).await;
    let heard = client.sql("COMMIT").await;
    assert_eq!(heard.status(), 409);
    assert!(heard.body().contains("code: 9"));
    client.sql("ROLLBACK").await;
    assert_eq!(client.sql(&upsert(1, "x")).await.status(), 409);
    assert_eq!(rows(&fake), BEFORE);
}

#[tokio::test(start_paused = true)]
async fn a_drop_fails_and_the_table_stays() {
    let script = Script::new();
    let fake = fake(&script);
    let reply = CannedReply::errors(400, "Table is in use");
    script.at(Phase::Executing, "DROP", Verdict::FailStatement(reply));
    script.at(Phase::Committed, "DROP", Verdict::Answer(CannedReply::text(500, "Internal error")));
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("CREATE TABLE stg_1 (id INTEGER NULL)").await;
    let tables = "SELECT table_name FROM information_schema.tables \
                  WHERE table_schema = 'public' AND table_name LIKE 'stg\\_%'";
    assert_eq!(client.sql("DROP TABLE IF EXISTS stg_1").await.error(), "Table is in use");
    assert_eq!(client.ok(tables).await, serde_json::json!([["stg_1"]]));
    assert_eq!(client.sql("DROP TABLE IF EXISTS stg_1").await.status(), 500);
    assert_eq!(client.ok(tables).await, serde_json::json!([]), "reported as failed, but done");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_does_not_stop_its_statement() {
    for (cancel, expected) in [(CancelOnDisconnect::None, AFTER), (CancelOnDisconnect::All, BEFORE)]
    {
        let script = Script::new();
        script.takes("INSERT", Duration::from_secs(60));
        let quirks = Quirks { cancel_on_disconnect: cancel, ..Quirks::default() };
        let fake = fake_with(&script, FakeConfig { quirks, ..FakeConfig::default() });
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let patience = Duration::from_secs(10);
        assert!(tokio::time::timeout(patience, client.sql(INSERT)).await.is_err());
        drop(client);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(rows(&fake), expected, "{cancel:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_request_and_nothing_else() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok(INSERT).await;
    script.panics_at("no_reply_to_this");
    assert_eq!(client.sql("SELECT 'no_reply_to_this'").await.status(), 500);
    assert_eq!(fake.panics(), 1);
    script.panics_at("nor_to_this");
    client.parameters.remove("transaction_id");
    assert_eq!(client.sql("SELECT 'nor_to_this'").await.status(), 500);
    assert_eq!(client.ok("SELECT 1").await, serde_json::json!([[1]]));
    assert_eq!(fake.panics(), 2);
}
