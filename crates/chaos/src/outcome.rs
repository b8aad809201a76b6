//! What a job leaves behind: small, serialisable, and all that a report is made of.
//!
//! A report is a pure function of a list of parts. That is what makes the merge of all shards equal
//! to the unsharded run: merging unites the lists and computes the report again, and never adds up
//! rates or medians that cannot be added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which part of the report a job belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// A scenario file, or the swarm.
    Scenario,
    /// One rung of the ladder on one seed.
    Ladder,
    /// A share of the placements of ≤ k faults.
    Exhaustive,
    /// A share of the crash points.
    Crash,
    /// A known-bad engine, until it is caught.
    Mutant,
    /// The same plan in this process and in another.
    Determinism,
}

/// Why this seed is run. Only fresh ones support a statistical claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Drawn from the root seed.
    Fresh,
    /// Named by the scenario file.
    Pinned,
    /// A plan that once failed.
    Regression,
    /// Not drawn at all: enumerated.
    Enumerated,
}

/// A job's name in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Where it belongs.
    pub section: Section,
    /// The scenario, rung, workload or mutant.
    pub name: String,
    /// The run's seed as text; of a census, its share.
    pub seed: String,
    /// Why it is run.
    pub origin: Origin,
}

/// The counts of one run (chaos.md §0). Additive over runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the word of chaos.md §0 that it is named after")]
pub struct Tally {
    pub invocations: u64,
    pub invocations_succeeded: u64,
    pub undisturbed_invocations: u64,
    pub files: u64,
    pub files_applied_at_end_of_deliveries: u64,
    pub files_applied: u64,
    pub duplicate_keys: u64,
    pub lost_updates: u64,
    pub resurrected_deletes: u64,
    pub orphan_staging: u64,
    pub cleanup_attempts: u64,
    pub cleanup_failures: u64,
    pub requests: u64,
}

impl Tally {
    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        self.invocations += other.invocations;
        self.invocations_succeeded += other.invocations_succeeded;
        self.undisturbed_invocations += other.undisturbed_invocations;
        self.files += other.files;
        self.files_applied_at_end_of_deliveries += other.files_applied_at_end_of_deliveries;
        self.files_applied += other.files_applied;
        self.duplicate_keys += other.duplicate_keys;
        self.lost_updates += other.lost_updates;
        self.resurrected_deletes += other.resurrected_deletes;
        self.orphan_staging += other.orphan_staging;
        self.cleanup_attempts += other.cleanup_attempts;
        self.cleanup_failures += other.cleanup_failures;
        self.requests += other.requests;
    }
}

/// An oracle's complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `O1` … `O15`.
    pub oracle: String,
    /// What is wrong, in one sentence with the key or file.
    pub message: String,
}

/// How often one fault fired at one statement and phase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of chaos.md §2")]
pub struct Cell {
    pub fault: String,
    pub statement: String,
    pub phase: String,
    pub count: u64,
}

/// One seeded run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The history's hash, 32 hex digits.
    pub hash: String,
    /// Counts.
    pub tally: Tally,
    /// Virtual milliseconds from a file's first delivery until it was settled, sorted.
    pub file_millis: Vec<u64>,
    /// Every complaint, in the order found.
    pub findings: Vec<Finding>,
    /// Why it did not settle.
    pub stuck: Option<String>,
    /// Fired faults by id.
    pub faults_fired: BTreeMap<String, u64>,
    /// Recovery marks reached.
    pub marks: BTreeMap<String, u64>,
    /// How often each oracle had something to judge.
    pub oracles: BTreeMap<String, u64>,
    /// Faults by cell, sorted.
    pub cells: Vec<Cell>,
    /// Virtual length in milliseconds.
    pub virtual_millis: u64,
    /// For each file, whether its first invocation succeeded; recorded on the ladder, whose rungs
    /// are compared file by file.
    pub first_try: Vec<bool>,
    /// The files and workers of the plan: what makes a run count as large in timing.json.
    pub size: [u64; 2],
    /// The harness broke; the run says nothing about the engine.
    pub internal_error: Option<String>,
}

/// A share of an enumeration (exhaustive or crash).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusOutcome {
    /// Runs made; what is unique to this share.
    pub schedules: u64,
    /// Fault points that could be chosen from (crash: points tried).
    pub points: u64,
    /// The distinct hashes of this share, sorted.
    pub hashes: Vec<String>,
    /// Kinds of fault placed.
    pub fault_kinds: u64,
    /// At most so many faults in one schedule.
    pub faults_max: u64,
    /// Runs with at least one complaint, or stuck.
    pub violations: u64,
    /// Whether everything was enumerated; false when a bound was reached.
    pub complete: bool,
    /// The first complaints, with the plan that shows each (TOML).
    pub examples: Vec<CensusExample>,
    /// How often each oracle had something to judge.
    pub oracles: BTreeMap<String, u64>,
    /// Recovery marks reached.
    pub marks: BTreeMap<String, u64>,
    /// Faults by cell.
    pub cells: Vec<Cell>,
    /// The harness broke.
    pub internal_error: Option<String>,
}

/// A schedule of an enumeration that violated something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusExample {
    /// Names the schedule within the census.
    pub id: String,
    /// What was wrong.
    pub finding: Finding,
    /// The plan, as a loadable TOML text.
    pub plan: String,
}

/// A known-bad engine on trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutantOutcome {
    /// `engine` or `oracle`.
    pub kind: String,
    /// The oracle that caught it.
    pub by: Option<String>,
    /// The oracle that should.
    pub expected: String,
    /// Runs until it was caught, that one included; all of them when it was missed.
    pub schedules: u64,
    /// The bound.
    pub schedules_max: u64,
    /// The harness broke, for example because the mutation never applied to anything.
    pub internal_error: Option<String>,
}

/// One plan run here and in another process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeterminismOutcome {
    /// Where the two histories first differ.
    pub difference: Option<String>,
    /// The other process could not be run.
    pub internal_error: Option<String>,
}

/// What a job found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A seeded run.
    Run(RunOutcome),
    /// A share of an enumeration.
    Census(CensusOutcome),
    /// A mutant.
    Mutant(MutantOutcome),
    /// A comparison of two histories.
    Determinism(DeterminismOutcome),
    /// The job panicked.
    Broken(String),
}

/// A job's result with its place in the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The job's index over all shards.
    pub index: usize,
    /// Its name.
    pub label: Label,
    /// Its result.
    pub outcome: Outcome,
}

/// Without these a scenario proves nothing (chaos.md §6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Ids of the faults that the scenario names.
    pub faults: Vec<String>,
    /// Recovery marks and how often each must be reached.
    pub marks: BTreeMap<String, u64>,
}

/// Everything a report is computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawReport {
    /// The commit of the code that ran.
    pub commit: String,
    /// The root seed as text.
    pub root_seed: String,
    /// Hash of every scenario text: two reports of one distribution can be merged.
    pub distribution: String,
    /// What was asked for: the tier or the subcommand.
    pub tier: String,
    /// Whether a filter left parts of the tier out, so that an idle oracle is no surprise.
    pub filtered: bool,
    /// All jobs of all shards.
    pub jobs_total: usize,
    /// What each scenario must reach.
    pub expectations: BTreeMap<String, Expectation>,
    /// The results, by index.
    pub parts: Vec<Part>,
}

impl RawReport {
    /// Whether every job is there: vacuity is judged on the whole only.
    pub fn is_whole(&self) -> bool {
        self.parts.len() == self.jobs_total
    }

    /// Unites shards.
    ///
    /// # Errors
    /// When they are not of one run, overlap, or some are missing.
    pub fn merge(shards: Vec<Self>) -> Result<Self, String> {
        let mut shards = shards.into_iter();
        let mut whole = shards.next().ok_or("merge needs at least one report.json")?;
        for shard in shards {
            for (what, ours, theirs) in [
                ("commit", &whole.commit, &shard.commit),
                ("root seed", &whole.root_seed, &shard.root_seed),
                ("distribution", &whole.distribution, &shard.distribution),
                ("tier", &whole.tier, &shard.tier),
            ] {
                if ours != theirs {
                    return Err(format!(
                        "these shards are not of one run: {what} {ours} and {theirs}; run every \
                         shard from one commit with one --root-seed"
                    ));
                }
            }
            if whole.jobs_total != shard.jobs_total {
                return Err(format!(
                    "these shards are not of one run: {} jobs and {} jobs; give every shard the \
                     same --seeds, --scenario and --tier",
                    whole.jobs_total, shard.jobs_total
                ));
            }
            whole.parts.extend(shard.parts);
        }
        whole.parts.sort_by_key(|part| part.index);
        if let Some(pair) = whole.parts.windows(2).find(|pair| pair[0].index == pair[1].index) {
            return Err(format!("job {} is in two of the shards", pair[0].index));
        }
        if !whole.is_whole() {
            return Err(format!(
                "{} of {} jobs are missing: a shard's report.json was not given",
                whole.jobs_total - whole.parts.len(),
                whole.jobs_total
            ));
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(indices: &[usize]) -> RawReport {
        let label = Label {
            section: Section::Scenario,
            name: "a/b".into(),
            seed: "0".into(),
            origin: Origin::Fresh,
        };
        RawReport {
            commit: "c".into(),
            root_seed: "r".into(),
            distribution: "d".into(),
            tier: "pr".into(),
            filtered: false,
            jobs_total: 4,
            expectations: BTreeMap::new(),
            parts: indices
                .iter()
                .map(|index| Part {
                    index: *index,
                    label: label.clone(),
                    outcome: Outcome::Run(RunOutcome::default()),
                })
                .collect(),
        }
    }

    #[test]
    fn shards_unite_in_the_order_of_the_jobs() {
        let whole = RawReport::merge(vec![shard(&[1, 3]), shard(&[0, 2])]).expect("a partition");
        assert_eq!(whole, shard(&[0, 1, 2, 3]));
        assert!(whole.is_whole());
    }

    #[test]
    fn shards_that_do_not_fit_are_refused() {
        let other_seed = RawReport { root_seed: "x".into(), ..shard(&[0, 2]) };
        for (shards, says) in [
            (vec![shard(&[1, 3])], "2 of 4 jobs are missing"),
            (vec![shard(&[0, 1]), shard(&[1, 2, 3])], "job 1 is in two"),
            (vec![shard(&[1, 3]), other_seed], "root seed"),
            (vec![], "at least one"),
        ] {
            let refusal = RawReport::merge(shards).expect_err("must be refused");
            assert!(refusal.contains(says), "{refusal}");
        }
    }
}
