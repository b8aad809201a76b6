//! Time spans and ranges as people write them: `"250ms"`, `"75s"`, `"1m30s"`, `"30s..=2m"`.
//!
//! TOML has no durations; whole milliseconds are exact both ways, which a saved plan needs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `"1m30s"`; the error says what to write.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time span; write such as \"250ms\", \"75s\", \"1m30s\"");
    let mut rest = text.trim();
    let mut millis = 0u64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let tail = &rest[digits..];
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let unit = &tail[..letters];
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let part = number.checked_mul(*size).ok_or_else(wrong)?;
        millis = millis.checked_add(part).ok_or_else(wrong)?;
        rest = &tail[letters..];
    }
    Ok(Duration::from_millis(millis))
}

/// Writes what [`parse`] reads back to the same millisecond.
pub fn render(span: Duration) -> String {
    let mut millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, size) in UNITS {
        let count = millis / size;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
            millis %= size;
        }
    }
    text
}

/// `#[serde(with = "timespan::as_text")]` for a [`Duration`].
pub mod as_text {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    /// Writes the span as text.
    pub fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::render(*span))
    }

    /// Reads the span from text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        super::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// A [`Duration`] that serde writes as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(self.0))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).map(Span)
    }
}

/// An inclusive range, written `"1..=200"`; a single value stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between<T> {
    /// The smallest value that is drawn.
    pub min: T,
    /// The largest value that is drawn.
    pub max: T,
}

impl<T: fmt::Display + PartialEq> fmt::Display for Between<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            return write!(f, "{}", self.min);
        }
        write!(f, "{}..={}", self.min, self.max)
    }
}

impl<T: FromStr + PartialOrd + Clone> FromStr for Between<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is no range; write such as \"1..=200\", \"30s..=2m\", or one value")
        };
        let (low, high) = text.split_once("..=").unwrap_or((text, text));
        let min: T = low.trim().parse().map_err(|_| wrong())?;
        let max: T = high.trim().parse().map_err(|_| wrong())?;
        if max < min {
            return Err(format!("{text:?} is empty: the smaller value comes first"));
        }
        Ok(Between { min, max })
    }
}

macro_rules! serde_by_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

serde_by_text!(Span);
serde_by_text!(Between<u64>);
serde_by_text!(Between<Span>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in
            [("250ms", 250), ("75s", 75_000), ("1m30s", 90_000), ("2d", 172_800_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "1.5s", "3 weeks", "1y"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_hold_both_ends() {
        assert_eq!("1..=200".parse(), Ok(Between { min: 1u64, max: 200 }));
        assert_eq!("7".parse(), Ok(Between { min: 7u64, max: 7 }));
        assert!("9..=3".parse::<Between<u64>>().is_err());
        let span: Between<Span> = "30s..=2m".parse().expect("a good range");
        assert_eq!(span.to_string(), "30s..=2m");
    }

    proptest! {
        #[test]
        fn what_is_rendered_is_read_back(millis in 0u64..10_000_000_000) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&render(span)), Ok(span));
        }
    }
}
