//! Where a request can be hurt, and what can be done to it there.
//!
//! The server reaches named points while it serves a request and asks the installed [`Hooks`]
//! what happens next. The hooks decide, the server obeys; nothing in here draws a random number,
//! so that a schedule of faults is the caller's alone and can be replayed.
//!
//! * [`point`]: where a request stands and what it is
//! * [`verdict`]: what a hook may demand there
//! * [`hooks`]: the trait, and what it is told

pub mod hooks;
pub mod point;
pub mod verdict;

pub use hooks::{Answer, Commit, Hooks, NoFaults};
pub use point::{Endpoint, FaultPoint, Phase, StatementInfo};
pub use verdict::{CannedReply, InFlight, Verdict};
