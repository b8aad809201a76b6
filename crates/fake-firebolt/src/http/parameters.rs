//! The URL parameters of a query request: all the session that Firebolt has.
//!
//! The server keeps nothing between requests (firebolt-wire §1.1); what a client does not repeat
//! is not there. An unknown parameter is refused (§8.1); see [`super::settings`].

use std::time::Duration;

use super::settings;
use crate::sql::QueryParameter;
use crate::wire::format::OutputFormat;
use crate::wire::headers::{TRANSACTION_ID, TRANSACTION_SEQUENCE_ID};

/// The parameters of one query request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parameters {
    pub(crate) database: Option<String>,
    pub(crate) engine: Option<String>,
    pub(crate) output_format: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) query_label: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) transaction_sequence_id: Option<String>,
    /// The values of `$1` and `param('name')` (firebolt-wire §8.3).
    pub(crate) query_parameters: Vec<QueryParameter>,
    /// `async=true`: the answer is a token, the statement runs on its own.
    pub(crate) is_async: bool,
    /// `compress=1`: results come in blocks of LZ4.
    pub(crate) compress: bool,
    /// `statement_timeout` or `max_execution_time`, the shorter of the two; `None` where both are
    /// absent or 0, which turns them off.
    pub(crate) timeout: Option<Duration>,
    /// `max_result_rows`: as a LIMIT of every SELECT; `None` where it is absent, 0 or less.
    pub(crate) max_result_rows: Option<usize>,
    /// `auto_start_stop_control=ignore`: the request must not wake a stopped engine.
    pub(crate) leave_engine_asleep: bool,
    /// `cancel_query_on_connection_drop`, where it is there.
    pub(crate) cancel_on_drop: Option<CancelOnDrop>,
    /// What is asked for and not done here, or not known: the text of the refusal.
    pub(crate) refusal: Option<String>,
}

/// What ends with its client's connection (firebolt-semantics §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelOnDrop {
    /// Every statement.
    All,
    /// Nothing.
    None,
    /// What only reads: the vendor's default.
    TypeDependent,
}

impl Parameters {
    /// Reads the query part of a URL. Never fails: a refusal must not hide the transaction id
    /// and the label from whoever watches the request.
    pub(crate) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        // Most queries mean what they say, and every request has one.
        let is_escaped = query.bytes().fold(false, |found, byte| found | is_escape(byte));
        let mut rest = Some(query);
        while let Some(text) = rest {
            let pair;
            (pair, rest) = halves(text, b'&');
            let taken = if is_escaped && pair.bytes().any(is_escape) {
                let decoded = form_urlencoded::parse(pair.as_bytes()).next();
                decoded.map_or(Ok(()), |(name, value)| parsed.take(&name, &value))
            } else {
                let (name, value) = halves(pair, b'=');
                parsed.take(name, value.unwrap_or_default())
            };
            if let Err(refusal) = taken {
                parsed.refusal.get_or_insert(refusal);
            }
        }
        parsed
    }

    /// The format to answer in.
    pub(crate) fn format(&self) -> Result<OutputFormat, String> {
        let name = self.output_format.as_deref().or(self.default_format.as_deref());
        OutputFormat::parse(name)
            .ok_or_else(|| format!("Output format '{}' is not supported", name.unwrap_or_default()))
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match name {
            // `/?&database=d` and friends: some clients leave empty pairs (firebolt-wire §4).
            "" => {}
            "database" => self.database = text(),
            "engine" => self.engine = text(),
            "output_format" => self.output_format = text(),
            // What JDBC calls it towards a server on its own machine; the other name goes first.
            "default_format" => self.default_format = text(),
            "query_label" => self.query_label = text(),
            TRANSACTION_ID => self.transaction_id = text(),
            TRANSACTION_SEQUENCE_ID => self.transaction_sequence_id = text(),
            "async" | "compress" => {
                let is_on = match value {
                    "true" | "1" => true,
                    "false" | "0" | "" => false,
                    _ => {
                        return Err(format!(
                            "Invalid value '{value}' for setting {name}: expected true or false"
                        ));
                    }
                };
                match name {
                    "async" => self.is_async = is_on,
                    _ => self.compress = is_on,
                }
            }
            "query_parameters" => self.query_parameters = QueryParameter::read(value)?,
            // GO's Describe. Executing the statement instead would be the worst answer of all.
            "execution_mode" => {
                return Err(format!(
                    "not supported by this fake of Firebolt: execution_mode={value}"
                ));
            }
            // What no client sends but this way; an empty value is no value.
            _ if value.is_empty() => settings::check(name, value)?,
            _ => {
                settings::check(name, value)?;
                self.apply(name, value);
            }
        }
        Ok(())
    }

    /// The settings that change something here.
    fn apply(&mut self, name: &str, value: &str) {
        let number = || value.parse::<u64>().ok().filter(|number| *number > 0);
        let timeout = match name {
            "statement_timeout" => number().map(Duration::from_millis),
            "max_execution_time" => number().map(Duration::from_secs),
            "auto_start_stop_control" => {
                self.leave_engine_asleep = true;
                None
            }
            "cancel_query_on_connection_drop" => {
                self.cancel_on_drop = Some(match value.to_ascii_lowercase().as_str() {
                    "all" => CancelOnDrop::All,
                    "none" => CancelOnDrop::None,
                    _ => CancelOnDrop::TypeDependent,
                });
                None
            }
            "max_result_rows" => {
                let rows = value.parse::<i64>().ok().filter(|rows| *rows > 0);
                self.max_result_rows = rows.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
                None
            }
            _ => None,
        };
        if let Some(timeout) = timeout {
            self.timeout = Some(self.timeout.map_or(timeout, |other| other.min(timeout)));
        }
    }
}

/// Whether a byte stands for another one.
fn is_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'+')
}

/// What stands before the first such byte, an ASCII one, and what behind it. The searcher of
/// `str::split` is made for longer texts: it took a fiftieth of a schedule.
fn halves(text: &str, mark: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == mark) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_clients_send() {
        let read = Parameters::parse(
            "&database=my%20db&engine=e&output_format=JSON_Compact&query_label=a.1\
             &transaction_id=0a&transaction_sequence_id=3&statement_timeout=1500&account_id=acc-1/\
             &async=true&compress=0&max_execution_time=30",
        );
        assert_eq!(
            read,
            Parameters {
                database: Some("my db".to_owned()),
                engine: Some("e".to_owned()),
                output_format: Some("JSON_Compact".to_owned()),
                query_label: Some("a.1".to_owned()),
                transaction_id: Some("0a".to_owned()),
                transaction_sequence_id: Some("3".to_owned()),
                is_async: true,
                timeout: Some(Duration::from_millis(1500)),
                ..Parameters::default()
            }
        );
    }

    #[test]
    fn refuses_what_it_does_not_know_and_still_reads_the_rest() {
        for (query, expected) in [
            ("bad_param=1&transaction_id=0a", "Unknown setting 'bad_param'"),
            (
                "transaction_id=0a&async=perhaps",
                "Invalid value 'perhaps' for setting async: expected true or false",
            ),
            (
                "transaction_id=0a&statement_timeout=soon",
                "Invalid value 'soon' for setting statement_timeout: expected a whole number",
            ),
            (
                "transaction_id=0a&execution_mode=describe_parameters",
                "not supported by this fake of Firebolt: execution_mode=describe_parameters",
            ),
        ] {
            let read = Parameters::parse(query);
            assert_eq!(read.refusal.as_deref(), Some(expected));
            assert_eq!(read.transaction_id.as_deref(), Some("0a"));
        }
    }

    #[test]
    fn a_format_has_two_names_and_one_goes_first() {
        for (query, expected) in [
            ("", OutputFormat::TabSeparated),
            ("default_format=JSON_Compact", OutputFormat::JsonCompact),
            ("default_format=JSON_Compact&output_format=PSQL", OutputFormat::Psql),
        ] {
            assert_eq!(Parameters::parse(query).format(), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_timeout_of_zero_is_no_timeout_and_the_shorter_of_two_holds() {
        assert_eq!(Parameters::parse("statement_timeout=0").timeout, None);
        let both = Parameters::parse("statement_timeout=5000&max_execution_time=2");
        assert_eq!(both.timeout, Some(Duration::from_secs(2)));
    }
}
