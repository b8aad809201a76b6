//! Connections of the proxy to the service: which are used again, and that no request goes out twice.

use std::sync::Arc;

use fake_firebolt::fault::{RuleFile, Side};
use fake_firebolt::proxy::Proxy;
use fake_firebolt::{FakeFirebolt, RuleHooks, RunningFake};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http::ask;

/// A service that does as the test says, one connection after the other.
struct Service {
    listener: TcpListener,
    address: String,
}

impl Service {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address").to_string();
        Self { listener, address }
    }

    async fn accept(&self) -> Line {
        Line(self.listener.accept().await.expect("a connection").0)
    }

    /// Whether nobody stands at the door: whoever knocks now is the first to be let in.
    async fn is_left_alone(&self) -> bool {
        let own = TcpStream::connect(&self.address).await.expect("a connection");
        let (_, peer) = self.listener.accept().await.expect("a connection");
        peer == own.local_addr().expect("an address")
    }
}

/// One connection of the service.
struct Line(TcpStream);

impl Line {
    /// Reads a request to the end of its body; the body, or `None` at the end of the connection.
    async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let mut lengths = head.lines().filter_map(|line| line.split_once(": "));
                let length = lengths.find(|(name, _)| *name == "content-length");
                if body.len() == length.map_or(0, |(_, length)| length.parse().expect("a length")) {
                    return Some(body.to_owned());
                }
            }
            if self.0.read_buf(&mut bytes).await.expect("bytes") == 0 {
                assert!(bytes.is_empty(), "half a request: {text}");
                return None;
            }
        }
    }

    async fn reply(&mut self, body: &str) {
        let length = body.len();
        self.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
    }
}

/// A proxy under rules, before an address.
struct Relay {
    address: String,
    serving: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Relay {
    async fn before(upstream: &str, rules: &str, idle_max: usize) -> Self {
        let file = RuleFile::from_toml(rules, Side::Wire).expect("rules");
        let hooks = Arc::new(RuleHooks::new(1).on_wire());
        hooks.add_all(file.rules).expect("rules that mean something");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address").to_string();
        let (upstream, own) = (upstream.parse().expect("a URL"), format!("http://{address}/"));
        let proxy = Proxy::new(upstream, &own, hooks, None).expect("a proxy");
        let serving = tokio::spawn(proxy.idle_max(idle_max).serve(listener));
        Self { address, serving }
    }

    /// One request on a connection of the client's own.
    async fn ask(&self, sql: &str) -> Option<(u16, String)> {
        let socket = TcpStream::connect(&self.address).await.expect("a socket");
        ask(socket, "POST", "/?output_format=JSON_Compact", sql).await
    }

    fn asked(&self, sql: &'static str) -> JoinHandle<Option<(u16, String)>> {
        let address = self.address.clone();
        tokio::spawn(async move {
            let socket = TcpStream::connect(address).await.expect("a socket");
            ask(socket, "POST", "/", sql).await
        })
    }
}

/// A proxy before a service that does as the test says.
async fn scripted(rules: &str) -> (Relay, Service) {
    let service = Service::new().await;
    let relay = Relay::before(&format!("http://{}", service.address), rules, 16).await;
    (relay, service)
}

async fn fake() -> RunningFake {
    FakeFirebolt::start().setup("CREATE TABLE t (id INTEGER)").await.expect("a fake")
}

/// The connections on which the fake has heard its requests.
fn connections(fake: &RunningFake) -> Vec<u64> {
    fake.faults().statements().0.iter().map(|it| it.request.connection).collect()
}

#[tokio::test]
async fn a_connection_is_used_again_or_not_as_one_says() {
    for (idle_max, expected) in [(16, [1, 1, 1, 1]), (0, [1, 2, 3, 4])] {
        let fake = fake().await;
        let relay = Relay::before(fake.url(), "", idle_max).await;
        for _ in 0..expected.len() {
            assert!(relay.ask("SELECT 7").await.is_some_and(|it| it.1.contains("[[7]]")));
        }
        assert_eq!(connections(&fake), expected, "{idle_max}");
    }
}

#[tokio::test]
async fn what_a_rule_does_to_one_client_is_not_seen_by_the_next() {
    for (does, expected) in [
        ("does = 'drop-connection'\nat = 'answered'", None),
        ("does = 'reset-connection'\nat = 'answered'", None),
        ("does = 'truncate-reply'", None),
        ("does = 'report-error'\nat = 'answered'", Some(500)),
        ("does = 'send-twice'", Some(200)),
        ("does = 'drop-connection'\nat = 'received'", None),
    ] {
        let fake = fake().await;
        let rule = format!("[[fault]]\nname = 'it'\non = 'insert'\n{does}");
        let relay = Relay::before(fake.url(), &rule, 16).await;
        for round in 0..3 {
            let insert = format!("INSERT INTO t VALUES ({round})");
            assert_eq!(relay.ask(&insert).await.map(|it| it.0), expected, "{does}");
            let select = relay.ask(&format!("SELECT 'round {round}'")).await.expect("a reply");
            assert!(select.1.contains(&format!("[[\"round {round}\"]]")), "{does}: {select:?}");
        }
        // Its reply is read to the end, so the next can follow; the second of two that are sent at
        // once may come too early for that.
        let opened = connections(&fake).into_iter().max();
        assert!(opened <= Some(2), "{does}: {opened:?}");
    }
}

#[tokio::test]
async fn a_connection_that_the_service_has_closed_is_not_used() {
    let (relay, service) = scripted("").await;
    let first = relay.asked("SELECT 1");
    let mut line = service.accept().await;
    assert_eq!(line.request().await.as_deref(), Some("SELECT 1"));
    line.reply("one").await;
    assert_eq!(first.await.expect("no panic"), Some((200, "one".to_owned())));
    drop(line);
    let second = relay.asked("INSERT INTO t VALUES (2)");
    let mut line = service.accept().await;
    assert_eq!(line.request().await.as_deref(), Some("INSERT INTO t VALUES (2)"));
    line.reply("two").await;
    assert_eq!(second.await.expect("no panic"), Some((200, "two".to_owned())));
    assert!(service.is_left_alone().await);
}

#[tokio::test]
async fn a_request_that_may_have_gone_out_is_never_sent_again() {
    let (relay, service) = scripted("").await;
    let first = relay.asked("SELECT 1");
    let mut line = service.accept().await;
    line.request().await.expect("a request");
    line.reply("one").await;
    first.await.expect("no panic").expect("a reply");
    // On a connection that is used again, and on a new one.
    for _ in 0..2 {
        let insert = relay.asked("INSERT INTO t VALUES (2)");
        assert_eq!(line.request().await.as_deref(), Some("INSERT INTO t VALUES (2)"));
        drop(line);
        let (status, text) = insert.await.expect("no panic").expect("a reply");
        assert_eq!(status, 502);
        assert!(text.ends_with("is not known, and it was sent once"), "{text}");
        assert!(service.is_left_alone().await, "nobody has sent it again");
        let next = relay.asked("SELECT 3");
        line = service.accept().await;
        assert_eq!(line.request().await.as_deref(), Some("SELECT 3"), "nor does it now");
        line.reply("three").await;
        next.await.expect("no panic").expect("a reply");
        assert!(service.is_left_alone().await, "one connection, and no further one");
    }
}

#[tokio::test]
async fn half_a_reply_and_a_client_that_leaves_end_their_connection() {
    let (relay, service) = scripted("").await;
    let half = relay.asked("SELECT 1");
    let mut line = service.accept().await;
    line.request().await.expect("a request");
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    drop(line);
    assert_eq!(half.await.expect("no panic"), None, "it breaks off here as it did there");
    let leaving = relay.asked("SELECT 2");
    let mut line = service.accept().await;
    line.request().await.expect("a request");
    leaving.abort();
    assert_eq!(line.request().await, None, "the service hears that nobody waits any more");
    let next = relay.asked("SELECT 3");
    let mut line = service.accept().await;
    assert_eq!(line.request().await.as_deref(), Some("SELECT 3"));
    line.reply("three").await;
    assert_eq!(next.await.expect("no panic"), Some((200, "three".to_owned())));
}

#[tokio::test]
async fn a_service_that_wants_to_close_is_let() {
    let (relay, service) = scripted("").await;
    for round in ["one", "two"] {
        let asked = relay.asked("SELECT 1");
        let mut line = service.accept().await;
        line.request().await.expect("a request");
        line.send(&format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{round}")).await;
        drop(line);
        assert_eq!(asked.await.expect("no panic"), Some((200, round.to_owned())));
    }
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each_and_some_are_kept() {
    let service = Service::new().await;
    let relay = Relay::before(&format!("http://{}", service.address), "", 2).await;
    let mut asked = Vec::new();
    let mut lines = Vec::new();
    for _ in 0..4 {
        asked.push(relay.asked("SELECT 1"));
        let mut line = service.accept().await;
        line.request().await.expect("a request");
        lines.push(line);
    }
    for (line, asked) in lines.iter_mut().zip(asked) {
        line.reply("x").await;
        asked.await.expect("no panic").expect("a reply");
    }
    // The two that were used last live on; the others hear their end.
    let mut kept = lines.split_off(2);
    for mut line in lines {
        assert_eq!(line.request().await, None);
    }
    let asked = relay.asked("SELECT 2");
    let mut last = kept.pop().expect("the fourth");
    assert_eq!(last.request().await.as_deref(), Some("SELECT 2"));
    last.reply("y").await;
    assert_eq!(asked.await.expect("no panic"), Some((200, "y".to_owned())));
    assert!(service.is_left_alone().await);
}
