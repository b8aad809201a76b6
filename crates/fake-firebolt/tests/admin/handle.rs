//! `FakeFirebolt::start()`: what a Rust test has in its hands.

use std::time::Duration;

use fake_firebolt::sql::StatementKind;
use fake_firebolt::{Does, FakeFirebolt, Phase, Rule, StartError};
use tokio::net::TcpStream;

use crate::http::{ask, sql};

const TABLE: &str = "CREATE TABLE t (id INTEGER NOT NULL)";
const INSERT: &str = "INSERT INTO t VALUES (1)";

#[tokio::test(start_paused = true)]
async fn a_hold_ends_with_its_guard() {
    let fake = FakeFirebolt::start().setup(TABLE).in_process().expect("a fake");
    let rule = Rule::new("h", Does::Hold).on(StatementKind::Insert).at(Phase::Received);
    let guard = fake.hold(rule).expect("a rule");
    let near = fake.connect("client");
    let insert = tokio::spawn(ask(near, "POST", "/", INSERT));
    assert_eq!(guard.held(1).await.len(), 1);
    assert_eq!(fake.sql("SELECT id FROM t").expect("rows").rows.len(), 0);
    drop(guard);
    assert_eq!(insert.await.expect("no panic").map(|it| it.0), Some(200));
    assert!(fake.faults().rules().is_empty());
    let error = fake.hold(Rule::new("c", Does::Conflict)).expect_err("no hold");
    assert_eq!(error.to_string(), "rule \"c\": `does`: a hold does nothing but hold");
}

#[tokio::test(start_paused = true)]
async fn snapshots_and_resets() {
    let rule = Rule::new("first", Does::DropConnection).at(Phase::Received).at_most(1);
    let fake = FakeFirebolt::start().setup(TABLE).fault(rule).in_process().expect("a fake");
    assert_eq!(sql(&fake, INSERT).await, None);
    let empty = fake.snapshot();
    assert_eq!(sql(&fake, INSERT).await.map(|it| it.0), Some(200));
    fake.restore(&empty);
    assert_eq!(fake.sql("SELECT id FROM t").expect("rows").rows.len(), 0);
    fake.reset();
    assert_eq!((fake.faults().fired("first"), sql(&fake, INSERT).await), (0, None));
}

#[tokio::test]
async fn a_start_that_cannot_be_is_refused() {
    let error = FakeFirebolt::start().setup("CREATE TABLE").await.expect_err("no statement");
    assert!(matches!(error, StartError::Setup(_)), "{error}");
    let rule = Rule::new("c", Does::Conflict).at(Phase::Answered);
    let error = FakeFirebolt::start().fault(rule).await.expect_err("no meaning");
    assert!(matches!(error, StartError::Rule(_)), "{error}");
}

#[tokio::test]
async fn over_sockets_with_a_control_port() {
    let fake = FakeFirebolt::start().setup(TABLE).with_admin().await.expect("a fake");
    let client = address(fake.url());
    let control = address(&fake.admin_url().expect("a control port"));
    let connect = async |address: String| TcpStream::connect(address).await.expect("a socket");
    let reset = r#"{"name": "r", "on": "insert", "at": "committed", "does": "reset-connection"}"#;
    let added = ask(connect(control.clone()).await, "POST", "/admin/faults", reset).await;
    assert_eq!(added.map(|it| it.0), Some(200));
    let mut socket = connect(client.clone()).await;
    let request = format!("POST / HTTP/1.1\r\nhost: f\r\ncontent-length: 24\r\n\r\n{INSERT}");
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.expect("written");
    let read = tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 16]).await;
    assert_eq!(read.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(fake.sql("SELECT id FROM t").expect("rows").rows.len(), 1, "it has committed");
    let idle = connect(client.clone()).await;
    tokio::time::timeout(Duration::from_secs(30), fake.shutdown()).await.expect("an end");
    assert!(TcpStream::connect(client).await.is_err(), "nobody listens any more");
    drop(idle);
}

fn address(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("http");
    rest.split('/').next().unwrap_or_default().to_owned()
}
