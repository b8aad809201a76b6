//! What a statement is made of, as far as `docs/dialect.md` speaks of it: functions, operators, types,
//! and the phrases below. Read from the tokens, so that a construct counts in whatever place it stands.
//!
//! The phrases are a list of questions, not of answers: each is written down as accepted only if a
//! script has it accepted. A phrase that is missing here is missing in the document, and nowhere else.

use std::collections::BTreeSet;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// One row of the document: its section and its name there.
pub(crate) type Construct = (Section, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Statements,
    Query,
    Joins,
    Predicates,
    Windows,
    Writes,
    Functions,
    WindowFunctions,
    TableFunctions,
    Operators,
    Types,
}

impl Section {
    pub(crate) const ALL: [(Self, &'static str); 11] = [
        (Self::Statements, "Statements"),
        (Self::Query, "Parts of a query"),
        (Self::Joins, "Joins"),
        (Self::Predicates, "Predicates and special forms"),
        (Self::Windows, "Windows"),
        (Self::Writes, "Parts of writes and of definitions"),
        (Self::Functions, "Functions and aggregates"),
        (Self::WindowFunctions, "Functions over a window"),
        (Self::TableFunctions, "Table functions"),
        (Self::Operators, "Operators"),
        (Self::Types, "Types"),
    ];
}

/// Runs of words, and the section that asks for them.
const PHRASES: [(Section, &[&str]); 11] = [
    (
        Section::Statements,
        &[
            "SELECT",
            "VALUES",
            "INSERT INTO",
            "UPDATE",
            "DELETE FROM",
            "MERGE INTO",
            "COPY",
            "TRUNCATE TABLE",
            "VACUUM",
            "CREATE TABLE",
            "CREATE FACT TABLE",
            "CREATE DIMENSION TABLE",
            "CREATE EXTERNAL TABLE",
            "CREATE VIEW",
            "CREATE OR REPLACE VIEW",
            "CREATE LOCATION",
            "CREATE DATABASE",
            "CREATE ENGINE",
            "CREATE SCHEMA",
            "CREATE INDEX",
            "CREATE AGGREGATING INDEX",
            "ALTER TABLE",
            "ALTER ENGINE",
            "ALTER DATABASE",
            "START ENGINE",
            "STOP ENGINE",
            "DROP TABLE",
            "DROP VIEW",
            "DROP LOCATION",
            "DROP DATABASE",
            "DROP ENGINE",
            "DROP SCHEMA",
            "DROP INDEX",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "SET",
            "USE DATABASE",
            "USE ENGINE",
            "EXPLAIN",
            "EXPLAIN ANALYZE",
            "SHOW",
            "DESCRIBE",
            "CALL",
            "CANCEL QUERY",
            "GRANT",
            "REVOKE",
            "SAVEPOINT",
        ],
    ),
    (
        Section::Query,
        &[
            "WITH",
            "WITH RECURSIVE",
            "SELECT DISTINCT",
            "SELECT ALL",
            "FROM",
            "WHERE",
            "GROUP BY",
            "GROUP BY ALL",
            "GROUPING SETS",
            "ROLLUP",
            "CUBE",
            "HAVING",
            "QUALIFY",
            "ORDER BY",
            "ASC",
            "DESC",
            "NULLS FIRST",
            "NULLS LAST",
            "LIMIT",
            "OFFSET",
            "FETCH FIRST",
            "UNION",
            "UNION ALL",
            "UNION DISTINCT",
            "INTERSECT",
            "INTERSECT ALL",
            "EXCEPT",
            "EXCLUDE",
            "EXCEPT ALL",
            "LATERAL",
            "UNNEST",
            "FOR UPDATE",
            "TABLESAMPLE",
        ],
    ),
    (
        Section::Joins,
        &[
            "JOIN",
            "INNER JOIN",
            "LEFT JOIN",
            "LEFT OUTER JOIN",
            "RIGHT JOIN",
            "RIGHT OUTER JOIN",
            "FULL JOIN",
            "FULL OUTER JOIN",
            "CROSS JOIN",
            "NATURAL JOIN",
            "USING",
            "LEFT SEMI JOIN",
            "LEFT ANTI JOIN",
        ],
    ),
    (
        Section::Predicates,
        &[
            "AND",
            "OR",
            "NOT",
            "IS NULL",
            "IS NOT NULL",
            "IS TRUE",
            "IS NOT TRUE",
            "IS FALSE",
            "IS NOT FALSE",
            "IS DISTINCT FROM",
            "IS NOT DISTINCT FROM",
            "IN",
            "NOT IN",
            "BETWEEN",
            "NOT BETWEEN",
            "LIKE",
            "NOT LIKE",
            "ILIKE",
            "NOT ILIKE",
            "ESCAPE",
            "SIMILAR TO",
            "EXISTS",
            "NOT EXISTS",
            "ANY",
            "SOME",
            "CASE",
            "CASE WHEN",
            "ELSE",
            "INTERVAL",
            "AT TIME ZONE",
        ],
    ),
    (
        Section::Windows,
        &[
            "OVER",
            "PARTITION BY",
            "ROWS BETWEEN",
            "ROWS UNBOUNDED PRECEDING",
            "RANGE BETWEEN",
            "GROUPS BETWEEN",
            "UNBOUNDED PRECEDING",
            "PRECEDING",
            "CURRENT ROW",
            "FOLLOWING",
            "UNBOUNDED FOLLOWING",
            "WINDOW",
            "IGNORE NULLS",
            "RESPECT NULLS",
            "FILTER",
            "WITHIN GROUP",
            "EXCLUDE",
        ],
    ),
    (
        Section::Writes,
        &[
            "DEFAULT",
            "NOT NULL",
            "UNIQUE",
            "PRIMARY KEY",
            "PRIMARY INDEX",
            "IF EXISTS",
            "IF NOT EXISTS",
            "CASCADE",
            "AS SELECT",
            "CLONE",
            "LIKE",
            "ADD COLUMN",
            "DROP COLUMN",
            "RENAME TO",
            "RENAME COLUMN",
            "OWNER TO",
            "DROP PARTITION",
            "PARTITION BY",
            "RETURNING",
            "ON CONFLICT",
            "DO NOTHING",
            "DO UPDATE",
            "WHEN MATCHED THEN",
            "WHEN MATCHED AND",
            "WHEN NOT MATCHED THEN",
            "WHEN NOT MATCHED AND",
            "WHEN NOT MATCHED BY TARGET",
            "WHEN NOT MATCHED BY SOURCE",
            "THEN UPDATE SET",
            "THEN DELETE",
            "THEN INSERT",
            "PATTERN",
            "AUTO_CREATE",
            "ALLOW_COLUMN_MISMATCH",
            "MAX_ERRORS_PER_FILE",
            "ERROR_FILE",
            "CREDENTIALS",
        ],
    ),
    (Section::Functions, &[]),
    (Section::WindowFunctions, &[]),
    (Section::TableFunctions, &[]),
    (Section::Operators, &[]),
    (
        Section::Types,
        &[
            "BOOLEAN",
            "BOOL",
            "INTEGER",
            "INT",
            "BIGINT",
            "LONG",
            "SMALLINT",
            "REAL",
            "FLOAT",
            "DOUBLE",
            "DOUBLE PRECISION",
            "NUMERIC",
            "DECIMAL",
            "TEXT",
            "STRING",
            "VARCHAR",
            "CHAR",
            "DATE",
            "PGDATE",
            "TIMESTAMP",
            "TIMESTAMPNTZ",
            "TIMESTAMPTZ",
            "BYTEA",
            "ARRAY",
            "STRUCT",
            "GEOGRAPHY",
            "JSON",
            "UUID",
        ],
    ),
];

/// Words that stand before a parenthesis without being called.
const NOT_CALLED: [&str; 58] = [
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CHAR",
    "CONFLICT",
    "DECIMAL",
    "DELETE",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXCLUDE",
    "EXISTS",
    "FILTER",
    "FROM",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INDEX",
    "INSERT",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LATERAL",
    "LIKE",
    "LIMIT",
    "MATERIALIZED",
    "NOT",
    "NUMERIC",
    "OFFSET",
    "ON",
    "OR",
    "OVER",
    "PARTITION",
    "SELECT",
    "SET",
    "SETS",
    "SOME",
    "STRUCT",
    "TABLE",
    "THEN",
    "UNION",
    "USING",
    "VACUUM",
    "VALUES",
    "VARCHAR",
    "VIEW",
    "WHEN",
    "WHERE",
    "WITH",
    "ARRAY",
];

/// Words behind which a name is being given, not called: `INTO t (a)`, `AS v (n)`.
const NAMING: [&str; 9] =
    ["INTO", "AS", "TABLE", "VIEW", "EXISTS", "WITH", "REFERENCES", "CLONE", "LOCATION"];

struct Words<'a> {
    tokens: &'a [Token],
}

impl Words<'_> {
    fn at(&self, index: usize) -> Option<String> {
        match self.tokens.get(index) {
            Some(Token::Word(word)) if word.quote_style.is_none() => {
                Some(word.value.to_uppercase())
            }
            _ => None,
        }
    }

    fn before(&self, index: usize) -> Option<String> {
        index.checked_sub(1).and_then(|index| self.at(index))
    }

    fn phrase_at(&self, index: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(n, word)| self.at(index + n).as_deref() == Some(word))
    }

    /// Where the parenthesis that opens at this token closes.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 1 => return index,
                Token::RParen => depth -= 1,
                _ => {}
            }
        }
        self.tokens.len()
    }
}

/// Everything in a statement that the document speaks of.
pub(crate) fn constructs(text: &str) -> BTreeSet<Construct> {
    let mut found = BTreeSet::new();
    let Ok(mut tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
        return found;
    };
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    let words = Words { tokens: &tokens };
    for index in 0..tokens.len() {
        phrases(&words, index, &mut found);
        if let Some(call) = called(&words, index) {
            found.insert(call);
        }
        if let Some(symbol) = operator(&words, index) {
            found.insert((Section::Operators, symbol));
        }
    }
    found
}

fn phrases(words: &Words<'_>, index: usize, found: &mut BTreeSet<Construct>) {
    for (section, list) in PHRASES {
        let here = match section {
            Section::Statements => index == 0,
            Section::Types => names_type(words, index),
            Section::Writes => !["SELECT", "WITH", "VALUES"].iter().any(|v| words.phrase_at(0, v)),
            // Joins of MERGE … USING and DELETE … USING are no USING (column).
            Section::Joins => !words.phrase_at(0, "MERGE") && !words.phrase_at(0, "DELETE"),
            Section::Predicates => words.before(index).as_deref() != Some("IF"),
            _ => words.before(index).as_deref() != Some("DELETE"),
        };
        let longest = list.iter().filter(|phrase| here && words.phrase_at(index, phrase));
        // A longer phrase is another construct: LEFT JOIN is not JOIN, UNION ALL is not UNION.
        if let Some(phrase) = longest.max_by_key(|phrase| phrase.len()) {
            let tail = (1..3).any(|back| {
                let Some(start) = index.checked_sub(back) else { return false };
                list.iter().any(|p| p.ends_with(&format!(" {phrase}")) && words.phrase_at(start, p))
            });
            if !tail {
                found.insert((section, (*phrase).to_owned()));
            }
        }
    }
}

/// A type stands behind AS or `::`, and behind a column's name in a definition.
fn names_type(words: &Words<'_>, index: usize) -> bool {
    let Some(before) = index.checked_sub(1) else { return false };
    match &words.tokens[before] {
        Token::DoubleColon => true,
        Token::Word(word) if word.value.eq_ignore_ascii_case("AS") => {
            words.tokens[..before].contains(&Token::LParen)
        }
        Token::Word(_) => matches!(words.at(0).as_deref(), Some("CREATE" | "ALTER")),
        _ => false,
    }
}

fn called(words: &Words<'_>, index: usize) -> Option<Construct> {
    let name = words.at(index)?;
    let opens = words.tokens.get(index + 1) == Some(&Token::LParen);
    let before = index.checked_sub(1).map(|before| &words.tokens[before]);
    let named = matches!(before, Some(Token::RParen | Token::Period))
        || words.before(index).is_some_and(|before| NAMING.contains(&before.as_str()));
    if !opens || named || NOT_CALLED.contains(&name.as_str()) {
        return None;
    }
    let after = words.closing(index + 1) + 1;
    if words.phrase_at(after, "AS") && words.tokens.get(after + 1) == Some(&Token::LParen) {
        return None; // a named query with its columns
    }
    if words.phrase_at(after, "OVER") {
        return Some((Section::WindowFunctions, name));
    }
    let in_from = words.before(index).is_some_and(|before| {
        (before == "FROM" && !words.phrase_at(index.saturating_sub(2), "DISTINCT FROM"))
            || before == "JOIN"
            || (before == "USING" && words.phrase_at(0, "MERGE"))
    });
    Some((if in_from { Section::TableFunctions } else { Section::Functions }, name))
}

fn operator(words: &Words<'_>, index: usize) -> Option<String> {
    let token = &words.tokens[index];
    let before = index.checked_sub(1).map(|before| &words.tokens[before]);
    let operand = matches!(
        before,
        Some(
            Token::RParen
                | Token::RBracket
                | Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::Word(_)
        )
    ) && words.before(index).as_deref() != Some("SELECT");
    match token {
        Token::Mul if !operand => None,
        Token::Minus | Token::Plus if !operand => Some(format!("{token} (sign)")),
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => {
            Some(token.to_string())
        }
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod => {
            Some(token.to_string())
        }
        Token::StringConcat
        | Token::DoubleColon
        | Token::Caret
        | Token::Ampersand
        | Token::Pipe => Some(token.to_string()),
        Token::Tilde | Token::TildeAsterisk | Token::ExclamationMarkTilde => {
            Some(token.to_string())
        }
        Token::RArrow => Some(token.to_string()),
        Token::LBracket if operand => Some("[ ] (element of an array)".to_owned()),
        _ => None,
    }
}

#[test]
fn a_statement_is_taken_apart() {
    let text = "SELECT COUNT(*), SUM(v) OVER (ORDER BY a) FROM t AS x (a, v) LEFT JOIN \
                READ_PARQUET(LOCATION => 'l') AS r ON a * 2 = -1 WHERE CAST(a AS DOUBLE PRECISION) > 1";
    let found: Vec<String> =
        constructs(text).into_iter().map(|(section, name)| format!("{section:?} {name}")).collect();
    let expected = [
        "Statements SELECT",
        "Query FROM",
        "Query ORDER BY",
        "Query WHERE",
        "Joins LEFT JOIN",
        "Windows OVER",
        "Functions CAST",
        "Functions COUNT",
        "WindowFunctions SUM",
        "TableFunctions READ_PARQUET",
        "Operators *",
        "Operators - (sign)",
        "Operators =",
        "Operators >",
        "Operators =>",
        "Types DOUBLE PRECISION",
    ];
    let expected: BTreeSet<&str> = expected.into_iter().collect();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
}
