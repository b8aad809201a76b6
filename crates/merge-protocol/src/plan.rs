//! What is to be merged, and the plan for merging it.
//!
//! A [`Task`] is what a caller asks for, a [`Look`] what the catalogue says, a [`Batch`] what reading
//! the files gave. From the three comes a [`MergePlan`], from which every statement is rendered, or a
//! reason to set the files aside. Pure functions of their arguments.

use crate::change::ChangeSeq;
use crate::object::{FileId, KeyPath, ObjectRef};
use crate::outcome::{Reason, ReasonCode};
use crate::policy::Policy;
use crate::retry::Deadline;
use crate::schema::{self, Column, ColumnType, MappedColumn, RESERVED_PREFIX};
use std::collections::{BTreeMap, BTreeSet};

/// What a caller asks for: files of one target table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    /// The target table.
    pub target: String,
    /// Its key columns as configured; `None` where the configuration declares none.
    pub keys: Option<Vec<String>>,
    /// The LOCATION through which the warehouse reads the normalised files.
    pub location: String,
    /// The files, each once however often it was named.
    pub files: BTreeMap<FileId, TaskFile>,
    /// The knobs.
    pub policy: Policy,
    /// When the invocation ends.
    pub deadline: Deadline,
}

/// One file of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskFile {
    /// The object.
    pub object: ObjectRef,
    /// What its key says.
    pub path: KeyPath,
}

/// The tables beside a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Beside {
    /// One row per key that came through CDC.
    Versions,
    /// What is applied; shared by all targets.
    Ledger,
    /// What is set aside; shared by all targets.
    Quarantine,
    /// The fence: exactly one row. Created last, because its existence implies the rest.
    Control,
}

impl Beside {
    /// The order of creation.
    pub const ALL: [Beside; 4] =
        [Beside::Versions, Beside::Ledger, Beside::Quarantine, Beside::Control];

    /// The table's name beside `target`.
    pub fn table(self, target: &str) -> String {
        match self {
            Beside::Versions => format!("cdc_versions_{target}"),
            Beside::Ledger => "cdc_ledger".to_owned(),
            Beside::Quarantine => "cdc_quarantine".to_owned(),
            Beside::Control => format!("cdc_control_{target}"),
        }
    }
}

/// A row of the control table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ControlRow {
    /// Who fenced last.
    pub token: String,
    /// The generation that holds from `since` on.
    pub generation: u64,
    /// The source stamp (17 digits) from which the generation holds; empty = always.
    pub since: String,
    /// Changes at or below it whose key has no version are refused; empty = none.
    pub horizon: String,
}

impl ControlRow {
    /// The generation that a file belongs to: the last one whose `since` is at or before its stamp.
    /// Full-load files belong to the current one, which the reload named.
    pub fn generation_of(&self, path: &KeyPath) -> u64 {
        let current = path.stamp.is_load() || path.stamp.text() >= self.since.as_str();
        if current { self.generation } else { self.generation.saturating_sub(1) }
    }
}

/// What the catalogue says about a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Look {
    /// The target's columns; empty when there is no such table.
    pub columns: Vec<Column>,
    /// Which of our tables exist.
    pub beside: BTreeSet<Beside>,
    /// The rows of the control table, if it exists.
    pub control: Vec<ControlRow>,
    /// Columns of the target that other files wrote, each with the first change that had it.
    pub fed: BTreeMap<String, String>,
}

/// One file of a batch, as the ledger will record it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchFile {
    /// Its identity.
    pub id: FileId,
    /// Rows in the file.
    pub rows_read: u64,
    /// Rows that are the last change of their key in the batch.
    pub rows_staged: u64,
    /// The smallest change, if there is any row.
    pub seq_min: Option<ChangeSeq>,
    /// The largest.
    pub seq_max: Option<ChangeSeq>,
}

/// Files that were read and reduced together: the last change per key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Batch {
    /// The files in it.
    pub files: Vec<BatchFile>,
    /// Columns of the reduced file, ours excluded, typed as Firebolt will read them.
    pub columns: Vec<Column>,
    /// Where the reduced file lies, relative to the location.
    pub pattern: String,
    /// Rows in the reduced file, which is distinct keys.
    pub rows: u64,
}

/// The plan for one batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MergePlan {
    /// Every column that is written, keys included.
    pub columns: Vec<MappedColumn>,
    /// The target's names of the key columns, in the order of the configuration.
    pub keys: Vec<String>,
}

/// What planning gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Columns to be added first; their types are read again after it.
    Add(Vec<Column>),
    /// Ready to merge.
    Ready(MergePlan),
}

/// Plans a batch.
///
/// # Errors
/// A reason that holds for every file of the batch, because they share their columns.
pub fn plan(task: &Task, look: &Look, batch: &Batch) -> Result<Planned, Reason> {
    let Some(keys) = &task.keys else { return Err(keys_not_declared(&task.target)) };
    if let Some(ours) = batch.columns.iter().find(|c| c.name.starts_with(RESERVED_PREFIX)) {
        return Err(reason(
            ReasonCode::ReservedColumn,
            format!("column {} begins with {RESERVED_PREFIX}, which is reserved", ours.name),
        ));
    }
    let dropped = &task.policy.dropped_columns;
    let newest = batch.files.iter().filter_map(|file| file.seq_max.as_ref()).max();
    let newest = newest.map_or("", ChangeSeq::as_str);
    let diff = schema::compare(&batch.columns, &look.columns, &look.fed, newest, dropped)
        .map_err(|refusal| reason(ReasonCode::Schema, refusal.to_string()))?;
    let mut targets = Vec::new();
    for key in keys {
        let exact = diff.mapped.iter().find(|c| &c.target == key);
        let folded = || diff.mapped.iter().find(|c| c.target.eq_ignore_ascii_case(key));
        let mapped = exact.or_else(folded);
        let Some(mapped) = mapped else {
            return Err(reason(
                ReasonCode::KeyMissing,
                format!("key column {key} is missing in the file or in table {}", task.target),
            ));
        };
        if matches!(mapped.data_type, ColumnType::Real | ColumnType::Double) {
            return Err(reason(
                ReasonCode::FloatKey,
                format!(
                    "key column {key} is {}: equality of floats is no identity",
                    mapped.data_type.sql()
                ),
            ));
        }
        targets.push(mapped.target.clone());
    }
    if !diff.added.is_empty() {
        return Ok(Planned::Add(diff.added));
    }
    Ok(Planned::Ready(MergePlan { columns: diff.mapped, keys: targets }))
}

fn reason(code: ReasonCode, detail: String) -> Reason {
    Reason { code, detail }
}

/// The configuration declares no keys for this table.
pub fn keys_not_declared(target: &str) -> Reason {
    reason(
        ReasonCode::KeysNotDeclared,
        format!(
            "table {target} has no keys in the configuration; declare them, or declare `append` for a \
             table that only grows"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, data_type: &str) -> Column {
        Column { name: name.into(), data_type: ColumnType::parse(data_type), nullable: true }
    }

    fn task(keys: Option<&[&str]>) -> Task {
        Task {
            target: "users".into(),
            keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
            location: "cdc".into(),
            files: BTreeMap::new(),
            policy: Policy::default(),
            deadline: Deadline::never(),
        }
    }

    fn look(columns: &[(&str, &str)]) -> Look {
        Look { columns: columns.iter().map(|(n, t)| column(n, t)).collect(), ..Look::default() }
    }

    fn batch(columns: &[(&str, &str)]) -> Batch {
        Batch { columns: columns.iter().map(|(n, t)| column(n, t)).collect(), ..Batch::default() }
    }

    #[test]
    fn a_batch_is_planned_or_refused_with_its_code() {
        let users = [("id", "bigint"), ("name", "text")];
        let code = |task: &Task, look: &Look, batch: &Batch| {
            plan(task, look, batch).expect_err("refused").code
        };
        let keyed = task(Some(&["ID"]));
        let ready = plan(&keyed, &look(&users), &batch(&users)).expect("fits");
        assert!(matches!(ready, Planned::Ready(plan) if plan.keys == ["id"]));
        let wider = batch(&[("id", "bigint"), ("nick", "text")]);
        assert!(matches!(plan(&keyed, &look(&users), &wider), Ok(Planned::Add(_))));
        let none = task(None);
        assert_eq!(code(&none, &look(&users), &batch(&users)), ReasonCode::KeysNotDeclared);
        let no_key = batch(&[("name", "text")]);
        assert_eq!(code(&keyed, &look(&users), &no_key), ReasonCode::KeyMissing);
        let ours = batch(&[("id", "bigint"), ("__cdc_key", "text")]);
        assert_eq!(code(&keyed, &look(&users), &ours), ReasonCode::ReservedColumn);
        let float = [("id", "double")];
        assert_eq!(code(&keyed, &look(&float), &batch(&float)), ReasonCode::FloatKey);
    }

    #[test]
    fn a_file_belongs_to_the_last_generation_that_began_before_it() {
        let control = ControlRow {
            token: String::new(),
            generation: 4,
            since: "20251111000000000".into(),
            horizon: String::new(),
        };
        let path = |file: &str| KeyPath::parse(&format!("p/d/t/2025/11/11/{file}")).expect("key");
        assert_eq!(control.generation_of(&path("20251111-000000000.parquet")), 4);
        assert_eq!(control.generation_of(&path("20251110-235959999.parquet")), 3);
        assert_eq!(control.generation_of(&path("LOAD00000001.parquet")), 4);
    }
}
