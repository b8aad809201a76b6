//! A small HTTP client of its own: a status and a body, or nothing.

use bytes::Bytes;
use fake_firebolt::RunningFake;
use fake_firebolt::admin::Admin;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

/// One request on a connection of its own; `None` when no whole reply comes back.
pub(crate) async fn ask<Io>(io: Io, method: &str, path: &str, body: &str) -> Option<(u16, String)>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.ok()?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "fake")
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a request");
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    Some((status, String::from_utf8(body.to_vec()).expect("UTF-8")))
}

/// A statement of a client under test.
pub(crate) async fn sql(fake: &RunningFake, sql: &str) -> Option<(u16, String)> {
    sql_at(fake, "/?output_format=JSON_Compact", sql).await
}

/// The same with parameters of its own.
pub(crate) async fn sql_at(fake: &RunningFake, path: &str, sql: &str) -> Option<(u16, String)> {
    ask(fake.connect("client"), "POST", path, sql).await
}

/// A request to the control port.
pub(crate) async fn control(admin: &Admin, line: &str, body: &str) -> (u16, Value) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(admin.clone().serve_connection(far));
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let (status, body) = ask(near, method, path, body).await.expect("an answer");
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// A request to the control port that must be served.
pub(crate) async fn done(admin: &Admin, line: &str, body: &str) -> Value {
    let (status, document) = control(admin, line, body).await;
    assert_eq!(status, 200, "{line} {body}: {document}");
    document
}
