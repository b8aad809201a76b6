//! MERGE: a join of target and source, then at most one action per joined row.
//!
//! It works on one snapshot and does not see its own inserts: two source rows of one new key are
//! inserted twice, and a row without a partner that says "delete" is inserted too, unless a
//! condition prevents it (firebolt-semantics §2). Those are the traps the fake must keep.

use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast::{self, MergeAction, MergeClauseKind, Spanned};

use super::bind::Binder;
use super::bind_table::fields_of;
use super::error::SqlError;
use super::execute::{check_nulls, refused};
use super::expr::{Env, Expr};
use super::insert::{full_row, target_columns};
use super::join::{self, JoinCondition, Partners, concatenate};
use super::plan::project;
use super::scope::Scope;
use super::update::{Assignments, apply, assignments, target};
use crate::mvcc::{Table, Transaction};
use crate::quirks::MergeMultiMatch;
use crate::value::{Row, Value};

#[derive(Debug)]
enum Action {
    Update(Assignments),
    Delete,
    Insert(Vec<Expr>),
    Nothing,
}

#[derive(Debug)]
struct Branch {
    condition: Option<Expr>,
    action: Action,
}

/// Branches by category; each category is tried in order, the first that holds acts.
#[derive(Debug, Default)]
struct Branches {
    /// Over target and source.
    matched: Vec<Branch>,
    /// Over the source.
    not_matched: Vec<Branch>,
    /// Over the target.
    by_source: Vec<Branch>,
}

struct Bound {
    table: Arc<Table>,
    source: Vec<Row>,
    condition: JoinCondition,
    branches: Branches,
}

#[derive(Debug, Default)]
struct Changes {
    deleted: Vec<u64>,
    inserted: Vec<Row>,
}

/// Runs MERGE.
pub(super) fn run<'b>(
    merge: &'b ast::Merge,
    binder: &Binder<'b>,
    txn: &mut Transaction,
    random: &mut dyn FnMut(u64) -> u64,
) -> Result<(), SqlError> {
    let bound = bind(merge, binder)?;
    let mut changes = Changes::default();
    let mut partnered = vec![false; bound.source.len()];
    let env = Env::default();
    let none = bound.table.rows.len() == 0;
    let mut partners = Partners::new(&bound.condition, &bound.source, none, &env)?;
    let mut found = Vec::new();
    for (id, row) in bound.table.rows.iter() {
        partners.of(row, &mut found)?;
        let mut pairs = Vec::new();
        for at in &found {
            partnered[*at] = true;
            pairs.push(concatenate(row, &bound.source[*at]));
        }
        if pairs.is_empty() {
            let action = choose(&bound.branches.by_source, row)?;
            act_on_target(&bound.table, id, row, &[(row.clone(), action)], &mut changes)?;
        } else {
            matched(
                &bound,
                id,
                row,
                pairs,
                binder.ctx.quirks.merge_multi_match,
                random,
                &mut changes,
            )?;
        }
    }
    for (row, _) in bound.source.iter().zip(&partnered).filter(|(_, partnered)| !**partnered) {
        if let Some(Action::Insert(exprs)) = choose(&bound.branches.not_matched, row)? {
            let new = project(exprs, row, &env)?;
            check_nulls(&bound.table.schema.columns, &new, "MERGE")?;
            changes.inserted.push(new);
        }
    }
    let name = &bound.table.schema.name;
    txn.write_rows(name, &changes.deleted, changes.inserted).map_err(|error| refused(error, name))
}

fn matched(
    bound: &Bound,
    id: u64,
    row: &Row,
    pairs: Vec<Row>,
    rule: MergeMultiMatch,
    random: &mut dyn FnMut(u64) -> u64,
    changes: &mut Changes,
) -> Result<(), SqlError> {
    let mut actions = Vec::new();
    for pair in pairs {
        let action = choose(&bound.branches.matched, &pair)?;
        actions.push((pair, action));
    }
    let changing =
        |action: &Option<&Action>| matches!(action, Some(Action::Update(_) | Action::Delete));
    let count = actions.iter().filter(|(_, action)| changing(action)).count();
    match rule {
        MergeMultiMatch::Error if count > 1 => {
            return Err(SqlError::data("MERGE command cannot affect row a second time"));
        }
        MergeMultiMatch::Arbitrary if actions.len() > 1 => {
            let picked = random(actions.len() as u64) as usize % actions.len();
            actions = vec![actions.swap_remove(picked)];
        }
        _ => {}
    }
    act_on_target(&bound.table, id, row, &actions, changes)
}

fn act_on_target(
    table: &Table,
    id: u64,
    row: &Row,
    actions: &[(Row, Option<&Action>)],
    changes: &mut Changes,
) -> Result<(), SqlError> {
    let mut gone = false;
    for (seen, action) in actions {
        match action {
            Some(Action::Update(list)) => {
                gone = true;
                changes.inserted.push(apply(table, row, seen, list, "MERGE")?);
            }
            Some(Action::Delete) => gone = true,
            Some(Action::Insert(_) | Action::Nothing) | None => {}
        }
    }
    if gone {
        changes.deleted.push(id);
    }
    Ok(())
}

fn choose<'a>(branches: &'a [Branch], row: &[Value]) -> Result<Option<&'a Action>, SqlError> {
    let env = Env::default();
    for branch in branches {
        let holds = match &branch.condition {
            Some(condition) => condition.test(row, &env)? == Some(true),
            None => true,
        };
        if holds {
            return Ok(Some(&branch.action));
        }
    }
    Ok(None)
}

fn bind<'b>(merge: &'b ast::Merge, binder: &Binder<'b>) -> Result<Bound, SqlError> {
    let ast::Merge {
        merge_token: _,
        optimizer_hints,
        into: true,
        table,
        source,
        on,
        clauses,
        output: None,
    } = merge
    else {
        return Err(SqlError::unsupported("this form of MERGE"));
    };
    if !optimizer_hints.is_empty() || clauses.is_empty() {
        return Err(SqlError::unsupported("this form of MERGE"));
    }
    let (table, called) = target(binder, table)?;
    let source = binder.table_factor(source, None)?;
    let target_fields = fields_of(&table.schema.columns, &called);
    let width = target_fields.len();
    let both = target_fields.iter().chain(&source.fields).cloned().collect();
    let target_scope = Scope::new(Rc::new(target_fields), None);
    let source_scope = Scope::new(Rc::new(source.fields), None);
    let both = Scope::new(Rc::new(both), None);
    let on = binder.condition(on, &both)?;
    let (mut condition, sided) = join::split(Some(on), width);
    // One-sided conditions decide what matches; they must not hide rows from the other branches.
    condition.put_back(sided.left, sided.right, width);
    let mut branches = Branches::default();
    for clause in clauses {
        let (list, scope) = match clause.clause_kind {
            MergeClauseKind::Matched => (&mut branches.matched, &both),
            MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => {
                (&mut branches.not_matched, &source_scope)
            }
            MergeClauseKind::NotMatchedBySource => (&mut branches.by_source, &target_scope),
        };
        list.push(bind_branch(clause, binder, &table, scope)?);
    }
    let source = source.plan.run(&Env::default())?;
    Ok(Bound { table, source, condition, branches })
}

fn bind_branch<'b>(
    clause: &'b ast::MergeClause,
    binder: &Binder<'b>,
    table: &Table,
    scope: &Scope<'_>,
) -> Result<Branch, SqlError> {
    let condition = match &clause.predicate {
        Some(predicate) => Some(binder.condition(predicate, scope)?),
        None => None,
    };
    let action = match &clause.action {
        MergeAction::Delete { .. } => Action::Delete,
        MergeAction::DoNothing { .. } => Action::Nothing,
        MergeAction::Update(ast::MergeUpdateExpr {
            update_token: _,
            kind: ast::MergeUpdateKind::Set(list),
            update_predicate: None,
            delete_predicate: None,
        }) => Action::Update(assignments(binder, list, table, scope)?),
        MergeAction::Insert(ast::MergeInsertExpr {
            insert_token: _,
            columns,
            kind_token: _,
            kind: ast::MergeInsertKind::Values(values),
            insert_predicate: None,
        }) => {
            let [row] = values.rows.as_slice() else {
                return Err(SqlError::unsupported("MERGE … INSERT of several rows"));
            };
            let targets = target_columns(table, columns)?;
            let mut bound = Vec::new();
            for expr in &row.content {
                bound.push((binder.expr(expr, scope)?, Some(expr.span())));
            }
            Action::Insert(full_row(binder, table, &targets, bound)?)
        }
        other => return Err(SqlError::unsupported(format!("{other} in MERGE"))),
    };
    Ok(Branch { condition, action })
}
