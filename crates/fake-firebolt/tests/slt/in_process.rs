//! A session on the store in this process, behaving as the server makes a session behave:
//! autocommit outside of BEGIN, and after an error only ROLLBACK is heard.
//!
//! Two settings are the driver's own: `SET quirk_<name> = <value>` starts over with an empty store
//! under that quirk, `SET clock = <minutes>` moves the server's clock.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fake_firebolt::mvcc::{Store, Transaction};
use fake_firebolt::quirks::Quirks;
use fake_firebolt::sql::{
    self, RunningQuery, ServerViews, Statement, StatementContext, StatementKind,
};
use fake_firebolt::value::{ResultSet, Value};
use sqllogictest::{DB, DBOutput};

use super::files::Outside;
use super::letter::Letter;
use super::letter_of_type::letter;
use super::outcome::Outcome;

/// 2025-11-11 10:00:00 UTC.
pub(crate) const EPOCH_MICROS: i64 = 1_762_855_200_000_000;

#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

/// What all connections of one file share.
#[derive(Debug)]
pub(crate) struct World {
    store: Store,
    quirks: Quirks,
    now_micros: i64,
    draws: u64,
    outside: Outside,
    script: String,
    outcomes: Vec<Outcome>,
}

impl World {
    /// An empty store under the default quirks, for the script of that name.
    pub(crate) fn new(script: &str) -> Arc<Mutex<Self>> {
        let quirks = Quirks::default();
        let store = Store::new(quirks.clone());
        let outside = Outside::new(&quirks);
        Arc::new(Mutex::new(Self {
            store,
            quirks,
            now_micros: EPOCH_MICROS,
            draws: 0,
            outside,
            script: script.to_owned(),
            outcomes: Vec::new(),
        }))
    }
}

/// What came of each statement so far, in order.
pub(crate) fn outcomes(world: &Mutex<World>) -> Vec<Outcome> {
    std::mem::take(&mut world.lock().unwrap_or_else(PoisonError::into_inner).outcomes)
}

/// A server on which nothing runs but the statement that asks.
#[derive(Debug)]
struct OneQuery(RunningQuery);

impl ServerViews for OneQuery {
    fn view(&self, _name: &str) -> Option<ResultSet> {
        None
    }

    fn running(&self) -> Vec<RunningQuery> {
        vec![self.0.clone()]
    }
}

pub(crate) struct Session {
    world: Arc<Mutex<World>>,
    /// Whether cells are written in the one form of all engines, or as the fake writes them.
    shared: bool,
    open: Option<Transaction>,
    doomed: bool,
}

impl Session {
    /// One connection to that world.
    pub(crate) fn new(world: Arc<Mutex<World>>, shared: bool) -> Self {
        Self { world, shared, open: None, doomed: false }
    }

    fn run_text(&mut self, text: &str) -> Result<ResultSet, Failure> {
        let statement = sql::parse(text).map_err(|error| Failure(error.text))?;
        let world = Arc::clone(&self.world);
        let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
        match statement.kind() {
            StatementKind::Begin if self.open.is_none() => {
                self.open = Some(world.store.begin(world.now_micros));
                Ok(ResultSet::default())
            }
            StatementKind::Rollback if self.open.is_some() => {
                self.open = None;
                self.doomed = false;
                Ok(ResultSet::default())
            }
            StatementKind::Commit if self.doomed => Err(Failure("transaction is aborted".into())),
            StatementKind::Commit => {
                let Some(txn) = self.open.take() else {
                    return Err(Failure("no transaction is in progress".into()));
                };
                commit(&mut world, txn)
            }
            StatementKind::Set => set(&mut world, &statement),
            _ if self.doomed => Err(Failure("transaction is aborted".into())),
            _ => self.execute(&mut world, &statement, text),
        }
    }

    fn execute(
        &mut self,
        world: &mut World,
        statement: &Statement,
        text: &str,
    ) -> Result<ResultSet, Failure> {
        let files = match world.outside.fetch(statement) {
            Ok(files) => files,
            Err(error) => {
                self.doomed = self.open.is_some();
                return Err(Failure(error.text));
            }
        };
        let mut own = None;
        let txn = match &mut self.open {
            Some(_) if let Some(refusal) = statement.refused_in_transaction() => {
                self.doomed = true;
                return Err(Failure(refusal.text));
            }
            Some(txn) => txn,
            None => own.insert(world.store.begin(world.now_micros)),
        };
        let server = OneQuery(RunningQuery {
            query_id: "q1".into(),
            label: Some("slt".into()),
            text: text.into(),
            started_micros: world.now_micros,
        });
        let statements = world.outcomes.len() as u64;
        let draws = &mut world.draws;
        let mut random = |below: u64| {
            *draws += 1;
            *draws % below
        };
        let mut ctx = StatementContext {
            now_micros: world.now_micros,
            database: "warehouse",
            engine: "engine",
            account: "account",
            files: &files,
            quirks: &world.quirks,
            server: &server,
            watch: None,
            random: &mut random,
            values: &|| statements,
        };
        let result = sql::execute(statement, &world.store, txn, &mut ctx);
        let rows = match result {
            Ok(rows) => rows,
            Err(error) => {
                self.doomed = own.is_none();
                return Err(Failure(error.text));
            }
        };
        if let Some(txn) = own {
            commit(world, txn)?;
            let applied = world.outside.apply(statement, world.now_micros);
            applied.map_err(|error| Failure(error.text))?;
        }
        Ok(rows)
    }
}

fn commit(world: &mut World, txn: Transaction) -> Result<ResultSet, Failure> {
    let now = world.now_micros;
    match world.store.commit(txn, now) {
        Ok(_) => Ok(ResultSet::default()),
        Err(conflict) => Err(Failure(conflict.to_string())),
    }
}

fn set(world: &mut World, statement: &Statement) -> Result<ResultSet, Failure> {
    let Some((name, value)) = statement.setting() else { return Err(Failure("SET".into())) };
    if name == "clock" {
        let minutes: i64 = value.parse().map_err(|_| Failure("SET clock".into()))?;
        world.now_micros = EPOCH_MICROS + minutes * 60_000_000;
        return Ok(ResultSet::default());
    }
    let Some(quirk) = name.strip_prefix("quirk_") else { return Ok(ResultSet::default()) };
    let mut all = serde_json::to_value(&world.quirks).map_err(|e| Failure(e.to_string()))?;
    all[quirk.replace('_', "-")] =
        serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    world.quirks = serde_json::from_value(all).map_err(|e| Failure(e.to_string()))?;
    world.store = Store::new(world.quirks.clone());
    world.outside = Outside::new(&world.quirks);
    Ok(ResultSet::default())
}

impl DB for Session {
    type Error = Failure;
    type ColumnType = Letter;

    fn run(&mut self, text: &str) -> Result<DBOutput<Letter>, Failure> {
        let result = self.run_text(text);
        let error = result.as_ref().err().map(|failure| failure.0.clone());
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let script = world.script.clone();
        world.outcomes.push(Outcome { script, sql: text.to_owned(), error });
        drop(world);
        let result = result?;
        if result.columns.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types: Vec<Letter> = result.columns.iter().map(|c| letter(&c.data_type)).collect();
        let shown = |(letter, value): (&Letter, &Value)| match value {
            Value::Null => "NULL".to_owned(),
            Value::Text(text) if text.is_empty() => "(empty)".to_owned(),
            value if self.shared => letter.canonical(&value.to_string()),
            value => value.to_string(),
        };
        let rows = result.rows.iter().map(|row| types.iter().zip(&**row).map(shown).collect());
        Ok(DBOutput::Rows { rows: rows.collect(), types })
    }

    fn engine_name(&self) -> &str {
        "fake-firebolt"
    }
}
