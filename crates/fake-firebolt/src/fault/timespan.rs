//! Time spans as rules write them, `"250ms"`, `"1m30s"`, and ranges of them, `"1s..=10m"`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::ids::Stream;

const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A span in whole milliseconds, or an inclusive range from which each use draws one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    min: u64,
    max: u64,
}

impl Span {
    /// A range, both ends included; the ends are put in order.
    pub fn between(one: Duration, other: Duration) -> Self {
        let (one, other) = (millis(one), millis(other));
        Self { min: one.min(other), max: one.max(other) }
    }

    /// The span, if it is one and not a range.
    #[cfg(feature = "listen")]
    pub(crate) fn exactly(self) -> Option<Duration> {
        (self.min == self.max).then(|| Duration::from_millis(self.min))
    }

    /// One of the range; nothing is drawn where there is no choice.
    pub(crate) fn draw(self, stream: &mut Stream) -> Duration {
        let width = self.max - self.min;
        let more = if width == 0 { 0 } else { stream.below(width.saturating_add(1)) };
        Duration::from_millis(self.min + more)
    }
}

impl From<Duration> for Span {
    fn from(span: Duration) -> Self {
        Self::between(span, span)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Reads one span.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no time span; write such as \"250ms\", \"75s\", \"1m30s\"");
    let mut rest = text.trim();
    let mut total = 0_u64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let tail = &rest[digits..];
        let letters = tail.find(|char: char| char.is_ascii_digit()).unwrap_or(tail.len());
        let (_, size) =
            UNITS.iter().find(|(name, _)| *name == &tail[..letters]).ok_or_else(wrong)?;
        total = number
            .checked_mul(*size)
            .and_then(|part| total.checked_add(part))
            // A century: tokio's clock has no room for the largest numbers.
            .filter(|total| *total <= 36_525 * 86_400_000)
            .ok_or_else(wrong)?;
        rest = &tail[letters..];
    }
    Ok(total)
}

fn render(mut millis: u64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, size) in UNITS {
        if millis >= size {
            text.push_str(&format!("{}{name}", millis / size));
            millis %= size;
        }
    }
    text
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(self.min))?;
        if self.max > self.min { write!(f, "..={}", render(self.max)) } else { Ok(()) }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (low, high) = text.split_once("..=").unwrap_or((text, text));
        let (min, max) = (parse(low)?, parse(high)?);
        if max < min {
            return Err(format!("{text:?} is empty: the shorter span comes first"));
        }
        Ok(Self { min, max })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_and_ranges_are_read() {
        for (text, min, max) in
            [("250ms", 250, 250), ("1m30s", 90_000, 90_000), ("1s..=10m", 1_000, 600_000)]
        {
            assert_eq!(text.parse(), Ok(Span { min, max }), "{text}");
        }
        for text in ["", "5", "s", "1.5s", "1y", "9s..=1s", "99999999999d", "1s.."] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(min in 0_u64..10_000_000_000, more in 0_u64..100_000) {
            let span = Span { min, max: min + more };
            prop_assert_eq!(span.to_string().parse(), Ok(span));
            let drawn = span.draw(&mut Stream::new(min, "span"));
            prop_assert!(Duration::from_millis(min) <= drawn);
            prop_assert!(drawn <= Duration::from_millis(min + more));
        }
    }
}
