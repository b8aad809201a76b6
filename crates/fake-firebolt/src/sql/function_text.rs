//! Scalar functions on text and bytes.

use super::error::SqlError;
use super::function::{Resolved, whole};
use super::numeric;
use crate::value::{DataType, Value};

/// Longest text that padding or repeating may make: more is a mistake that would exhaust memory.
const LENGTH_MAX: usize = 16 << 20;

/// A function on text or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextFunction {
    /// LENGTH of bytes, and OCTET_LENGTH.
    Bytes,
    PadStart,
    PadEnd,
    Repeat,
    Reverse,
    SplitPart,
    StringToArray,
    UrlEncode,
    UrlDecode,
    Encode,
    Decode,
    ConvertFrom,
}

impl TextFunction {
    /// The function of a lower-case name for arguments of those types; `None` if there is none.
    pub(super) fn resolve(name: &str, given: &[DataType]) -> Option<Resolved<Self>> {
        use DataType as T;
        let text = |count| vec![T::Text; count];
        let bytea = given.first() == Some(&T::Bytea);
        let (function, arguments, result) = match (name, given.len()) {
            ("length" | "octet_length", 1) if bytea => (Self::Bytes, vec![T::Bytea], T::Integer),
            ("octet_length", 1) => (Self::Bytes, text(1), T::Integer),
            ("lpad" | "rpad", 2 | 3) => {
                let pad = if name == "lpad" { Self::PadStart } else { Self::PadEnd };
                let mut arguments = vec![T::Text, T::Bigint];
                arguments.extend((given.len() == 3).then_some(T::Text));
                (pad, arguments, T::Text)
            }
            ("repeat", 2) => (Self::Repeat, vec![T::Text, T::Bigint], T::Text),
            ("reverse", 1) => (Self::Reverse, text(1), T::Text),
            ("split_part", 3) => (Self::SplitPart, vec![T::Text, T::Text, T::Bigint], T::Text),
            ("string_to_array" | "split", 2) => {
                (Self::StringToArray, text(2), T::Array(Box::new(T::Text)))
            }
            ("url_encode", 1) => (Self::UrlEncode, text(1), T::Text),
            ("url_decode", 1) => (Self::UrlDecode, text(1), T::Text),
            ("encode", 2) => (Self::Encode, vec![T::Bytea, T::Text], T::Text),
            ("decode", 2) => (Self::Decode, text(2), T::Bytea),
            ("convert_from", 2) => (Self::ConvertFrom, vec![T::Bytea, T::Text], T::Text),
            _ => return None,
        };
        Some(Resolved { function, arguments, result })
    }

    /// Whether NULL is more than NULL to it: a NULL separator splits into characters.
    pub(super) fn takes_null(self) -> bool {
        self == Self::StringToArray
    }

    pub(super) fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        let text = |index: usize| match values.get(index) {
            Some(Value::Text(text)) => Ok(text.as_ref()),
            _ => Err(SqlError::internal("a function got what is not text")),
        };
        let bytes = |index: usize| match values.get(index) {
            Some(Value::Bytea(bytes)) => Ok(bytes.as_ref()),
            Some(Value::Text(text)) => Ok(text.as_bytes()),
            _ => Err(SqlError::internal("a function got what is not bytes")),
        };
        Ok(match self {
            Self::Bytes => Value::Integer(i32::try_from(bytes(0)?.len()).unwrap_or(i32::MAX)),
            Self::PadStart | Self::PadEnd => {
                let pad = if values.len() > 2 { text(2)? } else { " " };
                padded(text(0)?, whole(&values[1])?, pad, self == Self::PadStart)?
            }
            Self::Repeat => {
                let times = usize::try_from(whole(&values[1])?).unwrap_or(0);
                checked_length(text(0)?.len().saturating_mul(times))?;
                Value::text(&text(0)?.repeat(times))
            }
            Self::Reverse => Value::text(&text(0)?.chars().rev().collect::<String>()),
            Self::SplitPart => split_part(text(0)?, text(1)?, whole(&values[2])?)?,
            Self::StringToArray if values[0].is_null() => Value::Null,
            Self::StringToArray => {
                let parts: Vec<Value> = match &values[1] {
                    Value::Text(separator) if separator.is_empty() => vec![values[0].clone()],
                    Value::Text(separator) => {
                        text(0)?.split(separator.as_ref()).map(Value::text).collect()
                    }
                    _ => text(0)?.chars().map(|c| Value::text(&c.to_string())).collect(),
                };
                Value::Array(parts.into())
            }
            Self::UrlEncode => Value::text(&url_encoded(text(0)?)),
            Self::UrlDecode => Value::text(&url_decoded(text(0)?)?),
            Self::Encode => Value::text(&encoded(bytes(0)?, text(1)?)?),
            Self::Decode => Value::Bytea(decoded(text(0)?, text(1)?)?.into()),
            Self::ConvertFrom => match text(1)?.to_ascii_lowercase().as_str() {
                "utf8" | "utf-8" => match std::str::from_utf8(bytes(0)?) {
                    Ok(text) => Value::text(text),
                    Err(_) => return Err(SqlError::data("invalid byte sequence for UTF8")),
                },
                other => return Err(SqlError::unsupported(format!("CONVERT_FROM {other}"))),
            },
        })
    }
}

fn checked_length(length: usize) -> Result<(), SqlError> {
    if length <= LENGTH_MAX {
        return Ok(());
    }
    Err(numeric::overflow(length, "a text of this fake (16 MiB)"))
}

fn padded(text: &str, length: i64, pad: &str, start: bool) -> Result<Value, SqlError> {
    let length = usize::try_from(length).unwrap_or(0);
    let own = text.chars().count();
    if own >= length || pad.is_empty() {
        return Ok(Value::text(&text.chars().take(length).collect::<String>()));
    }
    checked_length(length)?;
    let filling: String = pad.chars().cycle().take(length - own).collect();
    Ok(Value::text(&if start { filling + text } else { text.to_owned() + &filling }))
}

/// A negative index counts from the end; one beyond either end is empty.
fn split_part(text: &str, separator: &str, index: i64) -> Result<Value, SqlError> {
    if index == 0 {
        return Err(SqlError::data("field position must not be zero"));
    }
    let parts: Vec<&str> =
        if separator.is_empty() { vec![text] } else { text.split(separator).collect() };
    let place = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    let place = if index > 0 { place.checked_sub(1) } else { parts.len().checked_sub(place) };
    Ok(Value::text(place.and_then(|at| parts.get(at)).unwrap_or(&"")))
}

fn url_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn url_decoded(text: &str) -> Result<String, SqlError> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).map_err(|_| SqlError::data("invalid byte sequence for UTF8"))
}

fn encoded(bytes: &[u8], format: &str) -> Result<String, SqlError> {
    Ok(match format.to_ascii_lowercase().as_str() {
        "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        "escape" => bytes.iter().map(|byte| escaped(*byte)).collect(),
        "base64" => base64(bytes),
        other => return Err(SqlError::data(format!("unrecognized encoding: \"{other}\""))),
    })
}

fn escaped(byte: u8) -> String {
    match byte {
        b'\\' => "\\\\".to_owned(),
        0 | 0x80.. => format!("\\{byte:03o}"),
        _ => char::from(byte).to_string(),
    }
}

fn decoded(text: &str, format: &str) -> Result<Vec<u8>, SqlError> {
    let bad = || SqlError::data(format!("invalid input for DECODE in the format {format}: {text}"));
    match format.to_ascii_lowercase().as_str() {
        "hex" => super::bytes_text::from_hex(text).ok_or_else(bad),
        "escape" => super::bytes_text::from_escape(text).ok_or_else(bad),
        "base64" => from_base64(text).ok_or_else(bad),
        other => Err(SqlError::data(format!("unrecognized encoding: \"{other}\""))),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 in lines of 76 characters, as RFC 2045 has it.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut line = 0;
    for chunk in bytes.chunks(3) {
        if line == 76 {
            out.push('\n');
            line = 0;
        }
        let padded = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let word = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * place)) as usize & 63];
            out.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
        line += 4;
    }
    out
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let padding = digits.iter().rev().take(2).take_while(|digit| **digit == b'=').count();
    digits.truncate(digits.len() - padding);
    let mut out = Vec::new();
    for chunk in digits.chunks(4) {
        let mut word = 0_u32;
        for place in 0..4 {
            let value = match chunk.get(place) {
                Some(digit) => ALPHABET.iter().position(|known| known == digit)?,
                None => 0,
            };
            word = (word << 6) | value as u32;
        }
        out.extend(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_encoding_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            for format in ["hex", "ESCAPE", "base64"] {
                let text = encoded(&bytes, format).unwrap();
                prop_assert_eq!(decoded(&text, format).unwrap(), bytes.clone(), "{}", format);
            }
        }

        #[test]
        fn url_encoding_reads_back(text in "\\PC*") {
            prop_assert_eq!(url_decoded(&url_encoded(&text)).unwrap(), text);
        }
    }
}
