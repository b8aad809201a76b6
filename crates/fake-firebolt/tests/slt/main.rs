//! Runs every `fixtures/sql/**/*.slt` on the store in this process.
//!
//! The files are data, so that the same bodies can run on another engine: those under `portable`
//! and `isolation` do, in the test `slt_postgres`, where PostgreSQL and Firebolt Core are the
//! judges. What is accepted and what is refused is written down in `docs/dialect.md`.

mod corpus;
mod dialect;
mod files;
mod in_process;
mod letter;
mod letter_of_type;
mod outcome;
mod staged_files;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sqllogictest::{Record, Runner};

use self::corpus::scripts;
use self::in_process::{Session, World};
use self::letter::Letter;
use self::outcome::Outcome;

/// Records below which the corpus has lost something: of all scripts, and of those that other engines
/// run too.
const RECORDS_MIN: usize = 1_500;
const SHARED_RECORDS_MIN: usize = 900;

/// What one run of all scripts gave.
struct Run {
    failed: Vec<String>,
    outcomes: Vec<Outcome>,
}

/// Runs all scripts, once for all tests of this file.
fn run_of_all_scripts() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let mut run = Run { failed: Vec::new(), outcomes: Vec::new() };
        for script in scripts() {
            let world = World::new(&script.name);
            let mut runner = Runner::new(|| {
                let world = Arc::clone(&world);
                let shared = script.is_shared();
                async move { Ok(Session::new(world, shared)) }
            });
            run.failed.extend(corpus::failures(&mut runner, &script));
            run.outcomes.append(&mut in_process::outcomes(&world));
        }
        run
    })
}

#[test]
fn every_script_holds() {
    let failed = &run_of_all_scripts().failed;
    assert!(failed.is_empty(), "{}\n\n{} records fail", failed.join("\n\n"), failed.len());
}

#[test]
fn the_corpus_is_as_large_as_promised() {
    let mut by_folder: BTreeMap<String, usize> = BTreeMap::new();
    for script in scripts() {
        let records = sqllogictest::parse_file::<Letter>(&script.path).expect("a script parses");
        let asks = |record: &&Record<Letter>| {
            matches!(record, Record::Statement { .. } | Record::Query { .. })
        };
        *by_folder.entry(script.folder().to_owned()).or_default() +=
            records.iter().filter(asks).count();
    }
    let total: usize = by_folder.values().sum();
    let shared: usize = corpus::SHARED.iter().filter_map(|folder| by_folder.get(*folder)).sum();
    println!("{total} records, {shared} of them shared: {by_folder:?}");
    assert!(total >= RECORDS_MIN, "only {total} records: {by_folder:?}");
    assert!(shared >= SHARED_RECORDS_MIN, "only {shared} shared records: {by_folder:?}");
}

#[test]
fn every_script_says_what_it_shows() {
    for script in scripts() {
        let text = std::fs::read_to_string(&script.path).expect("a script can be read");
        let opening = text.lines().next().unwrap_or_default();
        assert!(opening.starts_with("# ") && opening.len() > 12, "{}: {opening:?}", script.name);
    }
}
