//! `STRUCT(name type [NULL], …)` where a type stands.
//!
//! sqlparser reads no NULL and no nested parentheses in there, so the fields are put into one
//! string token, which it takes for a type's modifier; `type_name` has them read here, level by
//! level. The same word in front of values makes a struct and is left alone.

use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::error::SqlError;
use super::parse::{parse_part, tokenize, word_is};
use super::scope::fold;

/// Structs in structs in …: deeper ones are refused, each is a round of parsing.
const DEPTH_MAX: usize = 8;

/// Words behind which a value stands, or the name of a table, and no type.
const BEFORE_VALUES: &[&str] = &[
    "ALL", "AND", "BETWEEN", "EXISTS", "INTO", "TABLE", "VIEW", "BY", "CASE", "DISTINCT", "ELSE",
    "FROM", "HAVING", "ILIKE", "IN", "IS", "LIKE", "LIMIT", "NOT", "OFFSET", "ON", "OR", "SELECT",
    "THEN", "VALUES", "WHEN", "WHERE",
];

/// Words that begin a value, and are no field's name there.
const FIRST_OF_VALUES: &[&str] = &["CASE", "DISTINCT", "NOT", "SELECT"];

/// Words that go on with a value: `struct(a IS NULL)`.
const BEHIND_VALUES: &[&str] =
    &["AND", "AS", "AT", "BETWEEN", "COLLATE", "ILIKE", "IN", "IS", "LIKE", "NOT", "OR"];

/// Puts the fields of each STRUCT type into one token. First all types are found, then the list is
/// made anew in one pass: taking tokens out of it for each type moves the rest of a statement as
/// often as it has types, and no time-out ends that.
pub(super) fn pack(tokens: &mut Vec<TokenWithSpan>) -> Result<(), SqlError> {
    let mut types = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if word_is(tokens.get(at), "STRUCT") && is_type(tokens, at) {
            let close = closing(tokens, at + 1)?;
            types.push(at + 2..close);
            at = close;
        }
        at += 1;
    }
    let mut packed = Vec::with_capacity(tokens.len());
    let mut taken = 0;
    let mut rest = std::mem::take(tokens).into_iter();
    for fields in types {
        packed.extend(rest.by_ref().take(fields.start - taken));
        taken = fields.end;
        let fields: Vec<TokenWithSpan> = rest.by_ref().take(fields.len()).collect();
        let texts: Vec<String> = fields.iter().map(|field| written(&field.token)).collect();
        let span = fields.first().map_or_else(Span::empty, |field| field.span);
        let token = Token::SingleQuotedString(texts.join(" "));
        packed.push(TokenWithSpan { token, span });
    }
    packed.extend(rest);
    *tokens = packed;
    Ok(())
}

/// Whether the word STRUCT at that place names a type.
fn is_type(tokens: &[TokenWithSpan], at: usize) -> bool {
    let is = |at: usize, token: &Token| tokens.get(at).is_some_and(|t| t.token == *token);
    let word = |at: usize| match tokens.get(at).map(|token| &token.token) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    };
    let among = |at: usize, list: &[&str]| list.iter().any(|name| word_is(tokens.get(at), name));
    if !is(at + 1, &Token::LParen) || word(at + 2).is_none() {
        return false;
    }
    let Some(before) = at.checked_sub(1) else { return false };
    match &tokens[before].token {
        Token::DoubleColon => true,
        Token::LParen => before > 0 && word_is(tokens.get(before - 1), "ARRAY"),
        Token::Word(_) if among(before, BEFORE_VALUES) => false,
        // A name and a type, as in the list of columns of a table.
        Token::Word(_) => {
            word(at + 3).is_some_and(|word| word.quote_style.is_none())
                && !among(at + 2, FIRST_OF_VALUES)
                && !among(at + 3, BEHIND_VALUES)
        }
        _ => false,
    }
}

/// Where the parenthesis that opens at `open` closes.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Result<usize, SqlError> {
    let (mut depth, mut structs) = (0_usize, 0_usize);
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => {
                depth += 1;
                structs += usize::from(word_is(tokens.get(at - 1), "STRUCT"));
                if structs > DEPTH_MAX && depth > DEPTH_MAX {
                    let text = format!("a STRUCT nested more than {DEPTH_MAX} deep");
                    return Err(SqlError::unsupported(text).at(token.span));
                }
            }
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(at);
        }
    }
    Err(SqlError::syntax(tokens[open].span.start, "syntax error, a STRUCT that is not closed"))
}

/// A token as it can be read again.
fn written(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_some() => {
            format!("\"{}\"", word.value.replace('"', "\"\""))
        }
        other => other.to_string(),
    }
}

/// The fields that [`pack`] put into a token.
pub(super) fn fields(text: &str) -> Result<Vec<(String, ast::DataType)>, SqlError> {
    let mut tokens = tokenize(text)?;
    // Places in here are none of the statement's.
    tokens.iter_mut().for_each(|token| token.span = Span::empty());
    pack(&mut tokens)?;
    let fields = parse_part(tokens, |parser| parser.parse_comma_separated(field))
        .map_err(|error| SqlError { text: format!("{} in STRUCT({text})", error.text), ..error })?;
    fields
        .into_iter()
        .map(|(name, data_type, not_null)| {
            if not_null {
                // The vendor's page: an error, because a field may always be NULL.
                let text = format!("field {name} of a STRUCT cannot be NOT NULL");
                return Err(SqlError::type_error(text));
            }
            Ok((name, data_type))
        })
        .collect()
}

fn field(parser: &mut Parser<'_>) -> Result<(String, ast::DataType, bool), ParserError> {
    let name = fold(&parser.parse_identifier()?).into_owned();
    let data_type = parser.parse_data_type()?;
    let not_null = parser.parse_keywords(&[Keyword::NOT, Keyword::NULL]);
    // NULL says what holds anyway.
    let _ = !not_null && parser.parse_keyword(Keyword::NULL);
    Ok((name, data_type, not_null))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Megabytes that were read for minutes when each type moved all tokens behind it.
    #[test]
    fn each_of_very_many_types_is_packed() {
        let count = 100_000;
        let types = vec!["x::STRUCT(a INT, \"b c\" STRUCT(d TEXT NULL))"; count].join(",");
        let mut tokens = tokenize(&types).expect("tokens");
        pack(&mut tokens).expect("types");
        assert_eq!(tokens.len(), 7 * count - 1);
        let text = |at: usize| tokens[at].token.to_string();
        for at in (0..tokens.len() - 6).step_by(7 * 1_000) {
            let packed: Vec<String> = (at..at + 7).map(text).collect();
            let fields = "'a INT , \"b c\" STRUCT ( d TEXT NULL )'";
            assert_eq!(packed, ["x", "::", "STRUCT", "(", fields, ")", ","]);
        }
    }
}
