//! The statement of a command: where decisions become text.

use super::memory::Merge;
use super::state::{Body, BodyOf, Command, State};
use crate::object::FileId;
use crate::plan::BatchFile;
use crate::sql::{self, ledger::LedgerEntry};

impl Merge {
    /// The SQL of a command that is one statement; `None` for those that are none (a pause, reading
    /// files) or several (a look), and for commands that this machine cannot have issued.
    pub fn statement(&self, command: &Command) -> Option<String> {
        let target = self.task.target.as_str();
        Some(match command {
            Command::Bootstrap(table) => sql::catalog::bootstrap(target, *table),
            Command::Probe | Command::Confirm => self.probe_statement(),
            Command::AddColumn(column) => sql::stage::add_column(target, column),
            Command::Stage => {
                sql::stage::stage(self.staging()?, &self.task.location, self.batch.as_ref()?)
            }
            Command::Count => sql::stage::count(self.staging()?, self.plan.as_ref()?),
            Command::Begin => sql::round::BEGIN.to_owned(),
            Command::Fence => sql::round::fence(target, &self.token),
            Command::Check => sql::round::check(target, self.current_files().iter()),
            Command::Guard => sql::round::guard(target, &self.token),
            Command::Merge => sql::merge::merge(
                target,
                self.staging()?,
                self.plan.as_ref()?,
                &self.token,
                &self.horizon,
            ),
            Command::Versions => {
                sql::versions::versions(target, self.staging()?, &self.token, &self.horizon)
            }
            Command::RecordBelowHorizon(id) => {
                let file = self.batch.as_ref()?.files.iter().find(|file| &file.id == id)?;
                let entry = self.entry(file)?;
                let staging = self.staging()?;
                sql::ledger::below_horizon(target, &entry, staging, &self.horizon, &self.token)
            }
            Command::Ledger => {
                let batch = self.batch.as_ref()?;
                let entries: Option<Vec<_>> =
                    batch.files.iter().map(|file| self.entry(file)).collect();
                let attempt = self.staged.as_ref()?.attempt.to_string();
                let columns = self.fed_columns()?;
                sql::ledger::ledger(target, &entries?, &attempt, &columns, &self.token)
            }
            Command::SetAside(id) => {
                let file = self.task.files.get(id)?;
                let generation = self.generation_of(id)?;
                let reason = self.aside.get(id)?;
                let key = &file.object.key;
                sql::ledger::set_aside(target, generation, id, key, reason, &self.token)
            }
            Command::Commit => sql::round::COMMIT.to_owned(),
            Command::Rollback => sql::round::ROLLBACK.to_owned(),
            Command::Drop => sql::stage::drop(self.staging()?),
            Command::Look | Command::Normalise | Command::Pause(_) | Command::Finish => {
                return None;
            }
        })
    }

    /// The columns of the target that this batch writes, as the ledger keeps them: one a line.
    fn fed_columns(&self) -> Option<String> {
        let plan = self.plan.as_ref()?;
        let mut names: Vec<&str> = plan.columns.iter().map(|c| c.target.as_str()).collect();
        names.sort_unstable();
        Some(names.join("\n"))
    }

    fn probe_statement(&self) -> String {
        let ids: Vec<&FileId> = self.pending.iter().chain(self.aside.keys()).collect();
        let keys: Vec<&str> = ids
            .iter()
            .filter_map(|id| self.task.files.get(id))
            .map(|file| file.object.key.as_str())
            .collect();
        let target = self.task.target.as_str();
        // Only whoever sets files aside has to see that they are.
        if matches!(&self.state, State::Confirming(BodyOf(Body::Aside))) {
            return sql::catalog::probe_quarantine(target, ids.into_iter(), keys.into_iter());
        }
        sql::catalog::probe(target, ids.into_iter(), keys.into_iter())
    }

    /// The files that the current round is about.
    fn current_files(&self) -> Vec<FileId> {
        let batch = self.batch.iter().flat_map(|batch| &batch.files).map(|file| file.id.clone());
        let mut files: Vec<FileId> = batch.chain(self.aside.keys().cloned()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    fn entry<'a>(&'a self, file: &'a BatchFile) -> Option<LedgerEntry<'a>> {
        let task = self.task.files.get(&file.id)?;
        Some(LedgerEntry {
            file,
            object_key: &task.object.key,
            etag: &task.object.etag,
            generation: self.generation_of(&file.id)?,
        })
    }
}
