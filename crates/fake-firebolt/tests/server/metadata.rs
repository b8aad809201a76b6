//! The views on the server itself: history, running queries, transactions.

use std::time::Duration;

use fake_firebolt::quirks::{Quirks, TransactionId, TransactionsView};
use fake_firebolt::{FakeConfig, Phase, Verdict};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::{Client, Script, fake, fake_with};

fn quirks(change: impl FnOnce(&mut Quirks)) -> FakeConfig {
    let mut config = FakeConfig::default();
    change(&mut config.quirks);
    config
}

/// Status and label of each row of the history that has a label, once it is written.
async fn history(client: &mut Client) -> Value {
    client.parameters.remove("query_label");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let sql = "SELECT status, query_label FROM information_schema.engine_query_history \
               WHERE query_label IS NOT NULL";
    client.ok(sql).await
}

async fn labelled(client: &mut Client, label: &str, sql: &str) {
    client.parameters.insert("query_label".to_owned(), label.to_owned());
    client.sql(sql).await;
}

#[tokio::test(start_paused = true)]
async fn each_statement_has_a_row_for_its_start_and_one_for_its_end() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(7));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    labelled(&mut client, "good", "INSERT INTO t VALUES (3, 'c')").await;
    labelled(&mut client, "bad", "SELECT * FROM nowhere").await;
    labelled(&mut client, "unread", "SELEKT").await;
    client.parameters.insert("statement_timeout".to_owned(), "1000".to_owned());
    labelled(&mut client, "late", "INSERT INTO t VALUES (4, 'd')").await;
    client.parameters.remove("statement_timeout");
    assert_eq!(
        history(&mut client).await,
        json!([
            ["STARTED_EXECUTION", "good"],
            ["ENDED_SUCCESSFULLY", "good"],
            ["STARTED_EXECUTION", "bad"],
            ["EXECUTION_ERROR", "bad"],
            ["PARSE_ERROR", "unread"],
            ["STARTED_EXECUTION", "late"],
            ["CANCELED_EXECUTION", "late"],
        ])
    );
    let sql = "SELECT duration_us, inserted_rows, returned_rows, query_text, user_name \
               FROM information_schema.engine_query_history \
               WHERE query_label = 'good' AND status = 'ENDED_SUCCESSFULLY'";
    let row = json!([["7000000", "1", "0", "INSERT INTO t VALUES (3, 'c')", "client"]]);
    assert_eq!(client.ok(sql).await, row);
}

#[tokio::test(start_paused = true)]
async fn the_history_tells_what_happened_and_not_what_the_client_heard() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    script.at(Phase::Committed, "'c'", Verdict::Cut);
    labelled(&mut client, "committed", "INSERT INTO t VALUES (3, 'c')").await;
    client.reconnect().await;
    script.at(Phase::Executing, "'d'", Verdict::Cut);
    labelled(&mut client, "lost", "INSERT INTO t VALUES (4, 'd')").await;
    client.reconnect().await;
    assert_eq!(
        history(&mut client).await,
        json!([
            ["STARTED_EXECUTION", "committed"],
            ["ENDED_SUCCESSFULLY", "committed"],
            ["STARTED_EXECUTION", "lost"],
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn quirk_history_delay_millis() {
    for (delay, seen) in [(0, 2), (2_000, 0)] {
        let fake = fake_with(&Script::new(), quirks(|q| q.history_delay_millis = delay));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.ok("SELECT 1 AS first").await;
        let sql = "SELECT query_id FROM information_schema.engine_query_history";
        let rows = client.ok(sql).await;
        assert_eq!(rows.as_array().expect("rows").len(), seen, "{delay}");
    }
}

#[tokio::test(start_paused = true)]
async fn quirk_history_statements_max() {
    for (max, expected) in [(10_000, json!([["a"], ["b"], ["c"]])), (2, json!([["b"], ["c"]]))] {
        let fake = fake_with(&Script::new(), quirks(|q| q.history_statements_max = max));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        for label in ["a", "b", "c"] {
            labelled(&mut client, label, "SELECT 1").await;
        }
        client.parameters.remove("query_label");
        tokio::time::sleep(Duration::from_secs(3)).await;
        let sql = "SELECT DISTINCT query_label FROM information_schema.engine_query_history \
                   ORDER BY query_label";
        assert_eq!(client.ok(sql).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn quirk_history_survives_stop() {
    for (survives, expected) in [(false, json!([])), (true, json!([["kept"], ["kept"]]))] {
        let fake = fake_with(&Script::new(), quirks(|q| q.history_survives_stop = survives));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        labelled(&mut client, "kept", "SELECT 1").await;
        client.parameters.remove("query_label");
        fake.stop_engine();
        client.reconnect().await;
        let sql = "SELECT query_label FROM information_schema.engine_query_history \
                   WHERE query_label = 'kept'";
        client.ok("SELECT 1").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(client.ok(sql).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_history_of_users_lacks_what_programs_ask() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let request = Request::post("/?query_label=machine")
        .header("authorization", format!("Bearer {}", client.token))
        .header("Firebolt-Machine-Query", "true")
        .body(Full::new(bytes::Bytes::from("SELECT 1")))
        .expect("a request");
    assert_eq!(client.wire.send(request).await.status(), 200);
    labelled(&mut client, "person", "SELECT 1").await;
    client.parameters.remove("query_label");
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (view, expected) in [
        ("engine_query_history", json!([["machine"], ["person"]])),
        ("engine_user_query_history", json!([["person"]])),
    ] {
        let sql = format!(
            "SELECT DISTINCT query_label FROM information_schema.{view} \
             WHERE query_label IS NOT NULL ORDER BY query_label"
        );
        assert_eq!(client.ok(&sql).await, expected, "{view}");
    }
}

#[tokio::test(start_paused = true)]
async fn transactions_have_the_places_where_they_began_and_committed() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    let id = client.parameters["transaction_id"].clone();
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    let mut other = Client::sign_on(&fake, "worker-2").await;
    let all = "SELECT begin_lsn, commit_lsn, state FROM information_schema.transactions";
    let running = other.ok(all).await;
    assert_eq!(running, json!([[id, null, "RUNNING"]]));
    client.sql("COMMIT").await;
    client.sql("BEGIN").await;
    client.sql("ROLLBACK").await;
    client.sql("BEGIN").await;
    client.sql("SELECT * FROM nowhere").await;
    other.ok("INSERT INTO t VALUES (4, 'd')").await;
    let rows = other.ok(all).await;
    let states: Vec<_> = rows.as_array().expect("rows").iter().map(|row| &row[2]).collect();
    assert_eq!(states, ["COMMITTED", "ROLLED_BACK", "ABORTED", "COMMITTED"]);
    assert_eq!(rows[0][0], json!(id));
    assert!(rows[0][1].as_str() > rows[0][0].as_str(), "one ascending sequence: {rows}");
    assert_eq!(rows[1][1], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn quirk_transactions_view_and_transactions_max() {
    let sql = "SELECT * FROM information_schema.transactions";
    for (view, max, expected) in [
        (TransactionsView::Full, 1_000, (5, 3)),
        (TransactionsView::Lsns, 1_000, (2, 3)),
        (TransactionsView::Full, 2, (5, 2)),
    ] {
        let config = quirks(|q| {
            q.transactions_view = view;
            q.transactions_max = max;
        });
        let fake = fake_with(&Script::new(), config);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        for id in 3..6 {
            client.ok(&format!("INSERT INTO t VALUES ({id}, 'x')")).await;
        }
        let heard = client.sql(sql).await;
        let columns = heard.json()["meta"].as_array().expect("columns").len();
        let rows = heard.data().as_array().expect("rows").len();
        assert_eq!((columns, rows), expected, "{view:?} {max}");
    }
}

#[tokio::test(start_paused = true)]
async fn quirk_transaction_id() {
    for (kind, length) in [(TransactionId::Lsn, 20), (TransactionId::Opaque, 36)] {
        let fake = fake_with(&Script::new(), quirks(|q| q.transaction_id = kind));
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.sql("BEGIN").await;
        let id = client.parameters["transaction_id"].clone();
        assert_eq!(id.len(), length);
        let sql = "SELECT begin_lsn FROM information_schema.transactions";
        let rows = client.ok(sql).await;
        assert_eq!(rows == json!([[id]]), kind == TransactionId::Lsn, "{rows}");
        assert_eq!(client.sql("COMMIT").await.status(), 200);
    }
}
