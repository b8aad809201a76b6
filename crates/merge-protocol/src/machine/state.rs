//! States, commands and replies: the vocabulary of the transition table. Nothing here decides.

use super::memory::Merge;
use crate::failure::Failure;
use crate::note::Note;
use crate::object::FileId;
use crate::outcome::Reason;
use crate::plan::{Batch, Beside, ControlRow, Look};
use crate::schema::Column;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the world contributes to a step besides the reply.
#[derive(Debug, Clone, Copy)]
pub struct Inputs {
    /// The time, since an instant of the caller's choice; the task's deadline is on the same clock.
    pub now: Duration,
    /// Any number: spreads waits.
    pub jitter: u64,
    /// 128 random bits that nobody else draws: names a staging table for ever.
    pub entropy: u128,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// Read the catalogue and the control row.
    Look,
    /// Create one of our own tables.
    Bootstrap(Beside),
    /// Ask ledger and quarantine, outside any transaction.
    Probe,
    /// Read the pending files and write one reduced file.
    Normalise,
    /// Add a column to the target.
    AddColumn(Column),
    /// Fill a new staging table.
    Stage,
    /// Count it.
    Count,
    /// Open a transaction.
    Begin,
    /// Rewrite the control row.
    Fence,
    /// Read the control row and the ledger behind the fence.
    Check,
    /// Ask, outside the transaction, whether our fence is committed.
    Guard,
    /// Step 3.
    Merge,
    /// Step 4.
    Versions,
    /// Record that rows of this file lay below the horizon.
    RecordBelowHorizon(FileId),
    /// Step 5.
    Ledger,
    /// Record that this file is set aside.
    SetAside(FileId),
    /// Commit.
    Commit,
    /// Ask ledger and quarantine whether it is committed.
    Confirm,
    /// Give the transaction up, if it can be reached.
    Rollback,
    /// Drop the staging table.
    Drop,
    /// Wait, then reply [`Reply::Waited`].
    Pause(Duration),
    /// The end: read [`Merge::outcomes`].
    Finish,
}

/// What a command gave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It is done; there is nothing to say about it. COMMIT: answered 2xx without errors.
    Done,
    /// To [`Command::Look`].
    Looked(Look),
    /// To [`Command::Probe`] and [`Command::Confirm`].
    Probed(Vec<Found>),
    /// To [`Command::Normalise`].
    Normalised(Normalised),
    /// To [`Command::Count`].
    Counted(Counts),
    /// To [`Command::Begin`]: answered with a transaction id.
    Opened,
    /// To [`Command::Check`].
    Checked(CheckView),
    /// To [`Command::Guard`]: whether our token is committed.
    Guarded(bool),
    /// To [`Command::Pause`].
    Waited,
    /// To anything but a pause.
    Failed(Failure),
}

impl Reply {
    fn name(&self) -> &'static str {
        match self {
            Reply::Done => "Done",
            Reply::Looked(_) => "Looked",
            Reply::Probed(_) => "Probed",
            Reply::Normalised(_) => "Normalised",
            Reply::Counted(_) => "Counted",
            Reply::Opened => "Opened",
            Reply::Checked(_) => "Checked",
            Reply::Guarded(_) => "Guarded",
            Reply::Waited => "Waited",
            Reply::Failed(_) => "Failed",
        }
    }
}

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FoundIn {
    /// It is applied.
    Ledger,
    /// It is set aside.
    Quarantine,
}

/// A row of the ledger or of the quarantine, seen from outside a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Found {
    /// Where.
    pub found: FoundIn,
    /// Which file.
    pub file: FileId,
    /// In which generation.
    pub generation: u64,
    /// Under which key.
    pub object_key: String,
    /// By which attempt (ledger only).
    pub attempt: String,
}

/// What reading the files gave.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Normalised {
    /// Files that were reduced together; those that are neither here nor refused wait for the next
    /// turn, because they have other columns.
    pub batch: Batch,
    /// Files that will never be readable as they are.
    pub refused: BTreeMap<FileId, Reason>,
}

/// What counting a staging table gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Rows.
    pub rows: u64,
    /// Distinct canonical keys.
    pub keys: u64,
    /// Distinct keys as the target's types see them.
    pub key_columns: u64,
}

/// A ledger row, seen behind the fence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerHit {
    /// Which file.
    pub file: FileId,
    /// In which generation.
    pub generation: u64,
    /// By which attempt.
    pub attempt: String,
}

/// What the check saw.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CheckView {
    /// How many control rows there are.
    pub control_rows: usize,
    /// One of them.
    pub control: Option<ControlRow>,
    /// Our files that the ledger has.
    pub hits: BTreeSet<LedgerHit>,
}

impl CheckView {
    /// Reads the join of control rows and ledger rows: each control row stands there once for every
    /// ledger row, or once alone.
    pub fn from_rows(rows: Vec<(ControlRow, Option<LedgerHit>)>) -> CheckView {
        let first = rows.first().cloned();
        let control_rows = match &first {
            None => 0,
            Some((_, hit)) => rows.iter().filter(|(_, other)| other == hit).count(),
        };
        CheckView {
            control_rows,
            control: first.map(|(control, _)| control),
            hits: rows.into_iter().filter_map(|(_, hit)| hit).collect(),
        }
    }
}

/// What a round is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Body {
    /// Merge the batch.
    Apply,
    /// Set files aside.
    Aside,
}

/// BEGIN was answered with an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Opened {
    pub(super) body: Body,
}

/// The control row carries our token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fenced {
    pub(super) opened: Opened,
}

/// Behind the fence, the ledger has none of our files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checked {
    pub(super) fenced: Fenced,
}

/// The target is merged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Merged {
    pub(super) checked: Checked,
}

/// The versions are merged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Versioned {
    pub(super) merged: Merged,
}

/// Everything that a commit must contain is in the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ready {
    /// The merge, its versions and its ledger rows.
    Recorded(Versioned),
    /// The quarantine events of files that the ledger does not have.
    Aside(Checked),
}

impl Ready {
    pub(super) fn body(&self) -> Body {
        match self {
            Ready::Recorded(versioned) => versioned.merged.checked.fenced.opened.body,
            Ready::Aside(checked) => checked.fenced.opened.body,
        }
    }
}

/// What the machine waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State {
    /// The catalogue.
    Looking,
    /// One of our own tables.
    Bootstrapping(Beside),
    /// Ledger and quarantine, before any work.
    Probing,
    /// The reduced file.
    Normalising,
    /// New columns, the first of them now.
    Adding(Vec<Column>),
    /// The staging table.
    Staging,
    /// Its counts.
    Counting,
    /// A transaction.
    Opening(BodyOf),
    /// The fence.
    Fencing(Opened),
    /// What is behind it.
    Checking(Fenced),
    /// Whether the transaction is one.
    Guarding(Checked),
    /// Step 3.
    Merging(Checked),
    /// Step 4.
    Versioning(Merged),
    /// Events for rows below the horizon, of these files.
    Refusing(Versioned, Vec<FileId>),
    /// Step 5.
    Recording(Versioned),
    /// Quarantine events, of these files.
    SettingAside(Checked, Vec<FileId>),
    /// The commit.
    Committing(Ready),
    /// Whether a commit that was answered is really there.
    Confirming(BodyOf),
    /// The rollback, whose reply does not matter.
    RollingBack(Box<State>),
    /// The DROP.
    Dropping,
    /// Time.
    Pausing(Duration, Box<State>),
    /// Nothing.
    Done,
}

/// What a round is for, from outside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BodyOf(pub(super) Body);

/// A reply that the last command cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reply {reply} does not answer state {state}")]
pub struct Illegal {
    /// The state.
    pub state: String,
    /// The reply.
    pub reply: &'static str,
}

impl Illegal {
    pub(super) fn of(state: &State, reply: &Reply) -> Illegal {
        Illegal { state: format!("{state:?}"), reply: reply.name() }
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// The machine after it.
    pub merge: Merge,
    /// What to do next.
    pub command: Command,
    /// What is worth saying.
    pub notes: Vec<Note>,
}
