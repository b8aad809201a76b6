//! `ARRAY(t NULL)`: the word that says what holds anyway is taken out of the token stream, because
//! sqlparser does not know it there. `ARRAY(t NOT NULL)` it knows, and the binder refuses.

use sqlparser::tokenizer::{Token, TokenWithSpan};

fn is_word(token: Option<&TokenWithSpan>, expected: &str) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Word(word))
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

/// Takes NULL out where it ends the element type of an array.
pub(super) fn drop_element_nulls(tokens: &mut Vec<TokenWithSpan>) {
    let mut opened_by_array = Vec::new();
    // Made anew in one pass: a removal for each type would move the rest of a long statement.
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in std::mem::take(tokens) {
        match token.token {
            Token::LParen => opened_by_array.push(is_word(written.last(), "ARRAY")),
            Token::RParen => {
                let of_array = opened_by_array.pop().unwrap_or(false);
                // `ARRAY(NULL)` has no element type: it is left for the parser to refuse.
                let ends_in_null = matches!(&written[..], [.., element, null]
                    if is_word(Some(null), "NULL")
                        && !is_word(Some(element), "NOT")
                        && element.token != Token::LParen);
                if of_array && ends_in_null {
                    written.pop();
                }
            }
            _ => {}
        }
        written.push(token);
    }
    *tokens = written;
}
