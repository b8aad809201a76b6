//! Why a command ends without an answer: what happened, where, and what to do about it.

use merge_engine::EngineError;
use merge_lambda::config::ConfigError;
use merge_lambda::network::SetupError;
use merge_protocol::failure::FailureKind;

/// The warehouse, the bucket or this program failed.
pub(crate) const FAILED: u8 = 1;
/// The command line or the configuration cannot be used.
pub(crate) const UNUSABLE: u8 = 2;

/// A command without an answer.
#[derive(Debug)]
pub(crate) struct CliError {
    exit_code: u8,
    what: String,
    advice: Option<&'static str>,
}

impl CliError {
    /// The user's to mend, before anything was done.
    pub(crate) fn unusable(what: impl Into<String>) -> CliError {
        CliError { exit_code: UNUSABLE, what: what.into(), advice: None }
    }

    /// Ours to mend.
    pub(crate) fn internal(doing: &str, why: impl std::fmt::Display) -> CliError {
        CliError { exit_code: FAILED, what: format!("{doing}: {why}"), advice: None }
    }

    /// A question to the warehouse that was not answered.
    pub(crate) fn warehouse(doing: &str, why: &firebolt_client::Error) -> CliError {
        CliError::internal(doing, why.message())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// What is printed.
    pub(crate) fn text(&self) -> String {
        match self.advice {
            None => format!("error: {}", self.what),
            Some(advice) => format!("error: {}\n help: {advice}", self.what),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(why: ConfigError) -> CliError {
        CliError::unusable(why.to_string())
    }
}

impl From<EngineError> for CliError {
    fn from(why: EngineError) -> CliError {
        let (exit_code, advice) = match &why {
            EngineError::Config { .. } => (UNUSABLE, None),
            EngineError::Object { .. } => (
                FAILED,
                Some("check CDC_BUCKET (or --bucket-dir), the key, and the permission to read"),
            ),
            EngineError::Warehouse { failure, .. } => (FAILED, advice(&failure.kind)),
        };
        CliError { exit_code, what: why.to_string(), advice }
    }
}

impl From<SetupError> for CliError {
    fn from(why: SetupError) -> CliError {
        match why {
            SetupError::Config(why) => why.into(),
            SetupError::Engine(why) => why.into(),
            SetupError::Tls(_) | SetupError::Store { .. } | SetupError::Entropy(_) => {
                CliError { exit_code: FAILED, what: why.to_string(), advice: None }
            }
        }
    }
}

/// What an operator can do about a refusal of the warehouse.
fn advice(kind: &FailureKind) -> Option<&'static str> {
    match kind {
        FailureKind::MissingTable(_) => Some(
            "if nothing was merged into this database yet, `apply` one file first; else check \
             FIREBOLT_DATABASE",
        ),
        FailureKind::Unauthorized => {
            Some("check FIREBOLT_CLIENT_ID and FIREBOLT_CLIENT_SECRET of the service account")
        }
        FailureKind::NotAuthorized => Some(
            "check FIREBOLT_ACCOUNT, FIREBOLT_DATABASE, FIREBOLT_ENGINE, and what the service \
             account may see",
        ),
        FailureKind::Unreached
        | FailureKind::Throttled
        | FailureKind::ConnectionLost
        | FailureKind::TimedOut
        | FailureKind::EngineAway
        | FailureKind::Server
        | FailureKind::CannotBeRetried => {
            Some("check the network and the engine, then run the same command again")
        }
        FailureKind::Conflict
        | FailureKind::NoTransaction
        | FailureKind::Doomed
        | FailureKind::NoTransactionId
        | FailureKind::AlreadyExists
        | FailureKind::Schema
        | FailureKind::Store
        | FailureKind::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use merge_protocol::failure::{Effect, Failure};

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        let warehouse = |kind, text: &str| {
            CliError::from(EngineError::Warehouse {
                what: "reading ledger and quarantine",
                failure: Failure { kind, effect: Effect::None, text: text.to_owned() },
            })
        };
        let missing = FailureKind::MissingTable("cdc_ledger".into());
        let config = ConfigError { variable: "CDC_BUCKET".into(), what: "is not set".into() };
        let object = EngineError::Object { key: "a/b.parquet".into(), what: "not found".into() };
        let errors = [
            warehouse(missing, "relation cdc_ledger does not exist"),
            warehouse(FailureKind::Unreached, "connection refused"),
            warehouse(FailureKind::Unauthorized, "401"),
            CliError::from(SetupError::Config(config)),
            CliError::from(object),
            CliError::unusable("the folder `x` cannot be used"),
        ];
        let said: Vec<String> = errors
            .iter()
            .map(|error| format!("[{}] {}", error.exit_code(), error.text()))
            .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
