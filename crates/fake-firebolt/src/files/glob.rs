//! The patterns of COPY, table functions and LOCATIONs: `*`, `?`, `[set]` and `[!set]`.
//!
//! A star also crosses slashes, as in the vendor's examples, which load whole trees with
//! `*.parquet`.

/// Whether a pattern names more than one path.
pub(super) fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// The folder below which every match of a pattern lies, without a slash at its end.
pub(super) fn root(pattern: &str) -> &str {
    let literal = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..literal].rfind('/').map_or("", |slash| &pattern[..slash])
}

/// Whether a path matches. The time is bounded by the product of the two lengths: only the last
/// star is ever tried again.
pub(super) fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let (mut at, mut on) = (0, 0);
    // Where to go on after the last star, and how much of the path it has taken so far.
    let mut star = None;
    while on < path.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, on));
        } else if let Some(length) = single(&pattern[at..], path[on]) {
            (at, on) = (at + length, on + 1);
        } else if let Some((after, taken)) = star {
            star = Some((after, taken + 1));
            (at, on) = (after, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// How much of the pattern stands for this one byte; `None` if it does not.
fn single(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b']')?;
            in_set(&rest[..end], byte).then_some(end + 2)
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let (negated, mut set) = match set {
        [b'!', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        set = rest;
        if let [b'-', last, after @ ..] = rest {
            found |= (*first..=*last).contains(&byte);
            set = after;
        } else {
            found |= *first == byte;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("a/b.parquet", "a/b.parquet", true),
            ("a/*.parquet", "a/b/c.parquet", true),
            ("a/?.parquet", "a/b.parquet", true),
            ("a/?.parquet", "a/bc.parquet", false),
            ("a/[a-c]1", "a/b1", true),
            ("a/[!a-c]1", "a/b1", false),
            ("a/[xyz]", "a/y", true),
            ("a/[", "a/[", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a", "ab", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("*[0-9]", "a1b2", true),
            ("**", "a/b", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = "a*".repeat(2_000) + "b";
        let path = "a".repeat(20_000);
        assert!(!matches(pattern.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn roots() {
        for (pattern, expected) in
            [("a/b/*.parquet", "a/b"), ("a*/b", ""), ("a/b", "a"), ("*", ""), ("a/[xy]/b*", "a")]
        {
            assert_eq!(root(pattern), expected, "{pattern}");
        }
    }
}
