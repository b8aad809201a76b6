//! JSON documents (RFC 8259) as they stand in a text: each value keeps the piece of text that it
//! was read from, because most functions answer with that piece and not with a rewritten one.
//!
//! A document is checked as a whole before anything of it is used. No text may panic in here.

use std::fmt;

/// Lists in objects in …: deeper ones are refused, each is a stack frame.
const DEPTH_MAX: usize = 256;

/// A value and the text that it is.
#[derive(Debug, PartialEq)]
pub(in crate::sql) struct Json<'t> {
    /// From its first character to its last.
    pub(in crate::sql) raw: &'t str,
    pub(in crate::sql) kind: Kind<'t>,
}

/// What a value is. Numbers and texts are in `raw` only.
#[derive(Debug, PartialEq)]
pub(in crate::sql) enum Kind<'t> {
    Null,
    Boolean,
    Number,
    Text,
    List(Vec<Json<'t>>),
    /// Names and values, in the order of the text.
    Object(Vec<(Json<'t>, Json<'t>)>),
}

/// Why a text is no document.
#[derive(Debug, PartialEq)]
pub(in crate::sql) struct Malformed {
    what: &'static str,
    /// Where, in bytes.
    at: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// Reads a whole text.
pub(in crate::sql) fn read(text: &str) -> Result<Json<'_>, Malformed> {
    let mut reader = Reader { text, at: 0 };
    reader.skip_space();
    let json = reader.value(0)?;
    reader.skip_space();
    if reader.at == text.len() {
        Ok(json)
    } else {
        Err(reader.malformed("something behind the end"))
    }
}

impl Json<'_> {
    /// A text without its quotes and escapes; `None` for other kinds.
    pub(in crate::sql) fn text(&self) -> Option<String> {
        (self.kind == Kind::Text).then(|| unescaped(&self.raw[1..self.raw.len() - 1]))
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Json<'t>, Malformed> {
        if depth > DEPTH_MAX {
            return Err(self.malformed("too much nesting"));
        }
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Json { raw: &self.text[start..self.at], kind })
    }

    fn word(&mut self) -> Result<Kind<'t>, Malformed> {
        for (word, kind) in
            [("null", Kind::Null), ("true", Kind::Boolean), ("false", Kind::Boolean)]
        {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(self.malformed("no value"))
    }

    fn list(&mut self, depth: usize) -> Result<Kind<'t>, Malformed> {
        self.at += 1;
        self.skip_space();
        let mut items = Vec::new();
        if self.accept(b']') {
            return Ok(Kind::List(items));
        }
        loop {
            self.skip_space();
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.accept(b']') {
                return Ok(Kind::List(items));
            }
            if !self.accept(b',') {
                return Err(self.malformed("a list that does not go on"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Kind<'t>, Malformed> {
        self.at += 1;
        self.skip_space();
        let mut members = Vec::new();
        if self.accept(b'}') {
            return Ok(Kind::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.malformed("an object without a name"));
            }
            let name = self.value(depth + 1)?;
            self.skip_space();
            if !self.accept(b':') {
                return Err(self.malformed("a name without a value"));
            }
            self.skip_space();
            members.push((name, self.value(depth + 1)?));
            self.skip_space();
            if self.accept(b'}') {
                return Ok(Kind::Object(members));
            }
            if !self.accept(b',') {
                return Err(self.malformed("an object that does not go on"));
            }
        }
    }

    fn string(&mut self) -> Result<Kind<'t>, Malformed> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return Err(self.malformed("a control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.malformed("a string without an end")),
            }
        }
        self.at += 1;
        Ok(Kind::Text)
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let unit = self.unit()?;
                // Half a pair stands for nothing, and zero for what no TEXT may hold.
                let paired = (0xd800..0xdc00).contains(&unit) && {
                    let next = self.accept(b'\\') && self.peek() == Some(b'u');
                    next && (0xdc00..0xe000).contains(&self.unit()?)
                };
                if unit == 0 || (0xd800..0xe000).contains(&unit) && !paired {
                    return Err(self.malformed("an escape of no character"));
                }
            }
            _ => return Err(self.malformed("an unknown escape")),
        }
        Ok(())
    }

    /// Takes `uXXXX`.
    fn unit(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 5;
        unit.ok_or_else(|| self.malformed("an escape of no character"))
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.malformed("a number without digits")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Kind<'t>, Malformed> {
        self.accept(b'-');
        // Nothing follows a zero in front.
        if !self.accept(b'0') {
            self.digits()?;
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        if self.accept(b'e') || self.accept(b'E') {
            let _ = self.accept(b'+') || self.accept(b'-');
            self.digits()?;
        }
        Ok(Kind::Number)
    }
}

/// The text that the inside of a string means; its escapes have been checked.
fn unescaped(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let unit =
            |at: usize| rest.get(at..at + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
        let (c, length) = match rest.as_bytes().get(at + 1) {
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'u') => {
                let units =
                    [unit(at + 2), unit(at + 8).filter(|_| rest[at + 6..].starts_with("\\u"))];
                let mut read = char::decode_utf16(units.into_iter().flatten());
                let c = read.next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER);
                (c, if c.len_utf16() == 2 { 12 } else { 6 })
            }
            Some(other) => (char::from(*other), 2),
            None => break,
        };
        text.push(c);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_are_kept_as_they_stand() {
        let json = read(" { \"a\" : [ 1.50 , -0e+1,true ],\"b\\n\":{} } ").expect("JSON");
        assert_eq!(json.raw, "{ \"a\" : [ 1.50 , -0e+1,true ],\"b\\n\":{} }");
        let Kind::Object(members) = json.kind else { panic!("an object") };
        let Kind::List(items) = &members[0].1.kind else { panic!("a list") };
        assert_eq!(
            items.iter().map(|item| item.raw).collect::<Vec<_>>(),
            ["1.50", "-0e+1", "true"]
        );
        assert_eq!(members[1].0.text().as_deref(), Some("b\n"));
        assert_eq!(members[1].1.raw, "{}");
    }

    #[test]
    fn what_is_no_document_is_told_with_its_place() {
        for (text, expected) in [
            ("", "no value at byte 0"),
            ("{", "an object without a name at byte 1"),
            ("{\"a\" 1}", "a name without a value at byte 5"),
            ("[1 2]", "a list that does not go on at byte 3"),
            ("[1,]", "no value at byte 3"),
            ("01", "something behind the end at byte 1"),
            ("1.", "a number without digits at byte 2"),
            ("\"a", "a string without an end at byte 2"),
            ("\"\t\"", "a control character in a string at byte 1"),
            ("\"\\x\"", "an unknown escape at byte 2"),
            ("\"\\ud800\"", "an escape of no character at byte 7"),
            ("\"\\u00\"", "an escape of no character at byte 7"),
            ("nul", "no value at byte 0"),
            ("1 1", "something behind the end at byte 2"),
        ] {
            assert_eq!(read(text).expect_err(text).to_string(), expected, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep).expect_err("deep").what, "too much nesting");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_another_reader(
            text in "([\\[\\]{}:,\" a1.eE+\\-\\\\untrlsf/d8c0é]|\"a\":|true|false|null|1e5|-0E-1|\\\\ud8[0c]0|\\\\ud[cd]8c){0,24}"
        ) {
            let other: Result<serde_json::Value, _> = serde_json::from_str(&text);
            // A number may have any exponent here: none is made of its digits. There it ends at 1e308.
            let is_huge = other.as_ref().is_err_and(|e| e.to_string().contains("out of range"));
            // Zero is a character there, and none in a TEXT here.
            if !text.contains("\\u0000") && !is_huge {
                prop_assert_eq!(read(&text).is_ok(), other.is_ok(), "{}", text);
            }
        }

        #[test]
        fn any_string_is_read_as_it_was_written(text in "\\PC*[\\n\\t\"\\\\/\u{1f525}]{0,4}") {
            let written = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(read(&written).expect("JSON").text(), Some(text));
        }
    }
}
