//! Statements of the dialect, most of them well-formed and many well-typed, so that a fuzzer gets
//! past the parser and into binding and evaluation.

use super::choices::Choices;
use super::typed::{KINDS, Kind, Names, typed};

/// The tables that statements are about, with values at the edges of their types.
pub(crate) const TABLES: &[&str] = &[
    "CREATE TABLE t (id INTEGER, v TEXT, n NUMERIC(10, 2), d DATE, ts TIMESTAMP, tz TIMESTAMPTZ, \
     f DOUBLE PRECISION, b BOOLEAN, y BYTEA, a ARRAY(INTEGER), big BIGINT)",
    "CREATE TABLE s (id INTEGER NOT NULL, v TEXT, op TEXT)",
    "INSERT INTO t VALUES \
     (1, 'a', 1.50, '2025-01-31', '2025-01-31 23:59:59.999999', '2025-01-31 12:00:00+02', 1.5, \
      TRUE, CAST('x' AS BYTEA), ARRAY[1, 2], 9223372036854775807), \
     (2, '', -1.00, '0001-01-01', '0001-01-01 00:00:00', '9999-12-31 23:59:59+00', -0.0, FALSE, \
      CAST('' AS BYTEA), ARRAY[NULL], -9223372036854775807), \
     (2147483647, 'A%_é\u{1F980}', 99999999.99, '9999-12-31', '9999-12-31 00:00:00', NULL, 1e308, NULL, \
      NULL, NULL, 0), \
     (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "INSERT INTO s VALUES (1, 'b', 'U'), (2, NULL, 'D'), (3, 'c', NULL)",
];

const COLUMNS: &[&str] =
    &["id", "v", "n", "d", "ts", "tz", "f", "b", "y", "a", "big", "t.id", "s.v", "s.op", "t.v"];

const LITERALS: &[&str] = &[
    "1",
    "0",
    "-1",
    "2",
    "NULL",
    "''",
    "'a'",
    "TRUE",
    "FALSE",
    "1.5",
    "0.01",
    "1e10",
    "1e-300",
    "2147483647",
    "-2147483648",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999999999999999999999",
    "'2025-02-29'",
    "'%'",
    "'é'",
    "'2025-01-31'",
    "DATE '2024-02-29'",
    "DATE '9999-12-31'",
    "TIMESTAMP '2025-01-01 00:00:00'",
    "TIMESTAMPTZ '2025-01-01 00:00:00+14'",
    "INTERVAL '1 month'",
    "INTERVAL '-9999 years'",
    "INTERVAL '1' DAY",
    "ARRAY[1, 2, NULL]",
    "ARRAY['a']",
    "{'a': 1, 'b c': NULL}",
    "STRUCT(1, 'x')",
    "'POINT(1 2)'",
    "'{\"a\": [1]}'",
    "'/a/0'",
    "'\\x00ff'",
    "'1e400'",
    "'NaN'",
    "'inf'",
    "'day'",
    "'month'",
    "'YYYY-MM-DD'",
    "1000000",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "$1",
];

const TYPES: &[&str] = &[
    "INTEGER",
    "TEXT",
    "BIGINT",
    "NUMERIC(38, 0)",
    "NUMERIC(38, 37)",
    "NUMERIC(5, 2)",
    "NUMERIC",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "DOUBLE PRECISION",
    "REAL",
    "BOOLEAN",
    "BYTEA",
    "ARRAY(INTEGER)",
    "ARRAY(ARRAY(TEXT))",
    "NUMERIC(39, 0)",
    "VARCHAR",
    "STRUCT(a INTEGER)",
    "ARRAY(STRUCT(a TEXT NULL, \"b c\" ARRAY(INTEGER)))",
    "STRUCT(a INTEGER NOT NULL)",
    "GEOGRAPHY",
    "JSON",
];

const FUNCTIONS: &[&str] = &[
    "COALESCE",
    "NULLIF",
    "LOWER",
    "UPPER",
    "LENGTH",
    "SUBSTRING",
    "SUBSTR",
    "TRIM",
    "LTRIM",
    "RTRIM",
    "REPLACE",
    "LEFT",
    "RIGHT",
    "LPAD",
    "RPAD",
    "REPEAT",
    "REVERSE",
    "CONCAT",
    "POSITION",
    "STRPOS",
    "SPLIT_PART",
    "SPLIT",
    "ABS",
    "CEIL",
    "FLOOR",
    "ROUND",
    "TRUNC",
    "MOD",
    "POWER",
    "POW",
    "SQRT",
    "EXP",
    "LN",
    "LOG",
    "SIGN",
    "GREATEST",
    "LEAST",
    "DATE_TRUNC",
    "DATE_ADD",
    "DATE_DIFF",
    "DATEDIFF",
    "TO_CHAR",
    "TO_DATE",
    "TO_TIMESTAMP",
    "EXTRACT",
    "DATE_PART",
    "TO_YYYYMM",
    "NOW",
    "MD5",
    "SHA256",
    "HASH",
    "ENCODE",
    "DECODE",
    "TO_HEX",
    "CITY_HASH",
    "ARRAY_LENGTH",
    "JSON_VALUE",
    "JSON_EXTRACT",
    "JSON_FORMAT",
    "TO_JSON",
    "TO_JSON_STRING",
    "STRUCT",
    "ST_GEOGFROMTEXT",
    "ST_GEOGFROMWKB",
    "ST_ASTEXT",
    "ST_X",
    "LENGTH",
    "ARRAY_CONCAT",
    "CONTAINS",
    "INDEX_OF",
    "FLATTEN",
    "ARRAY_TO_STRING",
    "ARRAY_SLICE",
    "ARRAY_SORT",
    "ARRAY_DISTINCT",
    "ARRAY_REVERSE",
    "REGEXP_LIKE",
    "REGEXP_REPLACE",
    "REGEXP_EXTRACT",
    "IFNULL",
    "REGEXP_MATCHES",
    "NVL",
    "IF",
    "IIF",
    "TRY_CAST",
    "JSON_EXTRACT",
    "JSON_POINTER_EXTRACT_TEXT",
    "RANDOM",
    "GEN_RANDOM_UUID_TEXT",
    "VERSION",
    "TO_INT",
    "TO_FLOAT",
    "CHR",
    "ASCII",
    "INITCAP",
    "BTRIM",
    "STARTS_WITH",
    "ENDS_WITH",
    "OCTET_LENGTH",
    "BIT_LENGTH",
    "TRANSLATE",
    "FORMAT",
    "TYPEOF",
];

const AGGREGATES: &[&str] = &[
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "COUNT(DISTINCT",
    "ARRAY_AGG",
    "STRING_AGG",
    "ANY_VALUE",
    "BOOL_AND",
    "BOOL_OR",
    "STDDEV_SAMP",
    "VAR_POP",
    "MEDIAN",
    "MAX_BY",
    "MIN_BY",
    "BIT_XOR",
    "APPROX_COUNT_DISTINCT",
    "HASH_AGG",
    "CHECKSUM",
];

const WINDOWS: &[&str] = &[
    "ROW_NUMBER()",
    "RANK()",
    "DENSE_RANK()",
    "LAG(id)",
    "LEAD(v, 2)",
    "LAG(id, -1, 0)",
    "NTILE(3)",
    "FIRST_VALUE(id)",
    "LAST_VALUE(v)",
    "NTH_VALUE(id, 0)",
    "SUM(id)",
    "COUNT(*)",
    "PERCENT_RANK()",
    "CUME_DIST()",
    "AVG(n)",
    "MIN(d)",
    "ARRAY_AGG(id)",
];

const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "<>",
    "<",
    ">=",
    "||",
    "AND",
    "OR",
    "^",
    "&",
    "IS DISTINCT FROM",
];

/// A statement: most of the time one whose types fit.
pub(crate) fn statement(choices: &mut Choices<'_>) -> String {
    match choices.below(20) {
        0..=4 => fitting_query(choices, 4),
        5 => query(choices, 4),
        6 => fitting_set(choices),
        7 => format!("INSERT INTO {} {}", table(choices), query(choices, 3)),
        8 => {
            let (id, v) = (typed_t(choices, Kind::Whole), typed_t(choices, Kind::Text));
            format!("INSERT INTO s (id, v) SELECT {id}, {v} FROM t WHERE t.id IS NOT NULL")
        }
        9 | 10 => {
            let (column, kind) = SETTABLE[choices.below(SETTABLE.len())];
            let (names, from) = with_s(choices, " FROM s");
            let value = typed(choices, kind, names, 3);
            format!("UPDATE t SET {column} = {value}{from} WHERE {}", truth(choices, names, 3))
        }
        11 => {
            let (names, using) = with_s(choices, " USING s");
            format!("DELETE FROM t{using} WHERE {}", truth(choices, names, 3))
        }
        12..=14 => merge(choices),
        15 => format!("CREATE TABLE x{} AS {}", choices.below(3), fitting_query(choices, 3)),
        16 => ddl(choices),
        17 => format!("CREATE OR REPLACE VIEW v1 AS {}", fitting_query(choices, 3)),
        18 => "SELECT * FROM v1".to_owned(),
        _ => format!("EXPLAIN {}", fitting_query(choices, 2)),
    }
}

const SETTABLE: &[(&str, Kind)] = &[
    ("id", Kind::Whole),
    ("v", Kind::Text),
    ("n", Kind::Exact),
    ("d", Kind::Day),
    ("ts", Kind::Local),
    ("tz", Kind::Point),
    ("f", Kind::Float),
    ("b", Kind::Truth),
    ("y", Kind::Bytes),
    ("a", Kind::Wholes),
    ("big", Kind::Big),
];

fn with_s(choices: &mut Choices<'_>, clause: &'static str) -> (Names, &'static str) {
    let s = choices.rarely(3);
    (Names { s }, if s { clause } else { "" })
}

fn truth(choices: &mut Choices<'_>, names: Names, depth: usize) -> String {
    typed(choices, Kind::Truth, names, depth)
}

fn typed_t(choices: &mut Choices<'_>, kind: Kind) -> String {
    typed(choices, kind, Names::default(), 3)
}

fn some_kind(choices: &mut Choices<'_>) -> Kind {
    KINDS[choices.below(KINDS.len())]
}

/// A query over `t`, and `s` if it is joined, whose expressions have the types of their places.
fn fitting_query(choices: &mut Choices<'_>, depth: usize) -> String {
    let join = choices.below(6);
    let names = Names { s: join > 2 };
    let on = |choices: &mut Choices<'_>| truth(choices, names, 2);
    let from = match join {
        0..=2 => "t".to_owned(),
        3 => "t CROSS JOIN s".to_owned(),
        4 => "t FULL JOIN s ON t.id = s.id".to_owned(),
        _ => {
            let kind = choices.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
            format!("t {kind} s ON {}", on(choices))
        }
    };
    let filter = match choices.below(3) {
        0 => String::new(),
        _ => format!(" WHERE {}", truth(choices, names, depth)),
    };
    if choices.rarely(4) {
        return grouped(choices, names, &from, &filter);
    }
    let mut items = Vec::new();
    for _ in 0..=choices.below(4) {
        let kind = some_kind(choices);
        items.push(if choices.rarely(5) {
            window(choices, kind, names)
        } else {
            typed(choices, kind, names, depth)
        });
    }
    let distinct = if choices.rarely(6) { "DISTINCT " } else { "" };
    let mut text = format!("SELECT {distinct}{} FROM {from}{filter}", items.join(", "));
    text.push_str(choices.one(&["", "", " ORDER BY 1", " ORDER BY 1 DESC NULLS FIRST LIMIT 2"]));
    text
}

fn grouped(choices: &mut Choices<'_>, names: Names, from: &str, filter: &str) -> String {
    let kind = some_kind(choices);
    let key = typed(choices, kind, names, 2);
    let mut items = vec![key];
    for _ in 0..=choices.below(3) {
        let of = some_kind(choices);
        let argument = typed(choices, of, names, 2);
        let number = typed(choices, Kind::Whole, names, 2);
        items.push(match choices.below(10) {
            0 => "COUNT(*)".to_owned(),
            1 => format!("COUNT(DISTINCT {argument})"),
            2 => format!("MIN({argument})"),
            3 => format!("MAX({argument})"),
            4 => format!("ARRAY_AGG({argument})"),
            5 => format!("MAX_BY({argument}, {number})"),
            6 => format!("STDDEV_SAMP({number})"),
            7 => format!("BOOL_OR({})", truth(choices, names, 1)),
            8 => format!("AVG({number})"),
            _ => format!("SUM({number})"),
        });
    }
    let having = choices.one(&["", "", " HAVING COUNT(*) > 1", " HAVING MAX(t.id) IS NULL"]);
    format!("SELECT {} FROM {from}{filter} GROUP BY 1{having}", items.join(", "))
}

fn window(choices: &mut Choices<'_>, kind: Kind, names: Names) -> String {
    let value = typed(choices, kind, names, 1);
    let call = match choices.below(8) {
        0 => "ROW_NUMBER()".to_owned(),
        1 => format!("LAG({value}, {})", choices.one(&["1", "0", "-1", "9223372036854775807"])),
        2 => format!("FIRST_VALUE({value})"),
        3 => format!("LAST_VALUE({value})"),
        4 => format!("MIN({value})"),
        5 => "SUM(t.id)".to_owned(),
        6 => "NTILE(3)".to_owned(),
        _ => "DENSE_RANK()".to_owned(),
    };
    let frame = choices.one(&[
        "",
        " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 2 FOLLOWING",
        " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
        " ROWS BETWEEN 9223372036854775807 FOLLOWING AND UNBOUNDED FOLLOWING",
        " ROWS BETWEEN 2 FOLLOWING AND 1 FOLLOWING",
    ]);
    let of = some_kind(choices);
    let order = typed(choices, of, names, 1);
    format!("{call} OVER (PARTITION BY t.v ORDER BY {order}{frame})")
}

fn fitting_set(choices: &mut Choices<'_>) -> String {
    let kind = some_kind(choices);
    let one = |choices: &mut Choices<'_>| format!("SELECT {} FROM t", typed_t(choices, kind));
    let mut text = one(choices);
    for _ in 0..=choices.below(2) {
        let set = choices.one(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL"]);
        text.push_str(&format!(" {set} {}", one(choices)));
    }
    text
}

fn ddl(choices: &mut Choices<'_>) -> String {
    let name = choices.one(&["x0", "t", "s", "\"X\"", "public.x1", "v1"]);
    match choices.below(10) {
        0 => format!("DROP TABLE IF EXISTS {name}"),
        1 => format!("TRUNCATE TABLE {name}"),
        2 => {
            let (column, default) = (choices.one(TYPES), choices.one(LITERALS));
            format!("ALTER TABLE {name} ADD COLUMN c {column} DEFAULT {default}")
        }
        3 => format!("ALTER TABLE {name} RENAME TO y"),
        4 => format!("CREATE TABLE {name} (c {} NOT NULL) PRIMARY INDEX c", choices.one(TYPES)),
        5 => format!("CREATE VIEW v1 AS {}", query(choices, 3)),
        6 => format!("CREATE TABLE x2 CLONE {name}"),
        7 => format!("DROP VIEW {name} CASCADE"),
        8 => format!("VACUUM {name}"),
        _ => format!("ALTER TABLE {name} DROP COLUMN {}", choices.one(COLUMNS)),
    }
}

fn merge(choices: &mut Choices<'_>) -> String {
    let both = Names { s: true };
    let on = match choices.below(6) {
        0..=2 => "t.id = s.id".to_owned(),
        3 => choices.one(&["t.id IS NOT DISTINCT FROM s.id", "FALSE", "t.id > s.id"]).to_owned(),
        _ => truth(choices, both, 2),
    };
    let source = choices.one(&["s", "(SELECT id, v, op FROM s WHERE id < 3) AS s"]);
    let mut text = format!("MERGE INTO t USING {source} ON {on}");
    for _ in 0..=choices.below(3) {
        let (column, kind) = SETTABLE[choices.below(SETTABLE.len())];
        let conditional = choices.rarely(2);
        text.push_str(&match choices.below(3) {
            0 => {
                let when = condition(choices, conditional, &truth_of, both);
                let action = match choices.below(3) {
                    0 => "DELETE".to_owned(),
                    1 => "DO NOTHING".to_owned(),
                    _ => format!("UPDATE SET {column} = {}", typed(choices, kind, both, 2)),
                };
                format!(" WHEN MATCHED{when} THEN {action}")
            }
            1 => {
                let constant = |choices: &mut Choices<'_>| {
                    choices.one(&["s.id > 1", "s.op = 'D'", "s.v IS NULL"]).to_owned()
                };
                let when = condition(choices, conditional, &|choices, _| constant(choices), both);
                format!(" WHEN NOT MATCHED{when} THEN INSERT (id, v) VALUES (s.id, s.v || s.op)")
            }
            _ => {
                let when = condition(choices, conditional, &truth_of, Names::default());
                let action = match choices.below(2) {
                    0 => "DELETE".to_owned(),
                    _ => format!("UPDATE SET {column} = {}", typed_t(choices, kind)),
                };
                format!(" WHEN NOT MATCHED BY SOURCE{when} THEN {action}")
            }
        });
    }
    text
}

fn truth_of(choices: &mut Choices<'_>, names: Names) -> String {
    truth(choices, names, 2)
}

fn condition(
    choices: &mut Choices<'_>,
    conditional: bool,
    make: &dyn Fn(&mut Choices<'_>, Names) -> String,
    names: Names,
) -> String {
    if conditional { format!(" AND {}", make(choices, names)) } else { String::new() }
}

/// A query of at most that depth.
pub(crate) fn query(choices: &mut Choices<'_>, depth: usize) -> String {
    let mut text = String::new();
    if depth > 1 && choices.rarely(8) {
        text = format!("WITH c AS ({}) ", query(choices, depth - 1));
    }
    text.push_str(&select(choices, depth));
    if depth > 1 && choices.rarely(8) {
        let set = choices.one(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL"]);
        text.push_str(&format!(" {set} {}", select(choices, depth - 1)));
    }
    if choices.rarely(4) {
        text.push_str(choices.one(&[" ORDER BY 1", " ORDER BY id DESC NULLS LAST", " ORDER BY 9"]));
    }
    if choices.rarely(6) {
        text.push_str(choices.one(&[" LIMIT 1", " LIMIT 0 OFFSET 9", " LIMIT -1", " LIMIT 1e9"]));
    }
    text
}

fn select(choices: &mut Choices<'_>, depth: usize) -> String {
    let mut text = "SELECT ".to_owned();
    if choices.rarely(8) {
        text.push_str("DISTINCT ");
    }
    let items: Vec<String> = (0..=choices.below(3)).map(|_| item(choices, depth)).collect();
    text.push_str(&items.join(", "));
    text.push_str(" FROM ");
    text.push_str(&from(choices, depth));
    if choices.rarely(2) {
        text.push_str(&format!(" WHERE {}", expr(choices, depth)));
    }
    if choices.rarely(5) {
        text.push_str(choices.one(&[
            " GROUP BY 1",
            " GROUP BY id",
            " GROUP BY v, id",
            " GROUP BY ALL",
        ]));
        if choices.rarely(2) {
            text.push_str(" HAVING COUNT(*) > 0");
        }
    }
    if choices.rarely(12) {
        text.push_str(" QUALIFY ROW_NUMBER() OVER (ORDER BY id) = 1");
    }
    text
}

fn item(choices: &mut Choices<'_>, depth: usize) -> String {
    match choices.below(10) {
        0 => "*".to_owned(),
        1 => format!("{} AS z", expr(choices, depth)),
        2 => aggregate(choices, depth),
        3 => {
            let order = choices.one(&["id", "v DESC", "f, n", "d NULLS FIRST"]);
            let frame = choices.one(&[
                "",
                " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
                " ROWS BETWEEN UNBOUNDED PRECEDING AND 2 FOLLOWING",
                " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                " ROWS BETWEEN 9223372036854775807 FOLLOWING AND UNBOUNDED FOLLOWING",
            ]);
            let window = choices.one(WINDOWS);
            format!("{window} OVER (PARTITION BY {} ORDER BY {order}{frame})", column(choices))
        }
        _ => expr(choices, depth),
    }
}

fn aggregate(choices: &mut Choices<'_>, depth: usize) -> String {
    let name = choices.one(AGGREGATES);
    let open = if name.contains('(') { " " } else { "(" };
    let second = if choices.rarely(4) { ", ','" } else { "" };
    format!("{name}{open}{}{second})", expr(choices, depth.min(2)))
}

fn table(choices: &mut Choices<'_>) -> &'static str {
    const NAMES: &[&str] = &["t", "s", "information_schema.tables", "information_schema.columns"];
    NAMES[choices.below(8) % if choices.rarely(4) { 4 } else { 2 }]
}

fn from(choices: &mut Choices<'_>, depth: usize) -> String {
    let base = match choices.below(if depth > 1 { 6 } else { 4 }) {
        4 => format!("({}) AS t", query(choices, depth - 1)),
        5 => "(VALUES (1, 'a', 1.5), (2, NULL, 2)) AS t (id, v, n)".to_owned(),
        _ => table(choices).to_owned(),
    };
    if !choices.rarely(3) {
        return base;
    }
    let kind = choices.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
    match choices.below(6) {
        0 => format!("{base} CROSS JOIN s"),
        1 => format!("{base} {kind} s USING (id)"),
        2 => format!("{base} NATURAL {kind} s"),
        3 => format!("{base}, s AS q"),
        _ => format!("{base} {kind} s ON {}", expr(choices, depth.min(2))),
    }
}

fn column(choices: &mut Choices<'_>) -> &'static str {
    choices.one(COLUMNS)
}

/// An expression of at most that depth.
pub(crate) fn expr(choices: &mut Choices<'_>, depth: usize) -> String {
    if depth == 0 || choices.is_empty() {
        return column(choices).to_owned();
    }
    let next = depth - 1;
    match choices.below(24) {
        0..=3 => column(choices).to_owned(),
        4..=6 => choices.one(LITERALS).to_owned(),
        7..=9 => {
            let operator = choices.one(OPERATORS);
            format!("({} {operator} {})", expr(choices, next), expr(choices, next))
        }
        10..=14 => {
            let name = choices.one(FUNCTIONS);
            let arguments: Vec<String> =
                (0..choices.below(4)).map(|_| expr(choices, next)).collect();
            format!("{name}({})", arguments.join(", "))
        }
        15 => format!("CAST({} AS {})", expr(choices, next), choices.one(TYPES)),
        16 => format!(
            "CASE WHEN {} THEN {} ELSE {} END",
            expr(choices, next),
            expr(choices, next),
            expr(choices, next)
        ),
        17 => format!("({} IN ({}, NULL))", expr(choices, next), expr(choices, next)),
        18 => format!("({} IS {}NULL)", expr(choices, next), choices.one(&["", "NOT "])),
        19 => format!("({} LIKE {})", expr(choices, next), expr(choices, next)),
        20 => {
            let unit = choices.one(&["YEAR", "EPOCH", "DOW", "WEEK", "QUARTER", "MICROSECOND"]);
            format!("EXTRACT({unit} FROM {})", expr(choices, next))
        }
        21 => format!("(NOT {})", expr(choices, next)),
        22 if depth > 1 => {
            let shape = choices.one(&["EXISTS (", "(", "1 IN ("]);
            format!("{shape}{})", query(choices, next.min(2)))
        }
        _ => format!(
            "({} BETWEEN {} AND {})",
            expr(choices, next),
            expr(choices, next),
            column(choices)
        ),
    }
}
