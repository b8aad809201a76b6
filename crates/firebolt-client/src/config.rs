//! Settings of a client, and of one statement. Data only: nothing here reads an environment.
//!
//! `Debug` of everything in this file is safe to log.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Where the cloud's control plane lives (firebolt-wire §2.1).
const API_BASE_DEFAULT: &str = "https://api.app.firebolt.io";

/// How long one reply is awaited unless told otherwise. Statements give their own.
const PATIENCE_DEFAULT: Duration = Duration::from_secs(60);

/// A text that must not be printed.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Secret(secret.into())
    }

    /// The secret itself, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Secret(secret)
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Secret(secret.to_owned())
    }
}

/// How the client proves who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credentials {
    /// A service account of the cloud: OAuth client credentials (firebolt-wire §2.1).
    ServiceAccount {
        /// The service account's id.
        client_id: String,
        /// The service account's secret.
        client_secret: Secret,
    },
    /// Firebolt Core: no authorization and no discovery; `ClientConfig::api_base` is the endpoint
    /// that statements go to (firebolt-wire §2.3).
    None,
}

/// Settings of a [`crate::Client`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// Account name; not used with [`Credentials::None`].
    pub account: String,
    /// Database to use; empty means none.
    pub database: String,
    /// Engine to use; without one, statements run on the account's system engine.
    pub engine: Option<String>,
    /// Base URL of the control plane, or the endpoint of Firebolt Core.
    pub api_base: String,
    /// Where tokens come from. Without it: `/oauth/token` on the host of `api_base`, whose first
    /// label `api` becomes `id` (firebolt-wire §2.1).
    pub token_url: Option<String>,
    /// How the client proves who it is.
    pub credentials: Credentials,
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// How long one reply of the sign-on is awaited. Statements have
    /// [`StatementOptions::patience`], which also bounds a sign-on that they cause.
    pub patience: Duration,
}

impl ClientConfig {
    /// A service account of the cloud at its usual addresses.
    pub fn service_account(
        account: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Self {
        ClientConfig {
            account: account.into(),
            credentials: Credentials::ServiceAccount {
                client_id: client_id.into(),
                client_secret: client_secret.into(),
            },
            ..ClientConfig::core(API_BASE_DEFAULT)
        }
    }

    /// Firebolt Core at an endpoint such as `http://localhost:3473`.
    pub fn core(endpoint: impl Into<String>) -> Self {
        ClientConfig {
            account: String::new(),
            database: String::new(),
            engine: None,
            api_base: endpoint.into(),
            token_url: None,
            credentials: Credentials::None,
            user_agent: concat!("firebolt-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            patience: PATIENCE_DEFAULT,
        }
    }
}

/// Settings of one statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatementOptions {
    /// `query_label`: shows in the query history, by which a statement can be found again.
    pub label: Option<String>,
    /// How long the call may take as a whole: sign-on, token refresh and reply together. A request
    /// that was sent by then is in doubt.
    pub patience: Duration,
    /// `statement_timeout`, in whole milliseconds: after it the server cancels the statement by
    /// itself (firebolt-semantics §3.2). Keep it below `patience`, so that an abandoned statement
    /// dies on its own.
    pub statement_timeout: Option<Duration>,
    /// Further settings, sent as URL parameters, e.g. `enable_result_cache` = `false`.
    pub settings: BTreeMap<String, String>,
}

impl Default for StatementOptions {
    fn default() -> Self {
        StatementOptions {
            label: None,
            patience: PATIENCE_DEFAULT,
            statement_timeout: None,
            settings: BTreeMap::new(),
        }
    }
}

impl StatementOptions {
    /// Options with a patience and nothing else.
    pub fn new(patience: Duration) -> Self {
        StatementOptions { patience, ..StatementOptions::default() }
    }

    /// Sets the `query_label`.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the `statement_timeout`.
    #[must_use]
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = Some(limit);
        self
    }

    /// Adds a setting.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let config = ClientConfig::service_account("acc", "cid", "s3cret");
        let shown = format!("{config:?}");
        assert!(shown.contains("cid"), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
