//! Real sockets: who accepts on them, and how a connection is reset rather than closed.
//!
//! The simulation has none of this. What is served on a connection is the caller's business.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::http::connection::{self, ResetSwitch};
use crate::server::FakeFirebolt;
#[cfg(feature = "serve")]
use crate::tls::Tls;

/// How long to wait after a connection that could not be accepted: when no file descriptor is
/// left, trying again at once would only burn the processor.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(10);

/// A socket that ends in a reset if its switch says so.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    reset: ResetSwitch,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, reset: ResetSwitch) -> Self {
        // A reply is written at once: waiting for more bytes would add 40 ms to each.
        let _ = stream.set_nodelay(true);
        Self { stream, reset }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.is_on() {
            // Closing a socket that must not linger sends a reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.is_on() {
            // A shutdown would end the connection in good order before the reset could.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Accepts connections and serves each in a task of its own, until it is dropped; then all of them
/// end.
pub(crate) async fn accept<Served>(
    listener: TcpListener,
    serve: impl Fn(TcpStream, SocketAddr) -> Served,
) where
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                connections.spawn(serve(stream, peer));
            }
            // One connection that dies while it is accepted is no reason to stop serving.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
        // What has ended is let go of, or the set would grow with every connection ever made.
        while connections.try_join_next().is_some() {}
    }
}

impl FakeFirebolt {
    /// Serves one TCP connection until it ends. Unlike [`FakeFirebolt::serve_connection`] it can
    /// reset the connection where a fault demands that.
    pub fn serve_socket(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let reset = ResetSwitch::default();
        let socket = Socket::new(stream, reset.clone());
        connection::serve(self.inner.clone(), socket, peer.to_string(), reset)
    }

    /// The same behind TLS: shakes hands first, and serves nobody with whom that fails.
    #[cfg(feature = "serve")]
    pub async fn serve_tls_socket(self, tls: Tls, stream: TcpStream, peer: SocketAddr) {
        let reset = ResetSwitch::default();
        match tls.accept(Socket::new(stream, reset.clone())).await {
            Ok(stream) => {
                connection::serve(self.inner.clone(), stream, peer.to_string(), reset).await;
            }
            Err(error) => tracing::info!(%peer, %error, "a TLS handshake failed"),
        }
    }
}
