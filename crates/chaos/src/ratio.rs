//! A probability as two whole numbers, written `"1/20"`.
//!
//! Floats stay out of plans and scenarios: a printed float is not always read back as the same
//! number, and then a saved plan would no longer be the run that failed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A probability `numerator / denominator`, between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    /// How many of `denominator` cases.
    pub numerator: u32,
    /// Of how many cases; never 0.
    pub denominator: u32,
}

impl Ratio {
    /// Never.
    pub const ZERO: Ratio = Ratio { numerator: 0, denominator: 1 };
    /// Always.
    pub const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };

    /// `numerator / denominator`, or what is wrong with it.
    pub fn new(numerator: u32, denominator: u32) -> Result<Ratio, RatioError> {
        if denominator == 0 {
            return Err(RatioError::ZeroDenominator);
        }
        if numerator > denominator {
            return Err(RatioError::AboveOne { numerator, denominator });
        }
        Ok(Ratio { numerator, denominator })
    }

    /// True when it can never happen.
    pub fn is_zero(&self) -> bool {
        self.numerator == 0
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Ratio::ZERO
    }
}

/// Why a text is no [`Ratio`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// Not of the form `a/b`.
    #[error("{0:?} is no ratio; write two whole numbers, such as \"1/20\", or \"0\" or \"1\"")]
    Form(String),
    /// `a/0`.
    #[error("a ratio cannot have 0 below the line; write \"0\" for never")]
    ZeroDenominator,
    /// More than always.
    #[error("{numerator}/{denominator} is more than 1; a probability is at most \"1/1\"")]
    AboveOne {
        /// As written.
        numerator: u32,
        /// As written.
        denominator: u32,
    },
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let form = || RatioError::Form(text.to_owned());
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let numerator = above.trim().parse().map_err(|_| form())?;
        let denominator = below.trim().parse().map_err(|_| form())?;
        Ratio::new(numerator, denominator)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_read_back_as_it_was_written() {
        for text in ["0/1", "1/20", "1/1", "333/1000"] {
            assert_eq!(text.parse::<Ratio>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("0".parse(), Ok(Ratio::ZERO));
        assert_eq!("1".parse(), Ok(Ratio::ONE));
    }

    #[test]
    fn impossible_ratios_are_refused() {
        assert_eq!("1/0".parse::<Ratio>(), Err(RatioError::ZeroDenominator));
        assert_eq!(
            "3/2".parse::<Ratio>(),
            Err(RatioError::AboveOne { numerator: 3, denominator: 2 })
        );
        for text in ["", "0.1", "1/x", "-1/2"] {
            assert_eq!(text.parse::<Ratio>(), Err(RatioError::Form(text.to_owned())), "{text}");
        }
    }
}
