//! The text of `docs/dialect.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::constructs::{Construct, Section, constructs};
use crate::outcome::Outcome;

/// Scripts named per row; a fourth one says nothing more.
const SCRIPTS_MAX: usize = 3;

/// Longest example, in characters.
const EXAMPLE_MAX: usize = 120;

/// How the fake begins a refusal of what it does not know.
const UNSUPPORTED: &str = "not supported by this fake of Firebolt: ";

const OPENING: &str = "# The dialect

What the fake accepts and what it refuses, in the words of the scripts that show it. Made from the runs
of `fixtures/sql/**/*.slt` by `UPDATE_DIALECT=1 cargo test -p fake-firebolt --test slt dialect`; a test
compares, so an entry here is a statement that ran. The scripts under `portable` and `isolation` also
hold on PostgreSQL, with the same answers. An example is the shortest statement that has the construct,
and a construct that no script has accepted is not listed.
";

/// A row in the making: the shortest example, and where the construct stands.
#[derive(Debug, Default)]
struct Entry<'a> {
    example: Option<&'a str>,
    scripts: BTreeSet<&'a str>,
}

impl<'a> Entry<'a> {
    fn add(&mut self, outcome: &'a Outcome) {
        self.scripts.insert(&outcome.script);
        let shorter = |old: &str| (outcome.sql.len(), outcome.sql.as_str()) < (old.len(), old);
        if self.example.is_none_or(shorter) {
            self.example = Some(&outcome.sql);
        }
    }

    fn row(&self, name: &str) -> String {
        let mut scripts: Vec<String> =
            self.scripts.iter().take(SCRIPTS_MAX).map(|name| code(name)).collect();
        if self.scripts.len() > SCRIPTS_MAX {
            scripts.push("…".to_owned());
        }
        let example = shortened(self.example.unwrap_or_default());
        format!("| {} | {} | {} |\n", code(name), code(&example), scripts.join(", "))
    }
}

fn shortened(sql: &str) -> String {
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if sql.chars().count() <= EXAMPLE_MAX {
        return sql;
    }
    let kept: String = sql.chars().take(EXAMPLE_MAX).collect();
    format!("{kept} …")
}

/// Text as code in a cell of a table.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

pub(super) fn page(outcomes: &[Outcome]) -> String {
    let mut accepted: BTreeMap<Construct, Entry<'_>> = BTreeMap::new();
    let mut quirks: BTreeMap<String, Entry<'_>> = BTreeMap::new();
    let mut refused: BTreeMap<String, Entry<'_>> = BTreeMap::new();
    let mut errors: BTreeMap<String, Entry<'_>> = BTreeMap::new();
    for outcome in outcomes {
        match &outcome.error {
            None => {
                for construct in constructs(&outcome.sql) {
                    accepted.entry(construct).or_default().add(outcome);
                }
                if let Some(quirk) = quirk(&outcome.sql) {
                    quirks.entry(quirk).or_default().add(outcome);
                }
            }
            Some(error) => match placeless(error).strip_prefix(UNSUPPORTED) {
                Some(construct) => refused.entry(family(construct)).or_default().add(outcome),
                None => errors.entry(family(placeless(error))).or_default().add(outcome),
            },
        }
    }
    let mut page = OPENING.to_owned();
    for (section, title) in Section::ALL {
        let rows = accepted.iter().filter(|((of, _), _)| *of == section);
        let rows = rows.map(|((_, name), entry)| entry.row(name)).collect();
        table(&mut page, title, "Construct", rows);
    }
    let rows = |entries: &BTreeMap<String, Entry<'_>>| {
        entries.iter().map(|(name, entry)| entry.row(name)).collect()
    };
    table(&mut page, "Quirks that the scripts set", "Setting", rows(&quirks));
    page.push_str(
        "\n## Refused by name\n\nOutside of this dialect: the fake says so, with the words \
         \"not supported by this fake of\nFirebolt\" before the name of the construct.\n",
    );
    table(&mut page, "", "Construct", rows(&refused));
    page.push_str(
        "\n## Errors\n\nEach family of texts once: a name, a number, or a type that varies is an \
         ellipsis.\n",
    );
    table(&mut page, "", "Text", rows(&errors));
    page
}

fn table(page: &mut String, title: &str, first: &str, rows: Vec<String>) {
    if rows.is_empty() {
        return;
    }
    if !title.is_empty() {
        let _ = write!(page, "\n## {title}\n");
    }
    let _ = write!(page, "\n| {first} | Example | Scripts |\n|---|---|---|\n");
    page.extend(rows);
}

fn quirk(sql: &str) -> Option<String> {
    let setting = sql.trim().strip_prefix("SET quirk_")?;
    Some(format!("quirk_{setting}"))
}

/// Without `Line 1, Column 9: ` in front.
fn placeless(error: &str) -> &str {
    let place = error.strip_prefix("Line ").and_then(|rest| rest.split_once(": "));
    match place {
        Some((place, text)) if place.contains(", Column ") => text,
        _ => error,
    }
}

/// What varies from one statement to the next is left out: what stands in quotes, and numbers.
fn family(text: &str) -> String {
    let text = text.split('\n').next().unwrap_or_default();
    let mut family = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => {
                family.push('…');
                family.push(c);
                quote = None;
            }
            Some(_) => {}
            None if (c == '\'' || c == '"') && !family.ends_with(char::is_alphanumeric) => {
                family.push(c);
                quote = Some(c);
            }
            None if c.is_ascii_digit() => {
                if !family.ends_with('…') {
                    family.push('…');
                }
            }
            None => family.push(c),
        }
    }
    family
}
