//! Reset, seed, and named snapshots of all tables.

use serde_json::{Value, json};

use super::Admin;
use super::asked::{Asked, Refusal};

/// Names at once: each may keep a whole state of all tables alive.
const SNAPSHOTS_MAX: usize = 1_000;

pub(super) fn reset(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("POST")?;
    let tables = asked.fields(&["tables"])?.flag("tables")?.unwrap_or(true);
    admin.reset(tables);
    Ok(json!({ "reset": true, "tables": tables && admin.fake().is_ok() }))
}

pub(super) fn seed(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    match asked.method.as_str() {
        "GET" => {}
        "POST" => match asked.fields(&["seed"])?.whole("seed")? {
            Some(seed) => admin.rules().reseed(seed),
            None => return Err(Refusal::new(400, "`seed` is missing: expected a whole number")),
        },
        _ => return Err(asked.wrong_method(&["GET", "POST"])),
    }
    Ok(json!({ "seed": admin.rules().seed() }))
}

pub(super) fn snapshot(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("POST")?;
    let fields = asked.fields(&["name"])?;
    let name = fields.name("name")?;
    let snapshot = admin.fake()?.snapshot();
    let mut state = admin.state();
    if state.snapshots.len() == SNAPSHOTS_MAX && !state.snapshots.contains_key(name) {
        let text = format!("there are {SNAPSHOTS_MAX} snapshots, which is the most; delete some");
        return Err(Refusal::new(409, text));
    }
    let replaced = state.snapshots.insert(name.to_owned(), snapshot).is_some();
    Ok(json!({ "snapshot": name, "replaced": replaced }))
}

pub(super) fn restore(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("POST")?;
    let fields = asked.fields(&["name"])?;
    let name = fields.name("name")?;
    let fake = admin.fake()?;
    let found = admin.state().snapshots.get(name).cloned();
    let snapshot = found.ok_or_else(|| no_such(name))?;
    fake.restore(&snapshot);
    Ok(json!({ "restored": name }))
}

pub(super) fn snapshots(admin: &Admin, asked: &Asked, rest: &[&str]) -> Result<Value, Refusal> {
    admin.fake()?;
    match (asked.method.as_str(), rest) {
        ("GET", []) => {
            let names: Vec<String> = admin.state().snapshots.keys().cloned().collect();
            Ok(json!({ "snapshots": names }))
        }
        ("DELETE", [name]) => match admin.state().snapshots.remove(*name) {
            Some(_) => Ok(json!({ "removed": 1 })),
            None => Err(no_such(name)),
        },
        (_, []) => Err(asked.wrong_method(&["GET"])),
        (_, [_]) => Err(asked.wrong_method(&["DELETE"])),
        _ => Err(Refusal::no_such_path(asked)),
    }
}

fn no_such(name: &str) -> Refusal {
    Refusal::new(404, format!("there is no snapshot {name:?}; GET /admin/snapshots lists them"))
}
