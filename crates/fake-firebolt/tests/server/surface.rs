//! What is served and what is not, besides queries; SET; settings.

use std::time::Duration;

use fake_firebolt::FakeConfig;
use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::harness::{Client, Script, fake, fake_with, rows};

#[tokio::test(start_paused = true)]
async fn what_the_server_is_not_is_a_404() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for path in ["/.well-known/firebolt", "/", "/ping", "/iam/v2/account", "/web/v3/myAccounts"] {
        assert_eq!(client.get(path).await.status(), 404, "GET {path}");
    }
    for path in ["/auth/v1/login", "/auth/v1/refresh", "/iam/v2/account", "/core/v1/accounts/1"] {
        let heard = client.post(path, "{\"username\":\"u\",\"password\":\"p4ss\"}").await;
        assert_eq!(heard.status(), 404, "POST {path}");
        assert!(!heard.body().contains("p4ss"), "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_may_be_sent_to_any_other_path() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for path in ["/", "/query", "/some/where", "/?", "/?&", "/query?&database=database&engine="] {
        assert_eq!(client.post(path, "SELECT 1").await.status(), 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_refused_by_name() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let request = Request::post("/")
        .header("authorization", format!("Bearer {}", client.token))
        .header("content-type", "multipart/form-data; boundary=x")
        .body(Full::new(bytes::Bytes::from("--x--")))
        .expect("a request");
    let heard = client.wire.send(request).await;
    assert!(heard.error().contains("uploads"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn set_tells_the_client_what_to_repeat() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.sql("SET statement_timeout = 1500").await;
    assert_eq!(heard.headers("firebolt-update-parameters"), ["statement_timeout=1500"]);
    assert_eq!(client.parameters["statement_timeout"], "1500");
    for (sql, expected) in [
        ("SET bad_param = 1", "Unknown setting 'bad_param'"),
        ("SET statement_timeout = 'soon'", "expected a whole number"),
        ("SET database = other", "cannot be set: send USE DATABASE"),
        ("SET output_format = PSQL", "it belongs to the request"),
        ("SET query_label = 'a,b=c'", "send the setting as a URL parameter"),
    ] {
        let heard = client.sql(sql).await.error();
        assert!(heard.contains(expected), "{sql}: {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_is_no_part_of_a_transaction() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    assert_eq!(client.sql("SET max_threads = 2").await.status(), 200);
    assert_eq!(client.sql("SET bad_param = 2").await.status(), 400);
    // The Python SDK's way: the parameter, and a statement that does nothing.
    client.parameters.insert("bad_param".to_owned(), "1".to_owned());
    assert_eq!(client.sql("select 1").await.status(), 400);
    client.parameters.remove("bad_param");
    assert_eq!(rows(&fake), "1=a 2=b", "nothing has committed it");
    assert_eq!(client.sql("COMMIT").await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn a_running_query_is_cancelled_by_whoever_knows_its_id() {
    let script = Script::new();
    script.takes("VALUES", Duration::from_secs(60));
    let fake = fake(&script);
    let mut one = Client::sign_on(&fake, "worker-1").await;
    let mut two = Client::sign_on(&fake, "worker-2").await;
    let running = "SELECT query_id FROM information_schema.engine_running_queries \
                   WHERE query_text LIKE 'INSERT%'";
    let (heard, ()) = tokio::join!(one.sql("INSERT INTO t VALUES (3, 'c')"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let id = two.ok(running).await[0][0].as_str().expect("an id").to_owned();
        let cancelled = two.sql(&format!("CANCEL QUERY WHERE query_id = '{id}'")).await;
        assert_eq!(cancelled.status(), 200, "{cancelled:?}");
    });
    assert_eq!(heard.error(), "The query was canceled");
    assert_eq!(rows(&fake), "1=a 2=b");
    let strange = two.sql("CANCEL QUERY WHERE query_id = 'nobody'").await;
    assert_eq!(strange.error(), "Query 'nobody' is not running");
    let mut stranger = Client::stranger(&fake, "worker-3").await;
    assert_eq!(stranger.post("/cancel?query_id=nobody", "").await.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_takes_its_statement_along_if_it_said_so() {
    for (setting, expected) in [("all", "1=a 2=b"), ("none", "1=a 2=b 3=c")] {
        let script = Script::new();
        script.takes("INSERT", Duration::from_secs(10));
        let fake = fake(&script);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let name = "cancel_query_on_connection_drop".to_owned();
        client.parameters.insert(name, setting.to_owned());
        let sending = client.sql("INSERT INTO t VALUES (3, 'c')");
        assert!(tokio::time::timeout(Duration::from_secs(1), sending).await.is_err());
        drop(client);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(rows(&fake), expected, "{setting}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_database_or_engine_is_named() {
    let config = FakeConfig { client_id: String::new(), ..FakeConfig::default() };
    let fake = fake_with(&Script::new(), config);
    let mut client = Client::stranger(&fake, "worker-1").await;
    for (sql, expected) in [
        ("USE DATABASE \"other\"", "Database 'other' does not exist or not authorized"),
        ("USE other", "Database 'other' does not exist or not authorized"),
        ("USE ENGINE other", "Engine 'other' does not exist or not authorized"),
    ] {
        assert_eq!(client.sql(sql).await.error(), expected, "{sql}");
    }
    client.parameters.insert("output_format".to_owned(), "JSON_Compact".to_owned());
    assert_eq!(client.ok("SELECT 1;").await, json!([[1]]));
    assert_eq!(client.ok("").await, json!([]));
}
