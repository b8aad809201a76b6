//! SHOW TABLES, VIEWS, COLUMNS, DATABASES, ENGINES, INDEXES, and DESCRIBE: the catalogue in the
//! shapes that people read it in (S19, metadata commands).

use super::bind::Binder;
use super::catalog::Shape;
use super::catalog_account::{CATALOGS, ENGINES, catalogs, engines};
use super::catalog_tables::{self, INDEXES, VIEWS, indexes, views};
use super::context::Facts;
use super::definition::{Name, Shown};
use super::error::SqlError;
use crate::mvcc::{Catalog, Table};
use crate::value::{Column, DataType, ResultSet, Row, Value};

const TABLES: Shape = &[
    ("table_name", DataType::Text),
    ("state", DataType::Text),
    ("table_type", DataType::Text),
    ("column_count", DataType::Integer),
    ("primary_index", DataType::Text),
    ("schema", DataType::Text),
    ("number_of_rows", DataType::Bigint),
    ("size", DataType::Double),
    ("size_uncompressed", DataType::Double),
    ("compression_ratio", DataType::Double),
    ("number_of_tablets", DataType::Integer),
];

const COLUMNS: Shape = &[
    ("table_name", DataType::Text),
    ("column_name", DataType::Text),
    ("data_type", DataType::Text),
    ("nullable", DataType::Boolean),
];

/// Runs SHOW or DESCRIBE.
pub(super) fn run(
    shown: &Shown,
    catalog: &Catalog,
    facts: Facts<'_>,
) -> Result<ResultSet, SqlError> {
    let (shape, rows) = match shown {
        Shown::Tables => (TABLES, catalog.tables.values().map(|table| table_row(table)).collect()),
        Shown::Columns(name) => (COLUMNS, columns(name, catalog, facts)?),
        Shown::Views => (VIEWS, views(catalog, facts)),
        Shown::Indexes => (INDEXES, indexes(catalog, facts)),
        Shown::Databases => (CATALOGS, catalogs(catalog, facts)),
        Shown::Engines => (ENGINES, engines(catalog, facts)),
    };
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).into(),
        data_type: data_type.clone(),
        nullable: true,
    };
    Ok(ResultSet { columns: shape.iter().map(column).collect(), rows })
}

fn table_row(table: &Table) -> Row {
    let schema = &table.schema;
    let count = |count: usize| Value::Integer(i32::try_from(count).unwrap_or(i32::MAX));
    let (compressed, bytes) = catalog_tables::sizes(table);
    #[expect(clippy::cast_precision_loss, reason = "sizes are estimates")]
    let (compressed, bytes) = (compressed as f64, bytes as f64);
    Row::from([
        Value::Text(schema.name.clone()),
        Value::text("Valid"),
        Value::text(catalog_tables::table_type(table)),
        count(schema.columns.len()),
        catalog_tables::primary_index(schema),
        Value::text(&catalog_tables::ddl(table)),
        Value::Bigint(i64::try_from(table.rows.len()).unwrap_or(i64::MAX)),
        Value::Double(compressed),
        Value::Double(bytes),
        Value::Double(2.0),
        count(table.rows.blocks()),
    ])
}

fn columns(name: &Name, catalog: &Catalog, facts: Facts<'_>) -> Result<Vec<Row>, SqlError> {
    let binder = Binder::new(catalog, facts);
    let own = binder.table_name(name)?;
    let (relation, columns) = match catalog.view(&own) {
        Some(view) => (view.name.clone(), view.columns.clone()),
        None => {
            let table = binder.table(name)?;
            (table.schema.name.clone(), table.schema.columns.clone())
        }
    };
    let row = |column: &Column| {
        Row::from([
            Value::Text(relation.clone()),
            Value::text(&column.name),
            Value::text(&column.data_type.to_string()),
            Value::Boolean(column.nullable),
        ])
    };
    Ok(columns.iter().map(row).collect())
}
