//! Tables of a case and the rows in them: few, small, with NULLs and with values that meet.

use super::draw::Draw;
use super::tree::{Kind, Node, Type};

/// A table: `id` comes first, is an INTEGER, and is unique.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, Type)>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

const COLUMNS: [(&str, Type); 11] = [
    ("i", Type::Integer),
    ("j", Type::Integer),
    ("big", Type::Bigint),
    ("num", Type::Numeric),
    ("dbl", Type::Double),
    ("s", Type::Text),
    ("u", Type::Text),
    ("yes", Type::Boolean),
    ("day", Type::Date),
    ("at", Type::Timestamp),
    ("due", Type::Date),
];

/// The tables, and the statements that make and fill them.
pub(crate) fn make(draw: &mut Draw) -> (Vec<Table>, Vec<Node>) {
    let mut tables = Vec::new();
    let mut script = Vec::new();
    for name in NAMES {
        let mut columns = vec![("id".to_owned(), Type::Integer)];
        let chosen = COLUMNS.iter().filter(|_| draw.chance(1, 2));
        columns.extend(chosen.map(|(name, of)| ((*name).to_owned(), *of)));
        let definitions = columns.iter().map(|(name, of)| {
            let not_null = if name == "id" { " NOT NULL" } else { "" };
            Node::word(format!("{name} {}{not_null}", of.name()))
        });
        let definitions = Node::list(", ", definitions.collect(), 1);
        let create = format!("CREATE TABLE {name} ({{}})");
        script.push(Node::new(Kind::Fixed, &create, [definitions]));
        let rows = if draw.chance(1, 8) { 0 } else { 1 + draw.below(7) };
        if rows > 0 {
            let first = draw.below(4);
            let rows = (first..first + rows).map(|id| row(draw, id, &columns)).collect();
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let insert = format!("INSERT INTO {name} ({}) VALUES {{}}", names.join(", "));
            let rows = Node::list(", ", rows, 1);
            script.push(Node::new(Kind::Fixed, &insert, [rows]));
        }
        tables.push(Table { name: name.to_owned(), columns });
    }
    (tables, script)
}

fn row(draw: &mut Draw, id: usize, columns: &[(String, Type)]) -> Node {
    // Not replaceable: joins and MERGE rely on `id` being unique.
    let mut cells = vec![Node::word(id.to_string())];
    for (_, of) in &columns[1..] {
        cells.push(if draw.chance(1, 5) {
            Node::word("NULL")
        } else {
            Node::value(*of, literal(draw, *of), [])
        });
    }
    let cells = Node::list(", ", cells, columns.len());
    Node::new(Kind::Fixed, "({})", [cells])
}

/// A literal of that type.
pub(crate) fn literal(draw: &mut Draw, of: Type) -> &'static str {
    let literals: &[&'static str] = match of {
        Type::Integer => &["0", "1", "2", "3", "4", "-1", "-2", "7", "10", "100"],
        Type::Bigint => &[
            "CAST(0 AS BIGINT)",
            "CAST(1 AS BIGINT)",
            "CAST(2 AS BIGINT)",
            "CAST(-3 AS BIGINT)",
            "CAST(40 AS BIGINT)",
        ],
        Type::Numeric => &[
            "CAST('0' AS NUMERIC(10, 2))",
            "CAST('1' AS NUMERIC(10, 2))",
            "CAST('1.10' AS NUMERIC(10, 2))",
            "CAST('-2.55' AS NUMERIC(10, 2))",
            "CAST('99.99' AS NUMERIC(10, 2))",
        ],
        // Halves and quarters: sums of them are exact in any order.
        Type::Double => &[
            "CAST(0 AS DOUBLE PRECISION)",
            "CAST(1 AS DOUBLE PRECISION)",
            "CAST(1.5 AS DOUBLE PRECISION)",
            "CAST(-2.25 AS DOUBLE PRECISION)",
            "CAST(100 AS DOUBLE PRECISION)",
        ],
        Type::Text => &[
            "''", "'a'", "'b'", "'ab'", "'A'", "' a '", "'a,b'", "'a%b'", "'_'", "'10'", "'grün'",
            "'it''s'", "'Ab,,c'", "'b\\'",
        ],
        Type::Boolean => &["TRUE", "FALSE"],
        Type::Date => &[
            "DATE '2025-01-01'",
            "DATE '2025-01-31'",
            "DATE '2024-02-29'",
            "DATE '2024-12-31'",
            "DATE '1970-01-01'",
            "DATE '1969-12-31'",
        ],
        Type::Timestamp => &[
            "TIMESTAMP '2025-01-01 00:00:00'",
            "TIMESTAMP '2025-01-31 23:59:59'",
            "TIMESTAMP '2024-02-29 12:30:00.5'",
            "TIMESTAMP '1969-12-31 23:59:59.999999'",
        ],
    };
    literals[draw.below(literals.len())]
}
