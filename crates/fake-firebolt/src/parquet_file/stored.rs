//! How the bytes of a value are meant, and the type that they become.
//!
//! Parquet has two generations of annotations; the newer one wins where a file has both. What is
//! not known here has no meaning: a guess would let a client rest on it.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::ColumnDescriptor;

use crate::quirks::{ParquetInt96, ParquetLocalTimestamp, Quirks};
use crate::value::DataType;

/// What the bytes of a value mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// As the physical type says.
    Plain,
    /// UTF-8 text.
    Text,
    /// Days since 1970-01-01.
    Date,
    /// An unsigned number of 32 bits.
    Unsigned32,
    /// An unscaled decimal of this precision and scale.
    Decimal(u8, u8),
    /// Time since 1970 in this unit; true for instants in UTC.
    Timestamp(Unit, bool),
}

/// The units of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// The type's name for an error.
pub(super) fn describe(descriptor: &ColumnDescriptor) -> String {
    match (descriptor.logical_type_ref(), descriptor.converted_type()) {
        (Some(LogicalType::Decimal { .. }), _) | (None, ConvertedType::DECIMAL) => {
            let (precision, scale) = (descriptor.type_precision(), descriptor.type_scale());
            format!("DECIMAL({precision}, {scale})")
        }
        (Some(LogicalType::Time(_)), _) => "TIME".to_owned(),
        (_, converted @ ConvertedType::UINT_64) => converted.to_string(),
        (Some(logical), _) => {
            let name = format!("{logical:?}").to_ascii_uppercase();
            name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
        }
        (None, ConvertedType::NONE) => descriptor.physical_type().to_string(),
        (None, converted) => converted.to_string(),
    }
}

/// How a value is read and what it becomes; `None` where it is not read here.
pub(super) fn kind(descriptor: &ColumnDescriptor, quirks: &Quirks) -> Option<(Stored, DataType)> {
    Some(match logical(descriptor)? {
        Logical::None => match descriptor.physical_type() {
            Physical::BOOLEAN => (Stored::Plain, DataType::Boolean),
            Physical::INT32 => (Stored::Plain, DataType::Integer),
            Physical::INT64 => (Stored::Plain, DataType::Bigint),
            Physical::FLOAT => (Stored::Plain, DataType::Real),
            Physical::DOUBLE => (Stored::Plain, DataType::Double),
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => {
                (Stored::Plain, DataType::Bytea)
            }
            Physical::INT96 => match quirks.parquet_int96 {
                ParquetInt96::Refuse => return None,
                ParquetInt96::Timestamp => {
                    (Stored::Timestamp(Unit::Nanos, false), DataType::Timestamp)
                }
                ParquetInt96::Timestamptz => {
                    (Stored::Timestamp(Unit::Nanos, true), DataType::TimestampTz)
                }
            },
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
            (Stored::Decimal(precision, scale), DataType::Numeric { precision, scale })
        }
        Logical::Timestamp(unit, true) => (Stored::Timestamp(unit, true), DataType::TimestampTz),
        Logical::Timestamp(unit, false) => {
            let as_number = quirks.parquet_local_timestamp == ParquetLocalTimestamp::Bigint;
            match unit {
                Unit::Millis | Unit::Nanos if as_number => (Stored::Plain, DataType::Bigint),
                _ => (Stored::Timestamp(unit, false), DataType::Timestamp),
            }
        }
    })
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
