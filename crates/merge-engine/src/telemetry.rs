//! What the engine says: structured log lines whose human message is the text operators filter by.

pub use merge_protocol::note::Note;

/// Hears every note of every merge. Must not block: it is called between two commands.
pub trait Observer: Send + Sync + 'static {
    /// Something worth saying happened while merging into `target`.
    fn note(&self, target: &str, note: &Note);
}

/// Writes notes as log lines: the mark as a field, the text as the message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logged;

impl Observer for Logged {
    fn note(&self, target: &str, note: &Note) {
        let mark = note.mark();
        match note {
            Note::DropFailed { .. } | Note::ReconnectFailed { .. } => {
                tracing::error!(table = target, mark, "{note}");
            }
            Note::ConnectionError { .. }
            | Note::DropRetried { .. }
            | Note::InDoubt { .. }
            | Note::RoundAbandoned { .. }
            | Note::CommitUnconfirmed
            | Note::RefusedOnce { .. }
            | Note::Quarantined { .. }
            | Note::OutOfTime => tracing::warn!(table = target, mark, "{note}"),
            Note::Reconnected
            | Note::Bootstrapped { .. }
            | Note::StageAgain
            | Note::Conflict
            | Note::FoundAfterDoubt
            | Note::AbsentAfterDoubt
            | Note::AlreadyApplied
            | Note::Replanned
            | Note::MergeCompleted { .. }
            | Note::CleanedUp { .. } => tracing::info!(table = target, mark, "{note}"),
        }
    }
}
