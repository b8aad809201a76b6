//! SQL text: parsed and executed, it ends in rows of the promised types or in an error that is the
//! client's, and never in a defect of the fake.

use fake_firebolt::mvcc::Store;
use fake_firebolt::quirks::Quirks;
use fake_firebolt::sql::{
    self, ExternalFiles, SqlError, SqlErrorKind, StatementContext, StatementKind,
};
use fake_firebolt::value::{Column, DataType, ResultSet, Value};

use super::choices::Choices;
use super::grammar;

/// Any text at all.
pub(crate) fn text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        World::new().check(text);
    }
}

/// Statements of the dialect.
pub(crate) fn dialect(data: &[u8]) {
    let mut world = World::new();
    let mut choices = Choices::new(data);
    for _ in 0..4 {
        let statement = grammar::statement(&mut choices);
        world.check(&statement);
        if choices.is_empty() {
            return;
        }
    }
}

struct World {
    store: Store,
    quirks: Quirks,
    files: ExternalFiles,
}

impl World {
    fn new() -> Self {
        let quirks = Quirks {
            statement_bytes_max: 64 << 20,
            statement_steps_max: 300_000,
            ..Quirks::default()
        };
        let files = ExternalFiles::default();
        let mut world = Self { store: Store::new(quirks.clone()), quirks, files };
        for statement in grammar::TABLES {
            if let Err(error) = world.run(statement) {
                panic!("{statement}: {error}");
            }
        }
        world
    }

    fn run(&mut self, text: &str) -> Result<ResultSet, SqlError> {
        let statement = sql::parse(text)?;
        // Transactions and settings are the server's.
        let of_server = matches!(
            statement.kind(),
            StatementKind::Begin
                | StatementKind::Commit
                | StatementKind::Rollback
                | StatementKind::Set
                | StatementKind::UseDatabase
                | StatementKind::UseEngine
                | StatementKind::StartEngine
                | StatementKind::StopEngine
                | StatementKind::AsyncStatus
                | StatementKind::CancelQuery
        );
        if of_server {
            return Ok(ResultSet::default());
        }
        let mut txn = self.store.begin(0);
        let mut random = |below: u64| below / 2;
        let mut ctx = StatementContext {
            now_micros: 1_762_855_200_000_000,
            database: "database",
            engine: "engine",
            account: "account",
            files: &self.files,
            quirks: &self.quirks,
            server: &sql::NoServer,
            watch: None,
            random: &mut random,
            values: &|| 0,
        };
        let result = sql::execute(&statement, &self.store, &mut txn, &mut ctx)?;
        self.store.commit(txn, 0).expect("nobody else commits");
        Ok(result)
    }

    fn check(&mut self, text: &str) {
        match self.run(text) {
            Ok(result) => check_result(&result, text),
            Err(error) => {
                assert!(!error.text.is_empty(), "an error without a text: {text}");
                assert_ne!(error.kind, SqlErrorKind::Internal, "{error}: {text}");
            }
        }
    }
}

/// Rows are as wide as the columns, and their values are what the columns promise: a client decodes
/// by the promise.
fn check_result(result: &ResultSet, text: &str) {
    for row in &result.rows {
        assert_eq!(row.len(), result.columns.len(), "the width of a row: {text}");
        for (column, value) in result.columns.iter().zip(row.iter()) {
            assert!(fits(value, &column.data_type), "{value:?} in {column:?}: {text}");
            assert!(column.nullable || !value.is_null(), "NULL in {}: {text}", shown(column));
        }
    }
}

fn shown(column: &Column) -> String {
    format!("{} {} NOT NULL", column.name, column.data_type)
}

fn fits(value: &Value, data_type: &DataType) -> bool {
    match (value, data_type) {
        (Value::Null, _) => true,
        (Value::Numeric(number), DataType::Numeric { precision, scale }) => {
            let digits = number.unscaled.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
            number.scale == *scale && digits <= u32::from(*precision)
        }
        (Value::Array(items), DataType::Array(element)) => {
            items.iter().all(|item| fits(item, element))
        }
        (Value::Struct(value), DataType::Struct(of)) => {
            value.of.fields.iter().zip(&of.fields).all(|(a, b)| a.name == b.name)
                && value.values.len() == of.fields.len()
                && value.values.iter().zip(&of.fields).all(|(value, field)| {
                    fits(value, &field.data_type) && (field.nullable || !value.is_null())
                })
        }
        (Value::Boolean(_), DataType::Boolean)
        | (Value::Integer(_), DataType::Integer)
        | (Value::Bigint(_), DataType::Bigint)
        | (Value::Real(_), DataType::Real)
        | (Value::Double(_), DataType::Double)
        | (Value::Text(_), DataType::Text)
        | (Value::Date(_), DataType::Date)
        | (Value::Timestamp(_), DataType::Timestamp)
        | (Value::TimestampTz(_), DataType::TimestampTz)
        | (Value::Bytea(_), DataType::Bytea)
        | (Value::Geography(_), DataType::Geography)
        | (Value::Json(_), DataType::Json) => true,
        _ => false,
    }
}
