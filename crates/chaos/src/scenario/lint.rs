//! Why a scenario is refused: file, line, column, key, and what to do.
//!
//! Everything that can be wrong with a file is found before the first run, and all of it at once;
//! a scenario that fails after an hour of running because of a typo wastes the hour.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::schema::{Fault, File};
use crate::plan::Phase;
use crate::statement::StatementName;

/// One thing that is wrong with a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key concerned; empty where there is none.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// The line's text, with a marker under the place.
    excerpt: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { file, line, column, message, advice, excerpt, .. } = self;
        writeln!(f, "{file}:{line}:{column}: {message}")?;
        f.write_str(excerpt)?;
        if !advice.is_empty() {
            writeln!(f, "  do: {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// A text and its name, in which diagnostics point.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The path as shown.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// A diagnostic at that place.
    pub fn point(&self, span: Range<usize>, message: &str, advice: &str) -> Diagnostic {
        let start = span.start.min(self.text.len());
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = self.text[line_start..].lines().next().unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count() + 1;
        let line_end = line_start + line_text.len();
        let marked = self.text[start..span.end.clamp(start, line_end.max(start))].chars().count();
        let gutter = line.to_string();
        let blank = " ".repeat(gutter.len());
        let excerpt = format!(
            "  {gutter} | {line_text}\n  {blank} | {}{}\n",
            " ".repeat(column - 1),
            "^".repeat(marked.max(1))
        );
        Diagnostic {
            file: self.file.to_owned(),
            line,
            column,
            key: key_of(line_text),
            message: message.to_owned(),
            advice: advice.to_owned(),
            excerpt,
        }
    }

    /// What the TOML reader refuses.
    pub fn refused(&self, error: &toml::de::Error) -> Diagnostic {
        let message = error.message().trim();
        let (message, advice) = match message.split_once(", expected ") {
            Some((what, expected)) if what.starts_with("unknown ") => {
                (what.to_owned(), format!("write {expected}"))
            }
            _ => {
                (message.to_owned(), "correct the value; docs/scenarios.md has them all".to_owned())
            }
        };
        let mut found = self.point(error.span().unwrap_or(0..0), &message, &advice);
        if let Some(key) = message.strip_prefix("unknown field `") {
            found.key = key.trim_end_matches('`').to_owned();
        }
        found
    }
}

/// The key of a line `key = value`, or of `[section]`.
fn key_of(line: &str) -> String {
    let head = line.split('=').next().unwrap_or("").trim();
    head.trim_matches(['[', ']', ' ']).to_owned()
}

/// Values that a file of its own cannot hold, although each is well formed.
pub(super) fn check(source: Source<'_>, file: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    counts(source, file, &mut found);
    warehouse(source, file, &mut found);
    let mut names = BTreeSet::new();
    for fault in &file.fault {
        if !names.insert(fault.name.get_ref().clone()) {
            found.push(source.point(
                fault.name.span(),
                &format!("two faults are called {:?}", fault.name.get_ref()),
                "name each rule: its name is also its random stream",
            ));
        }
        rule(source, fault, &mut found);
    }
    if let (Some(heal), Some(limit)) =
        (&file.heal, file.scenario.as_ref().and_then(|head| head.bounds.as_ref()))
        && let Some(sim_time) = &limit.sim_time
        && heal.after.get_ref().0 + heal.within.0 > sim_time.get_ref().0
    {
        found.push(source.point(
            heal.after.span(),
            "the run is over before it may settle: after + within is more than bounds.sim_time",
            "raise bounds.sim_time, or heal earlier",
        ));
    }
    expectations(source, file, &mut found);
    found
}

fn counts(source: Source<'_>, file: &File, found: &mut Vec<Diagnostic>) {
    let mut at_least_one = |what: &str, count: &toml::Spanned<super::choice::Count>| {
        if count.get_ref().0.min == 0 {
            let message = format!("a run with 0 {what} proves nothing");
            found.push(source.point(count.span(), &message, "write at least 1"));
        }
    };
    if let Some(keys) = file.workload.as_ref().and_then(|workload| workload.keys.as_ref()) {
        at_least_one("keys", &keys.count);
    }
    if let Some(batches) = file.workload.as_ref().and_then(|workload| workload.batches.as_ref()) {
        at_least_one("files", &batches.count);
        at_least_one("rows", &batches.rows);
    }
    if let Some(workers) = file.delivery.as_ref().and_then(|delivery| delivery.workers.as_ref()) {
        at_least_one("workers", workers);
    }
    if let Some(table) = &file.table
        && table.get_ref().len() != 1
    {
        found.push(source.point(
            table.span(),
            &format!("{} tables; a scenario feeds exactly one", table.get_ref().len()),
            "keep one [table.NAME]",
        ));
    }
}

fn warehouse(source: Source<'_>, file: &File, found: &mut Vec<Diagnostic>) {
    let Some(warehouse) = &file.warehouse else { return };
    for (name, latency) in &warehouse.latencies {
        if let Err(message) = name.parse::<StatementName>() {
            found.push(source.point(latency.span(), &message, "use a statement's name as the key"));
        }
        let (min, mean, max) = {
            let latency = latency.get_ref();
            (latency.min, latency.mean, latency.max)
        };
        if !(min <= mean && mean <= max) {
            found.push(source.point(
                latency.span(),
                &format!("the mean {mean} is not between min {min} and max {max}"),
                "order them: min, mean, max",
            ));
        }
    }
    for (name, values) in &warehouse.quirks {
        for value in &values.get_ref().0 {
            if let Err(message) = quirk(name, value) {
                found.push(source.point(values.span(), &message, "see docs/fidelity.md"));
            }
        }
    }
}

/// Asks the fake's own reader, so that a quirk it does not know can never be swept in vain.
fn quirk(name: &str, value: &toml::Value) -> Result<(), String> {
    super::library::quirks([(name.to_owned(), value.clone())].into_iter().collect()).map(|_| ())
}

fn rule(source: Source<'_>, fault: &Fault, found: &mut Vec<Diagnostic>) {
    if fault.chance.get_ref().is_zero() {
        found.push(source.point(
            fault.chance.span(),
            "a fault with chance 0 never fires, and the scenario would be vacuous",
            "write a chance such as \"1/20\", or remove the rule",
        ));
    }
    let drawn = fault.parameters();
    let deed = fault.does.get_ref();
    let missing = match deed.needs() {
        Some("by") => drawn.by.is_none(),
        Some("lasting") => drawn.lasting.is_none(),
        _ => false,
    };
    if let (true, Some(parameter)) = (missing, deed.needs()) {
        found.push(source.point(
            fault.does.span(),
            &format!("this fault needs `{parameter}`"),
            &format!("add a line such as {parameter} = \"30s..=2m\""),
        ));
        return;
    }
    for phase in &fault.at {
        if deed.at(*phase.get_ref(), &drawn).is_none() {
            let fitting: Vec<&str> = Phase::ALL
                .into_iter()
                .filter(|other| deed.at(*other, &drawn).is_some())
                .map(Phase::as_str)
                .collect();
            found.push(source.point(
                phase.span(),
                &format!("this fault cannot strike at {:?}", phase.get_ref().as_str()),
                &format!("use one of {}", fitting.join(", ")),
            ));
        }
    }
    if let Some(status) = &fault.status
        && !matches!(status.get_ref(), 429 | 500 | 503)
    {
        found.push(source.point(
            status.span(),
            &format!("no service is known to refuse with {}", status.get_ref()),
            "use 429, 500 or 503",
        ));
    }
}

fn expectations(source: Source<'_>, file: &File, found: &mut Vec<Diagnostic>) {
    let Some(expect) = &file.expect else { return };
    for reached in &expect.reached {
        let wanted = reached.get_ref();
        if wanted.mark.is_some() == wanted.fault.is_some() {
            found.push(source.point(
                reached.span(),
                "an expectation names either a mark or a fault",
                "write mark = \"merge.conflict\" or fault = \"F04\"",
            ));
        }
        if let Some(mark) = &wanted.mark
            && !merge_protocol::note::Note::MARKS.contains(&mark.as_str())
        {
            let message = format!("the engine has no mark {mark:?}");
            let advice = format!("use one of {}", merge_protocol::note::Note::MARKS.join(", "));
            found.push(source.point(reached.span(), &message, &advice));
        }
    }
}
