//! A laboratory: a fake warehouse, a bucket in memory, and the handler between them, over HTTP on
//! in-memory streams.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fake_firebolt::value::Value;
use fake_firebolt::{FakeConfig, FakeFirebolt, Location, NoFaults};
use firebolt_client::{BoxFuture, Client, ClientConfig, Transport, TransportError};
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use merge_engine::{EngineConfig, Entropy, Logged, MergeEngine, Parts, TableKeys};
use merge_lambda::Handler;
use merge_protocol::outcome::FileOutcome;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::json;
use tokio::time::Instant;

const BUCKET: &str = "bucket";
const PREFIX: &str = "firebolt_dms_job/";

/// One request a connection, and a count of them.
struct Wire {
    fake: FakeFirebolt,
    requests: Arc<AtomicU64>,
}

impl Wire {
    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, hyper::Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(self.fake.serve_connection(theirs, "laboratory"));
        let (mut sender, driver) = handshake(TokioIo::new(ours)).await?;
        tokio::spawn(driver);
        let (mut head, body) = request.into_parts();
        let host = head.uri.authority().expect("an absolute address").to_string();
        head.headers.insert(header::HOST, host.parse().expect("a host"));
        let path = head.uri.path_and_query().expect("a path").to_string();
        head.uri = path.parse::<Uri>().expect("a path is an address");
        let reply = sender.send_request(Request::from_parts(head, Full::new(body))).await?;
        let (head, body) = reply.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

impl Transport for Wire {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let lost = |why: hyper::Error| TransportError::maybe_sent(why.to_string());
            self.exchange(request).await.map_err(lost)
        })
    }
}

/// Numbers in a row: every one is drawn once.
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn next_u64(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Warehouse, bucket and handler.
pub(crate) struct Laboratory {
    fake: FakeFirebolt,
    bucket: Arc<InMemory>,
    handler: Handler,
    requests: Arc<AtomicU64>,
}

impl Laboratory {
    /// With the tables `users (id, name)`, key `id`, and `audit`, without a key.
    pub(crate) fn new() -> Laboratory {
        let bucket = Arc::new(InMemory::new());
        let store: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&bucket);
        let location = Location { store: Arc::clone(&store), prefix: PREFIX.to_owned() };
        let config = FakeConfig {
            locations: BTreeMap::from([("cdc".to_owned(), location)]),
            ..FakeConfig::default()
        };
        let fake = FakeFirebolt::new(config, Arc::new(NoFaults));
        fake.setup(
            "CREATE TABLE \"users\" (\"id\" BIGINT NOT NULL, \"name\" TEXT NULL); \
             CREATE TABLE \"audit\" (\"id\" BIGINT NOT NULL, \"name\" TEXT NULL)",
        )
        .expect("two tables");
        let requests = Arc::new(AtomicU64::new(0));
        let wire = Wire { fake: fake.clone(), requests: Arc::clone(&requests) };
        let client = Client::new(
            Arc::new(wire),
            ClientConfig {
                database: "database".to_owned(),
                engine: Some("engine".to_owned()),
                api_base: "http://api.fake.invalid".to_owned(),
                ..ClientConfig::service_account("account", "client", "secret")
            },
        );
        let tables = TableKeys::from_json(r#"{"users": "id", "audit": null}"#).expect("keys");
        let config = EngineConfig::new(BUCKET, "cdc", PREFIX, tables);
        let (entropy, observer) = (Arc::new(Counter(AtomicU64::new(1))), Arc::new(Logged));
        let engine = MergeEngine::new(Parts { client, store, config, entropy, observer });
        let handler = Handler::new(engine.expect("a configuration without mistakes"));
        Laboratory { fake, bucket, handler, requests }
    }

    /// The handler.
    pub(crate) fn handler(&self) -> &Handler {
        &self.handler
    }

    /// The warehouse.
    pub(crate) fn fake(&self) -> &FakeFirebolt {
        &self.fake
    }

    /// How many requests the warehouse has had over HTTP.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// When an invocation that starts now would end.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(298)
    }

    /// Puts a file into the bucket.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes) {
        self.bucket.put(&Path::from(key), bytes.into()).await.expect("memory");
    }

    /// An event from EventBridge, without an etag.
    pub(crate) fn event(&self, key: &str) -> serde_json::Value {
        json!({"detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}})
    }

    /// A record of an S3 notification, with the etag in quotes.
    pub(crate) async fn record(&self, key: &str) -> serde_json::Value {
        let meta = self.bucket.head(&Path::from(key)).await.expect("the object is there");
        let etag = format!("\"{}\"", meta.e_tag.expect("the store has etags"));
        let object = json!({"key": key, "eTag": etag});
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": object}})
    }

    /// Handles the event of one file that is settled by it.
    pub(crate) async fn handle(&self, key: &str) -> FileOutcome {
        let response = self.handler.handle(&self.event(key), self.deadline()).await;
        let mut files = response.expect("a settled file").files;
        assert_eq!(files.len(), 1);
        assert_eq!(self.fake.open_transactions(), 0, "no transaction stays open");
        assert_eq!(self.fake.panics(), 0);
        files.remove(0).outcome
    }

    /// Changes the warehouse around the handler.
    pub(crate) fn sql(&self, sql: &str) {
        self.fake.setup(sql).expect("a statement of the test");
    }

    /// The rows of a query, one text a row.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let found = self.fake.query(sql).expect("a question of the test");
        let cell = |value: &Value| match value {
            Value::Null => "NULL".to_owned(),
            Value::Bigint(number) => number.to_string(),
            Value::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        let row =
            |row: &fake_firebolt::value::Row| row.iter().map(cell).collect::<Vec<_>>().join("|");
        found.rows.iter().map(row).collect()
    }
}

/// One row of a change file of `users`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// I, U or D.
    pub(crate) op: &'static str,
    /// The second of the commit.
    pub(crate) second: u8,
    /// The key.
    pub(crate) id: i64,
    /// The rest.
    pub(crate) name: &'static str,
}

/// A change file.
pub(crate) fn changes(rows: &[Change]) -> Bytes {
    file(rows, None)
}

/// A change file of a source that has got another column.
pub(crate) fn changes_with_nick(rows: &[Change], nick: &str) -> Bytes {
    file(rows, Some(nick))
}

fn file(rows: &[Change], nick: Option<&str>) -> Bytes {
    let more = if nick.is_some() { "optional binary nick (STRING);" } else { "" };
    let schema = format!(
        "message schema {{ optional binary Op (STRING); optional binary load_timestamp (STRING); \
         optional int64 id; optional binary name (STRING); {more} }}"
    );
    let schema = Arc::new(parse_message_type(&schema).expect("a schema"));
    let mut out = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut out, schema, Arc::default()).expect("a writer in memory");
    let mut group = writer.next_row_group().expect("a row group");
    let text = |text: &dyn Fn(&Change) -> String| -> Vec<ByteArray> {
        rows.iter().map(|row| ByteArray::from(text(row).into_bytes())).collect()
    };
    column::<ByteArrayType>(&mut group, &text(&|row| row.op.to_owned()));
    let stamp = text(&|row| format!("2025-11-11 12:00:{:02}", row.second));
    column::<ByteArrayType>(&mut group, &stamp);
    column::<Int64Type>(&mut group, &rows.iter().map(|row| row.id).collect::<Vec<_>>());
    column::<ByteArrayType>(&mut group, &text(&|row| row.name.to_owned()));
    if let Some(nick) = nick {
        column::<ByteArrayType>(&mut group, &text(&|_| nick.to_owned()));
    }
    group.close().expect("as many columns as the schema has");
    writer.close().expect("a whole file");
    out.into()
}

fn column<T: DataType>(group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>, values: &[T::T]) {
    let mut column = group.next_column().expect("a column").expect("one more column");
    let there = vec![1; values.len()];
    column.typed::<T>().write_batch(values, Some(&there), None).expect("values of the type");
    column.close().expect("a column");
}
