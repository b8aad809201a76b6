//! The AWS Lambda face of the merge engine.
//!
//! ```text
//!   S3 │ EventBridge │ SQS │ SNS ─► event.rs ─► files ─► handler.rs ─► merge-engine
//!                                                            └─► settled: return · else: fail, so that
//!                                                                 the platform delivers again
//! ```
//!
//! The handler runs unchanged under the simulator: it knows neither the Lambda runtime nor the
//! environment. [`config`] reads settings through a lookup that is passed in; the real network and
//! its S3 client are behind the feature `network`, the platform's terms and `main.rs` behind `runtime`.

pub mod config;
pub mod event;
pub mod handler;
#[cfg(feature = "runtime")]
pub mod invocation;
#[cfg(feature = "network")]
pub mod network;

pub use event::{EventError, EventFile};
pub use handler::{FileReport, Handler, HandlerError, Response};
