//! Scenarios: worlds as TOML files, with choices that each seed draws anew.
//!
//! A scenario says what is in the world, which faults strike it, and what must be reached for a run
//! to prove anything. Reading order: [`schema`] (what a file may say), [`lint`] (why a file is
//! refused, with line and column), [`library`] (the folder `scenarios/`, inheritance), `swarm`
//! (the scenario whose fault mix is drawn anew by every seed).

pub mod choice;
pub mod library;
pub mod lint;
pub mod schema;
pub(crate) mod swarm;

use crate::plan::Expect;
use crate::seed::Seed;

pub use self::library::Library;
pub use self::lint::Diagnostic;
pub use self::schema::{File, Tier};

/// One scenario, read and found sound.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its path below `scenarios/` without the extension: `network/lost-commit-ack`.
    pub name: String,
    /// The path as diagnostics show it.
    pub path: String,
    /// How often it runs.
    pub tier: Tier,
    /// Seeds that always run first.
    pub pinned: Vec<Seed>,
    /// Fresh seeds of a run without `--seeds`.
    pub fresh: u64,
    /// What the file says, merged with what it extends.
    pub file: File,
    /// `CREATE TABLE` of the target.
    pub ddl: String,
    /// A known-bad engine; then the scenario must *fail*.
    pub mutant: Option<String>,
    /// What its runs must reach together.
    pub expect: Expect,
    /// The leading comment: what, why, guards, origin.
    pub header: String,
    /// The text of the file, for diagnostics that point into it.
    pub text: String,
}

impl Scenario {
    /// The line (from 1) of the scenario file where a fault rule stands, for reports.
    pub fn line_of_fault(&self, name: &str) -> Option<usize> {
        let quoted = format!("\"{name}\"");
        let line = self
            .text
            .lines()
            .position(|line| line.trim_start().starts_with("name") && line.contains(&quoted))?;
        Some(line + 1)
    }
}
