//! `/admin/engine` and `/admin/tokens`: the engine goes away and comes back, tokens end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Admin;
use super::asked::{Asked, Refusal};
use super::watch::millis;
use crate::engine_state::EngineState;
use crate::server::FakeFirebolt;

/// How long a restart takes where nothing else is said.
const AWAY: Duration = Duration::from_secs(3);

pub(super) fn answer(admin: &Admin, asked: &Asked, rest: &[&str]) -> Result<Value, Refusal> {
    let fake = admin.fake()?;
    match (asked.method.as_str(), rest) {
        ("GET", []) => {}
        ("POST", ["stop"]) => {
            asked.fields(&[])?;
            fake.stop_engine();
        }
        ("POST", ["start"]) => {
            let takes = asked.fields(&["takes"])?.span("takes")?;
            fake.start_engine(takes.unwrap_or_default());
        }
        ("POST", ["restart"]) => {
            let away = asked.fields(&["away"])?.span("away")?;
            fake.restart_engine(away.unwrap_or(AWAY));
        }
        (_, []) => return Err(asked.wrong_method(&["GET"])),
        (_, ["stop" | "start" | "restart"]) => return Err(asked.wrong_method(&["POST"])),
        _ => return Err(Refusal::no_such_path(asked)),
    }
    Ok(state(fake))
}

fn state(fake: &FakeFirebolt) -> Value {
    let open = fake.open_transactions();
    match fake.engine_state() {
        EngineState::Running => json!({ "engine": "running", "open_transactions": open }),
        EngineState::Stopped => json!({ "engine": "stopped", "open_transactions": open }),
        EngineState::Away { until } => {
            let back = until.saturating_duration_since(Instant::now());
            json!({ "engine": "away", "back_in_ms": millis(back), "open_transactions": open })
        }
    }
}

pub(super) fn expire_tokens(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("POST")?;
    asked.fields(&[])?;
    admin.fake()?.expire_tokens();
    Ok(json!({ "expired": true }))
}
