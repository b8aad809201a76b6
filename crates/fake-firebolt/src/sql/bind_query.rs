//! Binding of queries: SELECT, set operations, VALUES, WITH, ORDER BY, LIMIT.

use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast::{self, SetExpr, Spanned};

use super::bind::{Binder, WithQuery, constant};
use super::bind_call::sort_key;
use super::bind_compare::{comparable, comparable_rows};
use super::bind_table::Relation;
use super::cast::CastLevel;
use super::coerce::{common_result, unify};
use super::error::SqlError;
use super::expr::Expr;
use super::plan::{Plan, SortKey};
use super::scope::{Field, Outer, Scope, Typed, fold};
use super::set_operation::{SetChain, SetOperator, SetStep};
use crate::value::{DataType, Row, Value};

impl<'b> Binder<'b> {
    /// Binds a query.
    pub(super) fn query(
        &self,
        query: &'b ast::Query,
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        if query.fetch.is_some() {
            return Err(SqlError::unsupported("FETCH (LIMIT is its name)"));
        }
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch: _,
            locks,
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators,
        } = query
        else {
            return Err(SqlError::unsupported("FOR, SETTINGS, or FORMAT in a query"));
        };
        if !locks.is_empty() || !pipe_operators.is_empty() {
            return Err(SqlError::unsupported("locking or pipes in a query"));
        }
        let before = self.ctes.borrow().len();
        if let Some(with) = with {
            self.enter_with(with)?;
        }
        let result = self.nested(|| {
            let relation = self.body(body, order_keys(order_by.as_ref())?, outer)?;
            self.check_unused(before)?;
            self.limited(relation, limit_clause.as_ref())
        });
        self.ctes.borrow_mut().truncate(before);
        result
    }

    fn enter_with(&self, with: &'b ast::With) -> Result<(), SqlError> {
        if with.recursive {
            return Err(SqlError::unsupported("WITH RECURSIVE"));
        }
        let before = self.ctes.borrow().len();
        for cte in &with.cte_tables {
            // MATERIALIZED and NOT MATERIALIZED are hints to an optimizer.
            if cte.from.is_some() || cte.alias.at.is_some() {
                return Err(SqlError::unsupported(format!("WITH {}", cte.alias)));
            }
            let name = fold(&cte.alias.name).into_owned();
            if self.ctes.borrow()[before..].iter().any(|other| other.name == name) {
                let text = format!("WITH query name \"{name}\" specified more than once");
                return Err(SqlError::type_error(text));
            }
            self.ctes.borrow_mut().push(WithQuery { name, cte, used: false });
        }
        Ok(())
    }

    /// Binds the queries of WITH that nothing has named: they too may be wrong.
    fn check_unused(&self, from: usize) -> Result<(), SqlError> {
        let until = self.ctes.borrow().len();
        for at in (from..until).rev() {
            let unused = self.ctes.borrow().get(at).filter(|with| !with.used).map(|with| with.cte);
            if let Some(cte) = unused {
                self.cte_at(at, cte)?;
            }
        }
        Ok(())
    }

    fn body(
        &self,
        body: &'b SetExpr,
        order: &'b [ast::OrderByExpr],
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let relation = match body {
            SetExpr::Select(select) => return self.select(select, order, outer),
            SetExpr::Query(query) => self.query(query, outer)?,
            SetExpr::Values(values) => self.values(values, outer)?,
            SetExpr::SetOperation { .. } => self.set_chain(body, outer)?,
            other => return Err(SqlError::unsupported(format!("{other} as a query"))),
        };
        // Only names and positions of output columns are known here.
        let mut keys = Vec::new();
        for key in order {
            let position = output_position(&key.expr, &relation.fields).transpose()?;
            let Some(position) = position else {
                let text = "ORDER BY on a set operation by something else than an output column";
                return Err(SqlError::unsupported(text).at(key.expr.span()));
            };
            comparable(&relation.fields[position].data_type, "ORDER BY")
                .map_err(|error| error.at(key.expr.span()))?;
            keys.push(sort_key(Expr::Column(position), key)?);
        }
        Ok(Relation { plan: sorted(relation.plan, keys), fields: relation.fields })
    }

    fn values(
        &self,
        values: &'b ast::Values,
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let scope = Scope::new(Rc::new(Vec::new()), outer);
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut columns: Vec<Vec<Typed>> = vec![Vec::new(); width];
        for row in &values.rows {
            if row.content.len() != width {
                return Err(SqlError::type_error("VALUES lists must all be the same length"));
            }
            for (column, expr) in columns.iter_mut().zip(&row.content) {
                column.push(self.expr(expr, &scope)?);
            }
        }
        let mut fields = Vec::new();
        let mut projections: Vec<Vec<Expr>> = vec![Vec::new(); values.rows.len()];
        for (index, column) in columns.into_iter().enumerate() {
            let nullable = column.iter().any(|value| value.nullable);
            let (exprs, data_type) = unify(column, "VALUES")?;
            for (projection, expr) in projections.iter_mut().zip(exprs) {
                projection.push(expr);
            }
            let name = format!("column{}", index + 1);
            fields.push(Field {
                qualifier: None,
                name: name.into(),
                data_type,
                nullable,
                merged: false,
            });
        }
        let constants = projections.iter().flatten().all(Expr::is_constant);
        let plan = if constants {
            let row = |exprs: &Vec<Expr>| exprs.iter().map(constant).collect::<Result<Row, _>>();
            Plan::Rows(Arc::new(projections.iter().map(row).collect::<Result<_, _>>()?))
        } else {
            let one = |exprs| Plan::Project(Box::new(Plan::One), exprs);
            Plan::Union(projections.into_iter().map(one).collect())
        };
        Ok(Relation { plan, fields })
    }

    /// Set operations, as a chain and without recursion on its left side. INTERSECT binds tighter
    /// than the others; the parser has seen to it.
    fn set_chain(
        &self,
        body: &'b SetExpr,
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let mut steps = Vec::new();
        let mut rest = body;
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = rest {
            steps.push((right, set_operator(*op)?, is_all(*set_quantifier)?));
            rest = left;
        }
        steps.reverse();
        let mut inputs = vec![self.nested(|| self.body(rest, &[], outer))?];
        for (right, ..) in &steps {
            inputs.push(self.nested(|| self.body(right, &[], outer))?);
        }
        let words = steps.first().map_or("UNION", |(_, operator, _)| operator.word());
        let fields = set_fields(&inputs, words)?;
        let mut plans = inputs.into_iter().map(|input| converted(input, &fields));
        let first = plans.next().unwrap_or(Plan::One);
        let plain =
            |(_, operator, all): &(_, SetOperator, bool)| *operator == SetOperator::Union && *all;
        let plan = if steps.iter().all(plain) {
            Plan::Union(std::iter::once(first).chain(plans).collect())
        } else {
            comparable_rows(&fields, words)?;
            let step = |(right, (_, operator, all))| SetStep { operator, all, right };
            Plan::Set(Box::new(SetChain { first, steps: plans.zip(steps).map(step).collect() }))
        };
        Ok(Relation { plan, fields })
    }

    fn limited(
        &self,
        relation: Relation,
        clause: Option<&'b ast::LimitClause>,
    ) -> Result<Relation, SqlError> {
        let (limit, offset) = match clause {
            None => return Ok(relation),
            Some(ast::LimitClause::LimitOffset { limit, offset, limit_by })
                if limit_by.is_empty() =>
            {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(_) => return Err(SqlError::unsupported("this form of LIMIT")),
        };
        let count = |expr: Option<&'b ast::Expr>| -> Result<Option<usize>, SqlError> {
            let Some(expr) = expr else { return Ok(None) };
            let typed = self.expr(expr, &Scope::default())?;
            match self.coerce(typed, &DataType::Bigint, CastLevel::Implicit)?.expr {
                Expr::Constant(Value::Bigint(count)) => match usize::try_from(count) {
                    Ok(count) => Ok(Some(count)),
                    Err(_) => Err(SqlError::data("LIMIT must not be negative")),
                },
                _ => Err(SqlError::unsupported("LIMIT by something else than a number")),
            }
        };
        let (limit, offset) = (count(limit)?, count(offset)?.unwrap_or(0));
        let plan = Plan::Limit { input: Box::new(relation.plan), offset, limit };
        Ok(Relation { plan, fields: relation.fields })
    }
}

/// Sorts if there is anything to sort by.
pub(super) fn sorted(plan: Plan, keys: Vec<SortKey>) -> Plan {
    if keys.is_empty() { plan } else { Plan::Sort(Box::new(plan), keys) }
}

fn order_keys(order_by: Option<&ast::OrderBy>) -> Result<&[ast::OrderByExpr], SqlError> {
    match order_by {
        None => Ok(&[]),
        Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(keys), interpolate: None }) => {
            Ok(keys)
        }
        Some(other) => Err(SqlError::unsupported(other)),
    }
}

/// The position that a bare number in GROUP BY or ORDER BY is.
pub(super) fn ordinal(expr: &ast::Expr) -> Option<usize> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The output column that an ORDER BY key names: by position, or by a name that only one has.
pub(super) fn output_position(
    expr: &ast::Expr,
    fields: &[Field],
) -> Option<Result<usize, SqlError>> {
    if let Some(position) = ordinal(expr) {
        let at = position.checked_sub(1).filter(|at| *at < fields.len());
        return Some(at.ok_or_else(|| {
            SqlError::type_error("ORDER BY position is not in select list").at(expr.span())
        }));
    }
    let ast::Expr::Identifier(name) = expr else { return None };
    let name = fold(name);
    let mut named = (0..fields.len()).filter(|at| *fields[*at].name == *name);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(Ok(only)),
        _ => None,
    }
}

fn set_operator(operator: ast::SetOperator) -> Result<SetOperator, SqlError> {
    match operator {
        ast::SetOperator::Union => Ok(SetOperator::Union),
        ast::SetOperator::Except => Ok(SetOperator::Except),
        ast::SetOperator::Intersect => Ok(SetOperator::Intersect),
        ast::SetOperator::Minus => Err(SqlError::unsupported("MINUS (EXCEPT is its name)")),
    }
}

fn is_all(quantifier: ast::SetQuantifier) -> Result<bool, SqlError> {
    match quantifier {
        ast::SetQuantifier::All => Ok(true),
        ast::SetQuantifier::None | ast::SetQuantifier::Distinct => Ok(false),
        other => Err(SqlError::unsupported(format!("a set operation {other}"))),
    }
}

fn set_fields(inputs: &[Relation], word: &str) -> Result<Vec<Field>, SqlError> {
    let mut fields: Vec<Field> = inputs[0].fields.clone();
    for input in &inputs[1..] {
        if input.fields.len() != fields.len() {
            let text = format!("each {word} query must have the same number of columns");
            return Err(SqlError::type_error(text));
        }
        for (field, other) in fields.iter_mut().zip(&input.fields) {
            field.data_type = common_result(&field.data_type, &other.data_type, word)?;
            field.nullable |= other.nullable;
        }
    }
    Ok(fields)
}

fn converted(input: Relation, fields: &[Field]) -> Plan {
    let same = |(own, wanted): (&Field, &Field)| own.data_type == wanted.data_type;
    if input.fields.iter().zip(fields).all(same) {
        return input.plan;
    }
    let convert = |(index, (own, wanted)): (usize, (&Field, &Field))| {
        let column = Expr::Column(index);
        let free = same((own, wanted)) || own.data_type == DataType::Null;
        if free { column } else { Expr::Cast(Box::new(column), wanted.data_type.clone()) }
    };
    let exprs = input.fields.iter().zip(fields).enumerate().map(convert).collect();
    Plan::Project(Box::new(input.plan), exprs)
}
