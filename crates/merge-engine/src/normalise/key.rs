//! The canonical key: text that is equal exactly when the target says that the keys are equal.
//!
//! Every part is cast to the *target's* type first; a cast that would change it stops the file. Parts
//! are prefixed with their length, so that no two keys share a text.

use super::columns::{Cells, FileColumn};
use merge_protocol::outcome::{Reason, ReasonCode};
use merge_protocol::schema::ColumnType;
use std::fmt::Write as _;

/// One key column: where it comes from and what the target holds it as.
pub(crate) struct KeyColumn<'a> {
    pub(crate) source: &'a FileColumn,
    pub(crate) target: &'a ColumnType,
}

/// The canonical key of one row.
///
/// # Errors
/// A NULL part, or a part that the target's type would change; names column and row.
pub(crate) fn canonical_key(keys: &[KeyColumn<'_>], row: usize) -> Result<String, Reason> {
    let mut text = String::new();
    for key in keys {
        let name = &key.source.column.name;
        let part = part(key, row).map_err(|what| {
            let code = if what == NULL { ReasonCode::NullKey } else { ReasonCode::KeyCast };
            Reason { code, detail: format!("key column {name}, row {row}: {what}") }
        })?;
        // Writing to a String cannot fail.
        let _ = write!(text, "{}:{part}", part.len());
    }
    Ok(text)
}

const NULL: &str = "is NULL";
const DAY_MICROS: i64 = 86_400_000_000;

fn part(key: &KeyColumn<'_>, row: usize) -> Result<String, String> {
    let source = &key.source.column.data_type;
    let misfit = || format!("its {} does not fit the table's {}", source.sql(), key.target.sql());
    let null = || NULL.to_owned();
    match (&key.source.cells, source, key.target) {
        (Cells::Int32(cells), ColumnType::Date, ColumnType::Date) => {
            Ok(cells[row].ok_or_else(null)?.to_string())
        }
        (
            Cells::Int32(cells),
            ColumnType::Date,
            ColumnType::Timestamp | ColumnType::TimestampTz,
        ) => Ok((i64::from(cells[row].ok_or_else(null)?) * DAY_MICROS).to_string()),
        (
            Cells::Int64(cells),
            ColumnType::Timestamp | ColumnType::TimestampTz,
            ColumnType::Timestamp | ColumnType::TimestampTz,
        ) => Ok(cells[row].ok_or_else(null)?.to_string()),
        (Cells::Int32(cells), ColumnType::Integer, target) => {
            number(i128::from(cells[row].ok_or_else(null)?), 0, target).ok_or_else(misfit)
        }
        (Cells::Int64(cells), ColumnType::Bigint, target) => {
            number(i128::from(cells[row].ok_or_else(null)?), 0, target).ok_or_else(misfit)
        }
        (Cells::Decimal(cells), ColumnType::Numeric(_, scale), target) => {
            number(cells[row].ok_or_else(null)?, *scale, target).ok_or_else(misfit)
        }
        (Cells::Bool(cells), _, target) => {
            let value = cells[row].ok_or_else(null)?;
            match target {
                ColumnType::Boolean | ColumnType::Text => Ok(value.to_string()),
                ColumnType::Integer => Ok(u8::from(value).to_string()),
                _ => Err(misfit()),
            }
        }
        (Cells::Bytes(cells), ColumnType::Text, ColumnType::Text) => {
            let bytes = cells[row].as_ref().ok_or_else(null)?;
            String::from_utf8(bytes.data().to_vec()).map_err(|_| "is not UTF-8".to_owned())
        }
        (Cells::Bytes(cells), ColumnType::Bytea, ColumnType::Bytea) => {
            let bytes = cells[row].as_ref().ok_or_else(null)?;
            Ok(bytes.data().iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }))
        }
        _ => Err(misfit()),
    }
}

/// A number as the target's type holds it: minimal decimal, or the exact text of a cast to TEXT.
fn number(unscaled: i128, scale: u8, target: &ColumnType) -> Option<String> {
    match target {
        ColumnType::Integer => in_range(minimal(unscaled, scale), i32::MIN.into(), i32::MAX.into()),
        ColumnType::Bigint => in_range(minimal(unscaled, scale), i64::MIN.into(), i64::MAX.into()),
        ColumnType::Numeric(precision, to) => {
            let (value, places) = minimal(unscaled, scale);
            let digits = i128::from(10).checked_pow(u32::from(precision - to))?;
            let whole = value / i128::from(10).checked_pow(u32::from(places))?;
            (places <= *to && whole.abs() < digits).then(|| decimal(value, places))
        }
        ColumnType::Text => Some(decimal(unscaled, scale)),
        _ => None,
    }
}

fn in_range((value, places): (i128, u8), min: i128, max: i128) -> Option<String> {
    (places == 0 && (min..=max).contains(&value)).then(|| value.to_string())
}

/// Without trailing zeros behind the point.
fn minimal(mut unscaled: i128, mut scale: u8) -> (i128, u8) {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    (unscaled, scale)
}

fn decimal(unscaled: i128, scale: u8) -> String {
    if scale == 0 {
        return unscaled.to_string();
    }
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use merge_protocol::schema::Column;

    fn column(data_type: ColumnType, cells: Cells) -> FileColumn {
        FileColumn { column: Column { name: "k".into(), data_type, nullable: true }, cells }
    }

    fn key(source: &FileColumn, target: &ColumnType) -> Result<String, Reason> {
        canonical_key(&[KeyColumn { source, target }], 0)
    }

    #[test]
    fn one_value_has_one_text_whatever_type_it_came_in() {
        let target = ColumnType::Numeric(20, 0);
        let as_int = column(ColumnType::Integer, Cells::Int32(vec![Some(42)]));
        let as_decimal = column(ColumnType::Numeric(38, 2), Cells::Decimal(vec![Some(4200)]));
        assert_eq!(key(&as_int, &target), key(&as_decimal, &target));
        assert_eq!(key(&as_int, &target).expect("fits"), "2:42");
    }

    #[test]
    fn a_part_that_the_table_would_change_stops_the_file() {
        let fraction = column(ColumnType::Numeric(10, 1), Cells::Decimal(vec![Some(15)]));
        for target in [ColumnType::Bigint, ColumnType::Numeric(20, 0), ColumnType::Real] {
            assert_eq!(key(&fraction, &target).expect_err("1.5").code, ReasonCode::KeyCast);
        }
        let wide = column(ColumnType::Bigint, Cells::Int64(vec![Some(i64::MAX)]));
        assert_eq!(key(&wide, &ColumnType::Integer).expect_err("wide").code, ReasonCode::KeyCast);
        let null = column(ColumnType::Bigint, Cells::Int64(vec![None]));
        let refused = key(&null, &ColumnType::Bigint).expect_err("null");
        assert_eq!(refused.code, ReasonCode::NullKey);
        assert_eq!(refused.detail, "key column k, row 0: is NULL");
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let text = |value: &str| {
            column(ColumnType::Text, Cells::Bytes(vec![Some(value.as_bytes().to_vec().into())]))
        };
        let pair = |a: &str, b: &str| {
            let (a, b) = (text(a), text(b));
            let keys = [&a, &b].map(|source| KeyColumn { source, target: &ColumnType::Text });
            canonical_key(&keys, 0).expect("text")
        };
        assert_ne!(pair("a", "b:c"), pair("a:b", "c"));
        assert_ne!(pair("1", "11"), pair("11", "1"));
    }

    #[test]
    fn decimals_are_written_exactly() {
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(12345, 2), "123.45");
        assert_eq!(minimal(1200, 3), (12, 1));
    }
}
