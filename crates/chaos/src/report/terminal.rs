//! The result as a person reads it on stdout (chaos.md §8).
//!
//! Verbs stand in twelve columns, so that the eye finds FAIL; the failures are told after the list
//! and once more at the end, with the command that shows them again. Colour only adds: every word
//! is there without it. The last line is for machines: `N passed, M failed`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::outcome::Section;
use crate::report::json::{FailureReport, Report, RungReport, ScenarioReport};
use crate::report::timing::{self, Timing};
use crate::report::{grouped, percent, summary, virtual_length};

/// The command that starts us, as printed in advice.
const COMMAND: &str = "cargo xtask chaos";
/// Internal errors that are listed; they tend to come in thousands, all the same.
const ERRORS_SHOWN_MAX: usize = 10;

/// What a line's verb says, and its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Good(&'static str),
    Bad(&'static str),
    Plain(&'static str),
}

/// Draws verbs, with colour where a terminal shows it.
struct Pen {
    colour: bool,
    text: String,
}

impl Pen {
    fn line(&mut self, verb: Verb, seconds: Option<f64>, rest: &str) {
        let (word, code) = match verb {
            Verb::Good(word) => (word, "32;1"),
            Verb::Bad(word) => (word, "31;1"),
            Verb::Plain(word) => (word, "1"),
        };
        if self.colour {
            let _ = write!(self.text, "\u{1b}[{code}m{word:>12}\u{1b}[0m ");
        } else {
            let _ = write!(self.text, "{word:>12} ");
        }
        if let Some(seconds) = seconds {
            let _ = write!(self.text, "[{seconds:>8.3}s] ");
        }
        self.text.push_str(rest.trim_end());
        self.text.push('\n');
    }

    /// A row of a list, whose names stand below each other also where nothing was timed.
    fn row(&mut self, verb: Verb, seconds: Option<f64>, rest: &str) {
        match seconds {
            Some(_) => self.line(verb, seconds, rest),
            None => self.line(verb, None, &format!("{:12}{rest}", "")),
        }
    }

    fn plain(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn rule(&mut self) {
        self.plain("────────────");
    }
}

/// How many scenario-like things passed and failed: the machine's last line.
pub fn passed_and_failed(report: &Report) -> (u64, u64) {
    let mut verdicts: Vec<bool> = report.scenarios.iter().map(scenario_passed).collect();
    verdicts.extend(report.exhaustive.iter().map(|e| e.violations == 0 && e.complete));
    if report.crash_points.schedules > 0 {
        verdicts.push(report.crash_points.violations == 0 && report.crash_points.complete);
    }
    verdicts.extend(
        report.ladder.iter().filter(|r| r.policy == "engine").map(|r| r.violations + r.stuck == 0),
    );
    verdicts.extend(report.mutants.iter().map(|mutant| mutant.caught));
    if report.determinism.checked > 0 {
        verdicts.push(report.determinism.mismatches == 0);
    }
    let passed = verdicts.iter().filter(|good| **good).count() as u64;
    (passed, verdicts.len() as u64 - passed)
}

fn scenario_passed(scenario: &ScenarioReport) -> bool {
    summary::word(scenario) == "pass"
}

/// The last line.
pub fn last_line(report: &Report) -> String {
    let (passed, failed) = passed_and_failed(report);
    format!("{passed} passed, {failed} failed\n")
}

/// The key of a failure's story.
pub fn story_key(failure: &FailureReport) -> String {
    format!("{}@{} {}", failure.scenario, failure.seed, failure.oracle)
}

/// Everything but the last line. `stories` are the shrunk failures, in words.
pub fn render(
    report: &Report,
    timing: &Timing,
    stories: &BTreeMap<String, String>,
    colour: bool,
) -> String {
    let mut pen = Pen { colour, text: String::new() };
    head(&mut pen, report, timing);
    for scenario in &report.scenarios {
        scenario_line(&mut pen, scenario, timing);
    }
    census_lines(&mut pen, report, timing);
    mutant_lines(&mut pen, report, timing);
    determinism_line(&mut pen, report, timing);
    if !report.ladder.is_empty() {
        ladder(&mut pen, report);
    }
    for failure in &report.failures {
        failure_block(&mut pen, failure, stories.get(&story_key(failure)));
    }
    for error in report.internal_errors.iter().take(ERRORS_SHOWN_MAX) {
        pen.line(Verb::Bad("ERROR"), None, error);
    }
    if let Some(more) = report.internal_errors.len().checked_sub(ERRORS_SHOWN_MAX + 1) {
        pen.line(Verb::Bad("ERROR"), None, &format!("and {} more, in report.json", more + 1));
    }
    tail(&mut pen, report, timing);
    pen.text
}

fn head(pen: &mut Pen, report: &Report, timing: &Timing) {
    pen.rule();
    let jobs = timing.jobs;
    pen.line(
        Verb::Plain("Chaos"),
        None,
        &format!(
            "tier {} · engine {} · root seed {} · {jobs} {} · distribution {}",
            report.tier,
            report.commit,
            report.root_seed,
            if jobs == 1 { "job" } else { "jobs" },
            report.distribution
        ),
    );
    let seeds: u64 = report.scenarios.iter().map(|s| s.schedules).sum();
    pen.line(
        Verb::Plain("Ran"),
        None,
        &format!(
            "{} seeded scenarios ({} seeds, {} fresh), {} exhaustive, {} mutants",
            report.scenarios.len(),
            grouped(seeds),
            grouped(report.fresh_schedules),
            report.exhaustive.len() + usize::from(report.crash_points.schedules > 0),
            report.mutants.len()
        ),
    );
}

fn seconds_of(timing: &Timing, section: Section, name: &str) -> Option<f64> {
    timing.seconds_by_name.get(&timing::key(section, name)).copied()
}

fn scenario_line(pen: &mut Pen, scenario: &ScenarioReport, timing: &Timing) {
    let verb = match summary::word(scenario) {
        "pass" => Verb::Good("PASS"),
        "fail" => Verb::Bad("FAIL"),
        "stuck" => Verb::Bad("STUCK"),
        "vacuous" => Verb::Bad("VACUOUS"),
        _ => Verb::Bad("BROKEN"),
    };
    let faults: u64 = scenario.faults_fired.values().sum();
    let seconds = seconds_of(timing, Section::Scenario, &scenario.name);
    let rest = format!(
        "{:<38} {:>5} seeds {:>8} sim {:>9} faults",
        scenario.name,
        grouped(scenario.schedules),
        virtual_length(scenario.virtual_seconds * 1000),
        grouped(faults)
    );
    pen.row(verb, seconds, &rest);
    for reason in &scenario.vacuous_because {
        pen.plain(&format!("{:>26}{reason}", ""));
    }
}

fn census_lines(pen: &mut Pen, report: &Report, timing: &Timing) {
    let verb = |violations: u64, complete: bool| match (violations, complete) {
        (0, true) => Verb::Good("PASS"),
        (0, false) => Verb::Bad("PARTIAL"),
        _ => Verb::Bad("FAIL"),
    };
    for e in &report.exhaustive {
        let rest = format!(
            "{:<38} all {} placements of at most {} faults of {} kinds, {} histories",
            format!("exhaustive/{}", e.workload),
            grouped(e.schedules),
            e.faults_max,
            e.fault_kinds,
            grouped(e.distinct_histories)
        );
        let seconds = seconds_of(timing, Section::Exhaustive, &e.workload);
        pen.row(verb(e.violations, e.complete), seconds, &rest);
    }
    let crash = &report.crash_points;
    if crash.schedules > 0 {
        let rest = format!(
            "{:<38} killed at all {} points, {} runs",
            "crash/every-step",
            grouped(crash.points),
            grouped(crash.schedules)
        );
        let seconds = seconds_of(timing, Section::Crash, "every-step");
        pen.row(verb(crash.violations, crash.complete), seconds, &rest);
    }
}

fn mutant_lines(pen: &mut Pen, report: &Report, timing: &Timing) {
    for mutant in &report.mutants {
        let name = format!("negative/{}", mutant.name);
        let seconds = seconds_of(timing, Section::Mutant, &mutant.name);
        let (verb, rest) = match &mutant.by {
            Some(by) => (
                Verb::Good("CAUGHT"),
                format!(
                    "{name:<38} by {by}, at schedule {} of {}",
                    mutant.schedules_to_catch, mutant.schedules_max
                ),
            ),
            None => (
                Verb::Bad("MISSED"),
                format!(
                    "{name:<38} nothing in {} schedules; {} should have seen it",
                    mutant.schedules_to_catch, mutant.expected
                ),
            ),
        };
        pen.row(verb, seconds, &rest);
    }
}

fn determinism_line(pen: &mut Pen, report: &Report, timing: &Timing) {
    let determinism = &report.determinism;
    if determinism.checked == 0 {
        return;
    }
    let seconds = seconds_of(timing, Section::Determinism, "");
    let name = "determinism";
    match &determinism.first_difference {
        None => pen.row(
            Verb::Good("SAME"),
            seconds,
            &format!("{name:<38} {} × 2 runs, histories identical", determinism.checked),
        ),
        Some(difference) => pen.row(
            Verb::Bad("DIFFERS"),
            seconds,
            &format!(
                "{name:<38} {} of {}; first: {difference}",
                determinism.mismatches, determinism.checked
            ),
        ),
    }
}

fn ladder(pen: &mut Pen, report: &Report) {
    pen.rule();
    let seeds = report.ladder.iter().map(|r| r.seeds).max().unwrap_or(0);
    pen.line(
        Verb::Plain("Ladder"),
        None,
        &format!("field/seventy-to-ninety-five, the same {seeds} seeds for every policy"),
    );
    pen.plain(&format!(
        "{:>12} {:>9} {:>17} {:>13} {:>6} {:>6} {:>6} {:>8} {:>9} {:>8} {:>14} {:>8}",
        "policy",
        "success",
        "95 % interval",
        "files",
        "dupl.",
        "lost",
        "resurr",
        "orphans",
        "clean-up",
        "req/file",
        "s/file 50·99 %",
        "ceiling"
    ));
    for rung in &report.ladder {
        pen.plain(&rung_row(rung));
    }
    for pair in &report.ladder_pairs {
        let p = if pair.mcnemar_p < 1e-4 {
            "p < 0.0001".to_owned()
        } else {
            format!("p = {:.4}", pair.mcnemar_p)
        };
        pen.plain(&format!(
            "{:>12} {} → {}: first try only {} × below, {} × above, of {} files (McNemar, {p})",
            "",
            pair.lower,
            pair.higher,
            grouped(pair.only_lower),
            grouped(pair.only_higher),
            grouped(pair.pairs)
        ));
    }
}

fn rung_row(rung: &RungReport) -> String {
    let [low, high] = rung.success_rate_ci95;
    let [median, p99] = rung.virtual_seconds_per_file;
    format!(
        "{:>12} {:>9} {:>17} {:>13} {:>6} {:>6} {:>6} {:>8} {:>9} {:>8.1} {:>14} {:>8}",
        rung.policy,
        percent(rung.success_rate),
        format!("{:.2}–{:.2} %", low * 100.0, high * 100.0),
        format!("{}/{}", rung.files_applied, rung.files),
        grouped(rung.duplicate_keys),
        grouped(rung.lost_updates),
        grouped(rung.resurrected_deletes),
        grouped(rung.orphan_staging),
        percent(rung.cleanup_failure_rate),
        rung.requests_per_file,
        format!("{median:.0} · {p99:.0}"),
        percent(rung.undisturbed_ceiling)
    )
}

fn failure_block(pen: &mut Pen, failure: &FailureReport, story: Option<&String>) {
    let place = format!("{}@{}", failure.scenario, failure.seed);
    pen.plain("");
    pen.plain(&format!("  × {} {}", failure.oracle, failure.message));
    pen.plain(&format!("    in {place}  ({} runs show it)", grouped(failure.seeds_affected)));
    if let Some(story) = story {
        pen.plain(story);
        pen.plain("");
    }
    pen.plain(&format!("    replay   {COMMAND} replay {place} --shrunk"));
    pen.plain(&format!("    keep     {COMMAND} adopt {place}"));
    pen.plain(&format!("    files    {} shrunk.toml history.jsonl", failure.plan));
    pen.plain(&format!("    promise  docs/invariants.md#{}", failure.oracle.to_lowercase()));
}

fn tail(pen: &mut Pen, report: &Report, timing: &Timing) {
    pen.rule();
    let good = report.scenarios.iter().filter(|s| scenario_passed(s)).count();
    let vacuous = report.scenarios.iter().filter(|s| s.vacuous).count();
    let stuck: u64 = report.scenarios.iter().map(|s| s.stuck).sum();
    let caught = report.mutants.iter().filter(|m| m.caught).count();
    let simulated = (timing.virtual_seconds * 1000.0) as u64;
    let verb = if report.exit_code == 0 { Verb::Good("Summary") } else { Verb::Bad("Summary") };
    pen.line(
        verb,
        Some(timing.wall_seconds),
        &format!(
            "{good} of {} scenarios passed, {caught} of {} mutants caught, {} simulated",
            report.scenarios.len(),
            report.mutants.len(),
            virtual_length(simulated)
        ),
    );
    let faults: u64 = report.coverage.cells.iter().map(|cell| cell.3).sum();
    pen.plain(&format!(
        "{:>25}{} faults fired, {vacuous} scenarios vacuous, {stuck} runs stuck",
        "",
        grouped(faults)
    ));
    if report.fresh_schedules > 0 {
        let violations: u64 = report.scenarios.iter().map(|s| s.violations).sum();
        pen.plain(&format!(
            "{:>25}{} fresh schedules, {violations} violations{}",
            "",
            grouped(report.fresh_schedules),
            if violations == 0 {
                format!(": p < {:.6} at 95 %", report.zero_failure_bound_95)
            } else {
                String::new()
            }
        ));
        pen.plain(&format!(
            "{:>25}{} distinct histories, estimated unseen {}",
            "",
            grouped(report.coverage.distinct_histories),
            percent(report.coverage.unseen_estimate)
        ));
    }
    if timing.schedules_measured > 0 {
        pen.plain(&format!(
            "{:>25}{:.0} schedules a second, {:.0} a core",
            "", timing.schedules_per_second, timing.schedules_per_second_and_core
        ));
    }
    for oracle in &report.coverage.idle_oracles {
        pen.plain(&format!("{:>25}oracle {oracle} had nothing to judge", ""));
    }
    for failure in &report.failures {
        pen.line(
            Verb::Bad("FAIL"),
            None,
            &format!(
                "{}   {}   {} runs",
                failure.scenario,
                failure.oracle,
                grouped(failure.seeds_affected)
            ),
        );
    }
    pen.line(
        if report.exit_code == 0 { Verb::Good("Verdict") } else { Verb::Bad("Verdict") },
        None,
        &format!("{} (exit code {})", report.verdict, report.exit_code),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{aggregate, sample};

    fn timing() -> Timing {
        Timing {
            schedules_per_second: 412.4,
            schedules_per_second_and_core: 206.2,
            wall_seconds: 58.37,
            virtual_seconds: 9_876.5,
            jobs: 2,
            schedules_measured: 3,
            seconds_by_name: [("network/lost-commit-ack".to_owned(), 6.0384)].into(),
        }
    }

    fn stories() -> BTreeMap<String, String> {
        let key = "delivery/late-delete@0b1e_4c77_92d0_6a15 O4".to_owned();
        [(key, "    shrunk   8 → 2 files, 1 placed faults, 31 tries\n".to_owned())].into()
    }

    #[test]
    fn a_run_that_found_something() {
        let report = aggregate::report(&sample::raw());
        insta::assert_snapshot!(
            render(&report, &timing(), &stories(), false) + &last_line(&report)
        );
    }

    #[test]
    fn a_run_that_passed() {
        let report = aggregate::report(&sample::passing());
        insta::assert_snapshot!(
            render(&report, &timing(), &stories(), false) + &last_line(&report)
        );
    }

    #[test]
    fn colour_only_adds() {
        let report = aggregate::report(&sample::raw());
        let mut plain = render(&report, &timing(), &stories(), true);
        assert!(plain.contains('\u{1b}'));
        for code in ["\u{1b}[32;1m", "\u{1b}[31;1m", "\u{1b}[1m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, render(&report, &timing(), &stories(), false));
    }
}
