//! The requests that stand still at a rule's demand, and how they are let go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::point::{FaultPoint, Phase};
use super::statement_log::Request;

/// One request that stands still.
#[derive(Clone, Debug)]
pub struct Held {
    /// Ordinal of the hold, from 1.
    pub id: u64,
    /// The rule that holds it.
    pub rule: Arc<str>,
    /// How far the request had come.
    pub phase: Phase,
    /// Since when, on tokio's clock, counted from the making of the rules.
    pub since: Duration,
    /// Which request.
    pub request: Request,
}

/// All of them, in the order in which they came to stand.
#[derive(Debug, Default)]
pub(super) struct Holds {
    last: u64,
    entries: BTreeMap<u64, (Held, Gate)>,
}

impl Holds {
    /// The gate for a request that has to stop here.
    pub(super) fn hold(
        &mut self,
        rule: &Arc<str>,
        point: &FaultPoint<'_>,
        since: Duration,
    ) -> Gate {
        self.prune();
        self.last += 1;
        let gate = Gate::closed();
        let request = Request::of(point.statement);
        let held =
            Held { id: self.last, rule: Arc::clone(rule), phase: point.phase, since, request };
        self.entries.insert(self.last, (held, gate.clone()));
        gate
    }

    /// Who stands still now.
    pub(super) fn list(&mut self) -> Vec<Held> {
        self.prune();
        self.entries.values().map(|(held, _)| held.clone()).collect()
    }

    /// Lets those go for which `chosen` says so; how many.
    pub(super) fn release(&mut self, chosen: impl Fn(&Held) -> bool) -> usize {
        self.prune();
        let before = self.entries.len();
        self.entries.retain(|_, (held, gate)| {
            let goes = chosen(held);
            if goes {
                gate.open();
            }
            !goes
        });
        before - self.entries.len()
    }

    /// Forgets requests that ended while they stood: killed by a restart, or given up.
    fn prune(&mut self) {
        self.entries.retain(|_, (_, gate)| gate.is_awaited());
    }
}
