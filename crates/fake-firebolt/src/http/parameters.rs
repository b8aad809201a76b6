//! The URL parameters of a query request: all the session that Firebolt has.
//!
//! The server keeps nothing between requests (firebolt-wire §1.1); what a client does not repeat
//! is not there. An unknown parameter is refused, because the SDKs test a SET by sending it along
//! (§8.1), and a setting that is silently ignored is a lie about what a statement will do.

use std::time::Duration;

use crate::wire::format::OutputFormat;
use crate::wire::headers::TRANSACTION_ID;

/// Settings that are accepted and change nothing here.
const ACCEPTED: [&str; 15] = [
    "account_id",
    "advanced_mode",
    "cancel_query_on_connection_drop",
    "enable_result_cache",
    "enable_subresult_cache",
    "execution_mode",
    "insert_sharding",
    "max_execution_time",
    "max_insert_threads",
    "max_result_rows",
    "max_threads",
    "time_zone",
    "timezone",
    "tablet_min_size_bytes",
    "transaction_sequence_id",
];

/// The parameters of one query request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) database: Option<String>,
    pub(crate) engine: Option<String>,
    pub(crate) output_format: Option<String>,
    pub(crate) query_label: Option<String>,
    pub(crate) transaction_id: Option<String>,
    /// `None` where it is absent or 0, which turns it off.
    pub(crate) statement_timeout: Option<Duration>,
    /// `auto_start_stop_control=ignore`: the request must not wake a stopped engine.
    pub(crate) leave_engine_asleep: bool,
    /// What is asked for and not done here, or not known: the text of the refusal.
    pub(crate) refusal: Option<String>,
}

impl Parameters {
    /// Reads the query part of a URL. Never fails: a refusal must not hide the transaction id
    /// and the label from whoever watches the request.
    pub(crate) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(refusal) = parsed.take(&name, &value) {
                parsed.refusal.get_or_insert(refusal);
            }
        }
        parsed
    }

    /// The format to answer in.
    pub(crate) fn format(&self) -> Result<OutputFormat, String> {
        OutputFormat::parse(self.output_format.as_deref()).ok_or_else(|| {
            let name = self.output_format.as_deref().unwrap_or_default();
            format!("Output format '{name}' is not supported")
        })
    }

    fn take(&mut self, name: &str, value: &str) -> Option<String> {
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match name {
            // `/?&database=d` and friends: some clients leave empty pairs (firebolt-wire §4).
            "" => {}
            "database" => self.database = text(),
            "engine" => self.engine = text(),
            "output_format" => self.output_format = text(),
            "query_label" => self.query_label = text(),
            TRANSACTION_ID => self.transaction_id = text(),
            "statement_timeout" => match value.parse::<u64>() {
                Ok(0) => self.statement_timeout = None,
                Ok(millis) => self.statement_timeout = Some(Duration::from_millis(millis)),
                Err(_) => {
                    return Some(format!(
                        "Invalid value '{value}' for setting statement_timeout: \
                         expected milliseconds"
                    ));
                }
            },
            "auto_start_stop_control" => self.leave_engine_asleep = value == "ignore",
            "async" if value == "false" => {}
            "async" => return Some("async=true is not supported by this server".to_owned()),
            "compress" if value == "0" || value == "false" => {}
            "compress" => {
                return Some(
                    "compress=1 is not supported by this server: ask for compress=0".to_owned(),
                );
            }
            "query_parameters" if value.is_empty() || value == "[]" => {}
            "query_parameters" => {
                return Some("query_parameters are not supported by this server".to_owned());
            }
            known if ACCEPTED.contains(&known) => {}
            unknown => return Some(format!("Unknown setting '{unknown}'")),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_clients_send() {
        let read = Parameters::parse(
            "&database=my%20db&engine=e&output_format=JSON_Compact&query_label=a.1\
             &transaction_id=0a&transaction_sequence_id=3&statement_timeout=1500&account_id=acc-1/",
        );
        assert_eq!(
            read,
            Parameters {
                database: Some("my db".to_owned()),
                engine: Some("e".to_owned()),
                output_format: Some("JSON_Compact".to_owned()),
                query_label: Some("a.1".to_owned()),
                transaction_id: Some("0a".to_owned()),
                statement_timeout: Some(Duration::from_millis(1500)),
                ..Parameters::default()
            }
        );
    }

    #[test]
    fn refuses_what_it_does_not_know_and_still_reads_the_rest() {
        for (query, expected) in [
            ("bad_param=1&transaction_id=0a", "Unknown setting 'bad_param'"),
            ("transaction_id=0a&async=true", "async=true is not supported by this server"),
            (
                "transaction_id=0a&statement_timeout=soon",
                "Invalid value 'soon' for setting statement_timeout: expected milliseconds",
            ),
        ] {
            let read = Parameters::parse(query);
            assert_eq!(read.refusal.as_deref(), Some(expected));
            assert_eq!(read.transaction_id.as_deref(), Some("0a"));
        }
    }

    #[test]
    fn a_timeout_of_zero_is_no_timeout() {
        assert_eq!(Parameters::parse("statement_timeout=0").statement_timeout, None);
    }
}
