//! Binding of joins: which rows stay, what the condition is, and which columns USING merges.
//!
//! A column that USING or NATURAL merges comes first and once, as PostgreSQL has it; the two it
//! was made of are found by their qualified names only (the service's documentation shows ON
//! alone, so this is PostgreSQL's rule: Firebolt follows its dialect).

use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast::{self, BinaryOperator, JoinConstraint, JoinOperator};

use super::bind::Binder;
use super::bind_table::Relation;
use super::coerce::{pair, unify};
use super::error::SqlError;
use super::expr::{Comparison, Expr};
use super::join::{self, Join, JoinKind};
use super::plan::Plan;
use super::scope::{Field, Outer, Scope, Typed, single_name};

impl<'b> Binder<'b> {
    /// Binds a whole FROM clause; items separated by commas are a cross join.
    pub(super) fn from(
        &self,
        items: &'b [ast::TableWithJoins],
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let mut all: Option<Relation> = None;
        for item in items {
            if let Some(unnested) = self.unnest_item(item, all.as_ref(), outer)? {
                all = Some(unnested);
                continue;
            }
            let next = self.table_with_joins(item, outer)?;
            all = Some(match all {
                None => next,
                Some(left) => {
                    check_names(&left, &next)?;
                    joined(left, next, JoinKind::Inner, None)
                }
            });
        }
        Ok(all.unwrap_or(Relation { plan: Plan::One, fields: Vec::new() }))
    }

    /// Binds a table with everything that is joined to it.
    pub(super) fn table_with_joins(
        &self,
        item: &'b ast::TableWithJoins,
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let mut left = self.table_factor(&item.relation, outer)?;
        for ast::Join { relation, global, join_operator } in &item.joins {
            if *global {
                return Err(SqlError::unsupported("a GLOBAL join"));
            }
            let right = self.table_factor(relation, outer)?;
            check_names(&left, &right)?;
            left = self.join(left, right, join_operator, outer)?;
        }
        Ok(left)
    }

    fn join(
        &self,
        left: Relation,
        right: Relation,
        operator: &'b JoinOperator,
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let (kind, constraint) = match operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
                (JoinKind::Inner, constraint)
            }
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                (JoinKind::Left, constraint)
            }
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                (JoinKind::Right, constraint)
            }
            JoinOperator::FullOuter(constraint) => (JoinKind::Full, constraint),
            JoinOperator::CrossJoin(JoinConstraint::None) => {
                return Ok(joined(left, right, JoinKind::Inner, None));
            }
            JoinOperator::CrossJoin(_) => {
                return Err(SqlError::unsupported("CROSS JOIN with a condition"));
            }
            other => {
                let name = format!("{other:?}");
                let name = name.split(['(', ' ']).next().unwrap_or("this");
                return Err(SqlError::unsupported(format!("a join of the kind {name}")));
            }
        };
        match constraint {
            JoinConstraint::On(expr) => {
                let both = left.fields.iter().chain(&right.fields).cloned().collect();
                let scope = Scope::new(Rc::new(both), outer);
                let condition = self.condition(expr, &scope)?;
                Ok(joined(left, right, kind, Some(condition)))
            }
            JoinConstraint::Using(names) => {
                let names = names.iter().map(|name| Ok(single_name(name)?.into()));
                let names = names.collect::<Result<Vec<Arc<str>>, SqlError>>()?;
                merged(left, right, kind, &names)
            }
            JoinConstraint::Natural => {
                let names = common_names(&left, &right);
                merged(left, right, kind, &names)
            }
            JoinConstraint::UsingAlias(..) => {
                Err(SqlError::unsupported("an alias of the columns of USING"))
            }
            JoinConstraint::None => Err(SqlError::unsupported("a join without ON")),
        }
    }
}

/// Each name of a FROM clause is there once: a column of either could be found by neither.
fn check_names(left: &Relation, right: &Relation) -> Result<(), SqlError> {
    let mut last = None;
    for field in &right.fields {
        let name = field.qualifier.as_deref().filter(|name| !name.is_empty());
        if name.is_none() || name == last {
            continue;
        }
        last = name;
        if left.fields.iter().any(|other| other.qualifier.as_deref() == name) {
            let name = name.unwrap_or_default();
            let text = format!("table name \"{name}\" specified more than once");
            return Err(SqlError::type_error(text));
        }
    }
    Ok(())
}

/// A join of two relations; the condition is over the fields of both.
pub(super) fn joined(
    left: Relation,
    right: Relation,
    kind: JoinKind,
    condition: Option<Expr>,
) -> Relation {
    let left_width = left.fields.len();
    let right_width = right.fields.len();
    let (mut condition, sided) = join::split(condition, left_width);
    let (mut of_left, mut of_right) = (sided.left, sided.right);
    let mut plans = (left.plan, right.plan);
    // An outer join keeps the rows that its condition refuses.
    if !kind.keeps_left() {
        plans.0 = join::restrict(plans.0, std::mem::take(&mut of_left));
    }
    if !kind.keeps_right() {
        plans.1 = join::restrict(plans.1, std::mem::take(&mut of_right));
    }
    condition.put_back(of_left, of_right, left_width);
    let optional = |mut field: Field, optional: bool| {
        field.nullable |= optional;
        field
    };
    let of_left = left.fields.into_iter().map(|field| optional(field, kind.keeps_right()));
    let of_right = right.fields.into_iter().map(|field| optional(field, kind.keeps_left()));
    let fields = of_left.chain(of_right).collect();
    let (left, right) = plans;
    let join = Join { left, right, left_width, right_width, kind, condition };
    Relation { plan: Plan::Join(Box::new(join)), fields }
}

/// Names that both sides offer, in the order of the left one.
fn common_names(left: &Relation, right: &Relation) -> Vec<Arc<str>> {
    let mut names = Vec::new();
    for field in left.fields.iter().filter(|field| !field.merged) {
        let there = right.fields.iter().any(|other| !other.merged && other.name == field.name);
        if there && !names.contains(&field.name) {
            names.push(field.name.clone());
        }
    }
    names
}

/// The one column of that name.
fn common_column(fields: &[Field], name: &str, which: &str) -> Result<usize, SqlError> {
    let mut found = fields.iter().enumerate().filter(|(_, f)| !f.merged && &*f.name == name);
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(at),
        (None, _) => Err(SqlError::not_found(format!(
            "Column '{name}' specified in USING clause does not exist in {which} table."
        ))),
        (Some(_), Some(_)) => Err(SqlError::type_error(format!(
            "Common column name '{name}' appears more than once in {which} table."
        ))),
    }
}

/// A join by equality of columns of one name, each pair of which becomes one column.
fn merged(
    left: Relation,
    right: Relation,
    kind: JoinKind,
    names: &[Arc<str>],
) -> Result<Relation, SqlError> {
    if names.is_empty() {
        return Ok(joined(left, right, kind, None));
    }
    let width = left.fields.len();
    let (mut conditions, mut exprs, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    let mut gone = Vec::new();
    for name in names {
        let a = common_column(&left.fields, name, "left")?;
        let b = common_column(&right.fields, name, "right")?;
        let typed = |at: usize, field: &Field| {
            Typed::new(Expr::Column(at), field.data_type.clone(), field.nullable)
        };
        let sides = [typed(a, &left.fields[a]), typed(width + b, &right.fields[b])];
        let nullable = match kind {
            JoinKind::Inner | JoinKind::Left => sides[0].nullable,
            JoinKind::Right => sides[1].nullable,
            JoinKind::Full => sides[0].nullable || sides[1].nullable,
        };
        let [of_left, of_right] = sides.clone();
        let (of_left, of_right) = pair(of_left, of_right, &BinaryOperator::Eq)?;
        let equal = (Box::new(of_left.expr), Box::new(of_right.expr));
        conditions.push(Expr::Compare(Comparison::Equal, equal.0, equal.1));
        let (sides, data_type) = unify(sides.into(), "JOIN … USING")?;
        exprs.push(one_of(kind, sides));
        fields.push(Field {
            qualifier: None,
            name: Arc::clone(name),
            data_type,
            nullable,
            merged: false,
        });
        gone.extend([a, width + b]);
    }
    let whole = joined(left, right, kind, Expr::all(conditions));
    for (at, mut field) in whole.fields.into_iter().enumerate() {
        field.merged |= gone.contains(&at);
        fields.push(field);
        exprs.push(Expr::Column(at));
    }
    Ok(Relation { plan: Plan::Project(Box::new(whole.plan), exprs), fields })
}

/// The merged column: the side that always has a row, or whichever has one.
fn one_of(kind: JoinKind, sides: Vec<Expr>) -> Expr {
    let mut sides = sides.into_iter();
    let null = || Expr::Constant(crate::value::Value::Null);
    let (left, right) = (sides.next().unwrap_or_else(null), sides.next().unwrap_or_else(null));
    match kind {
        JoinKind::Inner | JoinKind::Left => left,
        JoinKind::Right => right,
        JoinKind::Full => {
            let missing = Expr::IsNull { operand: Box::new(left.clone()), negated: false };
            Expr::Case { branches: vec![(missing, right)], otherwise: Box::new(left) }
        }
    }
}
