//! Runs the real engine against the fake Firebolt through seeded fault schedules, in virtual
//! time, and judges what happened.
//!
//! ```text
//! scenario ─► plan ─► world (bucket, delivery, workers, network, warehouse) ─► history
//!   seed ──────┘        ▲ nemesis: the plan's faults                              │
//!                                                            model + checkers ◄───┘─► verdict
//! ```
//!
//! Reading order:
//! * what a run is: [`scenario`] (choices, as files), [`seed`], [`plan`] (one run, resolved),
//!   [`statement`] (the names that faults strike), [`ratio`], [`timespan`]
//! * the run: [`run`] (safety, heal, rest), [`world`] (the simulated surroundings), [`nemesis`] (the
//!   one place that decides about faults), [`workload`] (the truth, and its files), [`history`]
//! * the verdict: [`model`], [`checkers`], [`determinism`], [`twin`]
//! * who is tested: the engine itself, [`mutant`] (known-bad ones), [`prior`] (the former loader)
//! * many runs: [`tier`], [`job`], [`pool`], [`exhaust`], [`crash`], [`ladder`], [`selftest`],
//!   [`shrink`], [`revisit`]
//! * what a reader sees: [`cli`], [`conduct`], [`outcome`], [`stats`], [`report`]
//!
//! What it must not do: read a clock, an environment or a socket inside a run; let the oracles
//! ([`model`], [`checkers`], [`workload`]) share code with the engine; let anything but the plan
//! decide what happens.

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
