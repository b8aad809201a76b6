//! What a value is called when it is written: the kind that holds all of it.
//!
//! One point is a POINT, several are a MULTIPOINT, and so on; what is of several kinds is a
//! GEOMETRYCOLLECTION of single shapes, and nothing at all an empty one. That is a reading: the
//! vendor's pages show single points only, and that a repaired POLYGON may become a MULTIPOLYGON.

use super::{Geography, Position};

type Line = Vec<Position>;
type Polygon = Vec<Vec<Position>>;

/// A value by kind.
#[derive(Debug)]
pub(super) enum Outline<'g> {
    Point(&'g Position),
    MultiPoint(&'g [Position]),
    LineString(&'g Line),
    MultiLineString(&'g [Line]),
    Polygon(&'g Polygon),
    MultiPolygon(&'g [Polygon]),
    Collection(Vec<Outline<'g>>),
}

impl<'g> Outline<'g> {
    pub(super) fn of(geography: &'g Geography) -> Self {
        let Geography { points, lines, polygons } = geography;
        match (points.as_slice(), lines.as_slice(), polygons.as_slice()) {
            ([point], [], []) => Self::Point(point),
            ([_, ..], [], []) => Self::MultiPoint(points),
            ([], [line], []) => Self::LineString(line),
            ([], [_, ..], []) => Self::MultiLineString(lines),
            ([], [], [polygon]) => Self::Polygon(polygon),
            ([], [], [_, ..]) => Self::MultiPolygon(polygons),
            _ => {
                let points = points.iter().map(Self::Point);
                let lines = lines.iter().map(Self::LineString);
                let polygons = polygons.iter().map(Self::Polygon);
                Self::Collection(points.chain(lines).chain(polygons).collect())
            }
        }
    }
}

/// A ring as it is written: it ends where it began.
pub(super) fn closed(ring: &[Position]) -> impl Iterator<Item = &Position> {
    ring.iter().chain(ring.first())
}
