//! Settings of an engine: data, read from the environment of the prior loader or from a file.
//!
//! Unknown keys and impossible values are errors that name the place. Secrets are not here: they go
//! into the client's configuration.

use crate::error::EngineError;
use merge_protocol::policy::Policy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Key columns per table: `{"users": "id", "loans": ["id", "branch"], "audit": null}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableKeys(BTreeMap<String, Option<OneOrMany>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a column name, a list of column names, or null")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl TableKeys {
    /// Reads the JSON that operators keep (`TABLE_KEYS_JSON`, or an object in S3).
    ///
    /// # Errors
    /// Not JSON of that form, with line and column; a table without a single key column.
    pub fn from_json(json: &str) -> Result<TableKeys, EngineError> {
        let keys: TableKeys = serde_json::from_str(json)
            .map_err(|why| EngineError::config("TABLE_KEYS_JSON", &why.to_string()))?;
        for (table, columns) in &keys.0 {
            let empty = match columns {
                None => false,
                Some(OneOrMany::One(column)) => column.is_empty(),
                Some(OneOrMany::Many(columns)) => {
                    columns.is_empty() || columns.iter().any(String::is_empty)
                }
            };
            if empty {
                let what = format!(
                    "table `{table}` has an empty key; write null for a table without keys"
                );
                return Err(EngineError::config("TABLE_KEYS_JSON", &what));
            }
        }
        Ok(keys)
    }

    /// The key columns of a table; `None` for a table without declared keys, configured or not.
    pub fn of(&self, table: &str) -> Option<Vec<String>> {
        match self.0.get(table)? {
            None => None,
            Some(OneOrMany::One(column)) => Some(vec![column.clone()]),
            Some(OneOrMany::Many(columns)) => Some(columns.clone()),
        }
    }

    /// The configured tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Settings of one engine: one bucket, one LOCATION, one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// The bucket of the files.
    pub bucket: String,
    /// The LOCATION through which Firebolt reads that bucket.
    pub location: String,
    /// The key prefix that the LOCATION stands for, with its slash; COPY and READ_PARQUET patterns
    /// are relative to it.
    pub location_prefix: String,
    /// Where reduced files go, below `location_prefix`, with its slash. Events for objects there are
    /// ignored, else the engine would feed itself.
    #[serde(default = "normalised_prefix")]
    pub normalised_prefix: String,
    /// Key columns per table.
    pub tables: TableKeys,
    /// The knobs.
    #[serde(default)]
    pub policy: Policy,
}

fn normalised_prefix() -> String {
    "_normalised/".to_owned()
}

impl EngineConfig {
    /// A configuration with the defaults of everything that has one.
    pub fn new(bucket: &str, location: &str, location_prefix: &str, tables: TableKeys) -> Self {
        EngineConfig {
            bucket: bucket.to_owned(),
            location: location.to_owned(),
            location_prefix: location_prefix.to_owned(),
            normalised_prefix: normalised_prefix(),
            tables,
            policy: Policy::default(),
        }
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// The first impossible value, by its key.
    pub fn check(&self) -> Result<(), EngineError> {
        for (key, value) in [("bucket", &self.bucket), ("location", &self.location)] {
            if value.is_empty() {
                return Err(EngineError::config(key, "is empty"));
            }
        }
        let folder = |key: &str, value: &str| match value.is_empty() || value.ends_with('/') {
            true => Ok(()),
            false => Err(EngineError::config(key, "must end with a slash")),
        };
        folder("location_prefix", &self.location_prefix)?;
        folder("normalised_prefix", &self.normalised_prefix)?;
        if self.normalised_prefix.is_empty() {
            return Err(EngineError::config(
                "normalised_prefix",
                "is empty: the engine would feed itself",
            ));
        }
        Ok(())
    }

    /// Whether a key lies where the engine writes its own files.
    pub fn is_own(&self, key: &str) -> bool {
        key.strip_prefix(&self.location_prefix)
            .is_some_and(|rest| rest.starts_with(&self.normalised_prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_key_file_is_read_as_it_is() {
        let keys =
            TableKeys::from_json(r#"{"users": "id", "loans": ["id", "branch"], "audit": null}"#)
                .expect("the field's form");
        assert_eq!(keys.of("users"), Some(vec!["id".to_owned()]));
        assert_eq!(keys.of("loans"), Some(vec!["id".to_owned(), "branch".to_owned()]));
        assert_eq!(keys.of("audit"), None);
        assert_eq!(keys.of("unknown"), None);
        for (bad, says) in [
            (r#"{"users": 7}"#, "a column name, a list of column names, or null"),
            (r#"{"users": []}"#, "empty key"),
            (r#"{"users": "id""#, "line 1"),
        ] {
            let error = TableKeys::from_json(bad).expect_err(bad).to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn impossible_settings_name_their_key() {
        let keys = TableKeys::default;
        assert!(EngineConfig::new("b", "l", "p/", keys()).check().is_ok());
        let error = EngineConfig::new("b", "l", "p", keys()).check().expect_err("no slash");
        assert!(error.to_string().contains("location_prefix"), "{error}");
        let config = EngineConfig::new("b", "l", "p/", keys());
        assert!(config.is_own("p/_normalised/x.parquet"));
        assert!(!config.is_own("p/shop/_normalised/x.parquet"));
    }
}
