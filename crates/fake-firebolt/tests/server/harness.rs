//! A client that knows HTTP and the session headers, and hooks that follow a script.
//!
//! Written apart from any client of the project: a shared mistake could not be seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fake_firebolt::{
    Commit, FakeConfig, FakeFirebolt, FaultPoint, Hooks, InFlight, Phase, StatementInfo, Verdict,
};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;

/// What a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A whole reply.
    Reply { status: u16, headers: Vec<(String, String)>, body: String },
    /// The connection ended before the reply did; what came of its body.
    Broken { body: String },
    /// The connection ended without a reply.
    Nothing,
}

impl Heard {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Reply { status, .. } => *status,
            other => panic!("no whole reply: {other:?}"),
        }
    }

    pub(crate) fn body(&self) -> &str {
        match self {
            Self::Reply { body, .. } => body,
            other => panic!("no whole reply: {other:?}"),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body()).expect("a JSON reply")
    }

    /// The `data` of a JSON_Compact document.
    pub(crate) fn data(&self) -> serde_json::Value {
        assert_eq!(self.status(), 200, "{self:?}");
        self.json()["data"].clone()
    }

    /// The description of a structured error.
    pub(crate) fn error(&self) -> String {
        assert_ne!(self.status(), 200, "{self:?}");
        self.json()["errors"][0]["description"].as_str().expect("a description").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// Each line of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let Self::Reply { headers, .. } = self else { return Vec::new() };
        let lines = headers.iter().filter(|(known, _)| known == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }
}

/// One connection.
pub(crate) struct Wire {
    sender: SendRequest<Full<Bytes>>,
}

impl Wire {
    pub(crate) async fn open(fake: &FakeFirebolt, peer: &str) -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(fake.serve_connection(far, peer));
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(near)).await.expect("a handshake");
        tokio::spawn(connection);
        Self { sender }
    }

    /// A whole reply as it is: for bodies that are no text.
    pub(crate) async fn send_raw(&mut self, request: Request<Full<Bytes>>) -> (u16, Vec<u8>) {
        let response = self.sender.send_request(request).await.expect("a reply");
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.expect("a body").to_bytes().to_vec())
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Heard {
        if self.sender.ready().await.is_err() {
            return Heard::Nothing;
        }
        let Ok(response) = self.sender.send_request(request).await else { return Heard::Nothing };
        let (head, mut body) = response.into_parts();
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => text.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(_) => {
                    return Heard::Broken { body: String::from_utf8_lossy(&text).into_owned() };
                }
            }
        }
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        let body = String::from_utf8(text).expect("UTF-8");
        Heard::Reply { status: head.status.as_u16(), headers, body }
    }
}

/// A session: a connection, a token, the parameters that the server asked to repeat.
pub(crate) struct Client {
    fake: FakeFirebolt,
    peer: String,
    pub(crate) wire: Wire,
    pub(crate) token: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Client {
    /// Signs on.
    pub(crate) async fn sign_on(fake: &FakeFirebolt, peer: &str) -> Self {
        let mut client = Self::stranger(fake, peer).await;
        let form = "client_id=client&client_secret=secret&grant_type=client_credentials\
                    &audience=https%3A%2F%2Fapi.firebolt.io";
        let heard = client.post("/oauth/token", form).await;
        client.token = heard.json()["access_token"].as_str().expect("a token").to_owned();
        client.parameters.insert("output_format".to_owned(), "JSON_Compact".to_owned());
        client
    }

    /// A connection without a token.
    pub(crate) async fn stranger(fake: &FakeFirebolt, peer: &str) -> Self {
        Self {
            fake: fake.clone(),
            peer: peer.to_owned(),
            wire: Wire::open(fake, peer).await,
            token: String::new(),
            parameters: BTreeMap::new(),
        }
    }

    /// Another connection for the same session.
    pub(crate) async fn reconnect(&mut self) {
        self.wire = Wire::open(&self.fake, &self.peer).await;
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Heard {
        let request = Request::post(path)
            .header("host", "fake")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body.to_owned())))
            .expect("a request");
        self.wire.send(request).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Heard {
        let request = Request::get(path)
            .header("host", "fake")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Full::default())
            .expect("a request");
        self.wire.send(request).await
    }

    /// Sends a statement with the session's parameters and follows the session headers.
    pub(crate) async fn sql(&mut self, sql: &str) -> Heard {
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish();
        let heard = self.post(&format!("/?{query}"), sql).await;
        for pair in heard.headers("firebolt-update-parameters") {
            let (name, value) = pair.split_once('=').expect("one pair");
            self.parameters.insert(name.to_owned(), value.to_owned());
        }
        for name in heard.headers("firebolt-remove-parameters") {
            self.parameters.remove(name);
        }
        heard
    }

    /// A statement that must succeed; its rows.
    pub(crate) async fn ok(&mut self, sql: &str) -> serde_json::Value {
        let heard = self.sql(sql).await;
        assert_eq!(heard.status(), 200, "{sql}: {heard:?}");
        heard.data()
    }
}

/// One line of a script: at that phase, for statements that hold that text, once.
pub(crate) struct Line {
    phase: Phase,
    holds: &'static str,
    verdict: Verdict,
}

/// Hooks that follow a script and keep a record.
#[derive(Default)]
pub(crate) struct Script {
    lines: Mutex<Vec<Line>>,
    times: Mutex<Vec<(&'static str, Duration)>>,
    fate: Mutex<Option<InFlight>>,
    panics_at: Mutex<Option<&'static str>>,
    points: Mutex<Vec<String>>,
    commits: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Adds a line; it fires once.
    pub(crate) fn at(&self, phase: Phase, holds: &'static str, verdict: Verdict) {
        self.lines.lock().expect("no panic").push(Line { phase, holds, verdict });
    }

    /// Statements that hold the text take that long.
    pub(crate) fn takes(&self, holds: &'static str, time: Duration) {
        self.times.lock().expect("no panic").push((holds, time));
    }

    /// What becomes of statements in flight.
    pub(crate) fn restart_kills(&self, fate: InFlight) {
        *self.fate.lock().expect("no panic") = Some(fate);
    }

    /// The next statement that holds the text makes the hook panic.
    pub(crate) fn panics_at(&self, holds: &'static str) {
        *self.panics_at.lock().expect("no panic") = Some(holds);
    }

    /// The phases that statements holding the text have reached, in order.
    pub(crate) fn points(&self, holds: &str) -> Vec<String> {
        let points = self.points.lock().expect("no panic");
        points
            .iter()
            .filter(|point| point.contains(holds))
            .map(|point| point.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    }

    /// The deciding statement of each commit, in order.
    pub(crate) fn commits(&self) -> Vec<String> {
        self.commits.lock().expect("no panic").clone()
    }
}

impl Hooks for Script {
    fn at(&self, point: &FaultPoint<'_>) -> Verdict {
        let sql = &point.statement.sql;
        self.points.lock().expect("no panic").push(format!("{} {sql}", point.phase.name()));
        let panics = self.panics_at.lock().expect("no panic").take_if(|holds| sql.contains(*holds));
        assert!(panics.is_none(), "the script says so");
        let mut lines = self.lines.lock().expect("no panic");
        let found =
            lines.iter().position(|line| line.phase == point.phase && sql.contains(line.holds));
        found.map_or(Verdict::Pass, |found| lines.remove(found).verdict)
    }

    fn execution_time(&self, statement: &StatementInfo) -> Duration {
        let times = self.times.lock().expect("no panic");
        times
            .iter()
            .find(|(holds, _)| statement.sql.contains(holds))
            .map_or(Duration::ZERO, |(_, time)| *time)
    }

    fn on_restart(&self, _statement: &StatementInfo) -> InFlight {
        self.fate.lock().expect("no panic").unwrap_or(InFlight::AsConfigured)
    }

    fn committed(&self, commit: &Commit<'_>) {
        self.commits.lock().expect("no panic").push(commit.sql.to_owned());
    }
}

/// A server with a table `t (id, v)` that holds (1, 'a') and (2, 'b').
pub(crate) fn fake(script: &Arc<Script>) -> FakeFirebolt {
    fake_with(script, FakeConfig::default())
}

/// The same under another configuration.
pub(crate) fn fake_with(script: &Arc<Script>, config: FakeConfig) -> FakeFirebolt {
    let hooks: Arc<dyn Hooks> = Arc::clone(script) as Arc<dyn Hooks>;
    let fake = FakeFirebolt::new(config, hooks);
    fake.setup(
        "CREATE TABLE t (id INTEGER NOT NULL, v TEXT NULL);
         INSERT INTO t VALUES (1, 'a'), (2, 'b');",
    )
    .expect("the seed");
    fake
}

/// What is in `t`, by the server's own word, as `id=v` in order.
pub(crate) fn rows(fake: &FakeFirebolt) -> String {
    let rows = fake.query("SELECT id, v FROM t ORDER BY id, v").expect("a result").rows;
    let rows: Vec<String> = rows.iter().map(|row| format!("{}={}", row[0], row[1])).collect();
    rows.join(" ")
}

/// A MERGE that sets the value of a key, or inserts it.
pub(crate) fn upsert(id: i32, value: &str) -> String {
    format!(
        "MERGE INTO t USING (SELECT CAST({id} AS INTEGER) AS id, '{value}' AS v) AS s \
         ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v \
         WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"
    )
}
