//! Lists out of Parquet's levels.
//!
//! Parquet stores the values of a column in one flat run, each with two numbers: the repetition
//! level says in which of the lists around it the value goes on, the definition level how much of
//! the way down to it is there. Only lists are put together here: each column has one leaf.

use parquet::errors::ParquetError;

use super::leaf::damaged;
use super::schema::ListLevels;
use crate::value::Value;

/// One value a row, NULL or a list; `next` gives the values that are there, in order.
pub(super) fn assemble(
    lists: &[ListLevels],
    max_def: i16,
    defs: &[i16],
    reps: &[i16],
    count: usize,
    mut next: impl FnMut() -> Result<Value, ParquetError>,
) -> Result<Vec<Value>, ParquetError> {
    if defs.len() != reps.len() {
        return Err(damaged("there are not as many repetition levels as definition levels"));
    }
    let mut rows = Vec::with_capacity(count);
    // The lists that are being filled, outermost first.
    let mut open: Vec<Vec<Value>> = Vec::new();
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
                break if *def < max_def { Value::Null } else { next()? };
            };
            if *def < list.present {
                break Value::Null;
            }
            if *def < list.element {
                break Value::Array([].into());
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
fn place(value: Value, open: &mut [Vec<Value>], rows: &mut Vec<Value>) {
    match open.last_mut() {
        Some(list) => list.push(value),
        None => rows.push(value),
    }
}

fn close(open: &mut Vec<Vec<Value>>, rows: &mut Vec<Value>) {
    if let Some(list) = open.pop() {
        place(Value::Array(list.into()), open, rows);
    }
}
