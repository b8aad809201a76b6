//! The connections of one SDK session, and how they break: an httpx pool, as far as the prior
//! loader could notice it.
//!
//! One keep-alive connection per host. A connection that is known to be closed is replaced before
//! use; one whose peer has silently gone is not known to be closed, and its next request fails.
//! Nothing is ever sent twice here.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use super::wire::{DialError, Wire};
use crate::statement::StatementName;
use crate::world::network::Passage;

/// How long the SDK waits for a connection. For a reply it waits for ever.
const CONNECT_PATIENCE: Duration = Duration::from_secs(60);

/// A reply that arrived whole.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn content_type(&self) -> &str {
        let value = self.headers.get(header::CONTENT_TYPE);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// A reply that did not arrive, in the texts that httpx and the operating system use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    NoConnection(String),
    ConnectTimeout,
    Reset,
    Pipe,
    NoResponse,
    Truncated { received: usize, expected: Option<usize> },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::NoConnection(text) => f.write_str(text),
            // The SDK's QueryTimeoutError: it says "timed out", which is not "timeout".
            Broken::ConnectTimeout => f.write_str("Query execution timed out."),
            Broken::Reset => f.write_str("[Errno 104] Connection reset by peer"),
            Broken::Pipe => f.write_str("[Errno 32] Broken pipe"),
            Broken::NoResponse => f.write_str("Server disconnected without sending a response."),
            Broken::Truncated { received, expected: Some(expected) } => write!(
                f,
                "peer closed connection without sending complete message body \
                 (received {received} bytes, expected {expected})"
            ),
            Broken::Truncated { expected: None, .. } => f.write_str(
                "peer closed connection without sending complete message body \
                 (incomplete chunked read)",
            ),
        }
    }
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    /// Whether a request has gone over it before.
    used: bool,
}

impl Drop for Connection {
    /// Closes the socket at once: a session that goes away takes its sockets with it.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The open connections by host.
pub(super) struct Pool {
    wire: Arc<dyn Wire>,
    open: BTreeMap<String, Connection>,
}

impl Pool {
    pub(super) fn new(wire: Arc<dyn Wire>) -> Self {
        Pool { wire, open: BTreeMap::new() }
    }

    /// Sends one request. After an error the host has no connection any more, so the next request
    /// opens a new one.
    pub(super) async fn send(
        &mut self,
        host: &str,
        statement: StatementName,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, Broken> {
        let mut connection = match self.open.remove(host) {
            Some(connection) if !connection.sender.is_closed() => connection,
            _ => self.connect(statement).await?,
        };
        match self.wire.sent(statement, connection.used).await {
            Passage::Open => {}
            Passage::Reset => return Err(Broken::Reset),
            // The SDK has no patience that could end: the Lambda time-out ends it.
            Passage::Lost => pending::<()>().await,
        }
        let reply = exchange(&mut connection, request).await?;
        match self.wire.seen(statement).await {
            Passage::Open => {}
            Passage::Reset => return Err(Broken::Reset),
            Passage::Lost => pending::<()>().await,
        }
        self.open.insert(host.to_owned(), connection);
        Ok(reply)
    }

    async fn connect(&self, statement: StatementName) -> Result<Connection, Broken> {
        let dialled = tokio::time::timeout(CONNECT_PATIENCE, self.wire.connect(statement)).await;
        let socket = dialled
            .map_err(|_| Broken::ConnectTimeout)?
            .map_err(|DialError(text)| Broken::NoConnection(text))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(|error| broken(&error, false))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the prior loader ended");
            }
        });
        Ok(Connection { sender, driver, used: false })
    }
}

async fn exchange(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
) -> Result<Reply, Broken> {
    let used = std::mem::replace(&mut connection.used, true);
    connection.sender.ready().await.map_err(|error| broken(&error, used))?;
    let response =
        connection.sender.send_request(request).await.map_err(|error| broken(&error, used))?;
    let (head, mut incoming) = response.into_parts();
    let length = head.headers.get(header::CONTENT_LENGTH);
    let expected = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let received = body.len();
        let frame = frame.map_err(|error| match broken(&error, used) {
            Broken::NoResponse | Broken::Reset => Broken::Truncated { received, expected },
            other => other,
        })?;
        if let Some(data) = frame.data_ref() {
            body.extend_from_slice(data);
        }
    }
    Ok(Reply { status: head.status, headers: head.headers, body: body.freeze() })
}

/// What the Python side would have said. A peer that vanished from under a connection that was in
/// use answers the next segment with RST (chaos.md §4); one that closes a fresh connection has sent
/// FIN, and httpcore reports an empty response.
fn broken(error: &hyper::Error, used: bool) -> Broken {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                    return Broken::Reset;
                }
                io::ErrorKind::BrokenPipe => return Broken::Pipe,
                _ => {}
            }
        }
        source = cause.source();
    }
    if used { Broken::Reset } else { Broken::NoResponse }
}
