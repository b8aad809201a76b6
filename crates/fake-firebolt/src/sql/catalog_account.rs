//! `information_schema.{engines, catalogs, databases, schemata}`: what the account holds.
//!
//! The engine that answers runs, or it could not answer. Columns are the documented ones (S17);
//! the deprecated ones are NULL.

use super::catalog::Shape;
use super::context::Facts;
use super::definition::EntryKind;
use super::entry::{all, is_running};
use crate::mvcc::{Catalog, Entry};
use crate::value::{DataType, Row, Value};

pub(super) const ENGINES: Shape = &[
    ("engine_name", DataType::Text),
    ("region", DataType::Text),
    ("spec", DataType::Text),
    ("scale", DataType::Integer),
    ("type", DataType::Text),
    ("family", DataType::Text),
    ("nodes", DataType::Integer),
    ("clusters", DataType::Integer),
    ("min_clusters", DataType::Integer),
    ("max_clusters", DataType::Integer),
    ("status", DataType::Text),
    ("attached_to", DataType::Text),
    ("auto_start", DataType::Boolean),
    ("auto_stop", DataType::Integer),
    ("engine_type", DataType::Text),
    ("initially_stopped", DataType::Boolean),
    ("url", DataType::Text),
    ("warmup", DataType::Text),
    ("default_database", DataType::Text),
    ("version", DataType::Text),
    ("last_started", DataType::TimestampTz),
    ("last_stopped", DataType::TimestampTz),
    ("description", DataType::Text),
    ("created", DataType::TimestampTz),
    ("engine_owner", DataType::Text),
    ("last_altered_by", DataType::Text),
    ("last_altered", DataType::TimestampTz),
    ("fbu_rate", DataType::Numeric { precision: 38, scale: 9 }),
];

pub(super) const CATALOGS: Shape = &catalogs_named("catalog_name");

/// The name that the view had before; clients still ask for it.
pub(super) const DATABASES: Shape = &catalogs_named("database_name");

const fn catalogs_named(name: &'static str) -> [(&'static str, DataType); 9] {
    [
        (name, DataType::Text),
        ("default_collation", DataType::Text),
        ("default_character_set", DataType::Text),
        ("description", DataType::Text),
        ("created", DataType::TimestampTz),
        ("ddl", DataType::Text),
        ("catalog_owner", DataType::Text),
        ("last_altered", DataType::TimestampTz),
        ("last_altered_by", DataType::Text),
    ]
}

pub(super) const SCHEMATA: Shape = &[
    ("catalog_name", DataType::Text),
    ("schema_name", DataType::Text),
    ("schema_owner", DataType::Text),
    ("default_character_set_catalog", DataType::Text),
    ("default_character_set_schema", DataType::Text),
    ("default_character_set_name", DataType::Text),
    ("sql_path", DataType::Text),
    ("description", DataType::Text),
];

pub(super) fn engines(catalog: &Catalog, ctx: Facts<'_>) -> Vec<Row> {
    let entries = all(EntryKind::Engine, catalog, ctx);
    entries.iter().map(|(name, entry)| engine_row(name, entry, ctx)).collect()
}

fn engine_row(name: &str, entry: &Entry, ctx: Facts<'_>) -> Row {
    let setting = |setting: &str| entry.settings.get(setting).map(String::as_str);
    let number = |name: &str, default: i32| {
        Value::Integer(setting(name).and_then(|text| text.parse().ok()).unwrap_or(default))
    };
    let truth = |name: &str, default: bool| {
        Value::Boolean(setting(name).map_or(default, |text| text.eq_ignore_ascii_case("true")))
    };
    let family = match setting("family").map(str::to_uppercase).as_deref() {
        Some("CO" | "COMPUTE_OPTIMIZED") => "COMPUTE_OPTIMIZED",
        _ => "STORAGE_OPTIMIZED",
    };
    // The setting CLUSTERS stands for both bounds.
    let clusters = setting("clusters").and_then(|text| text.parse().ok()).unwrap_or(1);
    let status = if is_running(name, entry, ctx) { "RUNNING" } else { "STOPPED" };
    let is_own = name == ctx.engine;
    let mut values = vec![Value::Null; ENGINES.len()];
    values[0] = Value::text(name);
    values[4] = Value::text(&setting("type").unwrap_or("M").to_uppercase());
    values[5] = Value::text(family);
    values[6] = number("nodes", if is_own { 1 } else { 2 });
    values[7] = Value::Integer(clusters);
    values[8] = number("min_clusters", clusters);
    values[9] = number("max_clusters", clusters);
    values[10] = Value::text(status);
    values[12] = truth("auto_start", if is_own { ctx.quirks.auto_start } else { true });
    values[13] = number("auto_stop", 20);
    values[15] = truth("initially_stopped", false);
    values[18] = setting("default_database").map_or(Value::Null, Value::text);
    values[23] = created(entry);
    values[24] = Value::text(setting("owner").unwrap_or(ctx.account));
    values.into()
}

/// The configured database and engine were there before the server's clock started.
fn created(entry: &Entry) -> Value {
    match entry.created_micros {
        0 => Value::Null,
        micros => Value::TimestampTz(micros),
    }
}

pub(super) fn catalogs(catalog: &Catalog, ctx: Facts<'_>) -> Vec<Row> {
    let row = |(name, entry): &(String, Entry)| {
        let setting = |setting: &str| entry.settings.get(setting).map(String::as_str);
        Row::from([
            Value::text(name),
            Value::text("POSIX"),
            Value::text("UTF-8"),
            setting("description").map_or(Value::Null, Value::text),
            created(entry),
            Value::text(&format!("CREATE DATABASE \"{name}\"")),
            Value::text(setting("owner").unwrap_or(ctx.account)),
            Value::Null,
            Value::Null,
        ])
    };
    all(EntryKind::Database, catalog, ctx).iter().map(row).collect()
}

pub(super) fn schemata(ctx: Facts<'_>) -> Vec<Row> {
    let row = |name: &str| {
        Row::from([
            Value::text(ctx.database),
            Value::text(name),
            Value::text(ctx.account),
            Value::Null,
            Value::Null,
            Value::text("UTF-8"),
            Value::Null,
            Value::Null,
        ])
    };
    vec![row("information_schema"), row("public")]
}
