//! The order of changes.
//!
//! Which of two changes of one key is newer must not depend on when, where or how often a file is
//! delivered, so the order is built from what the source says and nothing else. It is text of fixed
//! width, compared bytewise, because it is compared in SQL too.
//! It never contains arrival time, processing time or a rank of operations.

use crate::object::{FileId, FileStamp};
use serde::Serialize;

/// What happened to a row at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum ChangeOp {
    /// `I`, and every row of a full-load file.
    Insert,
    /// `U`: the row's new image.
    Update,
    /// `D`.
    Delete,
}

impl ChangeOp {
    /// Reads DMS's `Op`. Anything but I, U and D is `None`: the whole file stops there.
    pub fn from_code(code: &str) -> Option<ChangeOp> {
        match code {
            "I" => Some(ChangeOp::Insert),
            "U" => Some(ChangeOp::Update),
            "D" => Some(ChangeOp::Delete),
            _ => None,
        }
    }
}

/// Where the order within a phase comes from. A generation keeps one scheme: texts of two schemes are
/// not comparable in meaning, so a table whose ledger holds another one is refused until a reload
/// begins a new generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum OrderScheme {
    /// `load_timestamp`: MySQL's commit time in microseconds. It ties at whole seconds.
    CommitTime,
    /// `AR_H_CHANGE_SEQ`: DMS's own counter, 35 digits.
    ChangeSeq,
}

impl OrderScheme {
    /// How the scheme is written in a [`ChangeSeq`].
    pub fn letter(self) -> char {
        match self {
            OrderScheme::CommitTime => 't',
            OrderScheme::ChangeSeq => 's',
        }
    }

    /// Whether a recorded order of this generation was made by another scheme.
    pub fn differs(self, generation: u64, recorded: &str) -> bool {
        let prefix = format!("{generation:06}");
        recorded.strip_prefix(&prefix).is_some_and(|rest| !rest.starts_with(self.letter()))
    }
}

/// Digits of DMS's `AR_H_CHANGE_SEQ`.
pub const ORDER_WIDTH: usize = 35;
const FILE_WIDTH: usize = 17;

/// A change's place in the total order: `generation | scheme | phase | order | file | row | id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ChangeSeq(String);

/// The parts of a [`ChangeSeq`] that all rows of one file share.
#[derive(Debug, Clone)]
pub struct FileOrder<'a> {
    /// Where `order` comes from.
    pub scheme: OrderScheme,
    /// The generation that the file belongs to.
    pub generation: u64,
    /// The file's stamp, which also tells the phase: any change of a generation is newer than every
    /// row of its full load, whose time stamps are transfer times and may lie after cached changes.
    pub stamp: &'a FileStamp,
    /// The file's identity.
    pub id: &'a FileId,
}

/// Why a row has no place in the order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The ordering column is NULL (allowed in the full load only).
    #[error("its ordering column is NULL")]
    Null,
    /// The ordering value does not fit: negative, too long, or not digits. The value itself is a row's
    /// and appears in no error.
    #[error("its ordering value is not a number of at most 35 digits")]
    Unfit,
}

impl ChangeSeq {
    /// Builds the text for one row. `order` is the ordering column's value (microseconds or DMS's
    /// counter), `row` the row's ordinal in the Parquet file, from 0.
    ///
    /// # Errors
    /// See [`OrderError`].
    pub fn new(
        file: &FileOrder<'_>,
        order: Option<&str>,
        row: u64,
    ) -> Result<ChangeSeq, OrderError> {
        let load = file.stamp.is_load();
        let order = match order {
            // Time stamps of a full load are transfer times: they say nothing about the source.
            _ if load => "",
            Some(text) => text,
            None => return Err(OrderError::Null),
        };
        // Nothing at all would pass for zero and lose against every other change.
        let empty = order.is_empty() && !load;
        if empty || order.len() > ORDER_WIDTH || !order.bytes().all(|b| b.is_ascii_digit()) {
            return Err(OrderError::Unfit);
        }
        let phase = if load { '0' } else { '1' };
        let mut text = String::with_capacity(96);
        push_padded(&mut text, &file.generation.to_string(), 6);
        text.push(file.scheme.letter());
        text.push(phase);
        push_padded(&mut text, order, ORDER_WIDTH);
        push_padded(&mut text, file.stamp.text(), FILE_WIDTH);
        push_padded(&mut text, &row.to_string(), 10);
        text.push_str(file.id.short());
        Ok(ChangeSeq(text))
    }

    /// The text that is compared.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends digits with zeros before them, up to the width. Every row of every file has four such
/// numbers; the formatter would lay each zero down by itself.
fn push_padded(text: &mut String, digits: &str, width: usize) {
    const ZEROS: &str = "00000000000000000000000000000000000";
    const { assert!(ZEROS.len() >= ORDER_WIDTH) };
    text.push_str(&ZEROS[..width.saturating_sub(digits.len())]);
    text.push_str(digits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;
    use proptest::prelude::*;

    fn id(name: &str) -> FileId {
        FileId::of(&ObjectRef { bucket: "b".into(), key: name.into(), etag: "e".into() })
    }

    fn seq(generation: u64, stamp: &FileStamp, order: u64, row: u64) -> ChangeSeq {
        let id = id("one");
        let file = FileOrder { scheme: OrderScheme::CommitTime, generation, stamp, id: &id };
        ChangeSeq::new(&file, Some(&order.to_string()), row).expect("in range")
    }

    fn cdc(stamp: u64) -> FileStamp {
        FileStamp::Cdc(format!("{stamp:017}"))
    }

    proptest! {
        /// Text order is the order of the parts, whatever their magnitude.
        #[test]
        fn text_order_is_part_order(
            a in (0u64..999_999, 0u64..u64::MAX, 0u64..99_999_999_999_999_999, 0u64..9_999_999_999),
            b in (0u64..999_999, 0u64..u64::MAX, 0u64..99_999_999_999_999_999, 0u64..9_999_999_999),
        ) {
            let text = |p: (u64, u64, u64, u64)| seq(p.0, &cdc(p.2), p.1, p.3);
            prop_assert_eq!(text(a).cmp(&text(b)), a.cmp(&b));
            prop_assert_eq!(text(a).as_str().len(), text(b).as_str().len());
        }
    }

    #[test]
    fn any_change_is_newer_than_the_full_load_of_its_generation() {
        let load = FileStamp::Load("FFFFFFFF".into());
        let late_transfer = seq(1, &load, u64::MAX, 999);
        assert!(late_transfer < seq(1, &cdc(0), 0, 0));
        assert!(seq(2, &load, 0, 0) > seq(1, &cdc(1), 5, 5));
    }

    #[test]
    fn another_scheme_of_the_same_generation_is_told_apart() {
        let recorded = seq(7, &cdc(1), 1, 1);
        assert!(!OrderScheme::CommitTime.differs(7, recorded.as_str()));
        assert!(OrderScheme::ChangeSeq.differs(7, recorded.as_str()));
        assert!(!OrderScheme::ChangeSeq.differs(8, recorded.as_str()), "a reload begins anew");
    }

    #[test]
    fn a_change_without_order_is_refused() {
        let (id, stamp) = (id("one"), cdc(1));
        let file =
            FileOrder { scheme: OrderScheme::ChangeSeq, generation: 1, stamp: &stamp, id: &id };
        assert_eq!(ChangeSeq::new(&file, None, 0), Err(OrderError::Null));
        for bad in ["", "-1", "12a", &"9".repeat(36)] {
            assert_eq!(ChangeSeq::new(&file, Some(bad), 0), Err(OrderError::Unfit));
        }
    }
}
