//! A Firebolt that speaks the real wire protocol, has the real transaction semantics, and breaks
//! on demand.
//!
//! It exists because every interesting failure of a loader happens between the server's commit
//! and the client's knowledge of it, and no account of the real service will lose a reply on
//! request. What is known of the service is built in; what is not is a named [`quirks::Quirks`]
//! field, so that a client can be tested under each answer.
//!
//! ```text
//!  any byte stream ─► http ──► execution ──► sql ──► mvcc
//!                      │           │                  │
//!                     wire       fault hooks        history
//! ```
//!
//! Reading order:
//! * [`server`]: make one, connect to it, break it, ask it for the truth
//! * [`fault`]: the points at which it can be broken, and how
//! * `proxy` (feature `listen`): the same rules before a real Firebolt
//! * `handle`, `listen`, `admin` (feature `listen`): start one in a test, real sockets, a control port
//! * `http`, `wire`: requests in, bytes out
//! * `execution`: the life of a statement
//! * [`engine_state`], [`history`]: the engine's life, what was committed and when
//! * [`limits`], `ids`: how much one request may ask for; every id, out of the seed
//! * [`sql`], [`mvcc`]: the dialect; snapshots and conflicts
//! * [`value`], [`quirks`]: what rows are made of; what is not known for certain
//! * [`files`], `parquet_file`, `csv_file`: what COPY and table functions read
//!
//! ```
//! use std::sync::Arc;
//! use fake_firebolt::{FakeConfig, FakeFirebolt, NoFaults};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?
//! # .block_on(async {
//! let fake = FakeFirebolt::new(FakeConfig::default(), Arc::new(NoFaults));
//! fake.setup("CREATE TABLE t (id INTEGER NOT NULL); INSERT INTO t VALUES (1)")?;
//! let (near, far) = tokio::io::duplex(64 * 1024);
//! tokio::spawn(fake.serve_connection(far, "worker-1"));
//! // … speak HTTP/1.1 on `near`, then ask for the truth:
//! assert_eq!(fake.query("SELECT id FROM t")?.rows.len(), 1);
//! # drop(near);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it does not do: take uploads, write Arrow, describe a statement's
//! parameters (`execution_mode`), keep more than one engine or account, tell a system engine from a
//! user engine, vacuum by itself, or enforce permissions. Each of these is refused with a text that
//! says so, or simply absent; none is silently half done.
//!
//! It shares no code with any client, so that no mistake can be on both sides of the wire.

#[cfg(feature = "listen")]
pub mod admin;
mod csv_file;
mod execution;
#[cfg(feature = "listen")]
pub mod handle;
mod http;
mod ids;
#[cfg(feature = "listen")]
mod listen;
mod parquet_file;
mod wire;

pub mod engine_state;
pub mod fault;
pub mod files;
pub mod history;
pub mod limits;
pub mod mvcc;
#[cfg(feature = "listen")]
pub mod proxy;
pub mod quirks;
pub mod server;
pub mod sql;
#[cfg(feature = "serve")]
pub mod tls;
pub mod value;

pub use engine_state::EngineState;
pub use fault::{
    Answer, CannedReply, Commit, Does, Endpoint, FaultPoint, Hooks, InFlight, NoFaults, On, Phase,
    Ratio, Rule, RuleError, RuleHooks, StatementInfo, Verdict, When, gateway_reply,
};
#[cfg(feature = "listen")]
pub use handle::{HoldGuard, RunningFake, Start, StartError};
pub use history::Committed;
pub use limits::Limits;
pub use quirks::Quirks;
pub use server::{FakeConfig, FakeFirebolt, Location};
#[cfg(feature = "serve")]
pub use tls::Tls;
