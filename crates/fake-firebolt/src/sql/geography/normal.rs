//! What a shape becomes when it is read (the vendor's page on GEOGRAPHY, normalization): empty
//! shapes and repeated positions go, collections are taken apart, polygons are turned so that what
//! they hold is the smaller side.

use super::plane::{self, Cap};
use super::{Geography, Position, Shape};
use crate::sql::error::SqlError;
use crate::sql::meter;

/// A point of the unit sphere.
pub(super) type Vector = [f64; 3];

impl Position {
    /// The point of the unit sphere.
    pub(super) fn vector(self) -> Vector {
        let radians = |degrees: f64| degrees * (std::f64::consts::PI / 180.0);
        let (theta, phi) = (radians(self.longitude), radians(self.latitude));
        let (sin, cos) = (phi.sin(), phi.cos());
        [theta.cos() * cos, theta.sin() * cos, sin]
    }

    /// The place of a point of the unit sphere.
    fn of(point: Vector) -> Self {
        let degrees = |radians: f64| radians * (180.0 / std::f64::consts::PI);
        let [x, y, z] = point;
        // Zero is added so that no zero is negative.
        Self {
            longitude: degrees(y.atan2(x)) + 0.0,
            latitude: degrees(z.atan2((x * x + y * y).sqrt())) + 0.0,
        }
    }

    /// The position as the service keeps it, which is as a point of the sphere.
    fn kept(self) -> Result<Self, SqlError> {
        if !(-180.0..=180.0).contains(&self.longitude) {
            let text = format!("longitude {} is not between -180 and 180", self.longitude);
            return Err(SqlError::data(text));
        }
        if !(-90.0..=90.0).contains(&self.latitude) {
            let text = format!("latitude {} is not between -90 and 90", self.latitude);
            return Err(SqlError::data(text));
        }
        Ok(Self::of(self.vector()))
    }
}

/// Takes a shape that was read for the first time.
pub(super) fn normalise(shape: Shape) -> Result<Geography, SqlError> {
    let mut geography = Geography::default();
    collect(shape, &mut geography, &Position::kept)?;
    let count = geography.points.len();
    meter::tried(count * count / 2)?;
    let mut points: Vec<Position> = Vec::with_capacity(count);
    for point in geography.points {
        if !points.contains(&point) {
            points.push(point);
        }
    }
    geography.points = points;
    for line in &geography.lines {
        check_line(line)?;
    }
    let mut caps = Vec::with_capacity(geography.polygons.len());
    for polygon in &mut geography.polygons {
        caps.push(plane::turn(polygon)?);
    }
    check_apart(&geography, &caps)?;
    Ok(geography)
}

/// Takes a shape that was normalised before.
pub(super) fn sorted(shape: Shape) -> Result<Geography, SqlError> {
    let mut geography = Geography::default();
    collect(shape, &mut geography, &Ok)?;
    Ok(geography)
}

fn collect(
    shape: Shape,
    into: &mut Geography,
    keep: &dyn Fn(Position) -> Result<Position, SqlError>,
) -> Result<(), SqlError> {
    match shape {
        Shape::Point(at) => into.points.push(keep(at)?),
        Shape::Line(line) => into.lines.push(kept_line(line, keep)?),
        Shape::Polygon(rings) => {
            let rings = rings.into_iter().map(|ring| {
                let mut ring = kept_line(ring, keep)?;
                // It is written with its first position at the end, and kept without.
                let closed = ring.len() > 1 && ring.first() == ring.last();
                if ring.pop().is_none() || !closed {
                    return Err(SqlError::data("Invalid polygon: a ring that is not closed"));
                }
                Ok(ring)
            });
            into.polygons.push(rings.collect::<Result<_, SqlError>>()?);
        }
        Shape::Many(parts) => {
            parts.into_iter().try_for_each(|part| collect(part, into, keep))?;
        }
    }
    Ok(())
}

fn kept_line(
    line: Vec<Position>,
    keep: &dyn Fn(Position) -> Result<Position, SqlError>,
) -> Result<Vec<Position>, SqlError> {
    let mut kept = line.into_iter().map(keep).collect::<Result<Vec<_>, _>>()?;
    kept.dedup();
    Ok(kept)
}

fn check_line(line: &[Position]) -> Result<(), SqlError> {
    if line.len() < 2 {
        return Err(SqlError::unsupported("a LINESTRING of a single position"));
    }
    for pair in line.windows(2) {
        let ([a, b, c], [d, e, f]) = (pair[0].vector(), pair[1].vector());
        if a * d + b * e + c * f < -1.0 + 1e-12 {
            return Err(SqlError::data("Invalid line: an edge between opposite places"));
        }
    }
    Ok(())
}

/// Refuses what might overlap a polygon: the service merges or cuts it there, which takes geometry
/// on the sphere. What lies in disjoint circles does not overlap.
fn check_apart(geography: &Geography, caps: &[Cap]) -> Result<(), SqlError> {
    let lines = geography.lines.iter().map(|line| Cap::around(line));
    let points = geography.points.iter().map(|point| Cap::around(std::slice::from_ref(point)));
    let others: Vec<Cap> = lines.chain(points).collect();
    for (at, cap) in caps.iter().enumerate() {
        let mut rest = caps[at + 1..].iter().chain(&others);
        if rest.any(|other| cap.may_touch(other)) {
            let text = "a GEOGRAPHY in which something may overlap a polygon, which the service \
                        would merge";
            return Err(SqlError::unsupported(text));
        }
    }
    Ok(())
}
