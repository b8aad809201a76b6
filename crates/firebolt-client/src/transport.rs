//! The seam to the network: one request in, one response out, or an error that says whether the
//! request may have been sent.
//!
//! Production puts reqwest behind it, the simulator an in-memory stream. A transport must send a
//! request at most once: a retry or a redirect in here would hide from the callers above that a
//! statement may have run twice.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

#[cfg(feature = "reqwest")]
mod reqwest;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;

/// A boxed future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries one HTTP exchange.
pub trait Transport: Send + Sync + 'static {
    /// Sends the request, once, and reads the whole response.
    ///
    /// The request's URI is absolute; `Host` and `Content-Length` are the transport's to set. A body
    /// that ends before its announced length is [`TransportError::maybe_sent`]. The future may be
    /// dropped at any point, by which the connection is given up: the request may have been sent.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;
}

/// An exchange without a usable response.
#[derive(Debug)]
pub struct TransportError {
    sent_maybe: bool,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// Not one byte of the request can have reached the server: the connection was never made.
    pub fn not_sent(message: impl Into<String>) -> Self {
        TransportError { sent_maybe: false, message: message.into(), source: None }
    }

    /// The request, or a part of it, may have reached the server.
    pub fn maybe_sent(message: impl Into<String>) -> Self {
        TransportError { sent_maybe: true, message: message.into(), source: None }
    }

    /// Keeps the lower error for `Error::source`.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Whether the server may have seen the request.
    pub fn is_sent_maybe(&self) -> bool {
        self.sent_maybe
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
