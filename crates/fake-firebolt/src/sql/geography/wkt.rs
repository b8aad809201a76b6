//! Well-Known Text, and PostGIS's extension of it by a reference system, of which 4326 is the only
//! one here (the vendor's page on ST_GEOGFROMTEXT).

use std::fmt::Write as _;

use super::outline::{Outline, closed};
use super::{DEPTH_MAX, POSITIONS_MAX, Position, Shape, invalid};
use crate::sql::error::SqlError;

/// Reads a whole text.
pub(super) fn read(text: &str) -> Result<Shape, SqlError> {
    let mut reader = Reader { rest: text, positions: 0 };
    if let Some(system) = reader.system().map(str::trim)
        && system != "4326"
    {
        return Err(invalid("WKT", format!("SRID {system}, where only 4326 is known")));
    }
    let shape = reader.shape(0)?;
    match reader.peek() {
        None => Ok(shape),
        Some(_) => Err(reader.unexpected("the end")),
    }
}

const SHAPES: [&str; 7] = [
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
];

struct Reader<'t> {
    rest: &'t str,
    positions: usize,
}

impl<'t> Reader<'t> {
    /// The text behind `SRID=`, which is taken off together with its semicolon.
    fn system(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start();
        let is_system = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("srid="));
        let (system, rest) = text.get(5..).filter(|_| is_system)?.split_once(';')?;
        self.rest = rest;
        Some(system)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn accept(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.rest = &self.rest[c.len_utf8()..];
        }
        there
    }

    fn expect(&mut self, c: char) -> Result<(), SqlError> {
        if self.accept(c) { Ok(()) } else { Err(self.unexpected(&format!("'{c}'"))) }
    }

    fn unexpected(&mut self, expected: &str) -> SqlError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(_) => format!("'{}'", self.rest.chars().take(20).collect::<String>()),
        };
        invalid("WKT", format!("expected {expected}, found {found}"))
    }

    /// Takes a word; empty where there is none.
    fn word(&mut self) -> String {
        self.peek();
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_ascii_uppercase()
    }

    /// Whether EMPTY stands here; other words are a third or fourth dimension.
    fn is_empty(&mut self) -> Result<bool, SqlError> {
        match self.word().as_str() {
            "" => Ok(false),
            "EMPTY" => Ok(true),
            word @ ("Z" | "M" | "ZM") => {
                Err(SqlError::unsupported(format!("a GEOGRAPHY with the dimensions of {word}")))
            }
            word => Err(invalid("WKT", format!("unexpected {word}"))),
        }
    }

    fn shape(&mut self, depth: usize) -> Result<Shape, SqlError> {
        if depth > DEPTH_MAX {
            let text = format!("a GEOGRAPHY nested more than {DEPTH_MAX} deep");
            return Err(SqlError::unsupported(text));
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.unexpected("a shape"));
        }
        if !SHAPES.contains(&word.as_str()) {
            return Err(invalid("WKT", format!("unknown shape '{word}'")));
        }
        if self.is_empty()? {
            return Ok(Shape::Many(Vec::new()));
        }
        Ok(match word.as_str() {
            "POINT" => {
                self.expect('(')?;
                let at = self.position()?;
                self.expect(')')?;
                Shape::Point(at)
            }
            "LINESTRING" => Shape::Line(self.list(Self::position)?),
            "POLYGON" => Shape::Polygon(self.rings()?),
            "MULTIPOINT" => Shape::Many(self.list(Self::one_of_points)?),
            "MULTILINESTRING" => {
                Shape::Many(self.list(|reader| Ok(Shape::Line(reader.list(Self::position)?)))?)
            }
            "MULTIPOLYGON" => Shape::Many(self.list(|reader| Ok(Shape::Polygon(reader.rings()?)))?),
            _ => Shape::Many(self.list(|reader| reader.shape(depth + 1))?),
        })
    }

    fn rings(&mut self) -> Result<Vec<Vec<Position>>, SqlError> {
        self.list(|reader| reader.list(Self::position))
    }

    /// One of a MULTIPOINT, with parentheses or without.
    fn one_of_points(&mut self) -> Result<Shape, SqlError> {
        let parenthesised = self.accept('(');
        let at = self.position()?;
        if parenthesised {
            self.expect(')')?;
        }
        Ok(Shape::Point(at))
    }

    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        self.expect('(')?;
        let mut items = vec![item(self)?];
        while self.accept(',') {
            items.push(item(self)?);
        }
        self.expect(')')?;
        Ok(items)
    }

    fn position(&mut self) -> Result<Position, SqlError> {
        self.positions += 1;
        if self.positions > POSITIONS_MAX {
            let text = format!("a GEOGRAPHY of more than {POSITIONS_MAX} positions");
            return Err(SqlError::unsupported(text));
        }
        let (longitude, latitude) = (self.number()?, self.number()?);
        if self.peek().is_some_and(|c| !matches!(c, ',' | ')')) {
            return match self.number() {
                Ok(_) => Err(SqlError::unsupported("a GEOGRAPHY with more than two dimensions")),
                Err(error) => Err(error),
            };
        }
        Ok(Position { longitude, latitude })
    }

    fn number(&mut self) -> Result<f64, SqlError> {
        self.peek();
        let end = self.rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        // Rust's own reader would take `inf` and `nan`.
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        match number.parse() {
            Ok(value) if plain => {
                self.rest = rest;
                Ok(value)
            }
            _ => Err(self.unexpected("a number")),
        }
    }
}

/// Writes a value.
pub(super) fn write(outline: &Outline<'_>) -> String {
    let mut out = String::new();
    push(&mut out, outline);
    out
}

fn push(out: &mut String, outline: &Outline<'_>) {
    match outline {
        Outline::Point(at) => {
            out.push_str("POINT(");
            push_position(out, at);
            out.push(')');
        }
        Outline::MultiPoint(points) => {
            out.push_str("MULTIPOINT");
            push_list(out, points.iter(), push_position);
        }
        Outline::LineString(line) => {
            out.push_str("LINESTRING");
            push_list(out, line.iter(), push_position);
        }
        Outline::MultiLineString(lines) => {
            out.push_str("MULTILINESTRING");
            push_list(out, lines.iter(), |out, line| push_list(out, line.iter(), push_position));
        }
        Outline::Polygon(rings) => {
            out.push_str("POLYGON");
            push_list(out, rings.iter(), |out, ring| push_ring(out, ring));
        }
        Outline::MultiPolygon(polygons) => {
            out.push_str("MULTIPOLYGON");
            push_list(out, polygons.iter(), |out, rings| {
                push_list(out, rings.iter(), |out, ring| push_ring(out, ring));
            });
        }
        Outline::Collection(parts) if parts.is_empty() => {
            out.push_str("GEOMETRYCOLLECTION EMPTY");
        }
        Outline::Collection(parts) => {
            out.push_str("GEOMETRYCOLLECTION");
            push_list(out, parts.iter(), push);
        }
    }
}

fn push_ring(out: &mut String, ring: &[Position]) {
    push_list(out, closed(ring), push_position);
}

fn push_position(out: &mut String, at: &Position) {
    write!(out, "{} {}", at.longitude, at.latitude).expect("a String takes any text");
}

fn push_list<T>(out: &mut String, items: impl Iterator<Item = T>, push: impl Fn(&mut String, T)) {
    out.push('(');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(')');
}
