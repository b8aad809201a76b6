//! Binding of predicates: IS, BETWEEN, IN, LIKE.

use sqlparser::ast::{self, BinaryOperator, Spanned};

use super::bind::{Binder, boolean};
use super::bind_compare::comparable;
use super::cast::CastLevel;
use super::coerce::{pair, unify};
use super::error::SqlError;
use super::expr::{Comparison, Expr, bad_pattern};
use super::like::Pattern;
use super::plan::Plan;
use super::scope::{Scope, Typed};
use crate::value::{DataType, Value};

impl<'b> Binder<'b> {
    pub(super) fn is_null(
        &self,
        operand: &'b ast::Expr,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let operand = Box::new(self.expr(operand, scope)?.expr);
        Ok(boolean(Expr::IsNull { operand, negated }, false))
    }

    pub(super) fn is_truth(
        &self,
        operand: &'b ast::Expr,
        truth: bool,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let operand = Box::new(self.condition(operand, scope)?);
        Ok(boolean(Expr::IsTruth { operand, truth, negated }, false))
    }

    pub(super) fn distinct(
        &self,
        left: &'b ast::Expr,
        right: &'b ast::Expr,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let (a, b) = (self.expr(left, scope)?, self.expr(right, scope)?);
        let (a, b) = pair(a, b, &BinaryOperator::Eq).map_err(|error| error.at(left.span()))?;
        let (left, right) = (Box::new(a.expr), Box::new(b.expr));
        Ok(boolean(Expr::Distinct { left, right, negated }, false))
    }

    pub(super) fn between(
        &self,
        operand: &'b ast::Expr,
        low: &'b ast::Expr,
        high: &'b ast::Expr,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let operand = self.expr(operand, scope)?;
        let bound = |bound: &'b ast::Expr, comparison, op| {
            let limit = self.expr(bound, scope)?;
            let (a, b) = pair(operand.clone(), limit, &op).map_err(|e| e.at(bound.span()))?;
            Ok::<_, SqlError>(Expr::Compare(comparison, Box::new(a.expr), Box::new(b.expr)))
        };
        let both = Expr::And(vec![
            bound(low, Comparison::GreaterOrEqual, BinaryOperator::GtEq)?,
            bound(high, Comparison::LessOrEqual, BinaryOperator::LtEq)?,
        ]);
        Ok(boolean(if negated { Expr::Not(Box::new(both)) } else { both }, true))
    }

    pub(super) fn membership(
        &self,
        operand: &'b ast::Expr,
        target: &'b ast::InTarget,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        match target {
            ast::InTarget::List(list) => self.in_list(operand, list, negated, scope),
            ast::InTarget::Subquery(query) => self.in_query(operand, query, negated, scope),
            other => Err(SqlError::unsupported(format!("IN {other}"))),
        }
    }

    fn in_list(
        &self,
        operand: &'b ast::Expr,
        list: &'b [ast::Expr],
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        if let ast::Expr::Tuple(parts) = operand {
            return self.row_in_list(parts, list, negated, scope);
        }
        let mut operand = self.expr(operand, scope)?;
        let mut bound = Vec::with_capacity(list.len());
        for item in list {
            bound.push(self.expr(item, scope)?);
        }
        let mut items = Vec::with_capacity(list.len());
        if of_one_type(&bound) {
            for (item, typed) in list.iter().zip(bound) {
                let (left, right) = pair(operand, typed, &BinaryOperator::Eq)
                    .map_err(|error| error.at(item.span()))?;
                operand = left;
                items.push(right.expr);
            }
        } else {
            bound.push(operand);
            let (exprs, data_type) = unify(bound, "IN")?;
            comparable(&data_type, "IN")?;
            items = exprs;
            let expr = items.pop().unwrap_or(Expr::Constant(Value::Null));
            operand = Typed::new(expr, data_type, true);
        }
        let operand = Box::new(operand.expr);
        if !items.iter().all(Expr::is_constant) {
            return Ok(boolean(Expr::InList { operand, list: items, negated }, true));
        }
        let values = items.into_iter().filter_map(|item| match item {
            Expr::Constant(value) => Some(value),
            _ => None,
        });
        let (nulls, set): (Vec<_>, Vec<_>) = values.partition(Value::is_null);
        let (set, null) = (set.into_iter().collect(), !nulls.is_empty());
        Ok(boolean(Expr::InSet { operand, set, null, negated }, true))
    }

    /// `(a, b) IN ((1, 2), (3, 4))`
    fn row_in_list(
        &self,
        parts: &'b [ast::Expr],
        list: &'b [ast::Expr],
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut rows = Vec::with_capacity(list.len());
        for item in list {
            let ast::Expr::Tuple(row) = item else {
                let text = "a row IN something else than a list of rows";
                return Err(SqlError::unsupported(text).at(item.span()));
            };
            rows.push(self.row_equality(parts, row, Comparison::Equal, scope)?.expr);
        }
        let any = Expr::Or(rows);
        Ok(boolean(if negated { Expr::Not(Box::new(any)) } else { any }, true))
    }

    fn in_query(
        &self,
        operand: &'b ast::Expr,
        query: &'b ast::Query,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let operands = match operand {
            ast::Expr::Tuple(parts) => parts.iter().collect(),
            single => vec![single],
        };
        let (mut query, columns) = self.subquery(query, scope)?;
        if columns.len() != operands.len() {
            let text =
                format!("subquery has {} columns, expected {}", columns.len(), operands.len());
            return Err(SqlError::type_error(text).at(operand.span()));
        }
        let mut bound = Vec::new();
        let mut converted = Vec::new();
        let mut same = true;
        for (at, (part, column)) in operands.into_iter().zip(columns).enumerate() {
            let left = self.expr(part, scope)?;
            let inner = Typed::new(Expr::Column(at), column.clone(), true);
            let (left, right) =
                pair(left, inner, &BinaryOperator::Eq).map_err(|error| error.at(part.span()))?;
            same &= right.data_type == column;
            bound.push(left.expr);
            converted.push(right.expr);
        }
        if !same {
            // The query's columns meet the operands in the operands' types.
            let plan = std::mem::replace(&mut *query.plan, Plan::One);
            *query.plan = Plan::Project(Box::new(plan), converted);
        }
        Ok(boolean(Expr::InQuery { operands: bound, query, negated }, true))
    }

    pub(super) fn like(
        &self,
        operand: &'b ast::Expr,
        pattern: &'b ast::Expr,
        escape: Option<&'b ast::Expr>,
        (fold, negated): (bool, bool),
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let text = |expr: &'b ast::Expr| {
            let typed = self.expr(expr, scope)?;
            self.coerce(typed, &DataType::Text, CastLevel::Implicit)
                .map_err(|error| error.at(expr.span()))
        };
        let escape = match escape {
            None => Some('\\'),
            Some(expr) => match text(expr)?.expr {
                Expr::Constant(Value::Text(text)) if text.chars().count() < 2 => {
                    text.chars().next()
                }
                _ => return Err(SqlError::data("invalid escape string").at(expr.span())),
            },
        };
        let operand = Box::new(text(operand)?.expr);
        let pattern = text(pattern)?.expr;
        let expr = if let Expr::Constant(Value::Text(text)) = &pattern {
            let text = if fold { text.to_ascii_lowercase() } else { text.to_string() };
            let pattern = Pattern::new(&text, escape).ok_or_else(bad_pattern)?;
            Expr::LikeConstant { operand, pattern, fold, negated }
        } else {
            Expr::Like { operand, pattern: Box::new(pattern), escape, fold, negated }
        };
        Ok(boolean(expr, true))
    }
}

/// Whether the items have one type, NULLs aside.
fn of_one_type(items: &[Typed]) -> bool {
    let mut types = items.iter().map(|item| &item.data_type).filter(|t| **t != DataType::Null);
    let first = types.next();
    types.all(|data_type| Some(data_type) == first)
}
