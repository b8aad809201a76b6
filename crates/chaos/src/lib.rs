//! Runs the real engine against the fake Firebolt through seeded fault schedules, in virtual
//! time, and judges what happened.
//!
//! ```text
//! scenario ─► plan ─► world (bucket, delivery, workers, network, warehouse) ─► history
//!   seed ──────┘        ▲ nemesis: the plan's faults                              │
//!                                                            model + checkers ◄───┘─► verdict
//! ```

pub mod checkers;
pub mod cli;
pub mod conduct;
pub mod crash;
pub mod determinism;
pub mod exhaust;
pub mod history;
pub mod job;
pub mod ladder;
pub mod model;
pub mod mutant;
pub mod nemesis;
pub mod outcome;
pub mod plan;
pub mod pool;
pub mod prior;
pub mod ratio;
pub mod report;
pub mod revisit;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod selftest;
pub mod shrink;
pub mod statement;
pub mod stats;
pub mod tier;
pub mod timespan;
pub mod twin;
pub mod workload;
pub mod world;
