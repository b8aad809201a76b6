//! The production transport over real sockets of this machine: does it tell "not sent" from "maybe
//! sent", and does it send every request exactly once?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use firebolt_client::{
    Client, ClientConfig, Effect, ErrorKind, ReqwestTransport, StatementOptions, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers every connection's first request with the same bytes, then closes it.
struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answer: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                let mut buffer = [0; 1024];
                while !String::from_utf8_lossy(&head).ends_with("SELECT 1") {
                    match socket.read(&mut buffer).await {
                        Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
                        _ => break,
                    }
                }
                counted.fetch_add(1, Ordering::Relaxed);
                let _ = socket.write_all(answer.as_bytes()).await;
                let _ = socket.shutdown().await;
            }
        });
        Server { address: format!("http://{address}"), requests }
    }
}

fn client(address: &str) -> Client {
    let transport = ReqwestTransport::new().expect("TLS can be set up");
    Client::new(Arc::new(transport), ClientConfig::core(address))
}

/// Kind and effect of `SELECT 1` against a server with this answer, and how often it was sent.
async fn failure(answer: &'static str) -> (ErrorKind, Effect, usize) {
    let server = Server::start(answer).await;
    let options = StatementOptions::default();
    let error = client(&server.address).query("SELECT 1", &options).await.expect_err(answer);
    (error.kind(), error.effect(), server.requests.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let options = StatementOptions::default();
    let error = client(&address).query("SELECT 1", &options).await.expect_err("nobody listens");
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::None), "{error}");
}

#[tokio::test]
async fn every_other_failure_is_in_doubt_and_sent_once() {
    let in_doubt = [
        ("", ErrorKind::ConnectionLost),
        ("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"meta\":[]", ErrorKind::ConnectionLost),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
            ErrorKind::ConnectionLost,
        ),
        ("this is not HTTP", ErrorKind::ConnectionLost),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n",
            ErrorKind::Server,
        ),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", ErrorKind::Server),
    ];
    for (answer, kind) in in_doubt {
        assert_eq!(failure(answer).await, (kind, Effect::InDoubt, 1), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_arrives_with_its_headers() {
    let server = Server::start(
        "HTTP/1.1 200 OK\r\nfirebolt-update-parameters: transaction_id=tx\r\nconnection: close\r\n\
         content-length: 11\r\n\r\n{\"meta\":[]}",
    )
    .await;
    let transport = ReqwestTransport::new().expect("TLS can be set up");
    let request = http::Request::post(format!("{}/?a=b", server.address))
        .body(Bytes::from_static(b"SELECT 1"))
        .expect("a valid request");
    let response = transport.send(request).await.expect("answered");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["firebolt-update-parameters"], "transaction_id=tx");
    assert_eq!(&response.body()[..], b"{\"meta\":[]}");
}
