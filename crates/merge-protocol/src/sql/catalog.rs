//! What the catalogue and our own tables say: read outside any transaction, so it guards nothing.

use super::quote::{Name, Text, texts};
use crate::object::FileId;
use crate::plan::Beside;

/// The target's columns: name, type, nullability, in order.
pub fn columns(target: &str) -> String {
    format!(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = {} ORDER BY ordinal_position",
        Text(target)
    )
}

/// Which of our tables exist beside a target.
pub fn beside(target: &str) -> String {
    let names: Vec<String> = Beside::ALL.iter().map(|table| table.table(target)).collect();
    format!(
        "SELECT table_name FROM information_schema.tables \
         WHERE table_schema = 'public' AND table_name IN ({}) ORDER BY table_name",
        texts(names.iter().map(String::as_str))
    )
}

/// The control rows; and the sets of columns that files of this target wrote, each with the first
/// change that had it, as the ledger recorded them. One question, because every merge asks it.
pub fn state(target: &str) -> String {
    format!(
        "SELECT 'control' AS \"found\", c.\"token\", c.\"generation\", c.\"since\", c.\"horizon\", \
         '' AS \"columns\" FROM {} AS c UNION ALL SELECT 'fed' AS \"found\", '' AS \"token\", \
         CAST(0 AS BIGINT) AS \"generation\", MIN(l.\"seq_min\") AS \"since\", '' AS \"horizon\", l.\"columns\" \
         FROM \"cdc_ledger\" AS l WHERE l.\"target\" = {} AND l.\"rows_read\" > 0 GROUP BY l.\"columns\"",
        Name(&Beside::Control.table(target)),
        Text(target)
    )
}

/// Which of these files, or of these keys under another etag, the ledger knows.
pub fn probe<'a>(
    target: &str,
    files: impl Iterator<Item = &'a FileId> + Clone,
    object_keys: impl Iterator<Item = &'a str> + Clone,
) -> String {
    format!(
        "SELECT 'ledger' AS \"found\", l.\"file_id\", l.\"generation\", l.\"object_key\", l.\"attempt\" \
         FROM \"cdc_ledger\" AS l WHERE l.\"target\" = {} AND (l.\"file_id\" IN ({}) OR \
         l.\"object_key\" IN ({}))",
        Text(target),
        texts(files.map(FileId::as_str)),
        texts(object_keys),
    )
}

/// The same, and which of the files are set aside.
pub fn probe_quarantine<'a>(
    target: &str,
    files: impl Iterator<Item = &'a FileId> + Clone,
    object_keys: impl Iterator<Item = &'a str> + Clone,
) -> String {
    format!(
        "{} UNION ALL SELECT 'quarantine' AS \"found\", q.\"file_id\", q.\"generation\", q.\"object_key\", \
         '' AS \"attempt\" FROM \"cdc_quarantine\" AS q WHERE q.\"target\" = {} \
         AND q.\"event\" = 'quarantined' AND q.\"file_id\" IN ({})",
        probe(target, files.clone(), object_keys),
        Text(target),
        texts(files.map(FileId::as_str)),
    )
}

/// One of our tables, created so that a second creator changes nothing.
pub fn bootstrap(target: &str, table: Beside) -> String {
    let name = table.table(target);
    let name = Name(&name);
    match table {
        Beside::Versions => format!(
            "CREATE TABLE IF NOT EXISTS {name} (\"key\" TEXT NOT NULL, \"seq\" TEXT NOT NULL, \
             \"deleted\" BOOLEAN NOT NULL) PRIMARY INDEX \"key\""
        ),
        Beside::Ledger => format!(
            "CREATE TABLE IF NOT EXISTS {name} (\"target\" TEXT NOT NULL, \"generation\" BIGINT NOT NULL, \
             \"file_id\" TEXT NOT NULL, \"object_key\" TEXT NOT NULL, \"etag\" TEXT NOT NULL, \
             \"attempt\" TEXT NOT NULL, \"rows_read\" BIGINT NOT NULL, \"rows_staged\" BIGINT NOT NULL, \
             \"seq_min\" TEXT NOT NULL, \"seq_max\" TEXT NOT NULL, \"columns\" TEXT NOT NULL, \
             \"committed_at\" TIMESTAMPTZ NOT NULL) PRIMARY INDEX \"target\", \"file_id\""
        ),
        Beside::Quarantine => format!(
            "CREATE TABLE IF NOT EXISTS {name} (\"target\" TEXT NOT NULL, \"generation\" BIGINT NOT NULL, \
             \"file_id\" TEXT NOT NULL, \"object_key\" TEXT NOT NULL, \"event\" TEXT NOT NULL, \
             \"reason\" TEXT NOT NULL, \"detail\" TEXT NOT NULL, \"at\" TIMESTAMPTZ NOT NULL) \
             PRIMARY INDEX \"target\", \"file_id\""
        ),
        // Table and row appear together. Where versions exist already, the control row was lost, and
        // an empty horizon would let old changes resurrect rows: then the table comes up empty, which
        // every merge refuses until an operator has adopted the table again.
        Beside::Control => format!(
            "CREATE TABLE {name} AS SELECT CAST('' AS TEXT) AS \"token\", CAST(0 AS BIGINT) AS \"commits\", \
             CAST(1 AS BIGINT) AS \"generation\", CAST('' AS TEXT) AS \"since\", CAST('' AS TEXT) AS \"horizon\" \
             WHERE NOT EXISTS (SELECT 1 FROM {} AS v)",
            Name(&Beside::Versions.table(target))
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_statements() {
        let ids = [FileId::from_ledger("f1"), FileId::from_ledger("f2")];
        let mut text = vec![columns("users"), beside("users"), state("users")];
        text.push(probe_quarantine("users", ids.iter(), ["a/b'c.parquet"].into_iter()));
        text.extend(Beside::ALL.map(|table| bootstrap("users", table)));
        insta::assert_snapshot!(text.join("\n\n"));
    }
}
