//! The control port and the typed handle, on a paused clock and over streams in memory; the proxy
//! over sockets.
//!
//! * `http`: a small client
//! * `control`: what the control port answers and changes
//! * `handle`: `FakeFirebolt::start()`
//! * `proxy`: the same rules before a fake that knows nothing of them
//! * `upstream`: connections of the proxy to the service

mod control;
mod handle;
mod http;
mod proxy;
mod upstream;
