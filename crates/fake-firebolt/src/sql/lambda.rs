//! Functions that call a lambda for every element of an array.
//!
//! The elements are a row of their own to the lambda's body; what stands around the call is the
//! row outside of it, as for a correlated subquery.

use super::arithmetic::{self, Operator};
use super::cast;
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::meter;
use crate::value::{DataType, Value};

/// What is made of the lambda's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LambdaKind {
    Transform,
    AnyMatch,
    AllMatch,
    /// The first array's element where the lambda is true first.
    First,
    Count,
    Sum,
    Sort {
        reverse: bool,
    },
}

impl LambdaKind {
    /// The kind of a lower-case function name.
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "array_transform" | "transform" => Self::Transform,
            "array_any_match" => Self::AnyMatch,
            "array_all_match" => Self::AllMatch,
            "array_first" => Self::First,
            "array_count" => Self::Count,
            "array_sum" => Self::Sum,
            "array_sort" => Self::Sort { reverse: false },
            "array_reverse_sort" => Self::Sort { reverse: true },
            _ => return None,
        })
    }

    /// Whether the lambda has to be a condition.
    pub(super) fn tests(self) -> bool {
        matches!(self, Self::AnyMatch | Self::AllMatch | Self::First | Self::Count)
    }
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Lambda {
    pub(super) kind: LambdaKind,
    /// Over a row of one element of each array.
    pub(super) body: Expr,
    pub(super) arrays: Vec<Expr>,
    /// Whether the body looks at the row around the call.
    pub(super) correlated: bool,
    pub(super) result: DataType,
}

impl Lambda {
    pub(super) fn eval(&self, row: &[Value], env: &Env<'_>) -> Result<Value, SqlError> {
        let mut arrays = Vec::with_capacity(self.arrays.len());
        for array in &self.arrays {
            match array.eval(row, env)?.as_ref() {
                Value::Array(items) => arrays.push(items.clone()),
                _ => return Ok(Value::Null),
            }
        }
        let count = arrays.first().map_or(0, |items| items.len());
        if arrays.iter().any(|items| items.len() != count) {
            return Err(SqlError::data("a lambda function over arrays of different lengths"));
        }
        meter::made(count, arrays.len())?;
        let inner = Env { outer: Some((row, env)) };
        let mut results = Vec::with_capacity(count);
        for at in 0..count {
            let elements: Vec<Value> = arrays.iter().map(|items| items[at].clone()).collect();
            results.push(self.body.eval(&elements, &inner)?.into_owned());
        }
        let holds = |result: &Value| *result == Value::Boolean(true);
        let true_ones = results.iter().filter(|result| holds(result)).count();
        Ok(match self.kind {
            LambdaKind::Transform => Value::Array(results.into()),
            LambdaKind::AnyMatch => Value::Boolean(true_ones > 0),
            LambdaKind::AllMatch => Value::Boolean(true_ones == count),
            LambdaKind::Count => Value::Integer(i32::try_from(true_ones).unwrap_or(i32::MAX)),
            LambdaKind::First => {
                let first = results.iter().position(holds);
                first.map_or(Value::Null, |at| arrays[0][at].clone())
            }
            LambdaKind::Sum => self.sum(&results)?,
            LambdaKind::Sort { reverse } => {
                let mut order: Vec<usize> = (0..count).collect();
                order.sort_by(|a, b| {
                    let order = results[*a].cmp(&results[*b]);
                    if reverse { order.reverse() } else { order }
                });
                Value::Array(order.into_iter().map(|at| arrays[0][at].clone()).collect())
            }
        })
    }

    fn sum(&self, results: &[Value]) -> Result<Value, SqlError> {
        let mut sum = Value::Null;
        for result in results.iter().filter(|result| !result.is_null()) {
            let value = cast::cast(result, &self.result)?;
            sum = match &sum {
                Value::Null => value,
                sum => arithmetic::compute(Operator::Add, sum, &value, &self.result)?,
            };
        }
        Ok(sum)
    }
}
