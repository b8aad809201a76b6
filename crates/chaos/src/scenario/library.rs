//! The folder `scenarios/`: every file read, merged with what it extends, and linted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fake_firebolt::quirks::Quirks;

use super::lint::{self, Diagnostic, Source};
use super::schema::File;
use super::{Scenario, Tier};
use crate::plan::Expect;

/// All scenarios of a repository, by name.
#[derive(Clone, Debug, Default)]
pub struct Library {
    scenarios: BTreeMap<String, Scenario>,
}

impl Library {
    /// Reads `root/scenarios/**/*.toml`, but not `regressions/`, which holds plans. All complaints
    /// come together; with one of them nothing may run (exit code 2).
    pub fn read(root: &Path) -> Result<Library, Vec<Diagnostic>> {
        let mut texts = BTreeMap::new();
        let mut complaints = Vec::new();
        let folder = root.join("scenarios");
        for path in files_below(&folder) {
            let name = name_of(&folder, &path);
            if name.starts_with("regressions/") {
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    texts.insert(name, text);
                }
                Err(error) => complaints.push(unreadable(&name, &error)),
            }
        }
        let fixtures = |path: &str| std::fs::read_to_string(root.join(path)).ok();
        let library = Library::assemble(&texts, &fixtures);
        match (library, complaints.is_empty()) {
            (Ok(library), true) => Ok(library),
            (Ok(_), false) => Err(complaints),
            (Err(mut more), _) => {
                complaints.append(&mut more);
                Err(complaints)
            }
        }
    }

    /// Puts scenarios together from their texts; `fixture` reads a schema file.
    pub fn assemble(
        texts: &BTreeMap<String, String>,
        fixture: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Library, Vec<Diagnostic>> {
        let mut complaints = Vec::new();
        let mut files = BTreeMap::new();
        for (name, text) in texts {
            let path = format!("scenarios/{name}.toml");
            let source = Source { file: &path, text };
            match toml::from_str::<File>(text) {
                Ok(file) => {
                    complaints.extend(lint::check(source, &file));
                    files.insert(name.clone(), file);
                }
                Err(error) => complaints.push(source.refused(&error)),
            }
        }
        let mut library = Library::default();
        for (name, file) in &files {
            match assemble_one(name, &texts[name], file, &files, fixture) {
                Ok(scenario) => {
                    library.scenarios.insert(name.clone(), scenario);
                }
                Err(complaint) => complaints.push(*complaint),
            }
        }
        if complaints.is_empty() { Ok(library) } else { Err(complaints) }
    }

    /// All scenarios, by name.
    pub fn all(&self) -> impl Iterator<Item = &Scenario> {
        self.scenarios.values()
    }

    /// One scenario.
    pub fn get(&self, name: &str) -> Option<&Scenario> {
        self.scenarios.get(name)
    }
}

/// One scenario with everything that it inherits.
fn assemble_one(
    name: &str,
    text: &str,
    file: &File,
    files: &BTreeMap<String, File>,
    fixture: &dyn Fn(&str) -> Option<String>,
) -> Result<Scenario, Box<Diagnostic>> {
    let path = format!("scenarios/{name}.toml");
    let source = Source { file: &path, text };
    let whole = match &file.extends {
        None => file.clone(),
        Some(base) => match files.get(base.get_ref()) {
            Some(other) if other.extends.is_none() => file.clone().over(other),
            Some(_) => {
                let message = format!("{:?} extends another one itself", base.get_ref());
                let advice = "extend the root of that chain: one step is all there is";
                return Err(Box::new(source.point(base.span(), &message, advice)));
            }
            None => {
                let message = format!("there is no sound scenario {:?}", base.get_ref());
                let advice = "name a file below scenarios/, without .toml";
                return Err(Box::new(source.point(base.span(), &message, advice)));
            }
        },
    };
    let ddl = match whole.table.as_ref().and_then(|tables| tables.get_ref().values().next()) {
        None => DEFAULT_DDL.to_owned(),
        Some(table) => match fixture(table.schema.get_ref()) {
            Some(ddl) => without_comments(&ddl),
            None => {
                let message = format!("there is no file {:?}", table.schema.get_ref());
                let advice = "give the path of a CREATE TABLE from the repository's root";
                let span = if file.table.is_some() { table.schema.span() } else { 0..0 };
                return Err(Box::new(source.point(span, &message, advice)));
            }
        },
    };
    let head = whole.scenario.clone().unwrap_or_default();
    let seeds = head.seeds.unwrap_or_default();
    Ok(Scenario {
        name: name.to_owned(),
        path: path.clone(),
        tier: head.tier.unwrap_or(Tier::Pr),
        pinned: seeds.pinned,
        fresh: seeds.fresh.unwrap_or(200),
        ddl,
        mutant: whole.mutant.as_ref().map(|mutant| mutant.get_ref().clone()),
        expect: expected(&whole),
        header: header_of(text),
        text: text.to_owned(),
        file: whole,
    })
}

/// Used where a scenario names no table; the same as `fixtures/tables/users.sql`.
pub(crate) const DEFAULT_DDL: &str = "CREATE TABLE \"users\" (\"id\" BIGINT NOT NULL, \"name\" \
    TEXT NULL, \"amount\" NUMERIC(12, 2) NULL, \"counter\" BIGINT NULL) PRIMARY INDEX \"id\"";

impl File {
    /// This file's parts; where it has none, those of the other.
    fn over(self, base: &File) -> File {
        File {
            extends: None,
            mutant: self.mutant,
            scenario: self.scenario.or_else(|| base.scenario.clone()),
            table: self.table.or_else(|| base.table.clone()),
            workload: self.workload.or_else(|| base.workload.clone()),
            delivery: self.delivery.or_else(|| base.delivery.clone()),
            warehouse: self.warehouse.or_else(|| base.warehouse.clone()),
            engine: self.engine.or_else(|| base.engine.clone()),
            fault: if self.fault.is_empty() { base.fault.clone() } else { self.fault },
            swarm: self.swarm.or_else(|| base.swarm.clone()),
            heal: self.heal.or_else(|| base.heal.clone()),
            // What the sound scenario must reach, a known-bad engine may never reach.
            expect: self.expect,
        }
    }
}

/// What a scenario asks for by name. Every kind of fault that it has a rule for must fire as well:
/// that is added when the plan is resolved, since the swarm draws its rules.
fn expected(file: &File) -> Expect {
    let mut expect = Expect::default();
    let Some(wanted) = &file.expect else { return expect };
    for reached in wanted.reached.iter().map(toml::Spanned::get_ref) {
        let least = reached.min.unwrap_or(1);
        if let Some(mark) = &reached.mark {
            expect.marks.insert(mark.clone(), least);
        }
        if let Some(fault) = &reached.fault {
            expect.faults.insert(fault.clone(), least);
        }
    }
    expect.caught_by = wanted.caught_by.clone();
    expect
}

/// Reads quirks by the fake's own reader. Scenarios may write `conflict_unit` or `conflict-unit`.
pub(crate) fn quirks(table: toml::Table) -> Result<Quirks, String> {
    let table: toml::Table =
        table.into_iter().map(|(name, value)| (name.replace('_', "-"), value)).collect();
    table.try_into().map_err(|error: toml::de::Error| error.message().trim().to_owned())
}

/// The comment at the top, without its signs.
fn header_of(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim_start())
        .collect();
    lines.join("\n")
}

fn without_comments(sql: &str) -> String {
    let lines: Vec<&str> =
        sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    lines.join("\n").trim().trim_end_matches(';').to_owned()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    // The order of a folder is the file system's; a plan must not depend on it.
    found.sort();
    found
}

fn name_of(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts: Vec<String> =
        below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    let path = format!("scenarios/{name}.toml");
    let source = Source { file: &path, text: "" };
    source.point(0..0, &format!("the file cannot be read: {error}"), "check its permissions")
}
