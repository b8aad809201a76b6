//! The binder: names to numbers, operands to one type, refusals in Firebolt's words.
//!
//! Every node of sqlparser's tree is either bound or refused by name; there is no arm that lets
//! something through unread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast::{self, BinaryOperator, Spanned, UnaryOperator};

use super::arithmetic::Operator;
use super::bind_struct::named_key;
use super::cast::CastLevel;
use super::coerce::{pair, unify};
use super::context::Facts;
use super::error::SqlError;
use super::expr::{Comparison, Env, Expr, Subquery};
use super::literal::{literal, number, typed_string};
use super::same_expr;
use super::scope::{GroupKey, Outer, Scope, Typed, fold};
use super::type_name;
use super::volatile::Volatile;
use crate::mvcc::Catalog;
use crate::value::{DataType, Value};

/// Expressions nested deeper are refused: each level is a stack frame.
const DEPTH_MAX: usize = 120;

/// A query of WITH.
#[derive(Debug)]
pub(super) struct WithQuery<'b> {
    pub(super) name: String,
    pub(super) cte: &'b ast::Cte,
    /// Whether anything has named it, and so bound it.
    pub(super) used: bool,
}

/// The binder of one statement.
#[derive(Debug)]
pub(super) struct Binder<'b> {
    pub(super) view: &'b Catalog,
    pub(super) ctx: Facts<'b>,
    /// WITH queries in scope, by name; each is bound anew where it is used.
    pub(super) ctes: RefCell<Vec<WithQuery<'b>>>,
    /// Tables and views that FROM has named so far, where somebody wants to know: CREATE VIEW.
    pub(super) reads: RefCell<Option<BTreeSet<Arc<str>>>>,
    pub(super) volatile: RefCell<Volatile<'b>>,
    depth: Cell<usize>,
}

impl<'b> Binder<'b> {
    pub(super) fn new(view: &'b Catalog, ctx: Facts<'b>) -> Self {
        let (ctes, reads) = (RefCell::new(Vec::new()), RefCell::new(None));
        let volatile = RefCell::default();
        Self { view, ctx, ctes, reads, volatile, depth: Cell::new(0) }
    }

    /// Runs `bind` one level deeper.
    pub(super) fn nested<T>(
        &self,
        bind: impl FnOnce() -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        if self.depth.get() >= DEPTH_MAX {
            return Err(SqlError::unsupported(format!("nesting deeper than {DEPTH_MAX}")));
        }
        self.depth.set(self.depth.get() + 1);
        let result = bind();
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// Binds an expression.
    pub(super) fn expr(&self, expr: &'b ast::Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        self.nested(|| {
            if let Some(key) = group_key(expr, scope) {
                return Ok(key);
            }
            self.expr_inner(expr, scope)
        })
    }

    fn expr_inner(&self, expr: &'b ast::Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        match expr {
            ast::Expr::Identifier(name) => {
                scope.resolve(None, &fold(name)).or_else(|error| match reserved(name) {
                    Some(error) => Err(error),
                    None => match named_key(std::slice::from_ref(name), scope) {
                        Some((key, _)) => Ok(key),
                        None => self.whole_row(&fold(name), scope).unwrap_or(Err(error)),
                    },
                })
            }
            ast::Expr::CompoundIdentifier(parts) => self.compound(parts, scope),
            ast::Expr::Value(value) => literal(&value.value),
            ast::Expr::TypedString(typed) => typed_string(typed),
            ast::Expr::Nested(inner) => self.expr(inner, scope),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr, scope),
            ast::Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right, scope),
            ast::Expr::IsNull(operand) => self.is_null(operand, false, scope),
            ast::Expr::IsNotNull(operand) => self.is_null(operand, true, scope),
            ast::Expr::IsTrue(operand) => self.is_truth(operand, true, false, scope),
            ast::Expr::IsNotTrue(operand) => self.is_truth(operand, true, true, scope),
            ast::Expr::IsFalse(operand) => self.is_truth(operand, false, false, scope),
            ast::Expr::IsNotFalse(operand) => self.is_truth(operand, false, true, scope),
            ast::Expr::IsDistinctFrom(a, b) => self.distinct(a, b, false, scope),
            ast::Expr::IsNotDistinctFrom(a, b) => self.distinct(a, b, true, scope),
            ast::Expr::In { expr, target, negated, global: false } => {
                self.membership(expr, target, *negated, scope)
            }
            ast::Expr::Between { expr, negated, low, high } => {
                self.between(expr, low, high, *negated, scope)
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), (false, *negated), scope)
            }
            ast::Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), (true, *negated), scope)
            }
            ast::Expr::Cast { kind, expr, data_type, format: None } => {
                self.cast(kind, expr, data_type, scope)
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            ast::Expr::Exists { subquery, negated } => {
                let (query, _) = self.subquery(subquery, scope)?;
                Ok(boolean(Expr::Exists { query, negated: *negated }, false))
            }
            ast::Expr::Subquery(query) => self.scalar(query, scope),
            _ => self.call_like(expr, scope),
        }
    }

    /// Binds a condition.
    pub(super) fn condition(
        &self,
        expr: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Expr, SqlError> {
        let typed = self.expr(expr, scope)?;
        self.as_condition(typed).map_err(|error| error.at(expr.span()))
    }

    fn as_condition(&self, typed: Typed) -> Result<Expr, SqlError> {
        match typed.data_type {
            DataType::Boolean | DataType::Null => Ok(typed.expr),
            other => {
                let text =
                    format!("argument of a condition must be type boolean, not type {other}");
                Err(SqlError::type_error(text))
            }
        }
    }

    fn unary(
        &self,
        op: UnaryOperator,
        operand: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        match op {
            UnaryOperator::Not => {
                let inner = self.condition(operand, scope)?;
                Ok(boolean(Expr::Not(Box::new(inner)), true))
            }
            UnaryOperator::Plus => self.expr(operand, scope),
            UnaryOperator::Minus => {
                // The literal -2147483648 has no positive counterpart in its type.
                if let ast::Expr::Value(value) = operand
                    && let ast::Value::Number(digits, _) = &value.value
                {
                    return number(&format!("-{digits}"));
                }
                let inner = self.expr(operand, scope)?;
                if Operator::Subtract.result(&inner.data_type).is_none() {
                    let text = format!("operator does not exist: - {}", inner.data_type);
                    return Err(SqlError::type_error(text).at(operand.span()));
                }
                let expr = Expr::Negate(Box::new(inner.expr), inner.data_type.clone());
                Ok(Typed::new(expr, inner.data_type, inner.nullable))
            }
            other => Err(SqlError::unsupported(format!("the operator {other}"))),
        }
    }

    fn binary(
        &self,
        whole: &'b ast::Expr,
        left: &'b ast::Expr,
        op: &BinaryOperator,
        right: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let comparison = match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let mut parts = Vec::new();
                for part in chain(whole, op) {
                    parts.push(self.condition(part, scope)?);
                }
                let and = *op == BinaryOperator::And;
                return Ok(boolean(if and { Expr::And(parts) } else { Expr::Or(parts) }, true));
            }
            BinaryOperator::StringConcat => return self.concat(whole, op, scope),
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            _ => return self.arithmetic(left, op, right, scope),
        };
        if let (ast::Expr::Tuple(left), ast::Expr::Tuple(right)) = (left, right) {
            return self.row_equality(left, right, comparison, scope);
        }
        let (a, b) = (self.expr(left, scope)?, self.expr(right, scope)?);
        let nullable = a.nullable || b.nullable;
        let (a, b) = pair(a, b, op).map_err(|error| error.at(whole.span()))?;
        let expr = Expr::Compare(comparison, Box::new(a.expr), Box::new(b.expr));
        Ok(boolean(expr, nullable))
    }

    /// `(a, b) = (c, d)`
    pub(super) fn row_equality(
        &self,
        left: &'b [ast::Expr],
        right: &'b [ast::Expr],
        comparison: Comparison,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if !equality || left.len() != right.len() {
            return Err(SqlError::unsupported("a comparison of rows other than equality"));
        }
        let mut parts = Vec::new();
        for (left, right) in left.iter().zip(right) {
            let (a, b) = (self.expr(left, scope)?, self.expr(right, scope)?);
            let (a, b) = pair(a, b, &BinaryOperator::Eq)?;
            parts.push(Expr::Compare(comparison, Box::new(a.expr), Box::new(b.expr)));
        }
        // Rows differ if one of their columns does.
        let whole = if comparison == Comparison::Equal { Expr::And } else { Expr::Or };
        Ok(boolean(whole(parts), true))
    }

    fn cast(
        &self,
        kind: &ast::CastKind,
        operand: &'b ast::Expr,
        to: &ast::DataType,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let tries = match kind {
            ast::CastKind::Cast | ast::CastKind::DoubleColon => false,
            ast::CastKind::TryCast => true,
            ast::CastKind::SafeCast => return Err(SqlError::unsupported("SAFE_CAST")),
        };
        let to = type_name::resolve(to)?;
        let typed = self.expr(operand, scope)?;
        if tries {
            return self.try_cast(typed, to).map_err(|error| error.at(operand.span()));
        }
        let mut typed = self
            .coerce(typed, &to, CastLevel::Explicit)
            .map_err(|error| error.at(operand.span()))?;
        typed.literal = false;
        Ok(typed)
    }

    /// What the table does not allow is refused even when tried.
    fn try_cast(&self, typed: Typed, to: DataType) -> Result<Typed, SqlError> {
        if super::cast::level(&typed.data_type, &to).is_none() {
            return Err(super::cast::refused(&typed.data_type, &to));
        }
        let constant = typed.expr.is_constant();
        let mut expr = Expr::TryCast(Box::new((typed.expr, to.clone())));
        if constant {
            expr = Expr::Constant(self::constant(&expr)?);
        }
        Ok(Typed::new(expr, to, true))
    }

    fn case(
        &self,
        operand: Option<&'b ast::Expr>,
        conditions: &'b [ast::CaseWhen],
        otherwise: Option<&'b ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut tests = Vec::new();
        let mut results = Vec::new();
        for when in conditions {
            tests.push(match operand {
                None => self.condition(&when.condition, scope)?,
                Some(operand) => {
                    let a = self.case_operand(operand, conditions.len(), scope)?;
                    let b = self.expr(&when.condition, scope)?;
                    let (a, b) = pair(a, b, &BinaryOperator::Eq)
                        .map_err(|error| error.at(when.condition.span()))?;
                    Expr::Compare(Comparison::Equal, Box::new(a.expr), Box::new(b.expr))
                }
            });
            results.push(self.expr(&when.result, scope)?);
        }
        results.push(match otherwise {
            Some(expr) => self.expr(expr, scope)?,
            None => Typed::new(Expr::Constant(Value::Null), DataType::Null, true),
        });
        let nullable = results.iter().any(|result| result.nullable);
        let (results, data_type) = unify(results, "CASE")?;
        let mut results = results.into_iter();
        let branches = tests.into_iter().zip(results.by_ref()).collect();
        let otherwise = Box::new(results.next().unwrap_or(Expr::Constant(Value::Null)));
        Ok(Typed::new(Expr::Case { branches, otherwise }, data_type, nullable))
    }

    fn scalar(&self, query: &'b ast::Query, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let (subquery, columns) = self.subquery(query, scope)?;
        match columns.as_slice() {
            [only] => Ok(Typed::new(Expr::Scalar(subquery), only.clone(), true)),
            _ => Err(SqlError::type_error("subquery must return only one column").at(query.span())),
        }
    }

    /// Binds a subquery of an expression; also returns its column types.
    pub(super) fn subquery(
        &self,
        query: &'b ast::Query,
        scope: &Scope<'_>,
    ) -> Result<(Subquery, Vec<DataType>), SqlError> {
        let outer = Outer { scope, touched: Cell::new(false) };
        let relation = self.query(query, Some(&outer))?;
        let types = relation.fields.iter().map(|field| field.data_type.clone()).collect();
        Ok((Subquery::new(relation.plan, outer.touched.get()), types))
    }
}

/// Words that are no names: sqlparser reads `SELECT 2 + FROM t` as a column called FROM.
const RESERVED: &[&str] = &[
    "and", "as", "case", "cross", "else", "end", "from", "group", "having", "in", "inner", "into",
    "is", "join", "left", "like", "limit", "not", "on", "or", "order", "select", "set", "then",
    "union", "using", "values", "when", "where", "with",
];

fn reserved(name: &ast::Ident) -> Option<SqlError> {
    let is_word = name.quote_style.is_none() && RESERVED.contains(&&*fold(name));
    is_word.then(|| {
        let text = format!("syntax error, unexpected {}", name.value.to_uppercase());
        SqlError::syntax(name.span.start, text)
    })
}

/// A BOOLEAN expression.
pub(super) fn boolean(expr: Expr, nullable: bool) -> Typed {
    Typed::new(expr, DataType::Boolean, nullable)
}

/// The group key that this expression is, in a grouped query.
fn group_key(expr: &ast::Expr, scope: &Scope<'_>) -> Option<Typed> {
    let grouping = scope.grouping.as_ref()?;
    // Names are compared after resolution, because `id`, `"id"`, and `t.id` are one column; those
    // that no column is at come to the keys by `named_key`.
    if matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)) {
        return None;
    }
    let is_it = |key: &GroupKey<'_>| same_expr::same(key.ast, expr, grouping.input);
    let at = grouping.keys.iter().position(is_it)?;
    let typed = &grouping.keys[at].typed;
    Some(Typed::new(Expr::Column(at), typed.data_type.clone(), typed.nullable))
}

/// Operands of a chain of one associative operator, left to right, without recursion.
pub(super) fn chain<'e>(expr: &'e ast::Expr, operator: &BinaryOperator) -> Vec<&'e ast::Expr> {
    let mut parts = Vec::new();
    let mut rest = expr;
    while let ast::Expr::BinaryOp { left, op, right } = rest
        && op == operator
    {
        parts.push(right.as_ref());
        rest = left;
    }
    parts.push(rest);
    parts.reverse();
    parts
}

/// An expression that looks at no row, as a value.
pub(super) fn constant(expr: &Expr) -> Result<Value, SqlError> {
    Ok(expr.eval(&[], &Env::default())?.into_owned())
}
