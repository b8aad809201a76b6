//! `information_schema`: the views that loaders, operators, and the sweeper ask
//! (firebolt-semantics §6).
//!
//! A view's rows are those of the transaction's own snapshot. Sizes are estimates from column
//! types: nothing here is compressed, and nobody should rely on the number.

use std::sync::Arc;

use super::bind::Binder;
use super::bind_table::Relation;
use super::plan::Plan;
use super::scope::Field;
use crate::mvcc::Table;
use crate::value::{DataType, Numeric, Row, Value};

/// Names and types of a view's columns.
type Shape = &'static [(&'static str, DataType)];

const TABLES: Shape = &[
    ("table_catalog", DataType::Text),
    ("table_schema", DataType::Text),
    ("table_name", DataType::Text),
    ("table_type", DataType::Text),
    ("table_owner", DataType::Text),
    ("created", DataType::TimestampTz),
    ("last_altered", DataType::TimestampTz),
    ("primary_index", DataType::Text),
    ("number_of_rows", DataType::Bigint),
    ("compressed_bytes", DataType::Bigint),
    ("uncompressed_bytes", DataType::Bigint),
    ("compression_ratio", DataType::Numeric { precision: 38, scale: 9 }),
    ("number_of_tablets", DataType::Integer),
    ("type", DataType::Text),
    ("ddl", DataType::Text),
    ("is_insertable_into", DataType::Text),
];

const COLUMNS: Shape = &[
    ("table_catalog", DataType::Text),
    ("table_schema", DataType::Text),
    ("table_name", DataType::Text),
    ("column_name", DataType::Text),
    ("ordinal_position", DataType::Integer),
    ("is_nullable", DataType::Text),
    ("data_type", DataType::Text),
    ("numeric_precision", DataType::Integer),
    ("numeric_scale", DataType::Integer),
    ("is_in_primary_index", DataType::Text),
    ("column_default", DataType::Text),
];

const RUNNING: Shape = &[
    ("account_name", DataType::Text),
    ("submitted_time", DataType::TimestampTz),
    ("start_time", DataType::TimestampTz),
    ("duration_us", DataType::Bigint),
    ("status", DataType::Text),
    ("query_id", DataType::Text),
    ("query_label", DataType::Text),
    ("query_text", DataType::Text),
    ("retries", DataType::Bigint),
];

impl Binder<'_> {
    /// The view of that name, or `None`.
    pub(super) fn catalogue_view(&self, name: &str) -> Option<Relation> {
        let (shape, rows) = match name {
            "tables" => (TABLES, self.view.tables.values().map(|t| self.table_row(t)).collect()),
            "columns" => {
                let described = self.view.tables.values().map(|table| {
                    table.schema.described.get_or_init(|| column_rows(table, self.ctx.database))
                });
                (COLUMNS, described.flatten().cloned().collect())
            }
            "engine_running_queries" => (RUNNING, self.running_rows()),
            _ => return None,
        };
        let field = |(name, data_type): &(&str, DataType)| Field {
            qualifier: None,
            name: (*name).to_owned(),
            data_type: data_type.clone(),
            nullable: true,
            merged: false,
        };
        let fields = shape.iter().map(field).collect();
        Some(Relation { plan: Plan::Rows(Arc::new(rows)), fields })
    }

    fn table_row(&self, table: &Table) -> Row {
        let schema = &table.schema;
        let width: usize = schema.columns.iter().map(|column| width(&column.data_type)).sum();
        let rows = i64::try_from(table.rows.len()).unwrap_or(i64::MAX);
        let bytes = rows.saturating_mul(i64::try_from(width).unwrap_or(i64::MAX));
        let created = match self.ctx.quirks.created_column {
            true => Value::TimestampTz(schema.created_micros),
            false => Value::Null,
        };
        let index = schema.primary_index.join(", ");
        Row::from([
            Value::text(self.ctx.database),
            Value::text("public"),
            Value::Text(schema.name.clone()),
            Value::text("BASE TABLE"),
            Value::text(self.ctx.account),
            created,
            Value::Null,
            if index.is_empty() { Value::Null } else { Value::text(&index) },
            Value::Bigint(rows),
            Value::Bigint(bytes / 2),
            Value::Bigint(bytes),
            Value::Numeric(Numeric { unscaled: 2_000_000_000, scale: 9 }),
            Value::Integer(i32::try_from(table.rows.blocks()).unwrap_or(i32::MAX)),
            Value::text("FACT"),
            Value::text(&ddl(table)),
            Value::text("YES"),
        ])
    }

    fn running_rows(&self) -> Vec<Row> {
        let row = |query: &super::context::RunningQuery| {
            Row::from([
                Value::text(self.ctx.account),
                Value::TimestampTz(query.started_micros),
                Value::TimestampTz(query.started_micros),
                Value::Bigint(self.ctx.now_micros - query.started_micros),
                Value::text("RUNNING"),
                Value::text(&query.query_id),
                query.label.as_deref().map_or(Value::Null, Value::text),
                Value::text(&query.text),
                Value::Bigint(0),
            ])
        };
        self.ctx.running.iter().map(row).collect()
    }
}

/// Bytes of one value, roughly.
fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Boolean | DataType::Null => 1,
        DataType::Integer | DataType::Real | DataType::Date => 4,
        DataType::Bigint | DataType::Double | DataType::Timestamp | DataType::TimestampTz => 8,
        DataType::Numeric { .. } => 16,
        DataType::Text | DataType::Bytea | DataType::Array(_) => 24,
    }
}

fn ddl(table: &Table) -> String {
    let schema = &table.schema;
    let mut text = format!("CREATE FACT TABLE \"{}\" (", schema.name);
    for (index, column) in schema.columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let null = if column.nullable { "NULL" } else { "NOT NULL" };
        text.push_str(&format!("{comma}\"{}\" {} {null}", column.name, column.data_type));
    }
    text.push(')');
    if !schema.primary_index.is_empty() {
        let names: Vec<_> = schema.primary_index.iter().map(|name| format!("\"{name}\"")).collect();
        text.push_str(&format!(" PRIMARY INDEX {}", names.join(", ")));
    }
    text
}

fn column_rows(table: &Table, database: &str) -> Vec<Row> {
    let schema = &table.schema;
    let yes_no = |yes: bool| Value::text(if yes { "YES" } else { "NO" });
    let mut rows = Vec::with_capacity(schema.columns.len());
    for (position, column) in (1_i32..).zip(&schema.columns) {
        let (precision, scale) = match column.data_type {
            DataType::Numeric { precision, scale } => {
                (Value::Integer(i32::from(precision)), Value::Integer(i32::from(scale)))
            }
            _ => (Value::Null, Value::Null),
        };
        rows.push(Row::from([
            Value::text(database),
            Value::text("public"),
            Value::Text(schema.name.clone()),
            Value::text(&column.name),
            Value::Integer(position),
            yes_no(column.nullable),
            Value::text(&column.data_type.to_string()),
            precision,
            scale,
            yes_no(schema.primary_index.contains(&column.name)),
            Value::Null,
        ]));
    }
    rows
}
