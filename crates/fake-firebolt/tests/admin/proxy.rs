//! The proxy before a fake that knows nothing of rules: what the client sees, what is true behind
//! it, and what the counters say.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use fake_firebolt::admin::Admin;
use fake_firebolt::fault::{RuleFile, Side};
use fake_firebolt::proxy::Proxy;
use fake_firebolt::{FakeFirebolt, RuleHooks, RunningFake};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http::{ask, done};

const INSERT: &str = "INSERT INTO t VALUES (1)";

/// A proxy, what it stands before, and who relays.
struct Relay {
    fake: RunningFake,
    rules: Arc<RuleHooks>,
    address: String,
    serving: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Relay {
    /// Under rules as a file holds them.
    async fn new(rules: &str) -> Self {
        let start = FakeFirebolt::start().setup("CREATE TABLE t (id INTEGER)");
        Self::before(start.await.expect("a fake"), rules).await
    }

    async fn before(fake: RunningFake, rules: &str) -> Self {
        let file = RuleFile::from_toml(rules, Side::Wire).expect("rules");
        let hooks = Arc::new(RuleHooks::new(1).on_wire().with_statement_log());
        hooks.add_all(file.rules).expect("rules that mean something");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address").to_string();
        let upstream = fake.url().parse().expect("a URL");
        let own = format!("http://{address}/");
        let proxy = Proxy::new(upstream, &own, Arc::clone(&hooks), None).expect("a proxy");
        let serving = tokio::spawn(proxy.serve(listener));
        Self { fake, rules: hooks, address, serving }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let socket = TcpStream::connect(&self.address).await.expect("a socket");
        ask(socket, method, path, body).await
    }

    async fn insert(&self) -> Option<(u16, String)> {
        self.ask("POST", "/?output_format=JSON_Compact", INSERT).await
    }

    /// The raw bytes of the answer to the INSERT, or how reading ended.
    async fn raw(&self) -> Result<String, ErrorKind> {
        let mut socket = TcpStream::connect(&self.address).await.expect("a socket");
        let request = format!(
            "POST /?output_format=JSON_Compact HTTP/1.1\r\nhost: f\r\ncontent-length: {}\r\n\r\n\
             {INSERT}",
            INSERT.len()
        );
        socket.write_all(request.as_bytes()).await.expect("written");
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.map_err(|error| error.kind())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn rows(&self) -> usize {
        self.fake.sql("SELECT id FROM t").expect("rows").rows.len()
    }

    fn counted(&self) -> (u64, u64) {
        let rules = self.rules.rules();
        (rules[0].seen, rules[0].fired)
    }
}

/// One rule about INSERT.
fn rule(lines: &str) -> String {
    format!("[[fault]]\nname = 'it'\non = 'insert'\n{lines}")
}

#[tokio::test]
async fn without_rules_everything_goes_through() {
    let relay = Relay::new("").await;
    let (status, body) = relay.insert().await.expect("a reply");
    assert_eq!(status, 200, "{body}");
    let select = relay.ask("POST", "/?output_format=JSON_Compact", "SELECT id FROM t").await;
    assert!(select.expect("a reply").1.contains("\"data\":[[1]]"));
    let error = relay.ask("POST", "/", "SELECT nothing FROM t").await.expect("a reply");
    assert_eq!(error.0, 400);
    assert_eq!(relay.ask("GET", "/no/such/door", "").await.map(|it| it.0), Some(404));
    let names: Vec<_> = relay.rules.statements().0.iter().map(|it| it.request.name()).collect();
    assert_eq!(names, ["insert", "select", "select", "nothing"]);
}

#[tokio::test]
async fn connections_drop_before_and_after_the_service_has_answered() {
    for (does, reset) in [("drop-connection", false), ("reset-connection", true)] {
        for (at, rows) in [("received", 0), ("answered", 1)] {
            let relay = Relay::new(&rule(&format!("does = '{does}'\nat = '{at}'"))).await;
            let heard = relay.raw().await;
            let expected = if reset { Err(ErrorKind::ConnectionReset) } else { Ok(String::new()) };
            assert_eq!(heard, expected, "{does} at {at}");
            assert_eq!((relay.rows(), relay.counted()), (rows, (1, 1)), "{does} at {at}");
        }
    }
}

#[tokio::test]
async fn requests_and_replies_are_lost_in_silence() {
    for (lines, rows) in [
        ("does = 'lose-request'", 0),
        ("does = 'never-answer'\nat = 'received'", 0),
        ("does = 'never-answer'\nat = 'answered'", 1),
    ] {
        let relay = Relay::new(&rule(lines)).await;
        let patience = Duration::from_millis(300);
        assert!(tokio::time::timeout(patience, relay.insert()).await.is_err(), "{lines}");
        assert_eq!((relay.rows(), relay.counted()), (rows, (1, 1)), "{lines}");
    }
}

#[tokio::test]
async fn a_reply_breaks_off_in_the_middle() {
    let relay = Relay::new(&rule("does = 'truncate-reply'\nbytes = 5")).await;
    let heard = relay.raw().await.expect("an end");
    let (head, body) = heard.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(body.len(), 5, "{heard}");
    assert_eq!((relay.rows(), relay.counted()), (1, (1, 1)));
}

#[tokio::test]
async fn an_error_comes_behind_the_rows_of_the_service() {
    let rule = "[[fault]]\nname = 'it'\ndoes = 'fail-late'\ntext = 'out of memory'";
    let relay = Relay::new(rule).await;
    let (status, body) = relay.insert().await.expect("a reply");
    assert_eq!((status, relay.rows()), (200, 1));
    let read: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(read["errors"][0]["description"], "out of memory");
    let lines = relay.ask("POST", "/?output_format=JSONLines_Compact", "SELECT id FROM t").await;
    let (_, body) = lines.expect("a reply");
    assert!(body.contains("\"data\":[[1]]") && !body.contains("SUCCESS"), "{body}");
    assert!(body.lines().last().is_some_and(|line| line.contains("out of memory")), "{body}");
    // The other name of the format, which the service knows too; that of `output_format` goes first.
    for (target, place) in [
        ("/?default_format=JSONLines_Compact", "\"message_type\":\"FINISH_WITH_ERRORS\""),
        ("/?default_format=PSQL", "(1 row)\n{\"errors\":[{"),
        ("/?default_format=JSON_Compact&output_format=PSQL", "(1 row)\n{\"errors\":[{"),
    ] {
        let (_, body) = relay.ask("POST", target, "SELECT id FROM t").await.expect("a reply");
        let (_, error) = body.split_once(place).unwrap_or_else(|| panic!("{target}: {body}"));
        assert!(error.contains("out of memory"), "{target}: {body}");
    }
    let packed = relay.ask("POST", "/?output_format=PSQL&compress=1", "INSERT INTO t VALUES (2)");
    assert_eq!(packed.await, Some((200, String::new())), "no place is known in packed bytes");
    let (status, body) = relay.ask("POST", "/", "SELECT nothing").await.expect("a reply");
    assert_eq!(status, 400);
    assert!(!body.contains("out of memory"), "what fails anyway fails so: {body}");
}

#[tokio::test]
async fn something_else_is_answered_in_its_stead() {
    for (lines, status, rows) in [
        ("does = 'refuse-request'\nstatus = 429", 429, 0),
        ("does = 'expire-token'", 401, 0),
        ("does = 'answer-instead'\nat = 'received'\nstatus = 200\nbody = '{}'", 200, 0),
        ("does = 'report-error'\nat = 'answered'", 500, 1),
        ("does = 'report-conflict'", 409, 1),
        ("does = 'cannot-be-retried'", 500, 1),
    ] {
        let relay = Relay::new(&rule(lines)).await;
        assert_eq!(relay.insert().await.map(|it| it.0), Some(status), "{lines}");
        assert_eq!((relay.rows(), relay.counted()), (rows, (1, 1)), "{lines}");
    }
}

#[tokio::test]
async fn a_request_is_doubled_delayed_or_executed_late() {
    let relay = Relay::new(&rule("does = 'send-twice'")).await;
    assert_eq!((relay.insert().await.map(|it| it.0), relay.rows()), (Some(200), 2));
    let relay = Relay::new(&rule("does = 'delay'\nat = 'answered'\nby = '20ms'")).await;
    assert_eq!((relay.insert().await.map(|it| it.0), relay.rows()), (Some(200), 1));
    let late = format!(
        "{}\n[[fault]]\nname = 'landed'\non = 'insert'\ndoes = 'hold'\nat = 'received'\nafter = 1",
        rule("does = 'execute-late'\nby = '1ms'")
    );
    let relay = Relay::new(&late).await;
    assert_eq!(relay.insert().await, None);
    let landed = async {
        while relay.rows() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), landed).await.expect("it executes");
}

#[tokio::test]
async fn the_control_port_holds_and_releases_and_has_no_tables() {
    let relay = Relay::new("").await;
    let admin = Admin::of_proxy(&relay.rules);
    let hold = r#"{"name": "h", "on": "insert", "at": "answered"}"#;
    done(&admin, "POST /admin/holds", hold).await;
    let socket = TcpStream::connect(&relay.address).await.expect("a socket");
    let insert = tokio::spawn(ask(socket, "POST", "/", INSERT));
    done(&admin, "GET /admin/holds?wait=1", "").await;
    assert_eq!(relay.rows(), 1, "the service has answered");
    assert!(!insert.is_finished());
    done(&admin, "POST /admin/holds/release", "").await;
    assert_eq!(insert.await.expect("no panic").map(|it| it.0), Some(200));
    let (status, refusal) = crate::http::control(&admin, "GET /admin/history", "").await;
    let text = "a proxy has no tables, engine or history of its own to control";
    assert_eq!((status, refusal), (404, json!({ "error": text })));
    let conflict = r#"{"name": "c", "does": "conflict"}"#;
    let (status, refusal) = crate::http::control(&admin, "POST /admin/faults", conflict).await;
    assert_eq!(status, 400, "{refusal}");
    assert_eq!(
        done(&admin, "POST /admin/reset", "").await,
        json!({"reset": true, "tables": false})
    );
}

#[tokio::test]
async fn the_way_to_the_engine_leads_through_the_proxy() {
    let fake = FakeFirebolt::start().service_account("c", "s").await.expect("a fake");
    let lost = "[[fault]]\nname = 'it'\non = 'sign-on'\nat = 'answered'\ndoes = 'drop-connection'\nfirst = 1";
    let relay = Relay::before(fake, lost).await;
    let form = "client_id=c&client_secret=s&grant_type=client_credentials";
    assert_eq!(relay.ask("POST", "/oauth/token", form).await, None);
    let (_, body) = relay.ask("POST", "/oauth/token", form).await.expect("a token");
    assert_eq!(relay.counted(), (2, 1));
    let token: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let mut socket = TcpStream::connect(&relay.address).await.expect("a socket");
    let request = format!(
        "GET /web/v3/account/account/engineUrl HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\
         authorization: Bearer {}\r\n\r\n",
        token["access_token"].as_str().expect("a token")
    );
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut heard = String::new();
    socket.read_to_string(&mut heard).await.expect("a reply");
    let own = format!("{{\"engineUrl\":\"http://{}/\"}}", relay.address);
    assert!(heard.ends_with(&own), "{heard}");
    let logged = relay.rules.statements().0;
    assert!(logged.iter().all(|it| it.request.sql.is_empty()), "no secret is in the log");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_a_502_that_says_so() {
    let relay = Relay::new("").await;
    let upstream = relay.fake.url().to_owned();
    let rules = Arc::new(RuleHooks::new(0).on_wire());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let free = listener.local_addr().expect("an address");
    drop(listener);
    let gone = format!("http://{free}").parse().expect("a URL");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    let proxy = Proxy::new(gone, &upstream, rules, None).expect("a proxy");
    let serving = tokio::spawn(proxy.serve(listener));
    let socket = TcpStream::connect(address).await.expect("a socket");
    let (status, text) = ask(socket, "POST", "/", "SELECT 1").await.expect("a reply");
    assert_eq!(status, 502);
    assert!(text.starts_with("fake-firebolt proxy: cannot reach http://127.0.0.1:"), "{text}");
    serving.abort();
}
