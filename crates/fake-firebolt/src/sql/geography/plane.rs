//! Polygons of less than a hemisphere, looked at in a plane: seen from the sphere's centre, the
//! edges become straight lines, so what crosses, what lies inside and which way a ring turns are
//! questions for a ruler.
//!
//! What the service repairs, a ring that touches itself or holes that meet, is refused.

use super::Position;
use super::normal::Vector;
use crate::sql::error::SqlError;
use crate::sql::meter;

/// The cosine of 80 degrees: wider polygons are refused, the plane would have no room for them.
const WIDEST: f64 = 0.173_648_177_666_930_3;

/// A circle on the sphere.
#[derive(Debug)]
pub(super) struct Cap {
    centre: Vector,
    /// Its radius, in radians.
    radius: f64,
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt();
    if length > 0.0 { a.map(|part| part / length) } else { [0.0, 0.0, 1.0] }
}

impl Cap {
    /// A circle around all of the positions, and the edges between them if it is smaller than a
    /// hemisphere.
    pub(super) fn around(positions: &[Position]) -> Self {
        let mut sum = [0.0; 3];
        for at in positions {
            let vector = at.vector();
            sum = [sum[0] + vector[0], sum[1] + vector[1], sum[2] + vector[2]];
        }
        let centre = unit(sum);
        let distance = |at: &Position| dot(centre, at.vector()).clamp(-1.0, 1.0).acos();
        let radius = positions.iter().map(distance).fold(0.0, f64::max);
        // What is not smaller than a hemisphere does not hold its edges: it is taken to be all.
        let all = radius >= std::f64::consts::FRAC_PI_2;
        Self { centre, radius: if all { std::f64::consts::PI } else { radius } }
    }

    /// Whether the circles come closer than the micrometre at which the service takes things for
    /// touching, with room for rounding.
    pub(super) fn may_touch(&self, other: &Self) -> bool {
        let between = dot(self.centre, other.centre).clamp(-1.0, 1.0).acos();
        between <= self.radius + other.radius + 1e-7
    }
}

type Point = (f64, f64);

/// Twice the area of a triangle; positive if it turns left.
fn turn_of(a: Point, b: Point, c: Point) -> f64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

/// Turns the rings, the outer one to the left and the holes to the right, and refuses polygons
/// that the service would repair.
pub(super) fn turn(polygon: &mut [Vec<Position>]) -> Result<Cap, SqlError> {
    let Some(shell) = polygon.first() else {
        return Err(SqlError::internal("a polygon without rings"));
    };
    let cap = Cap::around(shell);
    let rings = project(polygon, cap.centre)?;
    check_edges(&rings)?;
    for (at, hole) in rings.iter().enumerate().skip(1) {
        let in_another = rings
            .iter()
            .enumerate()
            .skip(1)
            .any(|(other, ring)| other != at && holds(ring, hole[0]));
        if !holds(&rings[0], hole[0]) || in_another {
            return Err(SqlError::unsupported("a hole that is not inside of its polygon alone"));
        }
    }
    for (at, (ring, flat)) in polygon.iter_mut().zip(&rings).enumerate() {
        let area: f64 = edges(flat).map(|(a, b)| a.0 * b.1 - a.1 * b.0).sum();
        if (area > 0.0) != (at == 0) {
            // It goes on beginning where it began.
            ring[1..].reverse();
        }
    }
    Ok(cap)
}

/// The rings as seen from the sphere's centre, in the plane that touches the sphere at `centre`.
fn project(polygon: &[Vec<Position>], centre: Vector) -> Result<Vec<Vec<Point>>, SqlError> {
    let pole = if centre[2].abs() < 0.9 { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] };
    let right = unit(cross(pole, centre));
    let up = cross(centre, right);
    let mut rings = Vec::with_capacity(polygon.len());
    for ring in polygon {
        if ring.len() < 3 {
            return Err(SqlError::unsupported("a polygon with a ring of fewer than three corners"));
        }
        let mut flat = Vec::with_capacity(ring.len());
        for at in ring {
            let vector = at.vector();
            let depth = dot(vector, centre);
            if depth < WIDEST {
                let text = "a polygon that reaches more than 80 degrees from its middle";
                return Err(SqlError::unsupported(text));
            }
            flat.push((dot(vector, right) / depth, dot(vector, up) / depth));
        }
        rings.push(flat);
    }
    Ok(rings)
}

fn edges(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// Refuses edges that meet anywhere but where one ends and the next begins.
fn check_edges(rings: &[Vec<Point>]) -> Result<(), SqlError> {
    let all: Vec<(usize, usize, (Point, Point))> = (rings.iter().enumerate())
        .flat_map(|(ring, flat)| edges(flat).enumerate().map(move |(at, edge)| (ring, at, edge)))
        .collect();
    meter::tried(all.len() * all.len() / 2)?;
    for (place, (ring, at, edge)) in all.iter().enumerate() {
        for (other_ring, other_at, other) in &all[place + 1..] {
            let last = rings[*ring].len() - 1;
            let next = ring == other_ring && other_at - at == 1;
            let around = ring == other_ring && (*at, *other_at) == (0, last);
            let meets = match (next, around) {
                (true, _) => turns_back(edge.0, edge.1, other.1),
                (_, true) => turns_back(other.0, other.1, edge.1),
                _ => touch(*edge, *other),
            };
            if meets {
                return Err(SqlError::unsupported(
                    "a polygon whose rings touch or cross themselves or each other, which the \
                     service would repair",
                ));
            }
        }
    }
    Ok(())
}

/// Whether the way from `a` over `b` to `c` goes back on itself.
fn turns_back(a: Point, b: Point, c: Point) -> bool {
    let ahead = (b.0 - a.0) * (c.0 - b.0) + (b.1 - a.1) * (c.1 - b.1);
    let scale = (b.0 - a.0).hypot(b.1 - a.1) * (c.0 - b.0).hypot(c.1 - b.1);
    ahead < 0.0 && turn_of(a, b, c).abs() <= 1e-12 * scale
}

/// Whether two edges have a point in common.
fn touch((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let side = |p, q, r| {
        let turn = turn_of(p, q, r);
        if turn.abs() <= 1e-15 {
            0
        } else if turn > 0.0 {
            1
        } else {
            -1
        }
    };
    let sides = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
    if sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0 {
        return true;
    }
    let within = |p: Point, q: Point, r: Point| {
        (p.0.min(q.0)..=p.0.max(q.0)).contains(&r.0) && (p.1.min(q.1)..=p.1.max(q.1)).contains(&r.1)
    };
    (sides[0] == 0 && within(a, b, c))
        || (sides[1] == 0 && within(a, b, d))
        || (sides[2] == 0 && within(c, d, a))
        || (sides[3] == 0 && within(c, d, b))
}

/// Whether a ring holds a point that is not on it.
fn holds(ring: &[Point], at: Point) -> bool {
    let crossed = edges(ring).filter(|(a, b)| {
        let spans = (a.1 > at.1) != (b.1 > at.1);
        spans && at.0 < a.0 + (at.1 - a.1) / (b.1 - a.1) * (b.0 - a.0)
    });
    crossed.count() % 2 == 1
}
