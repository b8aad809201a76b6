//! Type names of the dialect (firebolt-semantics §7); everything else is refused by name.

use sqlparser::ast::{self, ArrayElemTypeDef, ExactNumberInfo, TimezoneInfo};

use super::error::SqlError;
use crate::value::DataType;

/// Digits a NUMERIC may have.
const PRECISION_MAX: u64 = 38;

/// The type a type name means.
pub(super) fn resolve(name: &ast::DataType) -> Result<DataType, SqlError> {
    Ok(match name {
        ast::DataType::Bool | ast::DataType::Boolean => DataType::Boolean,
        ast::DataType::Int(None) | ast::DataType::Integer(None) | ast::DataType::Int4(None) => {
            DataType::Integer
        }
        ast::DataType::BigInt(None) | ast::DataType::Int8(None) => DataType::Bigint,
        ast::DataType::Real | ast::DataType::Float4 => DataType::Real,
        ast::DataType::Double(ExactNumberInfo::None)
        | ast::DataType::DoublePrecision
        | ast::DataType::Float(ExactNumberInfo::None)
        | ast::DataType::Float8 => DataType::Double,
        ast::DataType::Float(ExactNumberInfo::Precision(25..=53)) => DataType::Double,
        ast::DataType::Numeric(info) | ast::DataType::Decimal(info) => numeric(info)?,
        ast::DataType::Text | ast::DataType::String(None) | ast::DataType::Varchar(None) => {
            DataType::Text
        }
        ast::DataType::Date => DataType::Date,
        ast::DataType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | ast::DataType::TimestampNtz(None) => DataType::Timestamp,
        ast::DataType::Timestamp(None, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            DataType::TimestampTz
        }
        ast::DataType::Bytea => DataType::Bytea,
        ast::DataType::Array(
            ArrayElemTypeDef::Parenthesis(element)
            | ArrayElemTypeDef::SquareBracket(element, None)
            | ArrayElemTypeDef::Qualified(element, None),
        ) => DataType::Array(Box::new(resolve(element)?)),
        ast::DataType::Custom(name, modifiers)
            if modifiers.is_empty() && name.to_string().eq_ignore_ascii_case("long") =>
        {
            DataType::Bigint
        }
        other => return Err(SqlError::unsupported(format!("the type {other}"))),
    })
}

/// NUMERIC is (38, 9), NUMERIC(p) is (p, min(9, p)): not what PostgreSQL makes of it.
fn numeric(info: &ExactNumberInfo) -> Result<DataType, SqlError> {
    let (precision, scale) = match *info {
        ExactNumberInfo::None => (PRECISION_MAX, 9),
        ExactNumberInfo::Precision(precision) => (precision, precision.min(9)),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            (precision, u64::try_from(scale).unwrap_or(u64::MAX))
        }
    };
    if precision == 0 || precision > PRECISION_MAX || scale > precision {
        let text = format!(
            "numeric({precision}, {scale}): the precision must be between 1 and 38, \
                            the scale between 0 and the precision"
        );
        return Err(SqlError::type_error(text));
    }
    Ok(DataType::Numeric { precision: precision as u8, scale: scale as u8 })
}
