//! The rungs as data: every difference between two of them is a knob here, and nothing else is.
//! Source of each value: prior-policies, the section of that rung.

use crate::plan::Policy;

/// How a file gets into its staging table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    /// COPY with AUTO_CREATE into a name that all tries of one event share.
    Copy,
    /// Two CREATE TABLE AS under a name made of milliseconds, then dedup by ROW_NUMBER.
    Numbered,
}

/// Whether the staged keys are deleted from the target before a MERGE, in an autocommit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delete {
    /// Never.
    Never,
    /// Before every try but the first; if it fails, go on.
    BeforeRetry,
    /// Before every try; if it fails, go on.
    Always,
    /// Before every try; if it fails, the file fails and is not tried again.
    AlwaysOrFail,
}

/// What `cdc_processed_files` is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markers {
    /// It does not exist yet.
    None,
    /// Ask, mark as processing, work, mark as completed.
    AroundTheWork,
    /// Ask, work, mark as completed.
    AfterTheWork,
}

/// When a failed MERGE is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeRetry {
    /// Parts of the error's text, in lower case.
    pub texts: &'static [&'static str],
    /// Whether an HTTP status of 409 or 5xx counts as well. Structured errors carry none.
    pub by_status: bool,
    /// After the k-th failure it waits `base^(k−1)` seconds …
    pub base: u64,
    /// … but never more than this …
    pub wait_max_seconds: u64,
    /// … plus a uniform time up to this.
    pub jitter_millis: u64,
}

/// One rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Its name in reports.
    pub policy: Policy,
    /// Whether a connection-like error makes it reconnect and run the same SQL once more.
    pub reconnects: bool,
    /// How often a clean-up tries its DROP.
    pub drop_tries: u32,
    /// How files are staged.
    pub staging: Staging,
    /// DELETE before MERGE.
    pub delete: Delete,
    /// The processed-files table.
    pub markers: Markers,
    /// The MERGE's own retries, at most [`MERGE_TRIES`].
    pub merge: MergeRetry,
}

/// How often a MERGE is tried, on every rung.
pub const MERGE_TRIES: u32 = 10;

/// The words that prior-1 takes for a lost connection. `session` also matches every error that
/// names a table `sessions`, and "disconnected" matches none of them.
pub const CONNECTION_WORDS: [&str; 6] =
    ["connection", "engine", "session", "cannot be retried", "timeout", "closed"];

const BY_CONFLICT: MergeRetry = MergeRetry {
    texts: &["code: 9", "code:9", "conflict", "cannot be retried"],
    by_status: true,
    base: 3,
    wait_max_seconds: 243,
    jitter_millis: 2000,
};

/// Before the field report's fix.
const PRIOR_0: Rung = Rung {
    policy: Policy::Prior0,
    reconnects: false,
    drop_tries: 1,
    staging: Staging::Copy,
    delete: Delete::Never,
    markers: Markers::None,
    merge: BY_CONFLICT,
};

/// The field report's fix.
const PRIOR_1: Rung = Rung { policy: Policy::Prior1, reconnects: true, drop_tries: 3, ..PRIOR_0 };

const PRIOR_2: Rung = Rung { policy: Policy::Prior2, delete: Delete::BeforeRetry, ..PRIOR_1 };

const PRIOR_3: Rung = Rung { policy: Policy::Prior3, delete: Delete::Always, ..PRIOR_1 };

const PRIOR_4: Rung = Rung {
    policy: Policy::Prior4,
    delete: Delete::AlwaysOrFail,
    markers: Markers::AroundTheWork,
    ..PRIOR_1
};

/// Both fixes of prior-1 were lost in a rewrite.
const PRIOR_5: Rung = Rung {
    policy: Policy::Prior5,
    reconnects: false,
    drop_tries: 1,
    staging: Staging::Numbered,
    delete: Delete::Never,
    markers: Markers::AfterTheWork,
    merge: MergeRetry {
        texts: &["mvcc", "concurrent", "conflict"],
        by_status: false,
        base: 2,
        wait_max_seconds: 512,
        jitter_millis: 1000,
    },
};

impl Rung {
    /// The rung of a policy; `None` for our engine.
    pub fn of(policy: Policy) -> Option<Rung> {
        Some(match policy {
            Policy::Engine => return None,
            Policy::Prior0 => PRIOR_0,
            Policy::Prior1 => PRIOR_1,
            Policy::Prior2 => PRIOR_2,
            Policy::Prior3 => PRIOR_3,
            Policy::Prior4 => PRIOR_4,
            Policy::Prior5 => PRIOR_5,
        })
    }

    /// Whether this rung takes the text for a lost connection.
    pub fn takes_for_connection_error(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.reconnects && CONNECTION_WORDS.iter().any(|word| text.contains(word))
    }
}

impl MergeRetry {
    /// Whether a MERGE that failed so is tried again.
    pub fn applies(&self, text: &str, status: Option<u16>) -> bool {
        let text = text.to_lowercase();
        self.texts.iter().any(|part| text.contains(part))
            || (self.by_status && status.is_some_and(|status| status == 409 || status >= 500))
    }

    /// Seconds to wait after the k-th failure, before jitter.
    pub fn wait_seconds(&self, failures: u32) -> u64 {
        self.base.saturating_pow(failures.saturating_sub(1)).min(self.wait_max_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_wait_passes_the_lambda_time_out() {
        let waits: Vec<u64> = (1..=6).map(|failure| BY_CONFLICT.wait_seconds(failure)).collect();
        assert_eq!(waits, [1, 3, 9, 27, 81, 243]);
        assert_eq!(waits[..5].iter().sum::<u64>(), 121);
        assert_eq!(BY_CONFLICT.wait_seconds(9), 243);
    }

    #[test]
    fn the_keywords_match_as_they_did() {
        let rung = Rung::of(Policy::Prior1).expect("a prior rung");
        for (text, expected) in [
            ("[Errno 104] Connection reset by peer", true),
            ("Error executing query:\nQuery of type 'DML Merge' cannot be retried", true),
            ("relation \"sessions\" does not exist", true),
            ("All connection attempts failed", true),
            ("Query execution timed out.", false),
            ("Server disconnected without sending a response.", false),
            ("Error executing query:\nInternal error", false),
        ] {
            assert_eq!(rung.takes_for_connection_error(text), expected, "{text}");
            let before = Rung::of(Policy::Prior0).expect("a prior rung");
            assert!(!before.takes_for_connection_error(text));
        }
    }

    #[test]
    fn a_merge_is_tried_again_by_text_or_by_a_status_that_hardly_ever_comes() {
        let conflict = "Failed to commit transaction, error: 'detected 2 conflicts with 1 \
                        transactions on transaction commit', code: 9";
        assert!(BY_CONFLICT.applies(conflict, None));
        assert!(BY_CONFLICT.applies("Query of type 'DML Merge' cannot be retried", None));
        assert!(BY_CONFLICT.applies("Client error", Some(409)));
        assert!(!BY_CONFLICT.applies("Client error", Some(400)));
        assert!(!BY_CONFLICT.applies("[Errno 104] Connection reset by peer", None));
        assert!(!PRIOR_5.merge.applies("Query of type 'DML Merge' cannot be retried", Some(500)));
    }
}
