//! The life of a statement, from the request that brought it to the reply that tells of it.
//!
//! ```text
//! received ─► files fetched ─► engine runs ─► snapshot, evaluated ─► executing ─┬─► executed
//!                                                                                └─► committed
//!                                                              reply encoded ─► answered
//! ```
//! * [`call`], [`dispatch`]: one request, ready to be executed; who executes it
//! * [`life`]: what it meets on its way: fault points, engine restarts, time-outs
//! * [`patience`]: how long it may be evaluated, and who may end that
//! * [`in_flight`]: what runs now, and how a restart reaches it
//! * [`restart`], [`cancel`]: the engine goes away; a statement is cancelled
//! * [`statement`]: autocommit statements and statements inside a transaction
//! * [`transactions`], [`boundary`], [`steps`]: open transactions; BEGIN, COMMIT, ROLLBACK; their
//!   step numbers
//! * [`asynchronous`]: statements that run with nobody waiting
//! * [`session`]: USE, SET and texts without a statement
//! * [`engine_statement`]: START ENGINE and STOP ENGINE
//! * [`query_history`], [`transaction_log`], [`views`]: what the server remembers, and the views on it
//! * [`direct`]: the owner's own statements, without HTTP and faults

pub(crate) mod asynchronous;
pub(crate) mod boundary;
pub(crate) mod call;
pub(crate) mod cancel;
pub(crate) mod direct;
pub(crate) mod dispatch;
pub(crate) mod engine_statement;
pub(crate) mod in_flight;
pub(crate) mod life;
pub(crate) mod patience;
pub(crate) mod query_history;
pub(crate) mod restart;
pub(crate) mod session;
pub(crate) mod statement;
mod steps;
pub(crate) mod transaction_log;
pub(crate) mod transactions;
mod views;
