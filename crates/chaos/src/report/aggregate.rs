//! From single results to the report: sums, intervals, verdict, exit code.
//!
//! A pure function, so that a merge of shards is the unsharded report. It must not look at anything
//! but its argument: no clock, no number of threads, no file.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcome::{
    CensusOutcome, DeterminismOutcome, Expectation, Label, MutantOutcome, Origin, Outcome, Part,
    RawReport, RunOutcome, Section, Tally,
};
use crate::report::coverage;
use crate::report::json::{
    CrashReport, DeterminismReport, ExhaustiveReport, FailureReport, MutantReport, PairReport,
    Report, RungReport, SCHEMA_VERSION, ScenarioReport,
};
use crate::stats;

/// The oracle of liveness: its complaint is the verdict *stuck*, not *violated*.
const SETTLES: &str = "O10";
/// The only rung whose violations count.
pub const ENGINE: &str = "engine";
/// The scenario that the ladder climbs.
pub const LADDER_SCENARIO: &str = "field/seventy-to-ninety-five";

/// Computes the report.
pub fn report(raw: &RawReport) -> Report {
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        verdict: String::new(),
        exit_code: 0,
        commit: raw.commit.clone(),
        root_seed: raw.root_seed.clone(),
        distribution: raw.distribution.clone(),
        tier: raw.tier.clone(),
        scenarios: scenarios(raw),
        exhaustive: exhaustive(&raw.parts),
        crash_points: crash_points(&raw.parts),
        ladder: ladder(&raw.parts),
        ladder_pairs: ladder_pairs(&raw.parts),
        mutants: mutants(&raw.parts),
        failures: failures(&raw.parts),
        internal_errors: internal_errors(&raw.parts),
        coverage: coverage::coverage(raw),
        determinism: determinism(&raw.parts),
        fresh_schedules: 0,
        zero_failure_bound_95: 0.0,
        parts: (!raw.is_whole()).then(|| raw.clone()),
    };
    report.fresh_schedules = report.scenarios.iter().map(|s| s.fresh_schedules).sum();
    report.zero_failure_bound_95 =
        stats::rounded(stats::zero_failure_bound_95(report.fresh_schedules));
    (report.exit_code, report.verdict) = verdict(raw, &report);
    report
}

/// Whether a run broke an invariant of safety.
pub fn is_violation(run: &RunOutcome) -> bool {
    run.findings.iter().any(|finding| finding.oracle != SETTLES)
}

/// Whether a run never came to rest.
pub fn is_stuck(run: &RunOutcome) -> bool {
    run.stuck.is_some() || run.findings.iter().any(|finding| finding.oracle == SETTLES)
}

/// The exit code and its word; the first that applies of 1, 2, 13, 10, 11, 14, 12. (2 never comes
/// this far: a wrong command line or scenario stops the program before the first run.)
fn verdict(raw: &RawReport, report: &Report) -> (u8, String) {
    let engine_rungs = || report.ladder.iter().filter(|rung| rung.policy == ENGINE);
    let violations = report.scenarios.iter().map(|s| s.violations).sum::<u64>()
        + report.exhaustive.iter().map(|e| e.violations).sum::<u64>()
        + report.crash_points.violations
        + engine_rungs().map(|rung| rung.violations).sum::<u64>();
    let stuck = report.scenarios.iter().map(|s| s.stuck).sum::<u64>()
        + engine_rungs().map(|rung| rung.stuck).sum::<u64>();
    let idle = raw.is_whole() && !raw.filtered && !report.coverage.idle_oracles.is_empty();
    let vacuous = report.scenarios.iter().any(|s| s.vacuous) || idle;
    let (code, word) = if !report.internal_errors.is_empty() {
        (1, "internal-error")
    } else if report.determinism.mismatches > 0 {
        (13, "diverged")
    } else if violations > 0 {
        (10, "violated")
    } else if stuck > 0 {
        (11, "stuck")
    } else if report.mutants.iter().any(|mutant| !mutant.caught) {
        (14, "mutant-missed")
    } else if vacuous {
        (12, "vacuous")
    } else {
        (0, "passed")
    };
    (code, word.to_owned())
}

fn runs(parts: &[Part], section: Section) -> impl Iterator<Item = (&Part, &RunOutcome)> {
    parts.iter().filter(move |part| part.label.section == section).filter_map(|part| {
        match &part.outcome {
            Outcome::Run(run) if run.internal_error.is_none() => Some((part, run)),
            _ => None,
        }
    })
}

fn census(parts: &[Part], section: Section) -> impl Iterator<Item = (&Part, &CensusOutcome)> {
    parts.iter().filter(move |part| part.label.section == section).filter_map(|part| {
        match &part.outcome {
            Outcome::Census(census) => Some((part, census)),
            _ => None,
        }
    })
}

/// Names in the order of their first job.
fn names<'a>(parts: impl Iterator<Item = &'a Part>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    parts.map(|part| part.label.name.as_str()).filter(|name| seen.insert(*name)).collect()
}

/// Adds counts by name.
pub(super) fn add(sums: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (name, count) in counts {
        *sums.entry(name.clone()).or_default() += count;
    }
}

fn scenarios(raw: &RawReport) -> Vec<ScenarioReport> {
    let named = names(raw.parts.iter().filter(|p| p.label.section == Section::Scenario));
    named.into_iter().map(|name| scenario(raw, name)).collect()
}

fn scenario(raw: &RawReport, name: &str) -> ScenarioReport {
    let mut report = ScenarioReport { name: name.to_owned(), ..ScenarioReport::default() };
    let (mut sums, mut hashes, mut virtual_millis) = (Tally::default(), BTreeSet::new(), 0);
    for (part, run) in runs(&raw.parts, Section::Scenario).filter(|(p, _)| p.label.name == name) {
        report.schedules += 1;
        report.fresh_schedules += u64::from(part.label.origin == Origin::Fresh);
        report.violations += u64::from(is_violation(run));
        report.stuck += u64::from(is_stuck(run));
        sums.add(&run.tally);
        hashes.insert(run.hash.as_str());
        virtual_millis += run.virtual_millis;
        add(&mut report.faults_fired, &run.faults_fired);
        add(&mut report.marks, &run.marks);
        add(&mut report.oracles, &run.oracles);
    }
    let ours = |part: &&Part| part.label.section == Section::Scenario && part.label.name == name;
    report.broken = raw.parts.iter().filter(ours).count() as u64 - report.schedules;
    report.invocations = sums.invocations;
    report.invocations_succeeded = sums.invocations_succeeded;
    report.files = sums.files;
    report.files_applied_at_end_of_deliveries = sums.files_applied_at_end_of_deliveries;
    report.files_applied = sums.files_applied;
    report.duplicate_keys = sums.duplicate_keys;
    report.lost_updates = sums.lost_updates;
    report.resurrected_deletes = sums.resurrected_deletes;
    report.orphan_staging = sums.orphan_staging;
    report.requests = sums.requests;
    report.virtual_seconds = virtual_millis / 1000;
    report.distinct_histories = hashes.len() as u64;
    report.success_rate = stats::rounded(stats::rate(sums.invocations_succeeded, sums.invocations));
    report.success_rate_ci95 =
        stats::wilson_95(sums.invocations_succeeded, sums.invocations).rounded();
    if raw.is_whole() && report.schedules > 0 {
        report.vacuous_because = why_vacuous(&report, raw.expectations.get(name));
        report.vacuous = !report.vacuous_because.is_empty();
    }
    report
}

/// What a scenario promised to reach and did not (chaos.md §6).
fn why_vacuous(report: &ScenarioReport, expected: Option<&Expectation>) -> Vec<String> {
    let mut reasons = Vec::new();
    let Some(expected) = expected else { return reasons };
    for fault in &expected.faults {
        if report.faults_fired.get(fault).is_none_or(|fired| *fired == 0) {
            reasons.push(format!("fault {fault} never fired"));
        }
    }
    for (mark, min) in &expected.marks {
        let reached = report.marks.get(mark).copied().unwrap_or(0);
        if reached < *min {
            reasons.push(format!("mark {mark} was reached {reached} times of {min}"));
        }
    }
    if report.oracles.values().all(|exercised| *exercised == 0) {
        reasons.push("no oracle had anything to judge".to_owned());
    }
    reasons
}

fn exhaustive(parts: &[Part]) -> Vec<ExhaustiveReport> {
    let named = names(parts.iter().filter(|p| p.label.section == Section::Exhaustive));
    named
        .into_iter()
        .map(|name| {
            let mut report = ExhaustiveReport {
                workload: name.to_owned(),
                complete: true,
                ..Default::default()
            };
            let mut hashes = BTreeSet::new();
            for (_, part) in
                census(parts, Section::Exhaustive).filter(|(p, _)| p.label.name == name)
            {
                report.faults_max = report.faults_max.max(part.faults_max);
                report.fault_kinds = report.fault_kinds.max(part.fault_kinds);
                report.schedules += part.schedules;
                report.violations += part.violations;
                report.complete &= part.complete;
                hashes.extend(part.hashes.iter().map(String::as_str));
            }
            report.distinct_histories = hashes.len() as u64;
            report
        })
        .collect()
}

fn crash_points(parts: &[Part]) -> CrashReport {
    let mut report = CrashReport::default();
    for (_, part) in census(parts, Section::Crash) {
        report.complete = part.complete && (report.schedules == 0 || report.complete);
        report.points += part.points;
        report.schedules += part.schedules;
        report.violations += part.violations;
    }
    report
}

fn ladder(parts: &[Part]) -> Vec<RungReport> {
    let named = names(parts.iter().filter(|p| p.label.section == Section::Ladder));
    named.into_iter().map(|policy| rung(parts, policy)).collect()
}

fn rung(parts: &[Part], policy: &str) -> RungReport {
    let mut report = RungReport { policy: policy.to_owned(), ..RungReport::default() };
    let (mut sums, mut millis) = (Tally::default(), Vec::new());
    for (_, run) in runs(parts, Section::Ladder).filter(|(p, _)| p.label.name == policy) {
        report.seeds += 1;
        report.violations += u64::from(is_violation(run));
        report.stuck += u64::from(is_stuck(run));
        sums.add(&run.tally);
        millis.extend_from_slice(&run.file_millis);
    }
    millis.sort_unstable();
    let (succeeded, all) = (sums.invocations_succeeded, sums.invocations);
    let seconds = |percent| stats::rounded(stats::quantile(&millis, percent) as f64 / 1000.0);
    report.invocations = all;
    report.invocations_succeeded = succeeded;
    report.success_rate = stats::rounded(stats::rate(succeeded, all));
    report.success_rate_ci95 = stats::wilson_95(succeeded, all).rounded();
    report.success_rate_exact95 = stats::clopper_pearson_95(succeeded, all).rounded();
    report.files = sums.files;
    report.files_applied_at_end_of_deliveries = sums.files_applied_at_end_of_deliveries;
    report.files_applied = sums.files_applied;
    report.duplicate_keys = sums.duplicate_keys;
    report.lost_updates = sums.lost_updates;
    report.resurrected_deletes = sums.resurrected_deletes;
    report.orphan_staging = sums.orphan_staging;
    report.cleanup_attempts = sums.cleanup_attempts;
    report.cleanup_failures = sums.cleanup_failures;
    report.cleanup_failure_rate =
        stats::rounded(stats::rate(sums.cleanup_failures, sums.cleanup_attempts));
    report.requests = sums.requests;
    report.requests_per_file = stats::rounded(stats::rate(sums.requests, sums.files));
    report.virtual_seconds_per_file = [seconds(50), seconds(99)];
    report.undisturbed_ceiling =
        stats::rounded(stats::rate(sums.undisturbed_invocations, sums.invocations));
    report
}

fn ladder_pairs(parts: &[Part]) -> Vec<PairReport> {
    let named = names(parts.iter().filter(|p| p.label.section == Section::Ladder));
    let by_seed = |policy: &str| -> BTreeMap<&str, &[bool]> {
        runs(parts, Section::Ladder)
            .filter(|(part, _)| part.label.name == policy)
            .map(|(part, run)| (part.label.seed.as_str(), run.first_try.as_slice()))
            .collect()
    };
    let mut reports = Vec::new();
    for pair in named.windows(2) {
        let (lower, higher) = (by_seed(pair[0]), by_seed(pair[1]));
        let (mut pairs, mut only_lower, mut only_higher) = (0, 0, 0);
        for (seed, files) in &lower {
            for (low, high) in files.iter().zip(higher.get(seed).copied().unwrap_or_default()) {
                pairs += 1;
                only_lower += u64::from(*low && !high);
                only_higher += u64::from(!low && *high);
            }
        }
        reports.push(PairReport {
            lower: pair[0].to_owned(),
            higher: pair[1].to_owned(),
            pairs,
            only_lower,
            only_higher,
            mcnemar_p: stats::mcnemar_exact(only_lower, only_higher),
        });
    }
    reports
}

fn mutants(parts: &[Part]) -> Vec<MutantReport> {
    let report = |part: &Part, mutant: &MutantOutcome| MutantReport {
        name: part.label.name.clone(),
        kind: mutant.kind.clone(),
        caught: mutant.by.is_some(),
        by: mutant.by.clone(),
        expected: mutant.expected.clone(),
        schedules_to_catch: mutant.schedules,
        schedules_max: mutant.schedules_max,
    };
    parts
        .iter()
        .filter_map(|part| match &part.outcome {
            Outcome::Mutant(mutant) => Some(report(part, mutant)),
            _ => None,
        })
        .collect()
}

/// The scenario name under which a part's failure is filed.
pub fn failure_scenario(part: &Part) -> String {
    match part.label.section {
        Section::Ladder => LADDER_SCENARIO.to_owned(),
        Section::Exhaustive => format!("exhaustive/{}", part.label.name),
        Section::Crash => format!("crash/{}", part.label.name),
        _ => part.label.name.clone(),
    }
}

/// Whether a run of this label can set the exit code: the prior rungs are measured, not judged.
pub fn counts_against_us(label: &Label) -> bool {
    label.section != Section::Ladder || label.name == ENGINE
}

/// The complaints of a part that count against the engine: oracle, message, seed or schedule.
pub fn complaints(part: &Part) -> Vec<(String, String, String)> {
    match &part.outcome {
        Outcome::Run(run) if counts_against_us(&part.label) && run.internal_error.is_none() => {
            let seed = &part.label.seed;
            let mut found: Vec<_> = run
                .findings
                .iter()
                .map(|f| (f.oracle.clone(), f.message.clone(), seed.clone()))
                .collect();
            if let Some(why) = &run.stuck
                && run.findings.iter().all(|finding| finding.oracle != SETTLES)
            {
                found.push((SETTLES.to_owned(), why.clone(), seed.clone()));
            }
            found
        }
        Outcome::Census(census) => census
            .examples
            .iter()
            .map(|e| (e.finding.oracle.clone(), e.finding.message.clone(), e.id.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

/// The first failure of each oracle in each scenario; the others are counted.
fn failures(parts: &[Part]) -> Vec<FailureReport> {
    let mut firsts: Vec<FailureReport> = Vec::new();
    for part in parts {
        let scenario = failure_scenario(part);
        let mut counted = BTreeSet::new();
        for (oracle, message, seed) in complaints(part) {
            let first = firsts.iter_mut().find(|f| f.scenario == scenario && f.oracle == oracle);
            match first {
                Some(first) if counted.insert(oracle.clone()) => first.seeds_affected += 1,
                Some(_) => {}
                None => {
                    counted.insert(oracle.clone());
                    let folder = format!("failures/{scenario}@{seed}");
                    firsts.push(FailureReport {
                        scenario: scenario.clone(),
                        seed,
                        oracle,
                        message,
                        seeds_affected: 1,
                        plan: format!("{folder}/plan.toml"),
                        shrunk: format!("{folder}/shrunk.toml"),
                    });
                }
            }
        }
    }
    firsts
}

fn internal_errors(parts: &[Part]) -> Vec<String> {
    let error = |part: &Part| match &part.outcome {
        Outcome::Run(RunOutcome { internal_error, .. })
        | Outcome::Census(CensusOutcome { internal_error, .. })
        | Outcome::Mutant(MutantOutcome { internal_error, .. })
        | Outcome::Determinism(DeterminismOutcome { internal_error, .. }) => internal_error.clone(),
        Outcome::Broken(text) => Some(text.clone()),
    };
    parts
        .iter()
        .filter_map(|part| {
            error(part).map(|text| format!("{}@{}: {text}", part.label.name, part.label.seed))
        })
        .collect()
}

fn determinism(parts: &[Part]) -> DeterminismReport {
    let mut report = DeterminismReport::default();
    for part in parts {
        if let Outcome::Determinism(outcome) = &part.outcome
            && outcome.internal_error.is_none()
        {
            report.checked += 1;
            if let Some(difference) = &outcome.difference {
                report.mismatches += 1;
                report.first_difference.get_or_insert_with(|| {
                    format!("{}@{}: {difference}", part.label.name, part.label.seed)
                });
            }
        }
    }
    report
}

#[cfg(test)]
mod tests;
