//! The values of one column of one row group.
//!
//! A file's numbers are not trusted: a value outside the range of its type is an error, as a cut
//! page is.

use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType as ParquetType, Int96};
use parquet::errors::ParquetError;

use super::nesting::{self, Nested};
use super::schema::FileLeaf;
use super::stored::{Stored, Unit};
use crate::sql::datetime;
use crate::value::{Numeric, Value};

/// The day number of 1970-01-01 in the count that INT96 uses.
const JULIAN_EPOCH: i64 = 2_440_588;

/// Reads one value a row.
pub(super) fn read<N: Nested>(
    reader: ColumnReader,
    leaf: &FileLeaf,
    count: usize,
) -> Result<Vec<N>, ParquetError> {
    let stored = leaf.stored;
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            values(reader, leaf, count, |value| Ok(Value::Boolean(*value)))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            values(reader, leaf, count, |value| match stored {
                Stored::Date => date(*value),
                Stored::Decimal(precision, scale) => decimal(i128::from(*value), precision, scale),
                // Unsigned numbers are stored in the bits of the signed.
                Stored::Unsigned32 => Ok(Value::Bigint(i64::from(value.cast_unsigned()))),
                _ => Ok(Value::Integer(*value)),
            })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            values(reader, leaf, count, |value| match stored {
                Stored::Decimal(precision, scale) => decimal(i128::from(*value), precision, scale),
                Stored::Timestamp(unit, utc) => timestamp(*value, unit, utc),
                _ => Ok(Value::Bigint(*value)),
            })
        }
        ColumnReader::FloatColumnReader(reader) => {
            values(reader, leaf, count, |value| Ok(Value::Real(*value)))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            values(reader, leaf, count, |value| Ok(Value::Double(*value)))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            values(reader, leaf, count, |value| bytes(value.data(), stored))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            values(reader, leaf, count, |value| bytes(value.data(), stored))
        }
        ColumnReader::Int96ColumnReader(reader) => {
            let utc = matches!(stored, Stored::Timestamp(_, true));
            values(reader, leaf, count, |value| int96(value, utc))
        }
    }
}

fn values<T: ParquetType, N: Nested>(
    mut reader: ColumnReaderImpl<T>,
    leaf: &FileLeaf,
    count: usize,
    convert: impl Fn(&T::T) -> Result<Value, ParquetError>,
) -> Result<Vec<N>, ParquetError> {
    let convert = |value: &T::T| convert(value).map(N::value);
    let (mut defs, mut reps, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let (records, _, _) =
        reader.read_records(count, Some(&mut defs), Some(&mut reps), &mut found)?;
    if records != count {
        return Err(damaged(&format!("{records} of {count} rows are there")));
    }
    if leaf.max_def == 0 {
        return found.iter().map(convert).collect();
    }
    let mut present = found.iter();
    let mut next = || present.next().map_or_else(|| Err(damaged("a value is missing")), &convert);
    if leaf.lists.is_empty() {
        let value = |level: &i16| match *level < leaf.max_def {
            true => Ok(N::absent(*level, false)),
            false => next(),
        };
        return defs.iter().map(value).collect();
    }
    nesting::assemble(&leaf.lists, leaf.max_def, &defs, &reps, count, next)
}

fn bytes(data: &[u8], stored: Stored) -> Result<Value, ParquetError> {
    match stored {
        Stored::Text => std::str::from_utf8(data)
            .map(Value::text)
            .map_err(|error| damaged(&format!("text that is not UTF-8: {error}"))),
        Stored::Decimal(precision, scale) => big_endian(data)
            .ok_or_else(|| damaged("a decimal has more than 38 digits"))
            .and_then(|unscaled| decimal(unscaled, precision, scale)),
        _ => Ok(Value::Bytea(Arc::from(data))),
    }
}

/// A big-endian two's complement number; `None` where it needs more than 128 bits.
pub(super) fn big_endian(data: &[u8]) -> Option<i128> {
    let negative = data.first().is_some_and(|byte| byte & 0x80 != 0);
    let filler = if negative { 0xff } else { 0x00 };
    let (excess, kept) = data.split_at(data.len().saturating_sub(16));
    if excess.iter().any(|byte| *byte != filler) {
        return None;
    }
    let mut number = [filler; 16];
    number[16 - kept.len()..].copy_from_slice(kept);
    let number = i128::from_be_bytes(number);
    (number.is_negative() == negative).then_some(number)
}

fn decimal(unscaled: i128, precision: u8, scale: u8) -> Result<Value, ParquetError> {
    if unscaled.unsigned_abs() >= 10_u128.pow(u32::from(precision)) {
        return Err(damaged(&format!("a decimal has more than {precision} digits")));
    }
    Ok(Value::Numeric(Numeric { unscaled, scale }))
}

fn date(days: i32) -> Result<Value, ParquetError> {
    let day = i64::from(days);
    if (datetime::days(1, 1, 1)..=datetime::days(9999, 12, 31)).contains(&day) {
        return Ok(Value::Date(days));
    }
    Err(damaged("a date is outside of 0001-01-01 to 9999-12-31"))
}

fn timestamp(value: i64, unit: Unit, utc: bool) -> Result<Value, ParquetError> {
    let micros = match unit {
        Unit::Millis => value.checked_mul(1_000),
        Unit::Micros => Some(value),
        // Microseconds are kept; what is finer is cut off, downwards.
        Unit::Nanos => Some(value.div_euclid(1_000)),
    };
    let first = datetime::days(1, 1, 1) * datetime::DAY;
    let end = datetime::days(10_000, 1, 1) * datetime::DAY;
    match micros.filter(|micros| (first..end).contains(micros)) {
        Some(micros) if utc => Ok(Value::TimestampTz(micros)),
        Some(micros) => Ok(Value::Timestamp(micros)),
        None => Err(damaged("a timestamp is outside of 0001-01-01 to 9999-12-31")),
    }
}

/// Nanoseconds of the day, then the Julian day: how Impala and Spark wrote timestamps.
fn int96(value: &Int96, utc: bool) -> Result<Value, ParquetError> {
    let [low, high, day] = *value.data() else {
        return Err(damaged("an INT96 is not of three words"));
    };
    let nanos = (i64::from(high) << 32 | i64::from(low)).div_euclid(1_000);
    let days = i64::from(day.cast_signed()) - JULIAN_EPOCH;
    let micros = days.checked_mul(datetime::DAY).and_then(|start| start.checked_add(nanos));
    timestamp(micros.unwrap_or(i64::MAX), Unit::Micros, utc)
}

pub(super) fn damaged(text: &str) -> ParquetError {
    ParquetError::General(text.to_owned())
}
