//! `GEOGRAPHY '…'`: a type that sqlparser does not know in front of a string. It is read as the
//! cast that the vendor's page says it is.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::parse::word_is;

/// Turns the word and the string behind it into the string and a cast.
pub(super) fn to_casts(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at + 1 < tokens.len() {
        let is_string = matches!(tokens[at + 1].token, Token::SingleQuotedString(_));
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_name = word_is(before, "AS")
            || matches!(before.map(|t| &t.token), Some(Token::Period | Token::DoubleColon));
        if is_string && !is_name && word_is(tokens.get(at), "GEOGRAPHY") {
            tokens.swap(at, at + 1);
            let span = tokens[at + 1].span;
            tokens.insert(at + 1, TokenWithSpan { token: Token::DoubleColon, span });
            at += 2;
        }
        at += 1;
    }
}
