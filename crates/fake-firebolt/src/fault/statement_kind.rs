//! What kind of statement a text is, also where the fake's own dialect ends.
//!
//! Behind a proxy stands the real dialect, which is wider; a rule about MERGE must strike a MERGE
//! that this crate could not execute.

use crate::sql::{self, StatementKind};

/// Leading words, longest first where one begins another.
const WORDS: [(&str, StatementKind); 21] = [
    ("SELECT", StatementKind::Select),
    ("WITH", StatementKind::Select),
    ("VALUES", StatementKind::Select),
    ("INSERT", StatementKind::Insert),
    ("UPDATE", StatementKind::Update),
    ("DELETE", StatementKind::Delete),
    ("MERGE", StatementKind::Merge),
    ("COPY", StatementKind::Copy),
    ("CREATE TABLE", StatementKind::CreateTable),
    ("CREATE FACT TABLE", StatementKind::CreateTable),
    ("CREATE DIMENSION TABLE", StatementKind::CreateTable),
    ("DROP TABLE", StatementKind::DropTable),
    ("ALTER TABLE", StatementKind::AlterTable),
    ("TRUNCATE", StatementKind::Truncate),
    ("BEGIN", StatementKind::Begin),
    ("START TRANSACTION", StatementKind::Begin),
    ("COMMIT", StatementKind::Commit),
    ("ROLLBACK", StatementKind::Rollback),
    ("USE ENGINE", StatementKind::UseEngine),
    ("USE", StatementKind::UseDatabase),
    ("SET", StatementKind::Set),
];

/// The kind of a statement: by its parsed form, or else by its first words.
pub(crate) fn statement_kind(sql: &str) -> StatementKind {
    match sql::parse(sql) {
        Ok(statement) if statement.kind() != StatementKind::Other => statement.kind(),
        _ => by_words(sql),
    }
}

fn by_words(sql: &str) -> StatementKind {
    let text = without_comments(sql);
    let begins = |words: &str| {
        let mut rest = text;
        words.split(' ').all(|word| {
            let trimmed = rest.trim_start();
            let fits = trimmed.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word));
            rest = if fits { &trimmed[word.len()..] } else { trimmed };
            fits && !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_')
        })
    };
    let found = WORDS.iter().find(|(words, _)| begins(words));
    found.map_or(StatementKind::Other, |(_, kind)| *kind)
}

/// The text without what a client may put before the first word.
fn without_comments(sql: &str) -> &str {
    let mut text = sql.trim_start();
    loop {
        let rest = if text.starts_with("--") {
            text.find('\n').map_or("", |at| &text[at..])
        } else if text.starts_with("/*") {
            text.find("*/").map_or("", |at| &text[at + 2..])
        } else {
            return text;
        };
        text = rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_do_not_parse_have_a_kind_all_the_same() {
        for (sql, expected) in [
            ("COMMIT", StatementKind::Commit),
            ("-- a label\n/* b */ merge into t using nonsense(", StatementKind::Merge),
            ("SELECT FROM WHERE", StatementKind::Select),
            ("drop  table (", StatementKind::DropTable),
            ("USE ENGINE", StatementKind::UseEngine),
            ("USES x (", StatementKind::Other),
            ("é", StatementKind::Other),
            ("/* open", StatementKind::Other),
        ] {
            assert_eq!(by_words(sql), expected, "{sql}");
            statement_kind(sql);
        }
    }
}
