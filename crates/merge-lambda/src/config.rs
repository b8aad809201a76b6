//! Settings from the environment: the prior loader's variables, read as they are.
//!
//! A replacement must start from what is configured already (field report, "what their Lambda is
//! configured with"), so names, forms and defaults are those of the loader before. Reading is a pure
//! function of a lookup; the real environment is in the binaries only. Every variable that is missing
//! or impossible is one error that names it, and no error repeats a value that may be secret.

use firebolt_client::ClientConfig;
use merge_engine::{EngineConfig, EngineError, TableKeys};
use merge_protocol::policy::Policy;

/// Where the files lie unless `LOCATION_PREFIX` says otherwise: DMS's folder in the bucket.
pub const LOCATION_PREFIX_DEFAULT: &str = "firebolt_dms_job/";

/// A variable that is missing or impossible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {variable} {what}")]
pub struct ConfigError {
    /// Which.
    pub variable: String,
    /// What is wrong with it, and what would fit.
    pub what: String,
}

/// Where the key columns of the tables are declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysSource {
    /// `TABLE_KEYS_JSON`.
    Inline(TableKeys),
    /// `TABLE_KEYS_S3_BUCKET` and `TABLE_KEYS_S3_KEY`.
    Object {
        /// The bucket.
        bucket: String,
        /// The key of the JSON object.
        key: String,
    },
}

/// Which files there are and how they are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// `CDC_BUCKET`: the bucket of the files.
    pub bucket: String,
    /// `LOCATION_NAME`: the LOCATION through which Firebolt reads that bucket.
    pub location: String,
    /// `LOCATION_PREFIX`: the key prefix that the LOCATION stands for, with its slash.
    pub location_prefix: String,
    /// Where the key columns are declared.
    pub keys: KeysSource,
    /// `MERGE_POLICY_TOML`: the knobs that differ from their defaults.
    pub policy: Policy,
}

/// Everything that one Lambda needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The warehouse, and who we are there.
    pub client: ClientConfig,
    /// The files.
    pub files: FileSettings,
}

impl Settings {
    /// Reads all settings; `lookup` gives a variable's value, if it is set.
    ///
    /// # Errors
    /// The first variable that is missing or impossible.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Settings, ConfigError> {
        Ok(Settings { client: warehouse(lookup)?, files: FileSettings::read(lookup)? })
    }
}

/// Reads who we are at the warehouse: account, database, engine, service account.
///
/// # Errors
/// The first variable that is missing.
pub fn warehouse(lookup: &dyn Fn(&str) -> Option<String>) -> Result<ClientConfig, ConfigError> {
    let account = required(lookup, "FIREBOLT_ACCOUNT", "the account's name")?;
    let database = required(lookup, "FIREBOLT_DATABASE", "the database of the target tables")?;
    let engine = required(lookup, "FIREBOLT_ENGINE", "the engine that runs the statements")?;
    let client_id = required(lookup, "FIREBOLT_CLIENT_ID", "the service account's id")?;
    let secret = required(lookup, "FIREBOLT_CLIENT_SECRET", "the service account's secret")?;
    Ok(ClientConfig {
        database,
        engine: Some(engine),
        ..ClientConfig::service_account(account, client_id, secret)
    })
}

impl FileSettings {
    /// Reads where the files are and how they are merged.
    ///
    /// # Errors
    /// The first variable that is missing or impossible.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<FileSettings, ConfigError> {
        deletes(lookup)?;
        Ok(FileSettings {
            bucket: required(lookup, "CDC_BUCKET", "the bucket of the CDC files")?,
            location: required(lookup, "LOCATION_NAME", "the Firebolt LOCATION of the bucket")?,
            location_prefix: prefix(lookup)?,
            keys: keys(lookup)?,
            policy: policy(lookup)?,
        })
    }

    /// The engine's settings, once the key columns are known.
    pub fn engine(&self, tables: TableKeys) -> EngineConfig {
        EngineConfig {
            policy: self.policy.clone(),
            ..EngineConfig::new(&self.bucket, &self.location, &self.location_prefix, tables)
        }
    }
}

/// Reads key columns, naming the variable that they came through.
///
/// # Errors
/// What is wrong with the JSON, with its line and column.
pub fn table_keys(variable: &str, json: &str) -> Result<TableKeys, ConfigError> {
    TableKeys::from_json(json).map_err(|why| match why {
        EngineError::Config { what, .. } => error(variable, format!("has no usable keys: {what}")),
        other => error(variable, format!("has no usable keys: {other}")),
    })
}

fn error(variable: &str, what: impl Into<String>) -> ConfigError {
    ConfigError { variable: variable.to_owned(), what: what.into() }
}

fn required(
    lookup: &dyn Fn(&str) -> Option<String>,
    variable: &str,
    meaning: &str,
) -> Result<String, ConfigError> {
    match lookup(variable) {
        Some(value) if !value.trim().is_empty() => Ok(value),
        Some(_) => Err(error(variable, format!("is empty; set it to {meaning}"))),
        None => Err(error(variable, format!("is not set; set it to {meaning}"))),
    }
}

/// The prior loader could be told which column and which values mean a delete. The merge's order and
/// its refusals rest on DMS's own column, so any other setting must not be ignored in silence: deletes
/// would be written as updates.
fn deletes(lookup: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    for (variable, only) in [("CDC_DELETE_COLUMN", "Op"), ("CDC_DELETE_VALUES", "D")] {
        let Some(value) = lookup(variable) else { continue };
        if value.trim() != only {
            return Err(error(
                variable,
                format!(
                    "is `{value}`; only `{only}` is supported: unset it, or set it to `{only}`"
                ),
            ));
        }
    }
    Ok(())
}

fn prefix(lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, ConfigError> {
    // Set and empty is a LOCATION of the whole bucket.
    let Some(prefix) = lookup("LOCATION_PREFIX") else {
        return Ok(LOCATION_PREFIX_DEFAULT.to_owned());
    };
    if prefix.starts_with('/') || !(prefix.is_empty() || prefix.ends_with('/')) {
        return Err(error(
            "LOCATION_PREFIX",
            format!(
                "is `{prefix}`; write the part of the LOCATION's URL behind the bucket, with a slash \
                 at its end and none at its beginning, such as `{LOCATION_PREFIX_DEFAULT}`"
            ),
        ));
    }
    Ok(prefix)
}

fn keys(lookup: &dyn Fn(&str) -> Option<String>) -> Result<KeysSource, ConfigError> {
    let set = |variable: &str| lookup(variable).filter(|value| !value.trim().is_empty());
    if let Some(json) = set("TABLE_KEYS_JSON") {
        return Ok(KeysSource::Inline(table_keys("TABLE_KEYS_JSON", &json)?));
    }
    match (set("TABLE_KEYS_S3_BUCKET"), set("TABLE_KEYS_S3_KEY")) {
        (Some(bucket), Some(key)) => Ok(KeysSource::Object { bucket, key }),
        (Some(_), None) => Err(error(
            "TABLE_KEYS_S3_KEY",
            "is not set, but TABLE_KEYS_S3_BUCKET is; set it to the key of the JSON object",
        )),
        (None, Some(_)) => Err(error(
            "TABLE_KEYS_S3_BUCKET",
            "is not set, but TABLE_KEYS_S3_KEY is; set it to the bucket of the JSON object",
        )),
        (None, None) => Err(error(
            "TABLE_KEYS_JSON",
            "is not set; set it to the key columns, such as {\"users\": \"id\"}, or set \
             TABLE_KEYS_S3_BUCKET and TABLE_KEYS_S3_KEY",
        )),
    }
}

fn policy(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Policy, ConfigError> {
    let text = lookup("MERGE_POLICY_TOML").unwrap_or_default();
    toml::from_str(&text).map_err(|why| {
        let line = why.span().map_or(1, |span| {
            1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
        });
        error("MERGE_POLICY_TOML", format!("cannot be used: line {line}: {}", why.message()))
    })
}

#[cfg(test)]
mod tests;
