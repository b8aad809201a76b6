//! Rows of one table in small blocks that are shared between versions of the table.
//!
//! A row id is given once and never used again: "the row that I rewrote" stays meaningful after
//! any number of other commits. An update takes the old id away and gives a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::Row;

/// Rows of one block: a commit copies only the blocks it touches.
const BLOCK_ROWS: u64 = 64;

/// The rows of one version of a table, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    blocks: BTreeMap<u64, Arc<Vec<(u64, Row)>>>,
    next: u64,
    count: usize,
}

impl Rows {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Number of blocks, which the catalogue shows as tablets.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// All rows with their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Row)> {
        self.blocks.values().flat_map(|block| block.iter().map(|(id, row)| (*id, row)))
    }

    /// Adds a row at the end and returns its id.
    pub(crate) fn insert(&mut self, row: Row) -> u64 {
        let id = self.next;
        self.next += 1;
        self.count += 1;
        let block = self.blocks.entry(id / BLOCK_ROWS).or_default();
        Arc::make_mut(block).push((id, row));
        id
    }

    /// Takes a row out; `None` if it is not there.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Row> {
        let key = id / BLOCK_ROWS;
        let block = self.blocks.get_mut(&key)?;
        let at = block.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let (_, row) = Arc::make_mut(block).remove(at);
        if block.is_empty() {
            self.blocks.remove(&key);
        }
        self.count -= 1;
        Some(row)
    }

    /// Rewrites every row in place, for DDL that changes the width of a table.
    pub(crate) fn map(&mut self, mut change: impl FnMut(&Row) -> Row) {
        for block in self.blocks.values_mut() {
            for (_, row) in Arc::make_mut(block) {
                *row = change(row);
            }
        }
    }
}
