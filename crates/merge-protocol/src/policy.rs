//! Every knob of a merge, with its default and what it trades.
//!
//! Settings are data: they are read from TOML, unknown keys are errors, and nothing here decides.
//!
//! ```
//! let policy: merge_protocol::policy::Policy = toml::from_str(r#"
//!     rounds_max = 64                # BEGIN … COMMIT rounds of one invocation
//!     stage_attempts_max = 6         # staging tables of one invocation
//!     resends_max = 8                # the same statement again after 401, 429 or "not sent"
//!     drop_attempts_max = 3
//!     round_reserve = "10s"          # a new round starts only with this much time left
//!     patience_quick = "30s"         # for statements that touch few rows
//!     patience_stage = "2m"
//!     patience_merge = "4m"
//!     trust_commit = false           # true once `doctor` saw that COMMIT of a failed transaction errs
//!     refuses_dead_transactions = false  # true once it saw that a lost transaction's id is refused
//!     order = "load_timestamp"       # or "AR_H_CHANGE_SEQ"
//!     dropped_columns = []
//!
//!     [backoff]
//!     base = "250ms"
//!     max = "15s"
//!
//!     [drop_backoff]
//!     base = "1s"
//!     max = "8s"
//! "#).expect("the documented example is the default");
//! assert_eq!(policy, merge_protocol::policy::Policy::default());
//! ```

use crate::change::OrderScheme;
use crate::retry::Backoff;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// The knobs. See the module's example for the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Rounds of one invocation. Reaching it leaves the files to the next delivery.
    pub rounds_max: u32,
    /// Staging tables of one invocation.
    pub stage_attempts_max: u32,
    /// How often one statement is sent again after it was refused before execution.
    pub resends_max: u32,
    /// Tries to drop a staging table.
    pub drop_attempts_max: u32,
    /// Time that must be left for another round to be begun.
    #[serde(with = "span")]
    pub round_reserve: Duration,
    /// Patience with statements that touch few rows.
    #[serde(with = "span")]
    pub patience_quick: Duration,
    /// Patience with CREATE TABLE AS … READ_PARQUET and with counting.
    #[serde(with = "span")]
    pub patience_stage: Duration,
    /// Patience with the two MERGEs.
    #[serde(with = "span")]
    pub patience_merge: Duration,
    /// Whether a 2xx to COMMIT proves the commit. Where COMMIT of a failed transaction is not
    /// known to be an error, the ledger is asked instead (one more SELECT a file).
    pub trust_commit: bool,
    /// Whether a statement that carries the id of a lost transaction is certainly refused. Where it might
    /// run on its own, a round asks from outside whether its fence was committed ahead of it (one more
    /// SELECT a round).
    pub refuses_dead_transactions: bool,
    /// Which column orders the changes of a file.
    pub order: Order,
    /// Columns of the target that the source has declared dropped.
    pub dropped_columns: BTreeSet<String>,
    /// Waits between rounds and between tries.
    pub backoff: Backoff,
    /// Waits between tries to drop a staging table.
    pub drop_backoff: Backoff,
}

/// The column that orders changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// DMS's counter; exact.
    #[serde(rename = "AR_H_CHANGE_SEQ")]
    ChangeSeq,
    /// MySQL's commit time; ties are resolved by file and row.
    #[serde(rename = "load_timestamp")]
    LoadTimestamp,
}

impl Order {
    /// The column's name.
    pub fn column(self) -> &'static str {
        match self {
            Order::ChangeSeq => "AR_H_CHANGE_SEQ",
            Order::LoadTimestamp => "load_timestamp",
        }
    }

    /// The scheme that the text begins with.
    pub fn scheme(self) -> OrderScheme {
        match self {
            Order::ChangeSeq => OrderScheme::ChangeSeq,
            Order::LoadTimestamp => OrderScheme::CommitTime,
        }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            rounds_max: 64,
            stage_attempts_max: 6,
            resends_max: 8,
            drop_attempts_max: 3,
            round_reserve: Duration::from_secs(10),
            patience_quick: Duration::from_secs(30),
            patience_stage: Duration::from_secs(120),
            patience_merge: Duration::from_secs(240),
            trust_commit: false,
            refuses_dead_transactions: false,
            order: Order::LoadTimestamp,
            dropped_columns: BTreeSet::new(),
            backoff: Backoff { base: Duration::from_millis(250), max: Duration::from_secs(15) },
            drop_backoff: Backoff { base: Duration::from_secs(1), max: Duration::from_secs(8) },
        }
    }
}

/// Durations written as `"250ms"`, `"10s"`, `"2m"`, `"1h"`.
pub mod span {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

    /// Reads a duration.
    ///
    /// # Errors
    /// With what was read and what would fit.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        match (number.parse::<u64>(), factor) {
            (Ok(number), Some(factor)) if number <= u64::MAX / 3_600_000 => {
                Ok(Duration::from_millis(number * factor))
            }
            _ => Err(format!("`{text}` is no duration; write a whole number and ms, s, m or h")),
        }
    }

    pub(crate) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        let millis = span.as_millis();
        let (name, factor) = UNITS
            .iter()
            .rev()
            .find(|(_, factor)| millis.is_multiple_of(u128::from(*factor)))
            .unwrap_or(&UNITS[0]);
        to.serialize_str(&format!("{}{name}", millis / u128::from(*factor)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_round_trip_and_unknown_keys_are_errors() {
        let text = toml::to_string(&Policy::default()).expect("serialises");
        assert_eq!(toml::from_str::<Policy>(&text).expect("reads back"), Policy::default());
        let error = toml::from_str::<Policy>("rounds = 3").expect_err("unknown key").to_string();
        assert!(error.contains("unknown field `rounds`"), "{error}");
        let error = toml::from_str::<Policy>("round_reserve = \"soon\"").expect_err("no duration");
        assert!(error.to_string().contains("`soon` is no duration"), "{error}");
    }
}
