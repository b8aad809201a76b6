//! Text to [`Statement`]: sqlparser for the common grammar, small parsers of our own around it.
//!
//! What sqlparser cannot read is taken out of the token stream first: COPY, USE, SET, and most of
//! what defines something (`parse_definition`). Nothing in here may panic or overflow the stack, whatever the
//! text is.

use sqlparser::ast;
use sqlparser::dialect::{Dialect, GenericDialect, Precedence};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::error::{SqlError, SqlErrorKind};
use super::parse_array_type::drop_element_nulls;
use super::parse_cache::Tree;
use super::read_options::OptionValue;
use super::statement::{Body, Statement, StatementKind};
use super::{
    copy, ddl, escapes, location, parse_definition, parse_struct_type, parse_top,
    parse_typed_literal, server_call, table_function,
};

/// Operators between two commas, and set operations overall: longer chains would become trees so
/// deep that walking them overflows the stack.
const CHAIN_MAX: usize = 1_000;

/// Levels of nesting that sqlparser may take: unoptimised, one level takes up to 70 KB of stack,
/// and a thread has 2 MB.
const PARSER_DEPTH_MAX: usize = 24;

/// Lexical rules of the dialect: standard strings, double quotes around names.
#[derive(Debug)]
struct FireboltDialect;

impl Dialect for FireboltDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_' || ch == '$'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_add_column_if_not_exists(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_cte_materialization(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    // ROLLUP, CUBE, GROUPING SETS, and the empty set.
    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_parentheses(&self) -> bool {
        true
    }

    fn supports_array_element_not_null(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    // `{'name': value}` makes a struct.
    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    // `^` binds tighter than `*` here, as the vendor's page on operators has it.
    fn prec_value(&self, prec: Precedence) -> u8 {
        let general = GenericDialect {};
        match prec {
            Precedence::Caret => general.prec_value(Precedence::MulDivModOp) + 1,
            Precedence::AtTz => general.prec_value(Precedence::MulDivModOp) + 2,
            other => general.prec_value(other),
        }
    }
}

/// Parses one statement; a trailing `;` is allowed. What [`super::parse`] does for a text that it
/// cannot make out of an earlier one.
///
/// # Errors
/// A [`SqlErrorKind::Syntax`] error with line and column, or [`SqlErrorKind::Unsupported`].
pub(super) fn parse_afresh(text: &str) -> Result<Statement, SqlError> {
    let mut tokens = tokenize(text)?;
    while matches!(tokens.last(), Some(last) if last.token == Token::SemiColon) {
        tokens.pop();
    }
    if let Some(second) = tokens.iter().find(|token| token.token == Token::SemiColon) {
        return Err(SqlError::syntax(second.span.start, "several statements in one request"));
    }
    parse_tokens(tokens)
}

/// The tokens of a text, without white space and comments.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    let resolved = escapes::resolve_bytes(text);
    let text = resolved.as_deref().unwrap_or(text);
    let mut tokens =
        Tokenizer::new(&FireboltDialect, text).tokenize_with_location().map_err(|error| {
            SqlError::syntax(error.location, format!("syntax error, {}", error.message))
        })?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    for token in &mut tokens {
        // The escapes are resolved by now; the parser reads this token for two dialects only.
        if let Token::EscapedStringLiteral(text) = &mut token.token {
            token.token = Token::SingleQuotedString(std::mem::take(text));
        }
    }
    Ok(tokens)
}

/// Parses the tokens of one statement.
pub(super) fn parse_tokens(mut tokens: Vec<TokenWithSpan>) -> Result<Statement, SqlError> {
    if tokens.iter().any(|token| word_is(Some(token), "ARRAY")) {
        drop_element_nulls(&mut tokens);
    }
    if tokens.iter().any(|token| word_is(Some(token), "GEOGRAPHY")) {
        parse_typed_literal::to_casts(&mut tokens);
    }
    if tokens.iter().any(|token| word_is(Some(token), "STRUCT")) {
        parse_struct_type::pack(&mut tokens)?;
    }
    if tokens.iter().any(|token| word_is(Some(token), "TOP")) {
        parse_top::name_columns(&mut tokens);
    }
    check_chains(&tokens)?;
    if let Some(location) = location::parse(&tokens)? {
        return Ok(Statement::new(StatementKind::Location, Body::Location(Box::new(location))));
    }
    let mut cursor = Cursor::new(&tokens);
    let first = cursor.peek_word().map(str::to_ascii_uppercase).unwrap_or_default();
    let plain = |kind| Statement::new(kind, Body::None);
    match first.as_str() {
        "" if tokens.is_empty() => Ok(plain(StatementKind::Nothing)),
        "BEGIN" | "COMMIT" | "ROLLBACK" => {
            cursor.at += 1;
            cursor.accept_word("TRANSACTION");
            cursor.expect_end()?;
            Ok(plain(match first.as_str() {
                "BEGIN" => StatementKind::Begin,
                "COMMIT" => StatementKind::Commit,
                _ => StatementKind::Rollback,
            }))
        }
        "USE" => parse_use(&mut cursor),
        "CALL" => server_call::parse_call(&mut cursor),
        "CANCEL" => server_call::parse_cancel(&mut cursor),
        "SET" => parse_set(&mut cursor),
        "COPY" => {
            cursor.at += 1;
            let copy = copy::parse(&mut cursor)?;
            let reads = copy.reads.clone();
            Ok(Statement { body: Body::Copy(Box::new(copy)), reads, ..plain(StatementKind::Copy) })
        }
        _ => match parse_definition::parse(tokens, &first)? {
            parse_definition::Read::Whole(kind, definition) => {
                Ok(Statement::new(kind, Body::Definition(definition)))
            }
            parse_definition::Read::Rest(tokens, clauses) => {
                Ok(Statement { clauses, ..parse_general(tokens)? })
            }
        },
    }
}

fn parse_use(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.at += 1;
    let kind = if cursor.accept_word("ENGINE") {
        StatementKind::UseEngine
    } else {
        cursor.accept_word("DATABASE");
        StatementKind::UseDatabase
    };
    let name = cursor.identifier("a name")?;
    cursor.expect_end()?;
    Ok(Statement::new(kind, Body::Name(name)))
}

fn parse_set(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.at += 1;
    let name = cursor.identifier("the name of a setting")?;
    cursor.expect_symbol("=")?;
    let value = cursor.scalar()?;
    cursor.expect_end()?;
    Ok(Statement::new(StatementKind::Set, Body::Setting(name, value)))
}

/// Reads all of the tokens as one part of the grammar.
pub(super) fn parse_part<T>(
    tokens: Vec<TokenWithSpan>,
    part: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>,
) -> Result<T, SqlError> {
    let mut parser = Parser::new(&FireboltDialect)
        .with_recursion_limit(PARSER_DEPTH_MAX)
        .with_tokens_with_locations(tokens);
    let parsed = part(&mut parser).map_err(reword)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let text = format!("syntax error, unexpected {}", rest.token);
        return Err(SqlError::syntax(rest.span.start, text));
    }
    Ok(parsed)
}

fn parse_general(tokens: Vec<TokenWithSpan>) -> Result<Statement, SqlError> {
    let reads = table_function::reads(&tokens)?;
    let mut parsed = parse_part(tokens, Parser::parse_statement)?;
    if let ast::Statement::CreateTable(create) = &mut parsed {
        ddl::check_create(create)?;
    }
    let kind = match &parsed {
        ast::Statement::Query(_) => StatementKind::Select,
        ast::Statement::Insert(_) => StatementKind::Insert,
        ast::Statement::Update(_) => StatementKind::Update,
        ast::Statement::Delete(_) => StatementKind::Delete,
        ast::Statement::Merge(_) => StatementKind::Merge,
        ast::Statement::CreateTable(create) if create.query.is_some() => {
            StatementKind::CreateTableAs
        }
        ast::Statement::CreateTable(_) => StatementKind::CreateTable,
        ast::Statement::Drop { object_type: ast::ObjectType::Table, .. } => {
            StatementKind::DropTable
        }
        ast::Statement::AlterTable(_) => StatementKind::AlterTable,
        ast::Statement::Truncate(_) => StatementKind::Truncate,
        _ => StatementKind::Other,
    };
    Ok(Statement { reads, ..Statement::new(kind, Body::Sql(Tree::new(parsed))) })
}

/// sqlparser ends its messages with ` at Line: 1, Column: 9`; Firebolt begins with them.
fn reword(error: ParserError) -> SqlError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => "statement is nested too deeply".to_owned(),
    };
    let place = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((message, line.parse().ok()?, column.parse().ok()?))
    });
    match place {
        Some((message, line, column)) => {
            SqlError::syntax(Location { line, column }, format!("syntax error, {message}"))
        }
        None => SqlError::new(SqlErrorKind::Syntax, format!("syntax error, {text}")),
    }
}

/// Refuses chains that would make a tree deeper than the stack.
fn check_chains(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let (mut chain, mut tests, mut sets) = (0, 0, 0);
    for token in tokens {
        match &token.token {
            Token::Comma => (chain, tests) = (0, 0),
            Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod => chain += 1,
            Token::StringConcat | Token::DoubleColon | Token::Caret => chain += 1,
            Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => {
                tests += 1;
            }
            Token::Ampersand | Token::Pipe | Token::Sharp | Token::Arrow | Token::LongArrow => {
                tests += 1;
            }
            Token::Word(word) if word.quote_style.is_none() => {
                let is = |name: &str| word.value.eq_ignore_ascii_case(name);
                if is("AND") || is("OR") || is("NOT") || is("IS") {
                    chain += 1;
                } else if is("LIKE") || is("ILIKE") || is("IN") || is("BETWEEN") || is("AT") {
                    tests += 1;
                } else if is("UNION") || is("JOIN") || is("EXCEPT") || is("INTERSECT") {
                    sets += 1;
                }
            }
            _ => {}
        }
        if chain > CHAIN_MAX || tests > CHAIN_MAX || sets > CHAIN_MAX {
            let at = token.span.start;
            return Err(SqlError::syntax(at, format!("more than {CHAIN_MAX} operators in a row")));
        }
    }
    Ok(())
}

pub(super) fn word_is(token: Option<&TokenWithSpan>, expected: &str) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Word(word))
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

/// A place in a token list, for the small parsers.
pub(super) struct Cursor<'t> {
    pub(super) tokens: &'t [TokenWithSpan],
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(tokens: &'t [TokenWithSpan]) -> Self {
        Self { tokens, at: 0 }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|token| &token.token)
    }

    pub(super) fn peek_word(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn unexpected(&self, expected: &str) -> SqlError {
        let (at, found) = match self.tokens.get(self.at).or(self.tokens.last()) {
            Some(token) if !self.at_end() => (token.span.start, token.token.to_string()),
            Some(token) => (token.span.end, "end of statement".to_owned()),
            None => (Location { line: 1, column: 1 }, "nothing".to_owned()),
        };
        SqlError::syntax(at, format!("syntax error, unexpected {found}, expecting {expected}"))
    }

    pub(super) fn accept_word(&mut self, expected: &str) -> bool {
        let found = self.peek_word().is_some_and(|word| word.eq_ignore_ascii_case(expected));
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_word(&mut self, expected: &str) -> Result<(), SqlError> {
        if self.accept_word(expected) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn peek_symbol(&self, expected: &str) -> bool {
        let word = |token: &Token| matches!(token, Token::Word(_) | Token::SingleQuotedString(_));
        self.peek().is_some_and(|token| !word(token) && token.to_string() == expected)
    }

    pub(super) fn accept_symbol(&mut self, expected: &str) -> bool {
        let found = self.peek_symbol(expected);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_symbol(&mut self, expected: &str) -> Result<(), SqlError> {
        if self.accept_symbol(expected) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn expect_end(&self) -> Result<(), SqlError> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected("end of statement")) }
    }

    /// A name: folded to lower case unless quoted (firebolt-semantics §7).
    pub(super) fn identifier(&mut self, what: &str) -> Result<String, SqlError> {
        let name = match self.peek() {
            Some(Token::Word(word)) if word.quote_style.is_some() => word.value.clone(),
            Some(Token::Word(word)) => word.value.to_lowercase(),
            _ => return Err(self.unexpected(what)),
        };
        self.at += 1;
        Ok(name)
    }

    pub(super) fn object_name(&mut self) -> Result<Vec<String>, SqlError> {
        let mut parts = vec![self.identifier("a table")?];
        while self.accept_symbol(".") {
            parts.push(self.identifier("a table")?);
        }
        Ok(parts)
    }

    pub(super) fn peek_string(&self) -> bool {
        matches!(self.peek(), Some(Token::SingleQuotedString(_)))
    }

    /// Whether this bare word comes next.
    pub(super) fn peek_is(&self, expected: &str) -> bool {
        self.peek_word().is_some_and(|word| word.eq_ignore_ascii_case(expected))
    }

    /// Whether the token after the next is this symbol.
    pub(super) fn peek_second_symbol(&self, expected: &str) -> bool {
        let second = Cursor { tokens: self.tokens, at: self.at + 1 };
        second.peek_symbol(expected)
    }

    /// Reads an expression that ends before one of these words or with the statement.
    pub(super) fn expression_until(&mut self, ends: &[&str]) -> Result<ast::Expr, SqlError> {
        let rest = &self.tokens[self.at.min(self.tokens.len())..];
        let mut depth = 0_usize;
        let length = rest.iter().position(|token| match token.token {
            Token::LParen => {
                depth += 1;
                false
            }
            Token::RParen => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0 && ends.iter().any(|end| word_is(Some(token), end)),
        });
        let length = length.unwrap_or(rest.len());
        let mut parser = Parser::new(&FireboltDialect)
            .with_recursion_limit(PARSER_DEPTH_MAX)
            .with_tokens_with_locations(rest[..length].to_vec());
        let expr = parser.parse_expr().map_err(reword)?;
        let after = parser.peek_token();
        if after.token != Token::EOF {
            let text = format!("syntax error, unexpected {}", after.token);
            return Err(SqlError::syntax(after.span.start, text));
        }
        self.at += length;
        Ok(expr)
    }

    /// The value of an option: a string, a number, or a bare word.
    pub(super) fn option_value(&mut self) -> Result<OptionValue, SqlError> {
        if self.peek_string() {
            return self.string().map(OptionValue::Text);
        }
        if matches!(self.peek(), Some(Token::Word(word)) if word.quote_style.is_some()) {
            return self.identifier("a value").map(OptionValue::Word);
        }
        self.scalar().map(OptionValue::Word)
    }

    pub(super) fn string(&mut self) -> Result<String, SqlError> {
        let Some(Token::SingleQuotedString(text)) = self.peek() else {
            return Err(self.unexpected("a string"));
        };
        let text = text.clone();
        self.at += 1;
        Ok(text)
    }

    /// A string, a number with an optional sign, or a bare word, as text.
    pub(super) fn scalar(&mut self) -> Result<String, SqlError> {
        let sign = if self.accept_symbol("-") { "-" } else { "" };
        let text = match self.peek() {
            Some(Token::SingleQuotedString(text)) => text.clone(),
            Some(Token::Number(digits, _)) => format!("{sign}{digits}"),
            Some(Token::Word(word)) => word.value.clone(),
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(text)
    }
}
