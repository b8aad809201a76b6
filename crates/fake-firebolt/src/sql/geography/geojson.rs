//! GeoJSON geometries (RFC 7946). Edges are geodesics here as everywhere in the service, not the
//! straight lines of the standard (the vendor's page on ST_GEOGFROMGEOJSON).

use std::fmt::Write as _;

use super::outline::{Outline, closed};
use super::{DEPTH_MAX, POSITIONS_MAX, Position, Shape, invalid};
use crate::sql::error::SqlError;
use crate::sql::json::{self, Json, Kind};

/// Reads a whole text.
pub(super) fn read(text: &str) -> Result<Shape, SqlError> {
    let json = json::read(text).map_err(|error| invalid("GeoJSON", error))?;
    shape(&json, 0, &mut 0)
}

/// The last member of that name.
fn member<'j, 't>(json: &'j Json<'t>, name: &str) -> Option<&'j Json<'t>> {
    let Kind::Object(members) = &json.kind else { return None };
    let named = members.iter().rev().find(|(other, _)| other.text().as_deref() == Some(name));
    named.map(|(_, value)| value)
}

fn shape(json: &Json<'_>, depth: usize, positions: &mut usize) -> Result<Shape, SqlError> {
    if depth > DEPTH_MAX {
        let text = format!("a GEOGRAPHY nested more than {DEPTH_MAX} deep");
        return Err(SqlError::unsupported(text));
    }
    let Some(kind) = member(json, "type").and_then(Json::text) else {
        return Err(invalid("GeoJSON", "no \"type\""));
    };
    if matches!(kind.as_str(), "Feature" | "FeatureCollection") {
        return Err(SqlError::unsupported(format!("GeoJSON of the type {kind}")));
    }
    if member(json, "crs").is_some() {
        return Err(SqlError::unsupported("GeoJSON with a \"crs\""));
    }
    let place = if kind == "GeometryCollection" { "geometries" } else { "coordinates" };
    let Some(at) = member(json, place) else {
        return Err(invalid("GeoJSON", format!("no \"{place}\"")));
    };
    let mut line = |json: &Json<'_>| list(json, |json| position(json, positions));
    Ok(match kind.as_str() {
        // An empty list is an empty shape (RFC 7946, section 3.1).
        "Point" if at.kind == Kind::List(Vec::new()) => Shape::Many(Vec::new()),
        "Point" => Shape::Point(position(at, positions)?),
        "LineString" => non_empty(line(at)?, Shape::Line),
        "Polygon" => non_empty(list(at, line)?, Shape::Polygon),
        "MultiPoint" => Shape::Many(line(at)?.into_iter().map(Shape::Point).collect()),
        "MultiLineString" => Shape::Many(list(at, |json| Ok(non_empty(line(json)?, Shape::Line)))?),
        "MultiPolygon" => {
            Shape::Many(list(at, |json| Ok(non_empty(list(json, &mut line)?, Shape::Polygon)))?)
        }
        "GeometryCollection" => Shape::Many(list(at, |json| shape(json, depth + 1, positions))?),
        other => return Err(invalid("GeoJSON", format!("unknown type \"{other}\""))),
    })
}

fn non_empty<T>(items: Vec<T>, make: impl FnOnce(Vec<T>) -> Shape) -> Shape {
    if items.is_empty() { Shape::Many(Vec::new()) } else { make(items) }
}

fn list<T>(
    json: &Json<'_>,
    item: impl FnMut(&Json<'_>) -> Result<T, SqlError>,
) -> Result<Vec<T>, SqlError> {
    match &json.kind {
        Kind::List(items) => items.iter().map(item).collect(),
        _ => Err(invalid("GeoJSON", format!("a list is expected, not {}", json.raw))),
    }
}

fn position(json: &Json<'_>, positions: &mut usize) -> Result<Position, SqlError> {
    *positions += 1;
    if *positions > POSITIONS_MAX {
        let text = format!("a GEOGRAPHY of more than {POSITIONS_MAX} positions");
        return Err(SqlError::unsupported(text));
    }
    let wrong = || invalid("GeoJSON", format!("a position is expected, not {}", json.raw));
    let number = |json: &Json<'_>| match json.kind {
        Kind::Number => json.raw.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    match &json.kind {
        Kind::List(parts) => match parts.as_slice() {
            [longitude, latitude] => {
                Ok(Position { longitude: number(longitude)?, latitude: number(latitude)? })
            }
            [_, _, _, ..] => {
                Err(SqlError::unsupported("a GEOGRAPHY with more than two dimensions"))
            }
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// Writes a value.
pub(super) fn write(outline: &Outline<'_>) -> String {
    let mut out = String::new();
    push(&mut out, outline);
    out
}

fn push(out: &mut String, outline: &Outline<'_>) {
    let line = |out: &mut String, line: &Vec<Position>| push_list(out, line.iter(), push_position);
    let ring = |out: &mut String, ring: &Vec<Position>| push_list(out, closed(ring), push_position);
    let mut geometry = |kind: &str, push: &dyn Fn(&mut String)| {
        write!(out, "{{\"type\":\"{kind}\",\"coordinates\":").expect("a String takes any text");
        push(out);
        out.push('}');
    };
    match outline {
        Outline::Point(at) => geometry("Point", &|out| push_position(out, at)),
        Outline::LineString(of) => geometry("LineString", &|out| line(out, of)),
        Outline::Polygon(rings) => {
            geometry("Polygon", &|out| push_list(out, rings.iter(), ring));
        }
        Outline::MultiPoint(points) => {
            geometry("MultiPoint", &|out| push_list(out, points.iter(), push_position));
        }
        Outline::MultiLineString(lines) => {
            geometry("MultiLineString", &|out| push_list(out, lines.iter(), line));
        }
        Outline::MultiPolygon(polygons) => geometry("MultiPolygon", &|out| {
            push_list(out, polygons.iter(), |out, rings| push_list(out, rings.iter(), ring));
        }),
        Outline::Collection(parts) => {
            out.push_str("{\"type\":\"GeometryCollection\",\"geometries\":");
            push_list(out, parts.iter(), push);
            out.push('}');
        }
    }
}

fn push_position(out: &mut String, at: &Position) {
    write!(out, "[{},{}]", at.longitude, at.latitude).expect("a String takes any text");
}

fn push_list<T>(out: &mut String, items: impl Iterator<Item = T>, push: impl Fn(&mut String, T)) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(']');
}
