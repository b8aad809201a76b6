//! The seam between the prior loader's HTTP client and the network: a connection, and the two points
//! of a request's life that are the network's own.

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::statement::StatementName;
use crate::world::network::{Network, Passage};

/// What a connection runs over.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One connected byte stream.
pub type Socket = Box<dyn Duplex>;

/// Why no connection came about, in the words of the HTTP library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialError(pub String);

/// The network as the client sees it.
pub trait Wire: Send + Sync {
    /// Opens a connection for a request of that name.
    fn connect(&self, statement: StatementName) -> BoxFuture<'_, Result<Socket, DialError>>;
    /// The request is about to be written; `reused` says that the connection is not its first.
    fn sent(&self, statement: StatementName, reused: bool) -> BoxFuture<'_, Passage>;
    /// The reply has arrived.
    fn seen(&self, statement: StatementName) -> BoxFuture<'_, Passage>;
}

/// The simulated network, in the name of one worker.
#[derive(Clone)]
pub struct SimWire {
    network: Network,
    worker: String,
}

impl fmt::Debug for SimWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimWire").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl SimWire {
    /// The way of that worker to the warehouse.
    pub fn new(network: Network, worker: &str) -> Self {
        SimWire { network, worker: worker.to_owned() }
    }
}

impl Wire for SimWire {
    fn connect(&self, statement: StatementName) -> BoxFuture<'_, Result<Socket, DialError>> {
        async move {
            let connected = self.network.connect_for(&self.worker, statement).await;
            match connected {
                Ok(stream) => Ok(Box::new(stream) as Socket),
                Err(_) => Err(DialError("All connection attempts failed".to_owned())),
            }
        }
        .boxed()
    }

    fn sent(&self, statement: StatementName, reused: bool) -> BoxFuture<'_, Passage> {
        self.network.sent(&self.worker, statement, reused).boxed()
    }

    fn seen(&self, statement: StatementName) -> BoxFuture<'_, Passage> {
        self.network.seen(&self.worker, statement).boxed()
    }
}
