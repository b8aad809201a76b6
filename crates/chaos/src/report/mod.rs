//! Everything that leaves the runner: one report, computed once, shown in several ways.
//!
//! ```text
//! parts ─► aggregate ─► Report ─┬► json      report.json: reproducible, byte for byte
//!                               ├► terminal  what a person reads
//!                               ├► junit     what a CI system reads
//!                               ├► summary   what a CI page shows
//!                               └► html      what one sends to a colleague
//! clock ─► timing.json: all that is not reproducible, and nothing else
//! ```
//! A renderer must not compute a verdict: that is `aggregate`'s, so that all of them agree.

pub mod aggregate;
pub mod coverage;
pub mod files;
pub mod html;
pub mod json;
pub mod junit;
pub mod progress;
pub mod summary;
pub mod terminal;
pub mod timeline;
pub mod timing;

#[cfg(test)]
pub(crate) mod sample;

/// A count with a space between the thousands: `2 611`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A rate as a percentage that never rounds a failure away: 99.99 % of 20,000 is not 100 %.
pub(crate) fn percent(rate: f64) -> String {
    if rate > 0.9995 && rate < 1.0 {
        format!("{:.3} %", (rate * 100_000.0).floor() / 1000.0)
    } else {
        format!("{:.1} %", rate * 100.0)
    }
}

/// A virtual length: `31d 07h`, `2h 14m`, `12m 30s`, `9.1s`.
pub(crate) fn virtual_length(millis: u64) -> String {
    let seconds = millis / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days}d {hours:02}h")
    } else if hours > 0 {
        format!("{hours}h {minutes:02}m")
    } else if minutes > 0 {
        format!("{minutes}m {:02}s", seconds % 60)
    } else {
        format!("{seconds}.{}s", millis % 1000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_from_the_right() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1 000"), (71_204_512, "71 204 512")] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn a_single_failure_is_never_rounded_to_a_hundred() {
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.999_999), "99.999 %");
        assert_eq!(percent(0.7004), "70.0 %");
    }

    #[test]
    fn lengths_keep_two_units() {
        for (millis, text) in [
            (9_100, "9.1s"),
            (750_000, "12m 30s"),
            (8_040_000, "2h 14m"),
            (2_703_600_000, "31d 07h"),
        ] {
            assert_eq!(virtual_length(millis), text);
        }
    }
}
