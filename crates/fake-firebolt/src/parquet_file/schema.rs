//! What each column of a file is: its type here, how its bytes are meant, and where its lists are.
//!
//! Parquet has two generations of annotations; the newer one wins where a file has both. A column
//! that cannot be read is an error that names it and its type.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use crate::quirks::{ParquetInt96, ParquetLocalTimestamp, Quirks};
use crate::value::{Column, DataType};

/// Lists in lists in …: deeper ones are refused.
const LISTS_MAX: usize = 8;

/// One column as it is read.
#[derive(Debug)]
pub(super) struct FileColumn {
    pub(super) column: Column,
    /// Where its values are among the file's leaves.
    pub(super) leaf: usize,
    pub(super) stored: Stored,
    /// The lists around a value, outermost first.
    pub(super) lists: Vec<ListLevels>,
    /// The definition level of a value that is there.
    pub(super) max_def: i16,
}

/// From which definition levels on a list is there, and has an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListLevels {
    pub(super) present: i16,
    pub(super) element: i16,
}

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

/// The columns of a file, or which one cannot be read.
pub(super) fn columns(
    schema: &SchemaDescriptor,
    quirks: &Quirks,
) -> Result<Vec<FileColumn>, String> {
    let fields = schema.root_schema().get_fields();
    if fields.is_empty() {
        return Err("it has no columns".to_owned());
    }
    let mut columns = Vec::with_capacity(fields.len());
    for (root, field) in fields.iter().enumerate() {
        let refused = |text: &str| {
            let name = field.name();
            format!("column '{name}' has the Parquet type {text}, which is not supported")
        };
        let mut nesting = Nesting { lists: Vec::new(), def: 0 };
        nesting.walk(field).map_err(|kind| refused(&kind))?;
        // Every column before this one had one leaf.
        let descriptor = schema.columns().get(root);
        let descriptor = descriptor.filter(|_| schema.get_column_root_idx(root) == root);
        let descriptor = descriptor.ok_or_else(|| refused("of a group without fields"))?;
        let (stored, element) =
            kind(descriptor, quirks).ok_or_else(|| refused(&describe(descriptor)))?;
        let lists = nesting.lists;
        let max_def = descriptor.max_def_level();
        let levels = (descriptor.max_rep_level(), max_def);
        if levels != (i16::try_from(lists.len()).unwrap_or(i16::MAX), nesting.def) {
            return Err(refused("of lists whose levels do not add up"));
        }
        let nullable = lists.first().map_or(max_def, |list| list.present) > 0;
        let data_type = lists.iter().fold(element, |element, _| DataType::Array(Box::new(element)));
        let column = Column { name: field.name().to_owned(), data_type, nullable };
        columns.push(FileColumn { column, leaf: root, stored, lists, max_def });
    }
    Ok(columns)
}

/// The way from a column's root to its values.
struct Nesting {
    lists: Vec<ListLevels>,
    def: i16,
}

impl Nesting {
    /// Goes down to the one leaf; the error is the name of what is neither a list nor a value.
    fn walk(&mut self, node: &Type) -> Result<(), String> {
        let info = node.get_basic_info();
        match info.has_repetition().then(|| info.repetition()) {
            Some(Repetition::OPTIONAL) => self.def += 1,
            // A repeated field without a LIST around it is a list that is never NULL.
            Some(Repetition::REPEATED) => self.list()?,
            Some(Repetition::REQUIRED) | None => {}
        }
        if node.is_primitive() {
            return Ok(());
        }
        let is_list = matches!(info.logical_type_ref(), Some(LogicalType::List))
            || info.converted_type() == ConvertedType::LIST;
        match (is_list, node.get_fields()) {
            (true, [repeated]) if is_repeated(repeated) => self.elements(node.name(), repeated),
            _ => Err(group_name(node)),
        }
    }

    /// Goes into the repeated field of a LIST: the list's element itself in old files, a group
    /// around it in all others. The rules are those of the format's own page on lists.
    fn elements(&mut self, list: &str, repeated: &Type) -> Result<(), String> {
        self.list()?;
        if repeated.is_primitive() {
            return Ok(());
        }
        let name = repeated.name();
        match repeated.get_fields() {
            [element] if name != "array" && name != format!("{list}_tuple") => self.walk(element),
            _ => Err(format!("LIST of {}", group_name(repeated))),
        }
    }

    fn list(&mut self) -> Result<(), String> {
        if self.lists.len() >= LISTS_MAX {
            return Err(format!("LIST, nested more than {LISTS_MAX} deep"));
        }
        self.lists.push(ListLevels { present: self.def, element: self.def + 1 });
        self.def += 1;
        Ok(())
    }
}

fn is_repeated(node: &Type) -> bool {
    let info = node.get_basic_info();
    info.has_repetition() && info.repetition() == Repetition::REPEATED
}

fn group_name(node: &Type) -> String {
    let info = node.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Map), _) | (_, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            "MAP".to_owned()
        }
        (Some(LogicalType::List), _) | (_, ConvertedType::LIST) => "LIST of no element".to_owned(),
        _ => "STRUCT".to_owned(),
    }
}

/// The type's name for an error.
fn describe(descriptor: &ColumnDescriptor) -> String {
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
fn kind(descriptor: &ColumnDescriptor, quirks: &Quirks) -> Option<(Stored, DataType)> {
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
