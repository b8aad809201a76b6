//! The same rules in front of a real Firebolt: a proxy that hurts the wire and nothing else.
//!
//! A team can check its own pipeline against the service that it runs on: what is lost, late,
//! doubled, cut or answered in its stead is decided by rules with counters and a seed, what is
//! true is decided by the service. Only two phases can be seen from here: a request was received,
//! and it was answered.
//!
//! ```text
//! client ─► received ─► upstream ─► answered ─► client
//! ```
//! * [`origin`]: where upstream is
//! * `routes`: which of its hosts a request goes to, and what would lead a client around
//! * `upstream`, `pool`, `tls`: connections to the service, some of which are used again
//! * `relay`: the life of a request here
//! * `body`: what goes back
//!
//! Bodies of requests are read whole, because a rule looks at the statement and may send it twice.
//! Bodies of replies stream, unless a rule demands to know that they have ended.

mod body;
pub mod origin;
mod pool;
mod relay;
mod routes;
#[cfg(feature = "proxy-tls")]
mod tls;
mod upstream;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
#[cfg(feature = "serve")]
use tokio::net::TcpStream;

use crate::fault::RuleHooks;
use crate::http::connection::ResetSwitch;
use crate::listen::{self, Socket};

pub use origin::Origin;
pub use pool::IDLE_MAX;
use routes::Routes;
use upstream::Connector;

/// A proxy. Clones are the same proxy.
#[derive(Clone)]
pub struct Proxy {
    inner: Arc<Inner>,
}

struct Inner {
    rules: Arc<RuleHooks>,
    routes: Routes,
    connector: Connector,
    requests: AtomicU64,
    connections: AtomicU64,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("routes", &self.inner.routes).finish_non_exhaustive()
    }
}

/// Why a proxy cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Built without TLS, or the authorities cannot be read.
    #[error("{0}")]
    Tls(String),
}

impl Proxy {
    /// A proxy before `upstream` that clients reach at `own_url`, such as
    /// `http://127.0.0.1:3473/` or, with [`Proxy::serve_tls`], `https://127.0.0.1:3473/`. `authorities` is a PEM file of certificate authorities to trust
    /// besides the public ones.
    ///
    /// # Errors
    /// An https upstream where this was built without the feature `proxy-tls`, or authorities
    /// that cannot be read.
    pub fn new(
        upstream: Origin,
        own_url: &str,
        rules: Arc<RuleHooks>,
        authorities: Option<&std::path::Path>,
    ) -> Result<Self, ProxyError> {
        let connector = Connector::new(upstream.is_tls(), authorities).map_err(ProxyError::Tls)?;
        let inner = Inner {
            rules,
            routes: Routes::new(upstream, own_url),
            connector,
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The same, keeping so many idle connections for each host of the service instead of
    /// [`IDLE_MAX`]; with 0 each request has a connection of its own.
    #[must_use]
    pub fn idle_max(self, connections: usize) -> Self {
        self.inner.connector.pool.set_idle_max(connections);
        self
    }

    /// Serves on a socket until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let serve = move |stream, peer| {
            let reset = ResetSwitch::default();
            self.clone().connection(Socket::new(stream, reset.clone()), peer, reset)
        };
        listen::accept(listener, serve).await;
    }

    /// The same behind TLS: shakes hands first, and serves nobody with whom that fails.
    #[cfg(feature = "serve")]
    pub async fn serve_tls(self, listener: TcpListener, tls: crate::tls::Tls) {
        let serve = move |stream, peer| self.clone().tls_connection(tls.clone(), stream, peer);
        listen::accept(listener, serve).await;
    }

    #[cfg(feature = "serve")]
    async fn tls_connection(self, tls: crate::tls::Tls, stream: TcpStream, peer: SocketAddr) {
        let reset = ResetSwitch::default();
        match tls.accept(Socket::new(stream, reset.clone())).await {
            Ok(stream) => self.connection(stream, peer, reset).await,
            Err(error) => tracing::info!(%peer, %error, "a TLS handshake failed"),
        }
    }

    async fn connection<Io>(self, io: Io, peer: SocketAddr, reset: ResetSwitch)
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let ordinal = self.inner.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(relay::Client { ordinal, peer: peer.to_string(), reset });
        let service = service_fn(move |request| {
            relay::respond(Arc::clone(&self.inner), Arc::clone(&client), request)
        });
        let served = hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(io), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(connection = ordinal, %error, "the connection ended early");
        }
    }
}
