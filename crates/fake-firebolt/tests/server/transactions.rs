//! Explicit transactions over the wire: the id, the queue, conflicts, and the aborted state.

use std::time::Duration;

use fake_firebolt::quirks::{CommitOfFailed, Quirks, SnapshotRule, UnknownTransactionStatement};
use fake_firebolt::{FakeConfig, Phase};

use crate::harness::{Client, Script, fake, fake_with, rows, upsert};

const ABORTED: &str = "current transaction is aborted, commands will be ignored until execution \
                       of ROLLBACK or COMMIT";

fn quirks(change: impl FnOnce(&mut Quirks)) -> FakeConfig {
    let mut config = FakeConfig::default();
    change(&mut config.quirks);
    config
}

/// Two requests on two connections arrive in no order of their own.
async fn a_moment_later<T>(sending: impl Future<Output = T>) -> T {
    tokio::time::sleep(Duration::from_millis(5)).await;
    sending.await
}

#[tokio::test(start_paused = true)]
async fn a_round_is_seen_by_others_only_after_commit() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let begun = client.sql("BEGIN").await;
    let id = client.parameters["transaction_id"].clone();
    assert_eq!(id.len(), 20);
    assert_eq!(begun.header("firebolt-update-parameters"), Some(&*format!("transaction_id={id}")));
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    let own = client.ok("SELECT COUNT(*) FROM t").await;
    assert_eq!(own, serde_json::json!([["3"]]));
    assert_eq!(rows(&fake), "1=a 2=b");
    assert_eq!(fake.open_transactions(), 1);
    let ended = client.sql("COMMIT").await;
    assert_eq!(ended.header("firebolt-remove-parameters"), Some("transaction_id"));
    assert!(!client.parameters.contains_key("transaction_id"));
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
    assert_eq!(fake.open_transactions(), 0);
    let last = fake.commits().pop().expect("a commit");
    assert_eq!((&*last.peer, &*last.sql), ("worker-1", "COMMIT"));
    assert_eq!(last.transaction.as_deref(), Some(&*id));
}

#[tokio::test(start_paused = true)]
async fn each_statement_passes_its_points() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    client.sql("COMMIT").await;
    client.ok("DELETE FROM t WHERE id = 3").await;
    client.sql("ROLLBACK").await;
    let inside = ["received", "executing", "executed", "answered"];
    let committing = ["received", "executing", "committed", "answered"];
    assert_eq!(script.points("BEGIN"), inside);
    assert_eq!(script.points("INSERT"), inside);
    assert_eq!(script.points("COMMIT"), committing);
    assert_eq!(script.points("DELETE"), committing);
    assert_eq!(script.points("ROLLBACK"), ["received", "answered"], "nothing to roll back");
}

#[tokio::test(start_paused = true)]
async fn the_second_committer_of_one_row_gets_a_409() {
    let fake = fake(&Script::new());
    let mut one = Client::sign_on(&fake, "worker-1").await;
    let mut two = Client::sign_on(&fake, "worker-2").await;
    for (client, value) in [(&mut one, "x"), (&mut two, "y")] {
        client.sql("BEGIN").await;
        client.ok(&format!("UPDATE t SET v = '{value}' WHERE id = 1")).await;
    }
    assert_eq!(one.sql("COMMIT").await.status(), 200);
    let lost = two.sql("COMMIT").await;
    assert_eq!(lost.status(), 409);
    assert_eq!(
        lost.body(),
        "Failed to commit transaction, error: 'detected 1 conflicts with 1 transactions on \
         transaction commit', code: 9"
    );
    assert_eq!(two.sql("SELECT 1").await.error(), ABORTED);
    assert_eq!(two.sql("ROLLBACK").await.status(), 200);
    assert_eq!(rows(&fake), "1=x 2=b");
    assert_eq!(fake.open_transactions(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_merges_of_one_new_key_both_commit() {
    let script = Script::new();
    script.takes("MERGE", Duration::from_secs(20));
    let fake = fake(&script);
    let mut one = Client::sign_on(&fake, "worker-1").await;
    let mut two = Client::sign_on(&fake, "worker-2").await;
    let (first, second) = (upsert(7, "x"), upsert(7, "y"));
    let (first, second) = tokio::join!(one.sql(&first), two.sql(&second));
    assert_eq!((first.status(), second.status()), (200, 200));
    assert_eq!(rows(&fake), "1=a 2=b 7=x 7=y", "the duplicate that the real service makes");
    let (first, second) = (upsert(1, "x"), upsert(1, "y"));
    let (first, second) = tokio::join!(one.sql(&first), a_moment_later(two.sql(&second)));
    assert_eq!((first.status(), second.status()), (200, 409), "matched rows do conflict");
}

#[tokio::test(start_paused = true)]
async fn a_failed_statement_aborts_its_transaction() {
    for failure in ["SELECT no_such_column FROM t", "SELEKT", "BEGIN"] {
        let fake = fake(&Script::new());
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.sql("BEGIN").await;
        client.ok("INSERT INTO t VALUES (3, 'c')").await;
        assert_eq!(client.sql(failure).await.status(), 400, "{failure}");
        assert_eq!(client.sql("SELECT 1").await.error(), ABORTED, "{failure}");
        assert_eq!(client.sql("COMMIT").await.error(), ABORTED, "{failure}");
        let ended = client.sql("ROLLBACK").await;
        assert_eq!(ended.status(), 200);
        assert_eq!(ended.header("firebolt-remove-parameters"), Some("transaction_id"));
        assert_eq!(rows(&fake), "1=a 2=b", "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn commit_of_a_failed_transaction_may_pretend_to_succeed() {
    let config = quirks(|q| q.commit_of_failed_transaction = CommitOfFailed::Rollback);
    let fake = fake_with(&Script::new(), config);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    client.sql("SELECT nothing FROM nowhere").await;
    assert_eq!(client.sql("COMMIT").await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b");
    assert_eq!(fake.open_transactions(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_three_texts_of_the_wrong_state() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let expect = "cannot COMMIT transaction: no transaction is in progress";
    assert_eq!(client.sql("COMMIT").await.error(), expect);
    let expect = "Cannot ROLLBACK transaction: no transaction is in progress";
    assert_eq!(client.sql("ROLLBACK").await.error(), expect);
    client.sql("BEGIN TRANSACTION").await;
    let expect = "cannot BEGIN transaction: a transaction is already in progress";
    assert_eq!(client.sql("BEGIN").await.error(), expect);
}

#[tokio::test(start_paused = true)]
async fn a_dead_id_is_never_an_autocommit_unless_the_quirk_says_so() {
    for (answer, status, expected) in [
        (UnknownTransactionStatement::Refuse, 400, "1=a 2=b"),
        (UnknownTransactionStatement::Autocommit, 200, "1=a 2=b 3=c"),
    ] {
        let config = quirks(|q| q.unknown_transaction_statement = answer);
        let fake = fake_with(&Script::new(), config);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.parameters.insert("transaction_id".to_owned(), "0".repeat(20));
        assert_eq!(client.sql("INSERT INTO t VALUES (3, 'c')").await.status(), status);
        assert_eq!(rows(&fake), expected);
        let expect = "cannot COMMIT transaction: no transaction is in progress";
        assert_eq!(client.sql("COMMIT").await.error(), expect);
        // An error here would leave the client with the id for ever.
        let ended = client.sql("ROLLBACK").await;
        assert_eq!(ended.status(), 200);
        assert_eq!(ended.header("firebolt-remove-parameters"), Some("transaction_id"));
    }
}

#[tokio::test(start_paused = true)]
async fn statements_of_one_transaction_take_turns() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(5));
    let fake = fake(&script);
    let mut one = Client::sign_on(&fake, "worker-1").await;
    one.sql("BEGIN").await;
    let mut two = Client::sign_on(&fake, "worker-1").await;
    two.parameters = one.parameters.clone();
    let started = tokio::time::Instant::now();
    let (inserted, committed) =
        tokio::join!(one.sql("INSERT INTO t VALUES (3, 'c')"), a_moment_later(two.sql("COMMIT")));
    assert_eq!((inserted.status(), committed.status()), (200, 200));
    assert_eq!(started.elapsed(), Duration::from_secs(5), "COMMIT waited for its turn");
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn a_label_shows_while_the_statement_runs() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(5));
    let fake = fake(&script);
    let mut one = Client::sign_on(&fake, "worker-1").await;
    one.parameters.insert("query_label".to_owned(), "attempt.1".to_owned());
    let mut two = Client::sign_on(&fake, "worker-2").await;
    let running = "SELECT query_label FROM information_schema.Engine_Running_Queries \
                   WHERE query_label IS NOT NULL";
    let (_, seen) = tokio::join!(one.sql("INSERT INTO t VALUES (3, 'c')"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        two.ok(running).await
    });
    assert_eq!(seen, serde_json::json!([["attempt.1"]]));
    assert_eq!(two.ok(running).await, serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_statement_timeout_cancels_on_the_server() {
    let script = Script::new();
    script.takes("MERGE", Duration::from_secs(60));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("statement_timeout".to_owned(), "1500".to_owned());
    let started = tokio::time::Instant::now();
    let heard = client.sql(&upsert(3, "c")).await;
    assert_eq!(heard.status(), 500, "{heard:?}");
    assert_eq!(started.elapsed(), Duration::from_millis(1500));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(rows(&fake), "1=a 2=b");
    assert_eq!(script.points("MERGE").last().map(String::as_str), Some(Phase::Answered.name()));
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_is_taken_at_begin_or_by_each_statement() {
    for (rule, expected) in [(SnapshotRule::Begin, "2"), (SnapshotRule::Statement, "3")] {
        let fake = fake_with(&Script::new(), quirks(|q| q.snapshot = rule));
        let mut one = Client::sign_on(&fake, "worker-1").await;
        let mut two = Client::sign_on(&fake, "worker-2").await;
        one.sql("BEGIN").await;
        two.ok("INSERT INTO t VALUES (3, 'c')").await;
        let seen = one.ok("SELECT COUNT(*) FROM t").await;
        assert_eq!(seen, serde_json::json!([[expected]]), "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_waits_for_the_engine_has_a_snapshot_of_when_it_ran() {
    let script = Script::new();
    script.takes("BEGIN", Duration::from_secs(3));
    let fake = fake(&script);
    let mut one = Client::sign_on(&fake, "worker-1").await;
    let mut two = Client::sign_on(&fake, "worker-2").await;
    tokio::join!(one.sql("BEGIN"), a_moment_later(two.sql("INSERT INTO t VALUES (3, 'c')")));
    assert_eq!(one.ok("SELECT COUNT(*) FROM t").await, serde_json::json!([["3"]]));
}
