//! `/admin/holds`: requests that stand still, and letting them go.
//!
//! Listing can wait until somebody stands still, so that a test never has to guess how long its
//! client takes to come to that point.

use std::time::Duration;

use serde_json::{Value, json};

use super::asked::{Asked, Refusal};
use super::{Admin, faults, watch};
use crate::fault::Held;

/// How long a listing waits where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn answer(admin: &Admin, asked: &Asked, rest: &[&str]) -> Result<Value, Refusal> {
    match (asked.method.as_str(), rest) {
        ("GET", []) => list(admin, asked).await,
        ("POST", []) => {
            let mut rule = asked.document()?;
            let Some(fields) = rule.as_object_mut() else {
                return Err(Refusal::new(400, "expected one rule, as a JSON object"));
            };
            if fields.insert("does".to_owned(), json!("hold")).is_some_and(|did| did != "hold") {
                return Err(Refusal::new(400, "`does`: a hold does nothing but hold"));
            }
            faults::add(admin, rule)
        }
        ("POST", ["release"]) => {
            let fields = asked.fields(&["rule"])?;
            let rule = fields.text("rule")?;
            let chosen = |held: &Held| rule.is_none_or(|rule| &*held.rule == rule);
            Ok(json!({ "released": admin.rules().release(chosen) }))
        }
        ("POST", [id, "release"]) => {
            let id: Option<u64> = id.parse().ok();
            match admin.rules().release(|held| Some(held.id) == id) {
                0 => Err(Refusal::new(404, "no request stands still under this id (any more)")),
                released => Ok(json!({ "released": released })),
            }
        }
        (_, []) => Err(asked.wrong_method(&["GET", "POST"])),
        (_, ["release"] | [_, "release"]) => Err(asked.wrong_method(&["POST"])),
        _ => Err(Refusal::no_such_path(asked)),
    }
}

async fn list(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.parameters(&["rule", "wait", "timeout"])?;
    let count = asked.number("wait")?.unwrap_or(0);
    let timeout = asked.span("timeout")?.unwrap_or(PATIENCE);
    let rule = asked.query.get("rule");
    let chosen = |held: &Held| rule.is_none_or(|rule| *held.rule == **rule);
    let wait = admin.rules().wait_held(usize::try_from(count).unwrap_or(usize::MAX), chosen);
    let held = tokio::time::timeout(timeout, wait).await.map_err(|_| {
        let found = admin.rules().held().iter().filter(|held| chosen(held)).count();
        let text = format!("{found} requests stand still after {timeout:?}, not {count}");
        Refusal::new(504, text)
    })?;
    Ok(json!({ "holds": held.iter().map(shown).collect::<Vec<_>>() }))
}

fn shown(held: &Held) -> Value {
    json!({
        "id": held.id,
        "rule": &*held.rule,
        "at": held.phase.name(),
        "since_ms": watch::millis(held.since),
        "request": watch::request(&held.request),
    })
}
