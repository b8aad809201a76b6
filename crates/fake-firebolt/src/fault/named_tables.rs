//! The tables that a statement names, found by its words alone.
//!
//! A rule may ask for a table also where the text does not parse, and behind a proxy the dialect
//! is wider than this fake's. So nothing is bound: a name is what stands where a table stands.
//! Names come out in lower case unless quoted, without schema.

/// Words after which a table stands.
const BEFORE_TABLE: [&str; 9] =
    ["from", "join", "into", "update", "table", "using", "copy", "view", "truncate"];

/// Words that may stand in between.
const BETWEEN: [&str; 6] = ["table", "if", "not", "exists", "only", "into"];

#[derive(Debug, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    /// A quoted name, without its quotes.
    Quoted(&'t str),
    Symbol(char),
}

/// Every table that the statement reads or writes, in order, each once.
pub(crate) fn named_tables(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let mut names: Vec<String> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let introduces = is_word(&tokens, at, &BEFORE_TABLE)
            // IS DISTINCT FROM compares; the UPDATE of a MERGE names no table.
            && !(at > 0 && is_word(&tokens, at - 1, &["distinct"]))
            && !is_word(&tokens, at + 1, &["set"]);
        let lists = is_word(&tokens, at, &["from", "using"]);
        at += 1;
        if introduces {
            at = take_names(&tokens, at, lists, &mut names);
        }
    }
    names
}

/// Takes the table that stands here, or the list of them; returns where it ends.
fn take_names(tokens: &[Token<'_>], mut at: usize, lists: bool, names: &mut Vec<String>) -> usize {
    loop {
        while is_word(tokens, at, &BETWEEN) {
            at += 1;
        }
        let Some((name, after)) = dotted(tokens, at) else { return at };
        let is_call = lists && tokens.get(after) == Some(&Token::Symbol('('));
        if !is_call && !names.contains(&name) {
            names.push(name);
        }
        match comma(tokens, after).filter(|_| lists) {
            Some(next) => at = next,
            None => return after,
        }
    }
}

fn is_word(tokens: &[Token<'_>], at: usize, words: &[&str]) -> bool {
    matches!(tokens.get(at), Some(Token::Word(word))
        if words.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// A name with dots in it: its last part, and what comes after.
fn dotted(tokens: &[Token<'_>], mut at: usize) -> Option<(String, usize)> {
    loop {
        let name = match tokens.get(at)? {
            Token::Word(word) => word.to_lowercase(),
            Token::Quoted(name) => (*name).to_owned(),
            Token::Symbol(_) => return None,
        };
        at += 1;
        if tokens.get(at) != Some(&Token::Symbol('.')) {
            return Some((name, at));
        }
        at += 1;
    }
}

/// What follows the comma after a table and its alias.
fn comma(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    if is_word(tokens, at, &["as"]) {
        at += 1;
    }
    if !matches!(tokens.get(at)?, Token::Symbol(_)) {
        at += 1;
    }
    (tokens.get(at) == Some(&Token::Symbol(','))).then_some(at + 1)
}

/// Words, quoted names and signs; strings, numbers and comments are left out.
fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => 1 + to_end(&rest[1..], "'"),
            '"' => {
                let length = 1 + to_end(&rest[1..], "\"");
                tokens.push(Token::Quoted(rest[1..length].trim_end_matches('"')));
                length
            }
            '-' if rest.starts_with("--") => to_end(rest, "\n"),
            '/' if rest.starts_with("/*") => 2 + to_end(&rest[2..], "*/"),
            _ if first.is_alphanumeric() || first == '_' => {
                let end = |char: char| !(char.is_alphanumeric() || char == '_' || char == '$');
                let length = rest.find(end).unwrap_or(rest.len());
                if !first.is_numeric() {
                    tokens.push(Token::Word(&rest[..length]));
                }
                length
            }
            _ => {
                if !first.is_whitespace() {
                    tokens.push(Token::Symbol(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

/// The bytes up to and with the mark, or all of them.
fn to_end(text: &str, mark: &str) -> usize {
    text.find(mark).map_or(text.len(), |at| at + mark.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tables_are_found_where_tables_stand() {
        for (sql, expected) in [
            ("SELECT 1", ""),
            ("SELECT * FROM a, public.B AS x, \"C d\" JOIN e ON TRUE", "a b C d e"),
            ("SELECT * FROM read_parquet(location => 'cdc') WHERE x IS DISTINCT FROM y", ""),
            ("INSERT INTO t (a, b) SELECT a, b FROM (SELECT * FROM s) AS q", "t s"),
            (
                "MERGE INTO users AS t USING stg_1 s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = 1",
                "users stg_1",
            ),
            ("DELETE FROM t USING s WHERE t.id = s.id", "t s"),
            ("UPDATE t SET v = 'FROM x' -- FROM y\n WHERE id = 1 /* JOIN z */", "t"),
            ("DROP TABLE IF EXISTS stg", "stg"),
            ("CREATE TABLE IF NOT EXISTS n (a INT)", "n"),
            ("TRUNCATE TABLE n; COPY INTO t FROM loc", "n t loc"),
            ("ALTER TABLE t ADD COLUMN c INT", "t"),
        ] {
            assert_eq!(named_tables(sql).join(" "), expected, "{sql}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(sql in "(FROM |JOIN |USING|[a-z]{1,3}|[,.(\"'é;/*-]| ){0,40}") {
            prop_assert!(named_tables(&sql).len() <= sql.len());
        }
    }
}
