//! The last change per key, over one file or several that share their columns.
//!
//! Only whoever reads the file can find it: Firebolt has no row number for a Parquet row, and MySQL's
//! commit times tie. The result does not depend on the order in which files are named.

use super::columns::{Cells, FileColumn, FileTable};
use super::key::{KeyColumn, canonical_key};
use merge_protocol::change::{ChangeOp, ChangeSeq, FileOrder, OrderError};
use merge_protocol::outcome::{Reason, ReasonCode};
use merge_protocol::policy::Order;
use merge_protocol::schema::Column as TableColumn;
use std::collections::BTreeMap;

/// One row's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: String,
    pub(crate) seq: ChangeSeq,
    pub(crate) deleted: bool,
}

/// The row that is kept for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) seq: ChangeSeq,
    pub(crate) deleted: bool,
    /// Which of the files.
    pub(crate) file: usize,
    /// Which row of it.
    pub(crate) row: usize,
}

/// Reads every row's change.
///
/// # Errors
/// The whole file stops at a NULL key part, a NULL order, an unknown Op: names column and row.
pub(crate) fn changes(
    table: &FileTable,
    keys: &[String],
    target: &[TableColumn],
    order: Order,
    file: &FileOrder<'_>,
) -> Result<Vec<Change>, Reason> {
    let keys = key_columns(table, keys, target)?;
    // Exactly this name: a business column `op` holds no operations.
    let op = match table.columns.iter().find(|column| column.column.name == "Op") {
        Some(column) => Some(column),
        // A change file whose Op is missing would turn its deletes into updates.
        None if !file.stamp.is_load() => {
            let detail = "column Op is missing in a change file".to_owned();
            return Err(Reason { code: ReasonCode::UnknownOp, detail });
        }
        None => None,
    };
    let ordering = table.find(order.column());
    (0..table.rows)
        .map(|row| {
            let op = match op {
                Some(column) => op_of(column, row, file.stamp.is_load())?,
                None => ChangeOp::Insert,
            };
            let text = match ordering {
                Some(column) => order_text(column, row)?,
                None => None,
            };
            let seq = ChangeSeq::new(file, text.as_deref(), row as u64)
                .map_err(|why| not_ordered(order, row, &why))?;
            Ok(Change { key: canonical_key(&keys, row)?, seq, deleted: op == ChangeOp::Delete })
        })
        .collect()
}

/// The newest change per key.
pub(crate) fn last_per_key<'a>(
    files: impl Iterator<Item = &'a [Change]>,
) -> BTreeMap<String, Kept> {
    let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
    for (file, changes) in files.enumerate() {
        for (row, change) in changes.iter().enumerate() {
            let newer = kept.get(&change.key).is_none_or(|other| change.seq > other.seq);
            if newer {
                let Change { key, seq, deleted } = change.clone();
                kept.insert(key, Kept { seq, deleted, file, row });
            }
        }
    }
    kept
}

fn key_columns<'a>(
    table: &'a FileTable,
    keys: &[String],
    target: &'a [TableColumn],
) -> Result<Vec<KeyColumn<'a>>, Reason> {
    keys.iter()
        .map(|key| {
            let source = table.find(key);
            let to = target
                .iter()
                .find(|column| &column.name == key)
                .or_else(|| target.iter().find(|column| column.name.eq_ignore_ascii_case(key)));
            match (source, to) {
                (Some(source), Some(to)) => Ok(KeyColumn { source, target: &to.data_type }),
                (None, _) => Err(key_missing(key, "the file")),
                (_, None) => Err(key_missing(key, "the table")),
            }
        })
        .collect()
}

fn key_missing(key: &str, place: &str) -> Reason {
    Reason {
        code: ReasonCode::KeyMissing,
        detail: format!("key column {key} is missing in {place}"),
    }
}

fn op_of(column: &FileColumn, row: usize, load: bool) -> Result<ChangeOp, Reason> {
    let refuse = |what: &str| Reason {
        code: ReasonCode::UnknownOp,
        detail: format!("column Op, row {row}: {what}; expected I, U or D"),
    };
    let Cells::Bytes(cells) = &column.cells else { return Err(refuse("is no text")) };
    match &cells[row] {
        None if load => Ok(ChangeOp::Insert),
        None => Err(refuse("is NULL")),
        Some(bytes) => {
            let code = std::str::from_utf8(bytes.data()).unwrap_or_default();
            ChangeOp::from_code(code).ok_or_else(|| refuse("is none of them"))
        }
    }
}

fn order_text(column: &FileColumn, row: usize) -> Result<Option<String>, Reason> {
    match &column.cells {
        Cells::Int64(cells) => Ok(cells[row].map(|micros| micros.to_string())),
        Cells::Decimal(cells) => Ok(cells[row].map(|number| number.to_string())),
        Cells::Bytes(cells) => Ok(cells[row].as_ref().map(|bytes| {
            let text = String::from_utf8_lossy(bytes.data()).into_owned();
            match micros_of(&text) {
                Some(micros) => micros.to_string(),
                None => text,
            }
        })),
        Cells::Bool(_) | Cells::Int32(_) | Cells::Float(_) | Cells::Double(_) => Err(Reason {
            code: ReasonCode::NullOrder,
            detail: format!("column {} cannot order changes", column.column.name),
        }),
    }
}

fn not_ordered(order: Order, row: usize, why: &OrderError) -> Reason {
    let detail = format!("column {}, row {row}: {why}", order.column());
    Reason { code: ReasonCode::NullOrder, detail }
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]` in microseconds since 1970: how DMS writes a time stamp as text.
fn micros_of(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let numbers = |text: &str, separator: char| -> Option<[i64; 3]> {
        let parts: Option<Vec<i64>> = text.split(separator).map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let digits = fraction.len() <= 6 && fraction.bytes().all(|b| b.is_ascii_digit());
    // Also keeps the arithmetic below from overflowing, whatever the text says.
    let ranges = (0..=9_999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !digits || !ranges {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").parse().ok()?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Years are counted from March, so that
/// the leap day is the last of the year and months have a regular length sequence.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let from_march = (month + 9) % 12;
    let year = year - i64::from(month <= 2);
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * from_march + 2) / 5;
    year * 365 + leap_days + before_month + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(key: u8, seq: u64, deleted: bool) -> Change {
        let id = merge_protocol::object::FileId::from_ledger("0123456789abcdef");
        let stamp = merge_protocol::object::FileStamp::Cdc("20251111000000000".into());
        let file = FileOrder {
            scheme: Order::LoadTimestamp.scheme(),
            generation: 1,
            stamp: &stamp,
            id: &id,
        };
        let seq = ChangeSeq::new(&file, Some("7"), seq).expect("fits");
        Change { key: key.to_string(), seq, deleted }
    }

    proptest! {
        /// The winner is the newest, wherever the changes lie and in whatever order.
        #[test]
        fn the_newest_change_wins(
            changes in proptest::collection::vec((0u8..5, any::<bool>()), 1..40),
            cut in 0usize..40,
        ) {
            let all: Vec<Change> = changes
                .iter()
                .enumerate()
                .map(|(seq, (key, deleted))| change(*key, seq as u64, *deleted))
                .collect();
            let (left, right) = all.split_at(cut.min(all.len()));
            let forward = last_per_key([left, right].into_iter());
            let backward = last_per_key([right, left].into_iter());
            for (key, kept) in &forward {
                let newest = all.iter().filter(|c| &c.key == key).max_by_key(|c| c.seq.clone());
                prop_assert_eq!(&kept.seq, &newest.expect("present").seq);
                prop_assert_eq!(&kept.seq, &backward[key].seq);
                prop_assert_eq!(kept.deleted, backward[key].deleted);
            }
            prop_assert_eq!(forward.len(), backward.len());
        }
    }

    #[test]
    fn text_time_stamps_are_read() {
        assert_eq!(micros_of("1970-01-01 00:00:00"), Some(0));
        assert_eq!(micros_of("2025-11-11 12:00:00.5"), Some(1_762_862_400_500_000));
        assert_eq!(micros_of("2024-02-29T23:59:59.999999"), Some(1_709_251_199_999_999));
        assert_eq!(micros_of("yesterday"), None);
        assert_eq!(micros_of("2025-13-01 00:00:00"), None);
        assert_eq!(micros_of("2025-11-11 24:00:00"), None);
        assert_eq!(micros_of("9000000000000000000-01-01 00:00:00"), None);
        assert_eq!(micros_of("2025-11-11 9000000000000000000:00:00"), None);
    }
}
