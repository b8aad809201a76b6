//! What every failure in every state leads to: the table of outcomes as code.
//!
//! Before COMMIT was sent nothing can have been committed, so a round may simply be given up. Once it
//! was sent, only a clear answer decides; everything else is doubt, and doubt is resolved by the
//! next round, which finds our files in the ledger or does not.

use super::memory::Merge;
use super::state::{Body, BodyOf, Inputs, State};
use crate::failure::{Failure, FailureKind};
use crate::note::Note;
use crate::outcome::{Reason, ReasonCode, Unfinished};
use crate::plan::Beside;

/// What a failure of a statement asks for, wherever it happens.
enum Advice {
    /// It may pass: the same again, or the next round.
    Transient,
    /// Configuration or our own statement: no data's fault, so nothing is set aside.
    Stop,
    /// A table is missing.
    Missing(String),
    /// A refusal of schema's shape.
    Schema,
    /// It will always fail for this data.
    Refused,
    /// A write conflict.
    Conflict,
    /// The table to be created is there.
    Exists,
}

fn advice(failure: &Failure) -> Advice {
    match &failure.kind {
        FailureKind::Unreached
        | FailureKind::Unauthorized
        | FailureKind::Throttled
        | FailureKind::ConnectionLost
        | FailureKind::TimedOut
        | FailureKind::EngineAway
        | FailureKind::Server
        | FailureKind::CannotBeRetried
        | FailureKind::NoTransaction
        | FailureKind::Doomed
        | FailureKind::Store => Advice::Transient,
        FailureKind::Conflict => Advice::Conflict,
        FailureKind::NoTransactionId | FailureKind::NotAuthorized => Advice::Stop,
        FailureKind::MissingTable(name) => Advice::Missing(name.clone()),
        FailureKind::AlreadyExists => Advice::Exists,
        FailureKind::Schema => Advice::Schema,
        FailureKind::Refused => Advice::Refused,
    }
}

/// What the round of an in-round state is for.
fn body_of(state: &State) -> Body {
    match state {
        State::Fencing(opened) => opened.body,
        State::Checking(fenced) => fenced.opened.body,
        State::Guarding(checked) | State::SettingAside(checked, _) => checked.fenced.opened.body,
        State::Opening(body) | State::Confirming(body) => body.0,
        State::Committing(ready) => ready.body(),
        State::Looking
        | State::Bootstrapping(_)
        | State::Probing
        | State::Normalising
        | State::Adding(_)
        | State::Staging
        | State::Counting
        | State::Merging(_)
        | State::Versioning(_)
        | State::Refusing(..)
        | State::Recording(_)
        | State::RollingBack(_)
        | State::Dropping
        | State::Pausing(..)
        | State::Done => Body::Apply,
    }
}

impl Merge {
    pub(super) fn note_failure(&mut self, failure: &Failure, notes: &mut Vec<Note>) {
        self.last = Some(failure.text.clone());
        if failure.is_connection() {
            notes.push(Note::ConnectionError { text: failure.text.clone() });
            self.disconnected = true;
        }
    }

    pub(super) fn note_success(&mut self, notes: &mut Vec<Note>) {
        self.resends = 0;
        if std::mem::take(&mut self.disconnected) {
            notes.push(Note::Reconnected);
        }
    }

    pub(super) fn after_failure(
        &mut self,
        state: State,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        match state {
            State::Looking | State::Probing | State::Normalising | State::Confirming(_) => {
                self.read_failed(state, failure, inputs, notes)
            }
            State::Bootstrapping(_) => match advice(&failure) {
                // Another worker sets the table up at the same moment: look again.
                Advice::Exists => {
                    self.look = None;
                    State::Looking
                }
                Advice::Transient | Advice::Conflict | Advice::Missing(_) => {
                    self.look = None;
                    self.again(State::Looking, failure, inputs, notes)
                }
                Advice::Stop | Advice::Schema | Advice::Refused => self.stopped(failure, notes),
            },
            State::Adding(columns) => match advice(&failure) {
                Advice::Exists => self.added(columns),
                Advice::Transient | Advice::Conflict => {
                    self.again(State::Adding(columns), failure, inputs, notes)
                }
                Advice::Missing(_) => self.look_again(failure, inputs, notes),
                Advice::Schema | Advice::Refused => {
                    let code = ReasonCode::Schema;
                    self.refused_once(State::Looking, code, failure, inputs, notes)
                }
                Advice::Stop => self.stopped(failure, notes),
            },
            State::Staging => self.staging_failed(failure, inputs, notes),
            State::Counting => self.counting_failed(failure, inputs, notes),
            State::Opening(body) => match advice(&failure) {
                Advice::Transient | Advice::Conflict => {
                    self.again(State::Opening(body), failure, inputs, notes)
                }
                Advice::Stop
                | Advice::Missing(_)
                | Advice::Schema
                | Advice::Refused
                | Advice::Exists => self.stopped(failure, notes),
            },
            State::Fencing(_)
            | State::Checking(_)
            | State::Guarding(_)
            | State::Merging(_)
            | State::Versioning(_)
            | State::Refusing(..)
            | State::Recording(_)
            | State::SettingAside(..) => self.round_failed(state, failure, inputs, notes),
            State::Committing(ready) => {
                let body = BodyOf(ready.body());
                self.commit_failed(State::Committing(ready), body, failure, inputs, notes)
            }
            // Whatever came of it, the transaction is not used again.
            State::RollingBack(next) => *next,
            State::Dropping => self.drop_failed(&failure, inputs, notes),
            State::Pausing(_, next) => *next,
            State::Done => State::Done,
        }
    }

    /// Reads may be repeated; only a refusal of what every merge needs ends them.
    fn read_failed(
        &mut self,
        state: State,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        match advice(&failure) {
            Advice::Transient | Advice::Conflict => self.again(state, failure, inputs, notes),
            Advice::Missing(_) => self.look_again(failure, inputs, notes),
            Advice::Stop | Advice::Schema | Advice::Refused | Advice::Exists => {
                self.stopped(failure, notes)
            }
        }
    }

    /// An unclear reply leaves a table that may yet appear: its name is given up for ever, and the
    /// sweeper will find it. The next attempt has another name.
    fn staging_failed(&mut self, failure: Failure, inputs: Inputs, notes: &mut Vec<Note>) -> State {
        match advice(&failure) {
            Advice::Transient | Advice::Conflict | Advice::Exists => {
                if !failure.is_before_execution() {
                    notes.push(Note::StageAgain);
                }
                self.staged = None;
                self.again(State::Staging, failure, inputs, notes)
            }
            // Staging reads nothing but a file that we wrote ourselves: a location whose credentials
            // expired is refused like this for every file of every table, and no file is at fault.
            Advice::Missing(_) | Advice::Schema | Advice::Refused if self.refusals == 0 => {
                self.staged = None;
                self.refused_once(State::Staging, ReasonCode::Refused, failure, inputs, notes)
            }
            Advice::Missing(_) | Advice::Schema | Advice::Refused | Advice::Stop => {
                self.staged = None;
                self.stopped(failure, notes)
            }
        }
    }

    fn counting_failed(
        &mut self,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        match advice(&failure) {
            Advice::Transient | Advice::Conflict => {
                self.again(State::Counting, failure, inputs, notes)
            }
            Advice::Missing(_) => {
                notes.push(Note::StageAgain);
                self.staged = None;
                State::Staging
            }
            Advice::Schema | Advice::Refused | Advice::Exists => {
                self.refused_once(State::Counting, ReasonCode::Refused, failure, inputs, notes)
            }
            Advice::Stop => self.stopped(failure, notes),
        }
    }

    /// Inside a round, COMMIT not yet sent: nothing of it can be committed any more.
    fn round_failed(
        &mut self,
        state: State,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        if failure.is_before_execution() && self.resends < self.task.policy.resends_max {
            return self.resend(state, inputs, notes);
        }
        let merging = matches!(state, State::Merging(_));
        let body = body_of(&state);
        let next = match advice(&failure) {
            Advice::Conflict => {
                notes.push(Note::Conflict);
                return self.again(State::Opening(BodyOf(body)), failure, inputs, notes);
            }
            Advice::Transient => {
                notes.push(Note::RoundAbandoned { text: failure.text.clone() });
                self.again(State::Opening(BodyOf(body)), failure, inputs, notes)
            }
            Advice::Missing(name) if self.staging() == Some(name.as_str()) => {
                notes.push(Note::StageAgain);
                self.staged = None;
                State::Staging
            }
            Advice::Missing(name) if self.is_beside(&name) => {
                self.look_again(failure, inputs, notes)
            }
            Advice::Missing(_) | Advice::Schema if merging => {
                self.plan = None;
                self.refused_once(State::Looking, ReasonCode::Schema, failure, inputs, notes)
            }
            Advice::Refused if merging => {
                self.plan = None;
                self.refused_once(State::Looking, ReasonCode::Refused, failure, inputs, notes)
            }
            // Our own statements: no data's fault, but perhaps the transaction's.
            Advice::Missing(_) | Advice::Schema | Advice::Refused | Advice::Exists
                if self.refusals == 0 =>
            {
                self.refusals += 1;
                notes.push(Note::RefusedOnce { text: failure.text.clone() });
                self.again(State::Opening(BodyOf(body)), failure, inputs, notes)
            }
            Advice::Stop
            | Advice::Missing(_)
            | Advice::Schema
            | Advice::Refused
            | Advice::Exists => self.stopped(failure, notes),
        };
        State::RollingBack(Box::new(next))
    }

    fn commit_failed(
        &mut self,
        state: State,
        body: BodyOf,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        if failure.is_before_execution() {
            if self.resends < self.task.policy.resends_max {
                return self.resend(state, inputs, notes);
            }
            notes.push(Note::RoundAbandoned { text: failure.text.clone() });
            return self.again(State::Opening(body), failure, inputs, notes);
        }
        match failure.kind {
            FailureKind::Conflict => {
                notes.push(Note::Conflict);
                self.again(State::Opening(body), failure, inputs, notes)
            }
            FailureKind::Doomed => {
                notes.push(Note::RoundAbandoned { text: failure.text.clone() });
                let next = self.again(State::Opening(body), failure, inputs, notes);
                State::RollingBack(Box::new(next))
            }
            _ => {
                // Taking it for committed loses the files; for failed, records them twice.
                notes.push(Note::InDoubt { text: failure.text.clone() });
                self.doubt = true;
                self.at_once_then_later(State::Opening(body), inputs, notes)
            }
        }
    }

    fn drop_failed(&mut self, failure: &Failure, inputs: Inputs, notes: &mut Vec<Note>) -> State {
        if matches!(failure.kind, FailureKind::MissingTable(_)) {
            return self.dropped(notes);
        }
        self.drops += 1;
        let table = self.staging().unwrap_or_default().to_owned();
        let attempts_max = self.task.policy.drop_attempts_max;
        let wait = self.task.policy.drop_backoff.wait(self.drops, inputs.jitter);
        let in_time =
            self.task.deadline.allows(inputs.now, wait, self.task.policy.drop_backoff.base);
        if self.drops < attempts_max && in_time {
            notes.push(Note::DropRetried { table, attempt: self.drops, attempts_max });
            return State::Pausing(wait, Box::new(State::Dropping));
        }
        // Changes no outcome: the sweeper will find it.
        notes.push(Note::DropFailed { table, attempts: self.drops });
        self.staged = None;
        self.drops = 0;
        self.next_turn()
    }

    /// Tries `next` after a wait that grows with every failure since something was settled.
    fn again(
        &mut self,
        next: State,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        self.failures += 1;
        let refused = failure.kind == FailureKind::Unauthorized;
        if refused && self.failures > self.task.policy.resends_max {
            return self.stopped(failure, notes);
        }
        if self.failures > self.task.policy.rounds_max {
            let knob = "rounds_max".to_owned();
            return self.give_up(Unfinished::BoundReached { knob, last: self.last.clone() }, notes);
        }
        let wait = self.task.policy.backoff.wait(self.failures, inputs.jitter);
        self.pause(wait, next, inputs, notes)
    }

    /// The very same statement in the very same transaction.
    fn resend(&mut self, state: State, inputs: Inputs, notes: &mut Vec<Note>) -> State {
        self.resends += 1;
        let wait = self.task.policy.backoff.wait(self.resends, inputs.jitter);
        self.pause(wait, state, inputs, notes)
    }

    fn look_again(&mut self, failure: Failure, inputs: Inputs, notes: &mut Vec<Note>) -> State {
        self.plan = None;
        self.again(State::Looking, failure, inputs, notes)
    }

    fn stopped(&mut self, failure: Failure, notes: &mut Vec<Note>) -> State {
        self.give_up(Unfinished::Stopped(failure), notes)
    }

    /// A refusal sets files aside only when it comes twice. The first may be about something else than
    /// the data: a stale catalogue, or, in words that no row of the failure table knows, the
    /// transaction or the engine (found by swarm/everything@d91a_a703_0a54_c689, where a statement
    /// came after its transaction was lost with the engine, and a good file was set aside for it).
    fn refused_once(
        &mut self,
        next: State,
        code: ReasonCode,
        failure: Failure,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        if self.refusals > 0 {
            return self.batch_aside(&Reason { code, detail: failure.text });
        }
        self.refusals += 1;
        notes.push(Note::RefusedOnce { text: failure.text.clone() });
        self.again(next, failure, inputs, notes)
    }

    fn is_beside(&self, name: &str) -> bool {
        Beside::ALL.iter().any(|table| table.table(&self.task.target) == name)
    }
}
