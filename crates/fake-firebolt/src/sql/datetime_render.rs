//! TO_CHAR: a point in time by a pattern (the vendor's page on TO_CHAR). The zone is UTC.

use super::datetime::{DAY, SECOND, civil};
use super::datetime_field::{day_of_year, iso_day_of_week, iso_week};
use super::datetime_pattern::{Field, Part, parts};

/// Months, capitalised.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const ROMAN: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// Renders microseconds since 1970.
pub(super) fn render(pattern: &str, micros: i64) -> String {
    let mut out = String::new();
    for part in parts(pattern) {
        match part {
            Part::Literal { text, .. } => out.push(text),
            Part::Field(field) => out.push_str(&rendered(&field, micros)),
        }
    }
    out
}

fn rendered(field: &Field, micros: i64) -> String {
    let (day, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, date) = civil(day);
    let hour = rest / (3600 * SECOND);
    let number = |value: i64, width: usize| {
        let width = if field.bare { 0 } else { width };
        let suffix = field.ordinal.map(|suffix| ordinal(value, suffix)).unwrap_or_default();
        format!("{value:0width$}{suffix}")
    };
    // The last digits of a year.
    let last = |year: i64, digits: u32| number(year % 10_i64.pow(digits), digits as usize);
    let (iso_year, week) = iso_week(day);
    let month_name = MONTHS[month as usize - 1];
    let day_name = DAYS[iso_day_of_week(day) as usize - 1];
    match field.name {
        "HH" | "HH12" => number((hour + 11) % 12 + 1, 2),
        "HH24" => number(hour, 2),
        "MI" => number(rest / (60 * SECOND) % 60, 2),
        "SS" => number(rest / SECOND % 60, 2),
        "SSSS" | "SSSSS" => number(rest / SECOND, 0),
        "MS" => number(rest % SECOND / 1000, 3),
        "US" => number(rest % SECOND, 6),
        "Y,YYY" => format!("{},{:03}", year / 1000, year % 1000),
        "YYYY" => number(year, 4),
        "YYY" => last(year, 3),
        "YY" => last(year, 2),
        "Y" => last(year, 1),
        "IYYY" => number(iso_year, 4),
        "IYY" => last(iso_year, 3),
        "IY" => last(iso_year, 2),
        "I" => last(iso_year, 1),
        "MM" => number(i64::from(month), 2),
        "DDD" => number(day_of_year(day), 3),
        "DD" => number(i64::from(date), 2),
        "D" => number(iso_day_of_week(day) % 7 + 1, 1),
        "ID" => number(iso_day_of_week(day), 1),
        "W" => number(i64::from(date - 1) / 7 + 1, 1),
        "WW" => number((day_of_year(day) - 1) / 7 + 1, 2),
        "IW" => number(week, 2),
        "CC" => number((year - 1) / 100 + 1, 2),
        "Q" => number(i64::from(month - 1) / 3 + 1, 1),
        "MONTH" => word(field, month_name, 9),
        "MON" => word(field, &month_name[..3], 0),
        "DAY" => word(field, day_name, 9),
        "DY" => word(field, &day_name[..3], 0),
        "RM" => word(field, ROMAN[month as usize - 1], 0),
        "AM" | "PM" => cased(field, if hour < 12 { "AM" } else { "PM" }),
        "A.M." | "P.M." => cased(field, if hour < 12 { "A.M." } else { "P.M." }),
        "AD" | "BC" => cased(field, "AD"),
        "A.D." | "B.C." => cased(field, "A.D."),
        "TZ" => cased(field, "UTC"),
        "TZH" => "+00".to_owned(),
        "TZM" => "00".to_owned(),
        "OF" => "+00:00".to_owned(),
        other => other.to_owned(),
    }
}

fn ordinal(value: i64, suffix: &str) -> String {
    let word = match (value % 10, value / 10 % 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    if suffix == "TH" { word.to_uppercase() } else { word.to_owned() }
}

fn cased(field: &Field, text: &str) -> String {
    let lower = field.written.starts_with(|c: char| c.is_ascii_lowercase());
    if lower { text.to_lowercase() } else { text.to_owned() }
}

/// A word in the case that the pattern is written in, padded with blanks.
fn word(field: &Field, name: &str, width: usize) -> String {
    let mut letters = field.written.chars().map(|c| c.is_ascii_lowercase());
    let text = match (letters.next(), letters.next()) {
        (Some(true), _) => name.to_lowercase(),
        (_, Some(true)) => name.to_owned(),
        _ => name.to_uppercase(),
    };
    let width = if field.bare { 0 } else { width };
    format!("{text:width$}")
}

#[cfg(test)]
mod tests {
    use super::super::datetime::parse_timestamp;
    use super::*;

    #[test]
    fn every_pattern() {
        let at = parse_timestamp("2023-03-03 18:24:58.085109", false).unwrap();
        for (pattern, expected) in [
            ("hh12 HH", "06 06"),
            ("HH24:MI:SS.MS", "18:24:58.085"),
            ("US", "085109"),
            ("SSSS", "66298"),
            ("Y,YYY YYYY YYY YY Y", "2,023 2023 023 23 3"),
            ("IYYY IYY IY I IW ID", "2023 023 23 3 09 5"),
            ("MM DDD DD D W WW", "03 062 03 6 1 09"),
            ("CC Q", "21 1"),
            ("hhAM hh12 p.m.", "06PM 06 p.m."),
            ("MONTH|Month|month|Mon|MON", "MARCH    |March    |march    |Mar|MAR"),
            ("DAY Day dy", "FRIDAY    Friday    fri"),
            ("RM rm", "III iii"),
            ("AD b.c.", "AD a.d."),
            ("TZ tz TZH TZM OF", "UTC utc +00 00 +00:00"),
            ("FMMonth FMDDth, FMHH12", "March 3rd, 6"),
            ("MMTH", "03RD"),
            ("\"Date\" YYYY", "Date 2023"),
            ("Date", "6ate"),
            ("é-YYYY", "é-2023"),
            ("", ""),
        ] {
            assert_eq!(render(pattern, at), expected, "{pattern}");
        }
        for (value, expected) in
            [(1, "st"), (2, "nd"), (3, "rd"), (11, "th"), (112, "th"), (22, "nd")]
        {
            assert_eq!(ordinal(value, "th"), expected, "{value}");
        }
    }
}
