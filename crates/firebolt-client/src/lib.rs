//! A Firebolt HTTP client that says of every failure whether the statement may have happened.
//!
//! ```text
//!  Client ── query ──► one autocommit statement          Transport (trait): one request in,
//!    │                                                   one response out, or NotSent | MaybeSent
//!    └── begin ──► Transaction ── execute ──► …              ▲
//!                       ├── rollback                         │ request.rs ─► http::Request
//!                       └── commit ──► Committed | Aborted   │ response.rs ◄─ http::Response
//!                                      | NotSent | InDoubt   │ (both pure)
//! ```
//!
//! Reading order: `transport` (the seam), `error` (kind and effect), `session` (URL parameters as
//! values), `request` and `response` (pure), `client`, `transaction`.
//!
//! **The client never sends a statement twice**, but for a 401, which comes before execution.
//! **A statement of a transaction is never sent without the transaction's id.** What it does not do:
//! retry, wait between tries, decide what a refusal means for the caller, read the environment.
//!
//! A transport is all it needs; with the feature `reqwest` there is `ReqwestTransport`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use firebolt_client::{
//!     BoxFuture, Client, ClientConfig, Effect, StatementOptions, Transport, TransportError,
//! };
//!
//! struct Unplugged;
//!
//! impl Transport for Unplugged {
//!     fn send(
//!         &self,
//!         _: http::Request<Bytes>,
//!     ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
//!         Box::pin(async { Err(TransportError::not_sent("no route to host")) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let client = Client::new(Arc::new(Unplugged), ClientConfig::core("http://localhost:3473"));
//! let options = StatementOptions::default().label("first-try");
//! let error = client.query("DELETE FROM \"users\"", &options).await.unwrap_err();
//! assert_eq!(error.effect(), Effect::None); // so it may be sent again
//! # }
//! ```

mod auth;
mod client;
mod config;
mod discovery;
mod error;
mod request;
mod response;
mod session;
mod transaction;
mod transport;
mod value;

pub use client::Client;
pub use config::{ClientConfig, Credentials, Secret, StatementOptions};
pub use error::{Effect, Error, ErrorKind};
pub use response::{Column, ResultSet};
pub use transaction::{Commit, Transaction};
#[cfg(feature = "reqwest")]
pub use transport::ReqwestTransport;
pub use transport::{BoxFuture, Transport, TransportError};
pub use value::Value;
