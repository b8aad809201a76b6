//! The control port: faults, state and truth of a running fake as JSON over HTTP, for tests in any
//! language.
//!
//! It is a port of its own, so that no request of a client under test can ever be taken for one of
//! these. Every answer is JSON; a request that cannot be served says what to write instead, and
//! changes nothing. docs/faults.md lists the paths.
//!
//! * `asked`: a request, taken apart, and refusals
//! * `faults`, `holds`: rules, and the requests that they hold
//! * `state`: reset, seed, snapshots
//! * `watch`: statements, history, quirks
//! * `engine`: the engine and its tokens
//! * `sql`: the owner's own statements
//! * `serve`: HTTP

mod asked;
mod engine;
mod faults;
mod holds;
mod serve;
mod sql;
mod state;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::fault::{Rule, RuleHooks};
use crate::mvcc::Snapshot;
use crate::server::FakeFirebolt;

use asked::{Asked, Refusal};
pub(crate) use sql::own as own_sql;

/// The control of one fake, or of one proxy. Clones are the same control.
#[derive(Clone, Debug)]
pub struct Admin {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: Arc<RuleHooks>,
    /// None behind a proxy: what it stands before has no knobs.
    fake: Option<FakeFirebolt>,
    at_first: AtFirst,
    state: Mutex<State>,
}

/// How everything was when the control was made: what a reset goes back to.
#[derive(Debug)]
struct AtFirst {
    rules: Vec<Rule>,
    seed: u64,
    tables: Option<Snapshot>,
}

#[derive(Debug, Default)]
struct State {
    snapshots: BTreeMap<String, Snapshot>,
    /// The last commit before the last reset: the history shows what came after it.
    reset_lsn: u64,
}

impl Admin {
    /// The control of a fake that follows these rules. A reset will go back to what both hold now,
    /// so call it when the tables are set up.
    #[must_use]
    pub fn of_fake(fake: &FakeFirebolt, rules: &Arc<RuleHooks>) -> Self {
        Self::new(Some(fake.clone()), rules)
    }

    /// The control of a proxy.
    #[must_use]
    pub fn of_proxy(rules: &Arc<RuleHooks>) -> Self {
        Self::new(None, rules)
    }

    fn new(fake: Option<FakeFirebolt>, rules: &Arc<RuleHooks>) -> Self {
        let at_first = AtFirst {
            rules: rules.rules().iter().map(|counted| Rule::clone(&counted.rule)).collect(),
            seed: rules.seed(),
            tables: fake.as_ref().map(FakeFirebolt::snapshot),
        };
        let reset_lsn = fake.as_ref().map_or(0, last_lsn);
        let state = State { reset_lsn, ..State::default() };
        let rules = Arc::clone(rules);
        Self { shared: Arc::new(Shared { rules, fake, at_first, state: Mutex::new(state) }) }
    }

    /// Everything as it was when the control was made: rules, counters, draws, log and history;
    /// held requests go on; with `tables` also tables and open transactions, and a stopped engine
    /// runs. Named snapshots stay.
    pub fn reset(&self, tables: bool) {
        let Shared { rules, fake, at_first, .. } = &*self.shared;
        rules.clear();
        rules.reseed(at_first.seed);
        // They were accepted once, and nothing is there now that could have their names.
        let _ = rules.add_all(at_first.rules.clone());
        let Some(fake) = fake else { return };
        if tables {
            fake.start_engine(std::time::Duration::ZERO);
            if let Some(tables) = &at_first.tables {
                fake.restore(tables);
            }
        }
        self.state().reset_lsn = last_lsn(fake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> &RuleHooks {
        &self.shared.rules
    }

    /// The fake, or the refusal of what a proxy does not have.
    fn fake(&self) -> Result<&FakeFirebolt, Refusal> {
        self.shared.fake.as_ref().ok_or_else(|| {
            Refusal::new(404, "a proxy has no tables, engine or history of its own to control")
        })
    }

    async fn answer(&self, asked: Asked) -> Result<Value, Refusal> {
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["admin"] => asked.only("GET").map(|()| paths()),
            ["admin", "faults", rest @ ..] => faults::answer(self, &asked, rest),
            ["admin", "holds", rest @ ..] => holds::answer(self, &asked, rest).await,
            ["admin", "reset"] => state::reset(self, &asked),
            ["admin", "seed"] => state::seed(self, &asked),
            ["admin", "snapshot"] => state::snapshot(self, &asked),
            ["admin", "snapshots", rest @ ..] => state::snapshots(self, &asked, rest),
            ["admin", "restore"] => state::restore(self, &asked),
            ["admin", "statements"] => watch::statements(self, &asked),
            ["admin", "history"] => watch::history(self, &asked),
            ["admin", "quirks"] => watch::quirks(self, &asked),
            ["admin", "engine", rest @ ..] => engine::answer(self, &asked, rest),
            ["admin", "tokens", "expire"] => engine::expire_tokens(self, &asked),
            ["admin", "sql"] => sql::answer(self, &asked),
            _ => Err(Refusal::no_such_path(&asked)),
        }
    }
}

/// What is served here.
const PATHS: [&str; 25] = [
    "GET /admin",
    "GET /admin/faults",
    "POST /admin/faults",
    "DELETE /admin/faults",
    "GET /admin/faults/{name}",
    "DELETE /admin/faults/{name}",
    "GET /admin/holds",
    "POST /admin/holds",
    "POST /admin/holds/release",
    "POST /admin/holds/{id}/release",
    "POST /admin/reset",
    "GET /admin/seed",
    "POST /admin/seed",
    "GET /admin/snapshots",
    "POST /admin/snapshot",
    "POST /admin/restore",
    "DELETE /admin/snapshots/{name}",
    "GET /admin/statements",
    "GET /admin/history",
    "GET /admin/quirks",
    "GET /admin/engine",
    "POST /admin/engine/stop",
    "POST /admin/engine/start",
    "POST /admin/engine/restart",
    "POST /admin/tokens/expire",
];

/// The number of the last commit; 0 before the first.
fn last_lsn(fake: &FakeFirebolt) -> u64 {
    fake.commits().last().map_or(0, |commit| commit.record.lsn)
}

fn paths() -> Value {
    let mut paths = PATHS.to_vec();
    paths.push("POST /admin/sql");
    json!({ "paths": paths, "documentation": "docs/faults.md" })
}
