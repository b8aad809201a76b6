//! CREATE TABLE, CREATE TABLE AS, ALTER TABLE … ADD COLUMN, DROP TABLE.

use sqlparser::ast;
use sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;

use super::bind::Binder;
use super::error::{SqlError, SqlErrorKind};
use super::execute::{check_nulls, refused};
use super::expr::Env;
use super::insert::column_index;
use super::scope::{fold, name_parts};
use super::type_name;
use crate::mvcc::{Transaction, WriteError};
use crate::value::{Column, DataType, Row, Value};

/// Refuses every clause of CREATE TABLE but columns, AS, and IF NOT EXISTS: builds the statement
/// anew from what is understood and compares. Called once, by the parser.
pub(super) fn check_create(create: &mut ast::CreateTable) -> Result<(), SqlError> {
    let (columns, query) = (std::mem::take(&mut create.columns), create.query.take());
    let understood = CreateTableBuilder::new(create.name.clone())
        .if_not_exists(create.if_not_exists)
        .hive_distribution(ast::HiveDistributionStyle::NONE)
        .build();
    let mut shown = create.clone();
    shown.hive_formats.clone_from(&understood.hive_formats);
    let plain = shown == understood;
    (create.columns, create.query) = (columns, query);
    if plain {
        return Ok(());
    }
    Err(SqlError::unsupported(format!("a clause of CREATE TABLE {}", create.name)))
}

fn column(definition: &ast::ColumnDef) -> Result<Column, SqlError> {
    // NULL unless said otherwise: the documentation contradicts itself, practice does not
    // (firebolt-semantics §5).
    let mut nullable = true;
    for option in &definition.options {
        match &option.option {
            ast::ColumnOption::Null => nullable = true,
            ast::ColumnOption::NotNull => nullable = false,
            other => return Err(SqlError::unsupported(format!("the column option {other}"))),
        }
    }
    let data_type = type_name::resolve(&definition.data_type)?;
    Ok(Column { name: fold(&definition.name), data_type, nullable })
}

fn check_names(columns: &[Column]) -> Result<(), SqlError> {
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].iter().any(|other| other.name == column.name) {
            let text = format!("column \"{}\" specified more than once", column.name);
            return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
        }
    }
    if columns.is_empty() {
        return Err(SqlError::unsupported("a table without columns"));
    }
    Ok(())
}

/// Runs CREATE TABLE, with or without AS.
pub(super) fn create<'b>(
    create: &'b ast::CreateTable,
    primary_index: &[String],
    binder: &Binder<'b>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let name = binder.table_name(&name_parts(&create.name)?)?;
    if binder.view.table(&name).is_some() {
        if create.if_not_exists {
            return Ok(());
        }
        return Err(refused(WriteError::TableExists, &name));
    }
    let (columns, rows) = match &create.query {
        None => {
            let columns = create.columns.iter().map(column).collect::<Result<Vec<_>, _>>()?;
            (columns, Vec::new())
        }
        Some(_) if !create.columns.is_empty() => {
            return Err(SqlError::unsupported("CREATE TABLE with columns and AS"));
        }
        Some(query) => selected(query, binder)?,
    };
    check_names(&columns)?;
    for indexed in primary_index {
        let index = column_index(&columns, indexed)?;
        if columns[index].nullable && create.query.is_none() {
            let text = format!("nullable column {indexed} can't be part of the primary index");
            return Err(SqlError::type_error(text));
        }
    }
    txn.create_table(&name, columns, primary_index.to_vec(), binder.ctx.now_micros, rows)
        .map_err(|error| refused(error, &name))
}

fn selected<'b>(
    query: &'b ast::Query,
    binder: &Binder<'b>,
) -> Result<(Vec<Column>, Vec<Row>), SqlError> {
    let relation = binder.query(query, None)?;
    let columns = relation.fields.iter().map(|field| Column {
        name: field.name.clone(),
        data_type: match &field.data_type {
            DataType::Null => DataType::Text,
            other => other.clone(),
        },
        nullable: field.nullable,
    });
    let columns = columns.collect();
    let rows = relation.plan.run(&Env::default())?;
    Ok((columns, rows))
}

/// Runs ALTER TABLE … ADD COLUMN.
pub(super) fn alter(
    alter: &ast::AlterTable,
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let plain = !alter.if_exists
        && !alter.only
        && alter.location.is_none()
        && alter.on_cluster.is_none()
        && alter.table_type.is_none();
    let [
        ast::AlterTableOperation::AddColumn {
            column_keyword: true,
            if_not_exists,
            column_def,
            column_position: None,
        },
    ] = alter.operations.as_slice()
    else {
        return Err(SqlError::unsupported("ALTER TABLE other than ADD COLUMN of one column"));
    };
    if !plain {
        return Err(SqlError::unsupported("this form of ALTER TABLE"));
    }
    let table = binder.table(&name_parts(&alter.name)?)?;
    let column = column(column_def)?;
    let name = &table.schema.name;
    if table.schema.columns.iter().any(|other| other.name == column.name) {
        if *if_not_exists {
            return Ok(());
        }
        let text = format!("column \"{}\" of relation \"{name}\" already exists", column.name);
        return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
    }
    if table.rows.len() > 0 {
        let row = Row::from([Value::Null]);
        check_nulls(std::slice::from_ref(&column), &row, "ALTER TABLE")?;
    }
    txn.add_column(name, column, &Value::Null).map_err(|error| refused(error, name))
}

/// Runs DROP TABLE.
pub(super) fn drop(
    statement: &ast::Statement,
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let ast::Statement::Drop {
        object_type: ast::ObjectType::Table,
        if_exists,
        names,
        cascade: _,
        restrict: false,
        purge: false,
        temporary: false,
        table: None,
    } = statement
    else {
        return Err(SqlError::unsupported("DROP of something else than a table"));
    };
    let [name] = names.as_slice() else {
        return Err(SqlError::unsupported("DROP TABLE of several tables"));
    };
    let name = binder.table_name(&name_parts(name)?)?;
    match txn.drop_table(&name) {
        Err(WriteError::NoTable) if *if_exists => Ok(()),
        other => other.map_err(|error| refused(error, &name)),
    }
}
