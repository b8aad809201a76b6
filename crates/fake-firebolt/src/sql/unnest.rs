//! Table functions that make rows: UNNEST of arrays, and GENERATE_SERIES.

use super::error::SqlError;
use super::expr::{Env, Expr};
use super::meter;
use super::plan::Plan;
use crate::value::{Row, Value};

/// Rows that one series may have: more is a mistake that would exhaust memory.
const SERIES_MAX: i128 = 10_000_000;

/// Each input row once per element of its arrays, with the elements behind it. An empty array, or
/// NULL, takes its row away.
#[derive(Debug, Clone)]
pub(super) struct Unnest {
    pub(super) input: Plan,
    pub(super) arrays: Vec<Expr>,
}

impl Unnest {
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let mut rows = Vec::new();
        for row in self.input.run(env)? {
            let mut columns = Vec::with_capacity(self.arrays.len());
            for array in &self.arrays {
                columns.push(match array.eval(&row, env)?.as_ref() {
                    Value::Array(items) => items.clone(),
                    _ => [].into(),
                });
            }
            let count = columns.first().map_or(0, |items| items.len());
            if columns.iter().any(|items| items.len() != count) {
                return Err(SqlError::data("UNNEST of arrays of different lengths"));
            }
            meter::made(count, row.len() + columns.len())?;
            for at in 0..count {
                let elements = columns.iter().map(|items| items[at].clone());
                rows.push(row.iter().cloned().chain(elements).collect());
            }
        }
        Ok(rows)
    }
}

/// UNNEST in a select list: each row once per element of the array in one of its columns, the
/// element in the array's place.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    pub(super) input: Plan,
    pub(super) column: usize,
}

impl Spread {
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let mut rows = Vec::new();
        for row in self.input.run(env)? {
            let Value::Array(items) = &row[self.column] else { continue };
            meter::made(items.len(), row.len())?;
            for item in items.iter() {
                let mut values = row.to_vec();
                values[self.column] = item.clone();
                rows.push(values.into());
            }
        }
        Ok(rows)
    }
}

/// Whole numbers from `start` to at most `stop`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    pub(super) start: i64,
    pub(super) stop: i64,
    /// Not zero.
    pub(super) step: i64,
    /// BIGINT, not INTEGER.
    pub(super) big: bool,
}

impl Series {
    pub(super) fn run(self) -> Result<Vec<Row>, SqlError> {
        let (start, step) = (i128::from(self.start), i128::from(self.step));
        let distance = i128::from(self.stop) - start;
        // A step that leads away from the end gives nothing.
        let count = if distance.signum() * step.signum() < 0 { 0 } else { distance / step + 1 };
        if count > SERIES_MAX {
            return Err(SqlError::unsupported(format!("a series of {count} rows")));
        }
        meter::made(count as usize, 1)?;
        let row = |at: i128| -> Row {
            let value = start + at * step;
            // Between start and stop, which both fit.
            let value =
                if self.big { Value::Bigint(value as i64) } else { Value::Integer(value as i32) };
            [value].into()
        };
        Ok((0..count).map(row).collect())
    }
}
