//! Functions that make a GEOGRAPHY and that write one out; those that measure on the sphere are
//! refused by name.

use super::error::SqlError;
use super::function::Resolved;
use super::geography;
use crate::value::{DataType, Value};

/// A function on GEOGRAPHY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GeographyFunction {
    FromText,
    FromWkb,
    FromGeoJson,
    Point,
    AsText,
    AsBinary,
    AsEwkb,
    AsGeoJson,
    X,
    Y,
}

impl GeographyFunction {
    /// The function of a lower-case name; `None` if there is none with that many arguments.
    pub(super) fn resolve(name: &str, given: &[DataType]) -> Option<Resolved<Self>> {
        use DataType as T;
        let (function, argument, result) = match name {
            "st_geogfromtext" => (Self::FromText, T::Text, T::Geography),
            "st_geogfromwkb" => (Self::FromWkb, T::Bytea, T::Geography),
            "st_geogfromgeojson" => (Self::FromGeoJson, T::Text, T::Geography),
            "st_geogpoint" => (Self::Point, T::Double, T::Geography),
            "st_astext" => (Self::AsText, T::Geography, T::Text),
            "st_asbinary" => (Self::AsBinary, T::Geography, T::Bytea),
            "st_asewkb" => (Self::AsEwkb, T::Geography, T::Bytea),
            "st_asgeojson" => (Self::AsGeoJson, T::Geography, T::Text),
            "st_x" => (Self::X, T::Geography, T::Double),
            "st_y" => (Self::Y, T::Geography, T::Double),
            _ => return None,
        };
        let count = if function == Self::Point { 2 } else { 1 };
        let arguments = vec![argument; count];
        (given.len() == count).then_some(Resolved { function, arguments, result })
    }

    /// Whether the result can be NULL although no argument is.
    pub(super) fn makes_null(self) -> bool {
        matches!(self, Self::X | Self::Y)
    }

    pub(super) fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        let made = |made: Result<_, SqlError>| made.map(Value::Geography);
        match (self, values) {
            (Self::FromText, [Value::Text(text)]) => made(geography::from_wkt(text)),
            (Self::FromWkb, [Value::Bytea(bytes)]) => made(geography::from_wkb(bytes)),
            (Self::FromGeoJson, [Value::Text(text)]) => made(geography::from_geojson(text)),
            (Self::Point, [Value::Double(longitude), Value::Double(latitude)]) => {
                made(geography::point(*longitude, *latitude))
            }
            (Self::AsText, [Value::Geography(of)]) => Ok(Value::text(&geography::to_wkt(of)?)),
            (Self::AsBinary, [Value::Geography(of)]) => {
                Ok(Value::Bytea(geography::to_wkb(of)?.into()))
            }
            (Self::AsEwkb, [Value::Geography(of)]) => Ok(Value::Bytea(of.clone())),
            (Self::AsGeoJson, [Value::Geography(of)]) => {
                Ok(Value::text(&geography::to_geojson(of)?))
            }
            (Self::X, [Value::Geography(of)]) => {
                let at = geography::coordinates(of, "ST_X")?;
                Ok(at.map_or(Value::Null, |(longitude, _)| Value::Double(longitude)))
            }
            (Self::Y, [Value::Geography(of)]) => {
                let at = geography::coordinates(of, "ST_Y")?;
                Ok(at.map_or(Value::Null, |(_, latitude)| Value::Double(latitude)))
            }
            _ => Err(SqlError::internal(format!("{self:?} got what is no GEOGRAPHY"))),
        }
    }
}
