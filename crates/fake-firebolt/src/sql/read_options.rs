//! The options of reads from outside, which COPY writes `NAME = value` and table functions write
//! `NAME => value`.
//!
//! An option that would change what is read and that the fake does not have is refused by name;
//! credentials are taken and not looked at, because this server's stores ask for none.

use super::error::SqlError;
use super::external::{CsvOptions, ExternalRead, FileFormat};

/// One value of an option, as the text has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OptionValue {
    /// A string.
    Text(String),
    /// A bare word, TRUE, FALSE or a number.
    Word(String),
}

impl OptionValue {
    /// The value without regard to its spelling.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Word(text) => text,
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        let is = |expected: &str| self.text().eq_ignore_ascii_case(expected);
        match () {
            () if is("true") => Some(true),
            () if is("false") => Some(false),
            () => None,
        }
    }

    /// One character; a tabulator may be written out.
    fn character(&self) -> Option<char> {
        let text = if self.text() == "\\t" { "\t" } else { self.text() };
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    }
}

/// Sets an option of CSV. `None` if there is none of that name, an error if the value is not one of
/// its values.
pub(super) fn csv_option(
    options: &mut CsvOptions,
    name: &str,
    value: &OptionValue,
) -> Result<Option<()>, SqlError> {
    let wrong = || SqlError::type_error(format!("{name} cannot be {:?}", value.text()));
    match name {
        "HEADER" => options.header = value.flag().ok_or_else(wrong)?,
        "SKIP_BLANK_LINES" => options.skip_blank_lines = value.flag().ok_or_else(wrong)?,
        "EMPTY_FIELD_AS_NULL" => options.empty_as_null = value.flag().ok_or_else(wrong)?,
        "INFER_SCHEMA" => options.infer = value.flag().ok_or_else(wrong)?,
        "DELIMITER" => {
            let delimiter = value.character().filter(|char| !matches!(char, '\n' | '\r'));
            options.delimiter = Some(delimiter.ok_or_else(wrong)?);
        }
        "ESCAPE" => options.escape = Some(value.character().ok_or_else(wrong)?),
        // The default, an empty string, stands for no text at all.
        "NULL_STRING" => {
            options.null_string = Some(value.text().to_owned()).filter(|text| !text.is_empty());
        }
        "NEWLINE" => {
            let text = value.text().replace("\\n", "\n").replace("\\r", "\r");
            options.newline = Some(text).filter(|text| !text.is_empty());
            options.newline.as_ref().ok_or_else(wrong)?;
        }
        "QUOTE" => {
            options.quote = match value.text().to_ascii_uppercase().as_str() {
                "DOUBLE_QUOTE" | "\"" => '"',
                "SINGLE_QUOTE" | "'" => '\'',
                _ => return Err(wrong()),
            };
        }
        "COMPRESSION" => {
            options.gzip = match value.text().to_ascii_uppercase().as_str() {
                "GZIP" => Some(true),
                "NONE" => Some(false),
                other => return Err(SqlError::unsupported(format!("COMPRESSION {other}"))),
            };
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

/// Whether the name is one of the ways in which a statement brings its own credentials.
pub(super) fn is_credential(name: &str) -> bool {
    matches!(
        name,
        "AWS_ACCESS_KEY_ID"
            | "AWS_SECRET_ACCESS_KEY"
            | "AWS_KEY_ID"
            | "AWS_SECRET_KEY"
            | "AWS_SESSION_TOKEN"
            | "AWS_ROLE_ARN"
            | "AWS_ROLE_EXTERNAL_ID"
    )
}

/// Checks that a text is a URL with a scheme that a store can stand for.
pub(super) fn url(text: &str) -> Result<String, SqlError> {
    match text.split_once("://") {
        Some(("upload", _)) => Err(SqlError::unsupported("a URL of the scheme upload://")),
        Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(text.to_owned()),
        _ => {
            Err(SqlError::type_error(format!("'{text}' is not a URL of the form s3://bucket/path")))
        }
    }
}

/// What a table function reads, by its name in lower case and its arguments in order; the names of
/// the arguments are in upper case. `None` if it reads nothing from outside.
pub(super) fn table_function(
    function: &str,
    arguments: &[(Option<String>, OptionValue)],
) -> Result<Option<ExternalRead>, SqlError> {
    let title = function.to_ascii_uppercase();
    let mut read = ExternalRead::default();
    let mut csv = CsvOptions::default();
    match function {
        "read_parquet" | "read_csv" | "read_files" | "list_objects" => {}
        "read_json" | "read_avro" | "read_arrow" | "read_orc" | "read_iceberg" => {
            return Err(SqlError::unsupported(title));
        }
        _ => return Ok(None),
    }
    for (at, (name, value)) in arguments.iter().enumerate() {
        let name = match name {
            Some(name) => name.as_str(),
            None if at == 0 => "URL",
            None => {
                let text = format!("{title}: only the first argument may stand without a name");
                return Err(SqlError::type_error(text));
            }
        };
        match (name, function) {
            // A string in today's pages, an identifier in those of April 2025 (§4).
            ("LOCATION", _) => value.text().clone_into(&mut read.location),
            ("URL", _) => read.location = url(value.text())?,
            ("PATTERN", "read_parquet" | "read_csv" | "read_files") => {
                value.text().clone_into(&mut read.pattern);
            }
            ("ESTIMATED_ROWS", "read_parquet") => {}
            ("REPLACE_NON_UTF8_BYTES", "read_parquet") if value.flag() == Some(false) => {}
            ("PARSE_JSON_AS", "read_parquet") if value.text().eq_ignore_ascii_case("text") => {}
            (name, _) if is_credential(name) => {}
            ("NEWLINE", _) => return Err(SqlError::unsupported(format!("{title}(NEWLINE => …)"))),
            (name, "read_csv") if csv_option(&mut csv, name, value)?.is_some() => {}
            ("COMPRESSION", "read_files") => {
                csv_option(&mut csv, name, value)?;
            }
            (name, _) => {
                let text = format!("{title}({name} => {})", value.text());
                return Err(SqlError::unsupported(text));
            }
        }
    }
    if read.location.is_empty() {
        return Err(SqlError::unsupported(format!("{title} without LOCATION or URL")));
    }
    read.format = match function {
        "read_parquet" => FileFormat::Parquet,
        "read_csv" => FileFormat::Csv(csv),
        "list_objects" => FileFormat::Objects,
        _ => FileFormat::Auto(csv),
    };
    Ok(Some(read))
}
