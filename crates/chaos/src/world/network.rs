//! The network between loaders and warehouse: in-memory streams that can break.
//!
//! Real HTTP/1.1 bytes travel over a duplex pipe, written by hyper's client at one end and read by
//! the fake's hyper server at the other. The network's own fault points are `connect`, `sent` and
//! `seen`; everything between is the server's. No real socket can appear here: the runtime of a run
//! has no IO driver.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fake_firebolt::FakeFirebolt;
use firebolt_client::{BoxFuture, Transport, TransportError};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;

use crate::nemesis::{Nemesis, Point};
use crate::plan::{Does, Phase};
use crate::statement::{Endpoint, StatementName, classify};

/// One end of a connection to the warehouse.
pub type SimStream = DuplexStream;

/// How many bytes fit into the pipe before the writer has to wait. A statement and its reply are a
/// few kilobytes; larger pipes only cost the allocator, since every run opens many.
const PIPE: usize = 16 * 1024;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// Nobody listens, or the name is not known (F01).
    #[error("All connection attempts failed: connection refused")]
    Refused,
}

/// The way to one warehouse; a cheap handle.
#[derive(Clone)]
pub struct Network {
    fake: FakeFirebolt,
    nemesis: Nemesis,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

/// What the network does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It passes.
    Open,
    /// The connection is reset.
    Reset,
    /// It vanishes without a word.
    Lost,
}

impl Network {
    /// The network of a run.
    pub fn new(fake: FakeFirebolt, nemesis: Nemesis) -> Network {
        Network { fake, nemesis }
    }

    /// Opens a connection in the name of a worker, for a request that is not known in advance.
    pub async fn connect(&self, peer: &str) -> Result<SimStream, NetError> {
        self.connect_for(peer, StatementName::SignOn).await
    }

    /// Opens a connection in the name of a worker for a request of that name.
    pub async fn connect_for(
        &self,
        peer: &str,
        statement: StatementName,
    ) -> Result<SimStream, NetError> {
        let does = self.ask(peer, statement, Phase::Connect, false).await;
        if does == Some(Does::ConnectRefused) {
            return Err(NetError::Refused);
        }
        let (ours, theirs) = tokio::io::duplex(PIPE);
        // Its own task: the server outlives its client, that is the point of most faults. Boxed,
        // because a task is moved four times on its way into the runtime.
        tokio::spawn(Box::pin(self.fake.serve_connection(theirs, peer)));
        Ok(ours)
    }

    /// The request leaves its client. Whoever speaks HTTP over a [`SimStream`] asks before it
    /// writes; a lost request must be waited for until the client's own patience ends.
    pub async fn sent(&self, peer: &str, statement: StatementName, reused: bool) -> Passage {
        let passage = match self.ask(peer, statement, Phase::Sent, reused).await {
            Some(Does::ResetBefore | Does::StaleConnection) => Passage::Reset,
            Some(Does::RequestLost) => Passage::Lost,
            _ => return Passage::Open,
        };
        // The server counts the others.
        self.nemesis.count_request();
        passage
    }

    /// The reply comes to its client.
    pub async fn seen(&self, peer: &str, statement: StatementName) -> Passage {
        match self.ask(peer, statement, Phase::Seen, true).await {
            Some(Does::ReplyLost) => Passage::Reset,
            Some(Does::Delay { by }) => {
                tokio::time::sleep(by.0).await;
                Passage::Open
            }
            _ => Passage::Open,
        }
    }

    /// Asks the nemesis. Dead and frozen containers do not come back from here: the step after the
    /// fault must not happen, or the worker would have died one step too late.
    async fn ask(
        &self,
        peer: &str,
        statement: StatementName,
        phase: Phase,
        reused: bool,
    ) -> Option<Does> {
        let file = self.nemesis.file_of(peer);
        let point = Point { worker: peer, file: &file, statement, phase, reused };
        let does = self.nemesis.decide(point);
        if matches!(does, Some(Does::KillWorker | Does::Freeze { .. })) {
            while self.nemesis.switch_of(peer).is_some_and(|switch| switch.is_stopped()) {
                tokio::task::yield_now().await;
            }
        }
        does
    }
}

/// The engine's transport in the simulation: hyper over [`SimStream`], with a pool of connections
/// by host, as a production client has one. It never sends a request twice.
pub struct SimTransport {
    network: Network,
    worker: String,
    pool: Mutex<BTreeMap<String, Vec<SendRequest<Full<Bytes>>>>>,
}

impl fmt::Debug for SimTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimTransport").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// A connection attempt that hangs is given up after this (the default of production's transport).
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

impl SimTransport {
    /// The transport of one container.
    pub fn new(network: Network, worker: &str) -> SimTransport {
        SimTransport { network, worker: worker.to_owned(), pool: Mutex::default() }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let statement = name_of(&request);
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let (mut connection, reused) = self.connection(&host, statement).await?;
        match self.network.sent(&self.worker, statement, reused).await {
            Passage::Open => {}
            Passage::Reset => {
                return Err(TransportError::maybe_sent("Connection reset by peer (os error 104)"));
            }
            // The connection is held until the caller's patience drops this future.
            Passage::Lost => pending::<()>().await,
        }
        let sent = connection.send_request(origin_form(request, &host)?).await;
        let reply = sent.map_err(|error| broken("the connection broke before the reply", error))?;
        let (head, body) = reply.into_parts();
        let collected = body.collect().await;
        let body = collected.map_err(|error| broken("the reply broke off", error))?.to_bytes();
        if self.network.seen(&self.worker, statement).await == Passage::Reset {
            return Err(TransportError::maybe_sent("Connection reset by peer (os error 104)"));
        }
        self.pool().entry(host).or_default().push(connection);
        Ok(Response::from_parts(head, body))
    }

    /// An idle connection, or a new one. One that the peer has visibly closed is thrown away, as
    /// every pool does; one that is dead without knowing it is what F15 is about.
    async fn connection(
        &self,
        host: &str,
        statement: StatementName,
    ) -> Result<(SendRequest<Full<Bytes>>, bool), TransportError> {
        loop {
            let idle = self.pool().get_mut(host).and_then(Vec::pop);
            match idle {
                Some(connection) if connection.is_ready() => return Ok((connection, true)),
                Some(_) => {}
                None => break,
            }
        }
        let connect = self.network.connect_for(&self.worker, statement);
        let stream = tokio::time::timeout(CONNECT_PATIENCE, connect)
            .await
            .map_err(|_| TransportError::not_sent("connecting took too long"))?
            .map_err(|error| TransportError::not_sent(error.to_string()))?;
        let (connection, driver) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| TransportError::not_sent(error.to_string()))?;
        // The driver ends with the connection; its error is told to the request that waits.
        tokio::spawn(Box::pin(async move {
            let _ = driver.await;
        }));
        Ok((connection, false))
    }

    fn pool(&self) -> MutexGuard<'_, BTreeMap<String, Vec<SendRequest<Full<Bytes>>>>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for SimTransport {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// What kind of work a request is.
pub fn name_of(request: &Request<Bytes>) -> StatementName {
    let path = request.uri().path();
    let endpoint = if path.ends_with("/oauth/token") {
        Endpoint::Token
    } else if path.ends_with("/engineUrl") {
        Endpoint::EngineUrl
    } else {
        Endpoint::Query
    };
    classify(endpoint, std::str::from_utf8(request.body()).unwrap_or(""))
}

/// The request as it stands on the wire: path and query in the first line, the host in its header.
fn origin_form(
    request: Request<Bytes>,
    host: &str,
) -> Result<Request<Full<Bytes>>, TransportError> {
    let unusable = |what: &str| TransportError::not_sent(format!("{what} cannot be sent"));
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let host = HeaderValue::from_str(host).map_err(|_| unusable("the host"))?;
    head.headers.insert(header::HOST, host);
    Ok(Request::from_parts(head, Full::new(body)))
}

/// Only a request that hyper never began to write is certain not to have arrived.
fn broken(what: &str, error: hyper::Error) -> TransportError {
    let message = format!("{what}: {error}");
    if error.is_canceled() {
        return TransportError::not_sent(message).with_source(error);
    }
    TransportError::maybe_sent(message).with_source(error)
}
