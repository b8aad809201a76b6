//! GEOGRAPHY: points, lines and polygons on a sphere, read from and written as WKT, WKB and
//! GeoJSON (the vendor's pages on the type and its functions).
//!
//! ```text
//! text, bytes ─ wkt, wkb, geojson ─► Shape ─ normal (plane) ─► Geography ─► EWKB, the value
//!                            EWKB ─► Geography ─ outline ─► wkt, wkb, geojson
//! ```
//! A position goes through a point on the unit sphere and back, as the service's does: the vendor's
//! clients expect `POINT(1 2)` to come back at 0.9999999999999998, and it does, bit for bit. What
//! the service repairs or merges on the sphere (overlapping polygons, rings that cross themselves)
//! is refused by name, never kept as it is.

mod geojson;
mod normal;
mod outline;
mod plane;
#[cfg(test)]
mod tests;
mod wkb;
mod wkt;

use std::sync::Arc;

use self::outline::Outline;
use super::bytes_text;
use super::error::SqlError;

/// A place, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    /// East of Greenwich, from -180 to 180.
    longitude: f64,
    /// North of the equator, from -90 to 90.
    latitude: f64,
}

/// A shape as it was written. An empty one is `Many` of nothing.
#[derive(Debug, PartialEq)]
enum Shape {
    Point(Position),
    Line(Vec<Position>),
    /// The outer ring and the holes; each ring ends where it began.
    Polygon(Vec<Vec<Position>>),
    Many(Vec<Shape>),
}

/// What is in a value, by kind; rings do not repeat their first position.
#[derive(Debug, Default, PartialEq)]
struct Geography {
    points: Vec<Position>,
    lines: Vec<Vec<Position>>,
    polygons: Vec<Vec<Vec<Position>>>,
}

/// Shapes in shapes in …: deeper ones are refused, each is a stack frame.
const DEPTH_MAX: usize = 16;

/// Positions of one value: more are refused, because rings are held against each other.
const POSITIONS_MAX: usize = 10_000;

fn invalid(format: &str, what: impl std::fmt::Display) -> SqlError {
    SqlError::data(format!("Invalid {format}: {what}"))
}

fn value(shape: Shape) -> Result<Arc<[u8]>, SqlError> {
    let geography = normal::normalise(shape)?;
    Ok(wkb::write(&Outline::of(&geography), true).into())
}

/// Reads text in whichever of the three formats it is: what CAST does.
pub(super) fn from_text(text: &str) -> Result<Arc<[u8]>, SqlError> {
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        return from_geojson(trimmed);
    }
    // Both byte orders begin with a zero; no word of WKT begins with a digit.
    if trimmed.starts_with('0') {
        let bytes = bytes_text::from_hex(trimmed);
        return from_wkb(&bytes.ok_or_else(|| invalid("WKB", "not in hexadecimal"))?);
    }
    from_wkt(trimmed)
}

/// ST_GEOGFROMTEXT
pub(super) fn from_wkt(text: &str) -> Result<Arc<[u8]>, SqlError> {
    value(wkt::read(text)?)
}

/// ST_GEOGFROMWKB, and the cast from BYTEA.
pub(super) fn from_wkb(bytes: &[u8]) -> Result<Arc<[u8]>, SqlError> {
    value(wkb::read(bytes)?)
}

/// ST_GEOGFROMGEOJSON
pub(super) fn from_geojson(text: &str) -> Result<Arc<[u8]>, SqlError> {
    value(geojson::read(text)?)
}

/// ST_GEOGPOINT
pub(super) fn point(longitude: f64, latitude: f64) -> Result<Arc<[u8]>, SqlError> {
    value(Shape::Point(Position { longitude, latitude }))
}

/// What is in a value; it was normalised when it was made, and is not again.
fn stored(value: &[u8]) -> Result<Geography, SqlError> {
    normal::sorted(wkb::read(value)?)
}

/// ST_ASTEXT
pub(super) fn to_wkt(value: &[u8]) -> Result<String, SqlError> {
    Ok(wkt::write(&Outline::of(&stored(value)?)))
}

/// ST_ASBINARY
pub(super) fn to_wkb(value: &[u8]) -> Result<Vec<u8>, SqlError> {
    Ok(wkb::write(&Outline::of(&stored(value)?), false))
}

/// ST_ASGEOJSON
pub(super) fn to_geojson(value: &[u8]) -> Result<String, SqlError> {
    Ok(geojson::write(&Outline::of(&stored(value)?)))
}

/// Longitude and latitude of a point; `None` for nothing at all. What is more than one point is an
/// error that names the function.
pub(super) fn coordinates(value: &[u8], function: &str) -> Result<Option<(f64, f64)>, SqlError> {
    match Outline::of(&stored(value)?) {
        Outline::Point(at) => Ok(Some((at.longitude, at.latitude))),
        Outline::Collection(parts) if parts.is_empty() => Ok(None),
        _ => Err(SqlError::data(format!("{function}: the GEOGRAPHY is not a single point"))),
    }
}
