//! Grouping and aggregate functions.

use std::collections::{BTreeMap, BTreeSet};

use super::arithmetic::{self, Operator};
use super::cast;
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::plan::Plan;
use crate::value::{DataType, Row, Value};

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AggregateKind {
    Count,
    CountDistinct,
    Min,
    Max,
    Sum,
    Average,
}

/// One aggregate of a query.
#[derive(Debug, Clone)]
pub(super) struct AggregateCall {
    pub(super) kind: AggregateKind,
    /// Empty for COUNT(*).
    pub(super) arguments: Vec<Expr>,
    pub(super) result: DataType,
}

/// GROUP BY with its aggregates: keys first, then results.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) input: Plan,
    pub(super) keys: Vec<Expr>,
    pub(super) calls: Vec<AggregateCall>,
}

#[derive(Debug, Clone)]
struct Accumulator {
    count: i64,
    value: Value,
    seen: BTreeSet<Vec<Value>>,
}

impl Accumulator {
    fn new() -> Self {
        Self { count: 0, value: Value::Null, seen: BTreeSet::new() }
    }

    fn add(&mut self, call: &AggregateCall, row: &[Value], env: &Env<'_>) -> Result<(), SqlError> {
        if call.arguments.is_empty() {
            self.count += 1;
            return Ok(());
        }
        let mut values = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            values.push(argument.eval(row, env)?.into_owned());
        }
        if values.iter().any(Value::is_null) {
            return Ok(());
        }
        self.count += 1;
        match call.kind {
            AggregateKind::Count => {}
            AggregateKind::CountDistinct => {
                self.seen.insert(values);
            }
            AggregateKind::Min | AggregateKind::Max => {
                let value = values.swap_remove(0);
                let better = match call.kind {
                    AggregateKind::Min => value < self.value,
                    _ => value > self.value,
                };
                if self.value.is_null() || better {
                    self.value = value;
                }
            }
            AggregateKind::Sum | AggregateKind::Average => {
                let value = cast::cast(&values[0], &call.result)?;
                self.value = match &self.value {
                    Value::Null => value,
                    sum => arithmetic::compute(Operator::Add, sum, &value, &call.result)?,
                };
            }
        }
        Ok(())
    }

    fn finish(self, call: &AggregateCall) -> Result<Value, SqlError> {
        Ok(match call.kind {
            AggregateKind::Count => Value::Bigint(self.count),
            AggregateKind::CountDistinct => {
                Value::Bigint(i64::try_from(self.seen.len()).unwrap_or(i64::MAX))
            }
            AggregateKind::Average => {
                let count = Value::Double(self.count as f64);
                arithmetic::compute(Operator::Divide, &self.value, &count, &call.result)?
            }
            _ => self.value,
        })
    }
}

impl Aggregate {
    /// One row per group, in the order in which the groups first appear.
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let mut index: BTreeMap<Vec<Value>, usize> = BTreeMap::new();
        let mut groups: Vec<(Vec<Value>, Vec<Accumulator>)> = Vec::new();
        let fresh = || vec![Accumulator::new(); self.calls.len()];
        if self.keys.is_empty() {
            groups.push((Vec::new(), fresh()));
        }
        for row in self.input.run(env)? {
            let mut key = Vec::with_capacity(self.keys.len());
            for expr in &self.keys {
                key.push(expr.eval(&row, env)?.into_owned());
            }
            let at = if self.keys.is_empty() {
                0
            } else if let Some(at) = index.get(&key) {
                *at
            } else {
                index.insert(key.clone(), groups.len());
                groups.push((key, fresh()));
                groups.len() - 1
            };
            for (call, accumulator) in self.calls.iter().zip(&mut groups[at].1) {
                accumulator.add(call, &row, env)?;
            }
        }
        groups
            .into_iter()
            .map(|(mut row, accumulators)| {
                for (call, accumulator) in self.calls.iter().zip(accumulators) {
                    row.push(accumulator.finish(call)?);
                }
                Ok(row.into())
            })
            .collect()
    }
}
