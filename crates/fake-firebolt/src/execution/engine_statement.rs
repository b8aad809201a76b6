//! START ENGINE and STOP ENGINE of the engine that this server runs.
//!
//! They are executed by what stands before the engine, so a stopped one is not woken by them. STOP
//! waits for what is in flight, at most for a day, unless it says TERMINATE (firebolt-semantics
//! §3.3); a statement that arrives while it waits still runs, because how the service treats
//! such a one is not known.

use std::time::Duration;

use tokio::time::Instant;

use super::life::{Detour, Life};
use super::restart;
use crate::engine_state::Admission;
use crate::fault::Phase;
use crate::http::reply::Reply;
use crate::sql::EngineRun;

/// How long STOP ENGINE waits for running statements.
const DRAIN_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Executes it.
pub(crate) async fn run(life: &mut Life<'_>, run: EngineRun) -> Result<Reply, Detour> {
    if run.start {
        start(life).await;
    } else {
        stop(life, run.terminate).await;
    }
    life.done(Phase::Executed).await?;
    life.call.encode_nothing(life.query_id)
}

async fn start(life: &Life<'_>) {
    loop {
        let admission = life.call.inner.state().engine.admit(Instant::now(), true);
        match admission {
            Admission::Now | Admission::Refused => return,
            Admission::HeldUntil(until) => tokio::time::sleep_until(until).await,
        }
    }
}

async fn stop(life: &Life<'_>, terminate: bool) {
    let inner = &life.call.inner;
    if !terminate {
        let landed = inner.state().flights.landed();
        let drained = async {
            loop {
                // Registered before the look, so that a landing in between is not missed.
                let next = landed.notified();
                if inner.state().flights.is_empty() {
                    return;
                }
                next.await;
            }
        };
        // After a day what still runs is killed.
        let _ = tokio::time::timeout(DRAIN_MAX, drained).await;
    }
    restart::stop(inner);
}
