//! Window functions: per row a value computed from the rows around it.
//!
//! Rows are put into partitions and sorted there; where the order leaves rows equal, they stay in
//! the order of the input. A frame is a range of places in the sorted partition.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use super::aggregate::{Accumulator, AggregateCall};
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::meter;
use super::plan::{SortKey, compare, keys_of};
use crate::value::{Row, Value};

/// One call with its OVER clause.
#[derive(Debug, Clone)]
pub(super) struct WindowCall {
    pub(super) function: WindowFunction,
    pub(super) partition: Vec<Expr>,
    pub(super) order: Vec<SortKey>,
    pub(super) frame: Frame,
}

/// What is computed.
#[derive(Debug, Clone)]
pub(super) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile(Expr),
    /// LAG, and LEAD, which is LAG forward.
    Lag {
        value: Expr,
        offset: Option<Expr>,
        default: Option<Expr>,
        forward: bool,
    },
    First(Expr),
    Last(Expr),
    Nth(Expr, Expr),
    Aggregate(Box<AggregateCall>),
}

/// The rows of the partition that a function looks at.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// ROWS counts rows; RANGE goes by the value of the sort key.
    pub(super) rows: bool,
    pub(super) start: Bound,
    pub(super) end: Bound,
}

/// One end of a frame.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    /// UNBOUNDED PRECEDING
    First,
    /// ROWS: that many rows before.
    RowsBefore(usize),
    /// RANGE: the value of the sort key there, as an expression over the current row. It lies
    /// before the current row if `before`.
    Value {
        limit: Box<Expr>,
        before: bool,
    },
    Current,
    RowsAfter(usize),
    /// UNBOUNDED FOLLOWING
    Last,
}

impl Frame {
    /// The frame where none is written: up to the last row that sorts like the current one.
    pub(super) fn standard() -> Self {
        Self { rows: false, start: Bound::First, end: Bound::Current }
    }
}

/// A row of a partition: its sort keys and its place in the input.
type Member = (Vec<Value>, usize);

/// Appends the results of the calls to the rows; the first call is the last column.
pub(super) fn run(
    rows: Vec<Row>,
    calls: &[WindowCall],
    env: &Env<'_>,
) -> Result<Vec<Row>, SqlError> {
    let mut results = vec![vec![Value::Null; calls.len()]; rows.len()];
    for (index, call) in calls.iter().enumerate() {
        let mut partitions: BTreeMap<Vec<Value>, Vec<Member>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            let mut partition = Vec::with_capacity(call.partition.len());
            for expr in &call.partition {
                partition.push(expr.eval(row, env)?.into_owned());
            }
            let member = (keys_of(&call.order, row, env)?, at);
            partitions.entry(partition).or_default().push(member);
        }
        let column = calls.len() - 1 - index;
        for members in partitions.values_mut() {
            members.sort_by(|(a, _), (b, _)| compare(&call.order, a, b));
            if matches!(call.function, WindowFunction::RowNumber) {
                // What every loader asks for, and often of partitions of one row.
                for (number, (_, at)) in (1_i64..).zip(members.iter()) {
                    results[*at][column] = Value::Bigint(number);
                }
                continue;
            }
            let partition = Partition { call, members, rows: &rows, env };
            for (value, (_, at)) in partition.values()?.into_iter().zip(members.iter()) {
                results[*at][column] = value;
            }
        }
    }
    let pairs = rows.iter().zip(results);
    Ok(pairs.map(|(row, results)| row.iter().cloned().chain(results).collect()).collect())
}

/// One sorted partition.
struct Partition<'p> {
    call: &'p WindowCall,
    members: &'p [Member],
    rows: &'p [Row],
    env: &'p Env<'p>,
}

fn bigint(value: usize) -> Value {
    Value::Bigint(i64::try_from(value).unwrap_or(i64::MAX))
}

impl Partition<'_> {
    fn row(&self, at: usize) -> &[Value] {
        &self.rows[self.members[at].1]
    }

    fn eval(&self, expr: &Expr, at: usize) -> Result<Value, SqlError> {
        expr.eval(self.row(at), self.env).map(Cow::into_owned)
    }

    /// The result for every member, in their order.
    fn values(&self) -> Result<Vec<Value>, SqlError> {
        let count = self.members.len();
        match &self.call.function {
            WindowFunction::RowNumber => Ok((1..=count).map(bigint).collect()),
            WindowFunction::Rank => Ok(self.by_peers(|peers, _| bigint(peers.start + 1))),
            WindowFunction::DenseRank => Ok(self.by_peers(|_, group| bigint(group))),
            WindowFunction::PercentRank => Ok(self.by_peers(|peers, _| {
                let others = count.saturating_sub(1).max(1) as f64;
                Value::Double(peers.start as f64 / others)
            })),
            WindowFunction::CumeDist => {
                Ok(self.by_peers(|peers, _| Value::Double(peers.end as f64 / count as f64)))
            }
            WindowFunction::Ntile(buckets) => self.tiles(buckets),
            WindowFunction::Lag { value, offset, default, forward } => {
                let lag = |at| self.lag(at, value, offset.as_ref(), default.as_ref(), *forward);
                (0..count).map(lag).collect()
            }
            WindowFunction::First(value) => self.by_frame(|frame, _| {
                if frame.is_empty() { Ok(Value::Null) } else { self.eval(value, frame.start) }
            }),
            WindowFunction::Last(value) => self.by_frame(|frame, _| {
                if frame.is_empty() { Ok(Value::Null) } else { self.eval(value, frame.end - 1) }
            }),
            WindowFunction::Nth(value, number) => self.by_frame(|frame, at| {
                let number = match self.eval(number, at)? {
                    Value::Bigint(number) if number > 0 => number as usize,
                    Value::Null => return Ok(Value::Null),
                    _ => {
                        let text = "argument of nth_value must be greater than zero";
                        return Err(SqlError::data(text));
                    }
                };
                let place = frame.start.saturating_add(number - 1);
                if place < frame.end { self.eval(value, place) } else { Ok(Value::Null) }
            }),
            WindowFunction::Aggregate(call) => self.aggregated(call),
        }
    }

    /// The rows that sort like each row, as ranges that cover the partition.
    fn peers(&self) -> Vec<Range<usize>> {
        let mut groups: Vec<Range<usize>> = Vec::new();
        for (at, (keys, _)) in self.members.iter().enumerate() {
            match groups.last_mut() {
                Some(group)
                    if compare(&self.call.order, &self.members[group.start].0, keys)
                        == Ordering::Equal =>
                {
                    group.end = at + 1;
                }
                _ => groups.push(at..at + 1),
            }
        }
        groups
    }

    /// A value per group of peers, from its range and its number.
    fn by_peers(&self, value: impl Fn(Range<usize>, usize) -> Value) -> Vec<Value> {
        let groups = (1..).zip(self.peers());
        let of_group = |(number, group): (usize, Range<usize>)| {
            vec![value(group.clone(), number); group.len()]
        };
        groups.flat_map(of_group).collect()
    }

    fn tiles(&self, buckets: &Expr) -> Result<Vec<Value>, SqlError> {
        let count = self.members.len();
        let buckets = match self.eval(buckets, 0)? {
            Value::Bigint(buckets) if buckets > 0 => usize::try_from(buckets).unwrap_or(usize::MAX),
            Value::Null => return Ok(vec![Value::Null; count]),
            _ => return Err(SqlError::data("argument of ntile must be greater than zero")),
        };
        // The first `larger` buckets have one row more than the rest.
        let (size, larger) = (count / buckets, count % buckets);
        let split = larger * (size + 1);
        let bucket = |at: usize| {
            if at < split { at / (size + 1) } else { larger + (at - split) / size.max(1) }
        };
        Ok((0..count).map(|at| bigint(bucket(at) + 1)).collect())
    }

    fn lag(
        &self,
        at: usize,
        value: &Expr,
        offset: Option<&Expr>,
        default: Option<&Expr>,
        forward: bool,
    ) -> Result<Value, SqlError> {
        let offset = match offset {
            None => 1,
            Some(offset) => match self.eval(offset, at)? {
                Value::Bigint(offset) => offset,
                _ => return Ok(Value::Null),
            },
        };
        let step = if forward { Some(offset) } else { offset.checked_neg() };
        let place = step
            .and_then(|step| i64::try_from(at).ok()?.checked_add(step))
            .and_then(|place| usize::try_from(place).ok())
            .filter(|place| *place < self.members.len());
        match (place, default) {
            (Some(place), _) => self.eval(value, place),
            (None, Some(default)) => self.eval(default, at),
            (None, None) => Ok(Value::Null),
        }
    }

    /// A value per row, from its frame and its place.
    fn by_frame(
        &self,
        mut value: impl FnMut(Range<usize>, usize) -> Result<Value, SqlError>,
    ) -> Result<Vec<Value>, SqlError> {
        let mut values = Vec::with_capacity(self.members.len());
        for peers in self.peers() {
            for at in peers.clone() {
                let start = self.start(at, &peers)?;
                let end = self.end(at, &peers)?.max(start);
                values.push(value(start..end, at)?);
            }
        }
        Ok(values)
    }

    fn start(&self, at: usize, peers: &Range<usize>) -> Result<usize, SqlError> {
        let count = self.members.len();
        Ok(match &self.call.frame.start {
            Bound::First => 0,
            Bound::RowsBefore(rows) => at.saturating_sub(*rows),
            Bound::Current if self.call.frame.rows => at,
            Bound::Current => peers.start,
            Bound::RowsAfter(rows) => at.saturating_add(*rows).min(count),
            Bound::Value { limit, before } => match self.limit(limit, at)? {
                Limit::At(value) => self.place(&value, |order| order == Ordering::Less),
                Limit::Peers => peers.start,
                Limit::Beyond if *before => 0,
                Limit::Beyond => count,
            },
            Bound::Last => count,
        })
    }

    /// One past the last row of the frame.
    fn end(&self, at: usize, peers: &Range<usize>) -> Result<usize, SqlError> {
        let count = self.members.len();
        Ok(match &self.call.frame.end {
            Bound::First => 0,
            Bound::RowsBefore(rows) => (at + 1).saturating_sub(*rows),
            Bound::Current if self.call.frame.rows => at + 1,
            Bound::Current => peers.end,
            Bound::RowsAfter(rows) => (at + 1).saturating_add(*rows).min(count),
            Bound::Value { limit, before } => match self.limit(limit, at)? {
                Limit::At(value) => self.place(&value, |order| order != Ordering::Greater),
                Limit::Peers => peers.end,
                Limit::Beyond if *before => 0,
                Limit::Beyond => count,
            },
            Bound::Last => count,
        })
    }

    fn limit(&self, limit: &Expr, at: usize) -> Result<Limit, SqlError> {
        // NULLs have no distance to anything but each other.
        if self.members[at].0.first().is_none_or(Value::is_null) {
            return Ok(Limit::Peers);
        }
        Ok(match self.eval(limit, at) {
            Ok(value) if value.is_null() => Limit::Peers,
            Ok(value) => Limit::At(value),
            // Past the end of the type there is nothing, so the frame is open there.
            Err(_) => Limit::Beyond,
        })
    }

    /// Members in front whose key is to a value as `holds` says.
    fn place(&self, value: &Value, holds: impl Fn(Ordering) -> bool) -> usize {
        let value = std::slice::from_ref(value);
        self.members.partition_point(|(keys, _)| holds(compare(&self.call.order, keys, value)))
    }

    fn aggregated(&self, call: &AggregateCall) -> Result<Vec<Value>, SqlError> {
        let mut state = Accumulator::new();
        let mut done = 0..0;
        let mut result: Option<Value> = None;
        self.by_frame(|frame, _| {
            // A frame that only grows at its end, as most do, costs its new rows only.
            let grows = frame.start == done.start && frame.end >= done.end;
            if !grows {
                state = Accumulator::new();
                done = frame.start..frame.start;
                result = None;
            }
            // A frame that moves is gone through anew for every row.
            meter::tried(frame.end - done.end)?;
            for at in done.end..frame.end {
                state.add(call, self.row(at), self.env)?;
                result = None;
            }
            done = frame;
            let value = match result.take() {
                Some(value) => value,
                None => state.finish(call)?,
            };
            result = Some(value.clone());
            Ok(value)
        })
    }
}

/// Where a RANGE bound lies.
enum Limit {
    At(Value),
    Peers,
    Beyond,
}
