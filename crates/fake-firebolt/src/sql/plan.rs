//! Query plans and their execution: each node turns whole row lists into whole row lists.
//!
//! Tables of a simulation are small, so nothing streams. Where SQL leaves an order open, the order
//! here is that of the input: two runs of one seed must not differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::aggregate::Aggregate;
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::join::Join;
use crate::mvcc::Table;
use crate::value::{Row, Value};

/// One expression to sort by.
#[derive(Debug, Clone)]
pub(super) struct SortKey {
    pub(super) expr: Expr,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

/// ROW_NUMBER() OVER (PARTITION BY … ORDER BY …).
#[derive(Debug, Clone)]
pub(super) struct RowNumber {
    pub(super) partition: Vec<Expr>,
    pub(super) order: Vec<SortKey>,
}

/// A node of a plan.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// One row without columns: SELECT without FROM.
    One,
    Rows(Arc<Vec<Row>>),
    Scan(Arc<Table>),
    Filter(Box<Plan>, Expr),
    Project(Box<Plan>, Vec<Expr>),
    Join(Box<Join>),
    Aggregate(Box<Aggregate>),
    /// Appends the numbers; the first window is the last column.
    Window(Box<Plan>, Vec<RowNumber>),
    Distinct(Box<Plan>),
    Sort(Box<Plan>, Vec<SortKey>),
    Limit {
        input: Box<Plan>,
        offset: usize,
        limit: Option<usize>,
    },
    /// Keeps the first columns.
    Cut(Box<Plan>, usize),
    Union(Vec<Plan>),
}

impl Plan {
    /// Wraps a plan in a filter, if there is a condition.
    pub(super) fn filtered(self, condition: Option<Expr>) -> Self {
        match condition {
            Some(condition) => Self::Filter(Box::new(self), condition),
            None => self,
        }
    }

    /// The rows.
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        match self {
            Self::One => Ok(vec![Row::from([])]),
            Self::Rows(rows) => Ok(rows.to_vec()),
            Self::Scan(table) => Ok(table.rows.iter().map(|(_, row)| row.clone()).collect()),
            Self::Filter(input, condition) => filter(input, condition, env),
            Self::Project(input, exprs) => {
                input.run(env)?.iter().map(|row| project(exprs, row, env)).collect()
            }
            Self::Join(join) => join.run(env),
            Self::Aggregate(aggregate) => aggregate.run(env),
            Self::Window(input, windows) => number(input.run(env)?, windows, env),
            Self::Distinct(input) => {
                let mut seen = BTreeSet::new();
                let mut rows = input.run(env)?;
                rows.retain(|row| seen.insert(row.clone()));
                Ok(rows)
            }
            Self::Sort(input, keys) => sort(input.run(env)?, keys, env),
            Self::Limit { input, offset, limit } => {
                let rows = input.run(env)?;
                Ok(rows.into_iter().skip(*offset).take(limit.unwrap_or(usize::MAX)).collect())
            }
            Self::Cut(input, width) => {
                Ok(input.run(env)?.iter().map(|row| Row::from(&row[..*width])).collect())
            }
            Self::Union(inputs) => {
                let mut rows = Vec::new();
                for input in inputs {
                    rows.extend(input.run(env)?);
                }
                Ok(rows)
            }
        }
    }
}

/// The expressions' values for one row.
pub(super) fn project(exprs: &[Expr], row: &[Value], env: &Env<'_>) -> Result<Row, SqlError> {
    let mut values = Vec::with_capacity(exprs.len());
    for expr in exprs {
        values.push(expr.eval(row, env)?.into_owned());
    }
    Ok(values.into())
}

fn filter(input: &Plan, condition: &Expr, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
    let mut kept = Vec::new();
    match input {
        // Without this arm every row of a table would be counted up and down to be thrown away.
        Plan::Scan(table) => {
            for (_, row) in table.rows.iter() {
                if condition.test(row, env)? == Some(true) {
                    kept.push(row.clone());
                }
            }
        }
        Plan::Rows(rows) => {
            for row in rows.iter() {
                if condition.test(row, env)? == Some(true) {
                    kept.push(row.clone());
                }
            }
        }
        _ => {
            for row in input.run(env)? {
                if condition.test(&row, env)? == Some(true) {
                    kept.push(row);
                }
            }
        }
    }
    Ok(kept)
}

fn keys_of(keys: &[SortKey], row: &[Value], env: &Env<'_>) -> Result<Vec<Value>, SqlError> {
    keys.iter().map(|key| key.expr.eval(row, env).map(std::borrow::Cow::into_owned)).collect()
}

fn compare(keys: &[SortKey], a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    for (key, (a, b)) in keys.iter().zip(a.iter().zip(b)) {
        let order = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if key.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if key.descending => b.cmp(a),
            (false, false) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn sort(rows: Vec<Row>, keys: &[SortKey], env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        keyed.push((keys_of(keys, &row, env)?, row));
    }
    keyed.sort_by(|(a, _), (b, _)| compare(keys, a, b));
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

fn number(rows: Vec<Row>, windows: &[RowNumber], env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
    let mut numbers = vec![vec![Value::Null; windows.len()]; rows.len()];
    for (window_index, window) in windows.iter().enumerate() {
        let mut partitions: BTreeMap<Vec<Value>, Vec<(Vec<Value>, usize)>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            let mut partition = Vec::with_capacity(window.partition.len());
            for expr in &window.partition {
                partition.push(expr.eval(row, env)?.into_owned());
            }
            let entry = (keys_of(&window.order, row, env)?, at);
            partitions.entry(partition).or_default().push(entry);
        }
        let column = windows.len() - 1 - window_index;
        for members in partitions.values_mut() {
            members.sort_by(|(a, _), (b, _)| compare(&window.order, a, b));
            for (number, (_, at)) in (1_i64..).zip(members.iter()) {
                numbers[*at][column] = Value::Bigint(number);
            }
        }
    }
    let pairs = rows.iter().zip(numbers);
    Ok(pairs.map(|(row, numbers)| row.iter().cloned().chain(numbers).collect()).collect())
}
