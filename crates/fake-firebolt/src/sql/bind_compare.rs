//! Types without an order and without equality, and the refusal of whatever would need either
//! (the vendor's pages on GEOGRAPHY and JSON).

use std::fmt;

use super::error::SqlError;
use super::scope::{Field, Typed};
use crate::value::DataType;

/// Refuses a type that cannot be compared, or that has such a type in it.
pub(super) fn comparable(data_type: &DataType, what: impl fmt::Display) -> Result<(), SqlError> {
    match data_type.incomparable() {
        None => Ok(()),
        Some(name) => {
            let text = format!("values of type {name} cannot be compared, which {what} needs");
            Err(SqlError::type_error(text))
        }
    }
}

/// Refuses a query's output for what compares whole rows.
pub(super) fn comparable_rows(fields: &[Field], what: &str) -> Result<(), SqlError> {
    fields.iter().try_for_each(|field| comparable(&field.data_type, what))
}

/// The expression itself, if its type can be compared.
pub(super) fn compared(typed: Typed, what: &str) -> Result<Typed, SqlError> {
    comparable(&typed.data_type, what)?;
    Ok(typed)
}
