//! Connections to the service that wait for their next request, a few for each of its hosts.
//!
//! A connection that is used again may be dead by then, and a proxy that sends a request twice on
//! its own would itself be the middlebox that doubles them. So the socket is looked at before each
//! use, which finds every end that has arrived here by then; a request of which nothing has gone
//! out is sent on another connection; and one that may have gone out is never sent again, whatever
//! became of it. Whether a connection can be used again is not guessed from what a rule did: it is
//! when its reply has been read to the end, and only then.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

/// Idle connections that are kept for one host where nothing else is said.
pub const IDLE_MAX: usize = 16;

/// A connection that has been idle for longer is not used again: services close them after a
/// minute or so, and a request must not meet that.
const IDLE_TIME_MAX: Duration = Duration::from_secs(15);

/// One connection: its way in, and its socket to look at.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    socket: TcpStream,
    idle_since: Instant,
}

impl Connection {
    pub(super) fn new(sender: SendRequest<Full<Bytes>>, socket: TcpStream) -> Self {
        Self { sender, socket, idle_since: Instant::now() }
    }

    fn is_usable(&self) -> bool {
        // An idle service has nothing to say: bytes are as good as an end.
        let is_silent = || {
            let found = self.socket.peek(&mut [0]);
            found.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        self.idle_since.elapsed() < IDLE_TIME_MAX && self.sender.is_ready() && is_silent()
    }
}

/// The idle connections by host.
pub(super) struct Pool {
    idle: Mutex<BTreeMap<String, Vec<Connection>>>,
    idle_max: AtomicUsize,
}

impl Pool {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), idle_max: AtomicUsize::new(IDLE_MAX) })
    }

    /// Keeps so many for each host from now on; 0 makes a connection for each request.
    pub(super) fn set_idle_max(&self, connections: usize) {
        self.idle_max.store(connections, Ordering::Relaxed);
    }

    /// Whether anything is kept at all.
    pub(super) fn keeps(&self) -> bool {
        self.idle_max.load(Ordering::Relaxed) > 0
    }

    /// The one that was used last, as it is the likeliest to live; those that are dead are let go.
    pub(super) fn take(&self, host: &str) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(host)?;
        connections.retain(Connection::is_usable);
        connections.pop()
    }

    /// Keeps a connection once its reply has been read to the end; if that never happens, not.
    pub(super) fn keep(self: &Arc<Self>, host: String, mut connection: Connection) {
        if !self.keeps() {
            return;
        }
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            if connection.sender.ready().await.is_ok() {
                connection.idle_since = Instant::now();
                pool.put(host, connection);
            }
        });
    }

    fn put(&self, host: String, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(host).or_default();
        connections.retain(Connection::is_usable);
        connections.push(connection);
        let surplus = connections.len().saturating_sub(self.idle_max.load(Ordering::Relaxed));
        connections.drain(..surplus);
    }
}
