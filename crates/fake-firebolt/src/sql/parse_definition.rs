//! Text to [`Definition`]: CREATE, VACUUM, START, STOP, SHOW, DESCRIBE, EXPLAIN; ALTER and DROP
//! are `parse_change`'s.
//!
//! CREATE TABLE and DROP TABLE go on to sqlparser, because statements that loaders repeat are made
//! from templates there; everything else is read here whole. A word that is not understood is a
//! syntax error, a construct that is known and not spoken is refused by its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::definition::{ClonedIndexes, Definition, EntryKind, Shown};
use super::error::SqlError;
use super::parse::{Cursor, parse_part, word_is};
use super::parse_change;
use super::statement::StatementKind;
use super::table_clauses::{self, TableClauses};
use super::table_function;

/// What was made of the tokens.
pub(super) enum Read {
    /// All of them.
    Whole(StatementKind, Arc<Definition>),
    /// The clauses of a CREATE TABLE; the rest is sqlparser's.
    Rest(Vec<TokenWithSpan>, Option<Arc<TableClauses>>),
}

/// Reads a statement whose first word is `first`, in upper case.
pub(super) fn parse(tokens: Vec<TokenWithSpan>, first: &str) -> Result<Read, SqlError> {
    let mut cursor = Cursor { tokens: &tokens, at: 1 };
    let definition = match first {
        "CREATE" => match create(&mut cursor)? {
            Created::Whole(definition) => definition,
            Created::Table(clauses, at) => return table(tokens, clauses, at),
            Created::Unknown => return Ok(Read::Rest(tokens, None)),
        },
        "ALTER" => match parse_change::alter(&mut cursor)? {
            Some(definition) => definition,
            None => return Ok(Read::Rest(tokens, None)),
        },
        "DROP" => match parse_change::drop(&mut cursor)? {
            Some(definition) => definition,
            None => return Ok(Read::Rest(tokens, None)),
        },
        "VACUUM" => vacuum(&mut cursor)?,
        "START" if word_is(tokens.get(1), "ENGINE") => run_engine(&mut cursor, true)?,
        "STOP" => run_engine(&mut cursor, false)?,
        "SHOW" => Definition::Show(shown(&mut cursor)?),
        "DESCRIBE" => Definition::Show(Shown::Columns(cursor.object_name()?)),
        "EXPLAIN" => explain(&mut cursor)?,
        "GRANT" | "REVOKE" => return Err(SqlError::unsupported(first)),
        _ => return Ok(Read::Rest(tokens, None)),
    };
    cursor.expect_end()?;
    Ok(Read::Whole(definition.kind(), Arc::new(definition)))
}

enum Created {
    Whole(Definition),
    /// CREATE TABLE: what stands in front of TABLE, and where the name ends.
    Table(TableClauses, usize),
    Unknown,
}

fn create(cursor: &mut Cursor<'_>) -> Result<Created, SqlError> {
    let or_replace = cursor.accept_word("OR");
    if or_replace {
        cursor.expect_word("REPLACE")?;
    }
    if cursor.accept_word("EXTERNAL") {
        // It would read files that nothing in a later statement's text names.
        return Err(SqlError::unsupported("CREATE EXTERNAL TABLE"));
    }
    if cursor.accept_word("VIEW") {
        return create_view(cursor, or_replace).map(Created::Whole);
    }
    let is_dimension = cursor.accept_word("DIMENSION");
    let is_table = is_dimension || cursor.accept_word("FACT");
    if is_table || word_is(cursor.tokens.get(cursor.at), "TABLE") {
        cursor.expect_word("TABLE")?;
        return create_table(cursor, or_replace, is_dimension);
    }
    if or_replace {
        return Ok(Created::Unknown);
    }
    // The second spelling is that of the service's first generation, which dbt still sends.
    let generating = cursor.accept_word("AND");
    if generating {
        cursor.expect_word("GENERATE")?;
    }
    if cursor.accept_word("AGGREGATING") {
        return create_index(cursor).map(Created::Whole);
    }
    if generating {
        return Err(cursor.unexpected("AGGREGATING"));
    }
    for (word, kind) in ENTRIES {
        if cursor.accept_word(word) {
            let if_not_exists = words(cursor, &["IF", "NOT", "EXISTS"]);
            let name = cursor.identifier("a name")?;
            let settings =
                if cursor.accept_word("WITH") { settings(cursor)? } else { BTreeMap::new() };
            let made = Definition::CreateEntry { kind, if_not_exists, name, settings };
            return Ok(Created::Whole(made));
        }
    }
    refuse(cursor, "CREATE")?;
    Ok(Created::Unknown)
}

/// The objects that `entry` keeps.
pub(super) const ENTRIES: [(&str, EntryKind); 2] =
    [("DATABASE", EntryKind::Database), ("ENGINE", EntryKind::Engine)];

/// Objects of the service that this fake does not keep.
const REFUSED: [&str; 14] = [
    "ACCOUNT",
    "CATALOG",
    "EXTERNAL",
    "FUNCTION",
    "INDEX",
    "JOIN",
    "LOGIN",
    "MATERIALIZED",
    "NETWORK",
    "ROLE",
    "SCHEMA",
    "SERVICE",
    "TEMPORARY",
    "USER",
];

/// Refuses an object by name.
pub(super) fn refuse(cursor: &Cursor<'_>, verb: &str) -> Result<(), SqlError> {
    let word = cursor.peek_word().unwrap_or_default().to_uppercase();
    let word = if word == "TEMP" { "TEMPORARY".to_owned() } else { word };
    if !REFUSED.contains(&word.as_str()) {
        return Ok(());
    }
    let second = match cursor.tokens.get(cursor.at + 1).map(|token| &token.token) {
        Some(Token::Word(second)) => format!(" {}", second.value.to_uppercase()),
        _ => String::new(),
    };
    let second = match word.as_str() {
        "EXTERNAL" | "MATERIALIZED" | "NETWORK" | "SERVICE" | "TEMPORARY" | "JOIN" => second,
        _ => String::new(),
    };
    Err(SqlError::unsupported(format!("{verb} {word}{second}")))
}

/// Accepts all of the words, or none.
pub(super) fn words(cursor: &mut Cursor<'_>, list: &[&str]) -> bool {
    let here = &cursor.tokens[cursor.at.min(cursor.tokens.len())..];
    let all = list.iter().enumerate().all(|(ahead, word)| word_is(here.get(ahead), word));
    cursor.at += if all { list.len() } else { 0 };
    all
}

fn create_table(
    cursor: &mut Cursor<'_>,
    or_replace: bool,
    is_dimension: bool,
) -> Result<Created, SqlError> {
    let if_not_exists = words(cursor, &["IF", "NOT", "EXISTS"]);
    let name = cursor.object_name()?;
    if word_is(cursor.tokens.get(cursor.at), "LIKE") {
        // The service's own words (firebolt-semantics §9, F3).
        return Err(cursor.unexpected("AS"));
    }
    if cursor.accept_word("CLONE") {
        let source = cursor.object_name()?;
        let indexes = cloned_indexes(cursor)?;
        let clone = Definition::CloneTable { or_replace, if_not_exists, name, source, indexes };
        return Ok(Created::Whole(clone));
    }
    if or_replace {
        return Err(SqlError::unsupported("CREATE OR REPLACE TABLE other than … CLONE"));
    }
    Ok(Created::Table(TableClauses { is_dimension, ..TableClauses::default() }, cursor.at))
}

fn cloned_indexes(cursor: &mut Cursor<'_>) -> Result<ClonedIndexes, SqlError> {
    if words(cursor, &["EXCLUDING", "INDEXES"]) {
        return Ok(ClonedIndexes::None);
    }
    if !words(cursor, &["INCLUDING", "INDEXES"]) || cursor.at_end() {
        return Ok(ClonedIndexes::All);
    }
    let mut names = vec![cursor.identifier("an index")?];
    while cursor.accept_symbol(",") {
        names.push(cursor.identifier("an index")?);
    }
    Ok(ClonedIndexes::Only(names))
}

fn table(
    mut tokens: Vec<TokenWithSpan>,
    mut clauses: TableClauses,
    mut at: usize,
) -> Result<Read, SqlError> {
    if !word_is(tokens.get(1), "TABLE") {
        tokens.remove(1);
        at -= 1;
    }
    table_clauses::take(&mut tokens, at, &mut clauses)?;
    let none = clauses == TableClauses::default();
    Ok(Read::Rest(tokens, (!none).then(|| Arc::new(clauses))))
}

fn create_view(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Definition, SqlError> {
    let if_not_exists = words(cursor, &["IF", "NOT", "EXISTS"]);
    if or_replace && if_not_exists {
        return Err(SqlError::unsupported("CREATE OR REPLACE VIEW IF NOT EXISTS"));
    }
    let name = cursor.object_name()?;
    let mut columns = Vec::new();
    if cursor.accept_symbol("(") {
        columns.push(cursor.identifier("a column")?);
        while cursor.accept_symbol(",") {
            columns.push(cursor.identifier("a column")?);
        }
        cursor.expect_symbol(")")?;
    }
    cursor.expect_word("AS")?;
    let rest = cursor.tokens[cursor.at..].to_vec();
    if !table_function::reads(&rest)?.is_empty() {
        return Err(SqlError::unsupported("a view over files"));
    }
    if rest.is_empty() {
        return Err(cursor.unexpected("SELECT"));
    }
    let query = parse_part(rest, Parser::parse_query)?;
    cursor.at = cursor.tokens.len();
    let query = Arc::from(query);
    Ok(Definition::CreateView { or_replace, if_not_exists, name, columns, query })
}

fn create_index(cursor: &mut Cursor<'_>) -> Result<Definition, SqlError> {
    cursor.expect_word("INDEX")?;
    let if_not_exists = words(cursor, &["IF", "NOT", "EXISTS"]);
    let name = cursor.identifier("an index")?;
    cursor.expect_word("ON")?;
    let table = cursor.object_name()?;
    cursor.expect_symbol("(")?;
    let end = cursor.tokens.len() - 1;
    if end <= cursor.at || cursor.tokens[end].token != Token::RParen {
        cursor.at = end + 1;
        return Err(cursor.unexpected("the keys and aggregates of the index"));
    }
    let inner = cursor.tokens[cursor.at..end].to_vec();
    let elements = parse_part(inner, |parser| parser.parse_comma_separated(Parser::parse_expr))?;
    cursor.at = end + 1;
    Ok(Definition::CreateIndex { if_not_exists, name, table, elements })
}

/// `name = value` pairs, with or without commas between them, up to the end.
pub(super) fn settings(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, String>, SqlError> {
    let mut settings = BTreeMap::new();
    loop {
        let name = cursor.identifier("a setting")?;
        cursor.expect_symbol("=")?;
        settings.insert(name, cursor.scalar()?);
        cursor.accept_symbol(",");
        if cursor.at_end() {
            return Ok(settings);
        }
    }
}

fn vacuum(cursor: &mut Cursor<'_>) -> Result<Definition, SqlError> {
    if cursor.accept_symbol("(") {
        loop {
            let option = cursor.identifier("an option of VACUUM")?;
            cursor.expect_symbol("=")?;
            let value = cursor.scalar()?;
            let known = match option.as_str() {
                "indexes" => ["FULL", "INCREMENTAL", "NONE"].contains(&&*value.to_uppercase()),
                "max_concurrency" => value.parse().is_ok_and(|jobs: u32| jobs > 0),
                _ => false,
            };
            if !known {
                return Err(SqlError::unsupported(format!("VACUUM ({option} = {value})")));
            }
            if cursor.accept_symbol(")") {
                break;
            }
            cursor.expect_symbol(",")?;
        }
    }
    cursor.object_name().map(Definition::Vacuum)
}

fn run_engine(cursor: &mut Cursor<'_>, start: bool) -> Result<Definition, SqlError> {
    cursor.expect_word("ENGINE")?;
    let if_exists = words(cursor, &["IF", "EXISTS"]);
    let name = cursor.identifier("an engine")?;
    let mut terminate = false;
    if !start && cursor.accept_word("WITH") {
        cursor.expect_word("TERMINATE")?;
        cursor.expect_symbol("=")?;
        terminate = truth(&cursor.scalar()?)?;
    }
    Ok(Definition::RunEngine { start, if_exists, name, terminate })
}

fn truth(text: &str) -> Result<bool, SqlError> {
    match text.to_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(SqlError::data(format!("{text} is neither true nor false"))),
    }
}

fn shown(cursor: &mut Cursor<'_>) -> Result<Shown, SqlError> {
    let word = cursor.peek_word().unwrap_or_default().to_uppercase();
    let shown = match word.as_str() {
        "TABLES" => Shown::Tables,
        "VIEWS" => Shown::Views,
        "DATABASES" | "CATALOGS" => Shown::Databases,
        "ENGINES" => Shown::Engines,
        "INDEXES" => Shown::Indexes,
        "COLUMNS" => {
            cursor.at += 1;
            let _ = cursor.accept_word("FROM") || cursor.accept_word("IN");
            return cursor.object_name().map(Shown::Columns);
        }
        "" => return Err(cursor.unexpected("TABLES, VIEWS, COLUMNS, or another list")),
        other => return Err(SqlError::unsupported(format!("SHOW {other}"))),
    };
    cursor.at += 1;
    Ok(shown)
}

fn explain(cursor: &mut Cursor<'_>) -> Result<Definition, SqlError> {
    if cursor.accept_symbol("(") {
        loop {
            let option = cursor.identifier("an option of EXPLAIN")?;
            let on = if cursor.peek_symbol(",") || cursor.peek_symbol(")") {
                true
            } else {
                truth(&cursor.scalar()?)?
            };
            let option = option.to_uppercase();
            match option.as_str() {
                "LOGICAL" if on => {}
                "PHYSICAL" | "ANALYZE" | "ALL" | "STATISTICS" if !on => {}
                _ => return Err(SqlError::unsupported(format!("EXPLAIN ({option})"))),
            }
            if cursor.accept_symbol(")") {
                break;
            }
            cursor.expect_symbol(",")?;
        }
    }
    let rest = cursor.tokens[cursor.at..].to_vec();
    let word = cursor.peek_word().unwrap_or_default().to_uppercase();
    if !matches!(word.as_str(), "SELECT" | "WITH" | "VALUES") && !cursor.peek_symbol("(") {
        return Err(SqlError::unsupported(format!("EXPLAIN of {word}")));
    }
    if !table_function::reads(&rest)?.is_empty() {
        return Err(SqlError::unsupported("EXPLAIN of a query over files"));
    }
    cursor.at = cursor.tokens.len();
    parse_part(rest, Parser::parse_query).map(|query| Definition::Explain(Arc::from(query)))
}
