//! Truth first, files second: what the source database did, and the DMS files that report it.
//!
//! Files are consecutive slices of the truth. In what order, how often and when they arrive is the
//! delivery's business, not the workload's. Must not import anything of the engine: an oracle that
//! shares code shares mistakes.

mod calendar;
mod parquet_file;
mod table;
mod truth;
mod values;

use std::collections::BTreeSet;

use bytes::Bytes;

pub use parquet_file::FileKind;
pub use table::{COUNTER_COLUMN, Cell, Column, Kind, Row};
pub use truth::FIRST_SECOND;

use crate::plan::WorkloadPlan;
use crate::seed::Stream;

/// What the source did to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// A row that was not there.
    Insert,
    /// A row that was there.
    Update,
    /// The row is gone.
    Delete,
}

impl Op {
    /// The letter that DMS writes into the column `Op`.
    pub fn letter(self) -> &'static str {
        match self {
            Op::Insert => "I",
            Op::Update => "U",
            Op::Delete => "D",
        }
    }
}

/// One committed change of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key as oracles and reports name it: see [`key_text`].
    pub key: String,
    /// What happened.
    pub op: Op,
    /// The source's own order over all changes of the table: unique, increasing. The engine orders
    /// by other things; to it this is an ordinary payload column.
    pub counter: u64,
    /// Commit time in whole Unix seconds: ties are normal, as MySQL's are.
    pub second: i64,
    /// The row after the change; for a delete, the row as it last was.
    pub row: Row,
    /// The same row as values, in the order of the file's columns.
    pub cells: Vec<Cell>,
}

impl Change {
    /// The row that this change leaves behind; `None` when it is a delete.
    pub fn after(&self) -> Option<&Row> {
        (self.op != Op::Delete).then_some(&self.row)
    }
}

/// One file as DMS would put it into the bucket.
#[derive(Debug, Clone)]
pub struct WorkFile {
    /// Position in source order, from 0.
    pub index: usize,
    /// Key in the bucket.
    pub object_key: String,
    /// Changes or full load.
    pub kind: FileKind,
    /// The Parquet bytes.
    pub bytes: Bytes,
    /// Which changes of [`Workload::truth`] it holds, ascending.
    pub changes: Vec<usize>,
    /// The time in the file's name, Unix milliseconds: when DMS closed it. Increases with `index`.
    pub stamp_millis: i64,
}

/// A source's history and the files that carry it.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Target table.
    pub table: String,
    /// Database, the folder above the table's.
    pub database: String,
    /// Creates the empty target.
    pub ddl: String,
    /// The target's columns.
    pub columns: Vec<Column>,
    /// The names of its key columns.
    pub key_columns: Vec<String>,
    /// Every key that the truth touches, in the order of its first change.
    pub keys: Vec<String>,
    /// Every change, by `counter` ascending.
    pub truth: Vec<Change>,
    /// The files, in source order.
    pub files: Vec<WorkFile>,
}

/// The name of a row's key: its parts as text, joined by `|`; a missing part reads `NULL`.
pub fn key_text(key_columns: &[String], row: &Row) -> String {
    key_text_by(key_columns, |name| row.get(name).map(String::as_str))
}

/// The same for a row of any other form: `part` says what it has in a column.
pub fn key_text_by<'r>(key_columns: &[String], part: impl Fn(&str) -> Option<&'r str>) -> String {
    let parts: Vec<&str> = key_columns.iter().map(|name| part(name).unwrap_or("NULL")).collect();
    parts.join("|")
}

/// Draws a workload. Equal plan and stream give equal bytes. The error says what is wrong with the
/// plan's DDL or key.
pub fn generate(plan: &WorkloadPlan, stream: &mut Stream) -> Result<Workload, String> {
    let first = if plan.full_load { FileKind::FullLoad } else { FileKind::Changes };
    let columns = table::columns(&plan.ddl)?;
    let missing = plan.key.iter().find(|key| !columns.iter().any(|column| column.name == **key));
    if let Some(key) = missing {
        return Err(format!("the key column {key:?} is not in the DDL of {:?}", plan.table));
    }
    if plan.key.is_empty() {
        return Err(format!("the table {:?} has no key", plan.table));
    }
    let maker = values::Maker::new(plan, columns.clone());
    let mut workload = Workload {
        table: plan.table.clone(),
        database: plan.database.clone(),
        ddl: plan.ddl.clone(),
        columns,
        key_columns: plan.key.clone(),
        keys: Vec::new(),
        truth: Vec::new(),
        files: Vec::new(),
    };
    let mut known = BTreeSet::new();
    let mut stamp_millis = 0;
    let mut writer = parquet_file::Writer::default();
    for (index, changes) in truth::truth(plan, &maker, first, stream).into_iter().enumerate() {
        for change in changes.iter().filter(|change| known.insert(change.key.clone())) {
            workload.keys.push(change.key.clone());
        }
        let kind = if index == 0 { first } else { FileKind::Changes };
        let columns = maker.columns_of(index as u64);
        let closed = changes.last().map_or(FIRST_SECOND, |change| change.second);
        // DMS closes a file a little after its last commit, and two files never share a stamp.
        let drawn = closed * 1000 + i64::try_from(stream.range(100..=1900)).unwrap_or(100);
        stamp_millis = drawn.max(stamp_millis + 1);
        let start = workload.truth.len();
        workload.files.push(WorkFile {
            index,
            object_key: object_key(plan, kind, stamp_millis),
            kind,
            bytes: writer.write(kind, columns, &changes),
            changes: (start..start + changes.len()).collect(),
            stamp_millis,
        });
        workload.truth.extend(changes);
    }
    Ok(workload)
}

/// The key that DMS gives a file (field report: object keys).
fn object_key(plan: &WorkloadPlan, kind: FileKind, stamp_millis: i64) -> String {
    let folder = format!("firebolt_dms_job/{}/{}", plan.database, plan.table);
    match kind {
        FileKind::FullLoad => format!("{folder}/LOAD00000001.parquet"),
        FileKind::Changes => format!("{folder}/{}.parquet", calendar::object_stem(stamp_millis)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
