//! Scalar functions on dates and times, after their units and patterns have been bound.

use super::cast;
use super::datetime::{self, Unit};
use super::datetime_field::Field;
use super::error::SqlError;
use super::function::whole;
use super::numeric;
use super::{datetime_read, datetime_render};
use crate::value::{DataType, Value};

/// A function on a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeFunction {
    /// DATE_ADD: quantity, point.
    Add(Unit),
    Extract(Field),
    /// TO_CHAR
    Render,
    /// TO_TIMESTAMP with a pattern, and TO_DATE with one.
    Read {
        date: bool,
    },
    /// TO_TIMESTAMP of seconds.
    FromEpoch,
    YearMonth,
    YearMonthDay,
    /// Days added to a date, or taken off it.
    ShiftDays {
        back: bool,
    },
    /// The first date less the second.
    DaysBetween,
    /// AT TIME ZONE: microseconds by which the zone is ahead of UTC.
    Zone(i64),
}

/// Microseconds since 1970 of a point in time.
pub(super) fn micros(value: &Value) -> Result<i64, SqlError> {
    match value {
        Value::Timestamp(micros) | Value::TimestampTz(micros) => Ok(*micros),
        Value::Date(day) => {
            datetime::start_of_day(*day).ok_or_else(|| SqlError::data("date out of range"))
        }
        _ => Err(SqlError::internal("a date function got what is not a point in time")),
    }
}

fn out_of_range() -> SqlError {
    SqlError::data("timestamp out of range")
}

impl TimeFunction {
    pub(super) fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        let text = |index: usize| match values.get(index) {
            Some(Value::Text(text)) => Ok(text.as_ref()),
            _ => Err(SqlError::internal("a date function got what is not text")),
        };
        Ok(match self {
            Self::Add(unit) => {
                let moved = datetime::Interval::of(whole(&values[0])?, unit)
                    .and_then(|interval| interval.add_to(micros(&values[1]).ok()?));
                let moved = moved.ok_or_else(out_of_range)?;
                match &values[1] {
                    Value::TimestampTz(_) => Value::TimestampTz(moved),
                    _ => Value::Timestamp(moved),
                }
            }
            Self::Extract(field) => field.of(micros(&values[0])?),
            Self::Render => Value::text(&datetime_render::render(text(1)?, micros(&values[0])?)),
            Self::Read { date } => {
                let read = Value::TimestampTz(datetime_read::read(text(0)?, text(1)?)?);
                if date { cast::cast(&read, &DataType::Date)? } else { read }
            }
            Self::FromEpoch => {
                let Value::Double(seconds) = values[0] else {
                    return Err(SqlError::internal("TO_TIMESTAMP of what is not a double"));
                };
                let micros = (seconds * 1e6).round();
                let fits = micros.is_finite() && micros.abs() < 9e18;
                let micros = Some(micros as i64).filter(|at| fits && datetime::in_range(*at));
                Value::TimestampTz(micros.ok_or_else(out_of_range)?)
            }
            Self::YearMonth | Self::YearMonthDay => {
                let (year, month, day) =
                    datetime::civil(micros(&values[0])?.div_euclid(datetime::DAY));
                let month = year * 100 + i64::from(month);
                let day = month * 100 + i64::from(day);
                let number = if self == Self::YearMonth { month } else { day };
                let number = i32::try_from(number);
                Value::Integer(number.map_err(|_| numeric::overflow(year, DataType::Integer))?)
            }
            Self::ShiftDays { back } => {
                let days = whole(&values[1])?;
                let days = if back { days.checked_neg() } else { Some(days) };
                let from = micros(&values[0])? / datetime::DAY;
                let inside =
                    |day: &i64| day.checked_mul(datetime::DAY).is_some_and(datetime::in_range);
                let day = days.and_then(|days| from.checked_add(days)).filter(inside);
                let day = day.and_then(|day| i32::try_from(day).ok());
                Value::Date(day.ok_or_else(|| SqlError::data("date out of range"))?)
            }
            Self::DaysBetween => {
                let days = (micros(&values[0])? - micros(&values[1])?) / datetime::DAY;
                Value::Integer(i32::try_from(days).unwrap_or(i32::MAX))
            }
            Self::Zone(ahead) => {
                let inside =
                    |at: i64| datetime::in_range(at).then_some(at).ok_or_else(out_of_range);
                match &values[0] {
                    Value::TimestampTz(at) => Value::Timestamp(inside(at + ahead)?),
                    other => Value::TimestampTz(inside(micros(other)? - ahead)?),
                }
            }
        })
    }
}
