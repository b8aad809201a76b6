//! Lists out of Parquet's levels.
//!
//! Parquet stores the values of a column in one flat run, each with two numbers: the repetition
//! level says in which of the lists around it the value goes on, the definition level how much of
//! the way down to it is there. Only lists are put together here, leaf by leaf; what the leaves of a
//! struct make together is `structs`.

use parquet::errors::ParquetError;

use super::leaf::damaged;
use super::schema::ListLevels;
use crate::value::Value;

/// What is put together: values, or pieces of them.
pub(super) trait Nested: Sized {
    fn value(value: Value) -> Self;
    fn list(items: Vec<Self>) -> Self;
    /// Nothing, from this definition level on down; an empty list if that is what is missing.
    fn absent(def: i16, is_empty_list: bool) -> Self;
}

impl Nested for Value {
    fn value(value: Value) -> Self {
        value
    }

    fn list(items: Vec<Self>) -> Self {
        Self::Array(items.into())
    }

    fn absent(_: i16, is_empty_list: bool) -> Self {
        if is_empty_list { Self::Array([].into()) } else { Self::Null }
    }
}

/// One value a row, NULL or a list; `next` gives the values that are there, in order.
pub(super) fn assemble<T: Nested>(
    lists: &[ListLevels],
    max_def: i16,
    defs: &[i16],
    reps: &[i16],
    count: usize,
    mut next: impl FnMut() -> Result<T, ParquetError>,
) -> Result<Vec<T>, ParquetError> {
    if defs.len() != reps.len() {
        return Err(damaged("there are not as many repetition levels as definition levels"));
    }
    let mut rows = Vec::with_capacity(count);
    // The lists that are being filled, outermost first.
    let mut open: Vec<Vec<T>> = Vec::new();
    for (def, rep) in defs.iter().zip(reps) {
        let kept = usize::try_from(*rep).unwrap_or(usize::MAX);
        if kept > open.len() {
            return Err(damaged("a value continues a list that is not there"));
        }
        while open.len() > kept {
            close(&mut open, &mut rows);
        }
        let value = loop {
            let Some(list) = lists.get(open.len()) else {
                break if *def < max_def { T::absent(*def, false) } else { next()? };
            };
            if *def < list.element {
                break T::absent(*def, *def >= list.present);
            }
            open.push(Vec::new());
        };
        place(value, &mut open, &mut rows);
    }
    while !open.is_empty() {
        close(&mut open, &mut rows);
    }
    if rows.len() != count {
        return Err(damaged(&format!("{} of {count} rows are there", rows.len())));
    }
    Ok(rows)
}

/// Puts a value where it belongs: into the innermost open list, or into the row.
fn place<T>(value: T, open: &mut [Vec<T>], rows: &mut Vec<T>) {
    match open.last_mut() {
        Some(list) => list.push(value),
        None => rows.push(value),
    }
}

fn close<T: Nested>(open: &mut Vec<Vec<T>>, rows: &mut Vec<T>) {
    if let Some(list) = open.pop() {
        place(T::list(list), open, rows);
    }
}
