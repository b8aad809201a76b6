//! `/admin/sql`: the owner's own statements, which no rule strikes and no log shows.
//!
//! For seeding a test and for looking at what is true after it: a client under test must not come
//! this way.

use serde_json::{Value, json};

use super::Admin;
use super::asked::{Asked, Refusal};
use super::watch::row;
use crate::server::FakeFirebolt;
use crate::sql::{self, SqlError, StatementKind};
use crate::value::ResultSet;

/// The body is the SQL text: one SELECT, or a script of other statements.
pub(super) fn answer(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("POST")?;
    let fake = admin.fake()?;
    let text = std::str::from_utf8(&asked.body)
        .map_err(|_| Refusal::new(400, "the statement is not UTF-8"))?;
    let result = own(fake, text).map_err(|error| Refusal::new(400, error.to_string()))?;
    let columns = result.columns.iter().map(|column| &*column.name);
    Ok(json!({
        "columns": columns.collect::<Vec<_>>(),
        "rows": result.rows.iter().map(row).collect::<Vec<_>>(),
    }))
}

/// A SELECT is evaluated; anything else is a script, of which each statement commits.
pub(crate) fn own(fake: &FakeFirebolt, text: &str) -> Result<ResultSet, SqlError> {
    let is_select = sql::parse(text).is_ok_and(|it| it.kind() == StatementKind::Select);
    if is_select {
        return fake.query(text);
    }
    fake.setup(text).map(|()| ResultSet::default())
}
