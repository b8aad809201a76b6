//! A plan: one run, fully resolved, as a file that a person can read and a program can replay.
//!
//! A scenario holds choices (ranges, lists, rates); a plan holds what one seed made of them. All
//! knobs are drawn before the run starts, so the plan can be printed first, and cut down by the
//! shrinker piece by piece. What a plan does not say cannot influence the run.

pub mod address;
pub mod does;
pub mod resolve;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::address::{Address, Phase};
pub use self::does::Does;
use crate::ratio::Ratio;
use crate::seed::Seed;
use crate::statement::StatementName;
use crate::timespan::{Between, Span};

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The scenario it came from, such as `network/lost-commit-ack`.
    pub scenario: String,
    /// The root of all randomness of the run.
    pub seed: Seed,
    /// Which loader is under test.
    pub policy: Policy,
    /// A known-bad variation of the engine, by name (self-test).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
    /// Whether the run lists every fault point that it reached (exhaustive enumeration).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub points: bool,
    /// The truth, and how it is cut into files.
    pub workload: WorkloadPlan,
    /// How files reach the workers.
    pub delivery: DeliveryPlan,
    /// How the warehouse behaves.
    pub warehouse: WarehousePlan,
    /// When faults stop, and how fast it must settle then.
    pub heal: HealPlan,
    /// Reaching a bound is the failure *stuck*, never a pass.
    pub bounds: Bounds,
    /// What the run must have reached to prove anything; judged over all seeds of a scenario.
    #[serde(default)]
    pub expect: Expect,
    /// Faults by rate.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<PlannedFault>,
    /// Faults at exact places; each fires once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placed: Vec<PlacedFault>,
}

impl Plan {
    /// The plan as a TOML document.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a plan holds only what TOML can hold")
    }

    /// Reads what [`Plan::to_toml`] wrote; the error names line, column and what to do.
    pub fn from_toml(text: &str) -> Result<Plan, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Which loader a run tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Ours.
    Engine,
    /// The prior loader before the field report's fix.
    #[serde(rename = "prior-0")]
    Prior0,
    /// The field report's fix.
    #[serde(rename = "prior-1")]
    Prior1,
    /// DELETE before a retried MERGE.
    #[serde(rename = "prior-2")]
    Prior2,
    /// DELETE before every MERGE.
    #[serde(rename = "prior-3")]
    Prior3,
    /// A processed-files table.
    #[serde(rename = "prior-4")]
    Prior4,
    /// Dedup by ROW_NUMBER.
    #[serde(rename = "prior-5")]
    Prior5,
}

impl Policy {
    /// All rungs in the order of their history; ours last.
    pub const LADDER: [Policy; 7] = [
        Policy::Prior0,
        Policy::Prior1,
        Policy::Prior2,
        Policy::Prior3,
        Policy::Prior4,
        Policy::Prior5,
        Policy::Engine,
    ];

    /// The rung's name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Engine => "engine",
            Policy::Prior0 => "prior-0",
            Policy::Prior1 => "prior-1",
            Policy::Prior2 => "prior-2",
            Policy::Prior3 => "prior-3",
            Policy::Prior4 => "prior-4",
            Policy::Prior5 => "prior-5",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Policy::LADDER
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no policy; it is engine, or prior-0 to prior-5"))
    }
}

/// The truth of a run: changes to keys in source order, and the files that carry them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadPlan {
    /// The source database; part of every object key.
    pub database: String,
    /// The target table.
    pub table: String,
    /// `CREATE TABLE` of the target, run before anything else.
    pub ddl: String,
    /// The key columns of the target.
    pub key: Vec<String>,
    /// How many different keys there are.
    pub keys: u64,
    /// How changes choose their key.
    pub skew: Skew,
    /// Weight of inserts (of an absent key).
    pub insert: u32,
    /// Weight of updates (of a live key).
    pub update: u32,
    /// Weight of deletes (of a live key).
    pub delete: u32,
    /// Chance that a change takes the key of the change before it: I and U of one new key, or
    /// several U of one key, in one file.
    #[serde(default)]
    pub same_key: Ratio,
    /// The first file is a full load (`LOAD….parquet`, no `Op`): one row each of new keys, whose time
    /// stamps are transfer times and say nothing about the changes that follow.
    #[serde(default)]
    pub full_load: bool,
    /// How many files.
    pub files: u64,
    /// Changes per file, drawn anew for each file.
    pub rows: Between<u64>,
    /// Source time between two changes, drawn up to twice this. The time stamps of a file are
    /// whole seconds, so a small step makes ties.
    pub step: Span,
    /// A column that appears in the source from some file on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_column: Option<AddedColumn>,
}

/// How changes choose their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skew {
    /// Every key equally likely.
    Uniform,
    /// The k-th key with weight 1/k: some keys are hot.
    Zipf,
}

/// A column that the source gains while files flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AddedColumn {
    /// Its name; always a nullable TEXT.
    pub name: String,
    /// Index of the first file that carries it.
    pub from_file: u64,
}

/// How files reach the workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryPlan {
    /// How many Lambda containers; each serves one invocation at a time.
    pub workers: u32,
    /// Mean time between two files, drawn up to twice this.
    pub spacing: Span,
    /// Chance that an event is delivered a second time (F23), half of them at the same moment.
    #[serde(default)]
    pub duplicate: Ratio,
    /// Chance that a file changes places with its successor (F26).
    #[serde(default)]
    pub reorder: Ratio,
    /// Files that come late (F26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// The Lambda time-out.
    pub deadline: Span,
    /// How many times an asynchronous invocation is tried in all.
    pub tries: u32,
    /// Wait before the second try; the third waits twice as long.
    pub retry_after: Span,
    /// The envelope of the notifications.
    pub event: EventShape,
    /// How far a worker's clock runs behind the platform's (F25): drawn up to this.
    #[serde(default)]
    pub clock_skew: Span,
    /// Chance that reading an object breaks off half-way (F27).
    #[serde(default)]
    pub object_cut: Ratio,
    /// A sweep during the run, at this interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_every: Option<Span>,
}

/// Files that come late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// How many.
    pub chance: Ratio,
    /// By how much.
    pub by: Between<Span>,
}

/// The envelope of a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventShape {
    /// `Records[0].s3.object.key`, form-urlencoded.
    #[default]
    S3,
    /// `detail.object.key`, as it is.
    EventBridge,
}

/// How the warehouse behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarehousePlan {
    /// Execution time of statements that have none of their own.
    pub latency: Latency,
    /// Execution time by statement name.
    #[serde(default)]
    pub latencies: BTreeMap<String, Latency>,
    /// How long the engine is away after a restart.
    pub away: Between<Span>,
    /// Restarts as a process in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_every: Option<Span>,
    /// How often a restart kills a MERGE after its commit instead of before.
    #[serde(default)]
    pub killed_after_commit: Ratio,
    /// The unknowns of the real service, by the names of `fake_firebolt::Quirks`.
    #[serde(default)]
    pub quirks: toml::Table,
}

/// A distribution of execution times: lognormal, cut at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Never faster.
    pub min: Span,
    /// The mean before cutting.
    pub mean: Span,
    /// Never slower.
    pub max: Span,
    /// σ of the logarithm; 0 makes every execution take the mean.
    #[serde(default)]
    pub sigma: Sigma,
}

/// σ of a lognormal distribution, written `"4/5"`; may be more than 1, unlike a [`Ratio`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sigma(pub Ratio);

impl fmt::Display for Sigma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Sigma {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no σ; write it as a fraction, such as \"4/5\"");
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let numerator = above.trim().parse().map_err(|_| wrong())?;
        let denominator = below.trim().parse().map_err(|_| wrong())?;
        if denominator == 0 || numerator > 3 * denominator {
            return Err(wrong());
        }
        Ok(Sigma(Ratio { numerator, denominator }))
    }
}

impl Serialize for Sigma {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sigma {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A fault by rate: every time a request of one of these statements reaches one of these phases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// The rule's name; also names its random stream.
    pub name: String,
    /// Which statements.
    pub on: Vec<StatementName>,
    /// In which phases of their life.
    pub at: Vec<Phase>,
    /// What happens then.
    pub does: Does,
    /// How often.
    pub chance: Ratio,
    /// How often at most in one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

/// A fault at one exact place; it fires the first time that the place is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedFault {
    /// Where.
    pub address: Address,
    /// What happens there.
    pub does: Does,
}

/// When faults stop, and how fast everything must settle then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealPlan {
    /// Faults stop at this virtual time, or when there is nothing left to do, if that is earlier.
    #[serde(with = "crate::timespan::as_text")]
    pub after: Duration,
    /// From then on, all deliveries must have ended within this time.
    #[serde(with = "crate::timespan::as_text")]
    pub within: Duration,
}

/// The bounds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Virtual time until the rest phase begins.
    #[serde(with = "crate::timespan::as_text")]
    pub sim_time: Duration,
    /// Fault points, of which each request passes at most eight.
    pub steps: u64,
}

/// What the runs of a scenario must reach together; otherwise they prove nothing: *vacuous*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Marks of the engine, with the least count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, u64>,
    /// Fault ids, with the least count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub faults: BTreeMap<String, u64>,
    /// The oracle that must catch the mutant (negative scenarios).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caught_by: Option<String>,
}
