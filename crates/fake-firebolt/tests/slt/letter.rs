//! The type letters of a `query` line, and one way to write a cell whatever engine it came from.
//!
//! Engines agree about values long before they agree about text: PostgreSQL writes `t` and
//! `2.5000000000000000` where Firebolt writes `true` and `2.5`. A shared script states the value, so
//! each arm brings its cells into the one form below before they are compared. It must not hide a
//! difference of value: exact numbers of up to fifteen digits keep every digit.
//!
//! | letter | types | form |
//! |---|---|---|
//! | `I` | integers | as written |
//! | `R` | exact and floating-point numbers | no exponent, no zeros at the end, at most 15 digits with a fraction |
//! | `B` | booleans | `true`, `false` |
//! | `D` | dates and points in time | ISO, zone `+00`, no zeros at the end of the fraction |
//! | `T` | everything else | as written; the empty text is `(empty)` |

use sqllogictest::ColumnType;

/// Digits beyond which a number with a fraction is rounded: a double carries no more.
const DIGITS_MAX: usize = 15;

/// Type letters of a `query` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    Text,
    Integer,
    Number,
    Boolean,
    Time,
}

impl ColumnType for Letter {
    fn from_char(letter: char) -> Option<Self> {
        Some(match letter {
            'T' => Self::Text,
            'I' => Self::Integer,
            'R' => Self::Number,
            'B' => Self::Boolean,
            'D' => Self::Time,
            _ => return None,
        })
    }

    fn to_char(&self) -> char {
        match self {
            Self::Text => 'T',
            Self::Integer => 'I',
            Self::Number => 'R',
            Self::Boolean => 'B',
            Self::Time => 'D',
        }
    }
}

impl Letter {
    /// The cell as every arm writes it. NULL is the caller's: it is no text.
    pub(crate) fn canonical(self, cell: &str) -> String {
        match (self, cell) {
            (_, "") => "(empty)".to_owned(),
            (Self::Boolean, "t") => "true".to_owned(),
            (Self::Boolean, "f") => "false".to_owned(),
            (Self::Number, number) => canonical_number(number),
            _ => cell.to_owned(),
        }
    }
}

fn canonical_number(text: &str) -> String {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.parse::<i64>() else { return text.to_owned() };
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned(); // NaN, Infinity
    }
    let point = whole.len() as i64 + exponent;
    let (digits, point) = rounded(&digits, point);
    let plain = plain(&digits, point);
    if plain == "0" { plain } else { format!("{sign}{plain}") }
}

/// Drops leading zeros and rounds what has a fraction, half away from zero.
fn rounded(digits: &str, mut point: i64) -> (String, i64) {
    let significant = digits.trim_start_matches('0');
    point -= (digits.len() - significant.len()) as i64;
    let fits = significant.len() <= DIGITS_MAX || point >= significant.len() as i64;
    if fits || point > DIGITS_MAX as i64 {
        return (significant.to_owned(), point);
    }
    let mut kept: Vec<u8> = significant.as_bytes()[..DIGITS_MAX].to_vec();
    if significant.as_bytes()[DIGITS_MAX] >= b'5' {
        let last_below_nine = kept.iter().rposition(|digit| *digit != b'9');
        kept.truncate(last_below_nine.map_or(0, |at| at + 1));
        match kept.last_mut() {
            Some(digit) => *digit += 1,
            None => {
                kept.push(b'1');
                point += 1;
            }
        }
    }
    (String::from_utf8(kept).expect("digits are ASCII"), point)
}

/// `digits × 10^(point - digits.len())` without exponent and without zeros at the end.
fn plain(digits: &str, point: i64) -> String {
    if digits.bytes().all(|digit| digit == b'0') {
        return "0".to_owned();
    }
    let at = usize::try_from(point).unwrap_or(0);
    let whole = format!("{:0<at$}", digits.get(..at).unwrap_or(digits));
    let lead = usize::try_from(-point).unwrap_or(0);
    let fraction = format!("{}{}", "0".repeat(lead), digits.get(at..).unwrap_or(""));
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { &whole };
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[test]
fn one_number_has_one_form() {
    let cases = [
        ("2.5000000000000000", "2.5"),
        ("0.10", "0.1"),
        ("-0.0", "0"),
        ("1e+20", "100000000000000000000"),
        ("1.5e-3", "0.0015"),
        ("3.3333333333333335", "3.33333333333333"),
        ("3.3333333333333333", "3.33333333333333"),
        ("0.30000000000000004", "0.3"),
        ("9.9999999999999999", "10"),
        ("12345678901234567890", "12345678901234567890"),
        ("-12345678901234567.25", "-12345678901234567.25"),
        ("100", "100"),
        ("NaN", "NaN"),
    ];
    for (written, form) in cases {
        assert_eq!(Letter::Number.canonical(written), form, "{written}");
    }
}
