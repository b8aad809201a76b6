//! How a merge ends, file by file, and what the caller must do with the message.
//!
//! A message may be acknowledged exactly when its file is applied or set aside for good. Everything
//! else leaves the message to the next delivery, which is always right and never needs to wait.

use crate::failure::Failure;
use serde::Serialize;

/// How one file ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum FileOutcome {
    /// This invocation committed it.
    Applied,
    /// An earlier or another invocation had committed it.
    AlreadyApplied,
    /// It will always fail: a quarantine event is committed, an operator decides.
    Quarantined(Reason),
    /// Not settled: the next delivery goes on.
    Unfinished(Unfinished),
}

impl FileOutcome {
    /// Whether the message may be acknowledged.
    pub fn is_settled(&self) -> bool {
        match self {
            FileOutcome::Applied | FileOutcome::AlreadyApplied | FileOutcome::Quarantined(_) => {
                true
            }
            FileOutcome::Unfinished(_) => false,
        }
    }
}

/// Why a file is not settled. Nothing of it is half done: either nothing was committed, or whether
/// it was is in doubt and the next delivery finds out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Unfinished {
    /// Not enough time was left for another round.
    OutOfTime {
        /// The last failure, if there was one.
        last: Option<String>,
    },
    /// A bound of the policy was reached.
    BoundReached {
        /// Which knob.
        knob: String,
        /// The last failure, if there was one.
        last: Option<String>,
    },
    /// The warehouse refuses what every merge needs: sign-on, a permission, a transaction id, one of
    /// our own statements. No data's fault, so nothing is set aside; it is for an operator.
    Stopped(Failure),
    /// The target table does not exist, or this account may not see it. Nothing is set aside for it:
    /// somebody may be recreating it.
    TargetMissing {
        /// Its name.
        table: String,
    },
    /// The table's changes were ordered by another column so far. Within one generation the two
    /// orders cannot be compared: a reload begins a new one.
    OrderChanged {
        /// A recorded order.
        recorded: String,
    },
    /// The table's control row is missing or doubled. It is never rebuilt with an empty horizon:
    /// `firebolt-merge doctor` says what is there, `adopt` sets it up again.
    ControlBroken {
        /// How many control rows there are.
        rows: usize,
    },
}

/// Why a file is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// A stable code, for counting and filtering.
    pub code: ReasonCode,
    /// What exactly, with the place: row, column, value's kind. Never row values.
    pub detail: String,
}

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The stable codes of quarantine.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub enum ReasonCode { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl ReasonCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[ReasonCode] = &[$(ReasonCode::$name,)*];

            /// The text in the quarantine table.
            pub fn as_str(self) -> &'static str {
                match self { $(ReasonCode::$name => $text,)* }
            }
        }
    };
}

reason_codes! {
    /// The object is no Parquet file, or is cut.
    Unreadable = "unreadable",
    /// The object is gone.
    ObjectMissing = "object-missing",
    /// The object under this key is another one by now.
    Superseded = "superseded",
    /// The ledger knows this key with another etag.
    ObjectOverwritten = "object-overwritten",
    /// The file has no column for a key part.
    KeyMissing = "key-missing",
    /// A key part is NULL.
    NullKey = "null-key",
    /// A key part changes its value when cast to the table's type.
    KeyCast = "key-cast",
    /// A key part is a floating-point number.
    FloatKey = "float-key",
    /// The ordering column is missing, NULL or out of range.
    NullOrder = "null-order",
    /// An Op other than I, U and D.
    UnknownOp = "unknown-op",
    /// A column of our own prefix.
    ReservedColumn = "reserved-column",
    /// A nested or otherwise unsupported column.
    UnsupportedColumn = "unsupported-column",
    /// The columns cannot be brought into the table without loss.
    Schema = "schema",
    /// Staged rows, expected rows and distinct keys do not agree.
    CountsDisagree = "counts-disagree",
    /// Rows at or below the horizon whose key has no version: refused, counted, never applied.
    BelowHorizon = "below-horizon",
    /// The table's keys are not declared in the configuration.
    KeysNotDeclared = "keys-not-declared",
    /// The server refuses for good.
    Refused = "refused",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settled_files_are_acknowledged() {
        let reason = Reason { code: ReasonCode::NullKey, detail: "row 3".into() };
        assert!(FileOutcome::Applied.is_settled());
        assert!(FileOutcome::Quarantined(reason).is_settled());
        let out_of_time = Unfinished::OutOfTime { last: None };
        assert!(!FileOutcome::Unfinished(out_of_time).is_settled());
    }

    #[test]
    fn codes_are_distinct() {
        let mut texts: Vec<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ReasonCode::ALL.len());
    }
}
