//! Calendar arithmetic on days and microseconds since 1970-01-01, proleptic Gregorian, UTC.
//!
//! Written out because the rest of the crate needs five operations of a date library. No clock.

/// Microseconds of one second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds of one day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// Year, month, and day of a day number.
pub(crate) fn civil(days: i64) -> (i64, u32, u32) {
    // Years start in March here, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Day number of a date that exists.
pub(crate) fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

pub(crate) fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `YYYY-MM-DD`
pub(crate) fn render_date(day: i32) -> String {
    let (year, month, day) = civil(i64::from(day));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`; the fraction only where there is one.
pub(crate) fn render(micros: i64) -> String {
    let (day, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, date) = civil(day);
    let (seconds, fraction) = (rest / SECOND, rest % SECOND);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let fits = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Reads `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let mut parts = text.trim().splitn(3, '-');
    let year = number(parts.next()?, 4..=4)?;
    let month = u32::try_from(number(parts.next()?, 1..=2)?).ok()?;
    let day = u32::try_from(number(parts.next()?, 1..=2)?).ok()?;
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > month_length(year, month) {
        return None;
    }
    i32::try_from(days(year, month, day)).ok()
}

fn parse_time(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let hour = number(parts.next()?, 1..=2)?;
    let minute = number(parts.next()?, 1..=2)?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (whole, part) = text.split_once('.').unwrap_or((text, ""));
            let scale = 10_i64.pow(6_u32.checked_sub(u32::try_from(part.len()).ok()?)?);
            let part = if part.is_empty() { 0 } else { number(part, 1..=6)? };
            (number(whole, 1..=2)?, part * scale)
        }
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second) * SECOND + fraction)
}

/// Splits `+02`, `+0230`, `-02:30`, or `Z` off the end; returns the rest and the offset.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return Some((rest, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (rest, zone) = text.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone[1..].replace(':', "");
    let value = number(&digits, 1..=4)?;
    let (hours, minutes) = if digits.len() > 2 { (value / 100, value % 100) } else { (value, 0) };
    (hours <= 15 && minutes < 60).then_some((rest, sign * (hours * 3600 + minutes * 60) * SECOND))
}

/// Reads a timestamp, with the zone's offset taken off if `zoned`.
pub(crate) fn parse_timestamp(text: &str, zoned: bool) -> Option<i64> {
    let text = text.trim();
    let Some((date, time)) = text.split_once([' ', 'T']) else {
        return Some(i64::from(parse_date(text)?) * DAY);
    };
    let (time, offset) = if zoned { split_zone(time.trim())? } else { (time.trim(), 0) };
    Some(i64::from(parse_date(date)?) * DAY + parse_time(time.trim_end())? - offset)
}

/// Units of DATE_DIFF, DATE_TRUNC, and INTERVAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
}

impl Unit {
    /// Reads a unit in singular or plural, any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        Some(match lower.strip_suffix('s').unwrap_or(&lower) {
            "decade" => Self::Decade,
            "century" | "centurie" => Self::Century,
            "millennium" => Self::Millennium,
            "microsecond" => Self::Microsecond,
            "millisecond" => Self::Millisecond,
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// Reads a unit of an interval, which has short names too.
    fn parse_short(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "us" => Self::Microsecond,
            "ms" => Self::Millisecond,
            "s" => Self::Second,
            "m" => Self::Minute,
            "h" => Self::Hour,
            "d" => Self::Day,
            "w" => Self::Week,
            "mon" | "mons" => Self::Month,
            "y" => Self::Year,
            "dec" | "decs" => Self::Decade,
            "c" => Self::Century,
            "mil" | "mils" => Self::Millennium,
            _ => Self::parse(text)?,
        })
    }

    /// Length where it is fixed.
    fn micros(self) -> Option<i64> {
        Some(match self {
            Self::Microsecond => 1,
            Self::Millisecond => 1_000,
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3600 * SECOND,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            _ => return None,
        })
    }

    fn months(self) -> i64 {
        match self {
            Self::Quarter => 3,
            Self::Year => 12,
            Self::Decade => 120,
            Self::Century => 1_200,
            Self::Millennium => 12_000,
            _ => 1,
        }
    }

    /// Months before the first of these: there is no year zero, so centuries begin with a 1.
    fn first_month(self) -> i64 {
        if matches!(self, Self::Century | Self::Millennium) { 12 } else { 0 }
    }

    /// Whether a date has no such part.
    pub(crate) fn is_within_a_day(self) -> bool {
        self.micros().is_some_and(|length| length < DAY)
    }
}

/// Whether a point in time lies in the years 1 to 9999.
pub(crate) fn in_range(micros: i64) -> bool {
    (days(1, 1, 1) * DAY..days(10_000, 1, 1) * DAY).contains(&micros)
}

/// Microseconds since 1970 at the start of a day, where they fit.
pub(crate) fn start_of_day(day: i32) -> Option<i64> {
    i64::from(day).checked_mul(DAY)
}

fn months_since_zero(micros: i64) -> i64 {
    let (year, month, _) = civil(micros.div_euclid(DAY));
    year * 12 + i64::from(month) - 1
}

/// Boundaries of the unit that lie between two points in time, as DATE_DIFF counts.
pub(crate) fn difference(unit: Unit, start: i64, end: i64) -> i64 {
    // 1970-01-01 was a Thursday; weeks begin on Monday.
    let shift = if unit == Unit::Week { 3 * DAY } else { 0 };
    match unit.micros() {
        Some(length) => {
            // Files may hold any 64 bits as a point in time.
            let index = |at: i64| (i128::from(at) + i128::from(shift)).div_euclid(length.into());
            let between = index(end) - index(start);
            between.clamp(i64::MIN.into(), i64::MAX.into()) as i64
        }
        None => {
            let first = unit.first_month();
            let index = |micros| (months_since_zero(micros) - first).div_euclid(unit.months());
            index(end) - index(start)
        }
    }
}

/// The start of the unit that a point in time lies in.
pub(crate) fn truncate(unit: Unit, micros: i64) -> i64 {
    let shift = if unit == Unit::Week { 3 * DAY } else { 0 };
    match unit.micros() {
        Some(length) => {
            let index = micros.saturating_add(shift).div_euclid(length);
            index.saturating_mul(length).saturating_sub(shift)
        }
        None => {
            let (zero, length) = (unit.first_month(), unit.months());
            let index = (months_since_zero(micros) - zero).div_euclid(length);
            let first = index * length + zero;
            days(first.div_euclid(12), first.rem_euclid(12) as u32 + 1, 1).saturating_mul(DAY)
        }
    }
}

/// A length of time: months do not have a fixed length, so they are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Interval {
    months: i64,
    micros: i64,
}

impl Interval {
    /// Reads `24 hours`, `1 day 2 hours`, or, with a unit of its own, `24`.
    pub(crate) fn parse(text: &str, unit: Option<Unit>) -> Option<Self> {
        let mut total = Self::default();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case("ago") && words.next().is_none() {
                return Some(total.negated());
            }
            let count: i64 = word.parse().ok()?;
            let unit = match words.next() {
                Some(word) => Unit::parse_short(word)?,
                // Seconds, where nothing is said.
                None => unit.unwrap_or(Unit::Second),
            };
            match unit.micros() {
                Some(length) => {
                    total.micros = total.micros.checked_add(count.checked_mul(length)?)?;
                }
                None => {
                    total.months = total.months.checked_add(count.checked_mul(unit.months())?)?
                }
            }
        }
        Some(total)
    }

    /// That many units.
    pub(crate) fn of(count: i64, unit: Unit) -> Option<Self> {
        Some(match unit.micros() {
            Some(length) => Self { months: 0, micros: count.checked_mul(length)? },
            None => Self { months: count.checked_mul(unit.months())?, micros: 0 },
        })
    }

    /// So many times as long; what is left of a month is that part of 30 days.
    pub(crate) fn scaled(self, factor: f64) -> Option<Self> {
        let months = self.months as f64 * factor;
        let rest = (months - months.trunc()) * 30.0 * DAY as f64;
        let micros = self.micros as f64 * factor + rest;
        let fits = |value: f64| value.is_finite() && value.abs() < 9e18;
        let both = fits(months) && fits(micros);
        both.then(|| Self { months: months.trunc() as i64, micros: micros.round() as i64 })
    }

    /// The other direction.
    pub(crate) fn negated(self) -> Self {
        Self { months: -self.months, micros: -self.micros }
    }

    /// Moves a point in time; the day is cut to the length of the month it lands in.
    pub(crate) fn add_to(self, micros: i64) -> Option<i64> {
        let mut moved = micros;
        if self.months != 0 {
            let (_, _, day) = civil(micros.div_euclid(DAY));
            let index = months_since_zero(micros).checked_add(self.months)?;
            if !(0..120_000).contains(&index) {
                return None;
            }
            let (year, month) = (index.div_euclid(12), index.rem_euclid(12) as u32 + 1);
            let day = day.min(month_length(year, month));
            moved = days(year, month, day).checked_mul(DAY)? + micros.rem_euclid(DAY);
        }
        moved.checked_add(self.micros).filter(|moved| in_range(*moved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_is_its_own_inverse() {
        for day in days(1700, 1, 1)..days(2500, 1, 1) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day, "{year}-{month}-{date}");
        }
        assert_eq!(civil(0), (1970, 1, 1));
    }

    #[test]
    fn reads_and_renders() {
        for (text, zoned, back) in [
            ("2025-11-11 10:47:03.5", false, Some("2025-11-11 10:47:03.5")),
            ("2025-11-11T10:47:03+02:00", true, Some("2025-11-11 08:47:03")),
            ("2025-11-11 10:47:03-0130", true, Some("2025-11-11 12:17:03")),
            ("2025-11-11 10:47:03Z", true, Some("2025-11-11 10:47:03")),
            ("2025-11-11", true, Some("2025-11-11 00:00:00")),
            ("2024-02-29 00:00", false, Some("2024-02-29 00:00:00")),
            ("2023-02-29", false, None),
            ("2023-13-01", false, None),
            ("2023-01-01 24:00:00", false, None),
            ("2023-01-01 00:00:00+02", false, None),
            ("yesterday", true, None),
            ("", true, None),
        ] {
            assert_eq!(parse_timestamp(text, zoned).map(render).as_deref(), back, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_type_are_no_panic() {
        use super::Unit::*;
        for unit in [
            Microsecond,
            Millisecond,
            Second,
            Minute,
            Hour,
            Day,
            Week,
            Month,
            Quarter,
            Year,
            Decade,
            Century,
            Millennium,
        ] {
            for at in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
                let start = truncate(unit, at);
                assert!(start <= at, "{unit:?} {at}");
                assert_eq!(difference(unit, at, at), 0, "{unit:?} {at}");
                let back = difference(unit, at, 0);
                assert!(back.signum() * at.signum() <= 0, "{unit:?} {at}");
                let far = Interval::of(i64::MAX, unit).and_then(|far| far.add_to(at));
                assert!(far.is_none() || at < -1, "{unit:?} {at}");
            }
        }
        assert_eq!(start_of_day(i32::MAX), None);
        assert_eq!(start_of_day(-1), Some(-DAY));
    }

    #[test]
    fn differences_count_boundaries() {
        let at = |text| parse_timestamp(text, false).unwrap();
        for (unit, start, end, expected) in [
            (Unit::Minute, "2025-01-01 00:00:59", "2025-01-01 00:01:00", 1),
            (Unit::Hour, "2025-01-01 00:00:00", "2025-01-01 00:59:59", 0),
            (Unit::Day, "2025-01-01 23:59:59", "2025-01-02 00:00:00", 1),
            (Unit::Week, "2025-01-05 12:00:00", "2025-01-06 00:00:00", 1),
            (Unit::Month, "2025-01-31 00:00:00", "2025-03-01 00:00:00", 2),
            (Unit::Year, "2025-12-31 00:00:00", "2024-01-01 00:00:00", -1),
        ] {
            assert_eq!(difference(unit, at(start), at(end)), expected, "{unit:?} {start} {end}");
        }
    }

    #[test]
    fn intervals_move_and_cut_the_day() {
        let at = |text| parse_timestamp(text, false).unwrap();
        let month = Interval::parse("1 month", None).unwrap();
        assert_eq!(month.add_to(at("2025-01-31 10:00:00")), Some(at("2025-02-28 10:00:00")));
        let day = Interval::parse("24", Some(Unit::Hour)).unwrap().negated();
        assert_eq!(day.add_to(at("2025-01-01 00:00:00")), Some(at("2024-12-31 00:00:00")));
        assert_eq!(Interval::parse("soon", None), None);
    }
}
