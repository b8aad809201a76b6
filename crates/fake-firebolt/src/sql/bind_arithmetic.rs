//! Binding of arithmetic, of `||`, and of points in time moved by an interval.

use sqlparser::ast::{self, BinaryOperator, Spanned};

use super::arithmetic::Operator;
use super::bind::{Binder, chain};
use super::cast::CastLevel;
use super::coerce::pair;
use super::datetime::{Interval, Unit};
use super::error::SqlError;
use super::expr::Expr;
use super::function::Function;
use super::function_time::TimeFunction;
use super::scope::{Scope, Typed};
use crate::value::{DataType, Value};

impl<'b> Binder<'b> {
    pub(super) fn concat(
        &self,
        whole: &'b ast::Expr,
        op: &BinaryOperator,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut typed = Vec::new();
        for part in chain(whole, op) {
            typed.push(self.expr(part, scope)?);
        }
        if typed.iter().any(|part| matches!(part.data_type, DataType::Array(_))) {
            return self
                .resolved_call("array_concat", typed)
                .map_err(|error| error.at(whole.span()));
        }
        let mut parts = Vec::new();
        let (mut nullable, mut text) = (false, false);
        for part in typed {
            nullable |= part.nullable;
            text |= part.data_type == DataType::Text;
            if part.data_type == DataType::Bytea || part.data_type.has_no_text() {
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
            other => return Err(SqlError::unsupported(format!("the operator {other}"))),
        };
        if let Some((interval, factor)) = interval_of(right) {
            return self.scaled_shift(left, operator, interval, factor, scope);
        }
        if let (Some((interval, factor)), Operator::Add) = (interval_of(left), operator) {
            return self.scaled_shift(right, operator, interval, factor, scope);
        }
        let (a, b) = (self.expr(left, scope)?, self.expr(right, scope)?);
        if a.data_type == DataType::Date || b.data_type == DataType::Date {
            return days(operator, a, b).map_err(|error| error.at(left.span()));
        }
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
        self.scaled_shift(operand, operator, interval, None, scope)
    }

    /// The same, with the interval so many times as long.
    fn scaled_shift(
        &self,
        operand: &'b ast::Expr,
        operator: Operator,
        interval: &'b ast::Interval,
        factor: Option<&'b ast::Expr>,
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
        let length = match factor {
            None => length,
            Some(factor) => {
                let typed = self.expr(factor, scope)?;
                let typed = self.coerce(typed, &DataType::Double, CastLevel::Implicit)?;
                let Expr::Constant(Value::Double(factor)) = typed.expr else {
                    return Err(SqlError::unsupported("an interval times what is no literal"));
                };
                length.scaled(factor).ok_or_else(|| SqlError::data("interval out of range"))?
            }
        };
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

/// The interval that an operand is, and what it is multiplied by.
fn interval_of(expr: &ast::Expr) -> Option<(&ast::Interval, Option<&ast::Expr>)> {
    match expr {
        ast::Expr::Interval(interval) => Some((interval, None)),
        ast::Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } => {
            match (&**left, &**right) {
                (ast::Expr::Interval(interval), factor)
                | (factor, ast::Expr::Interval(interval)) => Some((interval, Some(factor))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A date and a number of days, or two dates (the vendor's page on DATE).
fn days(operator: Operator, a: Typed, b: Typed) -> Result<Typed, SqlError> {
    let nullable = a.nullable || b.nullable;
    let shift = |date: Typed, days: Typed, back| {
        let function = Function::Time(TimeFunction::ShiftDays { back });
        Typed::new(Expr::Call(function, vec![date.expr, days.expr]), DataType::Date, nullable)
    };
    let whole = |data_type: &DataType| matches!(data_type, DataType::Integer | DataType::Null);
    Ok(match (&a.data_type, operator, &b.data_type) {
        (DataType::Date, Operator::Add, days) if whole(days) => shift(a, b, false),
        (DataType::Date, Operator::Subtract, days) if whole(days) => shift(a, b, true),
        (days, Operator::Add, DataType::Date) if whole(days) => shift(b, a, false),
        (DataType::Date, Operator::Subtract, DataType::Date) => {
            let call = Expr::Call(Function::Time(TimeFunction::DaysBetween), vec![a.expr, b.expr]);
            Typed::new(call, DataType::Integer, nullable)
        }
        (left, _, right) => {
            let symbol = operator.symbol();
            let text = format!("operator does not exist: {left} {symbol} {right}");
            return Err(SqlError::type_error(text));
        }
    })
}
