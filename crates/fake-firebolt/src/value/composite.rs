//! STRUCT: its type, and its values.
//!
//! A value carries the type it was made with, so that whoever renders it knows the names of its
//! fields without being told. Two values compare field by field, whatever their fields are called:
//! the binder has brought both to one type.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::{DataType, Value};

/// One field of a STRUCT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructField {
    /// The name as the catalogue keeps it: quoted names keep their case.
    pub name: Arc<str>,
    /// Its type.
    pub data_type: DataType,
    /// Whether NULL may be in it. Fields of a column always may; those of a row that is taken as
    /// a whole are what the row's columns are.
    pub nullable: bool,
}

/// The fields of a STRUCT, in order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructType {
    /// Names and types, in order.
    pub fields: Vec<StructField>,
}

impl StructType {
    /// The position of a field.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| &*field.name == name)
    }
}

/// Whether a name can be read without quotes: lower case, because anything else would be folded.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Writes a field's name, in quotes where it needs them.
pub(crate) fn write_name(f: &mut impl fmt::Write, name: &str, quote: char) -> fmt::Result {
    if is_plain(name) {
        return f.write_str(name);
    }
    f.write_char(quote)?;
    for c in name.chars() {
        if c == quote && quote == '"' {
            f.write_char(quote)?;
        }
        f.write_char(c)?;
    }
    f.write_char(quote)
}

/// As CREATE TABLE reads it.
impl fmt::Display for StructType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct(")?;
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write_name(f, &field.name, '"')?;
            write!(f, " {}", field.data_type)?;
        }
        f.write_str(")")
    }
}

/// A STRUCT that is there; a NULL one is [`Value::Null`].
#[derive(Debug, Clone)]
pub struct Struct {
    /// What its fields are called.
    pub of: Arc<StructType>,
    /// Their values: as many as there are fields.
    pub values: Box<[Value]>,
}

impl Struct {
    /// A value of these fields.
    #[must_use]
    pub fn value(of: Arc<StructType>, values: Vec<Value>) -> Value {
        Value::Struct(Arc::new(Self { of, values: values.into() }))
    }

    /// Names and values, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.of.fields.iter().map(|field| &*field.name).zip(&self.values)
    }
}

impl Ord for Struct {
    fn cmp(&self, other: &Self) -> Ordering {
        self.values.cmp(&other.values)
    }
}

impl PartialOrd for Struct {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Struct {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Struct {}

impl DataType {
    /// Whether the type, written out, stays within that many levels and that many types. A short
    /// query can make one of 2^30 that shares its parts, and whoever compares or names it walks all.
    pub(crate) fn fits(&self, levels: usize, left: &mut usize) -> bool {
        let (Some(levels), Some(rest)) = (levels.checked_sub(1), left.checked_sub(1)) else {
            return false;
        };
        *left = rest;
        match self {
            Self::Array(element) => element.fits(levels, left),
            Self::Struct(of) => of.fields.iter().all(|field| field.data_type.fits(levels, left)),
            _ => true,
        }
    }

    /// The name of what in this type has no order and no equality; `None` for types that compare.
    pub(crate) fn incomparable(&self) -> Option<&'static str> {
        match self {
            Self::Geography => Some("geography"),
            Self::Json => Some("json"),
            Self::Array(element) => element.incomparable(),
            Self::Struct(of) => of.fields.iter().find_map(|field| field.data_type.incomparable()),
            _ => None,
        }
    }

    /// Whether a STRUCT is in it.
    pub(crate) fn has_struct(&self) -> bool {
        match self {
            Self::Array(element) => element.has_struct(),
            Self::Struct(_) => true,
            _ => false,
        }
    }

    /// Whether something in it has no form as TEXT: a STRUCT, or a JSON value.
    pub(crate) fn has_no_text(&self) -> bool {
        match self {
            Self::Array(element) => element.has_no_text(),
            Self::Struct(_) | Self::Json => true,
            _ => false,
        }
    }

    /// The type of a column that keeps such values: a bare NULL is text, and every field of a
    /// STRUCT may be NULL (the vendor's page on STRUCT).
    pub(crate) fn stored(&self) -> Self {
        match self {
            Self::Null => Self::Text,
            Self::Array(element) => Self::Array(Box::new(element.stored())),
            Self::Struct(of) => {
                let field = |field: &StructField| StructField {
                    name: field.name.clone(),
                    data_type: field.data_type.stored(),
                    nullable: true,
                };
                Self::Struct(Arc::new(StructType { fields: of.fields.iter().map(field).collect() }))
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of every table pays for the largest value: what is rare stands behind a pointer.
    #[test]
    fn rare_types_cost_the_others_nothing() {
        assert_eq!(size_of::<Value>(), size_of::<crate::value::Numeric>() + align_of::<i128>());
        assert_eq!(size_of::<DataType>(), 2 * size_of::<usize>());
    }

    #[test]
    fn a_type_is_written_as_create_table_reads_it() {
        let field = |name: &str, data_type| StructField {
            name: Arc::from(name),
            data_type,
            nullable: true,
        };
        let of = StructType {
            fields: vec![
                field("plain_1", DataType::Null),
                field("Upper", DataType::Array(Box::new(DataType::Json))),
                field("two \"words\"", DataType::Geography),
            ],
        };
        let of = DataType::Struct(Arc::new(of));
        assert_eq!(
            of.to_string(),
            "struct(plain_1 null, \"Upper\" array(json), \"two \"\"words\"\"\" geography)"
        );
        assert!(of.stored().to_string().starts_with("struct(plain_1 text, "));
        assert_eq!(of.incomparable(), Some("json"));
        assert_eq!(DataType::Array(Box::new(DataType::Bytea)).incomparable(), None);
    }
}
