//! Before the transaction: look, set up, probe, normalise, plan, stage, count.
//!
//! Nothing here guards anything: what is read here may be stale by the time of the round, which
//! checks again behind the fence.

use super::memory::Merge;
use super::state::{Body, BodyOf, Counts, Found, FoundIn, Normalised, State};
use crate::note::Note;
use crate::outcome::{FileOutcome, Reason, ReasonCode, Unfinished};
use crate::plan::{self, Beside, Look, Planned};
use crate::schema::Column;

impl Merge {
    pub(super) fn looked(&mut self, look: Look, notes: &mut Vec<Note>) -> State {
        let missing = Beside::ALL.into_iter().find(|table| !look.beside.contains(table));
        if let Some(table) = missing {
            self.look = Some(look);
            return State::Bootstrapping(table);
        }
        if look.control.len() != 1 {
            let rows = look.control.len();
            return self.give_up(Unfinished::ControlBroken { rows }, notes);
        }
        let same_generation = self.look.as_ref().is_some_and(|before| {
            let key =
                |look: &Look| look.control.first().map(|row| (row.generation, row.since.clone()));
            key(before) == key(&look)
        });
        let exists = !look.columns.is_empty();
        self.look = Some(look);
        if same_generation && !self.aside.is_empty() {
            // A round that sets files aside was given up; they come first, as in every turn.
            return State::Opening(BodyOf(Body::Aside));
        }
        if self.batch.is_some() && same_generation {
            // Only the columns were asked for again.
            return self.planned();
        }
        self.batch = None;
        if self.staged.is_some() {
            // Staged under another generation, or before our tables were lost: its order is stale.
            return State::Dropping;
        }
        if self.task.keys.is_none() {
            return self.all_aside(&plan::keys_not_declared(&self.task.target));
        }
        if !exists {
            let table = self.task.target.clone();
            return self.give_up(Unfinished::TargetMissing { table }, notes);
        }
        if let Some(recorded) = self.other_scheme() {
            return self.give_up(Unfinished::OrderChanged { recorded }, notes);
        }
        State::Probing
    }

    pub(super) fn bootstrapped(&mut self, table: Beside, notes: &mut Vec<Note>) -> State {
        notes.push(Note::Bootstrapped { table: table.table(&self.task.target) });
        if let Some(look) = &mut self.look {
            look.beside.insert(table);
            let missing = Beside::ALL.into_iter().find(|table| !look.beside.contains(table));
            if let Some(next) = missing {
                return State::Bootstrapping(next);
            }
        }
        self.look = None;
        State::Looking
    }

    pub(super) fn probed(&mut self, found: &[Found], notes: &mut Vec<Note>) -> State {
        for id in self.pending.clone() {
            let Some(file) = self.task.files.get(&id) else { continue };
            let generation = self.generation_of(&id);
            let in_ledger = |found: &&Found| {
                found.found == FoundIn::Ledger && Some(found.generation) == generation
            };
            if found.iter().filter(in_ledger).any(|found| found.file == id) {
                self.settle(&id, FileOutcome::AlreadyApplied, notes);
                continue;
            }
            let same_key = |found: &Found| found.object_key == file.object.key;
            if let Some(other) = found.iter().filter(in_ledger).find(|found| same_key(found)) {
                let detail = format!(
                    "object {} was applied as file {} and has another etag now",
                    file.object.key, other.file
                );
                self.pending.remove(&id);
                self.aside.insert(id, Reason { code: ReasonCode::ObjectOverwritten, detail });
            }
        }
        self.next_turn()
    }

    pub(super) fn normalised(&mut self, normalised: Normalised) -> State {
        for (id, reason) in normalised.refused {
            if self.pending.remove(&id) {
                self.aside.insert(id, reason);
            }
        }
        self.refusals = 0;
        self.recounts = 0;
        let nothing = normalised.batch.files.is_empty();
        self.batch = (!nothing).then_some(normalised.batch);
        self.next_turn()
    }

    /// Plans the batch against the catalogue as it was read last.
    pub(super) fn planned(&mut self) -> State {
        let (Some(look), Some(batch)) = (&self.look, &self.batch) else { return State::Looking };
        match plan::plan(&self.task, look, batch) {
            Err(reason) => self.batch_aside(&reason),
            Ok(Planned::Add(columns)) => State::Adding(columns),
            Ok(Planned::Ready(plan)) => {
                self.plan = Some(plan);
                match &self.staged {
                    Some(staged) if staged.counted => State::Opening(BodyOf(Body::Apply)),
                    Some(_) | None => State::Staging,
                }
            }
        }
    }

    /// One column is there; after the last one their types are read again, because somebody else may
    /// have added the same name with another type.
    pub(super) fn added(&mut self, mut columns: Vec<Column>) -> State {
        columns.remove(0);
        if columns.is_empty() { State::Looking } else { State::Adding(columns) }
    }

    pub(super) fn counted(&mut self, counts: Counts, notes: &mut Vec<Note>) -> State {
        let expected = self.batch.as_ref().map_or(0, |batch| batch.rows);
        let Counts { rows, keys, key_columns } = counts;
        if rows == expected && keys == expected && key_columns == expected {
            if let Some(staged) = &mut self.staged {
                staged.counted = true;
            }
            self.refusals = 0;
            return State::Opening(BodyOf(Body::Apply));
        }
        self.recounts += 1;
        if self.recounts < 2 {
            notes.push(Note::StageAgain);
            return State::Dropping;
        }
        let detail = format!(
            "staged {rows} rows with {keys} canonical keys and {key_columns} distinct keys, expected {expected}"
        );
        self.batch_aside(&Reason { code: ReasonCode::CountsDisagree, detail })
    }

    pub(super) fn generation_of(&self, id: &crate::object::FileId) -> Option<u64> {
        let control = self.look.as_ref()?.control.first()?;
        Some(control.generation_of(&self.task.files.get(id)?.path))
    }

    /// An order of the current generation that another scheme made.
    fn other_scheme(&self) -> Option<String> {
        let look = self.look.as_ref()?;
        let generation = look.control.first()?.generation;
        let scheme = self.task.policy.order.scheme();
        look.fed.values().find(|first| scheme.differs(generation, first)).cloned()
    }

    fn all_aside(&mut self, reason: &Reason) -> State {
        for id in std::mem::take(&mut self.pending) {
            self.aside.insert(id, reason.clone());
        }
        self.next_turn()
    }
}
