//! Time-outs that strike while a statement is evaluated, where evaluation takes virtual time.
//!
//! What a real clock does is in `tests/served.rs`.

use std::time::Duration;

use fake_firebolt::{FakeConfig, FakeFirebolt, InFlight, Phase, Verdict};
use tokio::time::Instant;

use crate::harness::{Client, Heard, Script, fake_with, rows};

/// A thousand pairs take a second.
const RATE: u64 = 1_000;

/// About 2,500 steps, and a row where it is let through.
const JOIN: &str = "SELECT COUNT(*) FROM GENERATE_SERIES(1, 50) a (n), GENERATE_SERIES(1, 50) b (m) \
                    WHERE n + m < 0";
const INSERT: &str = "INSERT INTO t SELECT n, 'c' FROM GENERATE_SERIES(1, 50) a (n), \
                      GENERATE_SERIES(1, 50) b (m) WHERE n + m = 2";

fn slow(script: &std::sync::Arc<Script>) -> FakeFirebolt {
    let mut config = FakeConfig::default();
    config.limits.steps_per_second = Some(RATE);
    config.quirks.history_delay_millis = 0;
    fake_with(script, config)
}

async fn timed(client: &mut Client, sql: &str) -> (u16, Duration) {
    let started = Instant::now();
    let status = client.sql(sql).await.status();
    (status, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_evaluation_that_is_too_long_ends_with_its_time_and_changes_nothing() {
    let fake = slow(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("statement_timeout".to_owned(), "1500".to_owned());
    for sql in [JOIN, INSERT] {
        let started = Instant::now();
        let heard = client.sql(sql).await;
        assert_eq!(heard.status(), 500);
        assert_eq!(heard.body(), "The query was canceled: statement_timeout of 1.5s is over");
        assert_eq!(started.elapsed(), Duration::from_millis(1500), "to the very end, not beyond");
    }
    assert_eq!(rows(&fake), "1=a 2=b");
    let history = "SELECT status FROM information_schema.engine_query_history \
                   WHERE query_text LIKE '%GENERATE%' AND status LIKE 'CANCELED%'";
    assert_eq!(client.ok(history).await.as_array().map(Vec::len), Some(2));
}

#[tokio::test(start_paused = true)]
async fn an_evaluation_within_its_time_takes_it() {
    let fake = slow(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let (status, alone) = timed(&mut client, JOIN).await;
    assert_eq!(status, 200);
    assert!(alone > Duration::from_millis(2500), "2,500 pairs and more: {alone:?}");
    client.parameters.insert("statement_timeout".to_owned(), "3000".to_owned());
    assert_eq!(timed(&mut client, JOIN).await, (200, alone), "the same work takes the same time");
    assert_eq!(timed(&mut client, INSERT).await.0, 200);
    assert_eq!(rows(&fake), "1=a 1=c 2=b");
}

#[tokio::test(start_paused = true)]
async fn evaluation_and_execution_share_one_timeout() {
    let script = Script::new();
    script.takes("GENERATE", Duration::from_millis(500));
    let fake = slow(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("statement_timeout".to_owned(), "3000".to_owned());
    let limit = Duration::from_secs(3);
    assert_eq!(timed(&mut client, JOIN).await, (500, limit), "2.6 s and 0.5 s are more than 3 s");
}

#[tokio::test(start_paused = true)]
async fn in_a_transaction_it_has_failed_and_aborts_it() {
    let fake = slow(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    client.parameters.insert("statement_timeout".to_owned(), "1000".to_owned());
    assert_eq!(client.sql(INSERT).await.status(), 500);
    assert!(client.sql("SELECT 1").await.error().starts_with("current transaction is aborted"));
    assert!(client.sql("COMMIT").await.error().starts_with("current transaction is aborted"));
    client.ok("ROLLBACK").await;
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn what_has_nothing_to_commit_is_killed_before_it_commits() {
    let script = Script::new();
    script.restart_kills(InFlight::KilledAfterCommit);
    let away = Duration::from_secs(1);
    script.at(Phase::Executing, "GENERATE", Verdict::Restart { away });
    let fake = slow(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("statement_timeout".to_owned(), "1000".to_owned());
    assert_eq!(client.sql(INSERT).await, Heard::Nothing);
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn the_longest_time_that_can_be_asked_for_is_no_limit() {
    let fake = slow(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("max_execution_time".to_owned(), u64::MAX.to_string());
    client.parameters.insert("statement_timeout".to_owned(), u64::MAX.to_string());
    client.ok("SELECT 1").await;
    client.ok(INSERT).await;
}
