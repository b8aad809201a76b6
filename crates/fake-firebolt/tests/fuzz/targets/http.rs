//! The whole HTTP surface: whatever is written on a connection, and wherever it is cut, the server
//! answers or hangs up, forgets the connection, and serves the next client.

use std::sync::Arc;
use std::time::Duration;

use fake_firebolt::{FakeConfig, FakeFirebolt, NoFaults};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::choices::Choices;
use super::grammar;

/// In virtual time, so that no time-out is waited for.
pub(crate) fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(work)
}

/// Any bytes on a connection.
pub(crate) fn bytes(data: &[u8]) {
    in_virtual_time(async {
        let fake = core();
        exchange(&fake, &[data]).await;
        alive(&fake).await;
    });
}

/// Requests with something wrong in most of them.
pub(crate) fn requests(data: &[u8]) {
    let mut choices = Choices::new(data);
    in_virtual_time(async {
        let fake = core();
        for _ in 0..=choices.below(3) {
            let pieces: Vec<Vec<u8>> =
                (0..=choices.below(3)).map(|_| request(&mut choices)).collect();
            exchange(&fake, &pieces).await;
        }
        alive(&fake).await;
    });
}

fn core() -> FakeFirebolt {
    let config = FakeConfig { client_id: String::new(), ..FakeConfig::default() };
    let fake = FakeFirebolt::new(config, Arc::new(NoFaults));
    for statement in grammar::TABLES {
        fake.setup(statement).expect("the tables can be made");
    }
    fake
}

/// Writes the pieces, ends the connection, and waits until the server has let go of it.
async fn exchange(fake: &FakeFirebolt, pieces: &[impl AsRef<[u8]>]) {
    let (mut near, far) = tokio::io::duplex(1 << 14);
    let served = tokio::spawn(fake.serve_connection(far, "fuzz"));
    let talk = async {
        let (mut reader, mut writer) = tokio::io::split(&mut near);
        let write = async {
            for piece in pieces {
                if writer.write_all(piece.as_ref()).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let _ = writer.shutdown().await;
        };
        let mut heard = Vec::new();
        let (_, _) = futures_util::future::join(write, reader.read_to_end(&mut heard)).await;
    };
    // A request that hangs, as one that the server waits for the rest of, ends with its client.
    let _ = tokio::time::timeout(Duration::from_secs(3_600), talk).await;
    drop(near);
    let ended = tokio::time::timeout(Duration::from_secs(3_600), served).await;
    ended.expect("the server lets go of a connection that is closed").expect("no panic");
    assert_eq!(fake.panics(), 0, "a request panicked");
}

/// An ordinary client, afterwards.
async fn alive(fake: &FakeFirebolt) {
    let (mut near, far) = tokio::io::duplex(1 << 14);
    tokio::spawn(fake.serve_connection(far, "next"));
    let request = "POST /?database=database HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\
                   content-length: 8\r\n\r\nSELECT 1";
    near.write_all(request.as_bytes()).await.expect("a request");
    let mut reply = String::new();
    let read = near.read_to_string(&mut reply);
    let read = tokio::time::timeout(Duration::from_secs(3_600), read).await;
    read.expect("an answer in time").expect("an answer");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

const METHODS: &[&str] = &["POST", "GET", "PUT", "HEAD", "OPTIONS", "DELETE", "P\u{0}ST"];

const PATHS: &[&str] = &[
    "/",
    "/query",
    "/oauth/token",
    "/web/v3/account/account/engineUrl",
    "/cancel",
    "//",
    "/%00",
    "*",
    "/web/v3/account/%ff/engineUrl",
    "http://h/",
    "/admin/faults",
];

const PARAMETERS: &[&str] = &[
    "database=database",
    "engine=engine",
    "output_format=JSON_Compact",
    "output_format=PSQL",
    "output_format=JSONLines_Compact",
    "output_format=TabSeparatedWithNamesAndTypes",
    "output_format=x",
    "transaction_id=1",
    "transaction_id=",
    "transaction_sequence_id=-1",
    "async=true",
    "query_label=%00%ff",
    "statement_timeout=99999999999999999999",
    "statement_timeout=1",
    "query_parameters=[{\"name\":\"$1\",\"value\":1}]",
    "query_parameters=%5B%7B",
    "time_zone=UTC",
    "query_parameters=[1e999]",
    "advanced_mode=1",
    "=",
    "&&",
    "%",
    "%zz",
    "query_id=x",
    "max_result_rows=0",
    "auto_start_stop_control=ignore",
    "enable_result_cache=false",
];

const HEADERS: &[&str] = &[
    "host: localhost",
    "connection: close",
    "connection: keep-alive",
    "authorization: Bearer x",
    "authorization: \u{e9}",
    "firebolt-protocol-version: 2.4",
    "firebolt-protocol-version: x",
    "accept-encoding: gzip, zstd",
    "content-type: application/json",
    "expect: 100-continue",
    "transfer-encoding: gzip",
    "content-encoding: gzip",
    "user-agent: ",
    "x: \u{1}",
    "upgrade: h2c",
    "content-type: multipart/form-data; boundary=b",
    "content-length: 99999999999999999999",
    ": empty",
    "firebolt-machine-query: true",
];

fn request(choices: &mut Choices<'_>) -> Vec<u8> {
    if choices.rarely(12) {
        return choices.raw(200).to_vec();
    }
    let method = if choices.rarely(4) { choices.one(METHODS) } else { "POST" };
    let path = if choices.rarely(3) { choices.one(PATHS) } else { "/" };
    let parameters: Vec<&str> = (0..choices.below(4)).map(|_| choices.one(PARAMETERS)).collect();
    let body = match choices.below(6) {
        0 => "SELECT 1".to_owned(),
        1 => {
            choices.one(&["BEGIN", "COMMIT", "ROLLBACK", "USE DATABASE \"x\"", ";", ""]).to_owned()
        }
        2 => "grant_type=client_credentials&client_id=%ff&client_secret=&audience=x".to_owned(),
        3 => String::from_utf8_lossy(choices.raw(100)).into_owned(),
        _ => grammar::statement(choices),
    };
    let mut text = format!("{method} {path}?{} HTTP/1.", parameters.join("&"));
    text.push_str(choices.one(&["1", "1", "1", "0", "9"]));
    text.push_str("\r\n");
    for _ in 0..choices.below(4) {
        text.push_str(choices.one(HEADERS));
        text.push_str("\r\n");
    }
    let mut bytes = text.into_bytes();
    match choices.below(6) {
        0..=2 => bytes.extend(format!("content-length: {}\r\n\r\n{body}", body.len()).bytes()),
        3 => {
            let length = format!("{:x}", body.len());
            bytes.extend(
                format!("transfer-encoding: chunked\r\n\r\n{length}\r\n{body}\r\n").bytes(),
            );
            bytes.extend(
                choices.one(&["0\r\n\r\n", "", "zz\r\n", "0\r\ntrailer: x\r\n\r\n"]).bytes(),
            );
        }
        // Longer than what comes: the client has gone in the middle of its request.
        4 => bytes.extend(format!("content-length: {}\r\n\r\n{body}", body.len() + 7).bytes()),
        _ => bytes.extend(format!("\r\n{body}").bytes()),
    }
    if choices.rarely(5) {
        bytes.truncate(bytes.len() * choices.below(256) / 256);
    }
    if choices.rarely(8) && !bytes.is_empty() {
        let at = choices.below(256) % bytes.len();
        bytes[at] = choices.below(256) as u8;
    }
    bytes
}
