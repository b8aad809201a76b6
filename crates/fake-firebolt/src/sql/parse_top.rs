//! A column called `top`: sqlparser takes the word behind SELECT for a clause of other dialects.
//!
//! The service has no TOP. The word stands in the vendor's list of reserved words, as do `date` and
//! `week`: words that the page recommends not to use, so that a name it is read as. What could be
//! nothing but the clause is left for the binder to refuse by its name.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::parse::word_is;

/// Makes `top` behind SELECT the name that it is.
pub(super) fn name_columns(tokens: &mut [TokenWithSpan]) {
    for at in 1..tokens.len() {
        let behind = ["SELECT", "DISTINCT", "ALL"];
        let is_first = behind.iter().any(|word| word_is(tokens.get(at - 1), word));
        if !is_first || !word_is(tokens.get(at), "TOP") || is_count(tokens.get(at + 1)) {
            continue;
        }
        tokens[at].token = Token::Word(Word {
            value: "top".to_owned(),
            quote_style: Some('"'),
            keyword: Keyword::NoKeyword,
        });
    }
}

fn is_count(token: Option<&TokenWithSpan>) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Number(..) | Token::LParen))
}
