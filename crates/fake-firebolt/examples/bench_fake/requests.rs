//! Requests a second over loopback: one thread of clients, the server with the rest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fake_firebolt::{FakeConfig, FakeFirebolt, NoFaults};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::report::{Report, median, time};

const CONNECTIONS: usize = 32;
const REQUESTS: usize = 30_000;
const RUNS: usize = 7;

fn server(threads: usize) -> (Runtime, SocketAddr) {
    let runtime = if threads == 1 {
        Builder::new_multi_thread().worker_threads(1).enable_all().build()
    } else {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build()
    };
    let runtime = runtime.expect("a runtime");
    let address = runtime.block_on(async {
        let config = FakeConfig { client_id: String::new(), ..FakeConfig::default() };
        let fake = FakeFirebolt::new(config, Arc::new(NoFaults));
        fake.setup("CREATE TABLE t (id BIGINT NOT NULL, name TEXT)").expect("setup");
        fake.setup("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')").expect("setup");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(fake.serve_connection(stream, &peer.to_string()));
            }
        });
        address
    });
    (runtime, address)
}

fn request(sql: &str) -> Vec<u8> {
    format!(
        "POST /?database=database&output_format=JSON_Compact HTTP/1.1\r\nhost: localhost\r\n\
         content-length: {}\r\n\r\n{sql}",
        sql.len()
    )
    .into_bytes()
}

/// Reads one reply of a known length off the stream; the body's length is in its head.
async fn reply(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.expect("a reply");
        assert!(read > 0, "the server closed the connection");
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]);
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|text| text.parse().ok()).expect("a length");
            if buffer.len() == end + 4 + length {
                return;
            }
        }
    }
}

async fn client(address: SocketAddr, request: Arc<Vec<u8>>, count: usize) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut buffer = Vec::with_capacity(4096);
    for _ in 0..count {
        stream.write_all(&request).await.expect("a request is sent");
        reply(&mut stream, &mut buffer).await;
    }
}

fn run(clients: &Runtime, address: SocketAddr, request: &Arc<Vec<u8>>) -> f64 {
    let (taken, ()) = time(|| {
        clients.block_on(async {
            let each = REQUESTS / CONNECTIONS;
            let one = |_| tokio::spawn(client(address, Arc::clone(request), each));
            let tasks: Vec<_> = (0..CONNECTIONS).map(one).collect();
            for task in tasks {
                task.await.expect("a client ends");
            }
        });
    });
    REQUESTS as f64 / taken.as_secs_f64()
}

pub(crate) fn measure(report: &mut Report) {
    report.heading("requests over loopback, 32 connections that are kept");
    let clients = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut best: f64 = 0.0;
    for threads in [1, 2, 4] {
        let (runtime, address) = server(threads);
        for sql in ["SELECT 1", "SELECT name FROM t WHERE id = 2"] {
            let request = Arc::new(request(sql));
            let rate =
                median((0..RUNS).map(|_| run(&clients, address, &request)).collect::<Vec<_>>());
            best = best.max(rate);
            let name = format!("{sql}, {threads} threads serve");
            report.line(&name, &format!("{rate:8.0} a second"));
        }
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
    report.target("requests a second", &format!("{best:8.0}"), "≥ 20,000", best >= 20_000.0);
}
