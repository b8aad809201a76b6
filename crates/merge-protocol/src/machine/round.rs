//! A round: BEGIN, the fence, the check, the body, COMMIT, and what a commit means.
//!
//! The values [`Fenced`], [`Checked`], [`Merged`], [`Versioned`] and [`Ready`] are built here and
//! nowhere else, each from the one before: what was not done cannot be committed.

use super::memory::Merge;
use super::state::{
    Body, BodyOf, CheckView, Checked, Fenced, Found, FoundIn, Inputs, LedgerHit, Merged, Opened,
    Ready, State, Versioned,
};
use crate::note::Note;
use crate::object::FileId;
use crate::outcome::FileOutcome;
use std::collections::BTreeSet;

impl Merge {
    pub(super) fn opened(&mut self, body: BodyOf) -> State {
        State::Fencing(Opened { body: body.0 })
    }

    pub(super) fn fenced(&mut self, opened: Opened) -> State {
        State::Checking(Fenced { opened })
    }

    /// The decision behind the fence. Whatever is not exactly as planned ends this transaction: it is
    /// never gone on in.
    pub(super) fn checked(
        &mut self,
        fenced: Fenced,
        view: &CheckView,
        inputs: Inputs,
        notes: &mut Vec<Note>,
    ) -> State {
        let body = fenced.opened.body;
        let rolled_back = |next: State| State::RollingBack(Box::new(next));
        let control = match &view.control {
            Some(control) if view.control_rows == 1 => control,
            Some(_) | None => {
                // Not a verdict on the row: with a snapshot per statement, what another merge has
                // committed since our fence stands beside what our fence wrote. Only a question from
                // outside of a transaction tells a broken row; if it finds one, it ends the merge.
                let text = format!("{} control rows behind the fence", view.control_rows);
                self.last = Some(text.clone());
                notes.push(Note::RoundAbandoned { text });
                return rolled_back(self.at_once_then_later(State::Looking, inputs, notes));
            }
        };
        if control.token != self.token {
            // Fence and check ran outside of a transaction, and somebody else's fence came between.
            notes.push(Note::RoundAbandoned { text: "another merge moved the fence".into() });
            return rolled_back(State::Opening(BodyOf(body)));
        }
        let planned = self.look.as_ref().and_then(|look| look.control.first());
        let same =
            planned.is_some_and(|p| p.generation == control.generation && p.since == control.since);
        if !same {
            notes.push(Note::Replanned);
            self.look = None;
            return rolled_back(self.drop_then_next_turn());
        }
        self.horizon = control.horizon.clone();
        match body {
            Body::Apply => self.checked_apply(fenced, &view.hits, notes),
            Body::Aside => self.checked_aside(fenced, &view.hits, notes),
        }
    }

    fn checked_apply(
        &mut self,
        fenced: Fenced,
        hits: &BTreeSet<LedgerHit>,
        notes: &mut Vec<Note>,
    ) -> State {
        let ids = self.batch_ids();
        let there: Vec<(FileId, bool)> =
            ids.iter().filter_map(|id| Some((id.clone(), self.hit(id, hits)?))).collect();
        if std::mem::take(&mut self.doubt) {
            let landed = there.iter().any(|(_, ours)| *ours);
            notes.push(if landed { Note::FoundAfterDoubt } else { Note::AbsentAfterDoubt });
        }
        if there.is_empty() {
            return self.before_the_body(Checked { fenced });
        }
        // Some or all are there: the rest is planned anew, with a staging table of its own.
        for (id, ours) in there {
            let outcome = if ours { FileOutcome::Applied } else { FileOutcome::AlreadyApplied };
            self.settle(&id, outcome, notes);
        }
        State::RollingBack(Box::new(self.drop_then_next_turn()))
    }

    fn checked_aside(
        &mut self,
        fenced: Fenced,
        hits: &BTreeSet<LedgerHit>,
        notes: &mut Vec<Note>,
    ) -> State {
        self.doubt = false;
        for id in self.aside.keys().cloned().collect::<Vec<_>>() {
            if self.hit(&id, hits).is_some() {
                self.settle(&id, FileOutcome::AlreadyApplied, notes);
            }
        }
        if self.aside.is_empty() {
            return State::RollingBack(Box::new(self.next_turn()));
        }
        self.before_the_body(Checked { fenced })
    }

    fn before_the_body(&self, checked: Checked) -> State {
        if self.task.policy.refuses_dead_transactions {
            self.body(checked)
        } else {
            State::Guarding(checked)
        }
    }

    fn body(&self, checked: Checked) -> State {
        match checked.fenced.opened.body {
            Body::Apply => State::Merging(checked),
            Body::Aside => State::SettingAside(checked, self.aside.keys().cloned().collect()),
        }
    }

    /// Our token is committed although nothing of ours is: the server lost the transaction before the
    /// fence and runs what carries its id on its own. Then the predicate of steps 3 to 5 holds outside
    /// of any transaction, and they would commit one by one, unfenced. The next round has another token.
    pub(super) fn guarded(
        &mut self,
        checked: Checked,
        leaked: bool,
        notes: &mut Vec<Note>,
    ) -> State {
        if !leaked {
            return self.body(checked);
        }
        let text = "the fence was committed outside its transaction".to_owned();
        notes.push(Note::RoundAbandoned { text });
        State::RollingBack(Box::new(State::Opening(BodyOf(checked.fenced.opened.body))))
    }

    pub(super) fn merged(&mut self, checked: Checked) -> State {
        self.refusals = 0;
        State::Versioning(Merged { checked })
    }

    pub(super) fn versioned(&mut self, merged: Merged) -> State {
        let versioned = Versioned { merged };
        let below: Vec<FileId> = self
            .batch
            .iter()
            .flat_map(|batch| &batch.files)
            .filter(|file| {
                file.seq_min.as_ref().is_some_and(|seq| seq.as_str() <= self.horizon.as_str())
            })
            .map(|file| file.id.clone())
            .collect();
        if below.is_empty() {
            State::Recording(versioned)
        } else {
            State::Refusing(versioned, below)
        }
    }

    pub(super) fn refused(&mut self, versioned: Versioned, mut left: Vec<FileId>) -> State {
        left.remove(0);
        if left.is_empty() { State::Recording(versioned) } else { State::Refusing(versioned, left) }
    }

    pub(super) fn recorded(&mut self, versioned: Versioned) -> State {
        State::Committing(Ready::Recorded(versioned))
    }

    pub(super) fn one_set_aside(&mut self, checked: Checked, mut left: Vec<FileId>) -> State {
        left.remove(0);
        if left.is_empty() {
            State::Committing(Ready::Aside(checked))
        } else {
            State::SettingAside(checked, left)
        }
    }

    /// COMMIT was answered 2xx. Where that alone proves nothing, the ledger is asked.
    pub(super) fn committed(&mut self, ready: &Ready, notes: &mut Vec<Note>) -> State {
        let body = ready.body();
        if !self.task.policy.trust_commit {
            return State::Confirming(BodyOf(body));
        }
        match body {
            Body::Apply => {
                for id in self.batch_ids() {
                    self.settle(&id, FileOutcome::Applied, notes);
                }
                self.drop_then_next_turn()
            }
            Body::Aside => {
                for (id, reason) in self.aside.clone() {
                    self.settle(&id, FileOutcome::Quarantined(reason), notes);
                }
                self.next_turn()
            }
        }
    }

    pub(super) fn confirmed(
        &mut self,
        body: BodyOf,
        found: &[Found],
        notes: &mut Vec<Note>,
    ) -> State {
        let ids: Vec<FileId> = match body.0 {
            Body::Apply => self.batch_ids(),
            Body::Aside => self.aside.keys().cloned().collect(),
        };
        let mut absent = false;
        for id in ids {
            let hits = found
                .iter()
                .filter(|found| found.found == FoundIn::Ledger)
                .map(|found| LedgerHit {
                    file: found.file.clone(),
                    generation: found.generation,
                    attempt: found.attempt.clone(),
                })
                .collect();
            let outcome = match (self.hit(&id, &hits), self.aside.get(&id)) {
                (Some(true), _) => FileOutcome::Applied,
                (Some(false), _) => FileOutcome::AlreadyApplied,
                (None, Some(reason))
                    if found.iter().any(|f| f.found == FoundIn::Quarantine && f.file == id) =>
                {
                    FileOutcome::Quarantined(reason.clone())
                }
                (None, _) => {
                    absent = true;
                    continue;
                }
            };
            self.settle(&id, outcome, notes);
        }
        if absent {
            notes.push(Note::CommitUnconfirmed);
            return State::Opening(body);
        }
        match body.0 {
            Body::Apply => self.drop_then_next_turn(),
            Body::Aside => self.next_turn(),
        }
    }

    pub(super) fn dropped(&mut self, notes: &mut Vec<Note>) -> State {
        if let Some(staged) = self.staged.take() {
            notes.push(Note::CleanedUp { table: staged.table });
        }
        self.drops = 0;
        self.next_turn()
    }

    fn batch_ids(&self) -> Vec<FileId> {
        let files = self.batch.iter().flat_map(|batch| &batch.files);
        files.map(|file| file.id.clone()).collect()
    }

    /// Whether the ledger has the file in its generation; and if so, whether by our own attempt.
    fn hit(&self, id: &FileId, hits: &BTreeSet<LedgerHit>) -> Option<bool> {
        let generation = self.generation_of(id)?;
        let hit = hits.iter().find(|hit| &hit.file == id && hit.generation == generation)?;
        let attempt = self.staged.as_ref().map(|staged| staged.attempt.to_string());
        Some(attempt.as_deref() == Some(hit.attempt.as_str()))
    }
}
