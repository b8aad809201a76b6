//! One connection to the service for one request.
//!
//! No pool: a connection that is used again may be dead by then, and a proxy that tries again on
//! its own would itself be the middlebox that doubles requests.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::origin::Origin;

/// Makes connections.
pub(super) struct Connector {
    #[cfg(feature = "proxy-tls")]
    tls: super::tls::Tls,
}

impl Connector {
    #[cfg(feature = "proxy-tls")]
    pub(super) fn new(_needs_tls: bool, authorities: Option<&Path>) -> Result<Self, String> {
        Ok(Self { tls: super::tls::Tls::new(authorities)? })
    }

    #[cfg(not(feature = "proxy-tls"))]
    pub(super) fn new(needs_tls: bool, authorities: Option<&Path>) -> Result<Self, String> {
        if needs_tls || authorities.is_some() {
            return Err("this program was built without TLS; build it with the feature \
                        `proxy-tls` to stand before an https service"
                .to_owned());
        }
        Ok(Self {})
    }

    /// Sends one request; the head of its reply.
    pub(super) async fn send(
        &self,
        origin: &Origin,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        let failed = |what: &str, error: &dyn std::error::Error| {
            let mut text = format!("{what} {origin}: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                text.push_str(&format!(": {error}"));
                source = error.source();
            }
            text
        };
        let host = origin.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, origin.port()))
            .await
            .map_err(|error| failed("cannot reach", &error))?;
        let _ = stream.set_nodelay(true);
        if origin.is_tls() {
            let stream = self.secure(host, stream).await;
            let stream = stream.map_err(|error| failed("no TLS with", &error))?;
            return exchange(stream, request)
                .await
                .map_err(|error| failed("no reply from", &error));
        }
        exchange(stream, request).await.map_err(|error| failed("no reply from", &error))
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

async fn exchange<Io>(
    io: Io,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, hyper::Error>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    // Ends when the reply has been read, or when nobody waits for it any more.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the service's connection ended early");
        }
    });
    sender.send_request(request).await
}
