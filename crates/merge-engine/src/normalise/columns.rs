//! A CDC file in memory: flat columns in the few representations that the merge writes again.
//!
//! Whatever way a value was stored (decimals in four physical forms, time stamps in three units), it
//! has one representation here, so that staging tables have stable column types. A value that has no
//! exact representation refuses the file, with its column and row; nothing is rounded or cut.

use bytes::Bytes;
use merge_protocol::outcome::{Reason, ReasonCode};
use merge_protocol::schema::{Column, ColumnType};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, Int96};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

/// Values of one column, one a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    /// BOOLEAN
    Bool(Vec<Option<bool>>),
    /// INTEGER and DATE (days)
    Int32(Vec<Option<i32>>),
    /// BIGINT, TIMESTAMP and TIMESTAMPTZ (microseconds)
    Int64(Vec<Option<i64>>),
    /// REAL
    Float(Vec<Option<f32>>),
    /// DOUBLE PRECISION
    Double(Vec<Option<f64>>),
    /// NUMERIC, unscaled
    Decimal(Vec<Option<i128>>),
    /// TEXT (checked UTF-8) and BYTEA
    Bytes(Vec<Option<ByteArray>>),
}

impl Cells {
    /// The bytes of one value as Parquet stores it; none where the row has none.
    pub(crate) fn bytes_at(&self, row: usize) -> usize {
        fn width<T>(cells: &[Option<T>], row: usize) -> usize {
            cells.get(row).and_then(Option::as_ref).map_or(0, size_of_val)
        }
        match self {
            Self::Bool(cells) => width(cells, row),
            Self::Int32(cells) => width(cells, row),
            Self::Int64(cells) => width(cells, row),
            Self::Float(cells) => width(cells, row),
            Self::Double(cells) => width(cells, row),
            Self::Decimal(cells) => width(cells, row),
            Self::Bytes(cells) => cells.get(row).and_then(Option::as_ref).map_or(0, ByteArray::len),
        }
    }
}

/// One column with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileColumn {
    /// Name and Firebolt type, as READ_PARQUET will see it.
    pub(crate) column: Column,
    /// The values.
    pub(crate) cells: Cells,
}

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct FileTable {
    pub(crate) columns: Vec<FileColumn>,
    pub(crate) rows: usize,
}

/// How a physical value becomes a cell.
enum Decode {
    Bool,
    Int32,
    Unsigned32,
    Int64,
    /// To microseconds: multiply, or divide and refuse a remainder.
    Micros {
        times: i64,
        over: i64,
    },
    Int96,
    Float,
    Double,
    Decimal,
    Unsigned64,
    Text,
    Bytes,
}

fn reason(code: ReasonCode, detail: String) -> Reason {
    Reason { code, detail }
}

fn unreadable(what: impl std::fmt::Display) -> Reason {
    reason(ReasonCode::Unreadable, format!("the object is no readable Parquet file: {what}"))
}

impl FileTable {
    /// Reads a whole file.
    ///
    /// # Errors
    /// Not Parquet, cut short, nested or unsupported columns, values without exact representation.
    pub(crate) fn read(bytes: Bytes) -> Result<FileTable, Reason> {
        // The Parquet crate asserts on some damaged metadata instead of failing (a negative offset,
        // for one). One such file must be set aside, not kill every worker that it is delivered to.
        let decode = std::panic::AssertUnwindSafe(|| FileTable::decode(bytes));
        std::panic::catch_unwind(decode)
            .unwrap_or_else(|_| Err(unreadable("its metadata is damaged")))
    }

    fn decode(bytes: Bytes) -> Result<FileTable, Reason> {
        let reader = SerializedFileReader::new(bytes).map_err(unreadable)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let mut columns = Vec::with_capacity(schema.num_columns());
        for index in 0..schema.num_columns() {
            let descriptor = schema.column(index);
            let (data_type, decode) = recognise(&descriptor)?;
            let name = descriptor.name().to_owned();
            let mut cells = decode.empty();
            for group in 0..reader.num_row_groups() {
                let group = reader.get_row_group(group).map_err(unreadable)?;
                let rows = usize::try_from(group.metadata().num_rows()).map_err(unreadable)?;
                let source = group.get_column_reader(index).map_err(unreadable)?;
                let before = cells.len();
                read_column(source, &decode, rows, &name, &mut cells)?;
                if cells.len() - before != rows {
                    return Err(unreadable(format!(
                        "column {name} has {} of {rows} rows in a row group",
                        cells.len() - before
                    )));
                }
            }
            columns.push(FileColumn { column: Column { name, data_type, nullable: true }, cells });
        }
        let rows =
            usize::try_from(reader.metadata().file_metadata().num_rows()).map_err(unreadable)?;
        // Where the footer's count is damaged, rows would be lost in silence, or read past the end.
        if columns.iter().any(|column| column.cells.len() != rows) {
            return Err(unreadable("its footer counts other rows than its row groups hold"));
        }
        Ok(FileTable { columns, rows })
    }

    /// The column of this name, or one that differs in case only.
    pub(crate) fn find(&self, name: &str) -> Option<&FileColumn> {
        let exact = self.columns.iter().find(|column| column.column.name == name);
        exact.or_else(|| {
            self.columns.iter().find(|column| column.column.name.eq_ignore_ascii_case(name))
        })
    }
}

/// Which type a column has, and how its values are read.
fn recognise(column: &ColumnDescriptor) -> Result<(ColumnType, Decode), Reason> {
    let unsupported = |what: &str| {
        let name = column.path().string();
        reason(
            ReasonCode::UnsupportedColumn,
            format!("column {name} is {what}, which is not supported"),
        )
    };
    if column.path().parts().len() != 1 || column.max_rep_level() > 0 {
        return Err(unsupported("nested"));
    }
    let logical = column.logical_type_ref();
    let converted = column.converted_type();
    if matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL {
        let (precision, scale) = (column.type_precision(), column.type_scale());
        return match (u8::try_from(precision), u8::try_from(scale)) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
                Ok((ColumnType::Numeric(precision, scale), Decode::Decimal))
            }
            _ => Err(unsupported(&format!("a decimal of precision {precision}, scale {scale}"))),
        };
    }
    let signed = |bits: i8| match logical {
        Some(LogicalType::Integer(int)) => int.bit_width == bits && !int.is_signed,
        _ => false,
    };
    match column.physical_type() {
        Physical::BOOLEAN => Ok((ColumnType::Boolean, Decode::Bool)),
        Physical::FLOAT => Ok((ColumnType::Real, Decode::Float)),
        Physical::DOUBLE => Ok((ColumnType::Double, Decode::Double)),
        Physical::INT96 => Ok((ColumnType::Timestamp, Decode::Int96)),
        Physical::INT32 => match (logical, converted) {
            (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => {
                Ok((ColumnType::Date, Decode::Int32))
            }
            (Some(LogicalType::Time(_)), _) | (_, ConvertedType::TIME_MILLIS) => {
                Err(unsupported("a time of day"))
            }
            (_, ConvertedType::UINT_32) => Ok((ColumnType::Bigint, Decode::Unsigned32)),
            _ if signed(32) => Ok((ColumnType::Bigint, Decode::Unsigned32)),
            _ => Ok((ColumnType::Integer, Decode::Int32)),
        },
        Physical::INT64 => {
            int64(logical, converted, signed(64)).ok_or_else(|| unsupported("a time of day"))
        }
        Physical::BYTE_ARRAY => Ok(match (logical, converted) {
            (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _)
            | (_, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON) => {
                (ColumnType::Text, Decode::Text)
            }
            _ => (ColumnType::Bytea, Decode::Bytes),
        }),
        Physical::FIXED_LEN_BYTE_ARRAY => match logical {
            None => Ok((ColumnType::Bytea, Decode::Bytes)),
            Some(other) => Err(unsupported(&format!("{other:?}"))),
        },
    }
}

fn int64(
    logical: Option<&LogicalType>,
    converted: ConvertedType,
    unsigned: bool,
) -> Option<(ColumnType, Decode)> {
    let micros = Decode::Micros { times: 1, over: 1 };
    let millis = Decode::Micros { times: 1_000, over: 1 };
    Some(match (logical, converted) {
        (Some(LogicalType::Timestamp(timestamp)), _) => {
            let zone = timestamp.is_adjusted_to_u_t_c;
            let data_type = if zone { ColumnType::TimestampTz } else { ColumnType::Timestamp };
            match timestamp.unit {
                TimeUnit::MILLIS => (data_type, millis),
                TimeUnit::MICROS => (data_type, micros),
                TimeUnit::NANOS => (data_type, Decode::Micros { times: 1, over: 1_000 }),
            }
        }
        // The older annotation always meant UTC (Parquet's LogicalTypes, compatibility rules).
        (None, ConvertedType::TIMESTAMP_MICROS) => (ColumnType::TimestampTz, micros),
        (None, ConvertedType::TIMESTAMP_MILLIS) => (ColumnType::TimestampTz, millis),
        (Some(LogicalType::Time(_)), _) | (None, ConvertedType::TIME_MICROS) => return None,
        (_, ConvertedType::UINT_64) => (ColumnType::Numeric(20, 0), Decode::Unsigned64),
        _ if unsigned => (ColumnType::Numeric(20, 0), Decode::Unsigned64),
        _ => (ColumnType::Bigint, Decode::Int64),
    })
}

impl Decode {
    fn empty(&self) -> Cells {
        match self {
            Decode::Bool => Cells::Bool(Vec::new()),
            Decode::Int32 => Cells::Int32(Vec::new()),
            Decode::Unsigned32 | Decode::Int64 | Decode::Micros { .. } | Decode::Int96 => {
                Cells::Int64(Vec::new())
            }
            Decode::Float => Cells::Float(Vec::new()),
            Decode::Double => Cells::Double(Vec::new()),
            Decode::Decimal | Decode::Unsigned64 => Cells::Decimal(Vec::new()),
            Decode::Text | Decode::Bytes => Cells::Bytes(Vec::new()),
        }
    }
}

impl Cells {
    pub(crate) fn len(&self) -> usize {
        match self {
            Cells::Bool(values) => values.len(),
            Cells::Int32(values) => values.len(),
            Cells::Int64(values) => values.len(),
            Cells::Float(values) => values.len(),
            Cells::Double(values) => values.len(),
            Cells::Decimal(values) => values.len(),
            Cells::Bytes(values) => values.len(),
        }
    }
}

fn read_column(
    reader: ColumnReader,
    decode: &Decode,
    rows: usize,
    name: &str,
    cells: &mut Cells,
) -> Result<(), Reason> {
    let place = |row: usize, what: &str| {
        reason(ReasonCode::UnsupportedColumn, format!("column {name}, row {row}: {what}"))
    };
    match (reader, cells) {
        (ColumnReader::BoolColumnReader(reader), Cells::Bool(to)) => {
            fill(reader, rows, to, |_, value| Ok(*value))
        }
        (ColumnReader::Int32ColumnReader(reader), Cells::Int32(to)) => {
            fill(reader, rows, to, |_, value| Ok(*value))
        }
        (ColumnReader::Int32ColumnReader(reader), Cells::Int64(to)) => {
            fill(reader, rows, to, |_, value| Ok(i64::from(value.cast_unsigned())))
        }
        (ColumnReader::Int32ColumnReader(reader), Cells::Decimal(to)) => {
            fill(reader, rows, to, |_, value| Ok(i128::from(*value)))
        }
        (ColumnReader::Int64ColumnReader(reader), Cells::Int64(to)) => {
            let (times, over) = match decode {
                Decode::Micros { times, over } => (*times, *over),
                _ => (1, 1),
            };
            fill(reader, rows, to, |row, value| {
                let exact =
                    if value % over == 0 { (value / over).checked_mul(times) } else { None };
                exact.ok_or_else(|| place(row, "a time stamp that microseconds cannot hold"))
            })
        }
        (ColumnReader::Int64ColumnReader(reader), Cells::Decimal(to)) => {
            let unsigned = matches!(decode, Decode::Unsigned64);
            fill(reader, rows, to, |_, value| {
                let unsigned_value = || i128::from(value.cast_unsigned());
                Ok(if unsigned { unsigned_value() } else { i128::from(*value) })
            })
        }
        (ColumnReader::Int96ColumnReader(reader), Cells::Int64(to)) => {
            fill(reader, rows, to, |row, value| {
                int96_micros(value)
                    .ok_or_else(|| place(row, "an INT96 that microseconds cannot hold"))
            })
        }
        (ColumnReader::FloatColumnReader(reader), Cells::Float(to)) => {
            fill(reader, rows, to, |_, value| Ok(*value))
        }
        (ColumnReader::DoubleColumnReader(reader), Cells::Double(to)) => {
            fill(reader, rows, to, |_, value| Ok(*value))
        }
        (ColumnReader::ByteArrayColumnReader(reader), Cells::Decimal(to)) => {
            fill(reader, rows, to, |row, value| {
                big_endian(value.data())
                    .ok_or_else(|| place(row, "a decimal of more than 38 digits"))
            })
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Cells::Decimal(to)) => {
            fill(reader, rows, to, |row, value| {
                big_endian(value.data())
                    .ok_or_else(|| place(row, "a decimal of more than 38 digits"))
            })
        }
        (ColumnReader::ByteArrayColumnReader(reader), Cells::Bytes(to)) => {
            let text = matches!(decode, Decode::Text);
            fill(reader, rows, to, |row, value| {
                if text && std::str::from_utf8(value.data()).is_err() {
                    return Err(place(row, "text that is not UTF-8"));
                }
                Ok(value.clone())
            })
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Cells::Bytes(to)) => {
            fill(reader, rows, to, |_, value| Ok(ByteArray::from(value.data().to_vec())))
        }
        _ => Err(unreadable(format!("column {name} is stored in another type than it declares"))),
    }
}

/// Reads one column of one row group; `turn` makes a cell of a value and knows its row.
fn fill<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    to: &mut Vec<Option<V>>,
    turn: impl Fn(usize, &T::T) -> Result<V, Reason>,
) -> Result<(), Reason> {
    let mut read = 0;
    while read < rows {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (records, _, _) = reader
            .read_records(rows - read, Some(&mut levels), None, &mut values)
            .map_err(unreadable)?;
        if records == 0 {
            break;
        }
        let mut present = values.iter();
        for index in 0..records {
            // A required column has no levels at all.
            let is_null = levels.get(index) == Some(&0) && values.len() < records;
            let cell = match is_null {
                true => None,
                false => {
                    let value =
                        present.next().ok_or_else(|| unreadable("fewer values than rows"))?;
                    Some(turn(to.len(), value)?)
                }
            };
            to.push(cell);
        }
        read += records;
    }
    Ok(())
}

fn int96_micros(value: &Int96) -> Option<i64> {
    // Nanoseconds of the day in two words, then the Julian day (Parquet's deprecated INT96).
    let [low, high, day] = *value.data() else { return None };
    let nanos = u64::from(low) | (u64::from(high) << 32);
    let days = i64::from(day) - 2_440_588;
    let micros = i64::try_from(nanos / 1_000).ok()?;
    if !nanos.is_multiple_of(1_000) {
        return None;
    }
    days.checked_mul(86_400_000_000)?.checked_add(micros)
}

fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let fill = if negative { 0xff } else { 0 };
    let extra = bytes.len().saturating_sub(16);
    if bytes[..extra].iter().any(|byte| *byte != fill) {
        return None;
    }
    let mut wide = [fill; 16];
    wide[16 - (bytes.len() - extra)..].copy_from_slice(&bytes[extra..]);
    let value = i128::from_be_bytes(wide);
    (value.is_negative() == negative || bytes.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_width_are_exact() {
        assert_eq!(big_endian(&[0x01, 0x00]), Some(256));
        assert_eq!(big_endian(&[0xff]), Some(-1));
        assert_eq!(big_endian(&[]), Some(0));
        assert_eq!(big_endian(&i128::MIN.to_be_bytes()), Some(i128::MIN));
        let mut wide = vec![0xff; 4];
        wide.extend((-5i128).to_be_bytes());
        assert_eq!(big_endian(&wide), Some(-5));
        let mut too_wide = vec![1];
        too_wide.extend(0i128.to_be_bytes());
        assert_eq!(big_endian(&too_wide), None);
        // The sign bit of the sixteenth byte is not the number's own.
        let mut wraps = vec![0];
        wraps.extend([0xff; 16]);
        assert_eq!(big_endian(&wraps), None);
    }

    #[test]
    fn int96_is_a_julian_day_and_nanoseconds() {
        let mut value = Int96::new();
        value.set_data(1_500, 0, 2_440_589);
        assert_eq!(int96_micros(&value), None, "half a microsecond");
        value.set_data(2_000, 0, 2_440_589);
        assert_eq!(int96_micros(&value), Some(86_400_000_002));
    }

    #[test]
    fn what_is_no_parquet_is_refused() {
        for bytes in [&b""[..], b"PAR1", b"id,name\n1,a\n"] {
            let refused = FileTable::read(Bytes::copy_from_slice(bytes)).expect_err("no Parquet");
            assert_eq!(refused.code, ReasonCode::Unreadable);
        }
    }
}
