//! The transition table: given a state and a reply, the next command.
//!
//! States are named by what they wait for. Those inside a round carry proof of what was done: a
//! commit cannot be built without a fence that was moved, a check behind it, and the statements of
//! the body, because each of these values has no other constructor than the step that earned it.
//!
//! - `state`: states, commands, replies.
//! - `memory`: what a machine remembers, and the moves that all parts share.
//! - `before`: from the catalogue to a counted staging table.
//! - `round`: BEGIN to COMMIT, and what a commit means.
//! - `failed`: what every failure in every state leads to.
//! - `render`: the statement of a command.
//!
//! Nothing here waits, sends or draws: see [`Inputs`].

mod before;
mod failed;
mod memory;
pub mod render;
mod round;
mod state;

pub use memory::Merge;
pub use state::{
    CheckView, Command, Counts, Found, FoundIn, Illegal, Inputs, LedgerHit, Normalised, Reply,
    State, Step,
};

use crate::note::Note;
use crate::outcome::{FileOutcome, Unfinished};
use crate::plan::Task;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Merge {
    /// A machine for one task, and its first command.
    pub fn start(task: Arc<Task>) -> (Merge, Command) {
        let merge = Merge::new(task);
        let command = merge.command();
        (merge, command)
    }

    /// Takes the reply to the last command and says what to do next.
    ///
    /// # Errors
    /// When the reply is none that the last command can have: a bug of whoever drives.
    pub fn step(mut self, reply: Reply, inputs: Inputs) -> Result<Step, Illegal> {
        let mut notes = Vec::new();
        let state = std::mem::replace(&mut self.state, State::Done);
        if let Reply::Failed(failure) = reply {
            self.note_failure(&failure, &mut notes);
            self.state = self.after_failure(state, failure, inputs, &mut notes);
        } else {
            // A rollback is answered as done whether it arrived or not: it proves no connection.
            if !matches!(reply, Reply::Waited) && !matches!(state, State::RollingBack(_)) {
                self.note_success(&mut notes);
            }
            self.state = self.after_success(state, reply, inputs, &mut notes)?;
        }
        self.enter(inputs, &mut notes);
        let command = self.command();
        Ok(Step { merge: self, command, notes })
    }

    /// How every file ended, once the command is [`Command::Finish`].
    pub fn outcomes(&self) -> BTreeMap<crate::object::FileId, FileOutcome> {
        let mut outcomes = self.settled.clone();
        for id in self.pending.iter().chain(self.aside.keys()) {
            let why = self.stop.clone().unwrap_or(Unfinished::OutOfTime { last: None });
            outcomes.entry(id.clone()).or_insert(FileOutcome::Unfinished(why));
        }
        outcomes
    }

    fn after_success(
        &mut self,
        state: State,
        reply: Reply,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> Result<State, Illegal> {
        Ok(match (state, reply) {
            (State::Looking, Reply::Looked(look)) => self.looked(look, notes),
            (State::Bootstrapping(table), Reply::Done) => self.bootstrapped(table, notes),
            (State::Probing, Reply::Probed(found)) => self.probed(&found, notes),
            (State::Normalising, Reply::Normalised(normalised)) => self.normalised(normalised),
            (State::Adding(columns), Reply::Done) => self.added(columns),
            (State::Staging, Reply::Done) => State::Counting,
            (State::Counting, Reply::Counted(counts)) => self.counted(counts, notes),
            (State::Opening(body), Reply::Opened) => self.opened(body),
            (State::Fencing(opened), Reply::Done) => self.fenced(opened),
            (State::Checking(fenced), Reply::Checked(view)) => {
                self.checked(fenced, &view, inputs, notes)
            }
            (State::Guarding(checked), Reply::Guarded(leaked)) => {
                self.guarded(checked, leaked, notes)
            }
            (State::Merging(checked), Reply::Done) => self.merged(checked),
            (State::Versioning(merged), Reply::Done) => self.versioned(merged),
            (State::Refusing(versioned, left), Reply::Done) => self.refused(versioned, left),
            (State::Recording(versioned), Reply::Done) => self.recorded(versioned),
            (State::SettingAside(checked, left), Reply::Done) => self.one_set_aside(checked, left),
            (State::Committing(ready), Reply::Done) => self.committed(&ready, notes),
            (State::Confirming(body), Reply::Probed(found)) => self.confirmed(body, &found, notes),
            (State::RollingBack(next), Reply::Done) => *next,
            (State::Dropping, Reply::Done) => self.dropped(notes),
            (State::Pausing(_, next), Reply::Waited) => *next,
            // Every pair above is what its command can be answered with. All others are named, so
            // that a new state or a new reply is decided here and nowhere falls through.
            (
                state @ (State::Looking
                | State::Bootstrapping(_)
                | State::Probing
                | State::Normalising
                | State::Adding(_)
                | State::Staging
                | State::Counting
                | State::Opening(_)
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
                | State::Done),
                reply @ (Reply::Done
                | Reply::Looked(_)
                | Reply::Probed(_)
                | Reply::Normalised(_)
                | Reply::Counted(_)
                | Reply::Opened
                | Reply::Checked(_)
                | Reply::Guarded(_)
                | Reply::Waited
                | Reply::Failed(_)),
            ) => return Err(Illegal::of(&state, &reply)),
        })
    }
}

#[cfg(test)]
mod tests;
