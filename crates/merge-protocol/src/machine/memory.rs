//! What a machine remembers between two replies, and the moves that every part of the table shares:
//! entering a state, waiting, giving up, settling, going on to the next files.
//!
//! Bounds are checked here, on entering, so that no path around them exists.

use super::state::{Body, BodyOf, Command, Inputs, State};
use crate::note::Note;
use crate::object::FileId;
use crate::outcome::{FileOutcome, Reason, Unfinished};
use crate::plan::{Batch, Look, MergePlan, Task};
use crate::staging::{Attempt, staging_table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

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

    /// Goes on at once after the first failure since something was settled, and then with waits that
    /// grow: what fails over and over must not be asked over and over.
    pub(super) fn at_once_then_later(
        &mut self,
        next: State,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        self.failures += 1;
        if self.failures <= 1 {
            return next;
        }
        let wait = self.task.policy.backoff.wait(self.failures, inputs.jitter);
        self.pause(wait, next, inputs, notes)
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
