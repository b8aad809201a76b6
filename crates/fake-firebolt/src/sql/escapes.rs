//! `E'\xe3\x83\xbd'`: characters that a string spells byte by byte.
//!
//! The Python SDK writes every BYTEA value so, and the service takes it (the vendor's own test stores
//! UTF-8 beyond ASCII this way). The tokenizer below knows such escapes for ASCII only, so the others
//! become the characters that they spell before it sees them. A column behind one in the same line
//! is then counted short; bytes that spell no character stay as they are, for the tokenizer to
//! refuse.

/// The text with those escapes resolved; `None` where there are none.
pub(super) fn resolve_bytes(text: &str) -> Option<String> {
    if !text.contains("\\x") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find(['\'', '"', '-', '/']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = match from.as_bytes() {
            [b'\'', ..] if opens_escapes(&out) => {
                let length = escaped_length(from);
                changed |= push_resolved(&from[..length], &mut out);
                rest = &from[length..];
                continue;
            }
            [b'\'', ..] => through(from, 1, "'"),
            [b'"', ..] => through(from, 1, "\""),
            [b'-', b'-', ..] => through(from, 2, "\n"),
            [b'/', b'*', ..] => through(from, 2, "*/"),
            _ => 1,
        };
        out.push_str(&from[..length]);
        rest = &from[length..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Whether what was read so far ends in an E that is no part of a word.
fn opens_escapes(before: &str) -> bool {
    let mut last = before.chars().rev();
    matches!(last.next(), Some('E' | 'e'))
        && !last.next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// How long the text is up to the end of `close`, which is looked for behind `open` bytes.
fn through(text: &str, open: usize, close: &str) -> usize {
    text[open..].find(close).map_or(text.len(), |at| open + at + close.len())
}

/// How long the string is, where a backslash takes the quote behind it along.
fn escaped_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            // A doubled quote ends the string and begins another right behind, which is the same.
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Copies the string; whether an escape was resolved on the way.
fn push_resolved(string: &str, out: &mut String) -> bool {
    let mut rest = string;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let spelled = high_bytes(rest);
        match String::from_utf8(spelled) {
            Ok(characters) if !characters.is_empty() => {
                // Four characters spell one byte: `\xNN`.
                rest = &rest[4 * characters.len()..];
                out.push_str(&characters);
                changed = true;
            }
            _ => {
                // The backslash and what it escapes, which may be another backslash.
                let next = rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..1 + next]);
                rest = &rest[1 + next..];
            }
        }
    }
    out.push_str(rest);
    changed
}

/// The bytes beyond ASCII that the text begins with, as `\xNN\xNN…`.
fn high_bytes(text: &str) -> Vec<u8> {
    let escapes = text.as_bytes().chunks_exact(4).map_while(|escape| {
        let [b'\\', b'x', high, low] = escape else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
        (!byte.is_ascii()).then_some(byte)
    });
    escapes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_spelled_by_their_bytes_are_resolved_and_nothing_else() {
        for (text, expected) in [
            (r"SELECT E'\x61\xe3\x83\xbd\x62'", Some(r"SELECT E'\x61ヽ\x62'")),
            (r"SELECT e'it\'s \xc3\xa9', 'a'", Some(r"SELECT e'it\'s é', 'a'")),
            (r"SELECT E'a''\xc3\xa9'", Some(r"SELECT E'a''é'")),
            (r"/* E'\xc3\xa9 */ SELECT E'\xc3\xa9'", Some(r"/* E'\xc3\xa9 */ SELECT E'é'")),
            (r"SELECT '\xc3\xa9'", None),
            (r"SELECT name'\xc3\xa9'", None),
            (r"SELECT E'\\xc3\\xa9'", None),
            (r"SELECT E'\x61'", None),
            (r"SELECT E'\xc3'", None),
            (r"SELECT E'\xc3\xa9", Some("SELECT E'é")),
            (r"-- E'\xc3\xa9'", None),
            (r#"SELECT "E'\xc3\xa9'""#, None),
            ("E'\\", None),
        ] {
            assert_eq!(resolve_bytes(text).as_deref(), expected, "{text}");
        }
    }
}
