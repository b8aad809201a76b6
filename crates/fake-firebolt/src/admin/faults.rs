//! `/admin/faults`: the rules, their counters, and changes to them.

use serde_json::{Value, json};

use super::Admin;
use super::asked::{Asked, Refusal};
use crate::fault::{Counted, RuleFile};

pub(super) fn answer(admin: &Admin, asked: &Asked, rest: &[&str]) -> Result<Value, Refusal> {
    asked.parameters(&[])?;
    match (asked.method.as_str(), rest) {
        ("GET", []) => Ok(list(admin)),
        ("POST", []) => add(admin, asked.document()?),
        ("DELETE", []) => {
            let names: Vec<String> =
                admin.rules().rules().iter().map(|counted| counted.rule.name.clone()).collect();
            let removed = names.iter().filter(|name| admin.rules().remove(name)).count();
            Ok(json!({ "removed": removed }))
        }
        ("GET", [name]) => {
            let rules = admin.rules().rules();
            let found = rules.iter().find(|counted| counted.rule.name == *name);
            found.map(shown).ok_or_else(|| no_such(name))
        }
        ("DELETE", [name]) if admin.rules().remove(name) => Ok(json!({ "removed": 1 })),
        ("DELETE", [name]) => Err(no_such(name)),
        (_, []) => Err(asked.wrong_method(&["GET", "POST", "DELETE"])),
        (_, [_]) => Err(asked.wrong_method(&["GET", "DELETE"])),
        _ => Err(Refusal::no_such_path(asked)),
    }
}

/// Adds one rule or several: all, or none.
pub(super) fn add(admin: &Admin, document: Value) -> Result<Value, Refusal> {
    let file = RuleFile::from_json(document, admin.rules().side())?;
    if file.seed.is_some() {
        return Err(Refusal::new(400, "`seed`: POST it to /admin/seed, where it starts over"));
    }
    let added: Vec<String> = file.rules.iter().map(|rule| rule.name.clone()).collect();
    admin.rules().add_all(file.rules)?;
    Ok(json!({ "added": added }))
}

fn list(admin: &Admin) -> Value {
    let faults: Vec<Value> = admin.rules().rules().iter().map(shown).collect();
    json!({ "seed": admin.rules().seed(), "faults": faults })
}

/// A rule as it can be added again, under `rule`, and its counters.
fn shown(counted: &Counted) -> Value {
    let Counted { rule, seen, fired, outvoted } = counted;
    json!({
        "name": rule.name,
        "seen": seen,
        "fired": fired,
        "outvoted": outvoted,
        "rule": rule.to_json(),
    })
}

fn no_such(name: &str) -> Refusal {
    Refusal::new(404, format!("there is no rule {name:?}; GET /admin/faults lists them"))
}
