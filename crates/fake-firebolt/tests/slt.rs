//! Runs every `fixtures/sql/**/*.slt` on the store in this process.
//!
//! The files are data, so that the same bodies can run on another engine. A session behaves as the
//! server makes it behave: autocommit outside of BEGIN, and after an error only ROLLBACK is heard.
//! Two settings are the driver's own: `SET quirk_<name> = <value>` starts over with an empty store
//! under that quirk, `SET clock = <minutes>` moves the server's clock.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fake_firebolt::mvcc::{Store, Transaction};
use fake_firebolt::quirks::Quirks;
use fake_firebolt::sql::{
    self, ExternalFiles, ExternalRead, ExternalTable, RunningQuery, Statement, StatementContext,
    StatementKind,
};
use fake_firebolt::value::{Column, DataType, ResultSet, Value};
use sqllogictest::{ColumnType, DB, DBOutput, Runner};

/// 2025-11-11 10:00:00 UTC.
const EPOCH_MICROS: i64 = 1_762_855_200_000_000;

/// Type letters of a `query` line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Letter {
    Text,
    Integer,
    Number,
    Boolean,
    Time,
}

impl ColumnType for Letter {
    fn from_char(letter: char) -> Option<Self> {
        Some(match letter {
            'T' => Self::Text,
            'I' => Self::Integer,
            'R' => Self::Number,
            'B' => Self::Boolean,
            'D' => Self::Time,
            _ => return None,
        })
    }

    fn to_char(&self) -> char {
        match self {
            Self::Text => 'T',
            Self::Integer => 'I',
            Self::Number => 'R',
            Self::Boolean => 'B',
            Self::Time => 'D',
        }
    }
}

fn letter(data_type: &DataType) -> Letter {
    match data_type {
        DataType::Integer | DataType::Bigint => Letter::Integer,
        DataType::Real | DataType::Double | DataType::Numeric { .. } => Letter::Number,
        DataType::Boolean => Letter::Boolean,
        DataType::Date | DataType::Timestamp | DataType::TimestampTz => Letter::Time,
        DataType::Text | DataType::Bytea | DataType::Array(_) | DataType::Null => Letter::Text,
    }
}

#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

/// What all connections of one file share.
#[derive(Debug)]
struct World {
    store: Store,
    quirks: Quirks,
    now_micros: i64,
    draws: u64,
}

struct Session {
    world: Arc<Mutex<World>>,
    files: Arc<ExternalFiles>,
    open: Option<Transaction>,
    doomed: bool,
}

impl Session {
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
        let mut own = None;
        let txn = match &mut self.open {
            Some(txn) => txn,
            None => own.insert(world.store.begin(world.now_micros)),
        };
        let running = [RunningQuery {
            query_id: "q1".into(),
            label: Some("slt".into()),
            text: text.into(),
            started_micros: world.now_micros,
        }];
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
            files: &self.files,
            quirks: &world.quirks,
            running: &running,
            random: &mut random,
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
    all[quirk.replace('_', "-")] = serde_json::Value::String(value.to_owned());
    world.quirks = serde_json::from_value(all).map_err(|e| Failure(e.to_string()))?;
    world.store = Store::new(world.quirks.clone());
    Ok(ResultSet::default())
}

impl DB for Session {
    type Error = Failure;
    type ColumnType = Letter;

    fn run(&mut self, text: &str) -> Result<DBOutput<Letter>, Failure> {
        let result = self.run_text(text)?;
        if result.columns.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let shown = |value: &Value| match value {
            Value::Text(text) if text.is_empty() => "(empty)".to_owned(),
            other => other.to_string(),
        };
        Ok(DBOutput::Rows {
            types: result.columns.iter().map(|column| letter(&column.data_type)).collect(),
            rows: result.rows.iter().map(|row| row.iter().map(shown).collect()).collect(),
        })
    }

    fn engine_name(&self) -> &str {
        "fake-firebolt"
    }
}

fn column(name: &str, data_type: DataType, nullable: bool) -> Column {
    Column { name: name.into(), data_type, nullable }
}

/// A file as DMS writes it, and the same reduced by the engine.
fn fixture_files() -> ExternalFiles {
    let decimal = |unscaled| Value::Numeric(fake_firebolt::value::Numeric { unscaled, scale: 0 });
    let wide = DataType::Numeric { precision: 38, scale: 0 };
    let raw = ExternalTable {
        columns: vec![
            column("Op", DataType::Text, true),
            column("load_timestamp", DataType::Timestamp, true),
            column("id", DataType::Bigint, true),
            column("name", DataType::Text, true),
            column("loan_id", wide, true),
        ],
        rows: [("I", 1, "ann"), ("U", 2, "bob"), ("D", 3, "cyd")]
            .map(|(op, id, name)| {
                let at = Value::Timestamp(EPOCH_MICROS);
                [Value::text(op), at, Value::Bigint(id), Value::text(name), decimal(id.into())]
                    .into()
            })
            .to_vec(),
    };
    let reduced = ExternalTable {
        columns: vec![
            column("id", DataType::Bigint, true),
            column("name", DataType::Text, true),
            column("amount", DataType::Numeric { precision: 38, scale: 2 }, true),
            column("__cdc_key", DataType::Text, false),
            column("__cdc_seq", DataType::Text, false),
            column("__cdc_deleted", DataType::Boolean, false),
        ],
        rows: [(1, "ann", false), (2, "bob", false), (3, "cyd", true)]
            .map(|(id, name, deleted)| {
                let amount =
                    fake_firebolt::value::Numeric { unscaled: i128::from(id) * 150, scale: 2 };
                [
                    Value::Bigint(id),
                    Value::text(name),
                    Value::Numeric(amount),
                    Value::text(&format!("1:{id}")),
                    Value::text(&format!("1|0001|{id:04}")),
                    Value::Boolean(deleted),
                ]
                .into()
            })
            .to_vec(),
    };
    let mut files = ExternalFiles::default();
    let mut add = |pattern: &str, contents: Vec<(String, ExternalTable)>| {
        let read = ExternalRead { location: "cdc".into(), pattern: pattern.into() };
        files.0.insert(read, contents);
    };
    add("db/users/2025/11/11/x.parquet", vec![("x.parquet".into(), raw.clone())]);
    add(
        "db/users/2025/11/11/*.parquet",
        vec![
            ("x.parquet".into(), raw.clone()),
            (
                "y.parquet".into(),
                ExternalTable {
                    columns: raw.columns[..4].to_vec(),
                    rows: raw.rows.iter().map(|row| row[..4].into()).collect(),
                },
            ),
        ],
    );
    add("nothing/*.parquet", Vec::new());
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    add(&format!("_normalised/{hash}.parquet"), vec![("normalised".into(), reduced)]);
    files
}

fn slt_files(dir: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            slt_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_script_holds() {
    let mut paths = Vec::new();
    slt_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sql"), &mut paths)
        .expect("fixtures/sql is part of the repository");
    paths.sort();
    assert!(paths.len() >= 8, "only {} scripts found", paths.len());
    let files = Arc::new(fixture_files());
    let mut failed = Vec::new();
    for path in paths {
        let quirks = Quirks::default();
        let world =
            World { store: Store::new(quirks.clone()), quirks, now_micros: EPOCH_MICROS, draws: 0 };
        let world = Arc::new(Mutex::new(world));
        let mut runner = Runner::new(|| {
            let (world, files) = (Arc::clone(&world), Arc::clone(&files));
            async move { Ok(Session { world, files, open: None, doomed: false }) }
        });
        runner.with_column_validator(sqllogictest::strict_column_validator);
        if let Err(error) = runner.run_file(&path) {
            failed.push(error.to_string());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
