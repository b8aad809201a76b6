//! Databases and engines as entries of the catalogue: CREATE, ALTER, DROP, START, STOP.
//!
//! This fake keeps one database and runs one engine. Others can be made, listed, and dropped, as
//! set-up scripts do; using them is refused where a request names them. Stopping and starting the
//! engine that serves the request is the server's work, not done in here.

use std::collections::BTreeMap;

use super::context::Facts;
use super::definition::{EntryChange, EntryKind};
use super::error::{SqlError, SqlErrorKind};
use crate::mvcc::{Catalog, Entry, Object, Transaction};

/// The setting under which an entry keeps whether it runs.
const STATUS: &str = "status";

impl EntryKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Database => "Database",
            Self::Engine => "Engine",
        }
    }

    /// The key of an entry; no table can have such a name, because it holds a NUL.
    fn key(self, name: &str) -> String {
        format!("\0{}\0{name}", self.word())
    }

    /// The one that is configured and always there.
    fn own(self, facts: Facts<'_>) -> &str {
        match self {
            Self::Database => facts.database,
            Self::Engine => facts.engine,
        }
    }
}

/// All entries of a kind: name and entry. The configured one comes first, altered or not.
pub(super) fn all(kind: EntryKind, catalog: &Catalog, facts: Facts<'_>) -> Vec<(String, Entry)> {
    let own = kind.own(facts);
    let own_entry = catalog.entry(&kind.key(own)).cloned().unwrap_or_default();
    let mut entries = vec![(own.to_owned(), own_entry)];
    let prefix = kind.key("");
    for (key, entry) in catalog.entries() {
        match key.strip_prefix(&prefix) {
            Some(name) if name != own => entries.push((name.to_owned(), entry.clone())),
            _ => {}
        }
    }
    entries
}

/// Whether an engine runs; the one that answers does.
pub(super) fn is_running(name: &str, entry: &Entry, facts: Facts<'_>) -> bool {
    name == facts.engine || entry.settings.get(STATUS).is_none_or(|status| status == "RUNNING")
}

fn missing(kind: EntryKind, name: &str) -> SqlError {
    SqlError::not_found(format!("{} '{name}' does not exist or not authorized", kind.word()))
}

fn refused_own(kind: EntryKind, what: &str) -> SqlError {
    let word = kind.word().to_lowercase();
    SqlError::unsupported(format!("{what} of the {word} that serves the request"))
}

fn put(txn: &mut Transaction, key: &str, entry: Entry) -> Result<(), SqlError> {
    txn.put_object(key, Object::Entry(entry))
        .map_err(|error| SqlError::internal(format!("an entry is refused: {error:?}")))
}

fn remove(txn: &mut Transaction, key: &str) -> Result<(), SqlError> {
    txn.drop_object(key)
        .map_err(|error| SqlError::internal(format!("an entry is refused: {error:?}")))
}

/// Runs CREATE DATABASE or CREATE ENGINE.
pub(super) fn create(
    kind: EntryKind,
    if_not_exists: bool,
    name: &str,
    settings: &BTreeMap<String, String>,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    check(kind, settings)?;
    let key = kind.key(name);
    if name == kind.own(facts) || catalog.entry(&key).is_some() {
        if if_not_exists {
            return Ok(());
        }
        let text = format!("{} '{name}' already exists", kind.word());
        return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
    }
    let mut settings = settings.clone();
    if kind == EntryKind::Engine {
        let is = |setting: &str, value: &str| {
            settings.get(setting).is_some_and(|text| text.eq_ignore_ascii_case(value))
        };
        let stopped = is("initially_stopped", "true") || is("start_immediately", "false");
        let status = if stopped { "STOPPED" } else { "RUNNING" };
        settings.insert(STATUS.to_owned(), status.to_owned());
    }
    put(txn, &key, Entry { settings, created_micros: facts.now_micros })
}

/// Refuses settings that are not documented, or whose value cannot be (S20).
fn check(kind: EntryKind, settings: &BTreeMap<String, String>) -> Result<(), SqlError> {
    for (name, value) in settings {
        let upper = value.to_uppercase();
        let within = |most: u32| value.parse().is_ok_and(|count: u32| (1..=most).contains(&count));
        let fits = match (kind, name.as_str()) {
            (EntryKind::Database, "description") => value.chars().count() <= 64,
            (EntryKind::Engine, "auto_start" | "initially_stopped" | "start_immediately") => {
                upper == "TRUE" || upper == "FALSE"
            }
            (EntryKind::Engine, "auto_stop") => value.parse::<u32>().is_ok(),
            (EntryKind::Engine, "default_database") => true,
            (EntryKind::Engine, "clusters" | "min_clusters" | "max_clusters") => within(u32::MAX),
            (EntryKind::Engine, "nodes") => within(128),
            (EntryKind::Engine, "type") => ["S", "M", "L", "XL"].contains(&upper.as_str()),
            (EntryKind::Engine, "family") => {
                ["STORAGE_OPTIMIZED", "SO", "COMPUTE_OPTIMIZED", "CO"].contains(&upper.as_str())
            }
            _ => {
                let word = kind.word().to_uppercase();
                return Err(SqlError::unsupported(format!("the setting {name} of {word}")));
            }
        };
        if !fits {
            let text = format!("{value} is not a value of {}", name.to_uppercase());
            return Err(SqlError::data(text));
        }
    }
    if settings.contains_key("initially_stopped") && settings.contains_key("start_immediately") {
        let text = "INITIALLY_STOPPED cannot be used with START_IMMEDIATELY";
        return Err(SqlError::data(text));
    }
    Ok(())
}

/// Runs ALTER DATABASE or ALTER ENGINE.
pub(super) fn alter(
    kind: EntryKind,
    name: &str,
    change: &EntryChange,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let key = kind.key(name);
    let is_own = name == kind.own(facts);
    let mut entry = match catalog.entry(&key) {
        Some(entry) => entry.clone(),
        None if is_own => Entry::default(),
        None => return Err(missing(kind, name)),
    };
    match change {
        EntryChange::Set(settings) => {
            check(kind, settings)?;
            if is_own && settings.contains_key("auto_start") {
                // It would have to decide what wakes this very server; the quirk does.
                return Err(refused_own(kind, "AUTO_START (see the quirk auto-start)"));
            }
            entry.settings.extend(settings.clone());
        }
        EntryChange::OwnerTo(owner) => {
            entry.settings.insert("owner".to_owned(), owner.clone());
        }
        EntryChange::RenameTo(_) if is_own => return Err(refused_own(kind, "RENAME")),
        EntryChange::RenameTo(to) => {
            let new = kind.key(to);
            if to == kind.own(facts) || catalog.entry(&new).is_some() {
                let text = format!("{} '{to}' already exists", kind.word());
                return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
            }
            remove(txn, &key)?;
            return put(txn, &new, entry);
        }
    }
    put(txn, &key, entry)
}

/// Runs DROP DATABASE or DROP ENGINE.
pub(super) fn drop(
    kind: EntryKind,
    if_exists: bool,
    name: &str,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    if name == kind.own(facts) {
        return Err(refused_own(kind, "DROP"));
    }
    let key = kind.key(name);
    match catalog.entry(&key) {
        Some(_) => remove(txn, &key),
        None if if_exists => Ok(()),
        None => Err(missing(kind, name)),
    }
}

/// Runs START ENGINE or STOP ENGINE of an engine that exists by name only.
pub(super) fn run(
    start: bool,
    if_exists: bool,
    name: &str,
    catalog: &Catalog,
    facts: Facts<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    if name == facts.engine {
        return Err(SqlError::internal("the server starts and stops its own engine"));
    }
    let key = EntryKind::Engine.key(name);
    let Some(entry) = catalog.entry(&key) else {
        return if if_exists { Ok(()) } else { Err(missing(EntryKind::Engine, name)) };
    };
    let mut entry = entry.clone();
    let status = if start { "RUNNING" } else { "STOPPED" };
    entry.settings.insert(STATUS.to_owned(), status.to_owned());
    put(txn, &key, entry)
}
