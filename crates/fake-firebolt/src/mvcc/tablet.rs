//! Rows of one table in small blocks that are shared between versions of the table.
//!
//! A row id is given once and never used again: "the row that I rewrote" stays meaningful after
//! any number of other commits. An update takes the old id away and gives a new one.
//!
//! Taking a row out of a shared block only clears a bit of that version's mask. Copying the block
//! instead would touch every other row of it, and a MERGE that rewrites one row in ten would walk
//! through all the memory of the table.

use std::sync::Arc;

use crate::value::Row;

/// Rows of one block: one bit each in a mask.
const BLOCK_ROWS: u64 = u64::BITS as u64;

/// Rows with ids of one multiple of [`BLOCK_ROWS`].
#[derive(Debug, Clone)]
struct Block {
    /// Id of the first row; the others follow without a gap.
    base: u64,
    /// Bit `i` is set while the row `base + i` is there.
    alive: u64,
    rows: Arc<Vec<Row>>,
}

impl Block {
    /// The id after its last row.
    fn end(&self) -> u64 {
        self.base + self.rows.len() as u64
    }

    fn remove(&mut self, id: u64) -> Option<Row> {
        let at = id.checked_sub(self.base).filter(|at| *at < self.rows.len() as u64)?;
        let bit = 1 << at;
        if self.alive & bit == 0 {
            return None;
        }
        self.alive ^= bit;
        let row = self.rows[at as usize].clone();
        let living = self.alive.count_ones() as usize;
        if living > 0 && living * 4 <= self.rows.len() {
            self.free_the_dead();
        }
        Some(row)
    }

    /// Dead rows are kept as long as the block is shared or mostly alive. Here their places are
    /// taken by copies of a living row, so that they can be freed.
    fn free_the_dead(&mut self) {
        let first = self.alive.trailing_zeros() as usize;
        let last = (u64::BITS - 1 - self.alive.leading_zeros()) as usize;
        let row = |at: usize| {
            let living = if self.alive >> at & 1 == 1 { at } else { first };
            self.rows[living].clone()
        };
        self.rows = Arc::new((first..=last).map(row).collect());
        self.base += first as u64;
        self.alive >>= first;
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &Row)> {
        let alive = self.alive;
        let living = move |(at, row)| (alive >> at & 1 == 1).then_some((self.base + at, row));
        (0_u64..).zip(self.rows.iter()).filter_map(living)
    }
}

/// The rows of one version of a table, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Ascending; none is without a living row.
    blocks: Vec<Block>,
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

    /// The id that the next row will have.
    pub(crate) fn next_id(&self) -> u64 {
        self.next
    }

    /// All rows with their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Row)> {
        self.blocks.iter().flat_map(Block::iter)
    }

    /// The rows with an id of at least `first`.
    pub(crate) fn iter_from(&self, first: u64) -> impl Iterator<Item = (u64, &Row)> {
        let start = self.blocks.partition_point(|block| block.end() <= first);
        self.blocks[start..].iter().flat_map(Block::iter).skip_while(move |(id, _)| *id < first)
    }

    /// Adds a row at the end and returns its id.
    pub(crate) fn insert(&mut self, row: Row) -> u64 {
        let id = self.next;
        self.next += 1;
        self.count += 1;
        match self.blocks.last_mut() {
            Some(last) if last.end() == id && !id.is_multiple_of(BLOCK_ROWS) => {
                last.alive |= 1 << (id - last.base);
                Arc::make_mut(&mut last.rows).push(row);
            }
            _ => self.blocks.push(Block { base: id, alive: 1, rows: Arc::new(vec![row]) }),
        }
        id
    }

    /// Takes rows out and returns those that were there.
    pub(crate) fn remove(&mut self, ids: &[u64]) -> Vec<(u64, Row)> {
        let mut removed = Vec::with_capacity(ids.len());
        let (mut near, mut emptied) = (0, false);
        for id in ids {
            let here = |block: &Block| block.base <= *id && *id < block.end();
            if !self.blocks.get(near).is_some_and(here) {
                near = self.blocks.partition_point(|block| block.end() <= *id);
            }
            let Some(block) = self.blocks.get_mut(near) else { continue };
            if let Some(row) = block.remove(*id) {
                emptied |= block.alive == 0;
                removed.push((*id, row));
            }
        }
        if emptied {
            self.blocks.retain(|block| block.alive != 0);
        }
        self.count -= removed.len();
        removed
    }

    /// Rewrites every row in place, for DDL that changes the width of a table.
    pub(crate) fn map(&mut self, mut change: impl FnMut(&Row) -> Row) {
        for block in &mut self.blocks {
            let alive = block.alive;
            for (at, row) in Arc::make_mut(&mut block.rows).iter_mut().enumerate() {
                if alive >> at & 1 == 1 {
                    *row = change(row);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::value::Value;

    fn row(value: u64) -> Row {
        Row::from([Value::Bigint(value as i64)])
    }

    /// A step: rows to add, and picks of rows to take out.
    fn steps() -> impl Strategy<Value = Vec<(u64, Vec<u64>)>> {
        prop::collection::vec((0_u64..90, prop::collection::vec(any::<u64>(), 0..120)), 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_version_keeps_its_rows(steps in steps(), from in 0_u64..400) {
            let (mut rows, mut model) = (Rows::default(), BTreeMap::new());
            let mut versions = Vec::new();
            for (added, picks) in steps {
                for _ in 0..added {
                    let id = rows.next_id();
                    prop_assert_eq!(rows.insert(row(id)), id);
                    model.insert(id, row(id));
                }
                let ids: Vec<u64> = picks.iter().map(|pick| pick % (rows.next_id() + 1)).collect();
                let removed = rows.remove(&ids);
                for (id, row) in removed {
                    prop_assert_eq!(model.remove(&id), Some(row));
                }
                prop_assert!(ids.iter().all(|id| !model.contains_key(id)));
                versions.push((rows.clone(), model.clone()));
            }
            for (rows, model) in versions {
                let shown: BTreeMap<u64, Row> =
                    rows.iter().map(|(id, row)| (id, row.clone())).collect();
                prop_assert_eq!(rows.len(), model.len());
                let late: Vec<u64> = rows.iter_from(from).map(|(id, _)| id).collect();
                let expected: Vec<u64> = model.range(from..).map(|(id, _)| *id).collect();
                prop_assert_eq!(late, expected);
                prop_assert_eq!(shown, model);
            }
        }
    }

    #[test]
    fn the_dead_are_freed() {
        let mut rows = Rows::default();
        (0..64).for_each(|id| {
            rows.insert(row(id));
        });
        let old = rows.iter().next().map(|(_, row)| Arc::downgrade(row)).unwrap();
        let ids: Vec<u64> = (0..50).collect();
        drop(rows.remove(&ids));
        assert_eq!(old.strong_count(), 0, "a block that is mostly dead keeps none of them");
    }
}
