//! The letter of a type of the fake's, for whoever holds its results in this process.

use fake_firebolt::value::DataType;

use super::letter::Letter;

pub(crate) fn letter(data_type: &DataType) -> Letter {
    match data_type {
        DataType::Integer | DataType::Bigint => Letter::Integer,
        DataType::Real | DataType::Double | DataType::Numeric { .. } => Letter::Number,
        DataType::Boolean => Letter::Boolean,
        DataType::Date | DataType::Timestamp | DataType::TimestampTz => Letter::Time,
        DataType::Text | DataType::Bytea | DataType::Null => Letter::Text,
        DataType::Array(_) | DataType::Struct(_) => Letter::Text,
        DataType::Geography | DataType::Json => Letter::Text,
    }
}
