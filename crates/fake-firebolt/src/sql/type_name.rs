//! Type names of the dialect (firebolt-semantics §7); everything else is refused by name.

use std::sync::Arc;

use sqlparser::ast::{self, ArrayElemTypeDef, ExactNumberInfo, TimezoneInfo, TypeModifier};

use super::ast_walk::is_word;
use super::ddl::check_name;
use super::error::SqlError;
use super::parse_struct_type;
use crate::value::{DataType, StructField, StructType};

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
        | ast::DataType::TimestampNtz(None)
        | ast::DataType::Datetime(None) => DataType::Timestamp,
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
        ast::DataType::Custom(name, modifiers) if is_word(name, "struct") => {
            match modifiers.as_slice() {
                [TypeModifier::String(fields)] => structure(fields)?,
                _ => return Err(SqlError::type_error("a STRUCT has fields: STRUCT(name type, …)")),
            }
        }
        ast::DataType::JSON => DataType::Json,
        ast::DataType::Custom(name, modifiers)
            if modifiers.is_empty() && is_word(name, "geography") =>
        {
            DataType::Geography
        }
        other => return Err(SqlError::unsupported(format!("the type {other}"))),
    })
}

/// STRUCT(name type, …)
fn structure(text: &str) -> Result<DataType, SqlError> {
    let mut fields: Vec<StructField> = Vec::new();
    for (name, data_type) in parse_struct_type::fields(text)? {
        check_name(&name)?;
        if fields.iter().any(|field| *field.name == *name) {
            return Err(SqlError::type_error(format!(
                "field {name} is in a STRUCT more than once"
            )));
        }
        let data_type = resolve(&data_type)?;
        fields.push(StructField { name: Arc::from(name), data_type, nullable: true });
    }
    Ok(DataType::Struct(Arc::new(StructType { fields })))
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
