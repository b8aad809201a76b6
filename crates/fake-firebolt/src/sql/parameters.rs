//! Parameters that come beside a statement: `$1` and `param('name')`, filled in by the server
//! (firebolt-wire §8.3).
//!
//! They are filled in between the tokenizer and the parser, as a cast of a literal, so that every
//! statement takes them wherever a value may stand, and an error still points at the place in the
//! text that the client wrote. A value can never become more than one value: it is a token, not
//! text.

use serde_json::Value;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::SqlError;
use super::parse::tokenize;
use super::script::parse_parts;
use super::statement::Statement;

/// One parameter: its name, `$1` or a word, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryParameter {
    name: String,
    value: Value,
}

impl QueryParameter {
    /// Reads the URL parameter `query_parameters`: `[{"name":"$1","value":1}, …]`. Nothing at all
    /// is no parameters.
    ///
    /// # Errors
    /// A text that says what of it cannot be read.
    pub fn read(json: &str) -> Result<Vec<Self>, String> {
        if json.is_empty() {
            return Ok(Vec::new());
        }
        let wrong = |what: &str| format!("Invalid query_parameters: {what}");
        let list = match serde_json::from_str(json) {
            Ok(Value::Array(list)) => list,
            Ok(_) => return Err(wrong("expected a list of {\"name\", \"value\"}")),
            Err(error) => return Err(wrong(&error.to_string())),
        };
        let mut parameters: Vec<Self> = Vec::with_capacity(list.len());
        for entry in list {
            let Some(name) = entry["name"].as_str() else {
                return Err(wrong(&format!("no name in {entry}")));
            };
            let value = match entry.get("value") {
                None => return Err(wrong(&format!("no value in {entry}"))),
                Some(value) if has_object(value) => {
                    return Err(wrong(&format!("the value of {name} holds an object")));
                }
                Some(value) => value.clone(),
            };
            if parameters.iter().any(|known| known.name == name) {
                return Err(wrong(&format!("{name} is there twice")));
            }
            parameters.push(Self { name: name.to_owned(), value });
        }
        Ok(parameters)
    }

    /// The value as the statement sees it: the JSON type decides the SQL type. A string is a
    /// literal, which takes the type of the column that it becomes a value of: the vendor's own
    /// tests store NUMERIC and DATE so, and its Go client sends every value as a string.
    fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        push_tokens(&self.value, &mut tokens);
        tokens
    }
}

fn push_tokens(value: &Value, tokens: &mut Vec<Token>) {
    let (text, data_type) = match value {
        Value::Null => return tokens.push(Token::make_keyword("NULL")),
        Value::Bool(true) => return tokens.push(Token::make_keyword("TRUE")),
        Value::Bool(false) => return tokens.push(Token::make_keyword("FALSE")),
        Value::String(text) => return tokens.push(Token::SingleQuotedString(text.clone())),
        Value::Number(number) if number.is_i64() => (number.to_string(), &["BIGINT"][..]),
        Value::Number(number) => (number.to_string(), &["DOUBLE", "PRECISION"][..]),
        Value::Array(items) => {
            tokens.push(Token::LBracket);
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    tokens.push(Token::Comma);
                }
                push_tokens(item, tokens);
            }
            return tokens.push(Token::RBracket);
        }
        // Refused when they were read.
        Value::Object(_) => return,
    };
    tokens.extend([Token::make_keyword("CAST"), Token::LParen, Token::SingleQuotedString(text)]);
    tokens.push(Token::make_keyword("AS"));
    tokens.extend(data_type.iter().map(|word| Token::make_keyword(word)));
    tokens.push(Token::RParen);
}

fn has_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(has_object),
        _ => false,
    }
}

/// Whether a text names a positional parameter, at a glance: a `$` before a digit.
#[must_use]
pub fn names_parameters(text: &str) -> bool {
    let next_is_digit = |at: usize| text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    text.match_indices('$').any(|(at, _)| next_is_digit(at))
}

/// Parses all statements of a text and fills their parameters in.
///
/// # Errors
/// What [`super::parse_all`] says, and a text for a parameter that has no value.
pub fn parse_all_with(
    text: &str,
    parameters: &[QueryParameter],
) -> Result<Vec<Statement>, SqlError> {
    let mut filled = Vec::new();
    let mut tokens = tokenize(text)?.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let span = token.span;
        let missing = |what: String| {
            let text = format!("Query referenced {what}, but it was not set");
            Err(SqlError::syntax(span.start, text))
        };
        let name = match &token.token {
            Token::Placeholder(name) => Some(name.clone()),
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.clone()),
            _ => None,
        };
        let value = match name {
            Some(name) if is_positional(&name) => {
                match parameters.iter().find(|parameter| parameter.name == name) {
                    Some(parameter) => Some(parameter.tokens()),
                    None => return missing(format!("positional parameter {name}")),
                }
            }
            Some(name)
                if name.eq_ignore_ascii_case("param")
                    && tokens.peek().is_some_and(|next| next.token == Token::LParen) =>
            {
                let name = argument(&mut tokens, &token)?;
                match parameters.iter().find(|parameter| parameter.name == name) {
                    Some(parameter) => Some(parameter.tokens()),
                    None => return missing(format!("named parameter '{name}'")),
                }
            }
            _ => None,
        };
        match value {
            Some(value) => {
                filled.extend(value.into_iter().map(|token| TokenWithSpan { token, span }));
            }
            None => filled.push(token),
        }
    }
    parse_parts(&filled)
}

fn is_positional(name: &str) -> bool {
    name.strip_prefix('$').is_some_and(|number| number.parse::<u32>().is_ok())
}

/// The name in `('name')`, which is taken from the tokens.
fn argument(
    tokens: &mut impl Iterator<Item = TokenWithSpan>,
    call: &TokenWithSpan,
) -> Result<String, SqlError> {
    let (open, name, close) = (tokens.next(), tokens.next(), tokens.next());
    let is = |token: &Option<TokenWithSpan>, expected: &Token| {
        token.as_ref().is_some_and(|token| token.token == *expected)
    };
    match name.map(|name| name.token) {
        Some(Token::SingleQuotedString(name))
            if is(&open, &Token::LParen) && is(&close, &Token::RParen) =>
        {
            Ok(name)
        }
        _ => Err(SqlError::syntax(call.span.start, "param takes one name in single quotes")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Session;
    use super::*;

    fn row(sql: &str, json: &str) -> Result<String, String> {
        let parameters = QueryParameter::read(json)?;
        let parsed = parse_all_with(sql, &parameters).map_err(|error| error.text)?;
        let mut session = Session::new(&[]);
        let result = session.run_parsed(&parsed[0]).map_err(|error| error.text)?;
        let types = result.columns.iter().map(|column| column.data_type.to_string());
        let cells = result.rows[0].iter().map(ToString::to_string);
        Ok(cells
            .zip(types)
            .map(|(cell, kind)| format!("{cell} {kind}"))
            .collect::<Vec<_>>()
            .join(", "))
    }

    #[test]
    fn the_json_type_decides_the_sql_type() {
        let json = r#"[{"name":"$1","value":1},{"name":"$2","value":-1.5},{"name":"$3","value":true},
            {"name":"$4","value":null},{"name":"$5","value":"a'b; --"},{"name":"w","value":-7},
            {"name":"$10","value":"ten"}]"#;
        for (sql, expected) in [
            ("SELECT $1", "1 bigint"),
            ("SELECT $2, $3", "-1.5 double precision, true boolean"),
            ("SELECT $4", "NULL null"),
            ("SELECT $5, $10, '$1'", "a'b; -- text, ten text, $1 text"),
            ("SELECT param('w') + $1, PARAM('w')", "-6 bigint, -7 bigint"),
            ("SELECT $1::TEXT || $5", "1a'b; -- text"),
        ] {
            assert_eq!(row(sql, json).as_deref(), Ok(expected), "{sql}");
        }
    }

    #[test]
    fn what_is_missing_is_named_where_it_stands() {
        let one = r#"[{"name":"$1","value":1}]"#;
        for (sql, json, expected) in [
            (
                "SELECT $1, 1 AS x, $2",
                one,
                "Line 1, Column 20: Query referenced positional parameter $2, but it was not set",
            ),
            (
                "SELECT\n  $1",
                "[]",
                "Line 2, Column 3: Query referenced positional parameter $1, but it was not set",
            ),
            (
                "SELECT param('who')",
                one,
                "Line 1, Column 8: Query referenced named parameter 'who', but it was not set",
            ),
            ("SELECT param(1)", one, "Line 1, Column 8: param takes one name in single quotes"),
        ] {
            assert_eq!(row(sql, json), Err(expected.to_owned()), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(QueryParameter::read(""), Ok(Vec::new()));
        assert_eq!(QueryParameter::read("[]"), Ok(Vec::new()));
        for (json, expected) in [
            ("{}", "expected a list"),
            ("[", "EOF"),
            (r#"[{"value":1}]"#, "no name in {\"value\":1}"),
            (r#"[{"name":"$1"}]"#, "no value in"),
            (r#"[{"name":"$1","value":[{}]}]"#, "the value of $1 holds an object"),
            (r#"[{"name":"$1","value":1},{"name":"$1","value":1}]"#, "$1 is there twice"),
        ] {
            let refusal = QueryParameter::read(json).expect_err(json);
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn a_glance_finds_positional_parameters_only() {
        assert!(names_parameters("SELECT $1") && names_parameters("SELECT 'x', $12"));
        assert!(!names_parameters("COPY t (a $source_file_name) FROM x") && !names_parameters("$"));
    }
}
