//! States, commands, replies, and what a machine remembers between them.

use crate::failure::Failure;
use crate::note::Note;
use crate::object::FileId;
use crate::outcome::{FileOutcome, Reason, Unfinished};
use crate::plan::{Batch, Beside, ControlRow, Look, MergePlan, Task};
use crate::schema::Column;
use crate::staging::{Attempt, staging_table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
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

/// A staging table of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Staged {
    pub(super) attempt: Attempt,
    pub(super) table: String,
    pub(super) counted: bool,
}

/// A merge of one task, between two replies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Merge {
    pub(super) task: Arc<Task>,
    pub(super) state: State,
    /// Neither settled nor set aside.
    pub(super) pending: BTreeSet<FileId>,
    /// To be set aside by the next round.
    pub(super) aside: BTreeMap<FileId, Reason>,
    pub(super) settled: BTreeMap<FileId, FileOutcome>,
    pub(super) look: Option<Look>,
    pub(super) batch: Option<Batch>,
    pub(super) plan: Option<MergePlan>,
    pub(super) staged: Option<Staged>,
    /// `attempt.round`: what the fence carries.
    pub(super) token: String,
    /// As the check of this round saw it.
    pub(super) horizon: String,
    pub(super) round: u32,
    pub(super) attempts: u32,
    /// Failed tries since something was settled: they lengthen the waits.
    pub(super) failures: u32,
    /// Of one statement that was refused before execution.
    pub(super) resends: u32,
    pub(super) drops: u32,
    pub(super) recounts: u32,
    /// Of this batch's statements, for good as far as their words go.
    pub(super) refusals: u32,
    /// Files are no longer reduced together: one of them is refused, and it is not known which.
    pub(super) one_by_one: bool,
    pub(super) doubt: bool,
    pub(super) disconnected: bool,
    pub(super) last: Option<String>,
    pub(super) stop: Option<Unfinished>,
}

impl Merge {
    pub(super) fn new(task: Arc<Task>) -> Merge {
        let pending: BTreeSet<FileId> = task.files.keys().cloned().collect();
        let state = if pending.is_empty() { State::Done } else { State::Looking };
        Merge {
            task,
            state,
            pending,
            aside: BTreeMap::new(),
            settled: BTreeMap::new(),
            look: None,
            batch: None,
            plan: None,
            staged: None,
            token: String::new(),
            horizon: String::new(),
            round: 0,
            attempts: 0,
            failures: 0,
            resends: 0,
            drops: 0,
            recounts: 0,
            refusals: 0,
            one_by_one: false,
            doubt: false,
            disconnected: false,
            last: None,
            stop: None,
        }
    }

    /// The command that belongs to the state.
    pub fn command(&self) -> Command {
        match &self.state {
            State::Looking => Command::Look,
            State::Bootstrapping(table) => Command::Bootstrap(*table),
            State::Probing => Command::Probe,
            State::Normalising => Command::Normalise,
            State::Adding(columns) => match columns.first() {
                Some(column) => Command::AddColumn(column.clone()),
                // Never entered without a column; looking again is right whatever happened.
                None => Command::Look,
            },
            State::Staging => Command::Stage,
            State::Counting => Command::Count,
            State::Opening(_) => Command::Begin,
            State::Fencing(_) => Command::Fence,
            State::Checking(_) => Command::Check,
            State::Guarding(_) => Command::Guard,
            State::Merging(_) => Command::Merge,
            State::Versioning(_) => Command::Versions,
            State::Refusing(_, left) => match left.first() {
                Some(id) => Command::RecordBelowHorizon(id.clone()),
                None => Command::Ledger,
            },
            State::Recording(_) => Command::Ledger,
            State::SettingAside(_, left) => match left.first() {
                Some(id) => Command::SetAside(id.clone()),
                None => Command::Commit,
            },
            State::Committing(_) => Command::Commit,
            State::Confirming(_) => Command::Confirm,
            State::RollingBack(_) => Command::Rollback,
            State::Dropping => Command::Drop,
            State::Pausing(wait, _) => Command::Pause(*wait),
            State::Done => Command::Finish,
        }
    }

    /// What is being merged.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Files that are neither settled nor set aside.
    pub fn pending(&self) -> &BTreeSet<FileId> {
        &self.pending
    }

    /// Whether each batch must hold a single file.
    pub fn is_one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// What the catalogue said last.
    pub fn look(&self) -> Option<&Look> {
        self.look.as_ref()
    }

    /// `attempt.round`: the label of every statement, so that a running one can be told apart.
    pub fn label(&self) -> &str {
        &self.token
    }

    /// The horizon as the check of this round saw it.
    pub fn horizon(&self) -> &str {
        &self.horizon
    }

    /// The batch that is being merged.
    pub fn batch(&self) -> Option<&Batch> {
        self.batch.as_ref()
    }

    /// The staging table, if there is one.
    pub fn staging(&self) -> Option<&str> {
        self.staged.as_ref().map(|staged| staged.table.as_str())
    }

    /// What happens on entering a state that needs something new: a round its number and token, a
    /// staging table its name. Bounds are checked here, so that no path around them exists.
    pub(super) fn enter(&mut self, inputs: Inputs, notes: &mut Vec<Note>) {
        let policy = &self.task.policy;
        let in_time = self.task.deadline.allows(inputs.now, Duration::ZERO, policy.round_reserve);
        match &self.state {
            State::Opening(_) if self.round >= policy.rounds_max => self.bound("rounds_max", notes),
            State::Staging if self.attempts >= policy.stage_attempts_max => {
                self.bound("stage_attempts_max", notes);
            }
            State::Opening(_) | State::Staging if !in_time => self.out_of_time(notes),
            State::Opening(_) => {
                self.round += 1;
                let attempt =
                    self.staged.as_ref().map_or(Attempt(inputs.entropy), |staged| staged.attempt);
                self.token = format!("{attempt}.{}", self.round);
            }
            State::Staging => {
                self.attempts += 1;
                let attempt = Attempt(inputs.entropy);
                let files = self.batch.iter().flat_map(|batch| &batch.files).map(|file| &file.id);
                let table = staging_table(&self.task.target, files, attempt);
                self.token = format!("{attempt}.{}", self.round);
                self.staged = Some(Staged { attempt, table, counted: false });
            }
            State::Looking
            | State::Bootstrapping(_)
            | State::Probing
            | State::Normalising
            | State::Adding(_)
            | State::Counting
            | State::Fencing(_)
            | State::Checking(_)
            | State::Guarding(_)
            | State::Merging(_)
            | State::Versioning(_)
            | State::Refusing(..)
            | State::Recording(_)
            | State::SettingAside(..)
            | State::Committing(_)
            | State::Confirming(_)
            | State::RollingBack(_)
            | State::Dropping
            | State::Pausing(..)
            | State::Done => {}
        }
    }

    fn bound(&mut self, knob: &str, notes: &mut Vec<Note>) {
        let why = Unfinished::BoundReached { knob: knob.to_owned(), last: self.last.clone() };
        self.state = self.give_up(why, notes);
    }

    fn out_of_time(&mut self, notes: &mut Vec<Note>) {
        notes.push(Note::OutOfTime);
        let why = Unfinished::OutOfTime { last: self.last.clone() };
        self.state = self.give_up(why, notes);
    }

    /// Stops without settling what is left. The staging table is dropped all the same.
    pub(super) fn give_up(&mut self, why: Unfinished, notes: &mut Vec<Note>) -> State {
        if self.disconnected {
            let text = self.last.clone().unwrap_or_default();
            notes.push(Note::ReconnectFailed { text });
        }
        self.stop = Some(why);
        if self.staged.is_some() { State::Dropping } else { State::Done }
    }

    /// Waits before `next`, or stops when the wait and a round would pass the deadline.
    pub(super) fn pause(
        &mut self,
        wait: Duration,
        next: State,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        if self.task.deadline.allows(inputs.now, wait, self.task.policy.round_reserve) {
            return State::Pausing(wait, Box::new(next));
        }
        notes.push(Note::OutOfTime);
        self.give_up(Unfinished::OutOfTime { last: self.last.clone() }, notes)
    }

    /// Where to go when nothing is staged: set aside what must be, else the next files, else the end.
    pub(super) fn next_turn(&mut self) -> State {
        if self.stop.is_some() || (self.pending.is_empty() && self.aside.is_empty()) {
            return State::Done;
        }
        if self.look.is_none() {
            return State::Looking;
        }
        if !self.aside.is_empty() {
            return State::Opening(BodyOf(Body::Aside));
        }
        if self.batch.is_some() {
            return self.planned();
        }
        State::Normalising
    }

    /// Gives the batch up and drops its staging table, if there is one.
    pub(super) fn drop_then_next_turn(&mut self) -> State {
        self.batch = None;
        self.plan = None;
        if self.staged.is_some() { State::Dropping } else { self.next_turn() }
    }

    pub(super) fn settle(&mut self, id: &FileId, outcome: FileOutcome, notes: &mut Vec<Note>) {
        self.pending.remove(id);
        self.aside.remove(id);
        self.failures = 0;
        match &outcome {
            FileOutcome::Applied => {
                notes.push(Note::MergeCompleted { table: self.task.target.clone() });
            }
            FileOutcome::AlreadyApplied => notes.push(Note::AlreadyApplied),
            FileOutcome::Quarantined(reason) => {
                notes.push(Note::Quarantined { code: reason.code.as_str() });
            }
            FileOutcome::Unfinished(_) => {}
        }
        self.settled.insert(id.clone(), outcome);
    }

    /// Sets the batch aside. Of several files reduced together only one may be at fault, so they are
    /// taken one by one first.
    pub(super) fn batch_aside(&mut self, reason: &Reason) -> State {
        if self.batch.as_ref().is_some_and(|batch| batch.files.len() > 1) {
            self.one_by_one = true;
            return self.drop_then_next_turn();
        }
        for file in self.batch.take().map(|batch| batch.files).unwrap_or_default() {
            self.pending.remove(&file.id);
            self.aside.insert(file.id, reason.clone());
        }
        self.drop_then_next_turn()
    }
}
