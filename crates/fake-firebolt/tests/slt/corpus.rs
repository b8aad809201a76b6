//! Where the scripts lie, which of them every engine runs, and how a script is run to its end.

use std::path::{Path, PathBuf};

use sqllogictest::{AsyncDB, MakeConnection, Record, Runner};

use super::letter::Letter;

/// Folders whose scripts run on PostgreSQL and Firebolt Core too.
pub(crate) const SHARED: [&str; 2] = ["portable", "isolation"];

/// One script of the corpus.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) path: PathBuf,
    /// Below `fixtures/sql`, with `/` between the names.
    pub(crate) name: String,
}

impl Script {
    /// Whether every engine runs it, and so whether its cells have the one form of [`Letter`].
    pub(crate) fn is_shared(&self) -> bool {
        SHARED.contains(&self.folder())
    }

    /// The first folder below `fixtures/sql`; empty for a script that lies directly in it.
    pub(crate) fn folder(&self) -> &str {
        self.name.split_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Every script, in the order of the names.
pub(crate) fn scripts() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sql");
    let mut scripts = Vec::new();
    collect(&root, "", &mut scripts).expect("fixtures/sql is part of the repository");
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    scripts
}

fn collect(dir: &Path, below: &str, found: &mut Vec<Script>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = if below.is_empty() { file.to_string() } else { format!("{below}/{file}") };
        if path.is_dir() {
            collect(&path, &name, found)?;
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            found.push(Script { path, name });
        }
    }
    Ok(())
}

/// Runs all records, also those behind a failing one, and returns what failed.
pub(crate) fn failures<D, M>(runner: &mut Runner<D, M>, script: &Script) -> Vec<String>
where
    D: AsyncDB<ColumnType = Letter>,
    M: MakeConnection<Conn = D>,
{
    runner.with_column_validator(sqllogictest::strict_column_validator);
    let records = match sqllogictest::parse_file::<Letter>(&script.path) {
        Ok(records) => records,
        Err(error) => return vec![error.to_string()],
    };
    let mut failed = Vec::new();
    for record in records {
        if matches!(record, Record::Halt { .. }) {
            failed.push(format!("{}: halt hides what stands behind it", script.name));
        }
        if let Err(error) = runner.run(record) {
            failed.push(error.to_string());
        }
    }
    runner.shutdown();
    failed
}
