//! How much a request may ask for, and what it hears when it asks for more.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use fake_firebolt::{FakeConfig, FakeFirebolt, Limits};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Client, Heard, Script, fake, fake_with, rows};

fn limited(change: impl FnOnce(&mut Limits)) -> FakeFirebolt {
    let mut config = FakeConfig { client_id: String::new(), ..FakeConfig::default() };
    change(&mut config.limits);
    fake_with(&Script::new(), config)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

async fn post(client: &mut Client, encoding: &str, body: Vec<u8>) -> Heard {
    let request = Request::post("/?output_format=JSON_Compact")
        .header("content-encoding", encoding)
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    client.wire.send(request).await
}

/// What a server says to bytes that no client library would send.
async fn raw(fake: &FakeFirebolt, request: &str) -> String {
    let (mut near, far) = tokio::io::duplex(1 << 20);
    tokio::spawn(fake.serve_connection(far, "raw"));
    near.write_all(request.as_bytes()).await.expect("a write");
    // Every request asks for the end of its connection, or gets it with the refusal.
    let mut answer = String::new();
    near.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_a_413() {
    let fake = limited(|limits| limits.body_bytes_max = 100);
    let mut client = Client::stranger(&fake, "worker-1").await;
    let long = format!("SELECT '{}'", "x".repeat(100));
    let heard = client.post("/", &long).await;
    assert_eq!((heard.status(), heard.body()), (413, "The request body is larger than 100 bytes"));
    let chunked = format!(
        "POST / HTTP/1.1\r\nhost: fake\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    assert!(raw(&fake, &chunked).await.starts_with("HTTP/1.1 413 "));
    let mut client = Client::stranger(&fake, "worker-1").await;
    assert_eq!(client.post("/", "SELECT 1").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_is_a_body() {
    let fake = limited(|_| {});
    let answer = raw(
        &fake,
        "POST /?output_format=JSON_Compact HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n7\r\nSELECT \r\n2\r\n42\r\n0\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("[[42]]"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_compressed_body_is_unpacked_within_the_limit() {
    let fake = limited(|limits| limits.body_bytes_max = 1_000);
    let mut client = Client::stranger(&fake, "worker-1").await;
    let heard = post(&mut client, "gzip", gzip("INSERT INTO t VALUES (3, 'c')")).await;
    assert_eq!(heard.status(), 200, "{heard:?}");
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
    let bomb = gzip(&format!("SELECT '{}'", "x".repeat(100_000)));
    assert!(bomb.len() < 1_000, "the packed size is no way to see it");
    assert_eq!(post(&mut client, "gzip", bomb).await.status(), 413);
    let mut half = gzip("SELECT 1");
    half.truncate(12);
    assert_eq!(post(&mut client, "gzip", half).await.status(), 400);
    let other = post(&mut client, "br", b"SELECT 1".to_vec()).await;
    assert_eq!(other.status(), 415);
    assert!(other.body().contains("'br'"), "{other:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_a_431() {
    let fake = limited(|limits| limits.header_bytes_max = 0);
    let long = "x".repeat(20_000);
    let answer = raw(&fake, &format!("POST / HTTP/1.1\r\nhost: fake\r\nx: {long}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let fake = limited(|_| {});
    let request = format!(
        "POST / HTTP/1.1\r\nhost: fake\r\nconnection: close\r\nx: {long}\r\ncontent-length: 8\r\n\
         \r\nSELECT 1"
    );
    assert!(raw(&fake, &request).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn a_result_of_too_many_rows_is_an_error() {
    let fake = limited(|limits| limits.result_rows_max = 1);
    let mut client = Client::stranger(&fake, "worker-1").await;
    let heard = client.post("/?output_format=JSON_Compact", "SELECT id FROM t").await;
    assert_eq!(heard.error(), "The result has 2 rows, and this server gives out 1 at most");
    let heard = client.post("/", "SELECT id FROM t LIMIT 1").await;
    assert_eq!(heard.status(), 200, "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_statement_runs_as_long_as_the_server_lets_it() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(60));
    let mut config = FakeConfig::default();
    config.limits.statement_time_max = Some(Duration::from_secs(10));
    let fake = fake_with(&script, config);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let started = tokio::time::Instant::now();
    assert_eq!(client.sql("INSERT INTO t VALUES (3, 'c')").await.status(), 500);
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    client.parameters.insert("statement_timeout".to_owned(), "90000".to_owned());
    assert_eq!(client.sql("INSERT INTO t VALUES (3, 'c')").await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn max_execution_time_counts_in_seconds() {
    let script = Script::new();
    script.takes("INSERT", Duration::from_secs(60));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("max_execution_time".to_owned(), "7".to_owned());
    let started = tokio::time::Instant::now();
    assert_eq!(client.sql("INSERT INTO t VALUES (3, 'c')").await.status(), 500);
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    assert_eq!(rows(&fake), "1=a 2=b");
}
