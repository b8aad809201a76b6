//! Quoting: the only door through which text becomes SQL.
//!
//! Identifiers are always quoted, so that their case is kept and none is a keyword; literals are
//! standard-conforming (firebolt-semantics, identifiers and literals): a quote is doubled, a
//! backslash is itself.

use std::fmt;

/// An identifier.
pub struct Name<'a>(pub &'a str);

/// A string literal.
pub struct Text<'a>(pub &'a str);

/// A list: each item as `one` writes it, with `between` between two. It is written straight into the
/// statement around it; a statement has a dozen lists of a dozen names.
pub(crate) fn listed<I: IntoIterator + Clone>(
    items: I,
    between: &'static str,
    one: impl Fn(&mut fmt::Formatter<'_>, I::Item) -> fmt::Result,
) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        for (index, item) in items.clone().into_iter().enumerate() {
            if index > 0 {
                f.write_str(between)?;
            }
            one(f, item)?;
        }
        Ok(())
    })
}

/// Several string literals, separated by commas.
pub(crate) fn texts<'a>(items: impl Iterator<Item = &'a str> + Clone) -> impl fmt::Display {
    listed(items, ", ", |f, text| write!(f, "{}", Text(text)))
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        doubled(f, '"', self.0)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        doubled(f, '\'', self.0)
    }
}

fn doubled(f: &mut fmt::Formatter<'_>, quote: char, text: &str) -> fmt::Result {
    use fmt::Write as _;
    f.write_char(quote)?;
    // Names with a quote in them are rare, and a statement has dozens of names.
    if !text.bytes().any(|byte| char::from(byte) == quote) {
        f.write_str(text)?;
        return f.write_char(quote);
    }
    for (index, piece) in text.split(quote).enumerate() {
        if index > 0 {
            f.write_char(quote)?;
            f.write_char(quote)?;
        }
        f.write_str(piece)?;
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the text, it is one token: inside the outer quotes every quote is paired.
        #[test]
        fn no_text_escapes_its_quotes(text in ".*") {
            for (rendered, quote) in [(Name(&text).to_string(), '"'), (Text(&text).to_string(), '\'')] {
                let inner = &rendered[1..rendered.len() - 1];
                prop_assert_eq!(inner.replace(&format!("{quote}{quote}"), "").contains(quote), false);
                prop_assert_eq!(inner.replace(&format!("{quote}{quote}"), &quote.to_string()), &text[..]);
            }
        }
    }
}
