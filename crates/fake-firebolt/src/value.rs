//! Values, types, columns, and rows: what the SQL layer computes and the store keeps.
//!
//! Values carry no type parameters of their own beyond what their variant says; the binder knows
//! the declared type. This file must not convert between types: that is the cast matrix's work.

mod composite;

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

pub(crate) use composite::write_name;
pub use composite::{Struct, StructField, StructType};

/// An exact decimal: `unscaled × 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numeric {
    /// The digits, without the point.
    pub unscaled: i128,
    /// Digits right of the point, at most 38.
    pub scale: u8,
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.unscaled);
        }
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if self.unscaled < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// One SQL value.
#[derive(Debug, Clone)]
pub enum Value {
    /// SQL NULL of any type.
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// INTEGER, 32 bits.
    Integer(i32),
    /// BIGINT, 64 bits.
    Bigint(i64),
    /// REAL.
    Real(f32),
    /// DOUBLE PRECISION.
    Double(f64),
    /// NUMERIC; the scale is the declared one.
    Numeric(Numeric),
    /// TEXT.
    Text(Arc<str>),
    /// DATE: days since 1970-01-01.
    Date(i32),
    /// TIMESTAMP: microseconds since 1970-01-01 00:00:00, no zone.
    Timestamp(i64),
    /// TIMESTAMPTZ: microseconds since the epoch, UTC.
    TimestampTz(i64),
    /// BYTEA.
    Bytea(Arc<[u8]>),
    /// ARRAY of one element type.
    Array(Arc<[Value]>),
    /// STRUCT.
    Struct(Arc<Struct>),
    /// GEOGRAPHY: its extended Well-Known Binary, normalised. Equal bytes are no more than that;
    /// SQL does not compare such values.
    Geography(Arc<[u8]>),
    /// JSON: a document in its one form, without white space and by the names of its members. SQL
    /// does not compare such values either.
    Json(Arc<str>),
}

impl Value {
    /// A TEXT value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// Whether this is SQL NULL.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Boolean(_) => 0,
            Self::Integer(_) => 1,
            Self::Bigint(_) => 2,
            Self::Real(_) => 3,
            Self::Double(_) => 4,
            Self::Numeric(_) => 5,
            Self::Text(_) => 6,
            Self::Date(_) => 7,
            Self::Timestamp(_) => 8,
            Self::TimestampTz(_) => 9,
            Self::Bytea(_) => 10,
            Self::Array(_) => 11,
            Self::Struct(_) => 12,
            Self::Geography(_) => 13,
            Self::Json(_) => 14,
            Self::Null => 15,
        }
    }
}

/// Decimal digits that a REAL, and a DOUBLE PRECISION, is sure to hold (the vendor's page on types).
const REAL_DIGITS: i32 = 6;
const DOUBLE_DIGITS: i32 = 15;

/// A float as text: the shortest digits that lead back to it, with an exponent where the point
/// would stand far outside of them. Where that begins is PostgreSQL's rule.
fn float_text(
    f: &mut fmt::Formatter<'_>,
    plain: &dyn fmt::Display,
    scientific: &str,
    digits: i32,
) -> fmt::Result {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return write!(f, "{plain}");
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent < -4 || exponent >= digits => {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(f, "{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => write!(f, "{plain}"),
    }
}

/// Floats order as SQL orders them: -0 equals 0, NaN equals NaN and is the greatest.
fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The total order of one column: by value, NULL last. Values of two different types, which the
/// binder never compares, order by type.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) | (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Bigint(a), Self::Bigint(b))
            | (Self::Timestamp(a), Self::Timestamp(b))
            | (Self::TimestampTz(a), Self::TimestampTz(b)) => a.cmp(b),
            (Self::Real(a), Self::Real(b)) => float_order(f64::from(*a), f64::from(*b)),
            (Self::Double(a), Self::Double(b)) => float_order(*a, *b),
            (Self::Numeric(a), Self::Numeric(b)) => {
                a.unscaled.cmp(&b.unscaled).then(a.scale.cmp(&b.scale))
            }
            (Self::Text(a), Self::Text(b)) | (Self::Json(a), Self::Json(b)) => a.cmp(b),
            (Self::Bytea(a), Self::Bytea(b)) | (Self::Geography(a), Self::Geography(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) => a.cmp(b),
            (Self::Struct(a), Self::Struct(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

/// The text of a value as `CAST(… AS TEXT)` renders it; NULL renders as `NULL`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Bigint(value) => write!(f, "{value}"),
            Self::Real(value) => float_text(f, value, &format!("{value:e}"), REAL_DIGITS),
            Self::Double(value) => float_text(f, value, &format!("{value:e}"), DOUBLE_DIGITS),
            Self::Numeric(value) => write!(f, "{value}"),
            Self::Text(value) | Self::Json(value) => f.write_str(value),
            Self::Date(days) => f.write_str(&crate::sql::datetime::render_date(*days)),
            Self::Timestamp(micros) => f.write_str(&crate::sql::datetime::render(*micros)),
            Self::TimestampTz(micros) => {
                write!(f, "{}+00", crate::sql::datetime::render(*micros))
            }
            Self::Bytea(bytes) => {
                f.write_str("\\x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Array(items) => {
                f.write_str("{")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(",")?;
                    }
                    match item {
                        Self::Text(text) => write_element(f, text)?,
                        other => write!(f, "{other}")?,
                    }
                }
                f.write_str("}")
            }
            Self::Geography(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
            // No cast makes text of one; results and messages show it as JSON.
            Self::Struct(_) => f.write_str(&crate::wire::cell::json(self)),
        }
    }
}

/// A text inside an array: quoted where it would be read as something else (the vendor's page on
/// arrays).
fn write_element(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let special = |c: char| "{}[],\"\\".contains(c) || c.is_whitespace();
    if !text.is_empty() && !text.eq_ignore_ascii_case("null") && !text.contains(special) {
        return f.write_str(text);
    }
    f.write_str("\"")?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataType {
    /// `boolean`
    Boolean,
    /// `integer`
    Integer,
    /// `bigint`
    Bigint,
    /// `real`
    Real,
    /// `double precision`
    Double,
    /// `numeric(precision, scale)`, precision at most 38, scale at most precision.
    Numeric {
        /// All digits.
        precision: u8,
        /// Digits right of the point.
        scale: u8,
    },
    /// `text`
    Text,
    /// `date`
    Date,
    /// `timestamp`, microseconds, no zone.
    Timestamp,
    /// `timestamptz`, microseconds, UTC.
    TimestampTz,
    /// `bytea`
    Bytea,
    /// `array(element)`
    Array(Box<DataType>),
    /// `struct(name type, …)`
    Struct(Arc<StructType>),
    /// `geography`
    Geography,
    /// `json`
    Json,
    /// The type of a bare NULL.
    Null,
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Bigint => f.write_str("bigint"),
            Self::Real => f.write_str("real"),
            Self::Double => f.write_str("double precision"),
            Self::Numeric { precision, scale } => write!(f, "numeric({precision}, {scale})"),
            Self::Text => f.write_str("text"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampTz => f.write_str("timestamptz"),
            Self::Bytea => f.write_str("bytea"),
            Self::Array(element) => write!(f, "array({element})"),
            Self::Struct(of) => write!(f, "{of}"),
            Self::Geography => f.write_str("geography"),
            Self::Json => f.write_str("json"),
            Self::Null => f.write_str("null"),
        }
    }
}

/// A named, typed column of a table or of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name as the catalogue keeps it: quoted names keep their case. Shared, since each statement
    /// takes the names of its tables along.
    pub name: Arc<str>,
    /// Its type.
    pub data_type: DataType,
    /// Whether NULL may be in it.
    pub nullable: bool,
}

/// One row; cloning it is one counter.
pub type Row = Arc<[Value]>;

/// What a statement answers; a statement without a result has no columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// Names and types, in order.
    pub columns: Vec<Column>,
    /// Rows, each as wide as `columns`.
    pub rows: Vec<Row>,
}
