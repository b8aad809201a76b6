//! Arrays: literals, subscripts, and the functions on them. Lambda functions are not here.
//!
//! Elements compare as IS NOT DISTINCT FROM does: a NULL equals a NULL (the vendor's page on
//! ARRAY_CONTAINS).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::arithmetic::{self, Operator};
use super::cast;
use super::error::SqlError;
use super::function::{Resolved, whole};
use crate::value::{DataType, Value};

/// A function on arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArrayFunction {
    /// `[a, b]`
    Make,
    /// `array[index]`
    Element,
    Length,
    Concat,
    Contains,
    IndexOf,
    Distinct,
    Sort,
    ReverseSort,
    Reverse,
    Flatten,
    Min,
    Max,
    Sum,
    Count,
    CountDistinct,
    ToText,
}

fn element(data_type: Option<&DataType>) -> Option<DataType> {
    match data_type? {
        DataType::Array(element) => Some(element.as_ref().clone()),
        // A bare NULL is of any type.
        DataType::Null => Some(DataType::Null),
        _ => None,
    }
}

fn array(element: DataType) -> DataType {
    DataType::Array(Box::new(element))
}

impl ArrayFunction {
    /// The function of a lower-case name for arguments of those types; `None` if there is none.
    pub(super) fn resolve(name: &str, given: &[DataType]) -> Option<Resolved<Self>> {
        use DataType as T;
        let first = element(given.first())?;
        let whole = array(first.clone());
        let one = |function, result| Some((function, vec![whole.clone()], result));
        let (function, arguments, result) = match (name, given.len()) {
            ("length" | "array_length", 1) => one(Self::Length, T::Integer)?,
            ("array_concat", 1..) => {
                let mut all = T::Null;
                for other in given {
                    all = cast::common(&all, &element(Some(other))?)?;
                }
                (Self::Concat, vec![array(all.clone()); given.len()], array(all))
            }
            ("array_contains" | "contains" | "index_of", 2) => {
                let common = cast::common(&first, &given[1])?;
                let (function, result) = match name {
                    "index_of" => (Self::IndexOf, T::Integer),
                    _ => (Self::Contains, T::Boolean),
                };
                (function, vec![array(common.clone()), common], result)
            }
            ("array_distinct", 1) => one(Self::Distinct, whole.clone())?,
            ("array_sort", 1) => one(Self::Sort, whole.clone())?,
            ("array_reverse_sort", 1) => one(Self::ReverseSort, whole.clone())?,
            ("array_reverse", 1) => one(Self::Reverse, whole.clone())?,
            ("array_flatten" | "flatten", 1) => {
                let inner = element(Some(&first))?;
                one(Self::Flatten, array(inner))?
            }
            ("array_min", 1) => one(Self::Min, first.clone())?,
            ("array_max", 1) => one(Self::Max, first.clone())?,
            ("array_sum", 1) => one(Self::Sum, sum_of(&first)?)?,
            ("array_count", 1) if matches!(first, T::Boolean | T::Null) => {
                (Self::Count, vec![array(T::Boolean)], T::Integer)
            }
            ("array_count_distinct", 1) => one(Self::CountDistinct, T::Integer)?,
            ("array_to_string" | "array_join", 1) => one(Self::ToText, T::Text)?,
            ("array_to_string" | "array_join", 2) => {
                (Self::ToText, vec![whole.clone(), T::Text], T::Text)
            }
            _ => return None,
        };
        Some(Resolved { function, arguments, result })
    }

    /// Whether it looks at NULL arguments itself.
    pub(super) fn takes_null(self) -> bool {
        matches!(self, Self::Make | Self::Contains | Self::IndexOf)
    }

    /// Whether elements are held against each other.
    pub(super) fn compares(self) -> bool {
        match self {
            Self::Contains | Self::IndexOf | Self::Distinct | Self::CountDistinct => true,
            Self::Sort | Self::ReverseSort | Self::Min | Self::Max => true,
            Self::Make | Self::Element | Self::Length | Self::Concat | Self::Reverse => false,
            Self::Flatten | Self::Sum | Self::Count | Self::ToText => false,
        }
    }

    /// Whether the result can be NULL although no argument is.
    pub(super) fn makes_null(self) -> bool {
        matches!(self, Self::Element | Self::Min | Self::Max | Self::Sum)
    }

    pub(super) fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        if self == Self::Make {
            return Ok(Value::Array(values.into()));
        }
        let items = match &values[0] {
            Value::Array(items) => items,
            Value::Null => return Ok(Value::Null),
            _ => return Err(SqlError::internal("an array function got what is no array")),
        };
        Ok(match self {
            Self::Element => return subscript(items, &values[1]),
            Self::Length => count(items.len()),
            Self::Concat => {
                let mut all = Vec::new();
                for value in values {
                    if let Value::Array(items) = value {
                        all.extend_from_slice(items);
                    }
                }
                Value::Array(all.into())
            }
            Self::Contains => Value::Boolean(items.contains(&values[1])),
            Self::IndexOf => {
                count(items.iter().position(|item| *item == values[1]).map_or(0, |at| at + 1))
            }
            Self::Distinct => {
                let mut seen = BTreeSet::new();
                Value::Array(items.iter().filter(|item| seen.insert(*item)).cloned().collect())
            }
            Self::Sort | Self::ReverseSort => {
                let mut sorted = items.to_vec();
                sorted.sort();
                if self == Self::ReverseSort {
                    sorted.reverse();
                }
                Value::Array(sorted.into())
            }
            Self::Reverse => Value::Array(items.iter().rev().cloned().collect()),
            Self::Flatten => {
                let mut all = Vec::new();
                for item in items.iter() {
                    if let Value::Array(inner) = item {
                        all.extend_from_slice(inner);
                    }
                }
                Value::Array(all.into())
            }
            Self::Min => present(items).min().cloned().unwrap_or(Value::Null),
            Self::Max => present(items).max().cloned().unwrap_or(Value::Null),
            Self::Sum => return sum(items),
            Self::Count => {
                count(items.iter().filter(|item| **item == Value::Boolean(true)).count())
            }
            Self::CountDistinct => count(present(items).collect::<BTreeSet<_>>().len()),
            Self::ToText => {
                let separator = values.get(1).map(ToString::to_string).unwrap_or_default();
                let mut parts = Vec::new();
                texts(items, &mut parts);
                Value::text(&parts.join(&separator))
            }
            Self::Make => return Err(SqlError::internal("an array is made elsewhere")),
        })
    }
}

fn count(count: usize) -> Value {
    Value::Integer(i32::try_from(count).unwrap_or(i32::MAX))
}

/// The elements as text, those of arrays inside one after the other (the vendor's page on
/// ARRAY_TO_STRING).
fn texts(items: &[Value], parts: &mut Vec<String>) {
    for item in items {
        match item {
            Value::Null => {}
            Value::Array(inner) => texts(inner, parts),
            other => parts.push(other.to_string()),
        }
    }
}

fn present(items: &Arc<[Value]>) -> impl Iterator<Item = &Value> {
    items.iter().filter(|item| !item.is_null())
}

/// Positions count from 1; one past the end is NULL, one before the start is an error.
fn subscript(items: &[Value], index: &Value) -> Result<Value, SqlError> {
    match usize::try_from(whole(index)?) {
        Ok(index) if index > 0 => Ok(items.get(index - 1).cloned().unwrap_or(Value::Null)),
        _ => Err(SqlError::data(format!("array subscript must be positive, not {index}"))),
    }
}

/// The type of a sum of such elements; `None` if they have none.
pub(super) fn sum_of(element: &DataType) -> Option<DataType> {
    Some(match element {
        DataType::Integer | DataType::Bigint | DataType::Null => DataType::Bigint,
        DataType::Real | DataType::Double => DataType::Double,
        DataType::Numeric { scale, .. } => DataType::Numeric { precision: 38, scale: *scale },
        _ => return None,
    })
}

fn sum(items: &Arc<[Value]>) -> Result<Value, SqlError> {
    let mut sum = Value::Null;
    for item in present(items) {
        let result = match item {
            Value::Integer(_) | Value::Bigint(_) => DataType::Bigint,
            Value::Numeric(value) => DataType::Numeric { precision: 38, scale: value.scale },
            _ => DataType::Double,
        };
        let item = cast::cast(item, &result)?;
        sum = match &sum {
            Value::Null => item,
            sum => arithmetic::compute(Operator::Add, sum, &item, &result)?,
        };
    }
    Ok(sum)
}
