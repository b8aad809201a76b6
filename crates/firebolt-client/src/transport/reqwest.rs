//! Production HTTP: reqwest with rustls and ring. The one place where its settings are made.
//!
//! Retries and redirects are off, because both send a request a second time behind the back of the
//! code that must know. HTTP/1.1 only, one statement a connection at a time, as the vendor's own
//! clients do.

use std::time::Duration;

use bytes::Bytes;

use super::{BoxFuture, Transport, TransportError};

/// How long a connection may take. Not the reply: that is the caller's patience.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An idle connection is dropped after this long, before a gateway drops it: a request on a
/// connection that is closed at the same moment is in doubt for nothing.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// A pool of connections to the real network.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport with an empty pool; trusts the certificate authorities of the system.
    ///
    /// Makes ring the TLS provider of the process if there is none yet, so build this before any other
    /// TLS client that brings no provider of its own.
    ///
    /// # Errors
    /// The TLS set-up of the system cannot be used.
    pub fn new() -> Result<Self, TransportError> {
        // Fails if the process has a provider already; that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_MAX)
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(|error| {
                TransportError::not_sent("the HTTP client cannot be built").with_source(error)
            })?;
        Ok(ReqwestTransport { client })
    }
}

impl Transport for ReqwestTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(|error| {
                TransportError::not_sent("the request is not valid").with_source(error)
            })?;
            let mut response = self.client.execute(request).await.map_err(of_reqwest)?;
            let mut whole = http::Response::new(Bytes::new());
            *whole.status_mut() = response.status();
            *whole.headers_mut() = std::mem::take(response.headers_mut());
            *whole.body_mut() = response.bytes().await.map_err(of_reqwest)?;
            Ok(whole)
        })
    }
}

/// Only a connection that was never made proves that nothing was sent.
fn of_reqwest(error: reqwest::Error) -> TransportError {
    // The URL would repeat every parameter in every log line.
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    let transport_error = if error.is_connect() || error.is_builder() {
        TransportError::not_sent(message)
    } else {
        TransportError::maybe_sent(message)
    };
    transport_error.with_source(error)
}
