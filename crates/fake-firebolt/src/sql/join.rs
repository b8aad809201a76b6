//! Joins: by key where the condition has equalities, by trying all pairs where it has none.

use super::error::SqlError;
use super::expr::{Comparison, Env, Expr};
use super::key_index::{JoinKey, KeyIndex, left_hash};
use super::meter;
use super::plan::Plan;
use crate::value::{Row, Value};

/// Which rows stay that find no partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

impl JoinKind {
    /// Left rows without a partner stay, with NULLs on the right.
    pub(super) fn keeps_left(self) -> bool {
        matches!(self, Self::Left | Self::Full)
    }

    /// Right rows without a partner stay, with NULLs on the left.
    pub(super) fn keeps_right(self) -> bool {
        matches!(self, Self::Right | Self::Full)
    }
}

/// A join whose condition has been taken apart.
#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) left: Plan,
    pub(super) right: Plan,
    pub(super) left_width: usize,
    pub(super) right_width: usize,
    pub(super) kind: JoinKind,
    pub(super) condition: JoinCondition,
}

/// A join condition: equalities between the sides, and what is left.
#[derive(Debug, Clone, Default)]
pub(super) struct JoinCondition {
    /// Expressions over the left row and over the right row that must be equal.
    pub(super) keys: Vec<JoinKey>,
    /// Over the joined row.
    pub(super) residual: Option<Expr>,
}

/// Conditions that look at one side only, each numbered for that side.
#[derive(Debug, Default)]
pub(super) struct OneSided {
    pub(super) left: Vec<Expr>,
    pub(super) right: Vec<Expr>,
}

/// The part of the joined row that an expression looks at.
enum Side {
    Left,
    Right,
    Both,
}

fn side(part: &mut Expr, left_width: usize) -> Side {
    match part.column_range() {
        Some((_, high)) if high < left_width => Side::Left,
        Some((low, high)) if low >= left_width && high != usize::MAX => Side::Right,
        _ => Side::Both,
    }
}

/// Takes a condition over the joined row apart. One-sided conditions come back for the inputs to
/// be filtered by; the caller has to put back those it cannot filter by: an outer join keeps the
/// rows that its own condition refuses.
pub(super) fn split(condition: Option<Expr>, left_width: usize) -> (JoinCondition, OneSided) {
    let mut result = JoinCondition::default();
    let mut sided = OneSided::default();
    let mut rest = Vec::new();
    for mut part in condition.map(Expr::conjuncts).unwrap_or_default() {
        match side(&mut part, left_width) {
            Side::Left => sided.left.push(part),
            Side::Right => {
                part.shift_down(left_width);
                sided.right.push(part);
            }
            Side::Both => match as_key(part, left_width) {
                Ok(key) => result.keys.push(key),
                Err(part) => rest.push(part),
            },
        }
    }
    result.residual = Expr::all(rest);
    (result, sided)
}

impl JoinCondition {
    /// Adds conditions of the left side and of the right side that must not filter the inputs.
    pub(super) fn put_back(&mut self, left: Vec<Expr>, right: Vec<Expr>, left_width: usize) {
        let right = right.into_iter().map(|mut part| {
            part.shift_up(left_width);
            part
        });
        let parts = left.into_iter().chain(right).chain(self.residual.take());
        self.residual = Expr::all(parts.collect());
    }

    /// Whether the residual condition holds for every pair, or for none, if that can be known
    /// without looking: `ON FALSE` must not try all pairs.
    fn foregone(&self, env: &Env<'_>) -> Result<Option<bool>, SqlError> {
        match &self.residual {
            None => Ok(Some(true)),
            Some(residual) if residual.is_fixed() => {
                Ok(Some(residual.test(&[], env)? == Some(true)))
            }
            Some(_) => Ok(None),
        }
    }
}

/// Pushes conditions as far down as they go: without this, `FROM a, b WHERE a.x = b.x` would try
/// every pair.
pub(super) fn restrict(plan: Plan, conditions: Vec<Expr>) -> Plan {
    let Plan::Join(mut join) = plan else { return plan.filtered(Expr::all(conditions)) };
    let width = join.left_width;
    let (mut left, mut right, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for mut part in conditions {
        match side(&mut part, width) {
            // What looks at the optional side of an outer join has to see its NULLs.
            Side::Left if !join.kind.keeps_right() => left.push(part),
            Side::Right if !join.kind.keeps_left() => {
                part.shift_down(width);
                right.push(part);
            }
            _ => both.push(part),
        }
    }
    join.left = restrict(join.left, left);
    join.right = restrict(join.right, right);
    if join.kind != JoinKind::Inner {
        return Plan::Join(join).filtered(Expr::all(both));
    }
    let (condition, _) = split(Expr::all(both), width);
    join.condition.keys.extend(condition.keys);
    let residuals = [join.condition.residual.take(), condition.residual];
    join.condition.residual = Expr::all(residuals.into_iter().flatten().collect());
    Plan::Join(join)
}

fn as_key(part: Expr, left_width: usize) -> Result<JoinKey, Expr> {
    let (mut a, mut b, null_matches) = match part {
        Expr::Compare(Comparison::Equal, a, b) => (a, b, false),
        Expr::Distinct { left, right, negated: true } => (left, right, true),
        part => return Err(part),
    };
    match (side(&mut a, left_width), side(&mut b, left_width)) {
        (Side::Left, Side::Right) => {
            b.shift_down(left_width);
            Ok(JoinKey { left: *a, right: *b, null_matches })
        }
        (Side::Right, Side::Left) => {
            a.shift_down(left_width);
            Ok(JoinKey { left: *b, right: *a, null_matches })
        }
        _ if null_matches => Err(Expr::Distinct { left: a, right: b, negated: true }),
        _ => Err(Expr::Compare(Comparison::Equal, a, b)),
    }
}

/// The joined row.
pub(super) fn concatenate(left: &[Value], right: &[Value]) -> Row {
    left.iter().chain(right).cloned().collect()
}

/// The right side of a join, ready to be asked for the partners of a left row.
#[derive(Debug)]
pub(super) struct Partners<'j> {
    condition: &'j JoinCondition,
    right: &'j [Row],
    index: Option<KeyIndex>,
    /// `None`: the residual has to be looked at, pair by pair.
    foregone: Option<bool>,
    env: &'j Env<'j>,
    ahead: Ahead,
    candidates: Vec<usize>,
    pair: Vec<Value>,
}

/// What is known of the left rows that were announced.
#[derive(Debug, Default)]
struct Ahead {
    /// Of each row whose key could be evaluated.
    hashes: Vec<Option<u64>>,
    /// How many of them were asked for.
    asked: usize,
    /// Why there is no hash for the row behind them.
    failure: Option<SqlError>,
}

impl Ahead {
    /// What was found out about the next row; `None` when it was not announced.
    fn next(&mut self) -> Option<Result<Option<u64>, SqlError>> {
        let Some(hash) = self.hashes.get(self.asked) else {
            return self.failure.take().map(Err);
        };
        self.asked += 1;
        Some(Ok(*hash))
    }
}

/// How many left rows are announced at once: more than a processor has reads under way, and few
/// enough to stay near.
pub(super) const AHEAD: usize = 64;

impl<'j> Partners<'j> {
    /// Indexes the right side. `left_is_empty` spares the work that nothing will ask for, and
    /// with it the errors of expressions that no row would have met.
    pub(super) fn new(
        condition: &'j JoinCondition,
        right: &'j [Row],
        left_is_empty: bool,
        env: &'j Env<'j>,
    ) -> Result<Self, SqlError> {
        let nothing = left_is_empty || right.is_empty();
        let foregone = if nothing { Some(false) } else { condition.foregone(env)? };
        let index = match condition.keys.as_slice() {
            keys if !keys.is_empty() && foregone != Some(false) => {
                Some(KeyIndex::new(keys, right, env)?)
            }
            _ => None,
        };
        let (ahead, candidates, pair) = Default::default();
        Ok(Self { condition, right, index, foregone, env, ahead, candidates, pair })
    }

    /// Says which left rows will be asked for next, in that order and all of them: looking for a
    /// batch of keys is much faster than for one after the other. A key that cannot be evaluated is
    /// an error of its own row and not of those before it.
    pub(super) fn announce<'r>(&mut self, rows: impl Iterator<Item = &'r Row>) {
        let Some(index) = &self.index else { return };
        let Ahead { hashes, asked, failure } = &mut self.ahead;
        hashes.clear();
        *asked = 0;
        for row in rows {
            match left_hash(&self.condition.keys, row, self.env) {
                Ok(hash) => hashes.push(hash),
                Err(error) => {
                    *failure = Some(error);
                    break;
                }
            }
        }
        index.touch(hashes.iter().filter_map(|hash| *hash));
    }

    /// Positions of the partners of a left row, ascending, into `found`. Announced rows come first.
    pub(super) fn of(&mut self, row: &[Value], found: &mut Vec<usize>) -> Result<(), SqlError> {
        found.clear();
        if self.foregone == Some(false) {
            return Ok(());
        }
        let keys = &self.condition.keys;
        if let Some(index) = &self.index {
            let hash = match self.ahead.next() {
                Some(hash) => hash?,
                None => left_hash(keys, row, self.env)?,
            };
            if self.foregone == Some(true) {
                return index.find(hash, keys, row, self.right, self.env, found);
            }
            index.find(hash, keys, row, self.right, self.env, &mut self.candidates)?;
        } else if self.foregone == Some(true) {
            meter::tried(self.right.len())?;
            found.extend(0..self.right.len());
            return Ok(());
        }
        let Some(residual) = &self.condition.residual else { return Ok(()) };
        let indexed = self.index.is_some();
        let count = if indexed { self.candidates.len() } else { self.right.len() };
        meter::tried(count)?;
        for candidate in 0..count {
            let at = if indexed { self.candidates[candidate] } else { candidate };
            self.pair.clear();
            self.pair.extend(row.iter().chain(self.right[at].iter()).cloned());
            if residual.test(&self.pair, self.env)? == Some(true) {
                found.push(at);
            }
        }
        Ok(())
    }
}

impl Join {
    /// All joined rows, in the order of the left side; right rows without a partner come last.
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        let left = self.left.run(env)?;
        let right = self.right.run(env)?;
        let mut partners = Partners::new(&self.condition, &right, left.is_empty(), env)?;
        let mut partnered = vec![false; if self.kind.keeps_right() { right.len() } else { 0 }];
        let nulls = |width: usize| vec![Value::Null; width];
        let (no_left, no_right) = (nulls(self.left_width), nulls(self.right_width));
        let mut joined = Vec::new();
        let mut found = Vec::new();
        for (nth, row) in left.iter().enumerate() {
            if nth.is_multiple_of(AHEAD) {
                partners.announce(left[nth..].iter().take(AHEAD));
            }
            partners.of(row, &mut found)?;
            meter::made(found.len(), self.left_width + self.right_width)?;
            for at in &found {
                joined.push(concatenate(row, &right[*at]));
                if let Some(partnered) = partnered.get_mut(*at) {
                    *partnered = true;
                }
            }
            if found.is_empty() && self.kind.keeps_left() {
                joined.push(concatenate(row, &no_right));
            }
        }
        for (row, partnered) in right.iter().zip(partnered) {
            if !partnered {
                joined.push(concatenate(&no_left, row));
            }
        }
        Ok(joined)
    }
}
