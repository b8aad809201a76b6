//! What happened in one run, event by event: in words for a terminal, in lanes for a browser.
//!
//! It tells the history and nothing else. What is left out here (notes, acknowledgements) is in
//! history.jsonl.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::history::{Ended, Event, History, What};
use crate::report::junit::escaped;

/// The style of the page; the lanes are table columns.
const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --bad: #c0392b; --good: #2a7d3f; --soft: #8882; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem; }
table { border-collapse: collapse; } th { text-align: left; position: sticky; top: 0; background: Canvas; }
th, td { padding: .15rem .6rem; border-left: 1px solid var(--line); vertical-align: top; }
td:first-child { font: 12px ui-monospace, monospace; text-align: right; white-space: nowrap; }
.fault { color: var(--bad); font-weight: 600; } .commit { color: var(--good); } .phase { background: var(--soft); }
";

/// `02:00.412`, minutes without bound.
pub fn clock(event: &Event) -> String {
    let millis = event.at.as_millis();
    format!("{:02}:{:02}.{:03}", millis / 60_000, millis / 1000 % 60, millis % 1000)
}

/// An event in words; `None` for what a reader can do without.
pub fn words(event: &Event) -> Option<String> {
    let line = match &event.what {
        What::Phase { name } => format!("── {name} ──"),
        What::Put { object_key, file } => format!("file {file} arrives: {object_key}"),
        What::Delivered { file, invocation, delivery } => {
            format!("file {file} is delivered ({delivery}) to invocation {invocation}")
        }
        What::Started { invocation, files, .. } => {
            format!("invocation {invocation} starts with files {files:?}")
        }
        What::Ended { invocation, end } => {
            let end = match end {
                Ended::Succeeded { files } => format!("succeeded: {files:?}"),
                Ended::Failed { error } => format!("failed: {error}"),
                Ended::TimedOut => "ran out of time".to_owned(),
                Ended::Killed => "was killed".to_owned(),
            };
            format!("invocation {invocation} {end}")
        }
        What::GivenUp { file } => format!("file {file} goes to the dead letters"),
        What::Fault { id, address } => format!("{id} at {address}"),
        What::Committed { lsn, sql_kind, changes, .. } => {
            let tables: Vec<String> = changes
                .iter()
                .map(|c| format!("{} +{} −{}", c.table, c.inserted.len(), c.deleted.len()))
                .collect();
            format!("{sql_kind} committed as {lsn}: {}", tables.join(", "))
        }
        What::Restarted => "the engine restarts".to_owned(),
        What::Swept { dropped } => format!("swept {dropped} staging tables"),
        What::CleanupFailed { table } => format!("could not drop {table}"),
        What::Reconciled { redriven } => format!("audit hands {redriven} files over again"),
        What::Acknowledged { .. } | What::Note { .. } => return None,
    };
    Some(line)
}

/// The events as lines for a terminal, at most `lines_max` of them: the last ones, as a violation
/// stands at the end of its story.
pub fn text(history: &History, lines_max: usize) -> String {
    let lines: Vec<String> = history
        .events()
        .iter()
        .filter_map(|event| {
            words(event).map(|line| format!("{:>13}  {:<11} {line}\n", clock(event), event.who))
        })
        .collect();
    let left_out = lines.len().saturating_sub(lines_max);
    let mut text = format!("{:>13}  {:<11} what\n", "sim time", "who");
    if left_out > 0 {
        let _ = writeln!(text, "{:>13}  ({left_out} events before)", "…");
    }
    text.extend(lines.into_iter().skip(left_out));
    text
}

/// The events as a page with a lane for everyone who acts.
pub fn html(title: &str, history: &History) -> String {
    let lanes: BTreeSet<&str> = history.events().iter().map(|event| event.who.as_str()).collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{0}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n<table>\n<tr><th>sim time</th>",
        escaped(title)
    );
    for lane in &lanes {
        let _ = write!(page, "<th>{}</th>", escaped(lane));
    }
    page.push_str("</tr>\n");
    for event in history.events() {
        let Some(line) = words(event) else { continue };
        let class = match &event.what {
            What::Fault { .. } | What::Restarted | What::CleanupFailed { .. } => "fault",
            What::Committed { .. } => "commit",
            What::Phase { .. } => "phase",
            _ => "",
        };
        let _ = write!(page, "<tr><td>{}</td>", clock(event));
        for lane in &lanes {
            if *lane == event.who {
                let _ = write!(page, "<td class=\"{class}\">{}</td>", escaped(&line));
            } else {
                page.push_str("<td></td>");
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n</body>\n</html>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn history() -> History {
        let mut history = History::new();
        let mut push = |millis, who: &str, what| {
            let at = Duration::from_millis(millis);
            history.push(Event { at, who: who.to_owned(), what });
        };
        push(0, "world", What::Phase { name: "safety".into() });
        push(412, "world", What::Put { object_key: "db/users/a.parquet".into(), file: 0 });
        push(413, "worker-1", What::Note { mark: "merge.conflict".into() });
        let end = Ended::Failed { error: "a <b> broke".into() };
        push(7_265_001, "worker-1", What::Ended { invocation: 1, end });
        history
    }

    #[test]
    fn the_last_lines_are_kept() {
        insta::assert_snapshot!(text(&history(), 2));
    }

    #[test]
    fn every_actor_has_a_lane() {
        let page = html("a/b@7", &history());
        assert!(page.contains("<th>worker-1</th><th>world</th>"));
        assert!(
            page.contains("<td class=\"\">invocation 1 failed: a &lt;b&gt; broke</td><td></td>")
        );
        assert_eq!(page.matches("<tr>").count(), 4);
    }
}
