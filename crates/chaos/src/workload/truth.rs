//! The truth first: a stream of changes to keys in the order in which the source committed them,
//! already cut where the files will end.
//!
//! Every change is legal for its source (no update of a missing row, no second insert of a live
//! one): a source database would refuse anything else, so an oracle may rely on it.

use super::values::Maker;
use super::{Change, FileKind, Op};
use crate::plan::{Skew, WorkloadPlan};
use crate::seed::Stream;

/// 2025-11-11 10:00:00 UTC: the source commits its first change here, in Unix seconds.
pub const FIRST_SECOND: i64 = 1_762_855_200;

/// The changes of every file, in source order.
pub(super) fn truth(
    plan: &WorkloadPlan,
    maker: &Maker,
    first: FileKind,
    stream: &mut Stream,
) -> Vec<Vec<Change>> {
    let mut source = Source::new(plan, maker);
    (0..plan.files)
        .map(|file| {
            let rows = stream.range(plan.rows.min.max(1)..=plan.rows.max.max(1));
            source.settled = source.live.len();
            if file == 0 && first == FileKind::FullLoad {
                let keys = 0..rows.min(plan.keys.max(1));
                return keys.map(|key| source.apply(key, Op::Insert, file, stream)).collect();
            }
            (0..rows).map(|_| source.next(file, stream)).collect()
        })
        .collect()
}

struct Source<'a> {
    plan: &'a WorkloadPlan,
    maker: &'a Maker,
    /// Live keys by ordinal, oldest first: the rank that the skew looks at.
    live: Vec<u64>,
    /// How many of them were there before this file. Only these are drawn for a change: how often a
    /// file holds several changes of one *new* key is for `same_key` alone to say.
    settled: usize,
    deleted: Vec<u64>,
    next_key: u64,
    counter: u64,
    millis: i64,
    /// The key of the change before.
    before: Option<u64>,
    /// Running sums of the weights by rank, so that a draw is one search.
    weights: Vec<u64>,
}

impl<'a> Source<'a> {
    fn new(plan: &'a WorkloadPlan, maker: &'a Maker) -> Self {
        let weight = |rank: u64| match plan.skew {
            Skew::Uniform => 1,
            Skew::Zipf => (1_000_000 / rank).max(1),
        };
        let sums = (1..=plan.keys.max(1)).scan(0, |sum, rank| {
            *sum += weight(rank);
            Some(*sum)
        });
        Source {
            plan,
            maker,
            live: Vec::new(),
            settled: 0,
            deleted: Vec::new(),
            next_key: 0,
            counter: 0,
            millis: FIRST_SECOND * 1000,
            before: None,
            weights: sums.collect(),
        }
    }

    fn next(&mut self, file: u64, stream: &mut Stream) -> Change {
        let (key, op) = self.draw(stream);
        self.apply(key, op, file, stream)
    }

    fn apply(&mut self, key: u64, op: Op, file: u64, stream: &mut Stream) -> Change {
        match op {
            Op::Insert => {
                self.deleted.retain(|gone| *gone != key);
                self.live.push(key);
                self.next_key = self.next_key.max(key + 1);
            }
            Op::Delete => {
                if let Some(rank) = self.live.iter().position(|live| *live == key) {
                    self.live.remove(rank);
                    self.settled -= usize::from(rank < self.settled);
                }
                self.deleted.push(key);
            }
            Op::Update => {}
        }
        self.before = Some(key);
        self.counter += 1;
        let step = u64::try_from(self.plan.step.0.as_millis()).unwrap_or(0);
        self.millis += i64::try_from(stream.range(0..=step.saturating_mul(2))).unwrap_or(0);
        let second = self.millis.div_euclid(1000);
        self.maker.change(key, op, self.counter, second, file, stream)
    }

    /// Which key, and what happens to it.
    fn draw(&mut self, stream: &mut Stream) -> (u64, Op) {
        let plan = self.plan;
        let again = stream.chance(plan.same_key);
        if let (true, Some(key)) = (again, self.before) {
            // Where a file ends between the two, two files touch one new key in succession, and
            // two MERGEs may both find it missing (firebolt-semantics §1.3).
            return (key, self.next_of(key, stream));
        }
        let pick = stream.below(u64::from(plan.insert + plan.update + plan.delete).max(1));
        let room = self.next_key < plan.keys.max(1);
        let may_insert = room || !self.deleted.is_empty();
        let must_insert = self.live.is_empty() || (self.settled == 0 && room);
        if must_insert || (pick < u64::from(plan.insert) && may_insert) {
            let reborn = !self.deleted.is_empty() && (!room || stream.below(3) == 0);
            let key = if reborn { *stream.pick(&self.deleted) } else { self.next_key };
            return (key, Op::Insert);
        }
        // An insert that found no room becomes an update, so that tiny key sets stay busy.
        let deletes = pick >= u64::from(plan.insert + plan.update);
        (self.pick_live(stream), if deletes { Op::Delete } else { Op::Update })
    }

    /// What can happen to the key of the change before.
    fn next_of(&self, key: u64, stream: &mut Stream) -> Op {
        let (update, delete) = (u64::from(self.plan.update), u64::from(self.plan.delete));
        if !self.live.contains(&key) {
            Op::Insert
        } else if stream.below((update + delete).max(1)) < update.max(1) {
            Op::Update
        } else {
            Op::Delete
        }
    }

    fn pick_live(&self, stream: &mut Stream) -> u64 {
        let among = if self.settled > 0 { self.settled } else { self.live.len() };
        let among = among.min(self.weights.len());
        let ticket = stream.below(self.weights[among - 1]);
        let rank = self.weights[..among].partition_point(|sum| *sum <= ticket);
        self.live[rank]
    }
}
