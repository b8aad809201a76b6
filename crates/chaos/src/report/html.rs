//! `report.html`: one file without scripts and without network, to be kept or sent.
//!
//! Overview, the ladder with its intervals drawn to scale, scenarios, the heat map of faults by
//! statement and phase, the known-bad engines, the failures. Nothing is computed here that is not
//! in report.json already.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::report::json::{Report, RungReport};
use crate::report::junit::escaped;
use crate::report::{grouped, percent, summary};

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --good: #2a7d3f; --bad: #c0392b; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
td.heat { text-align: center; min-width: 3.2rem; } td.cold { color: var(--bad); text-align: center; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
code, pre { font: 13px/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .6rem .8rem; overflow-x: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
";

/// The file's text.
pub fn render(report: &Report) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n");
    page.push_str(
        "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n",
    );
    let _ = writeln!(
        page,
        "<title>Chaos: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        escaped(&report.verdict)
    );
    overview(&mut page, report);
    failures(&mut page, report);
    ladder(&mut page, report);
    scenarios(&mut page, report);
    heat_map(&mut page, report);
    mutants(&mut page, report);
    page.push_str("</body>\n</html>\n");
    page
}

fn row(page: &mut String, tag: &str, cells: &[String]) {
    page.push_str("<tr>");
    for cell in cells {
        let _ = write!(page, "<{tag}>{cell}</{tag}>");
    }
    page.push_str("</tr>\n");
}

fn header(page: &mut String, names: &[&str]) {
    page.push_str("<table>\n");
    row(page, "th", &names.iter().map(|name| escaped(name)).collect::<Vec<_>>());
}

fn flag(good: bool, text: &str) -> String {
    format!("<span class=\"{}\">{}</span>", if good { "good" } else { "bad" }, escaped(text))
}

fn overview(page: &mut String, report: &Report) {
    let _ = writeln!(page, "<h1>Chaos: {}</h1>", flag(report.exit_code == 0, &report.verdict));
    header(page, &["", ""]);
    let violations: u64 = report.scenarios.iter().map(|s| s.violations).sum();
    let mut line = |what: &str, value: String| row(page, "td", &[escaped(what), value]);
    line("tier", escaped(&report.tier));
    line("commit", format!("<code>{}</code>", escaped(&report.commit)));
    line("root seed", format!("<code>{}</code>", escaped(&report.root_seed)));
    line("distribution", format!("<code>{}</code>", escaped(&report.distribution)));
    line("exit code", report.exit_code.to_string());
    line("fresh schedules", grouped(report.fresh_schedules));
    line("violations", violations.to_string());
    if violations == 0 && report.fresh_schedules > 0 {
        line(
            "chance of a violation, 95 % bound",
            format!(
                "below {:.6} for a schedule of this distribution",
                report.zero_failure_bound_95
            ),
        );
    }
    line("distinct histories", grouped(report.coverage.distinct_histories));
    line("unseen histories, estimate", percent(report.coverage.unseen_estimate));
    for e in &report.exhaustive {
        line(
            &format!("exhaustive, {}", e.workload),
            format!(
                "{} placements of at most {} faults of {} kinds, {} violations, {}",
                grouped(e.schedules),
                e.faults_max,
                e.fault_kinds,
                e.violations,
                if e.complete { "complete" } else { "not complete" }
            ),
        );
    }
    if report.crash_points.schedules > 0 {
        let crash = &report.crash_points;
        line(
            "crash points",
            format!("{} points, {} violations", grouped(crash.points), crash.violations),
        );
    }
    if report.determinism.checked > 0 {
        let d = &report.determinism;
        line("determinism", format!("{} compared, {} differ", d.checked, d.mismatches));
    }
    page.push_str("</table>\n");
}

fn failures(page: &mut String, report: &Report) {
    if report.failures.is_empty() && report.internal_errors.is_empty() {
        return;
    }
    page.push_str("<h2>Failures</h2>\n");
    for f in &report.failures {
        let _ = writeln!(
            page,
            "<p>{} {} ({} runs)</p>\n<pre>cargo xtask chaos replay {}@{} --shrunk\n{}\n{}</pre>",
            flag(false, &f.oracle),
            escaped(&f.message),
            f.seeds_affected,
            escaped(&f.scenario),
            escaped(&f.seed),
            escaped(&f.plan),
            escaped(&f.shrunk)
        );
    }
    for error in &report.internal_errors {
        let _ = writeln!(page, "<p>{} {}</p>", flag(false, "internal error"), escaped(error));
    }
}

fn ladder(page: &mut String, report: &Report) {
    if report.ladder.is_empty() {
        return;
    }
    page.push_str("<h2>Ladder: the same faults, policy by policy</h2>\n");
    interval_plot(page, &report.ladder);
    header(
        page,
        &[
            "policy",
            "invocations",
            "success",
            "95 % (Wilson)",
            "95 % (exact)",
            "files applied",
            "duplicates",
            "lost",
            "resurrected",
            "orphans",
            "clean-up failed",
            "requests/file",
            "s/file, median",
            "s/file, 99 %",
            "ceiling",
        ],
    );
    let interval = |[low, high]: [f64; 2]| format!("{:.2}–{:.2} %", low * 100.0, high * 100.0);
    for r in &report.ladder {
        let zero = |count: u64| flag(count == 0, &grouped(count));
        row(
            page,
            "td",
            &[
                escaped(&r.policy),
                grouped(r.invocations),
                percent(r.success_rate),
                interval(r.success_rate_ci95),
                interval(r.success_rate_exact95),
                format!("{} of {}", r.files_applied, r.files),
                zero(r.duplicate_keys),
                zero(r.lost_updates),
                zero(r.resurrected_deletes),
                zero(r.orphan_staging),
                percent(r.cleanup_failure_rate),
                format!("{:.1}", r.requests_per_file),
                format!("{:.1}", r.virtual_seconds_per_file[0]),
                format!("{:.1}", r.virtual_seconds_per_file[1]),
                percent(r.undisturbed_ceiling),
            ],
        );
    }
    page.push_str("</table>\n");
    for p in &report.ladder_pairs {
        let _ = writeln!(
            page,
            "<p>{} → {}: of {} files, {} succeeded at the first try only with the former, {} only \
             with the latter (exact McNemar p = {:.2e}).</p>",
            escaped(&p.lower),
            escaped(&p.higher),
            grouped(p.pairs),
            grouped(p.only_lower),
            grouped(p.only_higher),
            p.mcnemar_p
        );
    }
}

/// The success rates with their intervals, and the undisturbed ceiling as a tick, over one axis.
fn interval_plot(page: &mut String, rungs: &[RungReport]) {
    const LEFT: f64 = 90.0;
    const WIDTH: f64 = 600.0;
    const ROW: f64 = 26.0;
    // From the lowest end, rounded down to whole tens: an axis from 0 would hide the difference
    // between 95 % and 99.9 %.
    let lowest = rungs.iter().map(|r| r.success_rate_ci95[0]).fold(1.0f64, f64::min);
    let start = ((lowest * 10.0).floor() / 10.0).min(0.9);
    let x = |rate: f64| LEFT + WIDTH * (rate - start) / (1.0 - start);
    let height = ROW * (rungs.len() as f64 + 1.5);
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {:.0} {height:.0}\" width=\"100%\" role=\"img\" \
         aria-label=\"success rate per policy with 95 % intervals\">",
        LEFT + WIDTH + 80.0
    );
    for tenth in 0..=10 {
        let rate = f64::from(tenth) / 10.0;
        if rate + 1e-9 >= start {
            let _ = writeln!(
                page,
                "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"0\" y2=\"{1:.1}\" stroke=\"currentColor\" \
                 stroke-opacity=\".15\"/><text x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"middle\">\
                 {3} %</text>",
                x(rate),
                height - ROW,
                height - 8.0,
                tenth * 10
            );
        }
    }
    for (place, r) in rungs.iter().enumerate() {
        let y = ROW * (place as f64 + 0.6);
        let [low, high] = r.success_rate_ci95;
        let ceiling = x(r.undisturbed_ceiling.max(start));
        let _ = writeln!(
            page,
            "<text x=\"0\" y=\"{0:.1}\">{1}</text><line x1=\"{2:.1}\" x2=\"{3:.1}\" y1=\"{4:.1}\" \
             y2=\"{4:.1}\" stroke=\"currentColor\" stroke-width=\"3\"/><circle cx=\"{5:.1}\" \
             cy=\"{4:.1}\" r=\"5\" fill=\"#3b6fb6\"/><path d=\"M{6:.1} {7:.1}v14\" \
             stroke=\"#b8860b\" stroke-width=\"2\"/><text x=\"{8:.1}\" y=\"{0:.1}\">{9}</text>",
            y + 4.0,
            escaped(&r.policy),
            x(low),
            x(high),
            y,
            x(r.success_rate),
            ceiling,
            y - 7.0,
            LEFT + WIDTH + 12.0,
            percent(r.success_rate)
        );
    }
    page.push_str(
        "</svg>\n<p>Dot: rate. Bar: 95 % interval. Gold tick: the share of invocations \
                   in which any policy had an undisturbed window.</p>\n",
    );
}

fn scenarios(page: &mut String, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    page.push_str("<h2>Scenarios</h2>\n");
    header(
        page,
        &[
            "scenario",
            "verdict",
            "schedules",
            "distinct",
            "invocations",
            "success",
            "files applied",
            "faults fired",
            "marks reached",
        ],
    );
    for s in &report.scenarios {
        let word = summary::word(s);
        let list = |counts: &BTreeMap<String, u64>| -> String {
            let texts: Vec<String> = counts.iter().map(|(n, c)| format!("{n} ×{c}")).collect();
            escaped(&texts.join(", "))
        };
        row(
            page,
            "td",
            &[
                escaped(&s.name),
                flag(word == "pass", word),
                grouped(s.schedules),
                grouped(s.distinct_histories),
                grouped(s.invocations),
                percent(s.success_rate),
                format!("{} of {}", grouped(s.files_applied), grouped(s.files)),
                list(&s.faults_fired),
                format!("{}{}", list(&s.marks), escaped(&s.vacuous_because.join("; "))),
            ],
        );
    }
    page.push_str("</table>\n");
}

fn heat_map(page: &mut String, report: &Report) {
    let cells = &report.coverage.cells;
    if cells.is_empty() {
        return;
    }
    let statements: BTreeSet<&str> = cells.iter().map(|cell| cell.1.as_str()).collect();
    let rows: BTreeSet<(&str, &str)> =
        cells.iter().map(|cell| (cell.0.as_str(), cell.2.as_str())).collect();
    let counts: BTreeMap<(&str, &str, &str), u64> = cells
        .iter()
        .map(|(fault, statement, phase, count)| {
            ((fault.as_str(), phase.as_str(), statement.as_str()), *count)
        })
        .collect();
    let cold: BTreeSet<(&str, &str, &str)> = report
        .coverage
        .cold
        .iter()
        .map(|(fault, statement, phase)| (fault.as_str(), phase.as_str(), statement.as_str()))
        .collect();
    let most = counts.values().copied().max().unwrap_or(1).max(1);
    page.push_str("<h2>Where faults struck</h2>\n");
    let mut names = vec!["fault · phase"];
    names.extend(&statements);
    header(page, &names);
    for (fault, phase) in rows {
        let _ = write!(page, "<tr><td>{} · {}</td>", escaped(fault), escaped(phase));
        for statement in &statements {
            let at = (fault, phase, *statement);
            match counts.get(&at) {
                Some(count) => {
                    // On a logarithmic scale: counts run from one to tens of thousands.
                    let share = (*count as f64).ln_1p() / (most as f64).ln_1p();
                    let _ = write!(
                        page,
                        "<td class=\"heat\" style=\"background:rgb(214 96 40/{share:.2})\">{}</td>",
                        grouped(*count)
                    );
                }
                None if cold.contains(&at) => page.push_str("<td class=\"cold\">cold</td>"),
                None => page.push_str("<td class=\"heat\"></td>"),
            }
        }
        page.push_str("</tr>\n");
    }
    let _ = writeln!(page, "</table>\n<p>{} cells reached, {} cold.</p>", cells.len(), cold.len());
}

fn mutants(page: &mut String, report: &Report) {
    if report.mutants.is_empty() {
        return;
    }
    page.push_str("<h2>Known-bad engines</h2>\n");
    header(page, &["mutant", "verdict", "by", "expected", "schedules"]);
    for m in &report.mutants {
        row(
            page,
            "td",
            &[
                escaped(&m.name),
                flag(m.caught, if m.caught { "caught" } else { "missed" }),
                escaped(m.by.as_deref().unwrap_or("–")),
                escaped(&m.expected),
                format!("{} of {}", m.schedules_to_catch, m.schedules_max),
            ],
        );
    }
    page.push_str("</table>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{aggregate, sample};

    #[test]
    fn the_page_is_whole_and_needs_no_network() {
        let page = render(&aggregate::report(&sample::raw()));
        for needed in [
            "<!doctype html>",
            "Chaos: <span class=\"bad\">violated</span>",
            "<svg",
            "prior-1",
            "F04 · committed",
            "cold</td>",
            "no-tombstones",
            "delivery/late-delete@0b1e",
            "</html>",
        ] {
            assert!(page.contains(needed), "{needed}");
        }
        for banned in ["http://", "https://", "<script", "<link", "@import"] {
            assert!(!page.contains(banned), "{banned}");
        }
        for tag in ["table", "tr", "td", "th", "svg", "p", "pre", "span"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "<{tag}>");
        }
    }

    #[test]
    fn text_of_a_server_is_text() {
        let mut raw = sample::raw();
        raw.commit = "<b>&".into();
        assert!(render(&aggregate::report(&raw)).contains("<code>&lt;b&gt;&amp;</code>"));
    }
}
