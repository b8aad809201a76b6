//! The names of statements: the one place that decides what kind of work a request is.
//!
//! Faults, addresses and the heat map all speak of the same 17 names (docs/scenarios.md). A
//! statement that nobody foresaw is `other`, never an error: the engine may grow statements, and
//! an old scenario must still run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a request does, as scenarios and addresses call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementName {
    /// A token, the engine's address, or USE of database and engine.
    SignOn,
    /// Asks the ledger, outside a transaction, whether a redelivered file is applied already.
    Probe,
    /// Creates the staging table from the reduced file.
    Stage,
    /// Counts the staged rows and keys.
    Count,
    /// Adds a column to the target.
    Alter,
    /// Opens a transaction.
    Begin,
    /// Rewrites the control row: the write conflict that orders all merges of a table.
    Fence,
    /// Reads control row and ledger inside the transaction.
    Check,
    /// Merges the staged rows into the target.
    Merge,
    /// Merges the staged keys into the versions table.
    Versions,
    /// Inserts the ledger row of each file.
    Ledger,
    /// Commits the transaction.
    Commit,
    /// Gives the transaction up.
    Rollback,
    /// Drops a staging table.
    Drop,
    /// Copies a file into a staging table (the prior loader).
    Copy,
    /// Reads the catalogue: columns, tables, the control row outside a transaction.
    Columns,
    /// Everything else: bootstrap, sweeper, audit.
    Other,
}

impl StatementName {
    /// All names, in the order in which a file meets them.
    pub const ALL: [StatementName; 17] = [
        StatementName::SignOn,
        StatementName::Probe,
        StatementName::Stage,
        StatementName::Count,
        StatementName::Alter,
        StatementName::Begin,
        StatementName::Fence,
        StatementName::Check,
        StatementName::Merge,
        StatementName::Versions,
        StatementName::Ledger,
        StatementName::Commit,
        StatementName::Rollback,
        StatementName::Drop,
        StatementName::Copy,
        StatementName::Columns,
        StatementName::Other,
    ];

    /// The name as scenarios spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            StatementName::SignOn => "sign-on",
            StatementName::Probe => "probe",
            StatementName::Stage => "stage",
            StatementName::Count => "count",
            StatementName::Alter => "alter",
            StatementName::Begin => "begin",
            StatementName::Fence => "fence",
            StatementName::Check => "check",
            StatementName::Merge => "merge",
            StatementName::Versions => "versions",
            StatementName::Ledger => "ledger",
            StatementName::Commit => "commit",
            StatementName::Rollback => "rollback",
            StatementName::Drop => "drop",
            StatementName::Copy => "copy",
            StatementName::Columns => "columns",
            StatementName::Other => "other",
        }
    }

    /// True for what runs inside the round's transaction, where there is no `committed` phase.
    pub fn is_inside_round(self) -> bool {
        matches!(
            self,
            StatementName::Fence
                | StatementName::Check
                | StatementName::Versions
                | StatementName::Ledger
        )
    }
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StatementName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        StatementName::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = StatementName::ALL.iter().map(|name| name.as_str()).collect();
            format!("{text:?} is no statement; it is one of {}", names.join(", "))
        })
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /oauth/token`.
    Token,
    /// `GET /web/v3/account/…/engineUrl`.
    EngineUrl,
    /// A statement.
    Query,
}

/// How a row of [`TABLE`] recognises a statement.
#[derive(Clone, Copy)]
enum Shape {
    Starts(&'static str),
    StartsAndHolds(&'static str, &'static str),
}

/// The first row that fits names the statement; so the narrow shapes stand above the wide ones.
const TABLE: &[(Shape, StatementName)] = {
    use Shape::{Starts, StartsAndHolds};
    use StatementName as S;
    &[
        (Starts("BEGIN"), S::Begin),
        (Starts("COMMIT"), S::Commit),
        (Starts("ROLLBACK"), S::Rollback),
        (Starts("USE "), S::SignOn),
        (Starts("UPDATE \"cdc_control_"), S::Fence),
        (StartsAndHolds("SELECT c.\"token\"", "\"cdc_control_"), S::Check),
        (StartsAndHolds("SELECT g.\"token\"", "\"cdc_control_"), S::Probe),
        (Starts("MERGE INTO \"cdc_versions_"), S::Versions),
        (Starts("MERGE INTO"), S::Merge),
        (Starts("INSERT INTO \"cdc_ledger\""), S::Ledger),
        (StartsAndHolds("SELECT 'ledger' AS \"found\"", "l.\"attempt\""), S::Probe),
        (StartsAndHolds("SELECT \"file_id\", \"generation\"", "\"cdc_ledger\""), S::Probe),
        (StartsAndHolds("CREATE TABLE \"stg_", "READ_PARQUET"), S::Stage),
        (Starts("COPY "), S::Copy),
        (Starts("ALTER TABLE"), S::Alter),
        (Starts("DROP TABLE"), S::Drop),
        (StartsAndHolds("SELECT a.\"n\"", "\"stg_"), S::Count),
        (StartsAndHolds("SELECT COUNT(", "\"stg_"), S::Count),
        (StartsAndHolds("SELECT", "information_schema.columns"), S::Columns),
        (StartsAndHolds("SELECT table_name FROM information_schema.tables", "IN ("), S::Columns),
        (StartsAndHolds("SELECT 'control' AS", "\"cdc_control_"), S::Columns),
    ]
};

/// The name of a request.
pub fn classify(endpoint: Endpoint, sql: &str) -> StatementName {
    if endpoint != Endpoint::Query {
        return StatementName::SignOn;
    }
    let sql = sql.trim_start();
    let fits = |shape: &Shape| match *shape {
        Shape::Starts(start) => starts(sql, start),
        Shape::StartsAndHolds(start, part) => starts(sql, start) && sql.contains(part),
    };
    let row = TABLE.iter().find(|(shape, _)| fits(shape));
    row.map_or(StatementName::Other, |(_, name)| *name)
}

/// Keywords are matched without regard to case, since the prior rungs write as they like.
fn starts(sql: &str, start: &str) -> bool {
    // By the first letter most rows are out: every request is asked about twenty of them.
    let initial = |text: &str| text.as_bytes().first().map(u8::to_ascii_uppercase);
    initial(sql) == initial(start)
        && sql.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every shape that the engine and the prior rungs send, with the name that it must have.
    const SHAPES: &[(&str, StatementName)] = {
        use StatementName as S;
        &[
            (
                "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE \
                 table_schema = 'public' AND table_name = 'users' ORDER BY ordinal_position",
                S::Columns,
            ),
            (
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' \
                 AND table_name IN ('cdc_control_users', 'cdc_ledger') ORDER BY table_name",
                S::Columns,
            ),
            (
                "SELECT 'control' AS \"found\", c.\"token\", c.\"generation\", c.\"since\", c.\"horizon\", '' AS \
                 \"columns\" FROM \"cdc_control_users\" AS c UNION ALL SELECT DISTINCT 'fed' AS \"found\", '' AS \
                 \"token\" FROM \"cdc_ledger\" AS l WHERE l.\"target\" = 'users'",
                S::Columns,
            ),
            (
                "CREATE TABLE IF NOT EXISTS \"cdc_versions_users\" (\"key\" TEXT NOT NULL) \
                 PRIMARY INDEX \"key\"",
                S::Other,
            ),
            (
                "CREATE TABLE \"cdc_control_users\" AS SELECT CAST('' AS TEXT) AS \"token\"",
                S::Other,
            ),
            (
                "SELECT \"file_id\", \"generation\" FROM \"cdc_ledger\" WHERE \"target\" = \
                 'users' AND \"file_id\" IN ('a')",
                S::Probe,
            ),
            (
                "CREATE TABLE \"stg_users_0123456789abcdef_01jd\" AS SELECT \"id\" FROM \
                 READ_PARQUET(LOCATION => 'cdc', PATTERN => '_normalised/x.parquet')",
                S::Stage,
            ),
            (
                "SELECT a.\"n\", a.\"keys\", b.\"n\" FROM (SELECT COUNT(*) AS \"n\" FROM \
                 \"stg_u\") AS a CROSS JOIN (SELECT 1) AS b",
                S::Count,
            ),
            ("ALTER TABLE \"users\" ADD COLUMN IF NOT EXISTS \"nickname\" TEXT NULL", S::Alter),
            ("BEGIN", S::Begin),
            (
                "UPDATE \"cdc_control_users\" SET \"token\" = 't', \"commits\" = \"commits\" + 1 \
                 WHERE TRUE",
                S::Fence,
            ),
            (
                "SELECT c.\"token\", c.\"commits\" FROM \"cdc_control_users\" AS c LEFT JOIN \
                 \"cdc_ledger\" AS l ON l.\"target\" = 'users'",
                S::Check,
            ),
            ("MERGE INTO \"users\" AS t USING (SELECT 1) AS s ON TRUE", S::Merge),
            ("MERGE INTO \"cdc_versions_users\" AS v USING (SELECT 1) AS s ON TRUE", S::Versions),
            ("INSERT INTO \"cdc_ledger\" (\"target\") SELECT f.\"target\" FROM f", S::Ledger),
            ("INSERT INTO \"cdc_quarantine\" (\"target\") SELECT 'users'", S::Other),
            ("COMMIT", S::Commit),
            ("ROLLBACK", S::Rollback),
            ("DROP TABLE IF EXISTS \"stg_users\"", S::Drop),
            (
                "SELECT table_name, DATE_DIFF('minute', created, CURRENT_TIMESTAMP) AS age FROM \
                 information_schema.tables WHERE table_name LIKE 'stg\\_%'",
                S::Other,
            ),
            ("SELECT query_label FROM information_schema.engine_running_queries", S::Other),
            (
                "SELECT \"id\", COUNT(*) AS n FROM \"users\" GROUP BY \"id\" HAVING COUNT(*) > 1",
                S::Other,
            ),
            ("SELECT \"file_id\" FROM \"cdc_ledger\" WHERE \"target\" = 'users'", S::Other),
            ("DROP TABLE IF EXISTS stg_users_1a2b3c4d", S::Drop),
            ("COPY INTO \"stg_users\" FROM cdc WITH (PATTERN = 'x', TYPE = PARQUET)", S::Copy),
            ("USE DATABASE \"db\"", S::SignOn),
            ("USE ENGINE \"eng\"", S::SignOn),
            ("", S::Other),
            ("-- nothing", S::Other),
        ]
    };

    #[test]
    fn every_shape_of_the_engine_and_of_the_prior_rungs_has_its_name() {
        for (sql, name) in SHAPES {
            assert_eq!(classify(Endpoint::Query, sql), *name, "{sql}");
        }
        assert_eq!(classify(Endpoint::Token, ""), StatementName::SignOn);
        assert_eq!(classify(Endpoint::EngineUrl, ""), StatementName::SignOn);
    }

    #[test]
    fn names_are_read_back() {
        for name in StatementName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        assert!("comit".parse::<StatementName>().is_err());
    }
}
