//! The way to the service: over a connection that is there, or over a new one.
//!
//! See [`super::pool`] for why a request is never sent twice.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::origin::Origin;
use super::pool::{Connection, Pool};

/// Makes connections, and keeps some.
pub(super) struct Connector {
    pub(super) pool: Arc<Pool>,
    #[cfg(feature = "proxy-tls")]
    tls: super::tls::Tls,
}

impl Connector {
    #[cfg(feature = "proxy-tls")]
    pub(super) fn new(_needs_tls: bool, authorities: Option<&Path>) -> Result<Self, String> {
        Ok(Self { pool: Pool::new(), tls: super::tls::Tls::new(authorities)? })
    }

    #[cfg(not(feature = "proxy-tls"))]
    pub(super) fn new(needs_tls: bool, authorities: Option<&Path>) -> Result<Self, String> {
        if needs_tls || authorities.is_some() {
            return Err("this program was built without TLS; build it with the feature \
                        `proxy-tls` to stand before an https service"
                .to_owned());
        }
        Ok(Self { pool: Pool::new() })
    }

    /// Sends one request; the head of its reply.
    pub(super) async fn send(
        &self,
        origin: &Origin,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        let host = origin.to_string();
        while let Some(mut connection) = self.pool.take(&host) {
            match connection.sender.try_send_request(request).await {
                Ok(response) => {
                    self.pool.keep(host, connection);
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    // Nothing of it has gone out, so it is no second time.
                    Some(unsent) => request = unsent,
                    None => return Err(lost(origin, &error.into_error())),
                },
            }
        }
        let mut connection = self.connect(origin).await?;
        let response = connection.sender.send_request(request).await;
        let response = response.map_err(|error| lost(origin, &error))?;
        self.pool.keep(host, connection);
        Ok(response)
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, String> {
        let host = origin.host().trim_start_matches('[').trim_end_matches(']');
        let unreached = |error| failed("cannot reach", origin, &error);
        let stream = TcpStream::connect((host, origin.port())).await.map_err(unreached)?;
        let _ = stream.set_nodelay(true);
        // A second handle on the socket, by which the pool can look at it.
        let stream = stream.into_std().map_err(unreached)?;
        let socket = stream.try_clone().map_err(unreached)?;
        let stream = TcpStream::from_std(stream).map_err(unreached)?;
        let sender = if origin.is_tls() {
            let stream = self.secure(host, stream).await;
            shake(stream.map_err(|error| failed("no TLS with", origin, &error))?).await
        } else {
            shake(stream).await
        };
        Ok(Connection::new(sender.map_err(|error| failed("no HTTP with", origin, &error))?, socket))
    }

    #[cfg(feature = "proxy-tls")]
    async fn secure(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>> {
        self.tls.connect(host, stream).await
    }

    #[cfg(not(feature = "proxy-tls"))]
    async fn secure(&self, host: &str, _: TcpStream) -> io::Result<TcpStream> {
        Err(io::Error::other(format!("{host} is https, and this was built without `proxy-tls`")))
    }
}

/// Makes an HTTP connection of a stream; it ends when nobody can send on it any more.
async fn shake<Io>(io: Io) -> Result<SendRequest<Full<Bytes>>, hyper::Error>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the service's connection ended early");
        }
    });
    Ok(sender)
}

/// A request that may have gone out, and of which nothing has come back.
fn lost(origin: &Origin, error: &hyper::Error) -> String {
    let text = failed("no reply from", origin, error);
    format!("{text}; whether the request was executed is not known, and it was sent once")
}

fn failed(what: &str, origin: &Origin, error: &dyn std::error::Error) -> String {
    let mut text = format!("{what} {origin}: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
