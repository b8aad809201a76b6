//! What a tier, or a subcommand, runs: the list of jobs, complete before the first one starts.
//!
//! n is fixed before the run, and so is the order of the jobs: shards and threads only share them
//! out. A scenario's folder says what is done with it: `exhaustive/` and `crash/every-step` are
//! enumerated, one with a mutant is a trial, the field scenario is the ladder's, all others run on
//! fresh seeds.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::cli::{Command, Options, Tier, glob_matches};
use crate::exhaust::{self, Census};
use crate::job::{Job, Work};
use crate::outcome::{Expectation, Label, Origin, Section};
use crate::plan::{Plan, Policy};
use crate::pool::Shard;
use crate::report::aggregate::LADDER_SCENARIO;
use crate::scenario::{self, Library, Scenario};
use crate::seed::Seed;
use crate::selftest::Trial;
use crate::{crash, ladder};

/// Shares of a census: enough that two cores, or sixteen shards, are busy to the end.
const CENSUS_SHARES: usize = 16;
/// Seeds of the ladder per tier (chaos.md §4).
const LADDER_SEEDS: [u64; 2] = [50, 200];
/// Plans of the determinism sample in a tier.
const TWINS_IN_TIER: usize = 14;
/// Seeds per scenario of the subcommand `determinism`.
const TWIN_SEEDS: u64 = 3;
/// How many times more fresh seeds the nightly tier has.
const NIGHTLY_FACTOR: u64 = 10;

/// A plan that once failed, kept as a file.
#[derive(Debug, Clone)]
pub struct Regression {
    /// `regressions/<file>`.
    pub name: String,
    /// The plan.
    pub plan: Plan,
}

/// Everything that jobs are made from.
#[derive(Debug)]
pub struct Stock {
    /// The scenario files.
    pub library: Library,
    /// The regressions, by name.
    pub regressions: Vec<Regression>,
    /// Where all fresh seeds come from.
    pub root_seed: Seed,
}

/// The jobs of a run, and what it must reach.
#[derive(Debug)]
pub struct Suite {
    /// The tier, or the subcommand.
    pub tier: String,
    /// Whether something of the tier was left out.
    pub filtered: bool,
    /// The jobs of all shards.
    pub jobs: Vec<Job>,
    /// What each scenario must reach.
    pub expectations: BTreeMap<String, Expectation>,
}

/// The jobs of a command. Commands without jobs (replay, list, …) get none.
pub fn suite(command: &Command, options: &Options, stock: &Stock) -> Suite {
    let maker = Maker { options, stock };
    let mut jobs = Vec::new();
    match command {
        Command::Run => {
            jobs.extend(maker.regressions());
            jobs.extend(maker.scenarios());
            jobs.extend(maker.ladder());
            jobs.extend(maker.exhaustive(None));
            jobs.extend(maker.crash());
            jobs.extend(maker.trials());
            jobs.extend(maker.twins(TWINS_IN_TIER, 1));
        }
        Command::Ladder => jobs.extend(maker.ladder()),
        Command::Exhaust { faults } => jobs.extend(maker.exhaustive(*faults)),
        Command::Crash => jobs.extend(maker.crash()),
        Command::Selftest => jobs.extend(maker.trials()),
        Command::Determinism => {
            jobs.extend(maker.twins(usize::MAX, options.seeds.unwrap_or(TWIN_SEEDS)));
        }
        _ => {}
    }
    let tier = match command {
        Command::Run => options.tier.as_str().to_owned(),
        Command::Ladder => "ladder".to_owned(),
        Command::Exhaust { .. } => "exhaust".to_owned(),
        Command::Crash => "crash".to_owned(),
        Command::Selftest => "selftest".to_owned(),
        _ => "determinism".to_owned(),
    };
    let filtered = *command != Command::Run || options.scenario.is_some();
    Suite { tier, filtered, expectations: expectations(&jobs), jobs }
}

/// A hash of all that seeds are turned into runs by. Two reports with the same one drew from the
/// same distribution.
pub fn distribution(stock: &Stock) -> String {
    let mut hash = Sha256::new();
    for scenario in stock.library.all() {
        for part in [&scenario.name, &scenario.text, &scenario.ddl] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
    }
    for regression in &stock.regressions {
        hash.update(regression.plan.to_toml().as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What the runs of each scenario must reach together: the union of what their plans say.
fn expectations(jobs: &[Job]) -> BTreeMap<String, Expectation> {
    let mut all: BTreeMap<String, Expectation> = BTreeMap::new();
    for job in jobs {
        let Work::Run(plan) = &job.work else { continue };
        if job.label.origin == Origin::Regression {
            continue;
        }
        let expected = all.entry(job.label.name.clone()).or_default();
        for fault in plan.expect.faults.keys() {
            if !expected.faults.contains(fault) {
                expected.faults.push(fault.clone());
            }
        }
        for (mark, min) in &plan.expect.marks {
            let least = expected.marks.entry(mark.clone()).or_default();
            *least = (*least).max(*min);
        }
    }
    for expected in all.values_mut() {
        expected.faults.sort();
    }
    all
}

/// What is done with a scenario.
fn section(scenario: &Scenario) -> Section {
    if scenario.mutant.is_some() {
        Section::Mutant
    } else if scenario.name == LADDER_SCENARIO {
        Section::Ladder
    } else if scenario.name.starts_with("exhaustive/") {
        Section::Exhaustive
    } else if scenario.name.starts_with("crash/every-step") {
        Section::Crash
    } else {
        Section::Scenario
    }
}

struct Maker<'a> {
    options: &'a Options,
    stock: &'a Stock,
}

impl Maker<'_> {
    fn wants(&self, name: &str) -> bool {
        self.options.scenario.as_ref().is_none_or(|glob| glob_matches(glob, name))
    }

    /// The scenarios of that section and of this tier.
    fn of(&self, wanted: Section) -> impl Iterator<Item = &Scenario> {
        self.stock.library.all().filter(move |scenario| {
            let tier = match scenario.tier {
                scenario::Tier::Pr => Tier::Pr,
                scenario::Tier::Nightly => Tier::Nightly,
                scenario::Tier::Soak => Tier::Soak,
            };
            section(scenario) == wanted
                && (tier as u8 <= self.options.tier as u8)
                && self.wants(&scenario.name)
        })
    }

    fn is_nightly(&self) -> bool {
        self.options.tier != Tier::Pr
    }

    /// How many fresh seeds a scenario runs.
    fn fresh(&self, scenario: &Scenario) -> u64 {
        let factor = if self.is_nightly() { NIGHTLY_FACTOR } else { 1 };
        self.options.seeds.unwrap_or(scenario.fresh * factor)
    }

    /// The n-th fresh seed of a scenario. By name, so that a new scenario moves no other's seeds.
    fn fresh_seed(&self, scenario: &Scenario, n: u64) -> Seed {
        self.stock.root_seed.child(&format!("{}/{n}", scenario.name))
    }

    fn regressions(&self) -> Vec<Job> {
        let job = |regression: &Regression| Job {
            label: Label {
                section: Section::Scenario,
                name: regression.name.clone(),
                seed: regression.plan.seed.to_string(),
                origin: Origin::Regression,
            },
            work: Work::Run(Box::new(regression.plan.clone())),
        };
        self.stock.regressions.iter().filter(|r| self.wants(&r.name)).map(job).collect()
    }

    fn scenarios(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for scenario in self.of(Section::Scenario) {
            let pinned = scenario.pinned.iter().map(|seed| (*seed, Origin::Pinned));
            let fresh =
                (0..self.fresh(scenario)).map(|n| (self.fresh_seed(scenario, n), Origin::Fresh));
            for (seed, origin) in pinned.chain(fresh) {
                let label = label(Section::Scenario, &scenario.name, seed.to_string(), origin);
                let plan = Plan::resolve(scenario, seed, Policy::Engine);
                jobs.push(Job { label, work: Work::Run(Box::new(plan)) });
            }
        }
        jobs
    }

    fn ladder(&self) -> Vec<Job> {
        let count = self.options.seeds.unwrap_or(LADDER_SEEDS[usize::from(self.is_nightly())]);
        self.of(Section::Ladder)
            .flat_map(|scenario| {
                let seeds = ladder::seeds(scenario, count);
                ladder::jobs(scenario, &seeds, &Policy::LADDER)
            })
            .collect()
    }

    fn exhaustive(&self, faults: Option<u64>) -> Vec<Job> {
        let kinds = if self.is_nightly() { exhaust::all_kinds() } else { exhaust::six_kinds() };
        self.censuses(Section::Exhaustive, |plan, share| Census {
            plan,
            faults_max: faults.unwrap_or(2),
            kinds: kinds.clone(),
            share,
        })
    }

    fn crash(&self) -> Vec<Job> {
        self.censuses(Section::Crash, crash::census)
    }

    fn censuses(&self, section: Section, census: impl Fn(Plan, Shard) -> Census) -> Vec<Job> {
        let mut jobs = Vec::new();
        for scenario in self.of(section) {
            // A census has one seed: what varies is the placement.
            let seed = scenario.pinned.first().copied().unwrap_or(Seed(0));
            let plan = Plan::resolve(scenario, seed, Policy::Engine);
            let name = scenario.name.split_once('/').map_or(&*scenario.name, |(_, name)| name);
            for index in 1..=CENSUS_SHARES {
                let share = Shard { index, of: CENSUS_SHARES };
                let text = format!("{index}/{CENSUS_SHARES}");
                let work = Work::Census(Box::new(census(plan.clone(), share)));
                jobs.push(Job { label: label(section, name, text, Origin::Enumerated), work });
            }
        }
        jobs
    }

    fn trials(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for scenario in self.of(Section::Mutant) {
            // Not of the root seed: a mutant that is caught today must be caught tomorrow.
            let beyond =
                (0..scenario.fresh).map(|n| Seed(0).child(&format!("{}/{n}", scenario.name)));
            let seeds = scenario.pinned.iter().copied().chain(beyond).collect();
            let name = scenario.name.strip_prefix("negative/").unwrap_or(&scenario.name);
            let trial = Trial { scenario: scenario.clone(), seeds };
            jobs.push(Job {
                label: label(Section::Mutant, name, "-".to_owned(), Origin::Pinned),
                work: Work::Trial(Box::new(trial)),
            });
        }
        jobs
    }

    fn twins(&self, scenarios_max: usize, seeds: u64) -> Vec<Job> {
        let mut jobs = Vec::new();
        if !self.wants("determinism")
            && self.options.scenario.is_some()
            && scenarios_max < usize::MAX
        {
            return jobs;
        }
        for scenario in self.of(Section::Scenario).take(scenarios_max) {
            for n in 0..seeds {
                let seed = self.fresh_seed(scenario, n);
                let plan = Plan::resolve(scenario, seed, Policy::Engine);
                let label =
                    label(Section::Determinism, &scenario.name, seed.to_string(), Origin::Fresh);
                jobs.push(Job { label, work: Work::Twin(Box::new(plan)) });
            }
        }
        jobs
    }
}

fn label(section: Section, name: &str, seed: String, origin: Origin) -> Label {
    Label { section, name: name.to_owned(), seed, origin }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn stock() -> Stock {
        let scenario = "[scenario]\nseeds = { pinned = [\"0x7\"], fresh = 20 }\n";
        let mutant = "extends = \"network/a\"\nmutant = \"no-fence\"\n\
                      [expect]\ncaught-by = \"O1\"\n";
        let texts = [
            ("network/a", scenario),
            ("network/b", "[scenario]\ntier = \"nightly\"\n"),
            (LADDER_SCENARIO, scenario),
            ("exhaustive/one-file", ""),
            ("crash/every-step", ""),
            ("negative/no-fence", mutant),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let library = Library::assemble(&texts.into(), &|_| None).expect("sound scenarios");
        Stock { library, regressions: Vec::new(), root_seed: Seed(1) }
    }

    fn jobs_of(line: &str) -> Vec<Job> {
        let words = std::iter::once("chaos").chain(line.split_whitespace());
        let cli = crate::cli::Cli::try_parse_from(words).expect(line);
        suite(&cli.command.unwrap_or(Command::Run), &cli.options, &stock()).jobs
    }

    fn count(jobs: &[Job], section: Section) -> usize {
        jobs.iter().filter(|job| job.label.section == section).count()
    }

    #[test]
    fn a_tier_holds_every_mode() {
        let jobs = jobs_of("");
        assert_eq!(count(&jobs, Section::Scenario), 21);
        assert_eq!(count(&jobs, Section::Ladder), 50 * Policy::LADDER.len());
        assert_eq!(count(&jobs, Section::Exhaustive), CENSUS_SHARES);
        assert_eq!(count(&jobs, Section::Crash), CENSUS_SHARES);
        assert_eq!(count(&jobs, Section::Mutant), 1);
        assert_eq!(count(&jobs, Section::Determinism), 1);
    }

    #[test]
    fn seeds_and_filters_hold_everywhere() {
        assert_eq!(count(&jobs_of("--seeds 3"), Section::Scenario), 1 + 3);
        assert_eq!(jobs_of("ladder --seeds 2").len(), 2 * Policy::LADDER.len());
        let filtered = jobs_of("--scenario network/*");
        assert_eq!(filtered.len(), 21);
        assert_eq!(count(&jobs_of("--tier nightly --scenario network/b"), Section::Scenario), 2000);
        assert_eq!(jobs_of("--scenario network/b").len(), 0);
        assert_eq!(jobs_of("selftest").len(), 1);
    }

    #[test]
    fn fresh_seeds_hang_on_the_root_seed_and_pinned_ones_do_not() {
        let seeds = |line: &str| -> Vec<String> {
            jobs_of(line).into_iter().map(|job| job.label.seed).collect()
        };
        let (a, b) = (seeds("--scenario network/a"), seeds("--scenario network/a"));
        assert_eq!(a, b);
        let mut other = stock();
        other.root_seed = Seed(2);
        let cli =
            crate::cli::Cli::try_parse_from(["chaos", "--scenario", "network/a"]).expect("ok");
        let jobs = suite(&Command::Run, &cli.options, &other).jobs;
        assert_eq!(jobs[0].label.seed, a[0]);
        assert_ne!(jobs[1].label.seed, a[1]);
        assert_eq!(seeds("ladder"), seeds("ladder --root-seed 0x9"));
    }

    #[test]
    fn the_distribution_is_the_scenarios() {
        let (one, mut two) = (stock(), stock());
        two.root_seed = Seed(99);
        assert_eq!(distribution(&one), distribution(&two));
        two.library = Library::default();
        assert_ne!(distribution(&one), distribution(&two));
    }
}
