//! BYTEA as text: hexadecimal behind `\x`, or bytes with octal escapes (the vendor's BYTEA page).

/// Reads pairs of hexadecimal digits; white space between pairs does not count.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::new();
    let mut rest = text.bytes().peekable();
    while let Some(first) = rest.next() {
        if matches!(first, b' ' | b'\n' | b'\t' | b'\r') {
            continue;
        }
        let (high, low) = (digit(first)?, digit(rest.next()?)?);
        out.push((high * 16 + low) as u8);
    }
    Some(out)
}

/// Reads `\\` as a backslash and `\nnn` as the byte of that octal value.
pub(super) fn from_escape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
        } else if let [b'\\', after @ ..] = rest {
            out.push(b'\\');
            rest = after;
        } else {
            let digits = std::str::from_utf8(rest.get(..3)?).ok()?;
            let octal = digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
            out.push(u8::from_str_radix(digits, 8).ok().filter(|_| octal)?);
            rest = &rest[3..];
        }
    }
    Some(out)
}

/// What a cast from TEXT reads.
pub(super) fn from_text(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(digits) => from_hex(digits),
        None => from_escape(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        for (text, expected) in [
            ("\\x3132", Some(&b"12"[..])),
            ("\\x31   32  ", Some(b"12")),
            ("\\x aa", Some(b"\xaa")),
            ("\\xa a", None),
            ("\\x313", None),
            ("\\xzz", None),
            ("a b\\230a", Some(b"a b\x98a")),
            ("\\\\", Some(b"\\")),
            ("\\38", None),
            ("\\400", None),
            ("", Some(b"")),
        ] {
            assert_eq!(from_text(text).as_deref(), expected, "{text:?}");
        }
    }
}
