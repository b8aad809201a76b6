//! Text to [`Definition`]: ALTER and DROP.
//!
//! DROP TABLE is not read here: it goes on to sqlparser, because loaders repeat it and a template
//! makes it cheap.

use sqlparser::parser::Parser;

use super::definition::{Definition, EntryChange, TableChange};
use super::error::SqlError;
use super::parse::{Cursor, parse_part};
use super::parse_definition::{ENTRIES, refuse, settings, words};

/// Reads what follows ALTER; `None` is for others to read.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Option<Definition>, SqlError> {
    if cursor.accept_word("TABLE") {
        let if_exists = words(cursor, &["IF", "EXISTS"]);
        let name = cursor.object_name()?;
        let change = table_change(cursor)?;
        return Ok(Some(Definition::AlterTable { if_exists, name, change }));
    }
    for (word, kind) in ENTRIES {
        if !cursor.accept_word(word) {
            continue;
        }
        let name = cursor.identifier("a name")?;
        let change = if words(cursor, &["RENAME", "TO"]) {
            EntryChange::RenameTo(cursor.identifier("a name")?)
        } else if words(cursor, &["OWNER", "TO"]) {
            EntryChange::OwnerTo(cursor.identifier("a user")?)
        } else {
            // Engines are SET, databases are altered WITH; both spellings are read for both.
            if !cursor.accept_word("SET") {
                cursor.expect_word("WITH")?;
            }
            EntryChange::Set(settings(cursor)?)
        };
        return Ok(Some(Definition::AlterEntry { kind, name, change }));
    }
    refuse(cursor, "ALTER")?;
    Ok(None)
}

fn table_change(cursor: &mut Cursor<'_>) -> Result<TableChange, SqlError> {
    if words(cursor, &["RENAME", "TO"]) {
        return cursor.object_name().map(TableChange::RenameTo);
    }
    if words(cursor, &["OWNER", "TO"]) {
        return cursor.identifier("a user").map(TableChange::OwnerTo);
    }
    if words(cursor, &["MODIFY", "COLUMN"]) {
        let column = cursor.identifier("a column")?;
        let after = if cursor.accept_word("FIRST") {
            None
        } else {
            cursor.expect_word("AFTER")?;
            Some(cursor.identifier("a column")?)
        };
        return Ok(TableChange::MoveColumn { column, after });
    }
    if words(cursor, &["DROP", "PARTITION"]) {
        let values = cursor.tokens[cursor.at..].to_vec();
        if values.is_empty() {
            return Err(cursor.unexpected("the values of a partition"));
        }
        cursor.at = cursor.tokens.len();
        let list = |parser: &mut Parser<'static>| parser.parse_comma_separated(Parser::parse_expr);
        return parse_part(values, list).map(TableChange::DropPartition);
    }
    if words(cursor, &["ADD", "COLUMN"]) {
        let if_not_exists = words(cursor, &["IF", "NOT", "EXISTS"]);
        let definition = cursor.tokens[cursor.at..].to_vec();
        if definition.is_empty() {
            return Err(cursor.unexpected("a column"));
        }
        let column = Box::new(parse_part(definition, Parser::parse_column_def)?);
        cursor.at = cursor.tokens.len();
        return Ok(TableChange::AddColumn { if_not_exists, column });
    }
    let rest = cursor.tokens[cursor.at..].iter().take(2).map(|token| token.token.to_string());
    let shown: Vec<_> = rest.collect();
    Err(SqlError::unsupported(format!("ALTER TABLE … {}", shown.join(" ").to_uppercase())))
}

/// Reads what follows DROP; `None` is for others to read.
pub(super) fn drop(cursor: &mut Cursor<'_>) -> Result<Option<Definition>, SqlError> {
    if cursor.accept_word("VIEW") {
        let if_exists = words(cursor, &["IF", "EXISTS"]);
        let name = cursor.object_name()?;
        let cascade = cursor.accept_word("CASCADE");
        return Ok(Some(Definition::DropView { if_exists, name, cascade }));
    }
    if words(cursor, &["AGGREGATING", "INDEX"]) {
        let if_exists = words(cursor, &["IF", "EXISTS"]);
        let name = cursor.identifier("an index")?;
        cursor.accept_word("CASCADE");
        return Ok(Some(Definition::DropIndex { if_exists, name }));
    }
    for (word, kind) in ENTRIES {
        if cursor.accept_word(word) {
            let if_exists = words(cursor, &["IF", "EXISTS"]);
            let name = cursor.identifier("a name")?;
            return Ok(Some(Definition::DropEntry { kind, if_exists, name }));
        }
    }
    refuse(cursor, "DROP")?;
    Ok(None)
}
