//! What a change writes: the cells of its row, by the columns of the table.
//!
//! Key columns are a function of the key's ordinal alone, so equal keys are equal rows in every
//! file; all else is drawn anew for each change, so two changes can be told apart.

use super::table::{Cell, Column, Kind, Row};
use super::{COUNTER_COLUMN, Change, Op};
use crate::plan::{AddedColumn, WorkloadPlan};
use crate::seed::Stream;

/// Makes rows for one table.
pub(super) struct Maker {
    /// The table's own columns, and behind them the one that appears on the way, if any.
    columns: Vec<Column>,
    own: usize,
    added_from: u64,
    key: Vec<String>,
}

impl Maker {
    pub(super) fn new(plan: &WorkloadPlan, mut columns: Vec<Column>) -> Self {
        let own = columns.len();
        let mut added_from = u64::MAX;
        if let Some(AddedColumn { name, from_file }) = plan.added_column.clone() {
            columns.push(Column { name, kind: Kind::Text, nullable: true });
            added_from = from_file;
        }
        Maker { columns, own, added_from, key: plan.key.clone() }
    }

    /// The columns that a file carries.
    pub(super) fn columns_of(&self, file: u64) -> &[Column] {
        if file >= self.added_from { &self.columns } else { &self.columns[..self.own] }
    }

    pub(super) fn change(
        &self,
        key: u64,
        op: Op,
        counter: u64,
        second: i64,
        file: u64,
        stream: &mut Stream,
    ) -> Change {
        let columns = self.columns_of(file);
        let cells: Vec<Cell> = columns
            .iter()
            .map(|column| match self.key.iter().position(|name| *name == column.name) {
                Some(place) => key_cell(column.kind, key, place, self.key.len()),
                None if column.name == COUNTER_COLUMN => Cell::Integer(counter as i64),
                None => payload(column, counter, second, stream),
            })
            .collect();
        let row: Row = columns
            .iter()
            .zip(&cells)
            .filter_map(|(column, cell)| Some((column.name.clone(), cell.text()?)))
            .collect();
        Change { key: super::key_text(&self.key, &row), op, counter, second, row, cells }
    }
}

/// The key's ordinal, spread over the key columns in base 3 so that parts repeat and only the whole
/// is unique.
fn key_cell(kind: Kind, key: u64, place: usize, parts: usize) -> Cell {
    let later = (parts - 1 - place) as u32;
    let part = (key / 3u64.pow(later)) as i64;
    let part = if place == 0 { part } else { part % 3 } + 1;
    match kind {
        Kind::Bigint | Kind::Integer => Cell::Integer(part),
        Kind::Numeric(_, scale) => Cell::Decimal(part * 10i64.pow(u32::from(scale)), scale),
        // A quote, so that a key that is pasted into SQL unescaped is noticed.
        Kind::Text => Cell::Text(format!("k'{part}")),
        Kind::Timestamp => Cell::Timestamp(part * 1_000_000),
        Kind::Date => Cell::Date(part as i32),
        Kind::Boolean => Cell::Boolean(part % 2 == 0),
    }
}

fn payload(column: &Column, counter: u64, second: i64, stream: &mut Stream) -> Cell {
    let draw = stream.below(12);
    if column.nullable && draw == 0 {
        return Cell::Null;
    }
    match column.kind {
        Kind::Bigint | Kind::Integer => Cell::Integer(stream.below(1_000_000) as i64),
        Kind::Numeric(digits, scale) => {
            let most = 10u64.pow(u32::from(digits.min(9)));
            Cell::Decimal(stream.below(2 * most - 1) as i64 - (most as i64 - 1), scale)
        }
        Kind::Text => Cell::Text(match draw {
            // Texts go through SQL and JSON on their way.
            1 => format!("O'Neil {counter}"),
            2 => format!("Žluťoučký kůň {counter}"),
            _ => format!("{} {counter}", column.name),
        }),
        Kind::Timestamp => Cell::Timestamp(second * 1_000_000),
        Kind::Date => Cell::Date((second / 86_400) as i32),
        Kind::Boolean => Cell::Boolean(draw.is_multiple_of(2)),
    }
}
