//! The clauses of CREATE TABLE that sqlparser does not read: FACT and DIMENSION, PRIMARY INDEX,
//! PARTITION BY, WITH, and the list of bare names in front of AS.
//!
//! They are taken out of the token list, and what is left is read as any other CREATE TABLE. A
//! clause that is not understood stays in the list, where sqlparser or `ddl` refuses it.

use sqlparser::ast;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::SqlError;
use super::parse::{Cursor, parse_part, word_is};

/// Rows of a granule that index_granularity may ask for (firebolt-semantics §5, S19).
const GRANULARITY: std::ops::RangeInclusive<u32> = 128..=8_192;

/// The clauses of one CREATE TABLE.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TableClauses {
    pub(super) is_dimension: bool,
    pub(super) primary_index: Vec<String>,
    pub(super) partition_by: Vec<ast::Expr>,
    pub(super) index_granularity: Option<u32>,
    /// Names for the columns of AS.
    pub(super) names: Vec<String>,
}

/// Takes the clauses out; `at` is behind the table's name, FACT and DIMENSION are gone already.
pub(super) fn take(
    tokens: &mut Vec<TokenWithSpan>,
    at: usize,
    clauses: &mut TableClauses,
) -> Result<(), SqlError> {
    let mut behind = at;
    let mut names = None;
    if matches!(tokens.get(at), Some(token) if token.token == Token::LParen) {
        behind = closing(tokens, at) + 1;
        names = bare_names(&tokens[at..behind.min(tokens.len())]);
    }
    let mut cursor = Cursor { tokens, at: behind.min(tokens.len()) };
    let start = cursor.at;
    while clause(&mut cursor, clauses)? {}
    let (end, has_query) = (cursor.at, word_is(tokens.get(cursor.at), "AS"));
    tokens.drain(start..end);
    if let Some(names) = names.filter(|_| has_query) {
        clauses.names = names;
        tokens.drain(at..behind);
    }
    Ok(())
}

/// Where the parenthesis that opens at `open` closes; behind the end if it does not.
fn closing(tokens: &[TokenWithSpan], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// The names of `(a, b, c)`; `None` for anything else.
fn bare_names(tokens: &[TokenWithSpan]) -> Option<Vec<String>> {
    let mut cursor = Cursor { tokens, at: 0 };
    let mut names = Vec::new();
    cursor.accept_symbol("(");
    loop {
        names.push(cursor.identifier("a column").ok()?);
        if cursor.accept_symbol(")") {
            return cursor.at_end().then_some(names);
        }
        if !cursor.accept_symbol(",") {
            return None;
        }
    }
}

fn clause(cursor: &mut Cursor<'_>, clauses: &mut TableClauses) -> Result<bool, SqlError> {
    let is = |cursor: &Cursor<'_>, ahead: usize, word: &str| {
        word_is(cursor.tokens.get(cursor.at + ahead), word)
    };
    if is(cursor, 0, "PRIMARY") && is(cursor, 1, "INDEX") && clauses.primary_index.is_empty() {
        cursor.at += 2;
        let parenthesised = cursor.accept_symbol("(");
        clauses.primary_index.push(cursor.identifier("a column of the index")?);
        while cursor.accept_symbol(",") {
            clauses.primary_index.push(cursor.identifier("a column of the index")?);
        }
        if parenthesised {
            cursor.expect_symbol(")")?;
        }
        return Ok(true);
    }
    if is(cursor, 0, "PARTITION") && is(cursor, 1, "BY") && clauses.partition_by.is_empty() {
        cursor.at += 2;
        let end = end_of_partition(cursor);
        let part = cursor.tokens[cursor.at..end].to_vec();
        if part.is_empty() {
            return Err(cursor.unexpected("an expression to partition by"));
        }
        let list = parse_part(part, |parser| parser.parse_comma_separated(Parser::parse_expr))?;
        clauses.partition_by = match list.as_slice() {
            [ast::Expr::Tuple(parts)] => parts.clone(),
            [ast::Expr::Nested(only)] => vec![(**only).clone()],
            _ => list,
        };
        cursor.at = end;
        return Ok(true);
    }
    let parenthesis = cursor.tokens.get(cursor.at + 1);
    if is(cursor, 0, "WITH") && matches!(parenthesis, Some(t) if t.token == Token::LParen) {
        cursor.at += 2;
        storage_parameters(cursor, clauses)?;
        return Ok(true);
    }
    Ok(false)
}

fn end_of_partition(cursor: &Cursor<'_>) -> usize {
    let mut depth = 0_usize;
    for (at, token) in cursor.tokens.iter().enumerate().skip(cursor.at) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(_) if depth == 0 => {
                let ends = ["AS", "WITH", "PRIMARY"];
                if ends.iter().any(|word| word_is(Some(token), word)) {
                    return at;
                }
            }
            _ => {}
        }
    }
    cursor.tokens.len()
}

fn storage_parameters(cursor: &mut Cursor<'_>, clauses: &mut TableClauses) -> Result<(), SqlError> {
    loop {
        let name = cursor.identifier("a storage parameter")?;
        cursor.expect_symbol("=")?;
        let value = cursor.scalar()?;
        if name != "index_granularity" {
            return Err(SqlError::unsupported(format!("the storage parameter {name}")));
        }
        let rows = value
            .parse()
            .ok()
            .filter(|rows: &u32| rows.is_power_of_two() && GRANULARITY.contains(rows));
        let Some(rows) = rows else {
            let text = "index_granularity must be a power of 2 between 128 and 8192";
            return Err(SqlError::data(format!("{text}, not {value}")));
        };
        clauses.index_granularity = Some(rows);
        if cursor.accept_symbol(")") {
            return Ok(());
        }
        cursor.expect_symbol(",")?;
    }
}
