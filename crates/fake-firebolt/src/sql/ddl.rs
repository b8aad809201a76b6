//! CREATE TABLE, CREATE TABLE AS, DROP TABLE.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast;
use sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;

use super::bind::Binder;
use super::bind_compare::comparable;
use super::bind_table::fields_of;
use super::column_default;
use super::error::{SqlError, SqlErrorKind};
use super::execute::refused;
use super::expr::Env;
use super::insert::column_index;
use super::scope::{Scope, fold, name_parts};
use super::table_clauses::TableClauses;
use super::type_name;
use super::view::drop_readers;
use crate::mvcc::{Catalog, ColumnDefault, Extras, Schema, Transaction, WriteError};
use crate::value::{Column, Row};

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
    // Written out, both begin alike and part where the clause stands.
    let (shown, understood) = (shown.to_string(), understood.to_string());
    let alike = shown.chars().zip(understood.chars()).take_while(|(a, b)| a == b).count();
    let clause: String = shown.chars().skip(alike).take(60).collect();
    // A constraint stands in the list of columns, whose end is no part of it.
    let unbalanced = clause.matches(')').count() > clause.matches('(').count();
    let clause = clause.strip_suffix(')').filter(|_| unbalanced).unwrap_or(&clause);
    let text = format!("a clause of CREATE TABLE {}: {}", create.name, clause.trim());
    Err(SqlError::unsupported(text))
}

/// A column as its definition declares it.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) column: Column,
    pub(super) default: Option<ColumnDefault>,
    pub(super) unique: bool,
}

/// Reads a column definition.
pub(super) fn column<'b>(
    definition: &'b ast::ColumnDef,
    binder: &Binder<'b>,
) -> Result<Declared, SqlError> {
    // NULL unless said otherwise: the documentation contradicts itself, practice does not
    // (firebolt-semantics §5).
    let mut nullable = true;
    let (mut default, mut unique) = (None, false);
    for option in &definition.options {
        match &option.option {
            ast::ColumnOption::Null => nullable = true,
            ast::ColumnOption::NotNull => nullable = false,
            ast::ColumnOption::Default(expr) => default = Some(expr),
            ast::ColumnOption::Unique(constraint) if is_bare(constraint) => unique = true,
            other => return Err(SqlError::unsupported(format!("the column option {other}"))),
        }
    }
    let data_type = type_name::resolve(&definition.data_type)?;
    let column = Column { name: fold(&definition.name).as_ref().into(), data_type, nullable };
    let default = match default {
        Some(expr) => Some(column_default::read(expr, &column, binder)?),
        None => None,
    };
    Ok(Declared { column, default, unique })
}

/// UNIQUE without a name, a list of columns, or an index of some kind.
fn is_bare(constraint: &ast::UniqueConstraint) -> bool {
    constraint.to_string().eq_ignore_ascii_case("UNIQUE")
        || constraint.to_string().eq_ignore_ascii_case("UNIQUE ()")
}

/// Characters of an identifier (firebolt-semantics §7).
const NAME_MAX: usize = 255;

/// Refuses a name that nothing can have.
pub(super) fn check_name(name: &str) -> Result<(), SqlError> {
    match name.chars().count() {
        1..=NAME_MAX => Ok(()),
        0 => Err(SqlError::new(SqlErrorKind::Syntax, "an identifier must not be empty")),
        long => {
            let start: String = name.chars().take(20).collect();
            let text =
                format!("identifier \"{start}…\" has {long} characters, more than {NAME_MAX}");
            Err(SqlError::new(SqlErrorKind::Syntax, text))
        }
    }
}

fn check_names(columns: &[Column]) -> Result<(), SqlError> {
    for (index, column) in columns.iter().enumerate() {
        check_name(&column.name)?;
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
    clauses: Option<&'b TableClauses>,
    binder: &Binder<'b>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let name = binder.table_name(&name_parts(&create.name)?)?;
    if binder.view.table(&name).is_some() || binder.view.view(&name).is_some() {
        if create.if_not_exists {
            return Ok(());
        }
        return Err(refused(WriteError::TableExists, &name));
    }
    check_name(&name)?;
    let mut extras = Extras::default();
    let (mut columns, rows) = match &create.query {
        None => (declared(&create.columns, &mut extras, binder)?, Vec::new()),
        Some(_) if !create.columns.is_empty() => {
            return Err(SqlError::unsupported("CREATE TABLE with column types and AS"));
        }
        Some(query) => selected(query, binder)?,
    };
    let Some(clauses) = clauses else {
        check_names(&columns)?;
        return define(&name, columns, Vec::new(), extras, rows, binder, txn);
    };
    if !clauses.names.is_empty() {
        if clauses.names.len() != columns.len() {
            let (names, found) = (clauses.names.len(), columns.len());
            let text = format!("table \"{name}\" has {names} names for {found} columns");
            return Err(SqlError::type_error(text));
        }
        for (column, name) in columns.iter_mut().zip(&clauses.names) {
            column.name = name.as_str().into();
        }
    }
    check_names(&columns)?;
    let may_be_null = create.query.is_some();
    for indexed in &clauses.primary_index {
        let index = column_index(&columns, indexed)?;
        if columns[index].nullable && !may_be_null {
            let text = format!("nullable column {indexed} can't be part of the primary index");
            return Err(SqlError::type_error(text));
        }
        comparable(&columns[index].data_type, "a primary index")?;
        if columns[index].data_type.has_struct() {
            return Err(SqlError::unsupported(format!("the STRUCT {indexed} in a primary index")));
        }
    }
    extras.is_dimension = clauses.is_dimension;
    extras.index_granularity = clauses.index_granularity;
    extras.partition_by = clauses.partition_by.iter().map(ToString::to_string).collect();
    extras.partition_columns = partition_columns(&clauses.partition_by, &columns, &name, binder)?;
    let is_struct = |column: &&Column| {
        column.data_type.has_struct() && extras.partition_columns.contains(&*column.name)
    };
    if let Some(column) = columns.iter().find(is_struct) {
        // The vendor's page on STRUCT.
        let text = format!("partitioning on the struct column {} is not supported", column.name);
        return Err(SqlError::type_error(text));
    }
    for column in columns.iter().filter(|c| extras.partition_columns.contains(&*c.name)) {
        comparable(&column.data_type, "PARTITION BY")?;
    }
    let null =
        |column: &&Column| column.nullable && extras.partition_columns.contains(&*column.name);
    if let Some(column) = columns.iter().find(null).filter(|_| !may_be_null) {
        let text = format!("nullable column {} can't be part of the partition key", column.name);
        return Err(SqlError::type_error(text));
    }
    define(&name, columns, clauses.primary_index.clone(), extras, rows, binder, txn)
}

fn define(
    name: &str,
    columns: Vec<Column>,
    primary_index: Vec<String>,
    extras: Extras,
    rows: Vec<Row>,
    binder: &Binder<'_>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let mut schema = Schema::new(name, columns, binder.ctx.now_micros);
    schema.primary_index = primary_index;
    if extras != *schema.extras {
        schema.extras = Arc::new(extras);
    }
    txn.define_table(schema, rows).map_err(|error| refused(error, name))
}

fn declared<'b>(
    definitions: &'b [ast::ColumnDef],
    extras: &mut Extras,
    binder: &Binder<'b>,
) -> Result<Vec<Column>, SqlError> {
    let mut columns = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let declared = column(definition, binder)?;
        let name = &declared.column.name;
        if let Some(default) = declared.default {
            extras.defaults.insert(name.to_string(), default);
        }
        if declared.unique {
            extras.unique.insert(name.to_string());
        }
        columns.push(declared.column);
    }
    Ok(columns)
}

/// The columns that the expressions of PARTITION BY look at: those without which they do not bind.
fn partition_columns<'b>(
    exprs: &'b [ast::Expr],
    columns: &[Column],
    name: &str,
    binder: &Binder<'b>,
) -> Result<BTreeSet<String>, SqlError> {
    let fields = fields_of(columns, name);
    let mut used = BTreeSet::new();
    for expr in exprs {
        binder.expr(expr, &Scope::new(Rc::new(fields.clone()), None))?;
        for column in columns {
            let others = fields.iter().filter(|field| field.name != column.name);
            let scope = Scope::new(Rc::new(others.cloned().collect()), None);
            if binder.expr(expr, &scope).is_err() {
                used.insert(column.name.to_string());
            }
        }
    }
    Ok(used)
}

fn selected<'b>(
    query: &'b ast::Query,
    binder: &Binder<'b>,
) -> Result<(Vec<Column>, Vec<Row>), SqlError> {
    let relation = binder.query(query, None)?;
    let columns = relation.fields.iter().map(|field| Column {
        name: field.name.clone(),
        data_type: field.data_type.stored(),
        nullable: field.nullable,
    });
    let columns = columns.collect();
    let rows = relation.plan.run(&Env::default())?;
    Ok((columns, rows))
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
        cascade,
        restrict: false,
        purge: false,
        temporary: false,
        table: None,
    } = statement
    else {
        let text = statement.to_string();
        let words: Vec<_> = text.split_whitespace().take(2).collect();
        return Err(SqlError::unsupported(format!("this form of {}", words.join(" "))));
    };
    let [name] = names.as_slice() else {
        return Err(SqlError::unsupported("DROP TABLE of several tables"));
    };
    let name = binder.table_name(&name_parts(name)?)?;
    if binder.view.table(&name).is_none() {
        // A view of that name is passed over too: dbt drops each model as both.
        return if *if_exists { Ok(()) } else { Err(SqlError::no_relation(&name)) };
    }
    let indexes = binder.view.table(&name).map(|table| &table.schema.extras.aggregating);
    if let Some((index, _)) = indexes.and_then(|indexes| indexes.first()).filter(|_| !cascade) {
        let text = format!(
            "cannot drop table \"{name}\" because other objects depend on it: index \"{index}\""
        );
        return Err(SqlError::new(SqlErrorKind::Data, text));
    }
    drop_table(&name, *cascade, binder.view, txn)
}

/// Drops a table with its indexes, and with CASCADE the views over it.
pub(super) fn drop_table(
    name: &str,
    cascade: bool,
    catalog: &Catalog,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    drop_readers(&format!("table \"{name}\""), name, cascade, catalog, txn)?;
    txn.drop_table(name).map_err(|error| refused(error, name))
}
