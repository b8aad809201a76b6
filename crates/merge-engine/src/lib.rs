//! The merge engine: takes CDC files from an object store into Firebolt tables, exactly once.
//!
//! ```text
//!   files ─► engine.rs ─► driver.rs ◄──── step(state, reply) ────► merge-protocol (decides)
//!                            │ perform(command)
//!              normalise/ ◄──┼──► warehouse.rs ─► firebolt-client
//!            (object store)  └──► notes ─► telemetry.rs (logs, observers)
//! ```
//!
//! This crate is the imperative shell: it performs commands and reports what came of them. It decides
//! nothing that the protocol decides, holds no state between two merges of a file, and knows no
//! clock but tokio's and no randomness but what is injected.
//!
//! Reading order: [`config`], [`engine`], the driver, the warehouse, normalise, [`sweeper`], [`audit`],
//! [`telemetry`], [`error`].

pub mod audit;
mod catalog;
pub mod config;
mod driver;
pub mod engine;
pub mod error;
mod normalise;
pub mod sweeper;
pub mod telemetry;
mod warehouse;

pub use audit::{AuditReport, Reconciled};
pub use config::{EngineConfig, TableKeys};
pub use engine::{Entropy, FileResult, MergeEngine, Parts};
pub use error::EngineError;
pub use sweeper::{Orphan, SweepOptions, SweepReport};
pub use telemetry::{Logged, Note, Observer};
