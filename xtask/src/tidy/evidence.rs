//! Evidence that must not rot: reviewed snapshots whose test is gone, and scenarios that wait for a mark
//! which no line of code can reach any more.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_snapshots(tree, &mut findings);
    check_scenarios(tree, &mut findings);
    findings
}

/// Every `.snap` names the file of its test, which is there and takes snapshots.
fn check_snapshots(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.ending(".snap") {
        let source = text.lines().find_map(|line| line.strip_prefix("source: ")).map(str::trim);
        let message = match source.map(|source| (source, tree.text(source))) {
            None => "a snapshot that does not say which test wrote it".to_owned(),
            Some((source, None)) => format!("its test is gone: {source}"),
            Some((source, Some(code))) if !code.contains("_snapshot!") => {
                format!("{source} takes no snapshots any more")
            }
            Some(_) => continue,
        };
        findings.push(Finding::new(path, 0, message));
    }
    for (path, _) in tree.files() {
        if path.ends_with(".snap.new") || path.ends_with(".pending-snap") {
            let message = "a snapshot that nobody has looked at: accept it or delete it";
            findings.push(Finding::new(path, 0, message));
        }
    }
}

/// Every scenario is TOML, opens with its story, and waits only for marks that the code can set.
fn check_scenarios(tree: &Tree, findings: &mut Vec<Finding>) {
    let literals = literals(tree);
    for (path, text) in tree.ending(".toml") {
        if !path.starts_with("scenarios/") {
            continue;
        }
        if !text.starts_with("# ") {
            let message = "open with a comment: what happens here, and why it must not go wrong";
            findings.push(Finding::new(path, 1, message));
        }
        let scenario = match text.parse::<Table>() {
            Ok(scenario) => scenario,
            Err(error) => {
                findings.push(Finding::new(path, 0, format!("not TOML: {}", error.message())));
                continue;
            }
        };
        for mark in marks(&scenario) {
            if !literals.contains(mark) {
                let message = format!("waits for the mark {mark}, which no line of code sets");
                findings.push(Finding::new(path, 0, message));
            }
        }
    }
}

/// The marks under `[[expect.reached]]`.
fn marks(scenario: &Table) -> Vec<&str> {
    let reached = scenario.get("expect").and_then(|expect| expect.get("reached"));
    let reached = reached.and_then(Value::as_array).into_iter().flatten();
    reached.filter_map(|entry| entry.get("mark").and_then(Value::as_str)).collect()
}

/// All string literals of one line in the code of the crates that look like a mark: dotted words.
fn literals(tree: &Tree) -> BTreeSet<&str> {
    let code = tree.ending(".rs").filter(|(path, _)| path.starts_with("crates/"));
    code.flat_map(|(_, text)| text.lines())
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(|literal| literal.contains('.'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_snapshot_without_its_test_is_found() {
        let snap = "---\nsource: crates/a/src/x.rs\nexpression: y\n---\nz\n";
        let test = ("crates/a/src/x.rs", "insta::assert_snapshot!(y);\n");
        let path = "crates/a/src/snapshots/x.snap";
        assert_eq!(found(&[(path, snap), test]), Vec::<String>::new());
        assert_eq!(found(&[(path, snap)]).len(), 1, "the test is gone");
        assert_eq!(found(&[(path, snap), ("crates/a/src/x.rs", "fn x() {}\n")]).len(), 1);
        assert_eq!(found(&[(path, "---\nz\n"), test]).len(), 1, "no source");
        assert_eq!(found(&[("crates/a/x.snap.new", snap), test]).len(), 1, "nobody looked");
    }

    #[test]
    fn a_scenario_that_waits_for_nothing_real_is_found() {
        let path = "scenarios/network/x.toml";
        let scenario = "# A story.\n[[expect.reached]]\nmark = \"merge.check.found\"\nmin = 1\n";
        let code = ("crates/a/src/x.rs", "const A: &str = \"merge.check.found\";\n");
        assert_eq!(found(&[(path, scenario), code]), Vec::<String>::new());
        assert_eq!(found(&[(path, scenario)]).len(), 1, "nothing sets the mark");
        let other = ("crates/a/src/x.rs", "// merge.check.found\n");
        assert_eq!(found(&[(path, scenario), other]).len(), 1, "a comment sets no mark");
        assert_eq!(found(&[(path, "x = 1\n")]).len(), 1, "no story");
        assert_eq!(found(&[(path, "# A story.\nx = \n")]).len(), 1, "no TOML");
    }
}
