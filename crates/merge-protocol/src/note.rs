//! What happened on the way: for operators' logs and for the simulator's coverage marks.
//!
//! Notes never decide anything. Their human texts are those that operators filter by (field report);
//! their marks are stable names that scenarios ask for.

use serde::Serialize;

macro_rules! notes {
    ($($(#[$doc:meta])* $name:ident $({ $($field:ident: $type:ty),* })? = $mark:literal,)*) => {
        /// One thing worth saying.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        pub enum Note { $($(#[$doc])* $name $({ $(
            /// See the variant.
            $field: $type
        ),* })?,)* }

        impl Note {
            /// Every mark, in the order of the documentation.
            pub const MARKS: &[&str] = &[$($mark,)*];

            /// The stable name.
            pub fn mark(&self) -> &'static str {
                match self { $(Note::$name $({ $($field: _),* })? => $mark,)* }
            }
        }
    };
}

notes! {
    /// A connection-level error.
    ConnectionError { text: String } = "merge.connection-error",
    /// The first good reply after one.
    Reconnected = "merge.reconnected",
    /// The budget was spent on connection errors.
    ReconnectFailed { text: String } = "merge.reconnect-failed",
    /// One of our own tables was set up.
    Bootstrapped { table: String } = "merge.bootstrap",
    /// Another staging table is made, because the first is in doubt, lost or wrong.
    StageAgain = "merge.stage.again",
    /// A round ended in a conflict: another merge of the table committed first.
    Conflict = "merge.conflict",
    /// A round was given up before its COMMIT was sent.
    RoundAbandoned { text: String } = "merge.round.abandoned",
    /// A COMMIT without a clear answer.
    InDoubt { text: String } = "merge.commit.in-doubt",
    /// The next round found the files in the ledger: it had landed.
    FoundAfterDoubt = "merge.check.found-after-doubt",
    /// The next round did not find them: it had not.
    AbsentAfterDoubt = "merge.check.absent-after-doubt",
    /// A file was in the ledger before this invocation merged it.
    AlreadyApplied = "merge.already-applied",
    /// COMMIT was answered as done, and the ledger does not have it.
    CommitUnconfirmed = "merge.commit.unconfirmed",
    /// A refusal that looks final, once: it is tried again before anything is set aside for it.
    RefusedOnce { text: String } = "merge.refused-once",
    /// The generation changed under the plan: planned anew.
    Replanned = "merge.replanned",
    /// One file is committed.
    MergeCompleted { table: String } = "merge.completed",
    /// One file is set aside.
    Quarantined { code: &'static str } = "merge.quarantined",
    /// The staging table is gone.
    CleanedUp { table: String } = "merge.cleaned-up",
    /// A DROP failed and is tried again.
    DropRetried { table: String, attempt: u32, attempts_max: u32 } = "merge.drop.retried",
    /// The DROP failed for good; the sweeper will do it.
    DropFailed { table: String, attempts: u32 } = "merge.drop.failed",
    /// Not enough time for another round.
    OutOfTime = "merge.out-of-time",
}

impl std::fmt::Display for Note {
    /// The log text. Operators' filters match these words (field report), two spaces after the
    /// warning sign included.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Note::ConnectionError { text } => {
                write!(f, "⚠️  Connection error detected, attempting to reconnect: {text}")
            }
            Note::Reconnected => f.write_str("✓ Reconnected successfully, retrying query"),
            Note::ReconnectFailed { text } => write!(f, "✗ Retry after reconnect failed: {text}"),
            Note::Bootstrapped { table } => write!(f, "set up {table}"),
            Note::StageAgain => f.write_str("staging again under a new name"),
            Note::Conflict => f.write_str("another merge of the table committed first, next round"),
            Note::RoundAbandoned { text } => write!(f, "round given up before COMMIT: {text}"),
            Note::InDoubt { text } => write!(f, "COMMIT in doubt, asking the ledger: {text}"),
            Note::FoundAfterDoubt => f.write_str("the COMMIT in doubt had landed"),
            Note::AbsentAfterDoubt => {
                f.write_str("the COMMIT in doubt had not landed, merging again")
            }
            Note::AlreadyApplied => f.write_str("already applied"),
            Note::CommitUnconfirmed => f.write_str("COMMIT was answered and not found, next round"),
            Note::RefusedOnce { text } => write!(f, "refused, trying once more: {text}"),
            Note::Replanned => f.write_str("the table's generation changed, planning anew"),
            Note::MergeCompleted { table } => write!(f, "✓ MERGE completed for {table}"),
            Note::Quarantined { code } => write!(f, "file set aside: {code}"),
            Note::CleanedUp { table } => write!(f, "✓ Cleaned up staging table {table}"),
            Note::DropRetried { table, attempt, attempts_max } => {
                write!(f, "⚠️  Failed to drop {table} (attempt {attempt}/{attempts_max}), retrying")
            }
            Note::DropFailed { table, attempts } => {
                write!(f, "✗ Failed to drop {table} after {attempts} attempts")
            }
            Note::OutOfTime => f.write_str("not enough time left for another round"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_filters_still_match() {
        let table = || "stg_x".to_owned();
        let drop = Note::DropRetried { table: table(), attempt: 1, attempts_max: 3 };
        for (note, words) in [
            (Note::Reconnected, "✓ Reconnected successfully, retrying query"),
            (Note::CleanedUp { table: table() }, "✓ Cleaned up staging table stg_x"),
            (Note::MergeCompleted { table: "users".into() }, "✓ MERGE completed for users"),
            (drop, "⚠️  Failed to drop stg_x (attempt 1/3), retrying"),
            (
                Note::ConnectionError { text: String::new() },
                "⚠️  Connection error detected, attempting to reconnect",
            ),
            (
                Note::DropFailed { table: table(), attempts: 3 },
                "✗ Failed to drop stg_x after 3 attempts",
            ),
            (Note::ReconnectFailed { text: String::new() }, "✗ Retry after reconnect failed"),
        ] {
            assert!(note.to_string().starts_with(words), "{note}");
        }
    }
}
