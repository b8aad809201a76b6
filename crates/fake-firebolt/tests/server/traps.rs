//! What the clients' sources and the vendor's tests taught about the wire, and no other file shows:
//! docs/fidelity.md lists all of these traps, with the test of each.

use bytes::Bytes;
use fake_firebolt::sql::StatementKind;
use fake_firebolt::{CannedReply, Does, Phase, Rule, gateway_reply};
use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::harness::{Client, Heard, Script, fake, rows};
use crate::rules::ruled;

const INSERT: &str = "INSERT INTO t VALUES (3, 'c')";

#[tokio::test(start_paused = true)]
async fn whatever_a_gateway_refuses_has_not_run() {
    let proxied = CannedReply::text(500, "Upstream failed with HTTP status code: 401");
    let redirect = CannedReply::text(307, "").with_header("location", "http://elsewhere.test/");
    let mut refusals = vec![proxied, redirect];
    // JDBC sends anything again after 408, 502, 503 and 504, the Node SDK after 403.
    let statuses = [401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504];
    refusals.extend(statuses.map(gateway_reply));
    for refusal in refusals {
        let rule = Rule::new("it", Does::RefuseRequest(refusal.clone())).on(StatementKind::Insert);
        let (fake, _) = ruled(vec![rule.at_most(1)]);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let heard = client.sql(INSERT).await;
        assert_eq!((heard.status(), heard.body().as_bytes()), (refusal.status, &refusal.body[..]));
        assert_eq!(rows(&fake), "1=a 2=b", "{}", refusal.status);
        assert_eq!(client.sql(INSERT).await.status(), 200, "sent once more, it runs once");
        assert_eq!(rows(&fake), "1=a 2=b 3=c", "{}", refusal.status);
    }
}

/// Without a Content-Type the Python SDK raises an error that is none of its own.
#[tokio::test(start_paused = true)]
async fn every_reply_names_its_content_type() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let mut heard = Vec::new();
    for sql in [
        "SELECT 1",
        "BEGIN",
        "ROLLBACK",
        INSERT,
        "SET max_threads = 1",
        "--",
        "SELEKT",
        "SELECT * FROM nowhere",
        "COMMIT",
        "CANCEL QUERY WHERE query_id = 'x'",
        "USE ENGINE \"x\"",
    ] {
        heard.push(client.sql(sql).await);
        heard.push(client.post("/?output_format=JSONLines_Compact", sql).await);
        heard.push(client.post("/", sql).await);
        heard.push(client.post("/?output_format=ArrowStream", sql).await);
    }
    heard.push(client.post("/oauth/token", "grant_type=password").await);
    heard.push(client.get("/web/v3/account/nobody/engineUrl").await);
    heard.push(client.get("/.well-known/firebolt").await);
    heard.push(client.post("/cancel?query_id=x", "").await);
    heard.push(client.sql("SELECT 1; SELECT 2").await);
    client.token.clear();
    heard.push(client.sql("SELECT 1").await);
    for heard in heard {
        let known = ["application/json", "application/jsonl", "text/plain", "text/tab-separated"];
        let found = heard.header("content-type").unwrap_or_default();
        assert!(known.iter().any(|known| found.starts_with(known)), "{heard:?}");
        assert!(heard.header("transfer-encoding").is_none(), "its length is known: {heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_may_say_any_content_type_or_none() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for kind in [None, Some("application/json"), Some("text/plain; charset=utf-8"), Some("x/y")] {
        let mut request = Request::post("/?output_format=JSON_Compact")
            .header("authorization", format!("Bearer {}", client.token))
            .header("firebolt-anything", "else");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let request = request.body(Full::new(Bytes::from("SELECT 1"))).expect("a request");
        assert_eq!(client.wire.send(request).await.data(), json!([[1]]), "{kind:?}");
    }
}

/// As the Python SDK behaves, which does not look at the status of its own BEGIN.
#[tokio::test(start_paused = true)]
async fn a_begin_whose_id_never_arrives_holds_nothing_together() {
    for does in
        [Does::RefuseRequest(gateway_reply(503)), Does::AnswerInstead(CannedReply::text(200, ""))]
    {
        let rule = Rule::new("it", does).on(StatementKind::Begin).at(Phase::Received);
        let (fake, _) = ruled(vec![rule]);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let begun = client.sql("BEGIN").await;
        assert_eq!(begun.header("firebolt-update-parameters"), None);
        client.ok(INSERT).await;
        assert_eq!(rows(&fake), "1=a 2=b 3=c", "it has committed by itself");
        let error = client.sql("ROLLBACK").await.error();
        assert_eq!(error, "Cannot ROLLBACK transaction: no transaction is in progress");
    }
}

/// The server itself never resets a session; a rule can, in every form that a client may meet.
#[tokio::test(start_paused = true)]
async fn session_headers_in_any_form_can_be_made_by_a_rule() {
    let reply = CannedReply::text(200, "")
        .with_header("Firebolt-Reset-Session", "true")
        .with_header("Firebolt-Update-Endpoint", "other.test/path?engine=e&account_id=1")
        .with_header("Firebolt-Update-Parameters", " a=1 , b=2=3")
        .with_header("Firebolt-Update-Parameters", "c=4")
        .with_header("Firebolt-Remove-Parameters", "d, e");
    let rule = Rule::new("it", Does::AnswerInstead(reply)).on(StatementKind::UseEngine);
    let (fake, _) = ruled(vec![rule.at(Phase::Executed)]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.post("/", "USE ENGINE \"engine\"").await;
    assert_eq!(heard.header("firebolt-reset-session"), Some("true"));
    let endpoint = heard.header("firebolt-update-endpoint");
    assert_eq!(endpoint, Some("other.test/path?engine=e&account_id=1"));
    assert_eq!(heard.headers("firebolt-update-parameters"), ["a=1 , b=2=3", "c=4"]);
    assert_eq!(heard.headers("firebolt-remove-parameters"), ["d, e"]);
}

#[tokio::test(start_paused = true)]
async fn what_json_has_no_number_for_is_a_string() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let sql = "SELECT 9223372036854775807, 'inf'::DOUBLE PRECISION, '-inf'::REAL, \
               'nan'::DOUBLE PRECISION, '1231232.123459999'::NUMERIC(38, 9), 'abc'::BYTEA, \
               [1, NULL], TIMESTAMPTZ '2025-01-02 03:04:05.6+05:30', DATE '0001-01-01'";
    let row = r#"["9223372036854775807","inf","-inf","nan","1231232.123459999","\\x616263",[1,null],"2025-01-01 21:34:05.6+00","0001-01-01"]"#;
    for format in ["JSON_Compact", "JSONLines_Compact"] {
        let heard = client.post(&format!("/?output_format={format}"), sql).await;
        assert!(heard.body().contains(&format!("\"data\":[{row}]")), "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_null_says_so_inside_of_its_type() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let sql = "SELECT id, v, ARRAY_AGG(v), [[id]], [v] FROM t GROUP BY ALL";
    let types = |meta: &serde_json::Value| -> Vec<String> {
        let columns = meta.as_array().expect("columns").iter();
        columns.map(|column| column["type"].as_str().expect("a type").to_owned()).collect()
    };
    let heard = client.sql(sql).await;
    let found = types(&heard.json()["meta"]);
    assert_eq!(found[..2], ["int", "text null"]);
    assert_eq!(
        found[2..],
        ["array(text null) null", "array(array(int null) null)", "array(text null)"]
    );
}

/// A stream that does not end with a FINISH line is a broken transfer and not a success.
#[tokio::test(start_paused = true)]
async fn a_cut_stream_has_no_finish_line() {
    let rule = Rule::new("it", Does::TruncateReply { bytes: usize::MAX });
    let (fake, _) = ruled(vec![rule.on(StatementKind::Select)]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.post("/?output_format=JSONLines_Compact", "SELECT id FROM t").await;
    let Heard::Broken { body } = heard else { panic!("{heard:?}") };
    assert!(body.contains("\"data\":[[1],[2]]"), "the rows are all there: {body}");
    assert!(!body.ends_with('\n'), "and the last line is not: {body}");
}

/// The bytes under `compress=1`, which are no text.
async fn packed(client: &mut Client, parameters: &str, sql: &str) -> (u16, Vec<u8>) {
    let request = Request::post(format!("/?{parameters}"))
        .header("authorization", format!("Bearer {}", client.token))
        .body(Full::new(Bytes::from(sql.to_owned())))
        .expect("a request");
    client.wire.send_raw(request).await
}

#[tokio::test(start_paused = true)]
async fn a_result_comes_in_blocks_of_lz4_where_that_is_asked_for() {
    let (fake, _) = ruled(vec![
        Rule::new("late", Does::FailLate { text: "boom".to_owned() }).sql("SELECT 'late'"),
    ]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let (status, body) = packed(&mut client, "compress=1", "SELECT 1 AS id").await;
    assert_eq!(status, 200);
    // What a ClickHouse client reads as "id\ninteger\n1\n", its checksum included.
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "373838cd3f3f0329869fc90807914cbe82170000000d000000d069640a696e74656765720a310a"
    );
    let json = "compress=true&output_format=JSON_Compact";
    for sql in ["SELECT 1; SELECT 2", "BEGIN", "SET max_threads = 1", "SELECT 'late'"] {
        let (status, body) = packed(&mut client, json, sql).await;
        assert_eq!((status, body[16]), (200, 0x82), "{sql}");
    }
    let (_, body) = packed(&mut client, "compress=1", "INSERT INTO t VALUES (3, 'c')").await;
    assert!(body.is_empty(), "nothing is no block");
    for (parameters, status) in
        [("compress=1", 400), ("compress=0", 400), ("compress=1&output_format=x", 404)]
    {
        let (found, body) = packed(&mut client, parameters, "SELECT nothing").await;
        assert_eq!(found, status);
        assert!(std::str::from_utf8(&body).is_ok_and(|text| text.is_ascii()), "{body:?}");
    }
    let (_, body) = packed(&mut client, "compress=0", "SELECT 1 AS id").await;
    assert_eq!(body, b"id\ninteger\n1\n");
}

#[tokio::test(start_paused = true)]
async fn jdbc_names_the_format_otherwise_and_asks_for_errors_in_json() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let path = "/?default_format=JSON_Compact&enable_json_error_output_format=1&compress=0";
    assert_eq!(client.post(path, "SELECT 1").await.data(), json!([[1]]));
    assert!(client.post(path, "SELECT nothing").await.error().contains("nothing"));
    let off = client.post("/?enable_json_error_output_format=0", "SELECT 1").await.error();
    assert!(off.contains("expected true, 1"), "{off}");
    assert!(
        client.sql("SET default_format = PSQL").await.error().contains("belongs to the request")
    );
}

#[tokio::test(start_paused = true)]
async fn max_result_rows_is_a_limit_of_every_select() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for (max, expected) in [("1", 1), ("5", 2), ("0", 2), ("-1", 2)] {
        client.parameters.insert("max_result_rows".to_owned(), max.to_owned());
        let found = client.ok("SELECT id FROM t ORDER BY id").await;
        assert_eq!(found.as_array().map(Vec::len), Some(expected), "{max}");
    }
    client.parameters.insert("max_result_rows".to_owned(), "1".to_owned());
    client.ok("INSERT INTO t SELECT id + 2, v FROM t").await;
    assert_eq!(rows(&fake), "1=a 2=b 3=a 4=b", "what is written is no result");
    client.sql("BEGIN").await;
    assert_eq!(client.ok("SELECT id FROM t ORDER BY id").await, json!([[1]]));
}

/// The server keeps no connection state: the id is a parameter of the URL and nothing else.
#[tokio::test(start_paused = true)]
async fn the_id_of_a_transaction_is_good_on_any_connection() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok(INSERT).await;
    client.reconnect().await;
    assert_eq!(client.ok("SELECT COUNT(*) FROM t").await, json!([["3"]]));
    // A new token in the middle changes nothing either.
    fake.expire_tokens();
    assert_eq!(client.sql("COMMIT").await.status(), 401);
    client.token = Client::sign_on(&fake, "worker-1").await.token;
    assert_eq!(client.sql("COMMIT").await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}
