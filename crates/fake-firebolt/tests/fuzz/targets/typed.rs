//! Expressions that have, most of the time, the type that their place wants.

use super::choices::Choices;

/// What an expression is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// BOOLEAN
    Truth,
    /// INTEGER
    Whole,
    /// BIGINT
    Big,
    /// NUMERIC
    Exact,
    /// DOUBLE PRECISION
    Float,
    /// TEXT
    Text,
    /// DATE
    Day,
    /// TIMESTAMP
    Local,
    /// TIMESTAMPTZ
    Point,
    /// BYTEA
    Bytes,
    /// ARRAY(INTEGER)
    Wholes,
    /// ARRAY(TEXT)
    Texts,
    /// STRUCT(a INTEGER, b TEXT)
    Pair,
    /// GEOGRAPHY
    Place,
    /// JSON
    Document,
}

use Kind::{Big, Bytes, Day, Document, Exact, Float, Local, Pair, Place, Point, Text, Texts};
use Kind::{Truth, Whole, Wholes};

/// All of them.
pub(crate) const KINDS: &[Kind] = &[
    Truth, Whole, Text, Big, Exact, Float, Day, Local, Point, Bytes, Wholes, Texts, Pair, Place,
    Document,
];

/// Which tables an expression may look at, besides `t`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names {
    /// Whether `s` is there.
    pub(crate) s: bool,
}

impl Kind {
    fn columns(self, names: Names) -> &'static [&'static str] {
        match (self, names.s) {
            (Truth, _) => &["t.b"],
            (Whole, false) => &["t.id", "({'a': t.id}).a"],
            (Whole, true) => &["t.id", "s.id"],
            (Big, _) => &["t.big"],
            (Exact, _) => &["t.n"],
            (Float, _) => &["t.f"],
            (Text, false) => &["t.v"],
            (Text, true) => &["t.v", "s.v", "s.op"],
            (Day, _) => &["t.d"],
            (Local, _) => &["t.ts"],
            (Point, _) => &["t.tz"],
            (Bytes, _) => &["t.y"],
            (Wholes, _) => &["t.a"],
            (Texts, _) => &["ARRAY['a', NULL]"],
            (Pair, _) => &["{'a': t.id, 'b': t.v}", "STRUCT(t.id, t.v)"],
            (Place, _) => &["ST_GEOGPOINT(t.id, t.id)"],
            (Document, _) => &["TO_JSON(t)", "TO_JSON(t.a)"],
        }
    }

    fn literals(self) -> &'static [&'static str] {
        match self {
            Truth => &["TRUE", "FALSE", "NULL"],
            Whole => &["1", "0", "-1", "2147483647", "-2147483648", "NULL", "7"],
            Big => &["9223372036854775807", "-9223372036854775808", "CAST(2 AS BIGINT)"],
            Exact => &["1.50", "CAST(-99999999.99 AS NUMERIC(10, 2))", "CAST(0 AS NUMERIC(10, 2))"],
            Float => &["1e308", "-0.0", "CAST(1 AS DOUBLE PRECISION)", "1e-300"],
            Text => &["'a'", "''", "'%_é'", "'2025-01-31'", "','", "'12'", "NULL", "'\u{1F980}a'"],
            Day => &["DATE '2024-02-29'", "DATE '9999-12-31'", "DATE '0001-01-01'"],
            Local => &["TIMESTAMP '2025-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'"],
            Point => &["TIMESTAMPTZ '2025-01-01 00:00:00+14'", "CURRENT_TIMESTAMP"],
            Bytes => &["CAST('x' AS BYTEA)", "CAST('' AS BYTEA)"],
            Wholes => &["ARRAY[1, 2, NULL]", "ARRAY[3]"],
            Texts => &["ARRAY['b']", "ARRAY['a', 'a']"],
            Pair => {
                &["{'a': 1, 'b': 'x'}", "STRUCT(NULL, NULL)", "CAST(NULL AS STRUCT(a INT, b TEXT))"]
            }
            Place => &["GEOGRAPHY 'POINT(1 2)'", "CAST('POLYGON((0 0,9 0,0 9,0 0))' AS GEOGRAPHY)"],
            Document => &["CAST('{\"a\": [1, {\"b\": \"c\"}]}' AS JSON)", "CAST('null' AS JSON)"],
        }
    }

    /// Functions that give this, with what they take.
    fn functions(self) -> &'static [(&'static str, &'static [Kind])] {
        match self {
            Truth => &[
                ("CONTAINS", &[Wholes, Whole]),
                ("ARRAY_CONTAINS", &[Texts, Text]),
                ("STARTS_WITH", &[Text, Text]),
                ("REGEXP_LIKE", &[Text, Text]),
                ("COALESCE", &[Truth, Truth]),
                ("IS_FINITE", &[Float]),
            ],
            Whole => &[
                ("LENGTH", &[Text]),
                ("ABS", &[Whole]),
                ("STRPOS", &[Text, Text]),
                ("MOD", &[Whole, Whole]),
                ("COALESCE", &[Whole, Whole]),
                ("NULLIF", &[Whole, Whole]),
                ("GREATEST", &[Whole, Whole, Whole]),
                ("LENGTH", &[Wholes]),
                ("INDEX_OF", &[Texts, Text]),
                ("OCTET_LENGTH", &[Text]),
                ("TO_YYYYMM", &[Day]),
                ("TO_YYYYMMDD", &[Point]),
                ("BIT_SHIFT_LEFT", &[Whole, Whole]),
                ("ARRAY_COUNT_DISTINCT", &[Texts]),
                ("ASCII", &[Text]),
            ],
            Big => &[
                ("ABS", &[Big]),
                ("LEAST", &[Big, Big]),
                ("ARRAY_SUM", &[Wholes]),
                ("MOD", &[Big, Whole]),
                ("CITY_HASH", &[Text]),
            ],
            Exact => &[("ROUND", &[Exact, Whole]), ("ABS", &[Exact]), ("CEIL", &[Exact])],
            Float => &[
                ("SQRT", &[Float]),
                ("POWER", &[Float, Float]),
                ("ROUND", &[Float, Whole]),
                ("LN", &[Float]),
                ("EXP", &[Float]),
                ("TRUNC", &[Float]),
                ("ATAN2", &[Float, Float]),
                ("ABS", &[Float]),
            ],
            Text => &[
                ("LOWER", &[Text]),
                ("UPPER", &[Text]),
                ("TRIM", &[Text]),
                ("SUBSTRING", &[Text, Whole, Whole]),
                ("LEFT", &[Text, Whole]),
                ("RIGHT", &[Text, Whole]),
                ("REPLACE", &[Text, Text, Text]),
                ("REPEAT", &[Text, Whole]),
                ("LPAD", &[Text, Whole, Text]),
                ("RPAD", &[Text, Whole]),
                ("REVERSE", &[Text]),
                ("SPLIT_PART", &[Text, Text, Whole]),
                ("CONCAT", &[Text, Whole, Day]),
                ("MD5", &[Text]),
                ("TO_CHAR", &[Local, Text]),
                ("TO_CHAR", &[Point, Text]),
                ("ENCODE", &[Bytes, Text]),
                ("URL_DECODE", &[Text]),
                ("ARRAY_TO_STRING", &[Texts, Text]),
                ("COALESCE", &[Text, Text]),
                ("NULLIF", &[Text, Text]),
                ("REGEXP_REPLACE", &[Text, Text, Text]),
                ("BTRIM", &[Text, Text]),
                ("CONVERT_FROM", &[Bytes, Text]),
                ("CHR", &[Whole]),
                ("JSON_VALUE", &[Document]),
                ("JSON_POINTER_EXTRACT", &[Text, Text]),
                ("JSON_FORMAT", &[Text]),
                ("TO_JSON_STRING", &[Pair]),
                ("ST_ASTEXT", &[Place]),
                ("ST_ASGEOJSON", &[Place]),
            ],
            Day => &[("TO_DATE", &[Text, Text]), ("COALESCE", &[Day, Day]), ("LEAST", &[Day, Day])],
            Local => &[("GREATEST", &[Local, Local]), ("COALESCE", &[Local, Local])],
            Point => &[
                ("TO_TIMESTAMP", &[Text, Text]),
                ("TO_TIMESTAMP", &[Float]),
                ("COALESCE", &[Point, Point]),
            ],
            Bytes => &[
                ("DECODE", &[Text, Text]),
                ("COALESCE", &[Bytes, Bytes]),
                ("ST_ASBINARY", &[Place]),
            ],
            Wholes => &[
                ("ARRAY_CONCAT", &[Wholes, Wholes]),
                ("ARRAY_SORT", &[Wholes]),
                ("ARRAY_DISTINCT", &[Wholes]),
                ("ARRAY_REVERSE", &[Wholes]),
            ],
            Texts => &[
                ("STRING_TO_ARRAY", &[Text, Text]),
                ("ARRAY_REVERSE_SORT", &[Texts]),
                ("JSON_POINTER_EXTRACT_KEYS", &[Text, Text]),
                ("JSON_VALUE_ARRAY", &[Text]),
            ],
            Pair => &[("STRUCT", &[Whole, Text]), ("COALESCE", &[Pair, Pair])],
            Place => &[("ST_GEOGPOINT", &[Float, Float]), ("ST_GEOGFROMTEXT", &[Text])],
            Document => &[("TO_JSON", &[Pair]), ("TO_JSON", &[Float]), ("COALESCE", &[Document])],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Truth => "BOOLEAN",
            Whole => "INTEGER",
            Big => "BIGINT",
            Exact => "NUMERIC(10, 2)",
            Float => "DOUBLE PRECISION",
            Text => "TEXT",
            Day => "DATE",
            Local => "TIMESTAMP",
            Point => "TIMESTAMPTZ",
            Bytes => "BYTEA",
            Wholes => "ARRAY(INTEGER)",
            Texts => "ARRAY(TEXT)",
            Pair => "STRUCT(a INTEGER NULL, b TEXT)",
            Place => "GEOGRAPHY",
            Document => "JSON",
        }
    }
}

/// An expression of that kind, and now and then of another.
pub(crate) fn typed(choices: &mut Choices<'_>, kind: Kind, names: Names, depth: usize) -> String {
    let kind = if choices.rarely(60) { KINDS[choices.below(KINDS.len())] } else { kind };
    if depth == 0 || choices.is_empty() {
        return choices.one(kind.columns(names)).to_owned();
    }
    let next = depth - 1;
    match choices.below(16) {
        0..=2 => choices.one(kind.columns(names)).to_owned(),
        3 | 4 => choices.one(kind.literals()).to_owned(),
        5..=9 => {
            let functions = kind.functions();
            let (name, arguments) = functions[choices.below(functions.len())];
            let arguments: Vec<String> =
                arguments.iter().map(|kind| typed(choices, *kind, names, next)).collect();
            format!("{name}({})", arguments.join(", "))
        }
        10 => {
            let from = KINDS[choices.below(KINDS.len())];
            format!("CAST({} AS {})", typed(choices, from, names, next), kind.name())
        }
        11 => format!(
            "CASE WHEN {} THEN {} ELSE {} END",
            typed(choices, Truth, names, next),
            typed(choices, kind, names, next),
            typed(choices, kind, names, next)
        ),
        12 if depth > 2 => format!(
            "(SELECT {}({}) FROM t WHERE {})",
            choices.one(&["MAX", "MIN", "ANY_VALUE"]),
            typed(choices, kind, Names::default(), next.min(2)),
            typed(choices, Truth, Names::default(), 1)
        ),
        _ => operation(choices, kind, names, next),
    }
}

fn operation(choices: &mut Choices<'_>, kind: Kind, names: Names, next: usize) -> String {
    let pair = |choices: &mut Choices<'_>, kind: Kind, operators: &[&str]| {
        let left = typed(choices, kind, names, next);
        let operator = choices.one(operators);
        format!("({left} {operator} {})", typed(choices, kind, names, next))
    };
    match kind {
        Truth => truth(choices, names, next),
        Whole | Big | Float => pair(choices, kind, &["+", "-", "*", "/", "%"]),
        Exact => pair(choices, kind, &["+", "-"]),
        Text => pair(choices, kind, &["||"]),
        Day => {
            let days = choices.one(&["1", "-400", "2147483647", "NULL"]);
            format!("({} + {days})", typed(choices, Day, names, next))
        }
        Local | Point => {
            let unit = choices.one(&["1 day", "-1 month", "9999 years", "1 microsecond"]);
            let point = typed(choices, kind, names, next);
            match choices.below(3) {
                0 => format!("DATE_TRUNC('{}', {point})", choices.one(&["day", "week", "x"])),
                1 => format!("DATE_ADD('{}', 100000, {point})", choices.one(&["month", "hour"])),
                _ => format!("({point} + INTERVAL '{unit}')"),
            }
        }
        Bytes | Wholes | Texts | Place => choices.one(kind.columns(names)).to_owned(),
        Pair => {
            let (whole, text) =
                (typed(choices, Whole, names, next), typed(choices, Text, names, next));
            format!("{{'a': {whole}, 'b': {text}}}")
        }
        Document => {
            let way = choices.one(&[".a", "['a']", "[0]", ".\"b\"[1].c"]);
            format!("({}){way}", typed(choices, Document, names, next))
        }
    }
}

fn truth(choices: &mut Choices<'_>, names: Names, next: usize) -> String {
    let kind = KINDS[choices.below(KINDS.len())];
    match choices.below(12) {
        0..=2 => {
            let operator = choices.one(&["=", "<>", "<", ">=", "IS NOT DISTINCT FROM"]);
            let left = typed(choices, kind, names, next);
            format!("({left} {operator} {})", typed(choices, kind, names, next))
        }
        3 => {
            let operator = choices.one(&["AND", "OR"]);
            let left = typed(choices, Truth, names, next);
            format!("({left} {operator} {})", typed(choices, Truth, names, next))
        }
        4 => format!("(NOT {})", typed(choices, Truth, names, next)),
        5 => format!("({} IS NOT NULL)", typed(choices, kind, names, next)),
        6 => {
            let (left, right) =
                (typed(choices, Text, names, next), typed(choices, Text, names, next));
            format!("({left} {} {right})", choices.one(&["LIKE", "NOT ILIKE"]))
        }
        7 => format!(
            "({} BETWEEN {} AND {})",
            typed(choices, kind, names, next),
            typed(choices, kind, names, next),
            typed(choices, kind, names, next)
        ),
        8 => {
            let left = typed(choices, kind, names, next);
            format!("({left} IN ({}, NULL))", typed(choices, kind, names, next))
        }
        9 => {
            let inner = Names { s: true };
            format!("EXISTS (SELECT 1 FROM s WHERE {})", typed(choices, Truth, inner, next.min(2)))
        }
        10 => format!("({} IN (SELECT id FROM s))", typed(choices, Whole, names, next)),
        _ => {
            let unit = choices.one(&["YEAR", "EPOCH", "DOW", "WEEK", "MICROSECONDS", "HOUR"]);
            let point = typed(choices, Local, names, next);
            format!("(EXTRACT({unit} FROM {point}) > 1)")
        }
    }
}
