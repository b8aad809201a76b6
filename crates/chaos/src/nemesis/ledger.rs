//! What the nemesis did, counted the way that reports need it.

use std::collections::BTreeMap;

use crate::plan::{Address, Does, PlacedFault};

/// The nemesis' own book.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    /// Faults by id.
    pub faults_fired: BTreeMap<String, u64>,
    /// Faults by id, statement and phase.
    pub cells: BTreeMap<(String, String, String), u64>,
    /// Every fault that fired, as a placed one.
    pub fired: Vec<PlacedFault>,
    /// Every fault point reached while faults were on; only when the plan asks.
    pub points: Vec<Address>,
    /// Requests that left their client.
    pub requests: u64,
    /// Draws so far, by name of use.
    pub(super) draws: BTreeMap<String, u64>,
}

impl Tallies {
    pub(super) fn count(&mut self, id: &str) {
        *self.faults_fired.entry(id.to_owned()).or_default() += 1;
    }

    pub(super) fn fire(&mut self, address: Address, does: Does) {
        self.count(does.fault_id());
        let cell =
            (does.fault_id().to_owned(), address.statement.to_string(), address.phase.to_string());
        *self.cells.entry(cell).or_default() += 1;
        self.fired.push(PlacedFault { address, does });
    }
}
