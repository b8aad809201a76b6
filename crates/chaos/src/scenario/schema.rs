//! What a scenario file may say. Unknown keys are errors: a misspelt knob that is ignored would
//! make a scenario prove less than it claims.
//!
//! Every part is optional here, so that a file may extend another; what is missing after that has
//! the default that is documented at its key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::choice::{Count, Deed, OneOf, Parameters, Statements};
use crate::plan::{AddedColumn, EventShape, Late, Latency, Phase, Skew};
use crate::ratio::Ratio;
use crate::seed::Seed;
use crate::timespan::{Between, Span};

/// A scenario file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// The scenario whose parts stand where this file has none.
    pub extends: Option<Spanned<String>>,
    /// A known-bad engine that must be caught.
    pub mutant: Option<Spanned<String>>,
    /// Tier, seeds, bounds.
    pub scenario: Option<Head>,
    /// The target table, by name; exactly one.
    pub table: Option<Spanned<BTreeMap<String, Table>>>,
    /// The truth.
    pub workload: Option<Workload>,
    /// How files reach the workers.
    pub delivery: Option<Delivery>,
    /// Latencies and quirks.
    pub warehouse: Option<Warehouse>,
    /// The Firebolt engine as a process in time.
    pub engine: Option<Engine>,
    /// Fault rules.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// The fault mix is drawn by each seed.
    pub swarm: Option<Swarm>,
    /// When faults stop.
    pub heal: Option<Heal>,
    /// What must be reached.
    pub expect: Option<Expect>,
}

/// How often a scenario runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// On every change.
    #[default]
    Pr,
    /// Every night.
    Nightly,
    /// For as long as machines are free.
    Soak,
}

/// `[scenario]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Default `pr`.
    pub tier: Option<Tier>,
    /// Default 200 fresh ones.
    pub seeds: Option<Seeds>,
    /// Default 2 h and 250 000 steps, or longer where the scenario's own times ask for it.
    pub bounds: Option<Bounds>,
}

/// `seeds = { pinned = [...], fresh = 200 }`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    /// Seeds that always run.
    #[serde(default)]
    pub pinned: Vec<Seed>,
    /// How many new ones.
    pub fresh: Option<u64>,
}

/// `bounds = { sim_time = "20m", steps = 250_000 }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Virtual time.
    pub sim_time: Option<Spanned<Span>>,
    /// Fault points.
    pub steps: Option<u64>,
}

/// `[table.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Path of the `CREATE TABLE` from the repository's root.
    pub schema: Spanned<String>,
    /// Its key columns.
    pub key: Vec<String>,
}

/// `[workload]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Default 8 to 24, zipf.
    pub keys: Option<Keys>,
    /// Default 3, 6, 1.
    pub changes: Option<Changes>,
    /// Default 6 or 7 files of 1 to 12 rows.
    pub batches: Option<Batches>,
    /// Chance that a change takes the key of the one before. Default 1/4.
    pub same_key: Option<Ratio>,
    /// The first file is a full load. Default false.
    pub full_load: Option<bool>,
    /// Source time between two changes. Default 400 ms, so that whole seconds tie.
    pub step: Option<Span>,
    /// A column that appears on the way.
    pub added_column: Option<AddedColumn>,
}

/// `keys = { count = 48, skew = "zipf" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// How many.
    pub count: Spanned<Count>,
    /// Default zipf.
    pub skew: Option<Skew>,
}

/// `changes = { insert = 3, update = 6, delete = 1 }`: weights.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Weight of inserts.
    pub insert: u32,
    /// Weight of updates.
    pub update: u32,
    /// Weight of deletes.
    pub delete: u32,
}

/// `batches = { count = 40, rows = "1..=200" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batches {
    /// How many files.
    pub count: Spanned<Count>,
    /// Changes per file.
    pub rows: Spanned<Count>,
}

/// `[delivery]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Containers. Default 2 to 4.
    pub workers: Option<Spanned<Count>>,
    /// Mean time between two files. Default 2 s.
    pub spacing: Option<Span>,
    /// Default never.
    pub duplicate: Option<Ratio>,
    /// Default never.
    pub reorder: Option<Ratio>,
    /// Default never.
    pub late: Option<Late>,
    /// Default 300 s.
    pub deadline: Option<Span>,
    /// Default 3.
    pub tries: Option<u32>,
    /// Default 60 s; the third try waits twice as long.
    pub retry_after: Option<Span>,
    /// Default `s3`.
    pub event: Option<EventShape>,
    /// Default 0 s.
    pub clock_skew: Option<Span>,
    /// Default never.
    pub object_cut: Option<Ratio>,
    /// Default: only at rest.
    pub sweep_every: Option<Span>,
}

/// `[warehouse]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// Default 5 ms to 3 s, mean 40 ms, σ 1.
    pub latency: Option<Latency>,
    /// By statement name.
    #[serde(default)]
    pub latencies: BTreeMap<String, Spanned<Latency>>,
    /// Values, or lists of which each seed takes one.
    #[serde(default)]
    pub quirks: BTreeMap<String, Spanned<OneOf>>,
}

/// `[engine]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Mean time between restarts, exponentially distributed. Default: none.
    pub restart_every: Option<Span>,
    /// How long it is away. Default 2 s to 5 s.
    pub away: Option<Between<Span>>,
    /// How often a restart kills a statement after its commit. Default 1/2.
    pub killed_after_commit: Option<Ratio>,
}

/// `[[fault]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The rule's name.
    pub name: Spanned<String>,
    /// Which statements.
    pub on: Statements,
    /// Which phases.
    pub at: Vec<Spanned<Phase>>,
    /// What.
    pub does: Spanned<Deed>,
    /// How often.
    pub chance: Spanned<Ratio>,
    /// How much later, drawn once per seed.
    pub by: Option<Between<Span>>,
    /// How long frozen, drawn once per seed.
    pub lasting: Option<Between<Span>>,
    /// The status of a refusal: 429, 500 or 503.
    pub status: Option<Spanned<u16>>,
    /// How often at most in one run.
    pub at_most: Option<u64>,
}

impl Fault {
    /// The parameters with the smallest value of each range: for questions about the kind only.
    pub(crate) fn parameters(&self) -> Parameters {
        Parameters {
            by: self.by.map(|range| range.min),
            lasting: self.lasting.map(|range| range.min),
            status: self.status.as_ref().map(|status| *status.get_ref()),
        }
    }
}

/// `[swarm]`: each seed draws a subset of the fault kinds, rates and quirks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// The rarest rate, as `1/denominator`.
    pub rarest: Ratio,
    /// The most frequent rate.
    pub most_frequent: Ratio,
}

/// `[heal]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heal {
    /// When faults stop. Default 10 min.
    pub after: Spanned<Span>,
    /// How long it may take to settle. Default 30 min.
    pub within: Span,
}

/// `[expect]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Marks and faults.
    #[serde(default)]
    pub reached: Vec<Spanned<Reached>>,
    /// The oracle that must catch the mutant.
    pub caught_by: Option<String>,
}

/// `[[expect.reached]]`: a mark or a fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// A mark of the engine.
    pub mark: Option<String>,
    /// The id of a fault.
    pub fault: Option<String>,
    /// How often at least, over all seeds. Default 1.
    pub min: Option<u64>,
}
