//! The worker is killed at every point that it reaches, one run for each.
//!
//! A kill is the hardest fault: nothing of the invocation's own clean-up runs. The platform then
//! delivers the event again, so each run is a crash and its redelivery. Enumerated, not sampled.

use crate::exhaust::Census;
use crate::plan::{Does, Plan};
use crate::pool::Shard;

/// The census of one kill over all points of this plan.
pub fn census(plan: Plan, share: Shard) -> Census {
    Census { plan, faults_max: 1, kinds: vec![Does::KillWorker], share }
}
