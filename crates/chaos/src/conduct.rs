//! From the command line to the exit code: reads the stock, runs the jobs, writes the report.
//!
//! Nothing is judged here: the verdict is the report's. stdout gets the result and nothing else,
//! stderr all the rest.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{Cli, Command, Options, Tier};
use crate::job::{self, Bench, Job};
use crate::mutant;
use crate::outcome::{Outcome, Part, RawReport};
use crate::plan::Plan;
use crate::pool::{self, Shard};
use crate::report::json::{self, FailureReport, Report};
use crate::report::progress::Progress;
use crate::report::{aggregate, files, terminal, timeline, timing};
use crate::run::{Record, run};
use crate::scenario::Library;
use crate::seed::Seed;
use crate::tier::{self, Regression, Stock, Suite};
use crate::{revisit, shrink};

/// Everything went as promised.
pub const EXIT_PASSED: u8 = 0;
/// The harness itself failed.
pub const EXIT_INTERNAL: u8 = 1;
/// The command line or a scenario file is wrong.
pub const EXIT_USAGE: u8 = 2;
/// Events of a failure that are told on the terminal; all are in its history.jsonl.
const STORY_LINES_MAX: usize = 30;

/// What the program learns from its surroundings; only main.rs looks at those.
pub struct Setting {
    /// The commit of this code.
    pub commit: String,
    /// This program's file.
    pub program: PathBuf,
    /// The repository's root.
    pub root: PathBuf,
    /// Whether stdout is a terminal (colour).
    pub stdout_is_terminal: bool,
    /// Whether stderr is a terminal (progress in one line).
    pub stderr_is_terminal: bool,
    /// Threads when `--jobs` is absent.
    pub cores: usize,
    /// Time since the program's start.
    pub clock: Box<dyn Fn() -> Duration + Sync>,
}

/// Why nothing was run.
pub struct Refusal {
    /// What is wrong and what to do.
    pub message: String,
    /// 1 or 2.
    pub exit_code: u8,
}

impl Refusal {
    /// The caller's mistake.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: EXIT_USAGE }
    }

    /// Ours, or the machine's.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: EXIT_INTERNAL }
    }
}

/// Does what the command line says; the exit code.
pub fn conduct(cli: Cli, setting: &Setting) -> u8 {
    let command = cli.command.unwrap_or(Command::Run);
    match dispatch(&command, &cli.options, setting) {
        Ok(code) => code,
        Err(refusal) => {
            to_stderr(&format!("error: {}\n", refusal.message.trim_end()));
            refusal.exit_code
        }
    }
}

fn dispatch(command: &Command, options: &Options, setting: &Setting) -> Result<u8, Refusal> {
    if options.tier == Tier::Soak {
        return Err(Refusal::usage(
            "the soak tier is not built yet; run `--tier nightly` with other root seeds instead",
        ));
    }
    match command {
        Command::Real => {
            Err(Refusal::usage("the real lane (real binaries, sockets and clock) is not built yet"))
        }
        Command::History { plan } => history(plan),
        Command::Merge { files } => merge(files, options, setting),
        Command::List => revisit::list(&stock(options, setting)?, options),
        Command::Explain { scenario } => revisit::explain(scenario, &stock(options, setting)?),
        Command::Replay { what, shrunk, policy } => {
            let stock = stock(options, setting)?;
            revisit::replay(what, *shrunk, policy.as_deref(), &stock, options)
        }
        Command::Shrink { what } => revisit::shrink(what, &stock(options, setting)?, options),
        Command::Adopt { what } => {
            revisit::adopt(what, &stock(options, setting)?, options, setting)
        }
        Command::Run
        | Command::Ladder
        | Command::Exhaust { .. }
        | Command::Crash
        | Command::Selftest
        | Command::Determinism => campaign(command, options, setting),
    }
}

/// Reads scenarios and regressions, all complaints together.
fn stock(options: &Options, setting: &Setting) -> Result<Stock, Refusal> {
    let library = Library::read(&setting.root).map_err(|complaints| {
        let texts: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        Refusal::usage(format!("the scenarios are not sound\n{}", texts.join("\n")))
    })?;
    for scenario in library.all() {
        if let Some(name) = &scenario.mutant
            && (mutant::named(name).is_none() || scenario.expect.caught_by.is_none())
        {
            return Err(Refusal::usage(format!(
                "{}: the mutant {name:?} is unknown, or [expect] caught-by is missing; \
                 `cargo xtask chaos list` shows the mutants",
                scenario.path
            )));
        }
    }
    let root_seed =
        options.root_seed.unwrap_or_else(|| Seed(0).child(&format!("commit/{}", setting.commit)));
    Ok(Stock { library, regressions: regressions(&setting.root)?, root_seed })
}

fn regressions(root: &Path) -> Result<Vec<Regression>, Refusal> {
    let folder = root.join("scenarios").join("regressions");
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: PathBuf| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let text = files::read(&path).map_err(Refusal::usage)?;
        let plan = Plan::from_toml(&text)
            .map_err(|error| Refusal::usage(format!("{} is no plan: {error}", path.display())))?;
        Ok(Regression { name: format!("regressions/{}", stem.unwrap_or_default()), plan })
    };
    paths.into_iter().map(read).collect()
}

/// Runs a suite of jobs from the first to the exit code.
fn campaign(command: &Command, options: &Options, setting: &Setting) -> Result<u8, Refusal> {
    let stock = stock(options, setting)?;
    let suite = tier::suite(command, options, &stock);
    if suite.jobs.is_empty() {
        return Err(Refusal::usage(
            "nothing to run: no scenario fits; `cargo xtask chaos list` shows them all",
        ));
    }
    let threads = options.jobs.unwrap_or(setting.cores);
    let shard = options.shard.unwrap_or(Shard::WHOLE);
    to_stderr(&format!(
        "{:>12} {} jobs on {threads} threads · engine {} · root seed {}\n",
        "Starting",
        suite.jobs.len(),
        setting.commit,
        stock.root_seed
    ));
    let (parts, walls) = run_jobs(&suite.jobs, shard, threads, options, setting);
    let raw = raw_report(&suite, &stock, setting, parts);
    let report = aggregate::report(&raw);
    let stories = keep_failures(&report, &raw, &suite.jobs, options).map_err(Refusal::internal)?;
    let times = timing::timing(&raw.parts, &walls, (setting.clock)(), threads);
    files::write_report(&options.out, &report, Some(&times)).map_err(Refusal::internal)?;
    tell(&report, &times, &stories, options, setting);
    Ok(report.exit_code)
}

/// Runs our shard of the jobs; the parts in the jobs' order, and the wall time of each.
fn run_jobs(
    jobs: &[Job],
    shard: Shard,
    threads: usize,
    options: &Options,
    setting: &Setting,
) -> (Vec<Part>, Vec<Duration>) {
    let ours: Vec<(usize, &Job)> =
        jobs.iter().enumerate().filter(|(index, _)| shard.has(*index)).collect();
    let bench =
        Bench { program: setting.program.clone(), scratch: options.out.join("determinism") };
    let progress = Progress::new(ours.len(), setting.stderr_is_terminal, &*setting.clock);
    let results = pool::run_all(
        &ours,
        threads,
        |(_, job)| {
            let start = (setting.clock)();
            let outcome = job::perform(job, &bench);
            (outcome, (setting.clock)().saturating_sub(start))
        },
        |place, result| {
            let failed = match result {
                Ok((Outcome::Run(run), _)) => {
                    let counts = aggregate::counts_against_us(&ours[place].1.label);
                    counts && (aggregate::is_violation(run) || aggregate::is_stuck(run))
                }
                Ok(_) => false,
                Err(_) => true,
            };
            progress.job_done(failed);
        },
    );
    progress.finish();
    let mut parts = Vec::with_capacity(ours.len());
    let mut walls = Vec::with_capacity(ours.len());
    for ((index, job), result) in ours.into_iter().zip(results) {
        let (outcome, wall) =
            result.unwrap_or_else(|panic| (Outcome::Broken(panic), Duration::ZERO));
        parts.push(Part { index, label: job.label.clone(), outcome });
        walls.push(wall);
    }
    (parts, walls)
}

fn raw_report(suite: &Suite, stock: &Stock, setting: &Setting, parts: Vec<Part>) -> RawReport {
    RawReport {
        commit: setting.commit.clone(),
        root_seed: stock.root_seed.to_string(),
        distribution: tier::distribution(stock),
        tier: suite.tier.clone(),
        filtered: suite.filtered,
        jobs_total: suite.jobs.len(),
        expectations: suite.expectations.clone(),
        parts,
    }
}

/// Shrinks and saves each failure of the report; the stories of the smallest plans, by
/// [`terminal::story_key`].
fn keep_failures(
    report: &Report,
    raw: &RawReport,
    jobs: &[Job],
    options: &Options,
) -> Result<BTreeMap<String, String>, String> {
    files::clear_failures(&options.out)?;
    let mut stories = BTreeMap::new();
    for failure in &report.failures {
        let Some(plan) = plan_of(failure, raw, jobs) else { continue };
        let title = format!("{}@{}", failure.scenario, failure.seed);
        to_stderr(&format!("{:>12} {title} ({})\n", "Shrinking", failure.oracle));
        let shrunk = shrink::shrink(&plan, &failure.oracle);
        let history = run(&shrunk.plan, Record::Full).history;
        let folder = files::failure_folder(&options.out, &failure.scenario, &failure.seed);
        files::write_failure(&folder, &title, &plan, &shrunk.plan, &history)?;
        let head = format!(
            "    shrunk   {} → {} files, {} placed faults, {} tries\n\n",
            plan.workload.files,
            shrunk.plan.workload.files,
            shrunk.plan.placed.len(),
            shrunk.tries
        );
        let story = head + &timeline::text(&history, STORY_LINES_MAX);
        stories.insert(terminal::story_key(failure), story);
    }
    Ok(stories)
}

/// The plan of a failure: the job's own, or the example that a census kept.
fn plan_of(failure: &FailureReport, raw: &RawReport, jobs: &[Job]) -> Option<Plan> {
    raw.parts.iter().filter(|part| aggregate::failure_scenario(part) == failure.scenario).find_map(
        |part| match &part.outcome {
            Outcome::Census(census) => {
                let example = census.examples.iter().find(|e| e.id == failure.seed)?;
                Plan::from_toml(&example.plan).ok()
            }
            Outcome::Run(_)
                if part.label.seed == failure.seed && aggregate::counts_against_us(&part.label) =>
            {
                jobs[part.index].work.plan().cloned()
            }
            _ => None,
        },
    )
}

fn tell(
    report: &Report,
    times: &timing::Timing,
    stories: &BTreeMap<String, String>,
    options: &Options,
    setting: &Setting,
) {
    let last = terminal::last_line(report);
    if options.json {
        to_stdout(&json::render(report));
        to_stderr(&terminal::render(report, times, stories, setting.stderr_is_terminal));
        to_stderr(&last);
    } else {
        to_stdout(&terminal::render(report, times, stories, setting.stdout_is_terminal));
        to_stdout(&last);
    }
}

/// Unites shards, and tells the whole.
fn merge(paths: &[PathBuf], options: &Options, setting: &Setting) -> Result<u8, Refusal> {
    let mut shards = Vec::new();
    for path in paths {
        let text = files::read(path).map_err(Refusal::usage)?;
        let report: Report = serde_json::from_str(&text)
            .map_err(|error| Refusal::usage(format!("{} is no report: {error}", path.display())))?;
        let parts = report.parts.ok_or_else(|| {
            Refusal::usage(format!(
                "{} is a whole report, not a shard's: there is nothing to unite",
                path.display()
            ))
        })?;
        shards.push(parts);
    }
    let raw = RawReport::merge(shards).map_err(Refusal::usage)?;
    let report = aggregate::report(&raw);
    files::write_report(&options.out, &report, None).map_err(Refusal::internal)?;
    tell(&report, &timing::Timing::default(), &BTreeMap::new(), options, setting);
    Ok(report.exit_code)
}

/// The history of a plan, for the other side of a determinism check.
fn history(plan: &Path) -> Result<u8, Refusal> {
    let text = files::read(plan).map_err(Refusal::usage)?;
    let plan = Plan::from_toml(&text)
        .map_err(|error| Refusal::usage(format!("{} is no plan: {error}", plan.display())))?;
    let result = run(&plan, Record::Full);
    if let Some(error) = result.internal_error {
        return Err(Refusal::internal(error));
    }
    to_stdout(&crate::twin::printed(&result.history));
    Ok(EXIT_PASSED)
}

/// Writes the result. A reader that has gone away is not our failure.
pub fn to_stdout(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes what is not the result.
pub fn to_stderr(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
