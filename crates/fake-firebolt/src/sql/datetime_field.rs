//! The fields that EXTRACT reads out of a point in time (the vendor's page on EXTRACT).

use super::datetime::{DAY, SECOND, civil, days};
use crate::value::{DataType, Numeric, Value};

/// A field of a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Century,
    Day,
    Decade,
    DayOfWeek,
    DayOfYear,
    Epoch,
    Hour,
    IsoDayOfWeek,
    IsoYear,
    Microseconds,
    Millennium,
    Milliseconds,
    Minute,
    Month,
    Quarter,
    Second,
    /// TIMEZONE, TIMEZONE_HOUR, TIMEZONE_MINUTE: the session's zone is UTC.
    Zone,
    Week,
    Year,
}

impl Field {
    /// The field of that lower-case name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "century" => Self::Century,
            "day" => Self::Day,
            "decade" => Self::Decade,
            "dow" => Self::DayOfWeek,
            "doy" => Self::DayOfYear,
            "epoch" => Self::Epoch,
            "hour" => Self::Hour,
            "isodow" => Self::IsoDayOfWeek,
            "isoyear" => Self::IsoYear,
            "microseconds" => Self::Microseconds,
            "millennium" => Self::Millennium,
            "milliseconds" => Self::Milliseconds,
            "minute" => Self::Minute,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "second" => Self::Second,
            "timezone" | "timezone_hour" | "timezone_minute" => Self::Zone,
            "week" => Self::Week,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// Whether values of that type have the field.
    pub(super) fn is_of(self, data_type: &DataType) -> bool {
        match self {
            Self::Hour | Self::Minute | Self::Second | Self::Milliseconds | Self::Microseconds => {
                *data_type != DataType::Date
            }
            Self::Zone => *data_type == DataType::TimestampTz,
            _ => true,
        }
    }

    /// The type of the field's value.
    pub(super) fn result(self) -> DataType {
        match self {
            Self::Epoch | Self::Second | Self::Milliseconds => {
                DataType::Numeric { precision: 38, scale: 9 }
            }
            _ => DataType::Integer,
        }
    }

    /// The value, for microseconds since 1970.
    pub(super) fn of(self, micros: i64) -> Value {
        let (day, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
        let (year, month, date) = civil(day);
        let of_minute = rest % (60 * SECOND);
        let decimal = |value: i64, scale: u32| {
            let unscaled = i128::from(value) * 10_i128.pow(scale);
            Value::Numeric(Numeric { unscaled, scale: 9 })
        };
        let whole = match self {
            Self::Epoch => return decimal(micros, 3),
            Self::Second => return decimal(of_minute, 3),
            Self::Milliseconds => return decimal(of_minute, 6),
            Self::Microseconds => of_minute,
            // There is no year zero: the first century ends with the year 100.
            Self::Century => (year - 1).div_euclid(100) + 1,
            Self::Millennium => (year - 1).div_euclid(1000) + 1,
            Self::Decade => year.div_euclid(10),
            Self::Year => year,
            Self::Quarter => i64::from(month - 1) / 3 + 1,
            Self::Month => i64::from(month),
            Self::Day => i64::from(date),
            Self::DayOfYear => day_of_year(day),
            Self::DayOfWeek => iso_day_of_week(day) % 7,
            Self::IsoDayOfWeek => iso_day_of_week(day),
            Self::IsoYear => iso_week(day).0,
            Self::Week => iso_week(day).1,
            Self::Hour => rest / (3600 * SECOND),
            Self::Minute => rest / (60 * SECOND) % 60,
            Self::Zone => 0,
        };
        Value::Integer(i32::try_from(whole).unwrap_or(i32::MAX))
    }
}

/// 1 on 1 January.
pub(super) fn day_of_year(day: i64) -> i64 {
    day - days(civil(day).0, 1, 1) + 1
}

/// Monday is 1, Sunday 7.
pub(super) fn iso_day_of_week(day: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7) + 1
}

/// Year and week as ISO 8601 numbers them: a week belongs to the year of its Thursday.
pub(super) fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day + 4 - iso_day_of_week(day);
    (civil(thursday).0, (day_of_year(thursday) - 1) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_weeks_at_the_turn_of_the_year() {
        for (date, expected) in [
            ((2005, 1, 1), (2004, 53)),
            ((2006, 1, 1), (2005, 52)),
            ((2024, 12, 30), (2025, 1)),
            ((2025, 11, 11), (2025, 46)),
            ((2020, 12, 31), (2020, 53)),
        ] {
            assert_eq!(iso_week(days(date.0, date.1, date.2)), expected, "{date:?}");
        }
        assert_eq!(iso_day_of_week(days(2022, 10, 13)), 4);
        assert_eq!(iso_day_of_week(days(1969, 12, 28)), 7);
    }
}
