//! `summary.md`: what a CI system shows on the page of a run.
//!
//! Short enough to be read there: verdict, ladder, what failed and how to see it again. The whole
//! is in report.html.

use std::fmt::Write;

use crate::report::json::{Report, ScenarioReport};
use crate::report::{grouped, percent};

/// The file's text.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## Chaos: {}\n", report.verdict);
    let _ = writeln!(
        text,
        "Tier {}, commit `{}`, root seed `{}`, distribution `{}`, exit code {}.\n",
        report.tier, report.commit, report.root_seed, report.distribution, report.exit_code
    );
    claims(&mut text, report);
    failures(&mut text, report);
    ladder(&mut text, report);
    scenarios(&mut text, report);
    mutants(&mut text, report);
    text
}

fn claims(text: &mut String, report: &Report) {
    let violations: u64 = report.scenarios.iter().map(|s| s.violations).sum();
    if report.fresh_schedules > 0 {
        let bound = if violations == 0 {
            format!(", so below {:.6} at 95 %", report.zero_failure_bound_95)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "- {} fresh schedules, {violations} violations{bound}",
            grouped(report.fresh_schedules)
        );
    }
    for e in &report.exhaustive {
        let _ = writeln!(
            text,
            "- {} {} placements of at most {} faults of {} kinds ({}): {} violations",
            if e.complete { "all" } else { "some, not all:" },
            grouped(e.schedules),
            e.faults_max,
            e.fault_kinds,
            e.workload,
            e.violations
        );
    }
    let crash = &report.crash_points;
    if crash.schedules > 0 {
        let _ = writeln!(
            text,
            "- worker killed at {} points{}: {} violations",
            grouped(crash.points),
            if crash.complete { ", all of them" } else { ", not all of them" },
            crash.violations
        );
    }
    if !report.mutants.is_empty() {
        let caught = report.mutants.iter().filter(|m| m.caught).count();
        let _ = writeln!(text, "- {caught} of {} known-bad engines caught", report.mutants.len());
    }
    if report.determinism.checked > 0 {
        let _ = writeln!(
            text,
            "- {} histories compared with another process, {} differ",
            report.determinism.checked, report.determinism.mismatches
        );
    }
    text.push('\n');
}

fn failures(text: &mut String, report: &Report) {
    if report.failures.is_empty() && report.internal_errors.is_empty() {
        return;
    }
    text.push_str("### Failures\n\n");
    for f in &report.failures {
        let _ = writeln!(
            text,
            "- **{}** {} ({} runs)\n  `cargo xtask chaos replay {}@{} --shrunk`",
            f.oracle,
            one_line(&f.message),
            f.seeds_affected,
            f.scenario,
            f.seed
        );
    }
    for error in &report.internal_errors {
        let _ = writeln!(text, "- internal error: {}", one_line(error));
    }
    text.push('\n');
}

fn ladder(text: &mut String, report: &Report) {
    if report.ladder.is_empty() {
        return;
    }
    text.push_str(
        "### Ladder\n\n\
         | policy | success | 95 % | files applied | duplicates | lost | resurrected | orphans \
         | clean-up failed | ceiling |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for r in &report.ladder {
        let [low, high] = r.success_rate_ci95;
        let _ = writeln!(
            text,
            "| {} | {} | {:.2}–{:.2} % | {} of {} | {} | {} | {} | {} | {} | {} |",
            r.policy,
            percent(r.success_rate),
            low * 100.0,
            high * 100.0,
            r.files_applied,
            r.files,
            r.duplicate_keys,
            r.lost_updates,
            r.resurrected_deletes,
            r.orphan_staging,
            percent(r.cleanup_failure_rate),
            percent(r.undisturbed_ceiling)
        );
    }
    text.push('\n');
}

fn scenarios(text: &mut String, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    text.push_str(
        "### Scenarios\n\n| | scenario | schedules | invocations | success | faults |\n\
         |---|---|---|---|---|---|\n",
    );
    for s in &report.scenarios {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            word(s),
            s.name,
            grouped(s.schedules),
            grouped(s.invocations),
            percent(s.success_rate),
            grouped(s.faults_fired.values().sum())
        );
    }
    text.push('\n');
}

/// A scenario's verdict in one word.
pub(crate) fn word(s: &ScenarioReport) -> &'static str {
    if s.violations > 0 {
        "fail"
    } else if s.stuck > 0 {
        "stuck"
    } else if s.broken > 0 {
        "broken"
    } else if s.vacuous {
        "vacuous"
    } else {
        "pass"
    }
}

fn mutants(text: &mut String, report: &Report) {
    if report.mutants.is_empty() {
        return;
    }
    text.push_str("### Known-bad engines\n\n| mutant | caught by | at schedule |\n|---|---|---|\n");
    for m in &report.mutants {
        let by = m.by.as_deref().unwrap_or("**missed**");
        let _ = writeln!(text, "| {} | {by} | {} |", m.name, m.schedules_to_catch);
    }
    text.push('\n');
}

/// A message as it may stand in a list: no line breaks, no table bars.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{aggregate, sample};

    #[test]
    fn the_sample_as_markdown() {
        insta::assert_snapshot!(render(&aggregate::report(&sample::raw())));
    }
}
