//! Where a request can be hurt, and what can be done to it there.
//!
//! The server reaches named points while it serves a request and asks the installed [`Hooks`]
//! what happens next. The hooks decide, the server obeys; what is random in here comes from the
//! caller's seed alone, so that a schedule of faults can be replayed.
//!
//! * [`point`]: where a request stands and what it is
//! * [`verdict`]: what a hook may demand there
//! * [`hooks`]: the trait, and what it is told
//! * [`rule`], [`does`], [`on`]: faults as data: which statement, which phase, which of them, what
//! * `glob`, `named_tables`, `ratio`, `timespan`: how a rule says so
//! * `rule_file`, `rule_reader`, `rule_writer`, `given`: rules from TOML and JSON, and back
//! * [`rule_hooks`]: hooks that follow such rules, count, and draw from a seed
//! * [`gate`], [`holds`]: requests that stand still until somebody lets them go
//! * `statement_kind`: what a text is, where it does not parse
//! * [`statement_log`]: what was asked lately

pub mod does;
pub mod gate;
#[cfg(feature = "listen")]
mod given;
mod glob;
pub mod holds;
pub mod hooks;
mod named_tables;
pub mod on;
pub mod point;
mod ratio;
pub mod rule;
#[cfg(feature = "listen")]
mod rule_file;
pub mod rule_hooks;
#[cfg(feature = "listen")]
mod rule_reader;
#[cfg(feature = "listen")]
mod rule_writer;
#[cfg(feature = "listen")]
mod statement_kind;
pub mod statement_log;
mod timespan;
pub mod verdict;

pub use does::{Does, gateway_reply};
pub use gate::Gate;
#[cfg(feature = "listen")]
pub use given::{Place, ReadError};
pub use glob::Glob;
pub use holds::Held;
pub use hooks::{Answer, Commit, Hooks, NoFaults};
pub use on::On;
pub use point::{Endpoint, FaultPoint, Phase, StatementInfo};
pub use ratio::Ratio;
pub use rule::{Rule, RuleError, Side, When};
#[cfg(feature = "listen")]
pub use rule_file::RuleFile;
pub use rule_hooks::{Counted, RuleHooks};
#[cfg(feature = "listen")]
pub(crate) use statement_kind::statement_kind;
pub use statement_log::{Logged, Request};
pub use timespan::Span;
pub use verdict::{CannedReply, InFlight, Verdict};
