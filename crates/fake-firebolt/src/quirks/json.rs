//! Questions about JSON in a TEXT.

use serde::{Deserialize, Serialize};

/// What a function on JSON makes of a text that is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MalformedJson {
    /// NULL, as of a place that is not there.
    Missing,
    /// An error.
    Error,
}

/// What becomes of a null of JSON where a scalar is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JsonNull {
    /// The text `null`.
    Text,
    /// NULL, as of a place that is not there.
    Missing,
}
