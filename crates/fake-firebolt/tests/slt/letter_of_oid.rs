//! The letter of a type of PostgreSQL's, by the number that the protocol gives it.

use super::letter::Letter;

pub(crate) fn letter_of_oid(oid: u32) -> Letter {
    match oid {
        16 => Letter::Boolean,
        20 | 21 | 23 => Letter::Integer,
        700 | 701 | 1700 => Letter::Number,
        1082 | 1114 | 1184 => Letter::Time,
        _ => Letter::Text,
    }
}
