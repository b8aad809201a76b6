//! Patterns with `*` and `?`, as rules name statements, labels and tables by.
//!
//! `*` is any run of characters, `?` is one, and a space in the pattern is any run of white space,
//! so that a pattern survives the way a client lays out its SQL. Nothing is copied: an INSERT of
//! many megabytes is matched where it stands.

use std::fmt;

/// A pattern that has to cover the whole text.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
    parts: Vec<Part>,
    any_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// `*`
    Run,
    /// `?`
    One,
    /// White space, at least one.
    Space,
    Char(char),
}

impl Glob {
    /// A pattern for SQL and names of tables: ASCII letters match in either case.
    pub fn any_case(pattern: impl Into<String>) -> Self {
        Self::new(pattern.into(), true)
    }

    /// A pattern for labels: letters match as they are.
    pub fn exact_case(pattern: impl Into<String>) -> Self {
        Self::new(pattern.into(), false)
    }

    fn new(pattern: String, any_case: bool) -> Self {
        let mut parts = Vec::new();
        for char in pattern.trim().chars() {
            let part = match char {
                '*' => Part::Run,
                '?' => Part::One,
                char if char.is_whitespace() => Part::Space,
                char => Part::Char(char),
            };
            let repeats = matches!(part, Part::Run | Part::Space) && parts.last() == Some(&part);
            if !repeats {
                parts.push(part);
            }
        }
        Self { pattern, parts, any_case }
    }

    /// Whether the pattern covers the text, white space around it and a last `;` left aside.
    pub fn matches(&self, text: &str) -> bool {
        let text = text.trim().trim_end_matches(';').trim_end();
        let (mut at, mut part) = (0, 0);
        // Where to go on when what follows the last `*` does not fit: one character further.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let rest = &text[at..];
            let step = match self.parts.get(part) {
                Some(Part::Run) => {
                    retry = Some((part, at));
                    Some(0)
                }
                Some(part) => self.length(*part, rest),
                None if rest.is_empty() => return true,
                None => None,
            };
            if let Some(step) = step {
                (at, part) = (at + step, part + 1);
                continue;
            }
            let Some((run, from)) = retry else { return false };
            let Some(skipped) = text[from..].chars().next() else { return false };
            let from = from + skipped.len_utf8();
            retry = Some((run, from));
            (at, part) = (from, run + 1);
        }
    }

    /// How many bytes of the text a part other than `*` covers.
    fn length(&self, part: Part, rest: &str) -> Option<usize> {
        let first = rest.chars().next()?;
        let covered = match part {
            Part::Space => {
                let length = rest.len() - rest.trim_start().len();
                return (length > 0).then_some(length);
            }
            Part::Char(char) if self.any_case => char.eq_ignore_ascii_case(&first),
            Part::Char(char) => char == first,
            Part::One | Part::Run => true,
        };
        covered.then(|| first.len_utf8())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_covers_the_whole_text() {
        for (pattern, text, expected) in [
            ("merge into users*", "MERGE  INTO\n users USING s", true),
            ("merge into users", "MERGE INTO users USING s", false),
            ("*users*", "MERGE INTO users USING s", true),
            ("commit", " COMMIT ; ", true),
            ("stg_??", "stg_ab", true),
            ("stg_??", "stg_a", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("*", "", true),
            ("?", "é", true),
            ("a b", "ab", false),
        ] {
            assert_eq!(Glob::any_case(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert!(!Glob::exact_case("Loader-*").matches("loader-1"));
    }

    proptest! {
        #[test]
        fn any_text_matches_itself_and_a_star(text in "[a-zé ;'\"\n]{0,40}", cut in 0usize..40) {
            prop_assert!(Glob::any_case(text.trim().trim_end_matches(';')).matches(&text));
            let cut = text.char_indices().nth(cut).map_or(text.len(), |(at, _)| at);
            let starred = format!("{}*", &text[..cut].trim());
            prop_assert!(Glob::exact_case(starred).matches(text.trim()) || text[..cut].contains(';'));
        }
    }
}
