//! Damaged files: an upload that was cut, a byte that flipped. Whatever it is, a reason, never a panic.

use super::users;
use crate::normalise::columns::FileTable;
use bytes::Bytes;
use merge_protocol::outcome::ReasonCode;

#[test]
fn every_prefix_of_a_file_is_unreadable() {
    let whole = users(&[("I", 1, 1, "a"), ("U", 2, 1, "b"), ("D", 3, 2, "c")]);
    for length in 0..whole.len() {
        let cut = Bytes::copy_from_slice(&whole[..length]);
        let refused = FileTable::read(cut).expect_err("a part of a file");
        assert_eq!(refused.code, ReasonCode::Unreadable, "cut at {length}: {}", refused.detail);
    }
    assert!(FileTable::read(whole.into()).is_ok());
}

#[test]
fn a_flipped_byte_never_panics_and_never_miscounts_rows() {
    let whole = users(&[("I", 1, 1, "a"), ("U", 2, 1, "b"), ("D", 3, 2, "c")]);
    for place in 0..whole.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[place] ^= mask;
            let Ok(table) = FileTable::read(damaged.into()) else { continue };
            for column in &table.columns {
                assert_eq!(column.cells.len(), table.rows, "byte {place} ^ {mask:#x}");
            }
        }
    }
}
