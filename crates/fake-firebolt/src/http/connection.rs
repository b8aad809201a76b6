//! One HTTP/1.1 connection over any byte stream, and the way of a request to its endpoint.
//!
//! Each request runs in a task of its own: a client that goes away takes its connection with it,
//! not what the server has begun (firebolt-semantics §3.2). A panic in there ends that request
//! with a 500 and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::parameters::{CancelOnDrop, Parameters};
use super::reply::{Outcome, Reply, ReplyBody, Severed};
use super::{body, cancel, engine_url, query, token};
use crate::execution::patience::Leaving;
use crate::quirks::CancelOnDisconnect;
use crate::server::Inner;

/// Who is at the other end.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Ordinal on this server, from 1.
    pub(crate) ordinal: u64,
    /// The name it was accepted under.
    pub(crate) peer: String,
    /// The engine's epoch at the time it was accepted.
    epoch: u64,
    /// What makes its end a reset.
    reset: ResetSwitch,
    /// It has ended before the reply to a request was there.
    pub(crate) left: Leaving,
}

/// Tells who owns the socket that it is to be reset instead of closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// From now on closing means resetting.
    pub(crate) fn turn_on(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    #[cfg(feature = "listen")]
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Serves the connection until it ends.
pub(crate) async fn serve<Io>(inner: Arc<Inner>, io: Io, peer: String, reset: ResetSwitch)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = {
        let mut state = inner.state();
        let epoch = state.engine.epoch();
        let left = Leaving::default();
        Arc::new(Connection { ordinal: state.ids.connection(), peer, epoch, reset, left })
    };
    let ordinal = connection.ordinal;
    let header_bytes_max = inner.config.limits.header_bytes_max.max(8 << 10);
    let service =
        service_fn(move |request| respond(Arc::clone(&inner), Arc::clone(&connection), request));
    // A Date header would be the one thing in a reply that two runs of one seed do not share.
    let served = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        // A head beyond it is a 431, given by hyper, which takes no less than 8 KiB.
        .max_buf_size(header_bytes_max)
        .serve_connection(TokioIo::new(io), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(connection = ordinal, %error, "the connection ended early");
    }
}

async fn respond(
    inner: Arc<Inner>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Severed> {
    if inner.state().engine.epoch() != connection.epoch {
        // The node at the other end of this connection is gone; nobody reads the request (F15).
        return Err(Severed);
    }
    let (head, body) = request.into_parts();
    let reset = connection.reset.clone();
    let limit = inner.config.limits.body_bytes_max;
    let body = match body::read(body, &head.headers, limit).await {
        Ok(body) => body,
        Err(Some(refusal)) => return Outcome::from(refusal).into_response().await,
        Err(None) => return Err(Severed),
    };
    let (left, is_abandoned) = (connection.left.clone(), is_abandoned(&inner, &head));
    // Boxed: a task is moved four times on its way into the runtime, and this one is kilobytes.
    let task = tokio::spawn(Box::pin(route(Arc::clone(&inner), connection, head, body)));
    let mut task = Task { handle: task, left, is_abandoned };
    let outcome = (&mut task.handle).await.unwrap_or_else(|error| {
        inner.state().panics += 1;
        tracing::error!(%error, "a request panicked");
        Outcome::from(Reply::text(500, "Internal error of the fake: a request panicked"))
    });
    if outcome == Outcome::Reset {
        reset.turn_on();
    }
    outcome.into_response().await
}

/// Whether the request ends with its connection, wherever it is: as it says itself, or as the quirk
/// does. What only reads is told that its client has left, and ends while it is evaluated.
fn is_abandoned(inner: &Inner, head: &http::request::Parts) -> bool {
    const SETTING: &str = "cancel_query_on_connection_drop";
    let query = head.uri.query().unwrap_or_default();
    let said = || Parameters::parse(query).cancel_on_drop;
    match query.contains(SETTING).then(said).flatten() {
        Some(said) => said == CancelOnDrop::All,
        None => inner.config.quirks.cancel_on_disconnect == CancelOnDisconnect::All,
    }
}

/// A request under way. Dropped with its connection, it goes on, or not, as the quirk says.
struct Task {
    handle: JoinHandle<Outcome>,
    /// What is told of it.
    left: Leaving,
    /// It does not go on.
    is_abandoned: bool,
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.handle.is_finished() {
            return;
        }
        self.left.has_left();
        if self.is_abandoned {
            self.handle.abort();
        }
    }
}

/// Where the first version of the service lived (firebolt-wire §2.2).
const OLD_SURFACE: [&str; 4] = ["/auth/v1/", "/iam/v2/", "/core/v1/", "/web/v3/"];

async fn route(
    inner: Arc<Inner>,
    connection: Arc<Connection>,
    head: http::request::Parts,
    body: Bytes,
) -> Outcome {
    let path = head.uri.path();
    if head.method == Method::POST {
        if path == "/oauth/token" {
            return token::handle(&inner, &connection, &head, &body).await;
        }
        if path == "/cancel" {
            return cancel::handle(&inner, &connection, &head).await;
        }
        // The first version of the service signed on there. Taken for a query, a password would
        // come back in the error of a statement.
        if OLD_SURFACE.iter().any(|prefix| path.starts_with(prefix)) {
            return Reply::text(404, format!("Nothing is served at POST {path}")).into();
        }
        if let Some(refusal) = body::refuse_upload(&head.headers) {
            return refusal.into();
        }
        return query::handle(&inner, &connection, &head, &body).await;
    }
    if head.method == Method::GET
        && let Some(account) = engine_url::account(path)
    {
        return engine_url::handle(&inner, &connection, &head, &account).await;
    }
    Reply::text(404, format!("Nothing is served at {} {path}", head.method)).into()
}
