//! START ENGINE and STOP ENGINE act on the engine that serves the requests.

use std::time::Duration;

use fake_firebolt::quirks::Quirks;
use fake_firebolt::{EngineState, FakeConfig};
use tokio::time::Instant;

use crate::harness::{Client, Heard, Script, fake, fake_with, rows};

/// What the fake takes to start an engine.
const START: Duration = Duration::from_millis(3_500);

/// An engine that only START ENGINE starts.
fn without_auto_start() -> FakeConfig {
    let quirks = Quirks { auto_start: false, ..Quirks::default() };
    FakeConfig { quirks, ..FakeConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn stopped_by_a_statement_and_started_by_a_statement() {
    let fake = fake_with(&Script::new(), without_auto_start());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("STOP ENGINE engine").await;
    assert_eq!(fake.engine_state(), EngineState::Stopped);
    assert_eq!(client.sql("SELECT 1").await, Heard::Nothing, "its node is gone");
    client.reconnect().await;
    let refused = client.sql("SELECT 1").await;
    assert_eq!(refused.status(), 404);
    assert!(refused.body().contains("it is stopped"), "{refused:?}");
    // Stopping what is stopped changes nothing, and wakes nothing.
    client.ok("STOP ENGINE IF EXISTS engine").await;
    client.reconnect().await;
    let before = Instant::now();
    client.ok("START ENGINE engine").await;
    assert_eq!(before.elapsed(), START);
    assert_eq!(fake.engine_state(), EngineState::Running);
    client.ok("SELECT 1").await;
    client.ok("START ENGINE engine").await;
    assert_eq!(before.elapsed(), START, "a running engine is not started again");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_engine_is_woken_by_the_next_statement() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("STOP ENGINE engine").await;
    client.reconnect().await;
    let before = Instant::now();
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    assert_eq!(before.elapsed(), START);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_what_runs() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(20));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let mut operator = Client::sign_on(&fake, "operator").await;
    let (heard, waited) = tokio::join!(client.sql("INSERT INTO t VALUES (3, 'c')"), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = Instant::now();
        operator.ok("STOP ENGINE engine").await;
        before.elapsed()
    });
    assert_eq!(heard.status(), 200);
    assert_eq!(waited, Duration::from_secs(15));
    assert_eq!(fake.engine_state(), EngineState::Stopped);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn terminating_does_not_wait() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(20));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let mut operator = Client::sign_on(&fake, "operator").await;
    let (heard, ()) = tokio::join!(client.sql("INSERT INTO t VALUES (3, 'c')"), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        operator.ok("STOP ENGINE engine WITH TERMINATE = true").await;
    });
    assert_eq!(heard, Heard::Nothing);
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn a_day_is_the_longest_wait() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(100 * 3_600));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let mut operator = Client::sign_on(&fake, "operator").await;
    let (heard, waited) = tokio::join!(client.sql("INSERT INTO t VALUES (3, 'c')"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        operator.ok("STOP ENGINE engine").await;
        before.elapsed()
    });
    assert_eq!(heard, Heard::Nothing);
    assert_eq!(waited, Duration::from_secs(24 * 3_600));
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn not_inside_a_transaction_which_it_dooms() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    let refused = client.sql("STOP ENGINE engine").await;
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.error(), "STOP ENGINE cannot run inside an explicit transaction");
    assert_eq!(fake.engine_state(), EngineState::Running);
    assert_eq!(client.sql("COMMIT").await.status(), 400, "the transaction is aborted");
    client.sql("ROLLBACK").await;
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn another_engine_is_an_entry_of_the_catalogue() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("CREATE ENGINE other WITH INITIALLY_STOPPED = true").await;
    client.ok("START ENGINE other").await;
    let status = "SELECT status FROM information_schema.engines WHERE engine_name = 'other'";
    let heard = client.sql(status).await;
    assert_eq!(heard.data(), serde_json::json!([["RUNNING"]]));
    assert_eq!(client.sql("STOP ENGINE nowhere").await.status(), 400);
    assert_eq!(fake.engine_state(), EngineState::Running);
}
