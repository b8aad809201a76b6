//! The engine goes away: what is in flight, what is open, what is connected, what arrives.

use std::time::Duration;

use fake_firebolt::quirks::{Quirks, RestartTransactions};
use fake_firebolt::{EngineState, FakeConfig, InFlight, Phase, Verdict};

use crate::harness::{Client, Heard, Script, fake, fake_with, rows, upsert};

const AWAY: Duration = Duration::from_secs(4);
const CANNOT: &str = "Query of type 'DML Merge' cannot be retried";

#[tokio::test(start_paused = true)]
async fn a_merge_in_flight_cannot_be_retried_committed_or_not() {
    for (fate, expected) in [
        (InFlight::KilledBeforeCommit, "1=a 2=b"),
        (InFlight::KilledAfterCommit, "1=x 2=b"),
        (InFlight::AsConfigured, "1=a 2=b"),
    ] {
        let script = Script::new();
        script.takes("MERGE", Duration::from_secs(20));
        script.restart_kills(fate);
        let fake = fake(&script);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let merge = upsert(1, "x");
        let (heard, ()) = tokio::join!(client.sql(&merge), async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert_eq!(rows(&fake), "1=a 2=b", "not visible while it executes");
            fake.restart_engine(AWAY);
        });
        assert_eq!((heard.status(), heard.body()), (500, CANNOT), "{fate:?}");
        assert_eq!(rows(&fake), expected, "{fate:?}");
        assert_eq!(client.sql("SELECT 1").await, Heard::Nothing, "the connection is dead");
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_statement_in_flight_is_reset() {
    for (fate, expected) in
        [(InFlight::KilledBeforeCommit, "1=a 2=b"), (InFlight::KilledAfterCommit, "1=a 2=b 3=c")]
    {
        let script = Script::new();
        script.takes("INSERT", Duration::from_secs(20));
        script.restart_kills(fate);
        let fake = fake(&script);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let (heard, ()) = tokio::join!(client.sql("INSERT INTO t VALUES (3, 'c')"), async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            fake.restart_engine(AWAY);
        });
        assert_eq!(heard, Heard::Nothing, "{fate:?}");
        assert_eq!(rows(&fake), expected, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pooled_connection_is_stale_and_a_new_one_waits_for_the_engine() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("SELECT 1").await;
    fake.restart_engine(AWAY);
    assert!(matches!(fake.engine_state(), EngineState::Away { .. }));
    assert_eq!(client.sql("INSERT INTO t VALUES (3, 'c')").await, Heard::Nothing);
    assert!(script.points("INSERT").is_empty(), "nobody read it");
    let started = tokio::time::Instant::now();
    client.reconnect().await;
    client.ok("INSERT INTO t VALUES (4, 'd')").await;
    assert_eq!(started.elapsed(), AWAY, "held until the engine is back");
    assert_eq!(fake.engine_state(), EngineState::Running);
    assert_eq!(rows(&fake), "1=a 2=b 4=d");
}

#[tokio::test(start_paused = true)]
async fn open_transactions_are_lost_or_survive() {
    for (rule, status, expected) in [
        (RestartTransactions::Lost, 400, "1=a 2=b"),
        (RestartTransactions::Survive, 200, "1=a 2=b 3=c"),
    ] {
        let quirks = Quirks { restart_transactions: rule, ..Quirks::default() };
        let script = Script::new();
        let fake = fake_with(&script, FakeConfig { quirks, ..FakeConfig::default() });
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.sql("BEGIN").await;
        client.ok("INSERT INTO t VALUES (3, 'c')").await;
        fake.restart_engine(AWAY);
        client.reconnect().await;
        assert_eq!(client.sql("COMMIT").await.status(), status, "{rule:?}");
        assert_eq!(rows(&fake), expected, "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_killed_in_a_transaction_takes_it_along() {
    for rule in [RestartTransactions::Lost, RestartTransactions::Survive] {
        let quirks = Quirks { restart_transactions: rule, ..Quirks::default() };
        let script = Script::new();
        let fake = fake_with(&script, FakeConfig { quirks, ..FakeConfig::default() });
        script.at(Phase::Executing, "MERGE", Verdict::Restart { away: AWAY });
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.sql("BEGIN").await;
        let heard = client.sql(&upsert(1, "x")).await;
        assert_eq!((heard.status(), heard.body()), (500, CANNOT), "{rule:?}");
        client.reconnect().await;
        assert_eq!(client.sql("COMMIT").await.status(), 400, "{rule:?}");
        assert_eq!(client.sql("ROLLBACK").await.status(), 200, "{rule:?}");
        assert_eq!(rows(&fake), "1=a 2=b", "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_after_the_commit_loses_only_the_reply() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Committed, "COMMIT", Verdict::Restart { away: AWAY });
    script.at(Phase::Committed, "MERGE", Verdict::Restart { away: AWAY });
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    assert_eq!(client.sql("COMMIT").await, Heard::Nothing);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
    client.reconnect().await;
    client.parameters.remove("transaction_id");
    let heard = client.sql(&upsert(1, "x")).await;
    assert_eq!((heard.status(), heard.body()), (500, CANNOT));
    assert_eq!(rows(&fake), "1=x 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_engine_is_woken_by_a_statement() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    fake.stop_engine();
    assert_eq!(fake.engine_state(), EngineState::Stopped);
    client.reconnect().await;
    client.parameters.insert("auto_start_stop_control".to_owned(), "ignore".to_owned());
    let refused = client.sql("SELECT 1").await;
    assert_eq!(refused.status(), 404);
    assert!(refused.body().contains("it is stopped"), "{refused:?}");
    client.parameters.remove("auto_start_stop_control");
    let started = tokio::time::Instant::now();
    client.ok("SELECT 1").await;
    assert!(started.elapsed() >= Duration::from_secs(2), "it took its time to start");
}

#[tokio::test(start_paused = true)]
async fn without_auto_start_a_stopped_engine_refuses() {
    let quirks = Quirks { auto_start: false, ..Quirks::default() };
    let fake = fake_with(&Script::new(), FakeConfig { quirks, ..FakeConfig::default() });
    let mut client = Client::sign_on(&fake, "worker-1").await;
    fake.stop_engine();
    client.reconnect().await;
    assert_eq!(client.sql("SELECT 1").await.status(), 404);
    assert_eq!(fake.engine_state(), EngineState::Stopped);
}
