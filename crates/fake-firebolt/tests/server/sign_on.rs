//! Tokens, accounts, and what the URL parameters may say.

use std::time::Duration;

use bytes::Bytes;
use fake_firebolt::{FakeConfig, Phase, Verdict};
use http::Request;
use http_body_util::Full;

use crate::harness::{Client, Heard, Script, Wire, fake, fake_with};

#[tokio::test(start_paused = true)]
async fn the_whole_way_from_credentials_to_a_row() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let url = client.get("/web/v3/account/account/engineUrl").await;
    assert_eq!(url.json()["engineUrl"], "http://engine.fake.invalid/");
    let used = client.sql("USE DATABASE \"database\"").await;
    assert_eq!(used.header("firebolt-update-parameters"), Some("database=database"));
    let used = client.sql("USE ENGINE \"engine\"").await;
    assert_eq!(used.header("firebolt-update-parameters"), Some("engine=engine"));
    assert_eq!(client.parameters["engine"], "engine");
    let reply = client.sql("SELECT id, v FROM t ORDER BY id").await;
    assert_eq!(reply.data(), serde_json::json!([[1, "a"], [2, "b"]]));
    assert_eq!(reply.header("date"), None, "a date would differ between two runs of one seed");
    assert_eq!(fake.panics(), 0);
}

#[tokio::test(start_paused = true)]
async fn credentials_as_json_are_credentials_too() {
    let fake = fake(&Script::new());
    let mut wire = Wire::open(&fake, "worker-1").await;
    let request = |secret: &str| {
        let body = serde_json::json!({
            "client_id": "client", "client_secret": secret,
            "grant_type": "client_credentials", "audience": "https://api.firebolt.io",
        });
        Request::post("/oauth/token")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request")
    };
    let granted = wire.send(request("secret")).await.json();
    let keys: Vec<_> = granted.as_object().expect("an object").keys().cloned().collect();
    // The Go SDK refuses any further field.
    assert_eq!(keys, ["access_token", "expires_in", "token_type"]);
    assert_eq!(granted["expires_in"], 86_400);
    let refused = wire.send(request("wrong")).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json()["error"], "access_denied");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_account_is_a_404() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.get("/web/v3/account/nobody/engineUrl").await;
    assert_eq!(heard.status(), 404);
    client.token = "guess".to_owned();
    assert_eq!(client.get("/web/v3/account/account/engineUrl").await.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn a_401_comes_before_anything_is_executed() {
    let script = Script::new();
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    fake.expire_tokens();
    assert_eq!(client.sql("INSERT INTO t VALUES (3, 'c')").await.status(), 401);
    assert_eq!(script.points("INSERT"), ["received", "answered"]);
    assert_eq!(fake.commits().len(), 2, "the two of the seed");
    let mut again = Client::sign_on(&fake, "worker-1").await;
    assert_eq!(again.sql("INSERT INTO t VALUES (3, 'c')").await.status(), 200);
    assert_eq!(script.commits().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_by_itself() {
    let config = FakeConfig { token_life: Duration::from_secs(60), ..FakeConfig::default() };
    let fake = fake_with(&Script::new(), config);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(client.sql("SELECT 1").await.status(), 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(client.sql("SELECT 1").await.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn core_asks_for_no_token() {
    let config = FakeConfig { client_id: String::new(), ..FakeConfig::default() };
    let fake = fake_with(&Script::new(), config);
    let mut client = Client::stranger(&fake, "worker-1").await;
    let reply = client.post("/?output_format=JSON_Compact", "SELECT 1").await;
    assert_eq!(reply.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_not_know_is_refused_by_name() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for (path, status, text) in [
        ("/?bad_param=1", 400, "Unknown setting 'bad_param'"),
        ("/?database=other", 400, "Database 'other' does not exist or not authorized"),
        ("/?engine=other", 404, "Engine 'other' does not exist or not authorized"),
        ("/?execution_mode=describe_parameters", 400, "execution_mode=describe_parameters"),
        ("/?output_format=ArrowStream", 404, "Output format 'ArrowStream' is not supported"),
    ] {
        let heard = client.post(path, "INSERT INTO t VALUES (3, 'c')").await;
        assert_eq!(heard.status(), status, "{path}");
        assert!(heard.body().contains(text), "{path}: {heard:?}");
    }
    let heard = client.sql("USE ENGINE \"other\"").await;
    assert!(heard.error().contains("Engine 'other' does not exist or not authorized"));
    assert_eq!(fake.commits().len(), 2, "none of them was executed");
}

#[tokio::test(start_paused = true)]
async fn a_comment_is_a_statement_that_does_nothing() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.sql("--Validating SET a=1").await;
    assert_eq!(heard.data(), serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn the_other_formats_are_written_too() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let tsv = client.post("/?database=database", "SELECT id, v FROM t ORDER BY id").await;
    assert_eq!(tsv.body(), "id\tv\ninteger\ttext null\n1\ta\n2\tb\n");
    let lines =
        client.post("/?output_format=JSONLines_Compact", "SELECT id FROM t ORDER BY id").await;
    assert!(lines.body().contains("{\"message_type\":\"DATA\",\"data\":[[1],[2]]}"), "{lines:?}");
    assert!(lines.body().ends_with("}\n") && lines.body().contains("FINISH_SUCCESSFULLY"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_sign_on_is_a_fault_like_any_other() {
    let script = Script::new();
    let fake = fake(&script);
    script.at(Phase::Answered, "", Verdict::Cut);
    let mut client = Client::stranger(&fake, "worker-1").await;
    let heard = client.post("/oauth/token", "grant_type=client_credentials").await;
    assert_eq!(heard, Heard::Nothing);
}
