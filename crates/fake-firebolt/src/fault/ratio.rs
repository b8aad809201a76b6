//! A probability as two whole numbers, written `"1/20"`.
//!
//! No floats: a printed float is not always read back as the same number, and then a rule that was
//! listed and added again would be another rule.

use std::fmt;
use std::str::FromStr;

use crate::ids::Stream;

/// A probability between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

impl Ratio {
    /// `numerator` of `denominator` cases.
    ///
    /// # Errors
    /// What is wrong with it: a denominator of 0, or more than always.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, String> {
        if denominator == 0 {
            return Err("a ratio cannot have 0 below the line; write \"0\" for never".to_owned());
        }
        if numerator > denominator {
            return Err(format!("{numerator}/{denominator} is more than always, which is \"1/1\""));
        }
        Ok(Self { numerator, denominator })
    }

    /// Draws once, also when the answer is certain: changing a rate to always or never shifts
    /// nothing that is drawn later.
    pub(crate) fn strikes(self, stream: &mut Stream) -> bool {
        stream.below(u64::from(self.denominator)) < u64::from(self.numerator)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl FromStr for Ratio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = |_| {
            format!(
                "{text:?} is no ratio; write two whole numbers such as \"1/20\", or \"0\", \"1\""
            )
        };
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        Self::new(above.trim().parse().map_err(form)?, below.trim().parse().map_err(form)?)
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
        for text in ["", "0.1", "1/x", "-1/2", "1/0", "3/2"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }

    #[test]
    fn never_and_always_are_certain() {
        let mut stream = Stream::new(1, "ratio");
        let never = Ratio { numerator: 0, denominator: 3 };
        let always = Ratio { numerator: 3, denominator: 3 };
        assert!((0..100).all(|_| !never.strikes(&mut stream) && always.strikes(&mut stream)));
    }
}
