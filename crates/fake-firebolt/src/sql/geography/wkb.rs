//! Well-Known Binary, and PostGIS's extension of it by a reference system, of which 4326 is the
//! only one here. Both byte orders are read; the little end first is written, as the service does.
//!
//! No bytes may panic in here, or take more memory than they are long.

use super::outline::{Outline, closed};
use super::{DEPTH_MAX, POSITIONS_MAX, Position, Shape, invalid};
use crate::sql::error::SqlError;

const SRID: u32 = 4326;
const HAS_SRID: u32 = 0x2000_0000;
/// The flags of a third and a fourth dimension.
const HAS_MORE: u32 = 0xc000_0000;

/// Reads all of the bytes.
pub(super) fn read(bytes: &[u8]) -> Result<Shape, SqlError> {
    let mut reader = Reader { rest: bytes, positions: 0 };
    let shape = reader.shape(0, None)?;
    if reader.rest.is_empty() {
        return Ok(shape);
    }
    Err(invalid("WKB", format!("{} bytes too many", reader.rest.len())))
}

struct Reader<'b> {
    rest: &'b [u8],
    positions: usize,
}

/// Which end of a number comes first.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Big,
    Little,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SqlError> {
        let (head, rest) =
            self.rest.split_first_chunk().ok_or_else(|| invalid("WKB", "it ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    fn number(&mut self, order: Order) -> Result<u32, SqlError> {
        let bytes = self.take()?;
        Ok(if order == Order::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn coordinate(&mut self, order: Order) -> Result<f64, SqlError> {
        let bytes = self.take()?;
        Ok(if order == Order::Big { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) })
    }

    fn position(&mut self, order: Order) -> Result<Position, SqlError> {
        self.positions += 1;
        if self.positions > POSITIONS_MAX {
            let text = format!("a GEOGRAPHY of more than {POSITIONS_MAX} positions");
            return Err(SqlError::unsupported(text));
        }
        Ok(Position { longitude: self.coordinate(order)?, latitude: self.coordinate(order)? })
    }

    /// A count of things that take at least so many bytes each.
    fn count(&mut self, order: Order, least: usize) -> Result<usize, SqlError> {
        let count = usize::try_from(self.number(order)?).unwrap_or(usize::MAX);
        if count > self.rest.len() / least {
            return Err(invalid("WKB", "it ends too early"));
        }
        Ok(count)
    }

    fn line(&mut self, order: Order) -> Result<Vec<Position>, SqlError> {
        let count = self.count(order, 16)?;
        (0..count).map(|_| self.position(order)).collect()
    }

    fn shape(&mut self, depth: usize, wanted: Option<u32>) -> Result<Shape, SqlError> {
        if depth > DEPTH_MAX {
            let text = format!("a GEOGRAPHY nested more than {DEPTH_MAX} deep");
            return Err(SqlError::unsupported(text));
        }
        let order = match self.take()? {
            [0] => Order::Big,
            [1] => Order::Little,
            [other] => return Err(invalid("WKB", format!("byte order {other}"))),
        };
        let code = self.number(order)?;
        let kind = code & !(HAS_SRID | HAS_MORE);
        // 1001 and so on are ISO's way to say what the flags say.
        if code & HAS_MORE != 0 || (1001..4000).contains(&kind) {
            return Err(SqlError::unsupported("a GEOGRAPHY with more than two dimensions"));
        }
        if code & HAS_SRID != 0 {
            let system = self.number(order)?;
            if system != SRID {
                let text = format!("SRID {system}, where only {SRID} is known");
                return Err(invalid("WKB", text));
            }
        }
        if wanted.is_some_and(|wanted| wanted != kind) {
            return Err(invalid("WKB", format!("shape {kind} inside of another")));
        }
        Ok(match kind {
            1 => match self.position(order)? {
                // PostGIS's way to write an empty point.
                at if at.longitude.is_nan() && at.latitude.is_nan() => Shape::Many(Vec::new()),
                at => Shape::Point(at),
            },
            2 => match self.line(order)? {
                line if line.is_empty() => Shape::Many(Vec::new()),
                line => Shape::Line(line),
            },
            3 => {
                let rings = self.count(order, 4)?;
                match (0..rings).map(|_| self.line(order)).collect::<Result<Vec<_>, _>>()? {
                    rings if rings.is_empty() => Shape::Many(Vec::new()),
                    rings => Shape::Polygon(rings),
                }
            }
            4..=7 => {
                let parts = self.count(order, 9)?;
                let wanted = (kind < 7).then_some(kind - 3);
                let parts = (0..parts).map(|_| self.shape(depth + 1, wanted));
                Shape::Many(parts.collect::<Result<_, _>>()?)
            }
            other => return Err(invalid("WKB", format!("unknown shape {other}"))),
        })
    }
}

/// Writes a value, with the reference system if it is to be EWKB.
pub(super) fn write(outline: &Outline<'_>, with_system: bool) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, outline, with_system);
    out
}

fn push(out: &mut Vec<u8>, outline: &Outline<'_>, with_system: bool) {
    let kind: u32 = match outline {
        Outline::Point(_) => 1,
        Outline::LineString(_) => 2,
        Outline::Polygon(_) => 3,
        Outline::MultiPoint(_) => 4,
        Outline::MultiLineString(_) => 5,
        Outline::MultiPolygon(_) => 6,
        Outline::Collection(_) => 7,
    };
    out.push(1);
    push_number(out, if with_system { kind | HAS_SRID } else { kind });
    if with_system {
        push_number(out, SRID);
    }
    match outline {
        Outline::Point(at) => push_position(out, at),
        Outline::LineString(line) => push_line(out, line.iter(), line.len()),
        Outline::Polygon(rings) => {
            push_count(out, rings.len());
            for ring in *rings {
                push_line(out, closed(ring), ring.len() + 1);
            }
        }
        // The parts say nothing of the reference system: the whole has.
        Outline::MultiPoint(points) => {
            push_count(out, points.len());
            points.iter().for_each(|point| push(out, &Outline::Point(point), false));
        }
        Outline::MultiLineString(lines) => {
            push_count(out, lines.len());
            lines.iter().for_each(|line| push(out, &Outline::LineString(line), false));
        }
        Outline::MultiPolygon(polygons) => {
            push_count(out, polygons.len());
            polygons.iter().for_each(|rings| push(out, &Outline::Polygon(rings), false));
        }
        Outline::Collection(parts) => {
            push_count(out, parts.len());
            parts.iter().for_each(|part| push(out, part, false));
        }
    }
}

fn push_number(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn push_count(out: &mut Vec<u8>, count: usize) {
    // Readers refuse more positions than fit long before.
    push_number(out, u32::try_from(count).unwrap_or(u32::MAX));
}

fn push_line<'p>(out: &mut Vec<u8>, line: impl Iterator<Item = &'p Position>, count: usize) {
    push_count(out, count);
    line.for_each(|at| push_position(out, at));
}

fn push_position(out: &mut Vec<u8>, at: &Position) {
    out.extend(at.longitude.to_le_bytes());
    out.extend(at.latitude.to_le_bytes());
}
