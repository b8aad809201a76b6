//! Bound expressions: columns are numbers, every operand has its type, every cast is written out.
//!
//! Evaluation borrows where it can, because comparing a column with a constant is most of what a
//! run does. Three-valued logic: an unknown truth value is `None`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::arithmetic::{self, Operator};
use super::cast;
use super::datetime::Interval;
use super::error::SqlError;
use super::function::Function;
use super::lambda::Lambda;
use super::like::Pattern;
use super::meter;
use super::plan::Plan;
use super::regexp::Regexp;
use super::volatile::Draw;
use crate::value::{DataType, Row, Struct, StructType, Value};

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// A subquery inside an expression. One that does not look at the outer row runs once.
#[derive(Debug, Clone)]
pub(super) struct Subquery {
    pub(super) plan: Box<Plan>,
    pub(super) correlated: bool,
    pub(super) rows: OnceCell<Vec<Row>>,
    /// The rows as a set, for IN over an uncorrelated subquery.
    pub(super) set: OnceCell<BTreeSet<Row>>,
}

impl Subquery {
    pub(super) fn new(plan: Plan, correlated: bool) -> Self {
        Self { plan: Box::new(plan), correlated, rows: OnceCell::new(), set: OnceCell::new() }
    }

    fn rows(&self, env: &Env<'_>, row: &[Value]) -> Result<Cow<'_, [Row]>, SqlError> {
        if self.correlated {
            let inner = Env { outer: Some((row, env)) };
            return self.plan.run(&inner).map(Cow::Owned);
        }
        if let Some(rows) = self.rows.get() {
            return Ok(Cow::Borrowed(rows));
        }
        let rows = self.plan.run(&Env { outer: Some((row, env)) })?;
        Ok(Cow::Borrowed(self.rows.get_or_init(|| rows)))
    }
}

/// The rows around the one that is looked at, innermost first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Env<'e> {
    pub(super) outer: Option<(&'e [Value], &'e Env<'e>)>,
}

/// A bound expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Constant(Value),
    Column(usize),
    /// A column counted from the row's end: window results, whose number is not known while the
    /// rest is bound.
    FromEnd(usize),
    Outer {
        depth: usize,
        index: usize,
    },
    Cast(Box<Expr>, DataType),
    /// TRY_CAST: NULL where the value cannot be converted.
    TryCast(Box<(Expr, DataType)>),
    Lambda(Box<Lambda>),
    Regexp(Box<Regexp>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Distinct {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    Arithmetic(Operator, Box<Expr>, Box<Expr>, DataType),
    Negate(Box<Expr>, DataType),
    Shift(Box<Expr>, Interval),
    Concat(Vec<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        operand: Box<Expr>,
        negated: bool,
    },
    IsTruth {
        operand: Box<Expr>,
        truth: bool,
        negated: bool,
    },
    InSet {
        operand: Box<Expr>,
        set: BTreeSet<Value>,
        null: bool,
        negated: bool,
    },
    InList {
        operand: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        operands: Vec<Expr>,
        query: Subquery,
        negated: bool,
    },
    Exists {
        query: Subquery,
        negated: bool,
    },
    Scalar(Subquery),
    LikeConstant {
        operand: Box<Expr>,
        pattern: Pattern,
        fold: bool,
        negated: bool,
    },
    Like {
        operand: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<char>,
        fold: bool,
        negated: bool,
    },
    Case {
        branches: Vec<(Expr, Expr)>,
        otherwise: Box<Expr>,
    },
    Call(Function, Vec<Expr>),
    /// RANDOM and its like: another value each time.
    Draw(Draw),
    /// GROUPING: its answer for each set, by the set's number.
    Grouping {
        number: Box<Expr>,
        answers: Vec<i32>,
    },
    /// A STRUCT made of its fields.
    Struct(Arc<StructType>, Vec<Expr>),
}

fn truth(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Boolean)
}

impl Expr {
    /// The value for a row.
    pub(super) fn eval<'r>(
        &'r self,
        row: &'r [Value],
        env: &'r Env<'r>,
    ) -> Result<Cow<'r, Value>, SqlError> {
        Ok(match self {
            Self::Constant(value) => Cow::Borrowed(value),
            Self::Column(index) => Cow::Borrowed(&row[*index]),
            Self::FromEnd(index) => Cow::Borrowed(&row[row.len() - 1 - index]),
            Self::Outer { depth, index } => Cow::Borrowed(outer(env, *depth, *index)?),
            Self::Cast(inner, to) => {
                let value = inner.eval(row, env)?;
                Cow::Owned(cast::cast(&value, to)?)
            }
            Self::Lambda(lambda) => Cow::Owned(lambda.eval(row, env)?),
            Self::Regexp(regexp) => Cow::Owned(regexp.eval(row, env)?),
            Self::TryCast(cast) => {
                let value = cast.0.eval(row, env)?;
                match cast::cast(&value, &cast.1) {
                    Err(error) if error.is_of_a_value() => Cow::Owned(Value::Null),
                    result => Cow::Owned(result?),
                }
            }
            Self::Arithmetic(operator, left, right, result) => {
                let (left, right) = (left.eval(row, env)?, right.eval(row, env)?);
                Cow::Owned(arithmetic::compute(*operator, &left, &right, result)?)
            }
            Self::Negate(inner, result) => {
                let value = inner.eval(row, env)?;
                let zero = cast::cast(&Value::Integer(0), result)?;
                Cow::Owned(arithmetic::compute(Operator::Subtract, &zero, &value, result)?)
            }
            Self::Shift(inner, interval) => Cow::Owned(shift(&*inner.eval(row, env)?, *interval)?),
            Self::Concat(parts) => Cow::Owned(concat(parts, row, env)?),
            Self::Scalar(query) => Cow::Owned(scalar(query, row, env)?),
            Self::Case { branches, otherwise } => {
                for (condition, result) in branches {
                    if condition.test(row, env)? == Some(true) {
                        return result.eval(row, env);
                    }
                }
                return otherwise.eval(row, env);
            }
            Self::Call(function, arguments) => {
                let value = function.call(arguments, row, env)?;
                match &value {
                    Value::Text(text) | Value::Json(text) => meter::made_bytes(text.len())?,
                    Value::Array(items) => meter::made_bytes(size_of_val(&**items))?,
                    _ => {}
                }
                Cow::Owned(value)
            }
            Self::Draw(draw) => Cow::Owned(draw.next()),
            Self::Grouping { number, answers } => {
                Cow::Owned(of_set(&*number.eval(row, env)?, answers)?)
            }
            Self::Struct(of, fields) => {
                meter::made_bytes(size_of::<Value>() * fields.len())?;
                let values = fields.iter().map(|field| Ok(field.eval(row, env)?.into_owned()));
                Cow::Owned(Struct::value(of.clone(), values.collect::<Result<_, SqlError>>()?))
            }
            _ => Cow::Owned(truth(self.test(row, env)?)),
        })
    }

    /// The truth value for a row; `None` is unknown.
    pub(super) fn test(&self, row: &[Value], env: &Env<'_>) -> Result<Option<bool>, SqlError> {
        match self {
            Self::Compare(comparison, left, right) => {
                let (left, right) = (left.eval(row, env)?, right.eval(row, env)?);
                if left.is_null() || right.is_null() {
                    return Ok(None);
                }
                Ok(Some(comparison.holds(left.as_ref().cmp(right.as_ref()))))
            }
            Self::And(parts) => junction(parts, row, env, false),
            Self::Or(parts) => junction(parts, row, env, true),
            Self::Not(inner) => Ok(inner.test(row, env)?.map(|value| !value)),
            Self::Distinct { left, right, negated } => {
                let (left, right) = (left.eval(row, env)?, right.eval(row, env)?);
                Ok(Some((left != right) != *negated))
            }
            Self::IsNull { operand, negated } => {
                Ok(Some(operand.eval(row, env)?.is_null() != *negated))
            }
            Self::IsTruth { operand, truth, negated } => {
                Ok(Some((operand.test(row, env)? == Some(*truth)) != *negated))
            }
            Self::InSet { .. } | Self::InList { .. } | Self::InQuery { .. } => {
                self.test_membership(row, env)
            }
            Self::Exists { query, negated } => {
                Ok(Some(query.rows(env, row)?.is_empty() == *negated))
            }
            Self::LikeConstant { operand, pattern, fold, negated } => {
                let value = operand.eval(row, env)?;
                let Value::Text(text) = value.as_ref() else { return Ok(None) };
                let found = if *fold {
                    pattern.matches(&text.to_ascii_lowercase())
                } else {
                    pattern.matches(text)
                };
                Ok(Some(found != *negated))
            }
            Self::Like { operand, pattern, escape, fold, negated } => {
                let (value, pattern) = (operand.eval(row, env)?, pattern.eval(row, env)?);
                let (Value::Text(text), Value::Text(pattern)) = (value.as_ref(), pattern.as_ref())
                else {
                    return Ok(None);
                };
                let fold =
                    |text: &str| if *fold { text.to_ascii_lowercase() } else { text.to_owned() };
                let pattern = Pattern::new(&fold(pattern), *escape).ok_or_else(bad_pattern)?;
                Ok(Some(pattern.matches(&fold(text)) != *negated))
            }
            _ => match self.eval(row, env)?.as_ref() {
                Value::Null => Ok(None),
                Value::Boolean(value) => Ok(Some(*value)),
                other => Err(SqlError::internal(format!("{other} as a condition"))),
            },
        }
    }

    fn test_membership(&self, row: &[Value], env: &Env<'_>) -> Result<Option<bool>, SqlError> {
        match self {
            Self::InSet { operand, set, null, negated } => {
                let value = operand.eval(row, env)?;
                if value.is_null() {
                    return Ok(None);
                }
                let found = set.contains(value.as_ref());
                Ok(if !found && *null { None } else { Some(found != *negated) })
            }
            Self::InList { operand, list, negated } => {
                let value = operand.eval(row, env)?;
                let mut unknown = value.is_null();
                for item in list {
                    let item = item.eval(row, env)?;
                    if item.is_null() || value.is_null() {
                        unknown = true;
                    } else if item == value {
                        return Ok(Some(!negated));
                    }
                }
                Ok(if unknown { None } else { Some(*negated) })
            }
            Self::InQuery { operands, query, negated } => {
                let values: Row = operands
                    .iter()
                    .map(|operand| operand.eval(row, env).map(Cow::into_owned))
                    .collect::<Result<_, _>>()?;
                Ok(in_query(&values, query, row, env)?.map(|found| found != *negated))
            }
            _ => Err(SqlError::internal("not a membership test")),
        }
    }

    /// Whether the value is the same for every row of the statement.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

/// The text for a pattern that ends in its escape character.
pub(super) fn bad_pattern() -> SqlError {
    SqlError::data("LIKE pattern must not end with escape character")
}

fn of_set(number: &Value, answers: &[i32]) -> Result<Value, SqlError> {
    let at = match number {
        Value::Integer(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    let answer = at.and_then(|at| answers.get(at));
    answer
        .map(|answer| Value::Integer(*answer))
        .ok_or_else(|| SqlError::internal("a row of no grouping set"))
}

fn outer<'e>(env: &'e Env<'e>, depth: usize, index: usize) -> Result<&'e Value, SqlError> {
    let mut env = env;
    let mut left = depth;
    loop {
        let Some((row, next)) = env.outer else {
            return Err(SqlError::internal("a correlated column without an outer row"));
        };
        if left <= 1 {
            return row
                .get(index)
                .ok_or_else(|| SqlError::internal("a correlated column beyond the outer row"));
        }
        left -= 1;
        env = next;
    }
}

fn junction(
    parts: &[Expr],
    row: &[Value],
    env: &Env<'_>,
    decisive: bool,
) -> Result<Option<bool>, SqlError> {
    let mut unknown = false;
    for part in parts {
        match part.test(row, env)? {
            Some(value) if value == decisive => return Ok(Some(decisive)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(!decisive) })
}

fn in_query(
    values: &Row,
    query: &Subquery,
    row: &[Value],
    env: &Env<'_>,
) -> Result<Option<bool>, SqlError> {
    let rows = query.rows(env, row)?;
    let has_null = |row: &[Value]| row.iter().any(Value::is_null);
    if !query.correlated && !has_null(values) {
        let set = query.set.get_or_init(|| rows.iter().cloned().collect());
        if set.contains(values) {
            return Ok(Some(true));
        }
        if !set.iter().any(|row| has_null(row)) {
            return Ok(Some(false));
        }
    }
    let mut unknown = false;
    for candidate in rows.iter() {
        let mut equal = Some(true);
        for (left, right) in values.iter().zip(candidate.iter()) {
            if left.is_null() || right.is_null() {
                equal = equal.and(None);
            } else if left != right {
                equal = Some(false);
                break;
            }
        }
        match equal {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(false) })
}

fn scalar(query: &Subquery, row: &[Value], env: &Env<'_>) -> Result<Value, SqlError> {
    let rows = query.rows(env, row)?;
    match rows.as_ref() {
        [] => Ok(Value::Null),
        [only] => Ok(only[0].clone()),
        _ => Err(SqlError::data("more than one row returned by a subquery used as an expression")),
    }
}

fn concat(parts: &[Expr], row: &[Value], env: &Env<'_>) -> Result<Value, SqlError> {
    let mut text = String::new();
    for part in parts {
        match part.eval(row, env)?.as_ref() {
            Value::Null => return Ok(Value::Null),
            Value::Text(part) => {
                // Before it is made: texts that double at each level would end the process.
                meter::made_bytes(part.len())?;
                text.push_str(part);
            }
            other => text.push_str(&other.to_string()),
        }
    }
    Ok(Value::text(&text))
}

fn shift(value: &Value, interval: Interval) -> Result<Value, SqlError> {
    let moved = |micros: i64| {
        interval.add_to(micros).ok_or_else(|| SqlError::data("timestamp out of range"))
    };
    match value {
        Value::Timestamp(micros) => moved(*micros).map(Value::Timestamp),
        Value::TimestampTz(micros) => moved(*micros).map(Value::TimestampTz),
        Value::Null => Ok(Value::Null),
        _ => Err(SqlError::internal("an interval added to what is not a point in time")),
    }
}
