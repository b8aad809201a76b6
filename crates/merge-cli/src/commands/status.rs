//! `status`: how many files every table has applied and set aside, and how many staging tables there
//! are. Three questions to the books, nothing is changed.

use crate::answer::{Answer, Line, count};
use crate::error::CliError;
use firebolt_client::{Client, ResultSet, StatementOptions};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// The books that exist, and every staging table. A database that nothing was merged into has no books.
const TABLES: &str = "SELECT table_name FROM information_schema.tables \
    WHERE table_schema = 'public' AND (table_name IN ('cdc_ledger', 'cdc_quarantine') \
    OR table_name LIKE 'stg\\_%') ORDER BY table_name";
const APPLIED: &str = "SELECT \"target\", COUNT(*) AS \"files\", MAX(\"committed_at\") AS \"last\" \
    FROM \"cdc_ledger\" GROUP BY \"target\" ORDER BY \"target\"";
const SET_ASIDE: &str = "SELECT \"target\", \"reason\", COUNT(*) AS \"files\" FROM \"cdc_quarantine\" \
    WHERE \"event\" = 'quarantined' GROUP BY \"target\", \"reason\" ORDER BY \"target\", \"reason\"";

/// What the books say.
#[derive(Debug, Default)]
struct Status {
    staging: usize,
    tables: BTreeMap<String, TableStatus>,
}

/// What they say about one table.
#[derive(Debug, Default)]
struct TableStatus {
    applied: i64,
    last: Option<String>,
    /// Files by the reason they were set aside for.
    aside: BTreeMap<String, i64>,
}

pub(super) async fn run(client: &Client) -> Result<Answer, CliError> {
    let names = ask(client, "listing tables", TABLES).await?;
    let names: Vec<&str> =
        (0..names.len()).filter_map(|row| names.text(row, "table_name")).collect();
    let mut applied = ResultSet::default();
    if names.contains(&"cdc_ledger") {
        applied = ask(client, "reading the ledger", APPLIED).await?;
    }
    let mut aside = ResultSet::default();
    if names.contains(&"cdc_quarantine") {
        aside = ask(client, "reading the quarantine", SET_ASIDE).await?;
    }
    let staging = names.iter().filter(|name| name.starts_with("stg_")).count();
    Ok(render(&status(staging, &applied, &aside)))
}

async fn ask(client: &Client, doing: &str, sql: &str) -> Result<ResultSet, CliError> {
    let options =
        StatementOptions::new(PATIENCE).label("status").setting("enable_result_cache", "false");
    client.query(sql, &options).await.map_err(|why| CliError::warehouse(doing, &why))
}

fn status(staging: usize, applied: &ResultSet, aside: &ResultSet) -> Status {
    let mut status = Status { staging, ..Status::default() };
    for row in 0..applied.len() {
        let Some(target) = applied.text(row, "target") else { continue };
        let table = status.tables.entry(target.to_owned()).or_default();
        table.applied = applied.int(row, "files").unwrap_or(0);
        table.last = applied.text(row, "last").map(str::to_owned);
    }
    for row in 0..aside.len() {
        let Some(target) = aside.text(row, "target") else { continue };
        let table = status.tables.entry(target.to_owned()).or_default();
        let reason = aside.text(row, "reason").unwrap_or("unknown").to_owned();
        table.aside.insert(reason, aside.int(row, "files").unwrap_or(0));
    }
    status
}

fn render(status: &Status) -> Answer {
    let mut lines = Vec::new();
    for (name, table) in &status.tables {
        let last = table.last.as_deref().unwrap_or("never");
        let applied = format!("{} applied", table.applied);
        lines.push(Line::new("Table", name).number(applied).text(format!("last {last}")));
        for (reason, files) in &table.aside {
            let files = format!("{files} set aside");
            lines.push(Line::new("Set aside", name).number(files).text(reason));
        }
    }
    let applied: i64 = status.tables.values().map(|table| table.applied).sum();
    let aside: i64 = status.tables.values().flat_map(|table| table.aside.values()).sum();
    let machine: BTreeMap<&str, _> = status
        .tables
        .iter()
        .map(|(name, table)| {
            let set_aside = &table.aside;
            let one = json!({
                "applied": table.applied, "last_commit": table.last, "set_aside": set_aside,
            });
            (name.as_str(), one)
        })
        .collect();
    Answer {
        lines,
        summary: format!(
            "{}, {applied} files applied, {aside} set aside, {} now",
            count(status.tables.len(), "table"),
            count(status.staging, "staging table"),
        ),
        machine: json!({"tables": machine, "staging_tables": status.staging}),
        attention: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firebolt_client::{Column, Value};

    fn rows(columns: &[&str], rows: &[&[&str]]) -> ResultSet {
        let column = |name: &&str| Column { name: (*name).into(), type_name: "text".into() };
        let row = |row: &&[&str]| row.iter().map(|text| Value::Text((*text).into())).collect();
        ResultSet {
            columns: columns.iter().map(column).collect(),
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn the_books_are_shown_table_by_table() {
        let applied = rows(
            &["target", "files", "last"],
            &[
                &["loans", "12", "2025-11-11 12:00:00+00"],
                &["users", "1405", "2025-11-12 01:02:03+00"],
            ],
        );
        let aside = rows(
            &["target", "reason", "files"],
            &[&["audit", "keys-not-declared", "3"], &["users", "unreadable", "1"]],
        );
        let full = render(&status(2, &applied, &aside));
        let empty = render(&status(0, &ResultSet::default(), &ResultSet::default()));
        insta::assert_snapshot!([full.text(), empty.text(), full.json()].join("\n\n"));
    }
}
