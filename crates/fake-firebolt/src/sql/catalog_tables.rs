//! `information_schema.{tables, columns, views, indexes}`: what the database holds.
//!
//! Columns and their order are the documented ones (S17). Sizes are estimates from column types:
//! nothing here is compressed, and nobody should rely on the number. What the vendor calls not
//! applicable is NULL.

use std::sync::Arc;

use super::catalog::Shape;
use super::context::Facts;
use crate::mvcc::{Catalog, Schema, Table, View};
use crate::value::{Column, DataType, Numeric, Row, Value};

pub(super) const TABLES: Shape = &[
    ("table_catalog", DataType::Text),
    ("table_schema", DataType::Text),
    ("table_name", DataType::Text),
    ("table_type", DataType::Text),
    ("table_owner", DataType::Text),
    ("created", DataType::TimestampTz),
    ("last_altered", DataType::TimestampTz),
    ("last_altered_by", DataType::Text),
    ("primary_index", DataType::Text),
    ("number_of_rows", DataType::Bigint),
    ("compressed_bytes", DataType::Bigint),
    ("uncompressed_bytes", DataType::Bigint),
    ("compression_ratio", DataType::Numeric { precision: 38, scale: 9 }),
    ("number_of_tablets", DataType::Integer),
    ("fragmentation", DataType::Numeric { precision: 38, scale: 9 }),
    ("type", DataType::Text),
    ("location_name", DataType::Text),
    ("ddl", DataType::Text),
    ("self_referencing_column_name", DataType::Text),
    ("reference_generation", DataType::Text),
    ("user_defined_type_catalog", DataType::Text),
    ("user_defined_type_schema", DataType::Text),
    ("user_defined_type_name", DataType::Text),
    ("is_insertable_into", DataType::Text),
    ("is_typed", DataType::Text),
    ("commit_action", DataType::Text),
];

pub(super) const COLUMNS: Shape = &[
    ("table_catalog", DataType::Text),
    ("table_schema", DataType::Text),
    ("table_name", DataType::Text),
    ("column_name", DataType::Text),
    ("ordinal_position", DataType::Integer),
    ("column_default", DataType::Text),
    ("is_nullable", DataType::Text),
    ("data_type", DataType::Text),
    ("is_in_partition_expr", DataType::Text),
    ("is_in_primary_index", DataType::Text),
    ("character_maximum_length", DataType::Text),
    ("character_octet_length", DataType::Text),
    ("numeric_precision", DataType::Integer),
    ("numeric_precision_radix", DataType::Text),
    ("numeric_scale", DataType::Integer),
    ("interval_type", DataType::Text),
    ("interval_precision", DataType::Text),
    ("character_set_catalog", DataType::Text),
    ("character_set_schema", DataType::Text),
    ("character_set_name", DataType::Text),
    ("collation_catalog", DataType::Text),
    ("collation_schema", DataType::Text),
    ("collation_name", DataType::Text),
    ("domain_catalog", DataType::Text),
    ("domain_schema", DataType::Text),
    ("domain_name", DataType::Text),
    ("udt_catalog", DataType::Text),
    ("udt_schema", DataType::Text),
    ("udt_name", DataType::Text),
    ("scope_catalog", DataType::Text),
    ("scope_schema", DataType::Text),
    ("scope_name", DataType::Text),
    ("maximum_cardinality", DataType::Text),
    ("dtd_identifier", DataType::Text),
    ("is_self_referencing", DataType::Text),
    ("is_identity", DataType::Text),
    ("identity_generation", DataType::Text),
    ("identity_start", DataType::Text),
    ("identity_increment", DataType::Text),
    ("identity_maximum", DataType::Text),
    ("identity_minimum", DataType::Text),
    ("identity_cycle", DataType::Text),
    ("is_generated", DataType::Text),
    ("generation_expression", DataType::Text),
    ("is_updatable", DataType::Text),
];

pub(super) const VIEWS: Shape = &[
    ("table_catalog", DataType::Text),
    ("table_schema", DataType::Text),
    ("table_name", DataType::Text),
    ("view_definition", DataType::Text),
    ("check_option", DataType::Text),
    ("is_updatable", DataType::Text),
    ("insertable_into", DataType::Text),
    ("is_trigger_updatable", DataType::Text),
    ("is_trigger_deletable", DataType::Text),
    ("is_trigger_insertable_into", DataType::Text),
    ("created", DataType::TimestampTz),
    ("view_owner", DataType::Text),
    ("last_altered", DataType::TimestampTz),
    ("last_altered_by", DataType::Text),
];

pub(super) const INDEXES: Shape = &[
    ("table_catalog", DataType::Text),
    ("table_schema", DataType::Text),
    ("table_name", DataType::Text),
    ("index_name", DataType::Text),
    ("index_type", DataType::Text),
    ("index_owner", DataType::Text),
    ("index_definition", DataType::Text),
    ("compressed_bytes", DataType::Bigint),
    ("uncompressed_bytes", DataType::Bigint),
    ("number_of_tablets", DataType::Bigint),
    ("created", DataType::TimestampTz),
];

pub(super) fn tables(catalog: &Catalog, ctx: Facts<'_>) -> Vec<Row> {
    let tables = catalog.tables.values().map(|table| table_row(table, ctx));
    tables.chain(catalog.views().map(|view| view_as_table(view, ctx))).collect()
}

fn created(micros: i64, ctx: Facts<'_>) -> Value {
    match ctx.quirks.created_column {
        true => Value::TimestampTz(micros),
        false => Value::Null,
    }
}

/// Bytes of a table's rows, roughly: compressed and not.
pub(super) fn sizes(table: &Table) -> (i64, i64) {
    let width: usize = table.schema.columns.iter().map(|column| width(&column.data_type)).sum();
    let rows = i64::try_from(table.rows.len()).unwrap_or(i64::MAX);
    let bytes = rows.saturating_mul(i64::try_from(width).unwrap_or(i64::MAX));
    (bytes / 2, bytes)
}

pub(super) fn table_type(table: &Table) -> &'static str {
    if table.schema.extras.is_dimension { "DIMENSION" } else { "FACT" }
}

pub(super) fn primary_index(schema: &Schema) -> Value {
    match schema.primary_index.as_slice() {
        [] => Value::Null,
        columns => Value::text(&columns.join(", ")),
    }
}

fn owner(schema: &Schema, ctx: Facts<'_>) -> Value {
    Value::text(schema.extras.owner.as_deref().unwrap_or(ctx.account))
}

fn table_row(table: &Table, ctx: Facts<'_>) -> Row {
    let schema = &table.schema;
    let (compressed, bytes) = sizes(table);
    Row::from([
        Value::text(ctx.database),
        Value::text("public"),
        Value::Text(schema.name.clone()),
        Value::text("BASE TABLE"),
        owner(schema, ctx),
        created(schema.created_micros, ctx),
        Value::Null,
        Value::Null,
        primary_index(schema),
        Value::Bigint(i64::try_from(table.rows.len()).unwrap_or(i64::MAX)),
        Value::Bigint(compressed),
        Value::Bigint(bytes),
        Value::Numeric(Numeric { unscaled: 2_000_000_000, scale: 9 }),
        Value::Integer(i32::try_from(table.rows.blocks()).unwrap_or(i32::MAX)),
        // Deleted rows are gone at once here, so there is nothing for VACUUM to clean.
        Value::Numeric(Numeric { unscaled: 0, scale: 9 }),
        Value::text(table_type(table)),
        Value::Null,
        Value::Text(Arc::clone(schema.described.ddl.get_or_init(|| Arc::from(ddl(table))))),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::text("YES"),
        Value::text("NO"),
        Value::Null,
    ])
}

fn view_as_table(view: &View, ctx: Facts<'_>) -> Row {
    let mut values = vec![Value::Null; TABLES.len()];
    values[0] = Value::text(ctx.database);
    values[1] = Value::text("public");
    values[2] = Value::Text(view.name.clone());
    values[3] = Value::text("VIEW");
    values[4] = Value::text(ctx.account);
    values[5] = created(view.created_micros, ctx);
    values[15] = Value::text("VIEW");
    values[17] = Value::Text(view.definition.clone());
    values[23] = Value::text("NO");
    values[24] = Value::text("NO");
    values.into()
}

/// Bytes of one value, roughly.
fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Boolean | DataType::Null => 1,
        DataType::Integer | DataType::Real | DataType::Date => 4,
        DataType::Bigint | DataType::Double | DataType::Timestamp | DataType::TimestampTz => 8,
        DataType::Numeric { .. } => 16,
        DataType::Text | DataType::Bytea | DataType::Array(_) => 24,
        DataType::Geography | DataType::Json => 24,
        DataType::Struct(of) => of.fields.iter().map(|field| width(&field.data_type)).sum(),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// The statement that would create the table as it is now.
pub(super) fn ddl(table: &Table) -> String {
    let schema = &table.schema;
    let extras = &schema.extras;
    let mut text = format!("CREATE {} TABLE \"{}\" (", table_type(table), schema.name);
    for (index, column) in schema.columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let null = if column.nullable { "NULL" } else { "NOT NULL" };
        text.push_str(&format!("{comma}\"{}\" {} {null}", column.name, column.data_type));
        if let Some(default) = schema.default_of(index) {
            text.push_str(&format!(" DEFAULT {}", default.text));
        }
        if extras.unique.contains(&*column.name) {
            text.push_str(" UNIQUE");
        }
    }
    text.push(')');
    if !schema.primary_index.is_empty() {
        text.push_str(&format!(" PRIMARY INDEX {}", quoted(&schema.primary_index)));
    }
    if !extras.partition_by.is_empty() {
        text.push_str(&format!(" PARTITION BY {}", extras.partition_by.join(", ")));
    }
    if let Some(rows) = extras.index_granularity {
        text.push_str(&format!(" WITH (index_granularity = {rows})"));
    }
    text
}

pub(super) fn columns(catalog: &Catalog, ctx: Facts<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in catalog.tables.values() {
        let schema = &table.schema;
        let described = schema
            .described
            .columns
            .get_or_init(|| describe(&schema.name, &schema.columns, Some(schema), ctx.database));
        rows.extend(described.iter().cloned());
    }
    for view in catalog.views() {
        rows.extend(describe(&view.name, &view.columns, None, ctx.database));
    }
    rows
}

fn describe(
    name: &std::sync::Arc<str>,
    columns: &[Column],
    schema: Option<&Schema>,
    database: &str,
) -> Vec<Row> {
    let yes_no = |yes: bool| Value::text(if yes { "YES" } else { "NO" });
    let mut rows = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let (precision, scale) = match column.data_type {
            DataType::Numeric { precision, scale } => {
                (Value::Integer(i32::from(precision)), Value::Integer(i32::from(scale)))
            }
            _ => (Value::Null, Value::Null),
        };
        let default = schema.and_then(|schema| schema.default_of(index));
        let partitions =
            schema.is_some_and(|schema| schema.extras.partition_columns.contains(&*column.name));
        let indexed = schema
            .is_some_and(|schema| schema.primary_index.iter().any(|name| **name == *column.name));
        let mut values = vec![Value::Null; COLUMNS.len()];
        values[0] = Value::text(database);
        values[1] = Value::text("public");
        values[2] = Value::Text(name.clone());
        values[3] = Value::text(&column.name);
        values[4] = Value::Integer(i32::try_from(index + 1).unwrap_or(i32::MAX));
        values[5] = default.map_or(Value::Null, |default| Value::text(&default.text));
        values[6] = yes_no(column.nullable);
        values[7] = Value::text(&column.data_type.to_string());
        values[8] = yes_no(partitions);
        values[9] = yes_no(indexed);
        values[12] = precision;
        values[14] = scale;
        rows.push(values.into());
    }
    rows
}

pub(super) fn views(catalog: &Catalog, ctx: Facts<'_>) -> Vec<Row> {
    let no = || Value::text("NO");
    let row = |view: &View| {
        Row::from([
            Value::text(ctx.database),
            Value::text("public"),
            Value::Text(view.name.clone()),
            Value::Text(view.definition.clone()),
            Value::Null,
            no(),
            no(),
            no(),
            no(),
            no(),
            created(view.created_micros, ctx),
            Value::text(ctx.account),
            Value::Null,
            Value::Null,
        ])
    };
    catalog.views().map(row).collect()
}

pub(super) fn indexes(catalog: &Catalog, ctx: Facts<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in catalog.tables.values() {
        let schema = &table.schema;
        let row = |name: Value, kind: &str, definition: String| {
            Row::from([
                Value::text(ctx.database),
                Value::text("public"),
                Value::Text(schema.name.clone()),
                name,
                Value::text(kind),
                owner(schema, ctx),
                Value::text(&definition),
                Value::Null,
                Value::Null,
                Value::Null,
                created(schema.created_micros, ctx),
            ])
        };
        if !schema.primary_index.is_empty() {
            let definition = format!("({})", quoted(&schema.primary_index));
            rows.push(row(Value::Null, "primary", definition));
        }
        for (name, definition) in &schema.extras.aggregating {
            rows.push(row(Value::text(name), "aggregating", format!("({definition})")));
        }
    }
    rows
}
