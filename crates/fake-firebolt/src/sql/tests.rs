//! What must hold for any text: no panic, no overflow of the stack, no change by a statement that
//! failed.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{
    ExternalFiles, SqlError, SqlErrorKind, Statement, StatementContext, StatementKind, Watch,
    execute, parse,
};
use crate::mvcc::{Store, Transaction};
use crate::quirks::Quirks;
use crate::value::ResultSet;

/// One session on one store.
pub(super) struct Session {
    pub(super) store: Store,
    quirks: Quirks,
}

impl Session {
    pub(super) fn new(setup: &[&str]) -> Self {
        let quirks = Quirks::default();
        let mut session = Self { store: Store::new(quirks.clone()), quirks };
        for text in setup {
            session.run(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
        session
    }

    fn execute(&self, txn: &mut Transaction, parsed: &Statement) -> Result<ResultSet, SqlError> {
        self.execute_watched(txn, parsed, None)
    }

    fn execute_watched(
        &self,
        txn: &mut Transaction,
        parsed: &Statement,
        watch: Option<&Arc<dyn Watch>>,
    ) -> Result<ResultSet, SqlError> {
        let files = ExternalFiles::default();
        let mut ctx = StatementContext {
            now_micros: 0,
            database: "d",
            engine: "e",
            account: "a",
            files: &files,
            quirks: &self.quirks,
            server: &super::NoServer,
            watch,
            random: &mut |_| 0,
            values: &|| 0,
        };
        execute(parsed, &self.store, txn, &mut ctx)
    }

    /// Parses, executes, commits.
    pub(super) fn run(&mut self, text: &str) -> Result<ResultSet, SqlError> {
        self.run_parsed(&parse(text)?)
    }

    /// Executes, commits.
    pub(super) fn run_parsed(&mut self, parsed: &Statement) -> Result<ResultSet, SqlError> {
        let mut txn = self.store.begin(0);
        let result = self.execute(&mut txn, parsed)?;
        self.store.commit(txn, 0).expect("nobody else is there");
        Ok(result)
    }
}

const SETUP: &[&str] = &[
    "CREATE TABLE t (id BIGINT NOT NULL, v TEXT, n NUMERIC(12, 2), f BOOLEAN)",
    "CREATE TABLE s (id BIGINT, v TEXT)",
    "INSERT INTO t VALUES (1, 'a', 1, TRUE), (2, 'b', NULL, FALSE)",
    "INSERT INTO s VALUES (2, 'B'), (3, 'C')",
];

const SEEDS: &[&str] = &[
    "SELECT t.id, COUNT(*) FROM t LEFT JOIN s ON t.id = s.id WHERE t.v LIKE 'a%' GROUP BY t.id \
     HAVING COUNT(*) > 0 ORDER BY 1 DESC LIMIT 3",
    "MERGE INTO t USING (SELECT id, v FROM s WHERE EXISTS (SELECT 1 FROM t WHERE t.id = s.id)) \
     AS x ON t.id = x.id WHEN MATCHED THEN UPDATE SET v = x.v WHEN NOT MATCHED THEN \
     INSERT (id) VALUES (x.id)",
    "INSERT INTO t (id, v) SELECT id, CAST(id AS TEXT) FROM s UNION ALL SELECT 1, 'x'",
    "UPDATE t SET n = CAST(n + 1 AS NUMERIC(12, 2)), v = v || 'x' \
     WHERE (id, v) IN (SELECT id, v FROM s)",
    "DELETE FROM t WHERE id NOT IN (1, NULL) OR f IS NOT TRUE AND NOT (v BETWEEN 'a' AND 'b')",
    "CREATE TABLE IF NOT EXISTS u (a NUMERIC(20), b TIMESTAMPTZ NOT NULL) PRIMARY INDEX b",
    "CREATE TABLE u PRIMARY INDEX id AS SELECT *, \
     ROW_NUMBER() OVER (PARTITION BY v ORDER BY id) AS n FROM s",
    "COPY INTO t FROM cdc WITH (PATTERN = 'x', TYPE = PARQUET, AUTO_CREATE = TRUE)",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS x TEXT NULL",
    "UPDATE t AS x SET v = s.v, n = DEFAULT FROM s WHERE x.id = s.id AND s.v > 'A'",
    "DELETE FROM t USING s, (SELECT 2 AS k) AS y WHERE t.id = s.id AND y.k = s.id",
    "INSERT INTO t (id, v, f) VALUES (7, DEFAULT, TRUE), (8, 'x', DEFAULT)",
    "CREATE DIMENSION TABLE u (a INTEGER NOT NULL DEFAULT -1 UNIQUE, b DATE NOT NULL DEFAULT \
     CURRENT_DATE()) PRIMARY INDEX (a) PARTITION BY b, a WITH (index_granularity = 128)",
    "CREATE FACT TABLE u (a, b) PARTITION BY a AS (SELECT id, v FROM s)",
    "CREATE OR REPLACE TABLE u CLONE t INCLUDING INDEXES",
    "ALTER TABLE t MODIFY COLUMN v AFTER n",
    "ALTER TABLE IF EXISTS t RENAME TO u",
    "CREATE OR REPLACE VIEW w (a) AS (WITH x AS (SELECT id FROM t) SELECT id FROM x)",
    "CREATE AGGREGATING INDEX IF NOT EXISTS i ON t (id, SUM(n), COUNT(DISTINCT v))",
    "VACUUM (INDEXES = NONE, MAX_CONCURRENCY = 2) t",
    "CREATE ENGINE IF NOT EXISTS x WITH TYPE = 'S' NODES = 2 AUTO_STOP = 0",
    "ALTER ENGINE e SET AUTO_STOP = 5",
    "CREATE DATABASE x WITH DESCRIPTION = 'y'",
    "DROP TABLE IF EXISTS t CASCADE",
    "EXPLAIN (LOGICAL, ANALYZE FALSE) SELECT t.v FROM t JOIN s ON t.id = s.id ORDER BY 1",
    "SHOW COLUMNS FROM t",
    "SELECT CASE WHEN id > 1 THEN DATE_DIFF('day', NOW(), NOW() - INTERVAL '1 day') \
     ELSE 0 END FROM t",
    "SELECT v, SUM(id) OVER (PARTITION BY v ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING), \
     NTILE(2) OVER (ORDER BY n RANGE BETWEEN 1 PRECEDING AND CURRENT ROW), LAG(v, 1) OVER () FROM t",
    "SELECT id FROM t EXCEPT ALL SELECT id FROM s INTERSECT SELECT 2 ORDER BY 1",
    "SELECT f, MEDIAN(id), ARRAY_AGG(DISTINCT v), SUM(n) FILTER (WHERE f) FROM t GROUP BY ALL",
    "SELECT ARRAY_SORT([id, 2])[1], e, CAST('{1,2}' AS ARRAY(INTEGER)) FROM t, UNNEST([v, 'x']) AS r(e)",
    "SELECT TO_CHAR(DATE_ADD('month', id, DATE '2024-02-29'), 'FMMonth DDth IW US'), \
     EXTRACT(epoch FROM NOW() AT TIME ZONE 'UTC'), TO_TIMESTAMP('2025 feb', 'YYYY Mon') FROM t",
    "SELECT LPAD(v, 5, 'x'), SPLIT_PART(v, '', -1), ROUND(n * n / 2, 1), 2 ^ id * 3, \
     TRY_CAST(v AS NUMERIC(5, 2)), ENCODE(DECODE('ff', 'hex'), 'base64') FROM t",
    "WITH x AS (SELECT 1 AS a) SELECT a, -a, a::TEXT, (SELECT MAX(id) FROM t) FROM x, s",
];

/// Cuts a statement into words, so that a mutation stays close to SQL.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in text.chars() {
        if !c.is_alphanumeric() && c != '_' {
            words.push(c.to_string());
            words.push(String::new());
        } else if let Some(last) = words.last_mut() {
            last.push(c);
        }
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,80}") {
        let _ = parse(&text);
        if let Ok(parsed) = parse(&text) {
            prop_assert_ne!(parsed.kind(), StatementKind::Copy);
        }
    }

    #[test]
    fn mangled_statements_are_answered(
        seed in 0..SEEDS.len(),
        other in 0..SEEDS.len(),
        edits in prop::collection::vec((0_u8..4, any::<Index>(), any::<Index>()), 1..5),
    ) {
        let mut text = words(SEEDS[seed]);
        let donor = words(SEEDS[other]);
        for (edit, at, from) in edits {
            let at = at.index(text.len());
            let from = from.index(donor.len());
            match edit {
                0 => { text.remove(at); }
                1 => text.insert(at, donor[from].clone()),
                2 => text[at].clone_from(&donor[from]),
                _ => {
                    let last = text.len() - 1;
                    text.swap(at, from.min(last));
                }
            }
            if text.is_empty() {
                break;
            }
        }
        let mut session = Session::new(SETUP);
        if let Err(error) = session.run(&text.concat()) {
            prop_assert_ne!(error.kind, SqlErrorKind::Internal, "{}", error);
            prop_assert!(!error.text.is_empty());
        }
    }
}

#[test]
fn the_seeds_themselves_run() {
    for seed in SEEDS {
        let mut session = Session::new(SETUP);
        match session.run(seed) {
            Ok(_) => {}
            Err(error) => assert!(error.text.contains("location 'cdc'"), "{seed}: {error}"),
        }
    }
}

#[test]
fn a_failed_statement_changes_nothing() {
    let session = Session::new(SETUP);
    for text in [
        "UPDATE t SET id = CAST(NULLIF(id, 2) AS BIGINT) WHERE TRUE",
        "INSERT INTO t (id) SELECT CAST(NULLIF(id, 3) AS BIGINT) FROM s",
        "INSERT INTO t (id) SELECT id / (id - 3) FROM s",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN \
         INSERT (v) VALUES (s.v)",
        "CREATE TABLE x AS SELECT id / (id - 2) AS y FROM t",
        "DELETE FROM t WHERE 1 / (id - 2) > 0",
    ] {
        let mut txn = session.store.begin(0);
        let error = session.execute(&mut txn, &parse(text).unwrap()).unwrap_err();
        assert_eq!(error.kind, SqlErrorKind::Data, "{text}: {error}");
        assert!(!txn.has_writes(), "{text}");
    }
}

/// Ends an evaluation that takes more steps.
#[derive(Debug)]
struct StepsMax(u64);

impl Watch for StepsMax {
    fn first_look(&self) -> u64 {
        self.0
    }

    fn look(&self, _steps: u64) -> Option<u64> {
        None
    }
}

/// The server evaluates some statements a second time, from the start.
#[test]
fn what_is_interrupted_after_any_step_has_changed_nothing_and_can_be_done_again() {
    let session = Session::new(SETUP);
    let mut interrupted = 0;
    for text in SEEDS {
        let parsed = parse(text).unwrap();
        let mut undisturbed = session.store.begin(0);
        let expected = session.execute(&mut undisturbed, &parsed);
        for steps in 0.. {
            let watch: Arc<dyn Watch> = Arc::new(StepsMax(steps));
            let mut txn = session.store.begin(0);
            let end = session.execute_watched(&mut txn, &parsed, Some(&watch));
            if end.as_ref().map_err(|error| error.kind) != Err(SqlErrorKind::Interrupted) {
                assert_eq!(end, expected, "{text}");
                break;
            }
            interrupted += 1;
            assert!(!txn.has_writes(), "{text} after {steps}");
            assert_eq!(session.execute(&mut txn, &parsed), expected, "{text} after {steps}");
            assert_eq!(txn.has_writes(), undisturbed.has_writes(), "{text} after {steps}");
        }
    }
    assert!(interrupted > 100, "{interrupted}");
}

#[test]
fn deep_and_long_statements_do_not_overflow_the_stack() {
    let nested = |open: &str, close: &str, n: usize| {
        format!("SELECT {}1{}", open.repeat(n), close.repeat(n))
    };
    let refused = [
        nested("(", ")", 5_000),
        nested("- ", "", 5_000),
        nested("NOT ", "", 5_000),
        nested("(SELECT ", ")", 5_000),
        nested("CASE WHEN TRUE THEN ", " END", 5_000),
        nested("LOWER(", ")", 5_000),
        nested("[", "]", 5_000),
        nested("ARRAY_TRANSFORM(x -> ", ", [1])", 5_000),
        nested("SUM(", ") OVER ()", 5_000),
        format!("SELECT 1{}", " ^ 1".repeat(5_000)),
        format!("SELECT 1{}", " & 1".repeat(5_000)),
        format!("SELECT 1{}", " = 1".repeat(5_000)),
        format!("SELECT 1{}", " IN (1)".repeat(5_000)),
        format!("SELECT 'a'{}", " LIKE 'a'".repeat(5_000)),
        format!("SELECT NOW(){}", " AT TIME ZONE 'UTC'".repeat(5_000)),
        format!("SELECT 1{}", " EXCEPT ALL SELECT 1".repeat(5_000)),
        format!("SELECT 1{}", " + 1".repeat(5_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(5_000)),
        format!("SELECT 1{}", "::TEXT".repeat(5_000)),
        format!("SELECT * FROM {}t{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("SELECT * FROM t{}", " CROSS JOIN t".repeat(5_000)),
    ];
    let mut session = Session::new(SETUP);
    for text in refused {
        let error = session.run(&text).unwrap_err();
        let shown = &text[..text.len().min(60)];
        assert!(
            matches!(error.kind, SqlErrorKind::Syntax | SqlErrorKind::Unsupported),
            "{shown}: {error}"
        );
    }
    let chain = format!("SELECT COUNT(*) FROM t WHERE id = 0{}", " OR id = 1".repeat(900));
    assert_eq!(session.run(&chain).unwrap().rows.len(), 1);
    let sum = format!("SELECT 1{}", " + 1".repeat(80));
    assert_eq!(session.run(&sum).unwrap().rows[0][0].to_string(), "81");
    let list: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let long = format!("SELECT COUNT(*) FROM t WHERE id IN ({})", list.join(", "));
    assert_eq!(session.run(&long).unwrap().rows[0][0].to_string(), "2");
    let tests = format!("SELECT SUM(1){}", " = 1".repeat(900));
    assert_eq!(session.run(&tests).unwrap_err().kind, SqlErrorKind::Unsupported);
    let sets = format!("SELECT 1{}", " EXCEPT ALL SELECT 2 UNION ALL SELECT 1".repeat(400));
    assert_eq!(session.run(&sets).unwrap().rows.len(), 401);
    let union = format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(200));
    assert_eq!(session.run(&union).unwrap().rows.len(), 201);
}
