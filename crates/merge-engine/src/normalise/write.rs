//! The reduced file: the kept rows, every column in one representation, and three columns of ours.
//!
//! The same rows give the same bytes, because the file is named by their hash: the writer's settings
//! are fixed and rows lie in the order of their keys. Nothing here knows where the file goes.

use super::columns::{Cells, FileColumn};
use super::reduce::Kept;
use merge_protocol::schema::ColumnType;
use merge_protocol::sql::stage::OWN_COLUMNS;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files of at least so many rows are compressed.
const COMPRESSED_FROM_ROWS: usize = 512;

/// Files of fewer rows are, if their values have so many bytes: a few hundred rows of long texts
/// are the largest files of all.
const COMPRESSED_FROM_BYTES: usize = 64 << 10;

/// Writes the kept rows of files that share their columns. `files[i]` are the columns of file `i`, in
/// the order of the first file's.
///
/// # Errors
/// Only when the Parquet writer refuses what it was given: a bug, reported as such by the caller.
pub(crate) fn write(
    files: &[Vec<&FileColumn>],
    kept: &BTreeMap<String, Kept>,
) -> Result<Vec<u8>, ParquetError> {
    let Some(first) = files.first() else { return Err(ParquetError::General("no file".into())) };
    // Below that a file is one small object either way, and a compressor made for each of its columns
    // is most of the work.
    let is_small =
        kept.len() < COMPRESSED_FROM_ROWS && bytes_of(files, kept) < COMPRESSED_FROM_BYTES;
    let compression = if is_small { Compression::UNCOMPRESSED } else { Compression::SNAPPY };
    let properties = WriterProperties::builder()
        .set_created_by("firebolt-merge".into())
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema(first)?, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let places: Vec<(usize, usize)> = kept.values().map(|kept| (kept.file, kept.row)).collect();
    for index in 0..first.len() {
        let column: Vec<&Cells> = files.iter().map(|file| &file[index].cells).collect();
        write_cells(&mut group, &column, &places)?;
    }
    let keys: Vec<ByteArray> = kept.keys().map(|key| key.as_str().into()).collect();
    write_values::<ByteArrayType>(&mut group, &keys, None)?;
    let seqs: Vec<ByteArray> = kept.values().map(|kept| kept.seq.as_str().into()).collect();
    write_values::<ByteArrayType>(&mut group, &seqs, None)?;
    let deleted: Vec<bool> = kept.values().map(|kept| kept.deleted).collect();
    write_values::<BoolType>(&mut group, &deleted, None)?;
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

/// The bytes of the kept values as Parquet stores them, without lengths and levels. It depends on
/// nothing but the rows, so the same rows are compressed, or not, every time.
fn bytes_of(files: &[Vec<&FileColumn>], kept: &BTreeMap<String, Kept>) -> usize {
    let own = kept.iter().map(|(key, kept)| key.len() + kept.seq.as_str().len());
    let cells = kept.values().flat_map(|kept| {
        let columns = files.get(kept.file).into_iter().flatten();
        columns.map(|column| column.cells.bytes_at(kept.row))
    });
    own.chain(cells).fold(0, usize::saturating_add)
}

fn schema(columns: &[&FileColumn]) -> Result<TypePtr, ParquetError> {
    let mut fields: Vec<TypePtr> = Vec::with_capacity(columns.len() + OWN_COLUMNS.len());
    for column in columns {
        let (name, optional) = (column.column.name.as_str(), Repetition::OPTIONAL);
        fields.push(Arc::new(field(name, &column.column.data_type, optional)?));
    }
    let own = [ColumnType::Text, ColumnType::Text, ColumnType::Boolean];
    for (name, data_type) in OWN_COLUMNS.iter().zip(own) {
        fields.push(Arc::new(field(name, &data_type, Repetition::REQUIRED)?));
    }
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

/// The Parquet type that READ_PARQUET maps to this Firebolt type (firebolt-semantics, Parquet types).
fn field(name: &str, data_type: &ColumnType, repetition: Repetition) -> Result<Type, ParquetError> {
    let timestamp = |utc| Some(LogicalType::timestamp(utc, TimeUnit::MICROS));
    let (physical, logical) = match data_type {
        ColumnType::Boolean => (Physical::BOOLEAN, None),
        ColumnType::Integer => (Physical::INT32, None),
        ColumnType::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnType::Bigint => (Physical::INT64, None),
        ColumnType::Timestamp => (Physical::INT64, timestamp(false)),
        ColumnType::TimestampTz => (Physical::INT64, timestamp(true)),
        ColumnType::Real => (Physical::FLOAT, None),
        ColumnType::Double => (Physical::DOUBLE, None),
        ColumnType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Bytea => (Physical::BYTE_ARRAY, None),
        ColumnType::Numeric(precision, scale) => {
            return Type::primitive_type_builder(name, Physical::FIXED_LEN_BYTE_ARRAY)
                .with_repetition(repetition)
                .with_length(16)
                .with_precision(i32::from(*precision))
                .with_scale(i32::from(*scale))
                .with_logical_type(Some(LogicalType::decimal(
                    i32::from(*scale),
                    i32::from(*precision),
                )))
                .build();
        }
        ColumnType::Other(text) => {
            return Err(ParquetError::General(format!("column {name} has type {text}")));
        }
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .build()
}

fn write_cells(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    files: &[&Cells],
    places: &[(usize, usize)],
) -> Result<(), ParquetError> {
    macro_rules! column {
        ($variant:ident, $type:ty, $turn:expr) => {{
            let mut levels = Vec::with_capacity(places.len());
            let mut values = Vec::with_capacity(places.len());
            for (file, row) in places {
                let cell = match files[*file] {
                    Cells::$variant(cells) => cells[*row].as_ref(),
                    // Files are reduced together only when their columns have equal types.
                    _ => return Err(ParquetError::General("columns of two types".into())),
                };
                levels.push(i16::from(cell.is_some()));
                values.extend(cell.map($turn));
            }
            write_values::<$type>(group, &values, Some(&levels))
        }};
    }
    match files[0] {
        Cells::Bool(_) => column!(Bool, BoolType, |value| *value),
        Cells::Int32(_) => column!(Int32, Int32Type, |value| *value),
        Cells::Int64(_) => column!(Int64, Int64Type, |value| *value),
        Cells::Float(_) => column!(Float, FloatType, |value| *value),
        Cells::Double(_) => column!(Double, DoubleType, |value| *value),
        Cells::Bytes(_) => column!(Bytes, ByteArrayType, |value| value.clone()),
        Cells::Decimal(_) => column!(Decimal, FixedLenByteArrayType, |value| {
            FixedLenByteArray::from(value.to_be_bytes().to_vec())
        }),
    }
}

fn write_values<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns than the schema has".into()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
