//! The life of a statement, from the request that brought it to the reply that tells of it.
//!
//! ```text
//! received ─► files fetched ─► engine runs ─► snapshot, evaluated ─► executing ─┬─► executed
//!                                                                                └─► committed
//!                                                              reply encoded ─► answered
//! ```
//! * [`call`]: one request, ready to be executed
//! * [`life`]: what it meets on its way: fault points, engine restarts, time-outs
//! * [`in_flight`]: what runs now, and how a restart reaches it
//! * [`restart`]: the engine goes away
//! * [`statement`]: autocommit statements and statements inside a transaction
//! * [`transactions`], [`boundary`]: open transactions; BEGIN, COMMIT, ROLLBACK
//! * [`session`]: USE, SET and texts without a statement
//! * [`engine_statement`]: START ENGINE and STOP ENGINE
//! * [`direct`]: the owner's own statements, without HTTP and faults

pub(crate) mod boundary;
pub(crate) mod call;
pub(crate) mod direct;
pub(crate) mod engine_statement;
pub(crate) mod in_flight;
pub(crate) mod life;
pub(crate) mod restart;
pub(crate) mod session;
pub(crate) mod statement;
pub(crate) mod transactions;
