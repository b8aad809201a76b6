//! A real Parquet file to typed rows, by the column readers of the `parquet` crate.
//!
//! ```text
//! bytes ─ footer ─► schema (what each column is) ─► leaf (its values) ─► nesting (lists)
//!                                                              ─► structs (several leaves) ─► rows
//! ```
//! Types follow firebolt-semantics §4 and the vendor's pages on types; groups are STRUCT, and lists
//! of them ARRAY(STRUCT(…)). What Firebolt's reader makes of a map, of a time of day or of an
//! unsigned 64-bit integer is not known, so such a column is refused by name: a guess would let a
//! client rest on it. No bytes, however damaged, may panic in
//! here, or take more memory than [`ROWS_MAX`] allows.

#[cfg(test)]
mod foreign_tests;
mod leaf;
mod nesting;
mod schema;
mod stored;
mod structs;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use parquet::basic::CompressionCodec;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use self::schema::FileColumn;
use crate::quirks::Quirks;
use crate::sql::{ExternalTable, SqlError, SqlErrorKind};
use crate::value::{Row, Value};

/// Rows, and values of one column, that a file may say it has. A damaged footer can name any
/// number, and memory is taken by that number.
const ROWS_MAX: i64 = 10_000_000;

/// The last bytes of a file whose footer is encrypted.
const ENCRYPTED: &[u8] = b"PARE";

/// Decodes a file.
///
/// # Errors
/// Names the file, and the column where there is one: cut, damaged or encrypted files, columns of
/// a type or a compression that is not read here, values that do not fit their type.
pub(crate) fn read(name: &str, bytes: Bytes, quirks: &Quirks) -> Result<ExternalTable, SqlError> {
    // The `parquet` crate slices and adds up what a damaged page says without a second look; one
    // bad file must not end the request in a panic.
    std::panic::catch_unwind(|| read_whole(name, bytes, quirks))
        .unwrap_or_else(|_| Err(data(name, "it is damaged in a way that stops its reader")))
}

fn read_whole(name: &str, bytes: Bytes, quirks: &Quirks) -> Result<ExternalTable, SqlError> {
    if bytes.ends_with(ENCRYPTED) {
        return Err(unsupported(name, "it is an encrypted Parquet file"));
    }
    let broken =
        |error: ParquetError| data(name, format!("it is not a complete Parquet file ({error})"));
    let length = bytes.len();
    let reader = SerializedFileReader::new(bytes).map_err(broken)?;
    let metadata = reader.metadata();
    let columns = schema::columns(metadata.file_metadata().schema_descr(), quirks)
        .map_err(|text| unsupported(name, &text))?;
    check_groups(name, metadata, &columns, length)?;
    let mut rows = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(broken)?;
        read_group(name, group.as_ref(), &columns, &mut rows)?;
    }
    let columns = columns.into_iter().map(|column| column.column).collect();
    Ok(ExternalTable { columns, rows, ..ExternalTable::default() })
}

fn data(name: &str, text: impl std::fmt::Display) -> SqlError {
    SqlError::new(SqlErrorKind::Data, format!("Cannot read '{name}': {text}"))
}

fn unsupported(name: &str, text: &str) -> SqlError {
    SqlError::new(SqlErrorKind::Unsupported, format!("Cannot read '{name}': {text}"))
}

/// Refuses what is compressed in a way that this build does not undo, and numbers of rows that no
/// file of this size can mean.
fn check_groups(
    name: &str,
    metadata: &ParquetMetaData,
    columns: &[FileColumn],
    length: usize,
) -> Result<(), SqlError> {
    let mut rows = 0_i64;
    for group in metadata.row_groups() {
        let count = group.num_rows();
        rows = rows.saturating_add(count);
        if count < 0 || rows > ROWS_MAX {
            let text = format!("it says it has {rows} rows; more than {ROWS_MAX} are not read");
            return Err(data(name, text));
        }
        if group.num_columns() != metadata.file_metadata().schema_descr().num_columns() {
            return Err(data(name, "a row group does not have the columns of the file"));
        }
        let leaves = columns
            .iter()
            .flat_map(|column| column.leaves.iter().map(|leaf| (leaf.index, &column.column.name)));
        for (leaf, title) in leaves {
            let chunk = group.column(leaf);
            if !(0..=ROWS_MAX).contains(&chunk.num_values()) {
                let text = format!("column '{title}' says it has {} values", chunk.num_values());
                return Err(data(name, text));
            }
            if !lies_inside(chunk, length) {
                return Err(data(name, format!("column '{title}' lies outside of the file")));
            }
            if let Some(codec) = unread_codec(chunk.compression_codec()) {
                let text = format!(
                    "column '{title}' is compressed with {codec}, which this \
                                    build does not read"
                );
                return Err(unsupported(name, &text));
            }
        }
    }
    Ok(())
}

/// Whether the pages of a column are where the file has bytes.
fn lies_inside(chunk: &ColumnChunkMetaData, length: usize) -> bool {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let end = start.checked_add(chunk.compressed_size());
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    start >= 0 && chunk.compressed_size() >= 0 && end.is_some_and(|end| end <= length)
}

/// The name of a compression that is not built in. BROTLI and ZSTD come with the feature `codecs`:
/// the second is C code, and both would be built for every simulation.
fn unread_codec(codec: CompressionCodec) -> Option<&'static str> {
    match codec {
        CompressionCodec::UNCOMPRESSED
        | CompressionCodec::SNAPPY
        | CompressionCodec::GZIP
        | CompressionCodec::LZ4
        | CompressionCodec::LZ4_RAW => None,
        CompressionCodec::LZO => Some("LZO"),
        CompressionCodec::BROTLI if cfg!(feature = "codecs") => None,
        CompressionCodec::ZSTD if cfg!(feature = "codecs") => None,
        CompressionCodec::BROTLI => Some("BROTLI (feature `codecs`)"),
        CompressionCodec::ZSTD => Some("ZSTD (feature `codecs`)"),
    }
}

/// Reads one row group, column by column, and appends its rows.
fn read_group(
    name: &str,
    group: &dyn RowGroupReader,
    columns: &[FileColumn],
    rows: &mut Vec<Row>,
) -> Result<(), SqlError> {
    let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut read = Vec::with_capacity(columns.len());
    for column in columns {
        let values = values(group, column, count)
            .map_err(|error| data(name, format!("column '{}': {error}", column.column.name)))?;
        read.push(values.into_iter());
    }
    rows.reserve(count);
    for _ in 0..count {
        let row: Row = read.iter_mut().map(|column| column.next().unwrap_or(Value::Null)).collect();
        rows.push(row);
    }
    Ok(())
}

/// One value a row.
fn values(
    group: &dyn RowGroupReader,
    column: &FileColumn,
    count: usize,
) -> Result<Vec<Value>, ParquetError> {
    match (&column.nest, column.leaves.as_slice()) {
        (None, [leaf]) => leaf::read(group.get_column_reader(leaf.index)?, leaf, count),
        (None, _) => Err(leaf::damaged("a column without one place for its values")),
        (Some(nest), leaves) => {
            let mut pieces = Vec::with_capacity(leaves.len());
            for leaf in leaves {
                let read = leaf::read(group.get_column_reader(leaf.index)?, leaf, count)?;
                pieces.push(read.into_iter());
            }
            structs::rows(nest, pieces, count)
        }
    }
}
