//! The simulated world around the loader under test.
//!
//! Reading order: [`worker`] (a Lambda container and what runs in it), [`switch`] (how it is killed
//! and frozen), [`delivery`] (how files come), `network` (streams that break), [`bucket`] (the object
//! store), [`warehouse`] (the fake Firebolt), [`recorder`] (who writes everything down).

pub mod bucket;
pub mod delivery;
pub mod loaders;
pub mod network;
pub mod recorder;
pub mod switch;
pub mod warehouse;
pub mod worker;
