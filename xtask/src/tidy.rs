//! `cargo xtask tidy`: the rules of the house that no compiler checks, each as a function from a tree
//! of files to findings.
//!
//! A check that cannot fail is not a check: every rule has a test on a small tree that breaks it.

mod arrows;
mod evidence;
mod fidelity;
mod sources;
mod tree;

use std::fmt;
use std::process::ExitCode;

use self::tree::Tree;
use crate::process;

/// A broken rule: where, and what to do about it.
#[derive(Debug, Eq, PartialEq, Ord, PartialOrd)]
struct Finding {
    path: String,
    /// Counted from 1; 0 where the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Checks the workspace and prints what was found.
pub(crate) fn run() -> ExitCode {
    match check_workspace() {
        Ok(()) => {
            println!("tidy: nothing to say");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("tidy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Checks the workspace; the findings go to stderr, their number is the error.
pub(crate) fn check_workspace() -> Result<(), String> {
    let tree =
        Tree::read(&process::root()).map_err(|error| format!("cannot read the tree: {error}"))?;
    let findings = check(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("1 rule is broken".to_owned()),
        many => Err(format!("{many} rules are broken")),
    }
}

fn check(tree: &Tree) -> Vec<Finding> {
    let rules = [arrows::check, sources::check, evidence::check, fidelity::check];
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_points_at_its_line() {
        assert_eq!(Finding::new("a.rs", 3, "no").to_string(), "a.rs:3: no");
        assert_eq!(Finding::new("a.rs", 0, "no").to_string(), "a.rs: no");
    }

    #[test]
    fn findings_of_all_rules_come_in_the_order_of_the_files() {
        let tree = Tree::of(&[
            ("crates/chaos/src/model.rs", "use merge_engine::X;\n"),
            ("crates/chaos/Cargo.toml", "[package]\nname = \"chaos\"\n"),
            ("crates/x/src/a.snap", "---\nsource: gone.rs\n---\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        let expected =
            ["crates/chaos/src/model.rs", "crates/chaos/src/model.rs", "crates/x/src/a.snap"];
        assert_eq!(paths, expected);
    }
}
