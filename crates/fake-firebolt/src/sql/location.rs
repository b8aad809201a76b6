//! CREATE, ALTER and DROP LOCATION: a small parser, because no dialect of sqlparser has them
//! (vendor's pages of those names).
//!
//! Credentials are read over; only their names are kept, which the view's DDL shows.

use sqlparser::tokenizer::TokenWithSpan;

use super::error::SqlError;
use super::parse::{Cursor, word_is};
use super::read_options::{is_credential, url};

/// A parsed statement about a LOCATION.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationStatement {
    /// Its name, as the catalogue keeps it.
    pub name: String,
    /// IF EXISTS or IF NOT EXISTS.
    pub forgiving: bool,
    /// What is to be done.
    pub change: LocationChange,
}

/// What becomes of a LOCATION.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocationChange {
    /// It is made.
    Create {
        /// `s3://bucket/path`.
        url: String,
        /// What it is for.
        description: Option<String>,
        /// The names of its credentials.
        credentials: Vec<String>,
        /// OR REPLACE.
        or_replace: bool,
    },
    /// It gets another name.
    Rename(String),
    /// It leads elsewhere.
    Url(String),
    /// It gets other credentials, of these names.
    Credentials(Vec<String>),
    /// It is removed.
    Drop,
}

/// Reads the statement, if it is about a LOCATION.
pub(super) fn parse(tokens: &[TokenWithSpan]) -> Result<Option<LocationStatement>, SqlError> {
    let word = |at: usize, expected: &str| word_is(tokens.get(at), expected);
    let replaces = word(0, "CREATE") && word(1, "OR") && word(2, "REPLACE");
    let skipped = if replaces { 3 } else { 1 };
    let begins = word(0, "CREATE") || word(0, "ALTER") || word(0, "DROP");
    if !begins || !word(skipped, "LOCATION") {
        return Ok(None);
    }
    let mut cursor = Cursor::new(&tokens[skipped + 1..]);
    let forgiving = cursor.accept_word("IF");
    if forgiving {
        if word(0, "CREATE") {
            cursor.expect_word("NOT")?;
        }
        cursor.expect_word("EXISTS")?;
    }
    let name = cursor.identifier("the name of a LOCATION")?;
    let change = match () {
        () if word(0, "CREATE") => create(&mut cursor, replaces)?,
        () if word(0, "ALTER") => alter(&mut cursor)?,
        () => {
            if cursor.accept_word("WITH") {
                cursor.expect_word("FORCE")?;
            }
            LocationChange::Drop
        }
    };
    cursor.expect_end()?;
    if replaces && forgiving {
        let text = "OR REPLACE and IF NOT EXISTS cannot be used together";
        return Err(SqlError::type_error(text));
    }
    Ok(Some(LocationStatement { name, forgiving, change }))
}

fn create(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<LocationChange, SqlError> {
    cursor.accept_word("WITH");
    let (mut source, mut target, mut description) = (None, None, None);
    let mut names = Vec::new();
    while !cursor.at_end() {
        let option = cursor.identifier("an option of the LOCATION")?.to_ascii_uppercase();
        cursor.expect_symbol("=")?;
        match option.as_str() {
            "SOURCE" => source = Some(cursor.scalar()?.to_ascii_uppercase()),
            "URL" => target = Some(url(&cursor.string()?)?),
            "DESCRIPTION" => description = Some(cursor.string()?),
            "CREDENTIALS" => names = credentials(cursor)?,
            _ => return Err(SqlError::unsupported(format!("CREATE LOCATION … {option}"))),
        }
        cursor.accept_symbol(",");
    }
    match source.as_deref() {
        Some("AMAZON_S3" | "CLOUD_STORAGE") => {}
        Some(other) => {
            return Err(SqlError::unsupported(format!("a LOCATION with SOURCE = {other}")));
        }
        None => return Err(SqlError::type_error("CREATE LOCATION needs a SOURCE")),
    }
    let url = target.ok_or_else(|| SqlError::type_error("CREATE LOCATION needs a URL"))?;
    Ok(LocationChange::Create { url, description, credentials: names, or_replace })
}

fn alter(cursor: &mut Cursor<'_>) -> Result<LocationChange, SqlError> {
    if cursor.accept_word("RENAME") {
        cursor.expect_word("TO")?;
        return Ok(LocationChange::Rename(cursor.identifier("the new name")?));
    }
    cursor.expect_word("SET")?;
    let is_url = cursor.accept_word("URL");
    if !is_url {
        cursor.expect_word("CREDENTIALS")?;
    }
    if !cursor.accept_word("TO") {
        cursor.expect_symbol("=")?;
    }
    Ok(if is_url {
        LocationChange::Url(url(&cursor.string()?)?)
    } else {
        LocationChange::Credentials(credentials(cursor)?)
    })
}

/// Reads `( NAME = 'value' … )`, also in braces, as some of the vendor's pages have it; gives the
/// names.
pub(super) fn credentials(cursor: &mut Cursor<'_>) -> Result<Vec<String>, SqlError> {
    let end = if cursor.accept_symbol("{") { "}" } else { ")" };
    if end == ")" {
        cursor.expect_symbol("(")?;
    }
    let mut names = Vec::new();
    while !cursor.accept_symbol(end) {
        let name = cursor.identifier("a credential")?.to_ascii_uppercase();
        if !is_credential(&name) {
            return Err(SqlError::unsupported(format!("the credential {name}")));
        }
        cursor.expect_symbol("=")?;
        cursor.string()?;
        names.push(name);
        cursor.accept_symbol(",");
    }
    Ok(names)
}
