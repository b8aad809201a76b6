//! TO_DATE and TO_TIMESTAMP: text by a pattern (the vendor's page on TO_TIMESTAMP).
//!
//! A separator of the pattern matches one separator or none; any other character of the pattern
//! matches any one character.

use super::datetime::{DAY, SECOND, days, month_length};
use super::datetime_pattern::{Field, Part, parts};
use super::datetime_render::MONTHS;
use super::error::SqlError;

/// What has been read so far.
struct Read<'t> {
    rest: &'t str,
    text: &'t str,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    /// AM or PM, where either was read.
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    zone_hours: i64,
    zone_minutes: i64,
    zone_west: bool,
}

/// Reads microseconds since 1970, UTC.
pub(super) fn read(text: &str, pattern: &str) -> Result<i64, SqlError> {
    let mut read = Read {
        rest: text.trim_start(),
        text,
        year: 1,
        month: 1,
        day: 1,
        hour: 0,
        afternoon: None,
        minute: 0,
        second: 0,
        micros: 0,
        zone_hours: 0,
        zone_minutes: 0,
        zone_west: false,
    };
    for part in parts(pattern) {
        match part {
            Part::Literal { text, quoted } => read.literal(text, quoted),
            Part::Field(field) => read.field(&field)?,
        }
    }
    read.finish()
}

impl Read<'_> {
    fn bad(&self, name: &str) -> SqlError {
        SqlError::data(format!("invalid value for \"{name}\" in the text '{}'", self.text))
    }

    fn literal(&mut self, text: char, quoted: bool) {
        let Some(next) = self.rest.chars().next() else { return };
        let separator = |c: char| !c.is_alphanumeric();
        if quoted || !separator(text) || separator(next) {
            self.rest = &self.rest[next.len_utf8()..];
        }
    }

    /// Up to `width` digits, and how many there were.
    fn number(&mut self, name: &str, width: usize) -> Result<(i64, u32), SqlError> {
        let text = self.rest.trim_start();
        let digits = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = text.split_at(digits);
        let value = digits.parse().map_err(|_| self.bad(name))?;
        self.rest = rest;
        Ok((value, digits.len() as u32))
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    fn field(&mut self, field: &Field) -> Result<(), SqlError> {
        let name = field.name;
        if field.bare || field.ordinal.is_some() {
            return Err(SqlError::unsupported("a modifier in a pattern that text is read by"));
        }
        match name {
            "YYYY" => self.year = self.number(name, 4)?.0,
            "YYY" | "YY" | "Y" => {
                let (year, digits) = self.number(name, 4)?;
                self.year = nearest_to_2020(year, digits);
            }
            "MM" => self.month = self.number(name, 2)?.0,
            "MONTH" | "MON" => {
                let letters = if name == "MON" { 3 } else { usize::MAX };
                let is =
                    |this: &mut Self, month: &str| this.accept(&month[..letters.min(month.len())]);
                let at = MONTHS.iter().position(|month| is(self, month));
                self.month = at.ok_or_else(|| self.bad(name))? as i64 + 1;
            }
            "DD" => self.day = self.number(name, 2)?.0,
            "HH24" => self.hour = self.number(name, 2)?.0,
            "HH" | "HH12" => {
                self.hour = self.number(name, 2)?.0;
                if !(1..=12).contains(&self.hour) {
                    return Err(self.bad(name));
                }
                self.afternoon.get_or_insert(false);
            }
            "MI" => self.minute = self.number(name, 2)?.0,
            "SS" => self.second = self.number(name, 2)?.0,
            // A fraction: .7 is seven tenths, whatever unit is asked for.
            "MS" | "US" => {
                let (value, digits) = self.number(name, if name == "MS" { 3 } else { 6 })?;
                self.micros = value * 10_i64.pow(6 - digits);
            }
            "AM" | "PM" | "A.M." | "P.M." => {
                let (am, pm) = if name.len() == 2 { ("AM", "PM") } else { ("A.M.", "P.M.") };
                self.rest = self.rest.trim_start();
                let afternoon = self.accept(pm);
                if !afternoon && !self.accept(am) {
                    return Err(self.bad(name));
                }
                self.afternoon = Some(afternoon);
            }
            "TZH" => {
                self.rest = self.rest.trim_start();
                self.zone_west = self.accept("-");
                if !self.zone_west {
                    self.accept("+");
                }
                self.zone_hours = self.number(name, 2)?.0;
            }
            "TZM" => self.zone_minutes = self.number(name, 2)?.0,
            _ => {
                let text = format!("the pattern {} to read text by", field.written);
                return Err(SqlError::unsupported(text));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<i64, SqlError> {
        let range =
            || SqlError::data(format!("date/time field value out of range: '{}'", self.text));
        let hour = match self.afternoon {
            Some(afternoon) if self.hour <= 12 => self.hour % 12 + if afternoon { 12 } else { 0 },
            _ => self.hour,
        };
        let inside = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= i64::from(month_length(self.year, self.month as u32))
            && hour <= 23
            && self.minute <= 59
            && self.second <= 59
            && self.zone_hours <= 15
            && self.zone_minutes <= 59;
        if !inside {
            return Err(range());
        }
        let day = days(self.year, self.month as u32, self.day as u32);
        let time = (hour * 3600 + self.minute * 60 + self.second) * SECOND + self.micros;
        let zone = (self.zone_hours * 3600 + self.zone_minutes * 60) * SECOND;
        let zone = if self.zone_west { -zone } else { zone };
        Ok(day * DAY + time - zone)
    }
}

/// The year with those last digits that lies nearest to 2020.
fn nearest_to_2020(year: i64, digits: u32) -> i64 {
    if digits >= 4 {
        return year;
    }
    let size = 10_i64.pow(digits);
    let same = 2020 - 2020 % size + year;
    [same - size, same, same + size]
        .into_iter()
        .min_by_key(|candidate| ((candidate - 2020).abs(), -candidate))
        .unwrap_or(same)
}

#[cfg(test)]
mod tests {
    use super::super::datetime::render;
    use super::*;

    #[test]
    fn reads_by_pattern() {
        for (text, pattern, expected) in [
            ("2023", "YYYY", Some("2023-01-01 00:00:00")),
            ("2023", "YYY", Some("2023-01-01 00:00:00")),
            ("80", "YY", Some("1980-01-01 00:00:00")),
            ("23", "YY", Some("2023-01-01 00:00:00")),
            ("august", "MONTH", Some("0001-08-01 00:00:00")),
            ("dec", "MON", Some("0001-12-01 00:00:00")),
            ("7", "MM", Some("0001-07-01 00:00:00")),
            ("8", "hh", Some("0001-01-01 08:00:00")),
            ("18", "hh24", Some("0001-01-01 18:00:00")),
            ("5 am", "hh PM", Some("0001-01-01 05:00:00")),
            ("5 p.m.", "hh A.M.", Some("0001-01-01 17:00:00")),
            ("12 am", "hh am", Some("0001-01-01 00:00:00")),
            ("12 -2", "hh24 TZH", Some("0001-01-01 14:00:00")),
            ("12 45", "hh24 TZM", Some("0001-01-01 11:15:00")),
            ("30.7", "SS.MS", Some("0001-01-01 00:00:30.7")),
            (
                "2025-11-11 10:47:03.000004",
                "YYYY-MM-DD HH24:MI:SS.US",
                Some("2025-11-11 10:47:03.000004"),
            ),
            ("20251111", "YYYYMMDD", Some("2025-11-11 00:00:00")),
            ("11/11/2025", "DD-MM-YYYY", Some("2025-11-11 00:00:00")),
            ("2025", "YYYY-MM", None),
            ("2025-02-29", "YYYY-MM-DD", None),
            ("2025-13-01", "YYYY-MM-DD", None),
            ("13", "HH12", None),
            ("24", "HH24", None),
            ("x", "YYYY", None),
            ("2025 3", "YYYY Q", None),
        ] {
            assert_eq!(
                read(text, pattern).ok().map(render).as_deref(),
                expected,
                "{text} {pattern}"
            );
        }
    }
}
