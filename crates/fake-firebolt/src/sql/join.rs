//! Joins: by key where the condition has equalities, by trying all pairs where it has none.

use std::collections::BTreeMap;

use super::error::SqlError;
use super::expr::{Comparison, Env, Expr};
use super::plan::Plan;
use crate::value::{Row, Value};

/// A join whose condition has been taken apart.
#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) left: Plan,
    pub(super) right: Plan,
    pub(super) left_width: usize,
    pub(super) right_width: usize,
    /// LEFT JOIN: a left row without a partner stays, with NULLs.
    pub(super) outer: bool,
    pub(super) condition: JoinCondition,
}

/// A join condition: equalities between the sides, and what is left.
#[derive(Debug, Clone, Default)]
pub(super) struct JoinCondition {
    /// Expressions over the left row and over the right row that must be equal and not NULL.
    pub(super) keys: Vec<(Expr, Expr)>,
    /// Over the joined row.
    pub(super) residual: Option<Expr>,
}

/// Conditions that look at one side only.
#[derive(Debug, Default)]
pub(super) struct OneSided {
    pub(super) left: Vec<Expr>,
    pub(super) right: Vec<Expr>,
}

/// Takes a condition over the joined row apart. One-sided conditions come back for the inputs to
/// be filtered by; the caller has to put back those it cannot filter by (the left ones of a LEFT
/// JOIN).
pub(super) fn split(condition: Option<Expr>, left_width: usize) -> (JoinCondition, OneSided) {
    let mut result = JoinCondition::default();
    let mut sided = OneSided::default();
    let mut rest = Vec::new();
    for mut part in condition.map(Expr::conjuncts).unwrap_or_default() {
        match part.column_range() {
            Some((_, high)) if high < left_width => sided.left.push(part),
            Some((low, high)) if low >= left_width && high != usize::MAX => {
                part.shift_down(left_width);
                sided.right.push(part);
            }
            _ => match as_key(part, left_width) {
                Ok(key) => result.keys.push(key),
                Err(part) => rest.push(part),
            },
        }
    }
    result.residual = Expr::all(rest);
    (result, sided)
}

/// Pushes conditions as far down as they go: without this, `FROM a, b WHERE a.x = b.x` would try
/// every pair.
pub(super) fn restrict(plan: Plan, conditions: Vec<Expr>) -> Plan {
    let Plan::Join(mut join) = plan else { return plan.filtered(Expr::all(conditions)) };
    let (condition, sided) = split(Expr::all(conditions), join.left_width);
    join.left = restrict(join.left, sided.left);
    if !join.outer {
        join.right = restrict(join.right, sided.right);
        join.condition.keys.extend(condition.keys);
        let residuals = [join.condition.residual.take(), condition.residual];
        join.condition.residual = Expr::all(residuals.into_iter().flatten().collect());
        return Plan::Join(join);
    }
    // What looks at the optional side of a LEFT JOIN has to see its NULLs.
    let width = join.left_width;
    let raise = |mut part: Expr| {
        part.shift_up(width);
        part
    };
    let equal = |(left, right): (Expr, Expr)| {
        Expr::Compare(Comparison::Equal, Box::new(left), Box::new(raise(right)))
    };
    let above = sided.right.into_iter().map(raise);
    let above = above.chain(condition.keys.into_iter().map(equal)).chain(condition.residual);
    let above = Expr::all(above.collect());
    Plan::Join(join).filtered(above)
}

fn as_key(part: Expr, left_width: usize) -> Result<(Expr, Expr), Expr> {
    let Expr::Compare(Comparison::Equal, mut a, mut b) = part else { return Err(part) };
    let left =
        |range: Option<(usize, usize)>| matches!(range, Some((_, high)) if high < left_width);
    let of_right = |(low, high): (usize, usize)| low >= left_width && high != usize::MAX;
    let right = |range: Option<(usize, usize)>| range.is_some_and(of_right);
    let (of_a, of_b) = (a.column_range(), b.column_range());
    if left(of_a) && right(of_b) {
        b.shift_down(left_width);
        Ok((*a, *b))
    } else if left(of_b) && right(of_a) {
        a.shift_down(left_width);
        Ok((*b, *a))
    } else {
        Err(Expr::Compare(Comparison::Equal, a, b))
    }
}

/// Rows of one side by their key; rows with a NULL in the key match nothing and are left out.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    one: BTreeMap<Value, Vec<usize>>,
    many: BTreeMap<Vec<Value>, Vec<usize>>,
}

impl KeyIndex {
    /// Indexes rows by the right-hand expressions of `keys`.
    pub(super) fn new<'r>(
        keys: &[(Expr, Expr)],
        rows: impl Iterator<Item = &'r Row>,
        env: &Env<'_>,
    ) -> Result<Self, SqlError> {
        let mut index = Self::default();
        for (at, row) in rows.enumerate() {
            if let [(_, only)] = keys {
                let value = only.eval(row, env)?;
                if !value.is_null() {
                    index.one.entry(value.into_owned()).or_default().push(at);
                }
            } else if let Some(key) = composite(keys.iter().map(|(_, key)| key), row, env)? {
                index.many.entry(key).or_default().push(at);
            }
        }
        Ok(index)
    }

    /// Positions of the rows that match a left row.
    pub(super) fn matches(
        &self,
        keys: &[(Expr, Expr)],
        row: &[Value],
        env: &Env<'_>,
    ) -> Result<&[usize], SqlError> {
        let found = if let [(only, _)] = keys {
            self.one.get(only.eval(row, env)?.as_ref())
        } else {
            composite(keys.iter().map(|(key, _)| key), row, env)?
                .and_then(|key| self.many.get(&key))
        };
        Ok(found.map_or(&[], Vec::as_slice))
    }
}

fn composite<'k>(
    keys: impl Iterator<Item = &'k Expr>,
    row: &[Value],
    env: &Env<'_>,
) -> Result<Option<Vec<Value>>, SqlError> {
    let mut values = Vec::new();
    for key in keys {
        let value = key.eval(row, env)?;
        if value.is_null() {
            return Ok(None);
        }
        values.push(value.into_owned());
    }
    Ok(Some(values))
}

/// The joined row.
pub(super) fn concatenate(left: &[Value], right: &[Value]) -> Row {
    left.iter().chain(right).cloned().collect()
}

impl Join {
    /// All joined rows, in the order of the left side.
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let left = self.left.run(env)?;
        let right = self.right.run(env)?;
        let keys = &self.condition.keys;
        let index =
            if keys.is_empty() { None } else { Some(KeyIndex::new(keys, right.iter(), env)?) };
        let all: Vec<usize> = if index.is_none() { (0..right.len()).collect() } else { vec![] };
        let nulls = vec![Value::Null; self.right_width];
        let mut joined = Vec::new();
        for row in &left {
            let candidates = match &index {
                Some(index) => index.matches(keys, row, env)?,
                None => &all,
            };
            let before = joined.len();
            for at in candidates {
                let pair = concatenate(row, &right[*at]);
                let holds = match &self.condition.residual {
                    Some(residual) => residual.test(&pair, env)? == Some(true),
                    None => true,
                };
                if holds {
                    joined.push(pair);
                }
            }
            if self.outer && joined.len() == before {
                joined.push(concatenate(row, &nulls));
            }
        }
        Ok(joined)
    }
}
