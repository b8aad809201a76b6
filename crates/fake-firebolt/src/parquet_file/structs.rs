//! Structs out of the leaves that their fields are.
//!
//! Each leaf has been put together by itself, down to its values or to the definition level at
//! which nothing is there. From those levels follows what is missing: the field, the struct, or the
//! list that the struct is in. Leaves that contradict each other are an error.

use parquet::errors::ParquetError;

use super::leaf::damaged;
use super::nesting::Nested;
use super::schema::Nest;
use crate::value::{Struct, Value};

/// What one leaf has for a row.
#[derive(Debug)]
pub(super) enum Piece {
    /// Nothing, below this definition level.
    Gone(i16),
    There(Value),
    List(Vec<Piece>),
}

impl Nested for Piece {
    fn value(value: Value) -> Self {
        Self::There(value)
    }

    fn list(items: Vec<Self>) -> Self {
        Self::List(items)
    }

    fn absent(def: i16, _: bool) -> Self {
        Self::Gone(def)
    }
}

/// One value a row.
pub(super) fn rows(
    nest: &Nest,
    mut leaves: Vec<std::vec::IntoIter<Piece>>,
    count: usize,
) -> Result<Vec<Value>, ParquetError> {
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let pieces: Option<Vec<Piece>> = leaves.iter_mut().map(Iterator::next).collect();
        let pieces = pieces.ok_or_else(|| damaged("a row is missing"))?;
        rows.push(together(nest, pieces)?);
    }
    Ok(rows)
}

/// Puts the pieces of all leaves below a node together.
fn together(nest: &Nest, mut pieces: Vec<Piece>) -> Result<Value, ParquetError> {
    match nest {
        Nest::Leaf => match pieces.pop() {
            Some(Piece::There(value)) => Ok(value),
            Some(Piece::Gone(_)) => Ok(Value::Null),
            Some(Piece::List(_)) | None => Err(damaged("a list where a value belongs")),
        },
        Nest::Struct { of, present, fields } => {
            if missing(&pieces, *present)? {
                return Ok(Value::Null);
            }
            let mut values = Vec::with_capacity(fields.len());
            let mut pieces = pieces.into_iter();
            for field in fields {
                let own = pieces.by_ref().take(field.leaves()).collect();
                values.push(together(field, own)?);
            }
            Ok(Struct::value(of.clone(), values))
        }
        Nest::List(levels, element) => {
            if missing(&pieces, levels.present)? {
                return Ok(Value::Null);
            }
            if missing(&pieces, levels.element)? {
                return Ok(Value::Array([].into()));
            }
            let mut columns = Vec::with_capacity(pieces.len());
            for piece in pieces {
                let Piece::List(items) = piece else {
                    return Err(damaged("a value where a list belongs"));
                };
                columns.push(items.into_iter());
            }
            let count = columns.first().map_or(0, ExactSizeIterator::len);
            if columns.iter().any(|items| items.len() != count) {
                return Err(damaged("the fields of a struct are not equally often there"));
            }
            let mut items = Vec::with_capacity(count);
            for _ in 0..count {
                items.push(together(
                    element,
                    columns.iter_mut().filter_map(Iterator::next).collect(),
                )?);
            }
            Ok(Value::Array(items.into()))
        }
    }
}

/// Whether nothing is there from that level on; all leaves below have to agree.
fn missing(pieces: &[Piece], present: i16) -> Result<bool, ParquetError> {
    let gone = |piece: &&Piece| matches!(piece, Piece::Gone(def) if *def < present);
    match pieces.iter().filter(gone).count() {
        0 => Ok(false),
        all if all == pieces.len() => Ok(true),
        _ => Err(damaged("the fields of a struct disagree about whether it is there")),
    }
}
