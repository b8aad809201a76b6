//! A request body that holds several statements.
//!
//! The service takes one statement a request, except for what its own SDKs send: a trailing `;`,
//! and several INSERTs joined by `;`, which are one transaction (firebolt-semantics §5,
//! firebolt-wire §8). What to do with any other list is the server's to decide; this file only
//! takes the text apart, at the semicolons that its tokens show.

use sqlparser::ast::{self, SetExpr};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::SqlError;
use super::parse::{parse_tokens, tokenize};
use super::parse_cache::parse;
use super::statement::{Body, Statement};

/// Parses all statements of a text, in order. A text without a statement is one statement of the
/// kind `Nothing`. Places in errors are those of the whole text.
///
/// # Errors
/// That of the first statement that does not parse; none is to be executed then.
pub fn parse_all(text: &str) -> Result<Vec<Statement>, SqlError> {
    let body = text.trim_end();
    let body = body.strip_suffix(';').unwrap_or(body);
    if !body.contains(';') {
        return Ok(vec![parse(body)?]);
    }
    parse_parts(&tokenize(text)?)
}

/// The same for the tokens of a text.
pub(super) fn parse_parts(tokens: &[TokenWithSpan]) -> Result<Vec<Statement>, SqlError> {
    let mut statements = Vec::new();
    for part in tokens.split(|token| token.token == Token::SemiColon) {
        if !part.is_empty() {
            statements.push(parse_tokens(part.to_vec())?);
        }
    }
    if statements.is_empty() {
        statements.push(parse("")?);
    }
    Ok(statements)
}

/// Whether the statements are all INSERT … VALUES, which the service merges into one transaction.
#[must_use]
pub fn is_one_transaction(statements: &[Statement]) -> bool {
    statements.iter().all(|statement| match &statement.body {
        Body::Sql(tree) => match tree.statement() {
            ast::Statement::Insert(insert) => {
                let body = insert.source.as_ref().map(|query| query.body.as_ref());
                matches!(body, Some(SetExpr::Values(_)))
            }
            _ => false,
        },
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::StatementKind;

    fn kinds(text: &str) -> Vec<StatementKind> {
        parse_all(text).expect("valid").iter().map(Statement::kind).collect()
    }

    #[test]
    fn semicolons_count_only_between_statements() {
        use StatementKind::{Insert, Nothing, Select};
        for (text, expected) in [
            ("SELECT 1", vec![Select]),
            ("SELECT 1; ", vec![Select]),
            ("SELECT 1;;", vec![Select]),
            ("SELECT ';'", vec![Select]),
            ("SELECT 'a;b'; -- c;d\nSELECT \"x;y\" FROM t", vec![Select, Select]),
            ("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);", vec![Insert, Insert]),
            ("", vec![Nothing]),
            (" ; /* ; */ ;", vec![Nothing]),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    #[test]
    fn an_error_is_where_it_is_in_the_whole_text() {
        let error = parse_all("SELECT 1;\nSELECT FROM FROM").unwrap_err();
        assert!(error.text.starts_with("Line 2, Column "), "{}", error.text);
        assert!(parse_all("SELECT 'open; SELECT 2").is_err());
    }

    #[test]
    fn only_inserts_of_values_are_one_transaction() {
        for (text, expected) in [
            ("INSERT INTO t VALUES (1); INSERT INTO u (a) VALUES (2), (3)", true),
            ("INSERT INTO t VALUES (1); INSERT INTO t SELECT 1", false),
            ("INSERT INTO t VALUES (1); SELECT 1", false),
        ] {
            assert_eq!(is_one_transaction(&parse_all(text).expect("valid")), expected, "{text}");
        }
    }
}
