//! The open questions about transactions and conflicts, each under each of its answers.
//!
//! Those about asynchronous queries and about the views stand with these; those about MERGE, COPY
//! and DATEDIFF are asked in `fixtures/sql` and beside the statements.

use std::time::Duration;

use fake_firebolt::quirks::{
    Acceptance, CannotBeRetried, ConflictBody, ConflictUnit, FailedCommit, QueuedSnapshot, Quirks,
    RestartTransactions, SequenceId, SessionHeaders, TimestampRule, UseEngine,
};
use fake_firebolt::{FakeConfig, FakeFirebolt};
use serde_json::json;
use tokio::time::sleep;

use crate::harness::{Client, Heard, Script, fake_with, rows, upsert};

const NOTHING_TO_COMMIT: &str = "cannot COMMIT transaction: no transaction is in progress";

fn quirks(change: impl FnOnce(&mut Quirks)) -> FakeConfig {
    let mut config = FakeConfig::default();
    change(&mut config.quirks);
    config
}

async fn server(change: impl FnOnce(&mut Quirks)) -> (FakeFirebolt, Client, Client) {
    let fake = fake_with(&Script::new(), quirks(change));
    let one = Client::sign_on(&fake, "worker-1").await;
    let two = Client::sign_on(&fake, "worker-2").await;
    (fake, one, two)
}

/// Two transactions write one row; the second one's COMMIT.
async fn lost_commit(one: &mut Client, two: &mut Client) -> Heard {
    for client in [&mut *one, &mut *two] {
        client.sql("BEGIN").await;
        client.ok("UPDATE t SET v = 'x' WHERE id = 1").await;
    }
    assert_eq!(one.sql("COMMIT").await.status(), 200);
    two.sql("COMMIT").await
}

#[tokio::test(start_paused = true)]
async fn conflict_unit() {
    for (unit, expected) in [(ConflictUnit::Row, 200), (ConflictUnit::Tablet, 409)] {
        let (_, mut one, mut two) = server(|q| q.conflict_unit = unit).await;
        for (client, id) in [(&mut one, 1), (&mut two, 2)] {
            client.sql("BEGIN").await;
            client.ok(&format!("UPDATE t SET v = 'x' WHERE id = {id}")).await;
        }
        assert_eq!(one.sql("COMMIT").await.status(), 200);
        assert_eq!(two.sql("COMMIT").await.status(), expected, "{unit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn conflict_status_and_conflict_body() {
    for (status, body) in [(409, ConflictBody::Text), (400, ConflictBody::Json)] {
        let (_, mut one, mut two) = server(|q| {
            q.conflict_status = status;
            q.conflict_body = body;
        })
        .await;
        let lost = lost_commit(&mut one, &mut two).await;
        assert_eq!(lost.status(), status);
        let text = match body {
            ConflictBody::Text => lost.body().to_owned(),
            ConflictBody::Json => lost.error(),
        };
        assert!(text.starts_with("Failed to commit transaction, error: 'detected 1"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn autocommit_conflict_status() {
    for status in [409, 500] {
        let script = Script::new();
        script.takes("MERGE", Duration::from_secs(20));
        let config = quirks(|q| q.autocommit_conflict_status = status);
        let fake = fake_with(&script, config);
        let mut one = Client::sign_on(&fake, "worker-1").await;
        let mut two = Client::sign_on(&fake, "worker-2").await;
        let (first, second) = (upsert(1, "x"), upsert(1, "y"));
        let (first, second) = tokio::join!(one.sql(&first), async {
            sleep(Duration::from_secs(1)).await;
            two.sql(&second).await
        });
        assert_eq!((first.status(), second.status()), (200, status));
    }
}

#[tokio::test(start_paused = true)]
async fn ddl_conflict_status() {
    for status in [409, 400] {
        let (_, mut one, mut two) = server(|q| q.ddl_conflict_status = status).await;
        two.sql("BEGIN").await;
        two.ok("UPDATE t SET v = 'x' WHERE id = 1").await;
        one.ok("ALTER TABLE t ADD COLUMN w TEXT NULL").await;
        assert_eq!(two.sql("COMMIT").await.status(), status, "DML against DDL");
        two.sql("ROLLBACK").await;
        two.sql("BEGIN").await;
        two.ok("CREATE TABLE u (id INTEGER)").await;
        one.ok("CREATE TABLE u (id INTEGER)").await;
        assert_eq!(two.sql("COMMIT").await.status(), status, "DDL against DDL");
        two.sql("ROLLBACK").await;
        assert_eq!(lost_commit(&mut one, &mut two).await.status(), 409, "rows are not names");
    }
}

#[tokio::test(start_paused = true)]
async fn cannot_be_retried_and_its_status() {
    for (quirk, status, expected) in [
        (CannotBeRetried::BeforeCommit, 500, "1=a 2=b"),
        (CannotBeRetried::AfterCommit, 503, "1=a 2=b 3=c"),
    ] {
        let script = Script::new();
        script.takes("MERGE", Duration::from_secs(20));
        let config = quirks(|q| {
            q.cannot_be_retried = quirk;
            q.cannot_be_retried_status = status;
        });
        let fake = fake_with(&script, config);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let merge = upsert(3, "c");
        let (heard, ()) = tokio::join!(client.sql(&merge), async {
            sleep(Duration::from_secs(1)).await;
            fake.restart_engine(Duration::from_secs(5));
        });
        let text = "Query of type 'DML Merge' cannot be retried";
        assert_eq!((heard.status(), heard.body()), (status, text));
        assert_eq!(rows(&fake), expected, "{quirk:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn restart_transactions() {
    for (quirk, expected) in
        [(RestartTransactions::Lost, "1=a 2=b"), (RestartTransactions::Survive, "1=a 2=b 3=c")]
    {
        let (fake, mut client, _) = server(|q| q.restart_transactions = quirk).await;
        client.sql("BEGIN").await;
        client.ok("INSERT INTO t VALUES (3, 'c')").await;
        fake.restart_engine(Duration::from_secs(5));
        client.reconnect().await;
        let committed = client.sql("COMMIT").await;
        assert_eq!(committed.status() == 200, quirk == RestartTransactions::Survive);
        assert_eq!(rows(&fake), expected, "{quirk:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn transaction_idle_seconds() {
    for (seconds, status) in [(0, 200), (30, 400)] {
        let (fake, mut client, _) = server(|q| q.transaction_idle_seconds = seconds).await;
        client.sql("BEGIN").await;
        client.ok("INSERT INTO t VALUES (3, 'c')").await;
        sleep(Duration::from_secs(20)).await;
        client.ok("SELECT 1").await;
        sleep(Duration::from_secs(20)).await;
        client.ok("SELECT 1").await;
        sleep(Duration::from_secs(31)).await;
        let late = client.sql("INSERT INTO t VALUES (4, 'd')").await;
        assert_eq!(late.status(), status, "{late:?}");
        let ended = client.sql("COMMIT").await;
        if seconds == 0 {
            assert_eq!(rows(&fake), "1=a 2=b 3=c 4=d");
        } else {
            assert_eq!(ended.error(), NOTHING_TO_COMMIT);
            assert_eq!(rows(&fake), "1=a 2=b");
            // The session must be able to get rid of the id.
            let rolled_back = client.sql("ROLLBACK").await;
            assert_eq!(rolled_back.header("firebolt-remove-parameters"), Some("transaction_id"));
        }
        assert_eq!(fake.open_transactions(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_takes_long_is_not_idle() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(100));
    let fake = fake_with(&script, quirks(|q| q.transaction_idle_seconds = 30));
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(client.sql("COMMIT").await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn transaction_duration_seconds() {
    for (seconds, expected) in [(0, "1=a 2=b 3=c"), (30, "1=a 2=b")] {
        let (fake, mut client, _) = server(|q| q.transaction_duration_seconds = seconds).await;
        client.sql("BEGIN").await;
        client.ok("INSERT INTO t VALUES (3, 'c')").await;
        for _ in 0..4 {
            sleep(Duration::from_secs(10)).await;
            client.sql("SELECT 1").await;
        }
        client.sql("COMMIT").await;
        assert_eq!(rows(&fake), expected, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn open_transactions_max() {
    for (max, status) in [(0, 200), (1, 400)] {
        let (fake, mut one, mut two) = server(|q| q.open_transactions_max = max).await;
        one.sql("BEGIN").await;
        let refused = two.sql("BEGIN").await;
        assert_eq!(refused.status(), status, "{refused:?}");
        assert_eq!(fake.open_transactions(), if max == 0 { 2 } else { 1 });
        one.sql("ROLLBACK").await;
        two.sql("ROLLBACK").await;
        assert_eq!(two.sql("BEGIN").await.status(), 200, "there is room again");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_commit() {
    for (quirk, open, expected) in [
        (FailedCommit::Aborted, 1, "current transaction is aborted"),
        (FailedCommit::Ended, 0, "is not in progress"),
    ] {
        let (fake, mut one, mut two) = server(|q| q.failed_commit = quirk).await;
        assert_eq!(lost_commit(&mut one, &mut two).await.status(), 409);
        assert_eq!(fake.open_transactions(), open, "{quirk:?}");
        let heard = two.sql("SELECT 1").await.error();
        assert!(heard.contains(expected), "{quirk:?}: {heard}");
        let ended = two.sql("ROLLBACK").await;
        assert_eq!(ended.status(), 200, "whatever is left, ROLLBACK ends it");
        assert_eq!(ended.header("firebolt-remove-parameters"), Some("transaction_id"));
    }
}

#[tokio::test(start_paused = true)]
async fn failed_commit_removes_id() {
    for removes in [false, true] {
        let (_, mut one, mut two) = server(|q| q.failed_commit_removes_id = removes).await;
        let lost = lost_commit(&mut one, &mut two).await;
        assert_eq!(lost.header("firebolt-remove-parameters").is_some(), removes);
        assert_eq!(two.parameters.contains_key("transaction_id"), !removes);
    }
}

#[tokio::test(start_paused = true)]
async fn rollback_of_unknown() {
    for (quirk, status) in [(Acceptance::Accept, 200), (Acceptance::Refuse, 400)] {
        let (_, mut client, _) = server(|q| q.rollback_of_unknown = quirk).await;
        client.parameters.insert("transaction_id".to_owned(), "0".repeat(20));
        let heard = client.sql("ROLLBACK").await;
        assert_eq!(heard.status(), status);
        let removed = heard.header("firebolt-remove-parameters").is_some();
        assert_eq!(removed, quirk == Acceptance::Accept);
    }
}

#[tokio::test(start_paused = true)]
async fn duplicate_commit() {
    for (quirk, status) in [(Acceptance::Refuse, 400), (Acceptance::Accept, 200)] {
        let (fake, mut client, _) = server(|q| q.duplicate_commit = quirk).await;
        client.sql("BEGIN").await;
        client.ok("INSERT INTO t VALUES (3, 'c')").await;
        let id = client.parameters["transaction_id"].clone();
        client.sql("COMMIT").await;
        client.parameters.insert("transaction_id".to_owned(), id);
        assert_eq!(client.sql("COMMIT").await.status(), status);
        assert_eq!(rows(&fake), "1=a 2=b 3=c", "in no case twice");
        client.parameters.insert("transaction_id".to_owned(), "0".repeat(20));
        assert_eq!(client.sql("COMMIT").await.error(), NOTHING_TO_COMMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn transaction_sequence_id() {
    let update = "firebolt-update-parameters";
    for quirk in [SequenceId::Absent, SequenceId::Sent, SequenceId::Checked] {
        let (fake, mut client, _) = server(|q| q.transaction_sequence_id = quirk).await;
        let begun = client.sql("BEGIN").await;
        let id = client.parameters["transaction_id"].clone();
        if quirk == SequenceId::Absent {
            assert_eq!(begun.headers(update), [format!("transaction_id={id}")]);
        } else {
            // One line with one pair for each parameter: what every client reads alike.
            let expected = [format!("transaction_id={id}"), "transaction_sequence_id=1".to_owned()];
            assert_eq!(begun.headers(update), expected);
        }
        let step = client.sql("INSERT INTO t VALUES (3, 'c')").await;
        let expected: &[&str] =
            if quirk == SequenceId::Absent { &[] } else { &["transaction_sequence_id=2"] };
        assert_eq!(step.headers(update), expected);
        // A request that comes a second time, with the step of the first.
        client.parameters.insert("transaction_sequence_id".to_owned(), "1".to_owned());
        let again = client.sql("INSERT INTO t VALUES (3, 'c')").await;
        if quirk == SequenceId::Checked {
            assert!(again.error().contains("2 is expected"), "{again:?}");
            client.parameters.insert("transaction_sequence_id".to_owned(), "2".to_owned());
        } else {
            assert_eq!(again.status(), 200);
        }
        let ended = client.sql("COMMIT").await;
        assert_eq!(ended.status(), 200, "{ended:?}");
        let removed = ended.headers("firebolt-remove-parameters").len();
        assert_eq!(removed, if quirk == SequenceId::Absent { 1 } else { 2 });
        let once = quirk == SequenceId::Checked;
        assert_eq!(rows(&fake), if once { "1=a 2=b 3=c" } else { "1=a 2=b 3=c 3=c" });
    }
}

#[tokio::test(start_paused = true)]
async fn old_protocol_begin() {
    use bytes::Bytes;
    for (quirk, version, status) in [
        (Acceptance::Refuse, "2.3", 400),
        (Acceptance::Refuse, "2.4", 200),
        (Acceptance::Refuse, "3.0", 200),
        (Acceptance::Accept, "2.3", 200),
    ] {
        let (fake, mut client, _) = server(|q| q.old_protocol_begin = quirk).await;
        let request = http::Request::post("/?output_format=JSON_Compact")
            .header("authorization", format!("Bearer {}", client.token))
            .header("Firebolt-Protocol-Version", version)
            .body(http_body_util::Full::new(Bytes::from("BEGIN")))
            .expect("a request");
        let heard = client.wire.send(request).await;
        assert_eq!(heard.status(), status, "{quirk:?} {version}");
        assert_eq!(fake.open_transactions(), usize::from(status == 200));
        if status == 400 {
            assert!(heard.error().contains("Firebolt-Protocol-Version 2.4"), "{heard:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn current_timestamp() {
    for (quirk, same) in [(TimestampRule::Statement, false), (TimestampRule::Transaction, true)] {
        let (_, mut client, _) = server(|q| q.current_timestamp = quirk).await;
        client.sql("BEGIN").await;
        sleep(Duration::from_secs(5)).await;
        let first = client.ok("SELECT CURRENT_TIMESTAMP").await;
        sleep(Duration::from_secs(5)).await;
        let second = client.ok("SELECT CURRENT_TIMESTAMP").await;
        assert_eq!(first == second, same, "{quirk:?}: {first} {second}");
        client.sql("COMMIT").await;
        assert_ne!(client.ok("SELECT CURRENT_TIMESTAMP").await, first);
    }
}

#[tokio::test(start_paused = true)]
async fn queued_snapshot() {
    for (quirk, expected) in [(QueuedSnapshot::Start, "3"), (QueuedSnapshot::Arrival, "2")] {
        let (fake, mut one, _) = server(|q| q.queued_snapshot = quirk).await;
        fake.restart_engine(Duration::from_secs(10));
        one.reconnect().await;
        let (seen, ()) = tokio::join!(one.sql("SELECT COUNT(*) FROM t"), async {
            sleep(Duration::from_secs(5)).await;
            fake.setup("INSERT INTO t VALUES (3, 'c')").expect("a row");
        });
        assert_eq!(seen.data(), json!([[expected]]), "{quirk:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn auto_start() {
    for (auto_start, status) in [(true, 200), (false, 404)] {
        let (fake, mut client, _) = server(|q| q.auto_start = auto_start).await;
        fake.stop_engine();
        client.reconnect().await;
        let heard = client.sql("SELECT 1").await;
        assert_eq!(heard.status(), status);
        assert_eq!(heard.body().contains("it is stopped"), !auto_start);
    }
}

#[tokio::test(start_paused = true)]
async fn use_engine() {
    for (base, endpoint) in [
        ("http://127.0.0.1:3473/", "http://127.0.0.1:3473/?engine=my+engine"),
        ("https://a.api.test/", "a.api.test/?engine=my+engine"),
    ] {
        for (answer, told, parameter) in [
            (UseEngine::Parameters, vec![], vec!["engine=my engine"]),
            (UseEngine::Endpoint, vec![endpoint], vec![]),
            (UseEngine::Both, vec![endpoint], vec!["engine=my engine"]),
        ] {
            let mut config = quirks(|q| q.use_engine = answer);
            config.base_url = base.to_owned();
            config.engine = "my engine".to_owned();
            let fake = fake_with(&Script::new(), config);
            let mut client = Client::sign_on(&fake, "worker-1").await;
            let heard = client.sql("USE ENGINE \"my engine\"").await;
            assert_eq!(heard.headers("firebolt-update-endpoint"), told, "{answer:?}");
            assert_eq!(heard.headers("firebolt-update-parameters"), parameter, "{answer:?}");
            let database = client.sql("USE DATABASE \"database\"").await;
            assert_eq!(database.header("firebolt-update-endpoint"), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn session_headers() {
    for (form, lines) in [(SessionHeaders::Lines, 2), (SessionHeaders::List, 1)] {
        let (_, mut one, _) = server(|q| {
            q.session_headers = form;
            q.transaction_sequence_id = SequenceId::Sent;
        })
        .await;
        let heard = one.post("/?output_format=JSON_Compact", "BEGIN").await;
        let told = heard.headers("firebolt-update-parameters");
        assert_eq!(told.len(), lines, "{form:?}");
        let told = told.join(",");
        let (id, step) = told.split_once(',').expect("two pairs");
        assert!(id.starts_with("transaction_id=") && step == "transaction_sequence_id=1", "{told}");
        let path = format!("/?output_format=JSON_Compact&{id}&{step}");
        let ended = one.post(&path, "COMMIT").await;
        let removed = ended.headers("firebolt-remove-parameters");
        assert_eq!(removed.len(), lines, "{form:?}");
        assert_eq!(removed.join(","), "transaction_id,transaction_sequence_id");
    }
}
