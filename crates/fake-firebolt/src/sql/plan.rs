//! Query plans and their execution: each node turns whole row lists into whole row lists.
//!
//! Tables of a simulation are small, so nothing streams. Where SQL leaves an order open, the order
//! here is that of the input: two runs of one seed must not differ.

use std::rc::Rc;
use std::sync::Arc;

use super::aggregate::Aggregate;
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::join::Join;
use super::meter;
use super::set_operation::{self, SetChain};
use super::unnest::{Series, Spread, Unnest};
use super::volatile::Once;
use super::window::{self, WindowCall};
use crate::mvcc::Table;
use crate::value::{Row, Value};

/// One expression to sort by.
#[derive(Debug, Clone)]
pub(super) struct SortKey {
    pub(super) expr: Expr,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
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
    /// Appends the results; the first call is the last column.
    Window(Box<Plan>, Vec<WindowCall>),
    Distinct(Box<Plan>),
    Sort(Box<Plan>, Vec<SortKey>),
    Limit {
        input: Box<Plan>,
        offset: usize,
        limit: Option<usize>,
    },
    /// Keeps the first columns.
    Cut(Box<Plan>, usize),
    /// All rows of each.
    Union(Vec<Plan>),
    Set(Box<SetChain>),
    Unnest(Box<Unnest>),
    Series(Series),
    Spread(Box<Spread>),
    Once(Rc<Once>),
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
        let rows = self.rows(env)?;
        match self {
            Self::Project(..) | Self::Aggregate(_) | Self::Window(..) | Self::Cut(..) => {
                meter::made(rows.len(), rows.first().map_or(0, |row| row.len()))?;
            }
            _ => meter::passed(rows.len())?,
        }
        Ok(rows)
    }

    fn rows(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        match self {
            Self::One => Ok(vec![Row::from([])]),
            Self::Rows(rows) => Ok(rows.to_vec()),
            Self::Scan(table) => Ok(table.rows.iter().map(|(_, row)| row.clone()).collect()),
            Self::Filter(input, condition) => filter(input, condition, env),
            Self::Project(input, exprs) => {
                let rows = input.run(env)?;
                let projected = rows.iter().enumerate();
                projected
                    .map(|(at, row)| meter::row(at).and_then(|()| project(exprs, row, env)))
                    .collect()
            }
            Self::Join(join) => join.run(env),
            Self::Aggregate(aggregate) => aggregate.run(env),
            Self::Window(input, windows) => window::run(input.run(env)?, windows, env),
            Self::Distinct(input) => {
                let mut rows = input.run(env)?;
                set_operation::distinct(&mut rows);
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
            Self::Set(chain) => chain.run(env),
            Self::Unnest(unnest) => unnest.run(env),
            Self::Series(series) => series.run(),
            Self::Spread(spread) => spread.run(env),
            Self::Once(once) => once.run(env),
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
            for (at, (_, row)) in table.rows.iter().enumerate() {
                meter::row(at)?;
                if condition.test(row, env)? == Some(true) {
                    kept.push(row.clone());
                }
            }
        }
        Plan::Rows(rows) => {
            for (at, row) in rows.iter().enumerate() {
                meter::row(at)?;
                if condition.test(row, env)? == Some(true) {
                    kept.push(row.clone());
                }
            }
        }
        _ => {
            for (at, row) in input.run(env)?.into_iter().enumerate() {
                meter::row(at)?;
                if condition.test(&row, env)? == Some(true) {
                    kept.push(row);
                }
            }
        }
    }
    Ok(kept)
}

/// The values to sort a row by.
pub(super) fn keys_of(
    keys: &[SortKey],
    row: &[Value],
    env: &Env<'_>,
) -> Result<Vec<Value>, SqlError> {
    keys.iter().map(|key| key.expr.eval(row, env).map(std::borrow::Cow::into_owned)).collect()
}

/// The order of two rows by those values.
pub(super) fn compare(keys: &[SortKey], a: &[Value], b: &[Value]) -> std::cmp::Ordering {
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
    for (at, row) in rows.into_iter().enumerate() {
        meter::row(at)?;
        keyed.push((keys_of(keys, &row, env)?, row));
    }
    keyed.sort_by(|(a, _), (b, _)| compare(keys, a, b));
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}
