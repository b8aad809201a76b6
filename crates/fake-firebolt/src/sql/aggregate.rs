//! Grouping and aggregate functions.
//!
//! NULLs are skipped, except by COUNT(*) and ARRAY_AGG. What is in here sums in the order of the
//! input: two runs of one seed must not differ.

use std::collections::{BTreeMap, BTreeSet};

use super::arithmetic::{self, Operator};
use super::cast;
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::meter;
use super::numeric;
use super::plan::Plan;
use super::spread;
use crate::value::{DataType, Numeric, Row, Value};

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AggregateKind {
    Count,
    Min,
    Max,
    Sum,
    Average,
    /// The first that is not NULL: the real service may answer any.
    AnyValue,
    BoolAnd,
    BoolOr,
    BitAnd,
    BitOr,
    BitXor,
    ArrayAgg,
    /// The first argument where the second is least, or greatest.
    MinBy,
    MaxBy,
    StddevSamp,
    StddevPop,
    VarSamp,
    VarPop,
    /// MEDIAN is the half.
    PercentileCont {
        fraction: f64,
        descending: bool,
    },
}

/// One aggregate of a query.
#[derive(Debug, Clone)]
pub(super) struct AggregateCall {
    pub(super) kind: AggregateKind,
    /// Each distinct list of arguments counts once.
    pub(super) distinct: bool,
    /// Empty for COUNT(*).
    pub(super) arguments: Vec<Expr>,
    /// FILTER (WHERE …)
    pub(super) filter: Option<Expr>,
    pub(super) result: DataType,
}

/// GROUP BY with its aggregates: keys first, then the number of the set if there are sets, then
/// results.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) input: Plan,
    pub(super) keys: Vec<Expr>,
    /// The keys of each grouping set; empty where all keys are the one set.
    pub(super) sets: Vec<Vec<usize>>,
    pub(super) calls: Vec<AggregateCall>,
}

/// What one aggregate has gathered so far.
#[derive(Debug, Clone)]
pub(super) struct Accumulator {
    count: i64,
    /// The result so far, where there is one.
    value: Value,
    /// MIN_BY and MAX_BY: what `value` was chosen by.
    chosen_by: Value,
    /// Every value, for functions that need all of them.
    list: Vec<Value>,
    seen: BTreeSet<Vec<Value>>,
}

impl Accumulator {
    pub(super) fn new() -> Self {
        Self {
            count: 0,
            value: Value::Null,
            chosen_by: Value::Null,
            list: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Takes a row in.
    pub(super) fn add(
        &mut self,
        call: &AggregateCall,
        row: &[Value],
        env: &Env<'_>,
    ) -> Result<(), SqlError> {
        if let Some(filter) = &call.filter
            && filter.test(row, env)? != Some(true)
        {
            return Ok(());
        }
        let Some(first) = call.arguments.first() else {
            self.count += 1;
            return Ok(());
        };
        let value = first.eval(row, env)?;
        if value.is_null() && !keeps_null(call.kind) {
            return Ok(());
        }
        let mut by = Value::Null;
        if call.distinct || call.arguments.len() > 1 {
            let mut values = vec![value.as_ref().clone()];
            for argument in &call.arguments[1..] {
                by = argument.eval(row, env)?.into_owned();
                if by.is_null() {
                    return Ok(());
                }
                values.push(by.clone());
            }
            if call.distinct && !self.seen.insert(values) {
                return Ok(());
            }
        }
        self.count += 1;
        self.take(call, &value, by)
    }

    fn take(&mut self, call: &AggregateCall, value: &Value, by: Value) -> Result<(), SqlError> {
        let first = self.value.is_null();
        match call.kind {
            AggregateKind::Count => {}
            AggregateKind::Min if first || *value < self.value => self.value = value.clone(),
            AggregateKind::Max if first || *value > self.value => self.value = value.clone(),
            AggregateKind::AnyValue if first => self.value = value.clone(),
            AggregateKind::Min | AggregateKind::Max | AggregateKind::AnyValue => {}
            AggregateKind::Sum | AggregateKind::Average => {
                let value = cast::cast(value, &call.result)?;
                self.value = match &self.value {
                    Value::Null => value,
                    sum => arithmetic::compute(Operator::Add, sum, &value, &call.result)?,
                };
            }
            AggregateKind::MinBy | AggregateKind::MaxBy => {
                let better = match call.kind {
                    AggregateKind::MinBy => by < self.chosen_by,
                    _ => by > self.chosen_by,
                };
                if self.chosen_by.is_null() || better {
                    self.value = value.clone();
                    self.chosen_by = by;
                }
            }
            kind @ (AggregateKind::BoolAnd | AggregateKind::BoolOr) => {
                let decisive = Value::Boolean(kind == AggregateKind::BoolOr);
                if first || *value == decisive {
                    self.value = value.clone();
                }
            }
            AggregateKind::BitAnd | AggregateKind::BitOr | AggregateKind::BitXor => {
                self.value =
                    if first { value.clone() } else { bits(call.kind, &self.value, value)? };
            }
            AggregateKind::ArrayAgg
            | AggregateKind::StddevSamp
            | AggregateKind::StddevPop
            | AggregateKind::VarSamp
            | AggregateKind::VarPop
            | AggregateKind::PercentileCont { .. } => self.list.push(value.clone()),
        }
        Ok(())
    }

    /// The result of the rows so far.
    pub(super) fn finish(&self, call: &AggregateCall) -> Result<Value, SqlError> {
        Ok(match call.kind {
            AggregateKind::Count => Value::Bigint(self.count),
            AggregateKind::Average => self.average(&call.result)?,
            AggregateKind::ArrayAgg if self.list.is_empty() => Value::Null,
            AggregateKind::ArrayAgg => Value::Array(self.list.as_slice().into()),
            AggregateKind::StddevSamp => spread::deviation(&self.list, 1),
            AggregateKind::StddevPop => spread::deviation(&self.list, 0),
            AggregateKind::VarSamp => spread::variance(&self.list, 1),
            AggregateKind::VarPop => spread::variance(&self.list, 0),
            AggregateKind::PercentileCont { fraction, descending } => {
                spread::percentile(&self.list, fraction, descending)
            }
            _ => self.value.clone(),
        })
    }

    fn average(&self, result: &DataType) -> Result<Value, SqlError> {
        if let Value::Numeric(Numeric { unscaled, scale }) = self.value {
            let unscaled = numeric::divide_rounded(unscaled, i128::from(self.count));
            return Ok(Value::Numeric(Numeric { unscaled, scale }));
        }
        let count = Value::Double(self.count as f64);
        arithmetic::compute(Operator::Divide, &self.value, &count, result)
    }
}

/// Whether a row is taken in although its first argument is NULL.
fn keeps_null(kind: AggregateKind) -> bool {
    matches!(kind, AggregateKind::ArrayAgg | AggregateKind::MinBy | AggregateKind::MaxBy)
}

fn bits(kind: AggregateKind, a: &Value, b: &Value) -> Result<Value, SqlError> {
    let combine = |a: i64, b: i64| match kind {
        AggregateKind::BitAnd => a & b,
        AggregateKind::BitOr => a | b,
        _ => a ^ b,
    };
    match (a, b) {
        // Sign extension commutes with all three, so the low half is the result.
        (Value::Integer(a), Value::Integer(b)) => {
            Ok(Value::Integer(combine(i64::from(*a), i64::from(*b)) as i32))
        }
        (Value::Bigint(a), Value::Bigint(b)) => Ok(Value::Bigint(combine(*a, *b))),
        _ => Err(SqlError::internal("a bit aggregate of what is not a whole number")),
    }
}

impl Aggregate {
    /// One row per group, in the order in which the groups first appear; set after set.
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let rows = self.input.run(env)?;
        if self.sets.is_empty() {
            let all: Vec<usize> = (0..self.keys.len()).collect();
            return self.grouped(&rows, &all, None, env);
        }
        let mut result = Vec::new();
        for (number, set) in self.sets.iter().enumerate() {
            meter::passed(rows.len())?;
            result.extend(self.grouped(&rows, set, Some(number), env)?);
        }
        Ok(result)
    }

    /// The groups of one set. The set without keys has its one group even where there is no row.
    fn grouped(
        &self,
        rows: &[Row],
        set: &[usize],
        number: Option<usize>,
        env: &Env<'_>,
    ) -> Result<Vec<Row>, SqlError> {
        let mut index: BTreeMap<Vec<Value>, usize> = BTreeMap::new();
        let mut groups: Vec<(Vec<Value>, Vec<Accumulator>)> = Vec::new();
        let fresh = || vec![Accumulator::new(); self.calls.len()];
        if set.is_empty() {
            groups.push((vec![Value::Null; self.keys.len()], fresh()));
        }
        for (nth, row) in rows.iter().enumerate() {
            meter::row(nth)?;
            let at = if set.is_empty() {
                0
            } else {
                let mut key = vec![Value::Null; self.keys.len()];
                for at in set {
                    key[*at] = self.keys[*at].eval(row, env)?.into_owned();
                }
                match index.get(&key) {
                    Some(at) => *at,
                    None => {
                        index.insert(key.clone(), groups.len());
                        groups.push((key, fresh()));
                        groups.len() - 1
                    }
                }
            };
            for (call, accumulator) in self.calls.iter().zip(&mut groups[at].1) {
                accumulator.add(call, row, env)?;
            }
        }
        groups
            .into_iter()
            .map(|(mut row, accumulators)| {
                row.extend(number.map(|number| Value::Integer(number as i32)));
                for (call, accumulator) in self.calls.iter().zip(accumulators) {
                    row.push(accumulator.finish(call)?);
                }
                Ok(row.into())
            })
            .collect()
    }
}
