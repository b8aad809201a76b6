//! Reading an array from text: `{1, 2, NULL}` or `[…]`, nested, elements quoted where they have to
//! be (the vendor's page on arrays).

use super::cast;
use super::error::SqlError;
use crate::value::{DataType, Value};

/// Arrays inside arrays that are read: each is a stack frame.
const DEPTH_MAX: usize = 16;

/// Reads a whole text as an array of `element`s.
pub(super) fn parse(text: &str, element: &DataType) -> Result<Value, SqlError> {
    let fail = || {
        let to = DataType::Array(Box::new(element.clone()));
        SqlError::data(format!("Unable to cast text '{text}' to {to}"))
    };
    let mut reader = Reader { rest: text.trim(), fail: &fail };
    let value = reader.array(element, 0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(fail()) }
}

struct Reader<'t> {
    rest: &'t str,
    fail: &'t dyn Fn() -> SqlError,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn array(&mut self, element: &DataType, depth: usize) -> Result<Value, SqlError> {
        let close = if self.accept('{') {
            '}'
        } else if self.accept('[') {
            ']'
        } else {
            return Err((self.fail)());
        };
        if depth >= DEPTH_MAX {
            return Err(SqlError::unsupported("arrays nested deeper than 16"));
        }
        let mut items = Vec::new();
        self.skip_space();
        if self.accept(close) {
            return Ok(Value::Array(items.into()));
        }
        loop {
            self.skip_space();
            items.push(self.item(element, depth)?);
            self.skip_space();
            if self.accept(close) {
                return Ok(Value::Array(items.into()));
            }
            if !self.accept(',') {
                return Err((self.fail)());
            }
        }
    }

    fn item(&mut self, element: &DataType, depth: usize) -> Result<Value, SqlError> {
        if let DataType::Array(inner) = element
            && self.rest.starts_with(['{', '['])
        {
            return self.array(inner, depth + 1);
        }
        if self.accept('"') {
            let text = self.quoted()?;
            return cast::cast(&Value::text(&text), element);
        }
        let end = self.rest.find([',', '}', ']', '{', '[', '"']).ok_or_else(|| (self.fail)())?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let text = text.trim_end();
        if text.is_empty() {
            return Err((self.fail)());
        }
        if text.eq_ignore_ascii_case("null") {
            return Ok(Value::Null);
        }
        cast::cast(&Value::text(text), element)
    }

    fn quoted(&mut self) -> Result<String, SqlError> {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next().ok_or_else(|| (self.fail)())? {
                '"' => break,
                '\\' => text.push(chars.next().ok_or_else(|| (self.fail)())?),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_rendered_reads_back(
            items in prop::collection::vec(prop::option::of("\\PC{0,6}|null|\\{a,b\\}| x "), 0..5)
        ) {
            let items: Vec<Value> =
                items.into_iter().map(|item| item.map_or(Value::Null, |t| Value::text(&t))).collect();
            let nested = Value::Array([Value::Array(items.into()), Value::Null].into());
            let of_texts = DataType::Array(Box::new(DataType::Text));
            prop_assert_eq!(parse(&nested.to_string(), &of_texts).unwrap(), nested);
        }
    }

    #[test]
    fn refusals() {
        for text in ["", "{", "{1", "{1,}", "{,1}", "1", "{1} x", "{1]", "{{1}}", "{\"1}", "{a}"] {
            assert!(parse(text, &DataType::Integer).is_err(), "{text:?}");
        }
    }
}
