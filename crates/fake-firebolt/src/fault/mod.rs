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
//! * [`rule_hooks`]: hooks that follow such rules, count, and draw from a seed
//! * [`gate`], [`holds`]: requests that stand still until somebody lets them go
//! * [`statement_log`]: what was asked lately

pub mod does;
pub mod gate;
mod glob;
pub mod holds;
pub mod hooks;
mod named_tables;
pub mod on;
pub mod point;
mod ratio;
pub mod rule;
pub mod rule_hooks;
pub mod statement_log;
mod timespan;
pub mod verdict;

pub use does::{Does, gateway_reply};
pub use gate::Gate;
pub use glob::Glob;
pub use holds::Held;
pub use hooks::{Answer, Commit, Hooks, NoFaults};
pub use on::On;
pub use point::{Endpoint, FaultPoint, Phase, StatementInfo};
pub use ratio::Ratio;
pub use rule::{Rule, RuleError, When};
pub use rule_hooks::{Counted, RuleHooks};
pub use statement_log::{Logged, Request};
pub use timespan::Span;
pub use verdict::{CannedReply, InFlight, Verdict};
