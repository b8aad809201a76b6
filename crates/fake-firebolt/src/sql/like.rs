//! LIKE patterns: `%`, `_`, and an escape character (backslash unless another is given).

/// A pattern, read once per distinct text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    One(char),
    AnyOne,
    AnyMany,
}

impl Pattern {
    /// Reads a pattern; `None` if it ends in its escape character.
    pub(super) fn new(text: &str, escape: Option<char>) -> Option<Self> {
        let mut parts = Vec::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(next) = chars.next() {
            parts.push(match next {
                _ if Some(next) == escape => Part::One(chars.next()?),
                '%' => Part::AnyMany,
                '_' => Part::AnyOne,
                _ => Part::One(next),
            });
        }
        Some(Self(parts))
    }

    /// Whether the whole text matches. Linear in practice: on a mismatch only the last `%` is
    /// given one more character.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut part) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            let step = match self.0.get(part) {
                Some(Part::AnyMany) => {
                    retry = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(Part::AnyOne) => true,
                Some(Part::One(expected)) => *expected == text[at],
                None => false,
            };
            if step {
                at += 1;
                part += 1;
            } else if let Some((many, from)) = retry {
                retry = Some((many, from + 1));
                at = from + 1;
                part = many + 1;
            } else {
                return false;
            }
        }
        self.0[part..].iter().all(|rest| *rest == Part::AnyMany)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("stg_users_1", "stg_%", true),
            ("stgxusers", "stg_%", true),
            ("stgxusers", "stg\\_%", false),
            ("stg_users", "stg\\_%", true),
            ("", "%", true),
            ("", "_", false),
            ("aab", "%ab", true),
            ("aab", "a%a_b", false),
            ("aaxb", "a%a_b", true),
            ("é", "_", true),
            ("100%", "100\\%", true),
            ("100x", "100\\%", false),
            ("abc", "abc%%", true),
            ("abc", "ab", false),
        ] {
            let pattern_read = Pattern::new(pattern, Some('\\')).unwrap();
            assert_eq!(pattern_read.matches(text), expected, "{text:?} LIKE {pattern:?}");
        }
        assert_eq!(Pattern::new("x\\", Some('\\')), None);
        assert!(Pattern::new("a\\b", None).unwrap().matches("a\\b"));
    }
}
