//! A real Parquet file to typed rows, by the column readers of the `parquet` crate.
//!
//! Types follow firebolt-semantics §4. What Firebolt's reader makes of nested columns, of INT96
//! or of unsigned 64-bit integers is not known, so such a column is refused by name: a guess
//! would let a client rest on it. Flat files are all that the change streams of this project hold.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType as ParquetType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use crate::sql::{ExternalTable, SqlError, SqlErrorKind};
use crate::value::{Column, DataType, Numeric, Row, Value};

/// Decodes a file.
///
/// # Errors
/// Names the file, and the column where there is one: cut or damaged files, columns of a type
/// that is not read here, values that do not fit their type.
pub(crate) fn read(name: &str, bytes: Bytes) -> Result<ExternalTable, SqlError> {
    let broken = |error: ParquetError| {
        let text = format!("Cannot read '{name}': it is not a complete Parquet file ({error})");
        SqlError::new(SqlErrorKind::Data, text)
    };
    let reader = SerializedFileReader::new(bytes).map_err(broken)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let kinds = kinds(name, schema)?;
    let columns = kinds.iter().map(|kind| kind.column.clone()).collect();
    let mut rows = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(broken)?;
        read_group(name, group.as_ref(), &kinds, &mut rows)?;
    }
    Ok(ExternalTable { columns, rows })
}

/// How one column is read.
struct Kind {
    column: Column,
    stored: Stored,
}

/// What the bytes of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// As the physical type says.
    Plain,
    /// UTF-8 text.
    Text,
    /// Days since 1970-01-01.
    Date,
    /// An unsigned number of 32 bits.
    Unsigned32,
    /// An unscaled decimal of this scale.
    Decimal(u8),
    /// Time since 1970 in this unit; true for instants in UTC.
    Timestamp(Unit, bool),
}

/// The units of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Millis,
    Micros,
    Nanos,
}

fn kinds(name: &str, schema: &SchemaDescriptor) -> Result<Vec<Kind>, SqlError> {
    schema
        .columns()
        .iter()
        .map(|descriptor| {
            kind(descriptor).ok_or_else(|| {
                let text = format!(
                    "Cannot read '{name}': column '{}' has the Parquet type {}, which is not \
                     supported",
                    descriptor.path().string(),
                    describe(descriptor)
                );
                SqlError::new(SqlErrorKind::Unsupported, text)
            })
        })
        .collect()
}

fn describe(descriptor: &ColumnDescriptor) -> String {
    let nested = descriptor.path().parts().len() > 1 || descriptor.max_rep_level() > 0;
    let prefix = if nested { "nested " } else { "" };
    match descriptor.logical_type_ref() {
        Some(logical) => format!("{prefix}{} ({logical:?})", descriptor.physical_type()),
        None => format!("{prefix}{}", descriptor.physical_type()),
    }
}

/// The column's type; `None` where it is not read here.
fn kind(descriptor: &ColumnDescriptor) -> Option<Kind> {
    if descriptor.path().parts().len() != 1 || descriptor.max_rep_level() > 0 {
        return None;
    }
    let (stored, data_type) = match logical(descriptor)? {
        Logical::None => match descriptor.physical_type() {
            Physical::BOOLEAN => (Stored::Plain, DataType::Boolean),
            Physical::INT32 => (Stored::Plain, DataType::Integer),
            Physical::INT64 => (Stored::Plain, DataType::Bigint),
            Physical::FLOAT => (Stored::Plain, DataType::Real),
            Physical::DOUBLE => (Stored::Plain, DataType::Double),
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => {
                (Stored::Plain, DataType::Bytea)
            }
            Physical::INT96 => return None,
        },
        Logical::Text => (Stored::Text, DataType::Text),
        Logical::Date => (Stored::Date, DataType::Date),
        Logical::Unsigned32 => (Stored::Unsigned32, DataType::Bigint),
        Logical::Decimal => {
            let precision = u8::try_from(descriptor.type_precision()).ok()?;
            let scale = u8::try_from(descriptor.type_scale()).ok()?;
            if precision == 0 || precision > 38 || scale > precision {
                return None;
            }
            (Stored::Decimal(scale), DataType::Numeric { precision, scale })
        }
        Logical::Timestamp(unit, utc) => {
            let data_type = if utc { DataType::TimestampTz } else { DataType::Timestamp };
            (Stored::Timestamp(unit, utc), data_type)
        }
    };
    let nullable = descriptor.max_def_level() > 0;
    let column = Column { name: descriptor.name().to_owned(), data_type, nullable };
    Some(Kind { column, stored })
}

/// The annotations that are understood, from whichever of Parquet's two generations of them.
enum Logical {
    None,
    Text,
    Date,
    Unsigned32,
    Decimal,
    Timestamp(Unit, bool),
}

fn logical(descriptor: &ColumnDescriptor) -> Option<Logical> {
    let physical = descriptor.physical_type();
    let found = match (descriptor.logical_type_ref(), descriptor.converted_type()) {
        (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _)
        | (None, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON) => Logical::Text,
        (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Logical::Date,
        (Some(LogicalType::Decimal { .. }), _) | (None, ConvertedType::DECIMAL) => Logical::Decimal,
        (Some(LogicalType::Timestamp(stamp)), _) => {
            let unit = match stamp.unit {
                TimeUnit::MILLIS => Unit::Millis,
                TimeUnit::MICROS => Unit::Micros,
                TimeUnit::NANOS => Unit::Nanos,
            };
            Logical::Timestamp(unit, stamp.is_adjusted_to_u_t_c)
        }
        // The older annotations mean instants in UTC.
        (None, ConvertedType::TIMESTAMP_MILLIS) => Logical::Timestamp(Unit::Millis, true),
        (None, ConvertedType::TIMESTAMP_MICROS) => Logical::Timestamp(Unit::Micros, true),
        (_, ConvertedType::UINT_32) => Logical::Unsigned32,
        (_, ConvertedType::UINT_64) => return None,
        (
            Some(LogicalType::Integer { .. }) | None,
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64
            | ConvertedType::UINT_8
            | ConvertedType::UINT_16,
        ) => Logical::None,
        _ => return None,
    };
    // An annotation on a physical type that it does not belong to is a damaged or foreign file.
    let fits = match found {
        Logical::None => true,
        Logical::Text => physical == Physical::BYTE_ARRAY,
        Logical::Date | Logical::Unsigned32 => physical == Physical::INT32,
        Logical::Timestamp(..) => physical == Physical::INT64,
        Logical::Decimal => matches!(
            physical,
            Physical::INT32
                | Physical::INT64
                | Physical::BYTE_ARRAY
                | Physical::FIXED_LEN_BYTE_ARRAY
        ),
    };
    fits.then_some(found)
}

/// Reads one row group, column by column, and appends its rows.
fn read_group(
    name: &str,
    group: &dyn RowGroupReader,
    kinds: &[Kind],
    rows: &mut Vec<Row>,
) -> Result<(), SqlError> {
    let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut columns = Vec::with_capacity(kinds.len());
    for (position, kind) in kinds.iter().enumerate() {
        let values = group
            .get_column_reader(position)
            .and_then(|reader| read_column(reader, kind, count))
            .map_err(|error| {
                let text = format!("Cannot read '{name}': column '{}': {error}", kind.column.name);
                SqlError::new(SqlErrorKind::Data, text)
            })?;
        columns.push(values.into_iter());
    }
    rows.reserve(count);
    for _ in 0..count {
        let row: Row =
            columns.iter_mut().map(|column| column.next().unwrap_or(Value::Null)).collect();
        rows.push(row);
    }
    Ok(())
}

fn read_column(
    reader: ColumnReader,
    kind: &Kind,
    count: usize,
) -> Result<Vec<Value>, ParquetError> {
    let stored = kind.stored;
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            column(reader, kind, count, |value| Ok(Value::Boolean(*value)))
        }
        ColumnReader::Int32ColumnReader(reader) => column(reader, kind, count, |value| {
            Ok(match stored {
                Stored::Date => Value::Date(*value),
                Stored::Decimal(scale) => decimal(i128::from(*value), scale),
                // Unsigned numbers are stored in the bits of the signed.
                Stored::Unsigned32 => Value::Bigint(i64::from(value.cast_unsigned())),
                _ => Value::Integer(*value),
            })
        }),
        ColumnReader::Int64ColumnReader(reader) => {
            column(reader, kind, count, |value| match stored {
                Stored::Decimal(scale) => Ok(decimal(i128::from(*value), scale)),
                Stored::Timestamp(unit, utc) => timestamp(*value, unit, utc),
                _ => Ok(Value::Bigint(*value)),
            })
        }
        ColumnReader::FloatColumnReader(reader) => {
            column(reader, kind, count, |value| Ok(Value::Real(*value)))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            column(reader, kind, count, |value| Ok(Value::Double(*value)))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            column(reader, kind, count, |value| bytes(value.data(), stored))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            column(reader, kind, count, |value| bytes(value.data(), stored))
        }
        ColumnReader::Int96ColumnReader(_) => Err(damaged("INT96 is not supported")),
    }
}

/// Reads one column of a row group into one value a row.
fn column<T: ParquetType>(
    mut reader: ColumnReaderImpl<T>,
    kind: &Kind,
    count: usize,
    convert: impl Fn(&T::T) -> Result<Value, ParquetError>,
) -> Result<Vec<Value>, ParquetError> {
    let mut levels = Vec::new();
    let mut values = Vec::new();
    let (records, _, _) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
    if records != count {
        return Err(damaged(&format!("{records} of {count} rows are there")));
    }
    if !kind.column.nullable {
        return values.iter().map(convert).collect();
    }
    let mut present = values.iter();
    levels
        .iter()
        .map(|level| match level {
            0 => Ok(Value::Null),
            _ => present.next().map_or_else(|| Err(damaged("a value is missing")), &convert),
        })
        .collect()
}

fn bytes(data: &[u8], stored: Stored) -> Result<Value, ParquetError> {
    match stored {
        Stored::Text => std::str::from_utf8(data)
            .map(Value::text)
            .map_err(|error| damaged(&format!("text that is not UTF-8: {error}"))),
        Stored::Decimal(scale) => big_endian(data)
            .map(|unscaled| decimal(unscaled, scale))
            .ok_or_else(|| damaged("a decimal has more than 38 digits")),
        _ => Ok(Value::Bytea(Arc::from(data))),
    }
}

/// A big-endian two's complement number; `None` where it needs more than 128 bits.
fn big_endian(data: &[u8]) -> Option<i128> {
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

fn decimal(unscaled: i128, scale: u8) -> Value {
    Value::Numeric(Numeric { unscaled, scale })
}

fn timestamp(value: i64, unit: Unit, utc: bool) -> Result<Value, ParquetError> {
    let micros = match unit {
        Unit::Millis => {
            value.checked_mul(1_000).ok_or_else(|| damaged("a timestamp is out of range"))?
        }
        Unit::Micros => value,
        // Firebolt keeps microseconds; what is finer is cut off, downwards.
        Unit::Nanos => value.div_euclid(1_000),
    };
    Ok(if utc { Value::TimestampTz(micros) } else { Value::Timestamp(micros) })
}

fn damaged(text: &str) -> ParquetError {
    ParquetError::General(text.to_owned())
}

#[cfg(test)]
mod tests {
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;

    use super::*;

    type Line = (i32, Option<i64>, Option<String>);

    /// Writes the rows, so many a row group.
    fn write(rows: &[Line], group_rows: usize, dictionary: bool) -> Bytes {
        let schema = "message m { required int32 a; optional int64 b; optional binary c (UTF8); }";
        let schema = Arc::new(parse_message_type(schema).expect("a schema"));
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(dictionary)
            .set_data_page_row_count_limit(3)
            .set_write_batch_size(2)
            .build();
        let mut file =
            SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
        for rows in rows.chunks(group_rows) {
            let mut group = file.next_row_group().expect("a row group");
            let present = |is: fn(&Line) -> bool| {
                rows.iter().map(|row| i16::from(is(row))).collect::<Vec<i16>>()
            };
            let mut column = group.next_column().expect("a").expect("a");
            let values: Vec<i32> = rows.iter().map(|row| row.0).collect();
            column.typed::<Int32Type>().write_batch(&values, None, None).expect("a");
            column.close().expect("a");
            let mut column = group.next_column().expect("b").expect("b");
            let values: Vec<i64> = rows.iter().filter_map(|row| row.1).collect();
            let levels = present(|row| row.1.is_some());
            column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).expect("b");
            column.close().expect("b");
            let mut column = group.next_column().expect("c").expect("c");
            let values: Vec<ByteArray> =
                rows.iter().filter_map(|row| row.2.as_deref().map(ByteArray::from)).collect();
            let levels = present(|row| row.2.is_some());
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).expect("c");
            column.close().expect("c");
            group.close().expect("a closed row group");
        }
        Bytes::from(file.into_inner().expect("a file"))
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_names_it() {
        let whole = write(&vec![(1, Some(2), Some("x".to_owned())); 5], 2, true);
        assert!(read("f", whole.clone()).is_ok());
        for length in 0..whole.len() {
            let error = read("a/f.parquet", whole.slice(..length)).expect_err("cut");
            assert!(error.text.contains("'a/f.parquet'"), "{length}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            rows in prop::collection::vec(
                (any::<i32>(), any::<Option<i64>>(), any::<Option<String>>()), 0..40),
            group_rows in 1..20_usize,
            dictionary: bool,
        ) {
            let table = read("f", write(&rows, group_rows, dictionary)).expect("readable");
            let expected: Vec<Row> = rows
                .iter()
                .map(|(a, b, c)| Row::from([
                    Value::Integer(*a),
                    b.map_or(Value::Null, Value::Bigint),
                    c.as_deref().map_or(Value::Null, Value::text),
                ]))
                .collect();
            prop_assert_eq!(table.rows, expected);
            let nullable: Vec<bool> = table.columns.iter().map(|column| column.nullable).collect();
            prop_assert_eq!(nullable, [false, true, true]);
        }

        #[test]
        fn a_number_of_any_width_is_itself(number: i128, more in 0..4_usize) {
            let filler = if number < 0 { 0xff } else { 0 };
            let mut wide = vec![filler; more];
            wide.extend(number.to_be_bytes());
            prop_assert_eq!(big_endian(&wide), Some(number));
            let small = number as i16;
            prop_assert_eq!(big_endian(&small.to_be_bytes()), Some(i128::from(small)));
        }
    }

    #[test]
    fn a_number_that_needs_more_than_128_bits_is_none() {
        let mut wide = vec![0x01];
        wide.extend(0_i128.to_be_bytes());
        assert_eq!(big_endian(&wide), None);
        let mut flipped = vec![0x00];
        flipped.extend((-1_i128).to_be_bytes());
        assert_eq!(big_endian(&flipped), None, "2^128 - 1 is not -1");
        assert_eq!(big_endian(&[]), Some(0));
    }
}
