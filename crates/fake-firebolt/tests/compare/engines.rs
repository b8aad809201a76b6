//! The two engines, asked the same: what each makes of a script, in one form for both.
//!
//! Cells are written as `tests/slt/letter.rs` has them, so that a difference of text is none and a
//! difference of value or of type is one.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fake_firebolt::mvcc::Store;
use fake_firebolt::quirks::Quirks;
use fake_firebolt::sql::{self, ExternalFiles, NoServer, StatementContext};
use fake_firebolt::value::{ResultSet, Value};

use super::letter::Letter;
use super::letter_of_oid::letter_of_oid;
use super::letter_of_type::letter;
use super::postgres_wire::{Connection, Refusal};
use super::tree::Node;

/// What came of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Rows {
        letters: String,
        rows: Vec<String>,
    },
    Done,
    /// The text is for the reader; two refusals are equal whatever they say.
    Refused(String),
}

impl Outcome {
    /// Whether both engines said the same. Without ORDER BY any order is right.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(text), Self::Refused(_)) => !text.contains("panicked"),
            (a, b) => a == b,
        }
    }

    fn rows(letters: &[Letter], rows: impl Iterator<Item = Vec<String>>, ordered: bool) -> Self {
        use sqllogictest::ColumnType;
        let mut rows: Vec<String> = rows.map(|row| row.join(" | ")).collect();
        if !ordered {
            rows.sort();
        }
        Self::Rows { letters: letters.iter().map(Letter::to_char).collect(), rows }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Refused(text) => write!(f, "refused: {text}"),
            Self::Rows { letters, rows } => {
                write!(f, "{} rows of {letters}", rows.len())?;
                rows.iter().take(20).try_for_each(|row| write!(f, "\n    {row}"))
            }
        }
    }
}

/// The fake, with an empty store for each script.
pub(crate) fn fake(script: &[Node]) -> Vec<Outcome> {
    let quirks = Quirks::default();
    let mut store = Store::new(quirks.clone());
    let mut outcomes = Vec::new();
    for node in script {
        let text = node.to_string();
        let ask = || ask_fake(&text, node.is_ordered(), &mut store, &quirks);
        outcomes.push(
            catch_unwind(AssertUnwindSafe(ask))
                .unwrap_or_else(|_| Outcome::Refused("the fake panicked".to_owned())),
        );
    }
    outcomes
}

fn ask_fake(text: &str, ordered: bool, store: &mut Store, quirks: &Quirks) -> Outcome {
    let mut run = || -> Result<ResultSet, String> {
        let statement = sql::parse(text).map_err(|error| error.text)?;
        let mut txn = store.begin(0);
        let files = ExternalFiles::default();
        let mut context = StatementContext {
            now_micros: 0,
            database: "database",
            engine: "engine",
            account: "account",
            files: &files,
            quirks,
            server: &NoServer,
            random: &mut |_| 0,
            values: &|| 0,
            watch: None,
        };
        let result = sql::execute(&statement, store, &mut txn, &mut context);
        let result = result.map_err(|error| error.text)?;
        store.commit(txn, 0).map_err(|conflict| conflict.to_string())?;
        Ok(result)
    };
    let result = match run() {
        Ok(result) => result,
        Err(text) => return Outcome::Refused(text),
    };
    if result.columns.is_empty() {
        return Outcome::Done;
    }
    let letters: Vec<Letter> = result.columns.iter().map(|c| letter(&c.data_type)).collect();
    let cell = |(letter, value): (&Letter, &Value)| match value {
        Value::Null => "NULL".to_owned(),
        value => letter.canonical(&value.to_string()),
    };
    let row = |row: &fake_firebolt::value::Row| letters.iter().zip(row.iter()).map(cell).collect();
    Outcome::rows(&letters, result.rows.iter().map(row), ordered)
}

/// PostgreSQL, with an empty schema for each script.
///
/// # Errors
/// The connection is gone. What PostgreSQL refuses is an outcome.
pub(crate) fn postgres(
    connection: &mut Connection,
    script: &[Node],
) -> Result<Vec<Outcome>, Refusal> {
    connection.query("DROP SCHEMA IF EXISTS compared CASCADE; CREATE SCHEMA compared")?;
    script.iter().map(|node| ask_postgres(connection, node)).collect()
}

fn ask_postgres(connection: &mut Connection, node: &Node) -> Result<Outcome, Refusal> {
    let answer = match connection.query(&node.to_string()) {
        Ok(answer) => answer,
        Err(refusal) if refusal.state.is_empty() => return Err(refusal),
        Err(refusal) => return Ok(Outcome::Refused(refusal.text)),
    };
    let Some(oids) = answer.oids else { return Ok(Outcome::Done) };
    let letters: Vec<Letter> = oids.into_iter().map(letter_of_oid).collect();
    let cell = |(letter, cell): (&Letter, Option<String>)| {
        cell.map_or_else(|| "NULL".to_owned(), |cell| letter.canonical(&cell))
    };
    let rows = answer.rows.into_iter().map(|row| letters.iter().zip(row).map(cell).collect());
    Ok(Outcome::rows(&letters, rows, node.is_ordered()))
}
