//! UPDATE, with FROM or without, and SET lists, which MERGE shares.

use std::rc::Rc;

use sqlparser::ast::{self, Spanned, TableFactor};

use super::bind::Binder;
use super::bind_table::fields_of;
use super::column_default::{is_default, missing};
use super::error::{SqlError, SqlErrorKind};
use super::execute::{check_nulls, refused};
use super::expr::{Env, Expr};
use super::insert::{assign, column_index};
use super::paired::{Paired, Pairs};
use super::scope::{Scope, fold, name_parts, single_name};
use crate::mvcc::{Table, Transaction};
use crate::quirks::MergeMultiMatch;
use crate::value::{Row, Value};

/// Bound assignments: column and new value.
pub(super) type Assignments = Vec<(usize, Expr)>;

/// Binds a SET list against the columns of `table`.
pub(super) fn assignments<'b>(
    binder: &Binder<'b>,
    list: &'b [ast::Assignment],
    table: &Table,
    scope: &Scope<'_>,
) -> Result<Assignments, SqlError> {
    let columns = &table.schema.columns;
    let mut bound: Assignments = Vec::new();
    for assignment in list {
        let ast::AssignmentTarget::ColumnName(name) = &assignment.target else {
            return Err(SqlError::unsupported("SET of several columns at once"));
        };
        let index = column_index(columns, &single_name(name)?)?;
        if bound.iter().any(|(other, _)| *other == index) {
            let text = format!("column {} is assigned more than once", columns[index].name);
            return Err(SqlError::type_error(text));
        }
        if is_default(&assignment.value) {
            let value = missing(&table.schema, index, binder.ctx.now_micros)?;
            bound.push((index, Expr::Constant(value)));
            continue;
        }
        let typed = binder.expr(&assignment.value, scope)?;
        let span = assignment.value.span();
        bound.push((index, assign(binder, typed, &columns[index], Some(span))?));
    }
    Ok(bound)
}

/// The new version of a row; expressions see `seen`, which begins with the old version.
pub(super) fn apply(
    table: &Table,
    old: &Row,
    seen: &[Value],
    assignments: &Assignments,
    statement: &str,
) -> Result<Row, SqlError> {
    let env = Env::default();
    let mut values = old.to_vec();
    for (index, expr) in assignments {
        values[*index] = expr.eval(seen, &env)?.into_owned();
    }
    let row = Row::from(values);
    check_nulls(&table.schema.columns, &row, statement)?;
    Ok(row)
}

/// The target of UPDATE, DELETE, or MERGE: the table and what it is called in expressions.
pub(super) fn target(
    binder: &Binder<'_>,
    factor: &TableFactor,
) -> Result<(std::sync::Arc<Table>, String), SqlError> {
    let TableFactor::Table { name, alias, args: None, with_hints, version: None, .. } = factor
    else {
        return Err(SqlError::unsupported(format!("{factor} as a target")));
    };
    if !with_hints.is_empty() {
        return Err(SqlError::unsupported(format!("{factor} as a target")));
    }
    let table = binder.table(&name_parts(name)?)?;
    let called = match alias {
        None => table.schema.name.to_string(),
        Some(ast::TableAlias { name, columns, at: None, .. }) if columns.is_empty() => {
            fold(name).into_owned()
        }
        Some(alias) => return Err(SqlError::unsupported(format!("the alias {alias}"))),
    };
    Ok((table, called))
}

/// Runs UPDATE … SET … [FROM …] WHERE.
pub(super) fn run<'b>(
    update: &'b ast::Update,
    binder: &Binder<'b>,
    txn: &mut Transaction,
    random: &mut dyn FnMut(u64) -> u64,
) -> Result<(), SqlError> {
    let ast::Update {
        update_token: _,
        optimizer_hints,
        table,
        on_cluster: None,
        assignments: list,
        from,
        selection,
        returning: None,
        output: None,
        or: None,
        order_by,
        limit: None,
        settings: None,
    } = update
    else {
        return Err(SqlError::unsupported(match (&update.returning, &update.limit) {
            (Some(_), _) => "UPDATE … RETURNING",
            (None, Some(_)) => "UPDATE … LIMIT",
            (None, None) => "this form of UPDATE",
        }));
    };
    if !optimizer_hints.is_empty() || !order_by.is_empty() || !table.joins.is_empty() {
        return Err(SqlError::unsupported("this form of UPDATE"));
    }
    // WHERE is mandatory in the documented grammar (firebolt-semantics, appendix C).
    let Some(selection) = selection else {
        let text = "syntax error, unexpected end of statement, expecting WHERE";
        return Err(SqlError::new(SqlErrorKind::Syntax, text));
    };
    let (table, called) = target(binder, &table.relation)?;
    let (deleted, inserted) = match from {
        None => plain(binder, &table, &called, list, selection)?,
        Some(ast::UpdateTableFromKind::AfterSet(from)) => {
            let pairs = Pairs::bind(binder, &table, &called, from, Some(selection))?;
            let list = assignments(binder, list, &table, &pairs.scope)?;
            let rows = pairs.run()?;
            update_from(&table, &rows, &list, binder.ctx.quirks.update_multi_match, random)?
        }
        Some(ast::UpdateTableFromKind::BeforeSet(_)) => {
            return Err(SqlError::unsupported("UPDATE … FROM … SET"));
        }
    };
    let name = &table.schema.name;
    txn.write_rows(name, &deleted, inserted).map_err(|error| refused(error, name))
}

/// Ids of the old versions, and the new ones.
type Rewritten = (Vec<u64>, Vec<Row>);

fn plain<'b>(
    binder: &Binder<'b>,
    table: &Table,
    called: &str,
    list: &'b [ast::Assignment],
    selection: &'b ast::Expr,
) -> Result<Rewritten, SqlError> {
    let scope = Scope::new(Rc::new(fields_of(&table.schema.columns, called)), None);
    let list = assignments(binder, list, table, &scope)?;
    let condition = binder.condition(selection, &scope)?;
    let env = Env::default();
    let (mut deleted, mut inserted) = (Vec::new(), Vec::new());
    for (id, row) in table.rows.iter() {
        if condition.test(row, &env)? == Some(true) {
            deleted.push(id);
            inserted.push(apply(table, row, row, &list, "UPDATE")?);
        }
    }
    Ok((deleted, inserted))
}

/// Each pair is an update of its target row; more than one for a row is what the documentation
/// forbids without saying what happens (firebolt-semantics §5).
fn update_from(
    table: &Table,
    pairs: &Paired,
    list: &Assignments,
    rule: MergeMultiMatch,
    random: &mut dyn FnMut(u64) -> u64,
) -> Result<Rewritten, SqlError> {
    let width = table.schema.columns.len();
    let (mut deleted, mut inserted) = (Vec::new(), Vec::new());
    for (id, pairs) in pairs {
        let chosen = match (rule, pairs.as_slice()) {
            (MergeMultiMatch::Error, [_, _, ..]) => {
                return Err(SqlError::data(
                    "UPDATE command cannot affect row a second time: FROM must give at most one \
                     row for each row to be updated",
                ));
            }
            (MergeMultiMatch::Arbitrary, several) => {
                let picked = random(several.len() as u64) as usize % several.len();
                &several[picked..=picked]
            }
            (_, all) => all,
        };
        deleted.push(*id);
        for pair in chosen {
            let old: Row = Row::from(&pair[..width]);
            inserted.push(apply(table, &old, pair, list, "UPDATE")?);
        }
    }
    Ok((deleted, inserted))
}
