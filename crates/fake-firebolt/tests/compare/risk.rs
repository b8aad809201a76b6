//! Calls that may be refused: each alone in its statement, so that both engines come to it.
//!
//! Whether it is refused is compared, and the value if it is not.

use super::tree::{Kind, Node};
use super::value::Generator;

/// Numbers at the ends of their types and around nought. A float that overflows is infinite in the
/// fake and refused by PostgreSQL: none of these does.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "2",
    "7",
    "2147483647",
    "CAST(-2147483648 AS INTEGER)",
    "CAST(2147483647 AS BIGINT)",
    "CAST(9223372036854775807 AS BIGINT)",
    "CAST(0 AS BIGINT)",
    "CAST(-5 AS BIGINT)",
    "CAST(2.75 AS DOUBLE PRECISION)",
    "CAST(0 AS DOUBLE PRECISION)",
    "CAST(-1e100 AS DOUBLE PRECISION)",
];

/// Texts that look like something.
const TEXTS: [&str; 24] = [
    "''",
    "'1'",
    "' 1 '",
    "'-0'",
    "'+7'",
    "'1.5'",
    "'1e3'",
    "'abc'",
    "'1 2'",
    "'2147483648'",
    "'t'",
    "'true'",
    "'FALSE'",
    "'yes'",
    "'on'",
    "'0'",
    "'2025-01-31'",
    "'2025-02-30'",
    "'2025-1-5'",
    "'2025-01-31 10:20:30'",
    "'2025-01-31T10:20:30.5'",
    "'2025-01-31 25:00:00'",
    "'NaN'",
    "'grün, ä'",
];

const TYPES: [&str; 10] = [
    "INTEGER",
    "BIGINT",
    "DOUBLE PRECISION",
    "REAL",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "NUMERIC(10, 2)",
    "NUMERIC(4, 1)",
    "TEXT",
];

/// `{n}` is a number, `{i}` a small one, `{t}` a text, `{T}` a type.
const CALLS: [&str; 44] = [
    "{n} + {n}",
    "{n} - {n}",
    "{n} * {n}",
    "{n} / {n}",
    "{i} % {i}",
    "- {n}",
    "ABS({n})",
    "SIGN({n})",
    "MOD({i}, {i})",
    "CAST({t} AS {T})",
    "CAST({t} AS {T})",
    "CAST({t} AS {T})",
    "CAST({n} AS {T})",
    "CAST({n} AS {T})",
    "CAST(CAST({t} AS TEXT) AS {T})",
    "CAST(CAST({t} AS DATE) AS {T})",
    "CAST(CAST({t} AS TIMESTAMP) AS {T})",
    "CAST(CAST({t} AS BOOLEAN) AS {T})",
    "CAST(CAST({t} AS NUMERIC(10, 2)) AS {T})",
    "SQRT(CAST({n} AS DOUBLE PRECISION))",
    "LN(CAST({n} AS DOUBLE PRECISION))",
    "EXP(CAST({i} AS DOUBLE PRECISION))",
    "POWER(CAST({i} AS DOUBLE PRECISION), CAST({i} AS DOUBLE PRECISION))",
    "SUBSTRING({t}, {i}, {i})",
    "SUBSTRING({t} FROM {i})",
    "LEFT({t}, {i})",
    "RIGHT({t}, {i})",
    "LPAD({t}, {i}, {t})",
    "RPAD({t}, {i}, {t})",
    "REPEAT({t}, {i})",
    "SPLIT_PART({t}, {t}, {i})",
    "STRPOS({t}, {t})",
    "REPLACE({t}, {t}, {t})",
    "TRIM(BOTH {t} FROM {t})",
    "LTRIM({t}, {t})",
    "{t} LIKE {t}",
    "{t} ILIKE {t}",
    "{t} || {t}",
    "CONCAT({t}, {n}, NULL)",
    "GREATEST({n}, {n})",
    "LEAST({t}, {t})",
    "NULLIF({n}, {n})",
    "COALESCE(NULL, {n}, {n})",
    "{n} BETWEEN {n} AND {n}",
];

impl Generator {
    /// A SELECT of one call.
    pub(crate) fn risky_statement(&mut self) -> Node {
        loop {
            let text = self.risky_call();
            if !differs(&text) {
                return Node::new(Kind::Fixed, &format!("SELECT {text}"), []);
            }
        }
    }

    fn risky_call(&mut self) -> String {
        let mut text = (*self.draw.pick(&CALLS)).to_owned();
        for (place, from) in [("{n}", &NUMBERS[..]), ("{t}", &TEXTS), ("{T}", &TYPES)] {
            while text.contains(place) {
                text = text.replacen(place, from[self.draw.below(from.len())], 1);
            }
        }
        while text.contains("{i}") {
            text = text.replacen("{i}", &(self.draw.below(9) as i64 - 3).to_string(), 1);
        }
        text
    }
}

/// What is known to differ (docs/fidelity.md, casts): a text of a DATE has no time of day in
/// Firebolt, NUMERIC has no NaN and its text no exponent, every number becomes a BOOLEAN.
fn differs(text: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    (text.contains("AS DATE)") && has(&["10:20", "25:00"]))
        || (text.contains("AS NUMERIC") && has(&["NaN", "1e3"]))
        || (text.contains("AS BOOLEAN)")
            && has(&["AS BIGINT)", "AS DOUBLE PRECISION)", "AS INTEGER)", "AS NUMERIC"]))
}
