//! `GEOGRAPHY '…'`: a type that sqlparser does not know in front of a string. It is read as the
//! cast that the vendor's page says it is.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::parse::word_is;

/// Turns the word and the string behind it into the string and a cast. The list is made anew in
/// one pass: putting a token into it for each literal moves the rest of an INSERT as often as it
/// has rows, and no time-out ends that.
pub(super) fn to_casts(tokens: &mut Vec<TokenWithSpan>) {
    let mut written = Vec::with_capacity(tokens.len() + 1);
    let mut rest = std::mem::take(tokens).into_iter().peekable();
    while let Some(token) = rest.next() {
        let before = written.last();
        let is_name = word_is(before, "AS")
            || matches!(before.map(|t| &t.token), Some(Token::Period | Token::DoubleColon));
        let is_type = !is_name && word_is(Some(&token), "GEOGRAPHY");
        let is_string = |t: &TokenWithSpan| matches!(t.token, Token::SingleQuotedString(_));
        if let Some(string) = rest.next_if(|next| is_type && is_string(next)) {
            let cast = TokenWithSpan { token: Token::DoubleColon, span: token.span };
            written.extend([string, cast]);
        }
        written.push(token);
    }
    *tokens = written;
}

#[cfg(test)]
mod tests {
    use super::super::parse::tokenize;
    use super::*;

    /// Megabytes that were read for minutes when each literal moved all tokens behind it.
    #[test]
    fn each_of_very_many_literals_is_a_cast() {
        let count = 200_000;
        let literals = vec!["GEOGRAPHY 'POINT(1 2)'"; count].join(",");
        let mut tokens = tokenize(&literals).expect("tokens");
        to_casts(&mut tokens);
        assert_eq!(tokens.len(), 4 * count - 1);
        let text = |at: usize| tokens[at].token.to_string();
        for at in (0..tokens.len()).step_by(4 * 1_000) {
            let cast = [text(at), text(at + 1), text(at + 2), text(at + 3)];
            assert_eq!(cast, ["'POINT(1 2)'", "::", "GEOGRAPHY", ","]);
        }
    }

    #[test]
    fn names_and_what_is_a_cast_already_stay() {
        for sql in ["SELECT 1 AS GEOGRAPHY 'x'", "t.GEOGRAPHY 'x'", "a::GEOGRAPHY 'x'", "GEOGRAPHY"]
        {
            let before = tokenize(sql).expect("tokens");
            let mut tokens = before.clone();
            to_casts(&mut tokens);
            assert_eq!(tokens, before, "{sql}");
        }
    }
}
