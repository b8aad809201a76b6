//! The server as a client meets it: HTTP over in-memory streams, on a paused clock.
//!
//! * `harness`: a small client of its own, and hooks that follow a script
//! * one file a concern; `wire` plays the recorded-style exchanges of `fixtures/wire`

mod asynchronous;
mod connections;
mod determinism;
mod engine_statements;
mod external;
mod faults;
mod formats;
mod garbage;
mod harness;
mod limits;
mod metadata;
mod parameters;
mod patience;
mod quirks;
mod restarts;
mod rules;
mod several;
mod sign_on;
mod surface;
mod transactions;
mod traps;
mod wire;
