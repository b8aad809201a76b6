//! The HTTP surface: connections in, replies out, one endpoint a file.
//!
//! ```text
//! connection ─► body ─► route ─┬─ token       POST /oauth/token
//!                              ├─ engine_url  GET  /web/v3/account/{account}/engineUrl
//!                              ├─ cancel      POST /cancel
//!                              └─ query       POST anything else ─► several ─► execution
//! ```
//! * [`connection`]: one HTTP/1.1 connection over any byte stream
//! * [`reply`]: what a request comes to, and the body that can break off in its middle
//! * [`body`]: the body of a request, within its limits, unpacked
//! * [`parameters`], [`settings`]: the URL parameters: session, settings, transaction
//! * [`token`], [`engine_url`], [`query`], [`cancel`]: the endpoints
//! * [`several`]: a request with several statements

pub(crate) mod body;
pub(crate) mod cancel;
pub(crate) mod connection;
pub(crate) mod engine_url;
pub(crate) mod parameters;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod settings;
pub(crate) mod several;
pub(crate) mod token;
