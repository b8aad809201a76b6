//! `junit.xml`: one test case per scenario, census, mutant and rung, for CI systems that know
//! nothing of us.
//!
//! It carries the verdicts and the way to replay, and no wall times: times are `timing.json`'s.

use std::fmt::Write;

use crate::report::json::{FailureReport, Report};

/// A test case: suite, name, and what is wrong with it (kind, text).
struct Case {
    suite: &'static str,
    name: String,
    wrong: Option<(&'static str, String)>,
}

/// The file's text.
pub fn render(report: &Report) -> String {
    let cases = cases(report);
    let failed = cases.iter().filter(|case| case.wrong.is_some()).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites name=\"chaos\" tests=\"{}\" failures=\"{failed}\">",
        cases.len()
    );
    for suite in ["scenarios", "exhaustive", "ladder", "mutants", "determinism", "harness"] {
        write_suite(&mut text, suite, &cases);
    }
    text.push_str("</testsuites>\n");
    text
}

fn write_suite(text: &mut String, suite: &str, cases: &[Case]) {
    let ours: Vec<&Case> = cases.iter().filter(|case| case.suite == suite).collect();
    if ours.is_empty() {
        return;
    }
    let failed = ours.iter().filter(|case| case.wrong.is_some()).count();
    let _ = writeln!(
        text,
        "  <testsuite name=\"chaos.{suite}\" tests=\"{}\" failures=\"{failed}\">",
        ours.len()
    );
    for case in ours {
        let name = escaped(&case.name);
        match &case.wrong {
            None => {
                let _ =
                    writeln!(text, "    <testcase classname=\"chaos.{suite}\" name=\"{name}\"/>");
            }
            Some((kind, why)) => {
                let _ = writeln!(
                    text,
                    "    <testcase classname=\"chaos.{suite}\" name=\"{name}\">\n      \
                     <failure type=\"{kind}\">{}</failure>\n    </testcase>",
                    escaped(why)
                );
            }
        }
    }
    text.push_str("  </testsuite>\n");
}

fn cases(report: &Report) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut push = |suite, name: String, wrong| cases.push(Case { suite, name, wrong });
    for s in &report.scenarios {
        let wrong = if s.violations > 0 {
            Some(("violated", stories(report, &s.name)))
        } else if s.stuck > 0 {
            Some(("stuck", stories(report, &s.name)))
        } else if s.broken > 0 {
            Some(("internal-error", format!("{} runs broke the harness", s.broken)))
        } else {
            s.vacuous.then(|| ("vacuous", s.vacuous_because.join("\n")))
        };
        push("scenarios", s.name.clone(), wrong);
    }
    for e in &report.exhaustive {
        let name = format!("exhaustive/{}", e.workload);
        let wrong = census_wrong(report, &name, e.violations, e.complete);
        push("exhaustive", name, wrong);
    }
    if report.crash_points.schedules > 0 {
        let name = "crash/every-step".to_owned();
        let crash = &report.crash_points;
        let wrong = census_wrong(report, &name, crash.violations, crash.complete);
        push("exhaustive", name, wrong);
    }
    for rung in &report.ladder {
        let wrong = (rung.policy == "engine" && rung.violations + rung.stuck > 0)
            .then(|| ("violated", stories(report, "field/seventy-to-ninety-five")));
        push("ladder", rung.policy.clone(), wrong);
    }
    for mutant in &report.mutants {
        let wrong = (!mutant.caught).then(|| {
            let text = format!(
                "{} schedules, and nothing noticed; {} should have",
                mutant.schedules_to_catch, mutant.expected
            );
            ("mutant-missed", text)
        });
        push("mutants", mutant.name.clone(), wrong);
    }
    if report.determinism.checked > 0 {
        let wrong = report.determinism.first_difference.clone().map(|text| ("diverged", text));
        push("determinism", "same seed, other process".to_owned(), wrong);
    }
    for (number, error) in report.internal_errors.iter().enumerate() {
        push(
            "harness",
            format!("internal error {}", number + 1),
            Some(("internal-error", error.clone())),
        );
    }
    cases
}

fn census_wrong(
    report: &Report,
    name: &str,
    violations: u64,
    complete: bool,
) -> Option<(&'static str, String)> {
    if violations > 0 {
        Some(("violated", stories(report, name)))
    } else {
        (!complete).then(|| ("incomplete", "a bound ended the enumeration".to_owned()))
    }
}

/// Every failure of a scenario, each with its replay command.
fn stories(report: &Report, scenario: &str) -> String {
    let story = |f: &FailureReport| {
        format!(
            "{} {}\nreplay: cargo xtask chaos replay {}@{} --shrunk",
            f.oracle, f.message, f.scenario, f.seed
        )
    };
    let stories: Vec<String> =
        report.failures.iter().filter(|f| f.scenario == scenario).map(story).collect();
    stories.join("\n")
}

/// XML's five special characters, and the control characters that XML 1.0 cannot carry at all.
pub(crate) fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\'' => result.push_str("&apos;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => result.push('\u{fffd}'),
            c => result.push(c),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{aggregate, sample};

    #[test]
    fn the_sample_as_junit() {
        insta::assert_snapshot!(render(&aggregate::report(&sample::raw())));
    }

    #[test]
    fn text_of_a_server_cannot_break_the_file() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }
}
