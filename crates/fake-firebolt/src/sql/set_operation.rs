//! UNION, EXCEPT, and INTERSECT over whole rows.
//!
//! A chain is evaluated from left to right without recursion, because a statement may have a
//! thousand of them. NULLs are equal here, as DISTINCT has it. Rows come out in the order in which
//! the left side has them: two runs of one seed must not differ.

use std::collections::{BTreeMap, BTreeSet};

use super::error::SqlError;
use super::expr::Env;
use super::plan::Plan;
use crate::value::Row;

/// What one step of a chain does with the rows so far and those of its right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetOperator {
    Union,
    Except,
    Intersect,
}

impl SetOperator {
    /// Its word, for messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Union => "UNION",
            Self::Except => "EXCEPT",
            Self::Intersect => "INTERSECT",
        }
    }
}

/// One operator with its right side.
#[derive(Debug, Clone)]
pub(super) struct SetStep {
    pub(super) operator: SetOperator,
    /// ALL: rows count as often as they are there.
    pub(super) all: bool,
    pub(super) right: Plan,
}

/// A chain of set operations.
#[derive(Debug, Clone)]
pub(super) struct SetChain {
    pub(super) first: Plan,
    pub(super) steps: Vec<SetStep>,
}

impl SetChain {
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let mut rows = self.first.run(env)?;
        for step in &self.steps {
            let right = step.right.run(env)?;
            match step.operator {
                SetOperator::Union => rows.extend(right),
                SetOperator::Except => subtract(&mut rows, right, step.all),
                SetOperator::Intersect => intersect(&mut rows, right, step.all),
            }
            // At once, because a later step with ALL counts what is left.
            if !step.all {
                distinct(&mut rows);
            }
        }
        Ok(rows)
    }
}

/// Keeps the first of equal rows.
pub(super) fn distinct(rows: &mut Vec<Row>) {
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.clone()));
}

fn counted(rows: Vec<Row>) -> BTreeMap<Row, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_insert(0) += 1;
    }
    counts
}

fn subtract(rows: &mut Vec<Row>, right: Vec<Row>, all: bool) {
    let mut counts = counted(right);
    rows.retain(|row| match counts.get_mut(row) {
        None => true,
        Some(_) if !all => false,
        Some(0) => true,
        Some(left) => {
            *left -= 1;
            false
        }
    });
}

fn intersect(rows: &mut Vec<Row>, right: Vec<Row>, all: bool) {
    let mut counts = counted(right);
    rows.retain(|row| match counts.get_mut(row) {
        None | Some(0) => false,
        Some(_) if !all => true,
        Some(left) => {
            *left -= 1;
            true
        }
    });
}
