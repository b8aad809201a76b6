//! Binding of arithmetic, of `||`, and of points in time moved by an interval.

use sqlparser::ast::{self, BinaryOperator, Spanned};

use super::arithmetic::Operator;
use super::bind::{Binder, chain};
use super::cast::CastLevel;
use super::coerce::pair;
use super::datetime::{Interval, Unit};
use super::error::SqlError;
use super::expr::Expr;
use super::scope::{Scope, Typed};
use crate::value::{DataType, Value};

impl<'b> Binder<'b> {
    pub(super) fn concat(
        &self,
        whole: &'b ast::Expr,
        op: &BinaryOperator,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut parts = Vec::new();
        let (mut nullable, mut text) = (false, false);
        for part in chain(whole, op) {
            let part = self.expr(part, scope)?;
            nullable |= part.nullable;
            text |= part.data_type == DataType::Text;
            if matches!(part.data_type, DataType::Array(_) | DataType::Bytea) {
                return Err(SqlError::unsupported(format!("|| on {}", part.data_type)));
            }
            parts.push(part.expr);
        }
        if !text {
            let error = SqlError::type_error("operator does not exist: || without a text operand");
            return Err(error.at(whole.span()));
        }
        Ok(Typed::new(Expr::Concat(parts), DataType::Text, nullable))
    }

    pub(super) fn arithmetic(
        &self,
        left: &'b ast::Expr,
        op: &BinaryOperator,
        right: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        if *op == BinaryOperator::BitwiseXor {
            return self.scalar_call("pow", [left, right].into_iter(), scope);
        }
        let operator = match op {
            BinaryOperator::Plus => Operator::Add,
            BinaryOperator::Minus => Operator::Subtract,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            BinaryOperator::Arrow => return Err(SqlError::unsupported("lambda functions")),
            other => return Err(SqlError::unsupported(format!("the operator {other}"))),
        };
        if let (ast::Expr::Interval(interval), Operator::Add) = (left, operator) {
            return self.shift(right, operator, interval, scope);
        }
        if let ast::Expr::Interval(interval) = right {
            return self.shift(left, operator, interval, scope);
        }
        let (a, b) = (self.expr(left, scope)?, self.expr(right, scope)?);
        let nullable = a.nullable || b.nullable;
        let types = (a.data_type.clone(), b.data_type.clone());
        let (a, b) = pair(a, b, op).map_err(|error| error.at(left.span()))?;
        let Some(result) = operator.result(&a.data_type) else {
            let symbol = operator.symbol();
            if matches!(a.data_type, DataType::Numeric { .. } | DataType::Real | DataType::Double) {
                return Err(SqlError::unsupported(format!("{symbol} on {}", a.data_type)));
            }
            let text = format!("operator does not exist: {} {symbol} {}", types.0, types.1);
            return Err(SqlError::type_error(text).at(left.span()));
        };
        let (a, b) = (Box::new(a.expr), Box::new(b.expr));
        Ok(Typed::new(Expr::Arithmetic(operator, a, b, result.clone()), result, nullable))
    }

    /// Binds a point in time moved by an interval.
    pub(super) fn shift(
        &self,
        operand: &'b ast::Expr,
        operator: Operator,
        interval: &'b ast::Interval,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let ast::Interval {
            value,
            leading_field,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        } = interval
        else {
            return Err(SqlError::unsupported(format!("the interval {interval}")));
        };
        let bad = || SqlError::unsupported(format!("the interval {interval}"));
        let unit = match leading_field {
            Some(field) => Some(Unit::parse(&field.to_string()).ok_or_else(bad)?),
            None => None,
        };
        let Expr::Constant(Value::Text(text)) = self.expr(value, scope)?.expr else {
            return Err(bad());
        };
        let length = Interval::parse(&text, unit).ok_or_else(bad)?;
        let length = match operator {
            Operator::Add => length,
            Operator::Subtract => length.negated(),
            _ => return Err(bad()),
        };
        let operand = self.expr(operand, scope)?;
        let to = match operand.data_type {
            DataType::TimestampTz => DataType::TimestampTz,
            _ => DataType::Timestamp,
        };
        let operand = self.coerce(operand, &to, CastLevel::Implicit)?;
        Ok(Typed::new(Expr::Shift(Box::new(operand.expr), length), to, operand.nullable))
    }
}
