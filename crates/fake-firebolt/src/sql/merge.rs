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
use super::column_default::is_default;
use super::error::SqlError;
use super::execute::{check_nulls, refused};
use super::expr::{Env, Expr};
use super::insert::{full_row, target_columns, wrong_width};
use super::join::{self, JoinCondition, Partners};
use super::meter;
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
    let env = Env::default();
    let rows = &bound.table.rows;
    let mut partners = Partners::new(&bound.condition, &bound.source, rows.len() == 0, &env)?;
    let mut partnered = vec![false; bound.source.len()];
    let mut action = TargetAction {
        bound: &bound,
        rule: binder.ctx.quirks.merge_multi_match,
        random,
        pair: Vec::new(),
        changes: Changes::default(),
    };
    let mut found = Vec::new();
    let mut left = rows.iter();
    let mut batch = Vec::with_capacity(join::AHEAD);
    loop {
        batch.clear();
        batch.extend(left.by_ref().take(join::AHEAD));
        if batch.is_empty() {
            break;
        }
        partners.announce(batch.iter().map(|(_, row)| *row));
        for &(id, row) in &batch {
            partners.of(row, &mut found)?;
            if found.is_empty() {
                action.on_lonely(id, row)?;
            } else {
                found.iter().for_each(|at| partnered[*at] = true);
                action.on_matched(id, row, &found)?;
            }
        }
    }
    let mut changes = action.changes;
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

/// What becomes of the rows of the target, one after the other.
struct TargetAction<'m> {
    bound: &'m Bound,
    rule: MergeMultiMatch,
    random: &'m mut dyn FnMut(u64) -> u64,
    /// The row of the target with one of its partners behind it.
    pair: Vec<Value>,
    changes: Changes,
}

impl TargetAction<'_> {
    /// No row of the source matches.
    fn on_lonely(&mut self, id: u64, row: &Row) -> Result<(), SqlError> {
        let Bound { table, branches, .. } = self.bound;
        match choose(&branches.by_source, row)? {
            Some(Action::Update(list)) => {
                self.changes.inserted.push(apply(table, row, row, list, "MERGE")?);
                self.changes.deleted.push(id);
            }
            Some(Action::Delete) => self.changes.deleted.push(id),
            Some(Action::Insert(_) | Action::Nothing) | None => {}
        }
        Ok(())
    }

    /// One row of the source matches, or several.
    fn on_matched(&mut self, id: u64, row: &Row, found: &[usize]) -> Result<(), SqlError> {
        let Bound { table, source, branches, .. } = self.bound;
        let picked;
        let mut acting = found;
        if self.rule == MergeMultiMatch::Arbitrary && found.len() > 1 {
            picked = [found[(self.random)(found.len() as u64) as usize % found.len()]];
            acting = &picked;
        }
        if acting.len() > 1 {
            meter::made(acting.len(), row.len())?;
        }
        let mut changed = 0;
        for at in acting {
            self.pair.clear();
            self.pair.extend(row.iter().chain(source[*at].iter()).cloned());
            let new = match choose(&branches.matched, &self.pair)? {
                Some(Action::Update(list)) => Some(apply(table, row, &self.pair, list, "MERGE")?),
                Some(Action::Delete) => None,
                Some(Action::Insert(_) | Action::Nothing) | None => continue,
            };
            changed += 1;
            if changed > 1 && self.rule == MergeMultiMatch::Error {
                return Err(SqlError::data("MERGE command cannot affect row a second time"));
            }
            self.changes.inserted.extend(new);
        }
        if changed > 0 {
            self.changes.deleted.push(id);
        }
        Ok(())
    }
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
        if list.iter().any(|branch| branch.condition.is_none()) {
            let text = "unreachable WHEN clause specified after unconditional WHEN clause";
            return Err(SqlError::type_error(text));
        }
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
            if row.content.len() != targets.len() {
                return Err(wrong_width(row.content.len(), targets.len()));
            }
            let (mut places, mut bound) = (Vec::new(), Vec::new());
            for (expr, place) in row.content.iter().zip(&targets) {
                // A column that is said to be DEFAULT is one that is not listed.
                if !is_default(expr) {
                    bound.push((binder.expr(expr, scope)?, Some(expr.span())));
                    places.push(*place);
                }
            }
            Action::Insert(full_row(binder, table, &places, bound)?)
        }
        other => return Err(SqlError::unsupported(format!("{other} in MERGE"))),
    };
    Ok(Branch { condition, action })
}
