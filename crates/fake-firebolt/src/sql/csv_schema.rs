//! Types for the columns of CSV files, by their contents: COPY with AUTO_CREATE, and INFER_SCHEMA.
//!
//! The vendor says that types are inferred and not how. Here a column is the first of BIGINT,
//! DOUBLE PRECISION, BOOLEAN, DATE, TIMESTAMP and TIMESTAMPTZ that every value of it can be read
//! as, and TEXT otherwise; one without any value is TEXT.

use super::cast;
use super::error::SqlError;
use super::external::ExternalFile;
use super::meter;
use super::table_function::check_whole;
use crate::value::{Column, DataType, Row, Value};

/// The types that are tried, the narrowest first.
const CANDIDATES: [DataType; 6] = [
    DataType::Bigint,
    DataType::Double,
    DataType::Boolean,
    DataType::Date,
    DataType::Timestamp,
    DataType::TimestampTz,
];

/// Gives every TEXT column the type that its values in all of the files allow.
pub(super) fn infer(files: &[&ExternalFile], columns: &mut [Column]) {
    for column in columns.iter_mut().filter(|column| column.data_type == DataType::Text) {
        let mut left: Vec<&DataType> = CANDIDATES.iter().collect();
        let mut is_empty = true;
        for file in files {
            let place = file.table.columns.iter().position(|other| other.name == column.name);
            let Some(place) = place else { continue };
            for row in &file.table.rows {
                let value = &row[place];
                if let Value::Text(text) = value {
                    is_empty = false;
                    left.retain(|candidate| fits(text, value, candidate));
                    if left.is_empty() {
                        break;
                    }
                }
            }
        }
        if let (false, Some(first)) = (is_empty, left.first()) {
            column.data_type = DataType::clone(first);
        }
    }
}

fn fits(text: &str, value: &Value, candidate: &DataType) -> bool {
    // 1 and 0 are numbers here, t and f are words.
    let is_word = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    let plain = text.bytes().any(|byte| byte.is_ascii_digit()) || is_word;
    let is_boolean = *candidate == DataType::Boolean;
    plain && is_boolean == is_word && cast::cast(value, candidate).is_ok()
}

/// The rows of all files, cast to the columns' types.
pub(super) fn typed(files: &[ExternalFile], columns: &[Column]) -> Result<Vec<Row>, SqlError> {
    let mut rows = Vec::new();
    for file in files {
        check_whole(file)?;
        let table = &file.table;
        meter::made(table.rows.len(), columns.len())?;
        let place =
            |column: &Column| table.columns.iter().position(|other| other.name == column.name);
        let places: Vec<Option<usize>> = columns.iter().map(place).collect();
        for row in &table.rows {
            let value = |(place, column): (&Option<usize>, &Column)| match place {
                Some(at) => cast::cast(&row[*at], &column.data_type),
                None => Ok(Value::Null),
            };
            rows.push(places.iter().zip(columns).map(value).collect::<Result<Row, _>>()?);
        }
    }
    Ok(rows)
}
