//! Fault rules as TOML and as JSON: read, or refused with a place; nothing else.

use fake_firebolt::fault::{RuleFile, Side};

use super::choices::Choices;

/// Any text.
pub(crate) fn text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        read(text);
    }
}

/// Files of rules with something wrong in most of them.
pub(crate) fn files(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut text = String::new();
    if choices.rarely(3) {
        text.push_str(&format!("seed = {}\n", choices.one(VALUES)));
    }
    for _ in 0..=choices.below(3) {
        text.push_str("[[fault]]\n");
        for _ in 0..choices.below(7) {
            text.push_str(&format!("{} = {}\n", choices.one(KEYS), choices.one(VALUES)));
        }
    }
    read(&text);
}

const KEYS: &[&str] = &[
    "name", "on", "at", "does", "chance", "nth", "every", "sql", "label", "table", "after",
    "at-most", "for", "reply", "status", "body", "peer", "while", "bytes", "between", "first", "x",
];

const VALUES: &[&str] = &[
    "'a'",
    "'commit'",
    "'merge'",
    "'committed'",
    "'received'",
    "'drop-connection'",
    "'delay'",
    "1",
    "0",
    "-1",
    "9223372036854775807",
    "'1/20'",
    "'0/0'",
    "'1/0'",
    "'5s'",
    "'99999999999999d'",
    "''",
    "true",
    "[]",
    "['1s', '2s']",
    "{}",
    "{ status = 500, body = 'x' }",
    "1.5",
    "nan",
    "'*'",
    "'%'",
    "'\\'",
    "[",
];

fn read(text: &str) {
    for side in [Side::Server, Side::Wire] {
        #[cfg(feature = "listen")]
        check(RuleFile::from_toml(text, side));
        if let Ok(document) = serde_json::from_str(text) {
            check(RuleFile::from_json(document, side));
        }
    }
}

fn check(result: Result<RuleFile, fake_firebolt::fault::ReadError>) {
    if let Err(error) = result {
        assert!(!error.to_string().is_empty(), "an error says what is wrong");
    }
}
