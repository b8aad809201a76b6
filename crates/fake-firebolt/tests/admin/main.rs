//! The control port and the typed handle, on a paused clock and over streams in memory; and once
//! over sockets.
//!
//! * `http`: a small client
//! * `control`: what the control port answers and changes
//! * `handle`: `FakeFirebolt::start()`

mod control;
mod handle;
mod http;
