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
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].token {
            Token::LParen => {
                let before = at.checked_sub(1).and_then(|before| tokens.get(before));
                opened_by_array.push(is_word(before, "ARRAY"));
            }
            Token::RParen => {
                let of_array = opened_by_array.pop().unwrap_or(false);
                // `ARRAY(NULL)` has no element type: it is left for the parser to refuse.
                let ends_in_null = at >= 3
                    && is_word(tokens.get(at - 1), "NULL")
                    && !is_word(tokens.get(at - 2), "NOT")
                    && tokens[at - 2].token != Token::LParen;
                if of_array && ends_in_null {
                    tokens.remove(at - 1);
                    at -= 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
}
