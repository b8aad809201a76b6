//! READ_PARQUET, READ_CSV, READ_FILES and LIST_OBJECTS in FROM.
//!
//! Their arguments are read twice: from the tokens, so that the server can fetch the files before
//! the statement runs, and from the tree when it is bound. Both end in the same [`ExternalRead`],
//! which is how the second finds what the first has fetched.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::bind::Binder;
use super::bind_table::{Relation, fields_of};
use super::csv_schema;
use super::error::SqlError;
use super::external::{ExternalFile, ExternalRead, FileFormat};
use super::meter;
use super::parse::{Cursor, word_is};
use super::plan::Plan;
use super::read_options::{OptionValue, table_function, url};
use super::scope::{fold, name_parts};
use crate::value::{Column, Row, Value};

/// Words that a call has to begin with; LOCATIONs are read by their view's name.
const CALLS: [&str; 2] = ["READ_", "LIST_OBJECTS"];

/// What `information_schema.locations` reads.
fn locations() -> ExternalRead {
    ExternalRead { format: FileFormat::Locations, ..ExternalRead::default() }
}

/// Finds what every table function in the statement reads.
pub(super) fn reads(tokens: &[TokenWithSpan]) -> Result<Vec<ExternalRead>, SqlError> {
    let mut reads: Vec<ExternalRead> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let Token::SingleQuotedString(text) = &token.token
            && text.contains("://")
            && is_source(tokens, at)
        {
            let read = shorthand(text)?;
            reads.extend(Some(read).filter(|read| !reads.contains(read)));
        }
        let Token::Word(word) = &token.token else { continue };
        let is = |expected: &str| {
            word.value.get(..expected.len()).is_some_and(|w| w.eq_ignore_ascii_case(expected))
        };
        let read = if is("LOCATIONS") && is_view(tokens, at) {
            Some(locations())
        } else if CALLS.iter().any(|call| is(call)) && word.quote_style.is_none() {
            call(&word.value.to_ascii_lowercase(), Cursor::new(&tokens[at + 1..]))?
        } else {
            None
        };
        reads.extend(read.filter(|read| !reads.contains(read)));
    }
    Ok(reads)
}

/// A string in FROM stands for READ_FILES of it (vendor's page on READ_FILES).
fn shorthand(text: &str) -> Result<ExternalRead, SqlError> {
    Ok(ExternalRead { location: url(text)?, ..ExternalRead::default() })
}

/// Whether a string is a source of rows, and not an operand of IS DISTINCT FROM or TRIM.
fn is_source(tokens: &[TokenWithSpan], at: usize) -> bool {
    let word = |back: usize, expected: &str| {
        at.checked_sub(back).is_some_and(|at| word_is(tokens.get(at), expected))
    };
    let follows = word(1, "JOIN") || word(1, "FROM") && !word(2, "DISTINCT");
    let mut closed = 0_usize;
    let open = tokens[..at].iter().rposition(|token| match token.token {
        Token::RParen => {
            closed += 1;
            false
        }
        Token::LParen if closed > 0 => {
            closed -= 1;
            false
        }
        Token::LParen => true,
        _ => false,
    });
    let is_query = |open: usize| {
        word_is(tokens.get(open + 1), "SELECT") || word_is(tokens.get(open + 1), "WITH")
    };
    follows && open.is_none_or(is_query)
}

fn is_view(tokens: &[TokenWithSpan], at: usize) -> bool {
    at >= 2
        && tokens[at - 1].token == Token::Period
        && word_is(tokens.get(at - 2), "INFORMATION_SCHEMA")
}

/// Reads a call from behind its name.
fn call(function: &str, mut cursor: Cursor<'_>) -> Result<Option<ExternalRead>, SqlError> {
    if !cursor.accept_symbol("(") {
        return Ok(None);
    }
    // Whether there is such a function is decided before its arguments are looked at.
    if matches!(table_function(function, &[]), Ok(None)) {
        return Ok(None);
    }
    let mut arguments = Vec::new();
    while !cursor.accept_symbol(")") {
        let name = if cursor.peek_second_symbol("=>") {
            let name = cursor.identifier("the name of an argument")?;
            cursor.expect_symbol("=>")?;
            Some(name.to_ascii_uppercase())
        } else {
            None
        };
        arguments.push((name, cursor.option_value()?));
        if !cursor.accept_symbol(",") && !cursor.peek_symbol(")") {
            cursor.expect_symbol(",")?;
        }
    }
    table_function(function, &arguments)
}

impl<'b> Binder<'b> {
    /// Binds a call in FROM.
    pub(super) fn table_function(
        &self,
        name: &'b ast::ObjectName,
        args: &'b ast::TableFunctionArgs,
    ) -> Result<Relation, SqlError> {
        let function = name_parts(name)?.join(".");
        let unknown = || SqlError::unsupported(format!("the table function {function}"));
        if args.settings.is_some() {
            return Err(unknown());
        }
        let mut arguments = Vec::new();
        for argument in &args.args {
            let refused = || {
                let title = function.to_ascii_uppercase();
                SqlError::unsupported(format!("{title}({argument})"))
            };
            arguments.push(argument_of(argument).ok_or_else(refused)?);
        }
        let read = table_function(&function, &arguments)?.ok_or_else(unknown)?;
        self.outside(&read, &function)
    }

    /// Binds a string in FROM; `None` for an ordinary name.
    pub(super) fn string_source(
        &self,
        name: &ast::ObjectName,
    ) -> Result<Option<Relation>, SqlError> {
        match name.0.as_slice() {
            [ast::ObjectNamePart::Identifier(only)] if only.quote_style == Some('\'') => {
                self.outside(&shorthand(&only.value)?, "read_files").map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The view of the account's LOCATIONs.
    pub(super) fn locations_view(&self) -> Result<Relation, SqlError> {
        self.outside(&locations(), "locations")
    }

    fn outside(&self, read: &ExternalRead, qualifier: &str) -> Result<Relation, SqlError> {
        let files = self.files(read)?;
        // Several files: the most recently modified one gives the columns (firebolt-semantics §4).
        let newest = files.iter().max_by_key(|file| file.modified_micros);
        let newest = newest.ok_or_else(|| no_files(read))?;
        let mut columns = newest.table.columns.clone();
        let infers = match &read.format {
            FileFormat::Csv(options) | FileFormat::Auto(options) => options.infer,
            _ => false,
        };
        let rows = if infers {
            csv_schema::infer(&files.iter().collect::<Vec<_>>(), &mut columns);
            csv_schema::typed(files, &columns)?
        } else {
            stack(files, &columns)?
        };
        let fields = fields_of(&columns, qualifier);
        Ok(Relation { plan: Plan::Rows(Arc::new(rows)), fields })
    }

    /// The files the server fetched for this read.
    pub(super) fn files(&self, read: &ExternalRead) -> Result<&'b [ExternalFile], SqlError> {
        self.ctx.files.get(read).ok_or_else(|| {
            let location = &read.location;
            let text = format!("location '{location}' does not exist or not authorized");
            SqlError::not_found(text)
        })
    }
}

/// The text for a pattern that matches nothing (the real one is not publicly known).
pub(super) fn no_files(read: &ExternalRead) -> SqlError {
    let ExternalRead { location, pattern, .. } = read;
    SqlError::not_found(format!("No files found at location '{location}' for pattern '{pattern}'"))
}

/// Refuses a row that is not well formed, by file and line.
pub(super) fn check_whole(file: &ExternalFile) -> Result<(), SqlError> {
    match file.table.flaws.first() {
        None => Ok(()),
        Some(flaw) => {
            let line = file.table.lines.get(flaw.row).copied().unwrap_or_default();
            let text = format!("Cannot read '{}': line {line}: {}", file.name, flaw.text);
            Err(SqlError::data(text))
        }
    }
}

/// Rows of several files under one list of columns; a column that a file lacks is NULL there, and
/// one that only it has is left out (firebolt-semantics §4).
pub(super) fn stack(files: &[ExternalFile], columns: &[Column]) -> Result<Vec<Row>, SqlError> {
    let mut rows = Vec::new();
    for file in files {
        check_whole(file)?;
        let table = &file.table;
        if table.columns == columns {
            meter::passed(table.rows.len())?;
            rows.extend(table.rows.iter().cloned());
            continue;
        }
        meter::made(table.rows.len(), columns.len())?;
        let mut places = Vec::new();
        for column in columns {
            let place = table.columns.iter().position(|other| other.name == column.name);
            if let Some(other) = place.map(|at| &table.columns[at])
                && other.data_type != column.data_type
            {
                let text = format!(
                    "column {} of file {} has type {}, other files have {}",
                    column.name, file.name, other.data_type, column.data_type
                );
                return Err(SqlError::type_error(text));
            }
            places.push(place);
        }
        let pick =
            |row: &Row, place: &Option<usize>| place.map_or(Value::Null, |at| row[at].clone());
        rows.extend(
            table
                .rows
                .iter()
                .map(|row| -> Row { places.iter().map(|place| pick(row, place)).collect() }),
        );
    }
    Ok(rows)
}

/// Name and value of an argument; `None` for what is neither a literal nor a name.
fn argument_of(argument: &ast::FunctionArg) -> Option<(Option<String>, OptionValue)> {
    let (name, value) = match argument {
        ast::FunctionArg::Named { name, arg, operator: ast::FunctionArgOperator::RightArrow } => {
            (Some(name.value.to_ascii_uppercase()), arg)
        }
        ast::FunctionArg::Unnamed(arg) => (None, arg),
        _ => return None,
    };
    let ast::FunctionArgExpr::Expr(expr) = value else { return None };
    let value = match expr {
        ast::Expr::Identifier(name) => OptionValue::Word(fold(name).into_owned()),
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => OptionValue::Text(text.clone()),
            ast::Value::Boolean(flag) => OptionValue::Word(flag.to_string()),
            ast::Value::Number(number, _) => OptionValue::Word(number.to_string()),
            _ => return None,
        },
        _ => return None,
    };
    Some((name, value))
}
