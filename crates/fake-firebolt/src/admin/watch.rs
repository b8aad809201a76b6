//! What can be looked at: the statements that came, the commits that happened, the quirks.

use std::time::Duration;

use serde_json::{Value, json};

use super::Admin;
use super::asked::{Asked, Refusal};
use crate::fault::{Logged, Request};
use crate::history::Committed;
use crate::mvcc::{ChangeKind, TableChange};
use crate::value::{Row, Value as SqlValue};

pub(super) fn statements(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("GET")?;
    asked.parameters(&["on", "label", "transaction", "after", "limit"])?;
    let after = asked.number("after")?.unwrap_or(0);
    let limit = limit(asked)?;
    let is = |key: &str, value: Option<&str>| {
        asked.query.get(key).is_none_or(|wanted| value == Some(wanted.as_str()))
    };
    let (entries, forgotten) = admin.rules().statements();
    let statements: Vec<Value> = entries
        .iter()
        .filter(|entry| entry.request.request > after)
        .filter(|entry| {
            let request = &entry.request;
            is("on", Some(request.name()))
                && is("label", request.label.as_deref())
                && is("transaction", request.transaction.as_deref())
        })
        .take(limit)
        .map(logged)
        .collect();
    Ok(json!({ "statements": statements, "forgotten": forgotten }))
}

fn limit(asked: &Asked) -> Result<usize, Refusal> {
    let limit = asked.number("limit")?.unwrap_or(1_000);
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

fn logged(entry: &Logged) -> Value {
    let mut shown = request(&entry.request);
    shown["at_ms"] = millis(entry.at).into();
    shown["status"] = entry.status.into();
    shown["faults"] = json!(entry.faults);
    shown
}

/// A request as logs and holds show it.
pub(super) fn request(request: &Request) -> Value {
    json!({
        "request": request.request,
        "connection": request.connection,
        "peer": request.peer,
        "on": request.name(),
        "sql": &*request.sql,
        "transaction": request.transaction,
        "label": request.label,
    })
}

pub(super) fn history(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("GET")?;
    asked.parameters(&["after", "table", "rows", "limit"])?;
    let fake = admin.fake()?;
    let after = asked.number("after")?.unwrap_or(0);
    let limit = limit(asked)?;
    let with_rows = match asked.query.get("rows").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(Refusal::new(400, format!("rows={other}: expected true or false")));
        }
    };
    let after = after.max(admin.state().reset_lsn);
    let commits: Vec<Value> = fake
        .commits()
        .iter()
        .filter(|commit| commit.record.lsn > after)
        .filter(|commit| {
            let changes = &commit.record.changes;
            asked.query.get("table").is_none_or(|table| changes.iter().any(|it| it.table == *table))
        })
        .take(limit)
        .map(|commit| committed(commit, with_rows))
        .collect();
    Ok(json!({ "commits": commits, "forgotten": fake.commits_forgotten() }))
}

fn committed(commit: &Committed, with_rows: bool) -> Value {
    let changes: Vec<Value> =
        commit.record.changes.iter().map(|it| changed(it, with_rows)).collect();
    json!({
        "lsn": commit.record.lsn,
        "at_ms": millis(commit.at),
        "peer": &*commit.peer,
        "sql": &*commit.sql,
        "transaction": commit.transaction.as_deref(),
        "changes": changes,
    })
}

fn changed(change: &TableChange, with_rows: bool) -> Value {
    let kind = match change.kind {
        ChangeKind::Created => "created",
        ChangeKind::Dropped => "dropped",
        ChangeKind::Altered => "altered",
        ChangeKind::Rows => "rows",
    };
    let mut shown = json!({
        "table": change.table,
        "kind": kind,
        "inserted": change.inserted.len(),
        "deleted": change.deleted.len(),
    });
    if with_rows {
        let columns = change.columns.iter().map(|column| &*column.name);
        shown["columns"] = columns.collect();
        shown["inserted_rows"] = change.inserted.iter().map(row).collect();
        shown["deleted_rows"] = change.deleted.iter().map(row).collect();
    }
    shown
}

/// Each value as `CAST(… AS TEXT)` shows it: 64-bit numbers and decimals survive every reader.
pub(super) fn row(row: &Row) -> Value {
    let text = |value: &SqlValue| (!value.is_null()).then(|| value.to_string());
    row.iter().map(text).collect()
}

pub(super) fn quirks(admin: &Admin, asked: &Asked) -> Result<Value, Refusal> {
    asked.only("GET")?;
    serde_json::to_value(&admin.fake()?.config().quirks)
        .map_err(|error| Refusal::new(500, error.to_string()))
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
