//! The merge protocol: exactly one effect per file, whatever fails. Sans-IO.
//!
//! A merge takes CDC files of one table through a private staging table into the target, inside
//! transactions that Firebolt lets only one of commit. Everything that decides lives here; whoever
//! drives it performs commands and feeds the replies back:
//!
//! ```text
//!   files ─► Look ─► Probe ─► Normalise ─► Stage ─► Count ─┐
//!                                                          ▼
//!      Begin ─► Fence ─► Check ─► Merge ─► Versions ─► Ledger ─► Commit ─► Drop ─► done
//!        ▲                  └─ all there: already applied           │
//!        └──────────── conflict, lost reply, doubt ◄────────────────┘
//! ```
//!
//! There is no state for "resolve the doubt": the way out of doubt is the ordinary way in.
//! Nothing here knows a clock, a network, a runtime or a source of randomness: time, jitter and
//! entropy are arguments. The same [`machine::Merge::step`] is explored exhaustively in a test, driven
//! through fault schedules by the simulator, and run in production.
//!
//! Reading order: [`object`] and [`change`] (what a file is, the order of changes), [`schema`] and
//! [`plan`] (what is written), [`machine`] (the transition table), [`failure`] and [`retry`] (what goes
//! wrong, how long to wait), [`outcome`] (how it ends), [`sql`] (the statements), [`staging`] (names).

pub mod change;
pub mod failure;
pub mod machine;
pub mod note;
pub mod object;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod retry;
pub mod schema;
pub mod sql;
pub mod staging;
