//! Positions as the vendor's clients expect them, and formats that agree with each other.

use proptest::prelude::*;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// From the vendor's own tests of its Node, Python, Go and .NET clients, and its page on the type.
#[test]
fn points_come_back_as_the_vendors_clients_expect_them() {
    for (text, expected) in [
        ("POINT(1 2)", "0101000020E6100000FEFFFFFFFFFFEF3F0000000000000040"),
        ("point(1 1)", "0101000020E6100000FEFFFFFFFFFFEF3F000000000000F03F"),
        ("POINT(2 3)", "0101000020E6100000FEFFFFFFFFFFFF3F0100000000000840"),
        (
            "POINT(-73.98551041593687 40.75793403395676)",
            "0101000020E61000003D94479A127F52C0502F80FB03614440",
        ),
        (
            "{\"type\":\"Point\",\"coordinates\":[-73.98551041593687,40.75793403395676]}",
            "0101000020E61000003D94479A127F52C0502F80FB03614440",
        ),
        (
            "0101000020E61000003D94479A127F52C0502F80FB03614440",
            "0101000020E61000003D94479A127F52C0502F80FB03614440",
        ),
        (
            "01010000003d94479a127f52c0502f80fb03614440",
            "0101000020E61000003D94479A127F52C0502F80FB03614440",
        ),
    ] {
        assert_eq!(hex(&from_text(text).expect(text)), expected, "{text}");
    }
}

#[test]
fn what_is_read_is_what_is_written() {
    for (read, written) in [
        ("SRID=4326;POINT (0 0)", "POINT(0 0)"),
        ("POINT EMPTY", "GEOMETRYCOLLECTION EMPTY"),
        ("MULTIPOINT((0 0), EMPTY)", "Invalid WKT: expected a number"),
        ("MULTIPOINT((0 0), 10 0, (0 0))", "MULTIPOINT(0 0,10 0)"),
        ("MULTIPOINT(0 0)", "POINT(0 0)"),
        ("LINESTRING(0 0, 0 0, 10 0, 10 0)", "LINESTRING(0 0,10 0)"),
        ("MULTILINESTRING((0 0,10 0),(0 0,0 10))", "MULTILINESTRING((0 0,10 0),(0 0,0 10))"),
        ("POLYGON((0 0,0 10,10 0,0 0))", "POLYGON((0 0,10 0,0 10,0 0))"),
        ("POLYGON((0 0,10 0,0 10,0 0))", "POLYGON((0 0,10 0,0 10,0 0))"),
        (
            "MULTIPOLYGON(((0 0,10 0,0 10,0 0)),((90 0,80 0,90 10,90 0)))",
            "MULTIPOLYGON(((0 0,10 0,0 10,0 0)),((90 0,90 10,80 0,90 0)))",
        ),
        (
            "GEOMETRYCOLLECTION(LINESTRING(0 0,10 0),GEOMETRYCOLLECTION(POINT(0 10)),POINT EMPTY)",
            "GEOMETRYCOLLECTION(POINT(0 10),LINESTRING(0 0,10 0))",
        ),
        ("POINT(181 0)", "longitude 181 is not between -180 and 180"),
        ("POINT(0 -90.5)", "latitude -90.5 is not between -90 and 90"),
        ("POINT(nan 0)", "Invalid WKT: expected a number, found 'nan 0)'"),
        ("POINT(1)", "Invalid WKT: expected a number"),
        ("POINT(1 2", "Invalid WKT: expected ')', found the end"),
        ("POINT(1 2) x", "Invalid WKT: expected the end, found 'x'"),
        ("POINT Z (1 2 3)", "the dimensions of Z"),
        ("POINT(1 2 3)", "more than two dimensions"),
        ("CIRCLE(1 2)", "Invalid WKT: unknown shape 'CIRCLE'"),
        ("", "Invalid WKT: expected a shape, found the end"),
        ("SRID=3857;POINT(1 2)", "SRID 3857, where only 4326 is known"),
        ("LINESTRING(1 2)", "a LINESTRING of a single position"),
        ("LINESTRING(0 0,180 0)", "an edge between opposite places"),
        ("POLYGON((0 0,10 0,0 10))", "a ring that is not closed"),
        ("POLYGON((0 0,10 0,0 0))", "fewer than three corners"),
        ("POLYGON((0 0,10 10,10 0,0 10,0 0))", "touch or cross themselves"),
        ("POLYGON((0 0,10 0,5 0,5 10,0 0))", "touch or cross themselves"),
        ("POLYGON((0 0,10 0,10 10,0 10,0 0),(5 5,15 5,15 6,5 5))", "touch or cross"),
        ("POLYGON((0 0,10 0,10 10,0 10,0 0),(20 20,25 20,25 25,20 20))", "a hole that is not"),
        ("POLYGON((0 0,120 0,0 89,-120 0,0 0))", "more than 80 degrees from its middle"),
        ("MULTIPOLYGON(((0 0,10 0,0 10,0 0)),((1 1,11 1,1 11,1 1)))", "may overlap a polygon"),
        ("GEOMETRYCOLLECTION(POLYGON((0 0,10 0,0 10,0 0)),POINT(1 1))", "may overlap a polygon"),
        ("{\"type\":\"Feature\"}", "GeoJSON of the type Feature"),
        ("{\"type\":\"Point\",\"coordinates\":[1]}", "a position is expected, not [1]"),
        ("{\"type\":\"Point\",\"coordinates\":[1,2,3]}", "more than two dimensions"),
        ("{\"type\":\"Point\"", "Invalid GeoJSON: an object that does not go on"),
        ("0101", "Invalid WKB: it ends too early"),
        ("010100", "Invalid WKB: it ends too early"),
        ("01x", "Invalid WKB: not in hexadecimal"),
        ("0201000000", "Invalid WKB: byte order 2"),
        ("0109000000", "Invalid WKB: unknown shape 9"),
        ("0104000000ffffffff", "Invalid WKB: it ends too early"),
        ("00000000013ff00000000000004000000000000000", "POINT(0.9999999999999998 2)"),
        ("0101000000000000000000f87f000000000000f87f", "GEOMETRYCOLLECTION EMPTY"),
    ] {
        let found = match from_text(read) {
            Ok(value) => to_wkt(&value).expect("what was made can be written"),
            Err(error) => error.text,
        };
        assert!(found.contains(written), "{read}: {found}");
    }
}

/// Whatever is made is written in all formats, and read again from its own bytes as it is.
fn check(value: &Arc<[u8]>) {
    let stored = stored(value).expect("what was made can be read");
    assert_eq!(wkb::write(&Outline::of(&stored), true), value.to_vec());
    let (wkt, json) = (to_wkt(value).expect("WKT"), to_geojson(value).expect("GeoJSON"));
    let (from_wkt, from_json) = (from_wkt(&wkt), from_geojson(&json));
    assert_eq!(from_wkt, from_json, "{wkt} {json}");
}

fn position() -> impl Strategy<Value = String> {
    (-1800_i32..1800, -900_i32..900)
        .prop_map(|(x, y)| format!("{} {}", f64::from(x) / 10.0, f64::from(y) / 10.0))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_and_points_agree_in_all_formats(
        points in prop::collection::vec(position(), 1..5),
        line in prop::collection::vec(position(), 2..6),
    ) {
        let (points, line) = (points.join(","), line.join(","));
        let text = format!("GEOMETRYCOLLECTION(MULTIPOINT({points}),LINESTRING({line}))");
        if let Ok(value) = from_text(&text) {
            check(&value);
        }
    }

    #[test]
    fn rings_are_turned_or_refused(corners in prop::collection::vec(position(), 3..7)) {
        let (first, ring) = (&corners[0], corners.join(","));
        if let Ok(value) = from_text(&format!("POLYGON(({ring},{first}))")) {
            check(&value);
            let mut back = corners.clone();
            back[1..].reverse();
            let other = from_text(&format!("POLYGON(({},{first}))", back.join(",")));
            prop_assert_eq!(other.expect("the same ring"), value);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), text in ".{0,40}") {
        let mut bytes = bytes;
        for kind in 0..8 {
            if bytes.len() > 4 {
                bytes[0] = 1;
                bytes[1..5].copy_from_slice(&[kind, 0, 0, 0]);
            }
            if let Ok(value) = from_wkb(&bytes) {
                check(&value);
            }
        }
        let _ = from_text(&text);
        let _ = from_text(&format!("POLYGON({text}"));
    }
}
