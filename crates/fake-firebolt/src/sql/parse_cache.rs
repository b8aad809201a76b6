//! Parsing a statement that differs from an earlier one in its values only, without parsing it.
//!
//! A loader sends the same few dozen statements over and over with other tokens, file names and
//! names of staging tables. The second time that a skeleton ([`super::parse_slots`]) is seen, its
//! tree is kept as a template, provided that refilling it for a text with other values gives
//! exactly what parsing that text gives. From then on only its slots are refilled. The cache never
//! shows in what is returned; it is one a thread, so runs on different threads share nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use sqlparser::ast;

use super::error::SqlError;
use super::external::ExternalRead;
use super::parse::parse_afresh;
use super::parse_slots::{Scanned, Slot, fill, scan};
use super::statement::{Body, Statement};

/// Skeletons kept on a thread. More come from texts that are never repeated; then the cache starts
/// anew.
const SKELETONS_MAX: usize = 2_048;

/// Trees kept ready of one template: as many as may be in use at once.
const SPARE_MAX: usize = 8;

thread_local! {
    static CACHE: RefCell<Cache> = const { RefCell::new(BTreeMap::new()) };
}

/// What is known, by the skeleton's length first: the statements of a loader begin alike, and few
/// have one length.
type Cache = BTreeMap<usize, BTreeMap<Arc<str>, Entry>>;

/// What is known about a skeleton.
enum Entry {
    /// It was seen once.
    Seen,
    /// It is parsed afresh each time.
    Refused,
    Known(Template),
}

struct Template {
    statement: Statement,
    /// Where location and pattern of each READ_PARQUET come from; `None` is the same each time.
    reads: Vec<[Option<usize>; 2]>,
    #[expect(clippy::vec_box, reason = "trees move in and out of statements by their box")]
    spare: Vec<Box<ast::Statement>>,
}

/// A parsed statement of sqlparser's. One that was made from a template goes back there when it is
/// dropped, to be refilled.
pub(super) struct Tree {
    statement: Option<Box<ast::Statement>>,
    skeleton: Option<Arc<str>>,
}

impl Tree {
    pub(super) fn new(statement: ast::Statement) -> Self {
        Self { statement: Some(Box::new(statement)), skeleton: None }
    }

    pub(super) fn statement(&self) -> &ast::Statement {
        self.statement.as_deref().expect("taken by drop only")
    }
}

impl Clone for Tree {
    fn clone(&self) -> Self {
        Self::new(self.statement().clone())
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statement.fmt(f)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let (Some(statement), Some(skeleton)) = (self.statement.take(), self.skeleton.take())
        else {
            return;
        };
        // Without a cache, as at the end of a thread or while it is in use, the tree is only freed.
        let _ = CACHE.try_with(|cache| {
            if let Ok(mut cache) = cache.try_borrow_mut()
                && let Some(equally_long) = cache.get_mut(&skeleton.len())
                && let Some(Entry::Known(template)) = equally_long.get_mut(&skeleton)
                && template.spare.len() < SPARE_MAX
            {
                template.spare.push(statement);
            }
        });
    }
}

/// Parses one statement; a trailing `;` is allowed.
///
/// # Errors
/// A [`super::SqlErrorKind::Syntax`] error with line and column, or
/// [`super::SqlErrorKind::Unsupported`].
pub fn parse(text: &str) -> Result<Statement, SqlError> {
    let Some(scanned) = scan(text) else { return parse_afresh(text) };
    let entry = CACHE.with_borrow_mut(|cache| look_up(cache, text, &scanned));
    match entry {
        Found::Made(statement) => Ok(statement),
        Found::Nothing => parse_afresh(text),
        Found::Again => {
            let statement = parse_afresh(text)?;
            let entry = template(text, &scanned, &statement).map_or(Entry::Refused, Entry::Known);
            CACHE.with_borrow_mut(|cache| insert(cache, &scanned.skeleton, entry));
            Ok(statement)
        }
    }
}

/// What the cache has for a text.
enum Found {
    Made(Statement),
    /// Nothing, and nothing is to be made.
    Nothing,
    /// Nothing, but the skeleton was seen before.
    Again,
}

fn insert(cache: &mut Cache, skeleton: &str, entry: Entry) {
    cache.entry(skeleton.len()).or_default().insert(Arc::from(skeleton), entry);
}

fn look_up(cache: &mut Cache, text: &str, scanned: &Scanned) -> Found {
    // The key's own text is shared with the trees that go back.
    let from = (Bound::Included(scanned.skeleton.as_str()), Bound::Unbounded);
    let equally_long = cache.get_mut(&scanned.skeleton.len());
    let known = equally_long.and_then(|known| known.range_mut::<str, _>(from).next());
    let known = known.filter(|(skeleton, _)| ***skeleton == *scanned.skeleton);
    match known {
        Some((skeleton, Entry::Known(template))) => {
            Found::Made(template.make(skeleton, text, &scanned.slots))
        }
        Some((_, Entry::Seen)) => Found::Again,
        Some((_, Entry::Refused)) => Found::Nothing,
        None => {
            if cache.values().map(BTreeMap::len).sum::<usize>() >= SKELETONS_MAX {
                cache.clear();
            }
            insert(cache, &scanned.skeleton, Entry::Seen);
            Found::Nothing
        }
    }
}

impl Template {
    fn make(&mut self, skeleton: &Arc<str>, text: &str, slots: &[Slot]) -> Statement {
        let prototype = &self.statement;
        let body = match &prototype.body {
            Body::Sql(tree) => {
                let spare = self.spare.pop();
                let mut tree = spare.unwrap_or_else(|| Box::new(tree.statement().clone()));
                fill(&mut tree, text, slots);
                Body::Sql(Tree { statement: Some(tree), skeleton: Some(Arc::clone(skeleton)) })
            }
            other => other.clone(),
        };
        let mut reads = prototype.reads.clone();
        for (read, [location, pattern]) in reads.iter_mut().zip(&self.reads) {
            let value = |slot: usize| text[slots[slot].value.clone()].to_owned();
            if let Some(slot) = location {
                read.location = value(*slot);
            }
            if let Some(slot) = pattern {
                read.pattern = value(*slot);
            }
        }
        let clauses = prototype.clauses.clone();
        Statement { kind: prototype.kind, body, clauses, reads }
    }
}

/// A template, if refilling it does the same as parsing does.
fn template(text: &str, scanned: &Scanned, statement: &Statement) -> Option<Template> {
    let reads = statement.reads.iter().map(|read| slots_of(read, text, &scanned.slots)).collect();
    let statement = statement.clone();
    let mut template = Template { statement, reads, spare: Vec::new() };
    let other = other_values(text, &scanned.slots);
    let skeleton = Arc::from(scanned.skeleton.as_str());
    let made = template.make(&skeleton, &other, &scanned.slots);
    // Debug shows what comparing the trees would not: the places of the tokens.
    let is_same = |made: &Statement, text: &str| {
        parse_afresh(text).is_ok_and(|parsed| format!("{made:?}") == format!("{parsed:?}"))
    };
    (is_same(&made, &other) && scan(&other)?.skeleton == scanned.skeleton).then_some(template)
}

fn slots_of(read: &ExternalRead, text: &str, slots: &[Slot]) -> [Option<usize>; 2] {
    let holds = |value: &str| slots.iter().position(|slot| text[slot.value.clone()] == *value);
    [holds(&read.location), holds(&read.pattern)]
}

/// The text with another value of the same length in every slot.
fn other_values(text: &str, slots: &[Slot]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, slot) in slots.iter().enumerate() {
        // The mark of a staging table's name stays; and no two slots change alike, or a value that
        // was taken from the wrong one would not show.
        let value = &mut bytes[slot.value.clone()];
        let start = if value.starts_with(b"stg_") { 4 } else { 0 };
        for byte in &mut value[start..] {
            let step = 1 + u8::try_from(at % 8).expect("a number below 8 fits");
            *byte = match *byte {
                digit @ b'0'..=b'9' => b'0' + (digit - b'0' + step) % 10,
                letter @ b'a'..=b'z' => b'a' + (letter - b'a' + step) % 26,
                letter @ b'A'..=b'Z' => b'A' + (letter - b'A' + step) % 26,
                other => other,
            };
        }
    }
    String::from_utf8(bytes).expect("ASCII stays ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: &str = "CREATE TABLE \"stg_users_0123456789abcdef\" AS SELECT \"id\" FROM \
                         READ_PARQUET(LOCATION => 'cdc', PATTERN => '_normalised/aa00.parquet')";

    /// Statements whose values change, in the shapes that loaders send.
    const SHAPES: &[&str] = &[
        STAGE,
        "UPDATE \"cdc_control_users\" SET \"token\" = '01jd0000000000', \"commits\" = \
         \"commits\" + 1 WHERE TRUE",
        "SELECT c.\"token\" FROM \"cdc_control_users\" AS c LEFT JOIN \"cdc_ledger\" AS l ON \
         l.\"target\" = 'users' AND l.\"file_id\" IN ('0000aaaa1111', '0000aaaa2222')",
        "MERGE INTO \"users\" AS t USING (SELECT s.\"id\" AS \"id\" FROM \"stg_users_00\" AS s \
         WHERE s.\"__cdc_seq\" > '20250000001111' AND EXISTS (SELECT 1 FROM \"c\" AS c WHERE \
         c.\"token\" = '01jd0000000000')) AS s ON t.\"id\" = s.\"id\" WHEN MATCHED THEN UPDATE \
         SET \"id\" = s.\"id\" WHEN NOT MATCHED AND NOT s.\"seq\" > '20250000001111' THEN \
         INSERT (\"id\") VALUES (s.\"id\")",
        "INSERT INTO \"cdc_ledger\" (\"a\", \"b\") SELECT f.\"a\", f.\"b\" FROM (SELECT \
         '01jd0000000000' AS \"a\", CAST(12 AS BIGINT) AS \"b\" UNION ALL SELECT \
         '01jd0000000001', CAST(13 AS BIGINT)) AS f",
        "SELECT 'two\nlines', 'a long string' AS \"s\"\nFROM \"t\" WHERE \"s\" > 'a long string'",
        "DROP TABLE IF EXISTS \"stg_users_0123456789abcdef\"",
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'stg\\_%'",
    ];

    #[test]
    fn every_shape_is_made_from_a_template_and_no_different_from_one_that_is_parsed() {
        for text in SHAPES {
            let scanned = scan(text).expect("plain lines");
            let first = parse_afresh(text).expect("valid");
            assert!(template(text, &scanned, &first).is_some(), "no template of {text}");
            for round in 0..4 {
                let mut text = (*text).to_owned();
                for _ in 0..round {
                    text = other_values(&text, &scanned.slots);
                }
                let made = parse(&text).expect("valid");
                let parsed = parse_afresh(&text).expect("valid");
                assert_eq!(format!("{made:?}"), format!("{parsed:?}"));
            }
        }
    }

    #[test]
    fn the_files_of_a_statement_are_its_own() {
        for name in ["aa00", "bb11", "cc22"] {
            let text = STAGE.replace("aa00", name);
            let reads = parse(&text).expect("valid").external_reads();
            assert_eq!(reads[0].location, "cdc");
            assert_eq!(reads[0].pattern, format!("_normalised/{name}.parquet"));
        }
    }

    #[test]
    fn errors_stay_where_they_are() {
        for _ in 0..4 {
            let text = "SELECT 'a long string' FROM t WHERE (";
            let (cached, afresh) = (parse(text).unwrap_err(), parse_afresh(text).unwrap_err());
            assert_eq!(cached.text, afresh.text);
        }
    }

    #[test]
    fn a_value_where_none_is_looked_for_makes_no_template() {
        let text = "SELECT \"a\" FROM \"t\" ORDER BY \"a\" = 'a long string'";
        let scanned = scan(text).expect("plain lines");
        assert!(template(text, &scanned, &parse_afresh(text).expect("valid")).is_none());
        for text in ["SELECT 1 -- a", "SELECT 'é'", "SELECT 'it''s'", "SELECT E'12345678'", ""] {
            let skeleton = scan(text).map(|scanned| scanned.skeleton);
            assert!(skeleton.is_none_or(|skeleton| skeleton == text), "{text}");
        }
    }
}
