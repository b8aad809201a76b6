//! The HTTP surface: connections in, replies out, one endpoint a file.
//!
//! ```text
//! connection ─► route ─┬─ token       POST /oauth/token
//!                      ├─ engine_url  GET  /web/v3/account/{account}/engineUrl
//!                      └─ query       POST anything else ─► execution
//! ```
//! * [`connection`]: one HTTP/1.1 connection over any byte stream
//! * [`reply`]: what a request comes to, and the body that can break off in its middle
//! * [`parameters`]: the URL parameters: session, settings, transaction
//! * [`token`], [`engine_url`], [`query`]: the endpoints

pub(crate) mod connection;
pub(crate) mod engine_url;
pub(crate) mod parameters;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod token;
