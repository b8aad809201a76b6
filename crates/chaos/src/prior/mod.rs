//! The prior loader's policies, rung by rung: what the operators ran before, warts included, so that
//! the ladder can measure what each of its fixes bought and cost (prior-policies).
//!
//! Not production code, and used nowhere else. It speaks HTTP by a client of its own, with the
//! habits of the Python SDK that the loader was written on: its pool, its patience, its error texts.
//! Nothing here is improved, and nothing is made worse.
//!
//! Reading order: [`policy`] (the knobs of each rung), `loader` (one invocation), `staging` (how a
//! file gets into its table), `merge`, `markers` (the processed-files table), `statements` (the SQL),
//! `sdk` (sign-on, session, errors), `http` (the pool and what breaks), [`Wire`] (the network).

mod http;
mod loader;
mod markers;
mod merge;
pub mod policy;
mod sdk;
mod staging;
mod statements;
mod wire;

pub use loader::{CleanUp, OnCleanUp, PriorConfig, PriorLoader};
pub use sdk::Account;
pub use statements::PROCESSED_FILES_DDL;
pub use wire::{DialError, Duplex, SimWire, Socket, Wire};

use crate::plan::Policy;

/// What an operator had to set up for a policy besides the target, as SQL.
pub fn setup_sql(policy: Policy) -> Option<&'static str> {
    let rung = policy::Rung::of(policy)?;
    (rung.markers != policy::Markers::None).then_some(PROCESSED_FILES_DDL)
}

#[cfg(test)]
mod tests;
