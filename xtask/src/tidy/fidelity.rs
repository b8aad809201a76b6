//! `docs/fidelity.md` must not lie: each behaviour of the fake that it lists names a source, how sure
//! we are, the quirk that changes it, and a test that is really there; and no quirk is left out.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

/// The document, and the file that declares the quirks.
const DOCUMENT: &str = "docs/fidelity.md";
const QUIRKS: &str = "crates/fake-firebolt/src/quirks.rs";

/// How sure one may be.
const CONFIDENCE: [&str; 3] = ["high", "medium", "low"];

/// What stands where there is nothing to name.
const NOTHING: &str = "–";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(document) = tree.text(DOCUMENT) else { return Vec::new() };
    let declared = declared(tree.text(QUIRKS).unwrap_or_default());
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    for (line, cells) in rows(document) {
        let mut say = |message: String| findings.push(Finding::new(DOCUMENT, line, message));
        let [behaviour, source, confidence, quirk, test] = cells[..] else {
            say(format!("{} cells; behaviour, source, confidence, quirk, test", cells.len()));
            continue;
        };
        if behaviour.is_empty() || source.is_empty() {
            say("a behaviour without words, or without a source".to_owned());
        }
        if !CONFIDENCE.contains(&confidence) {
            say(format!("confidence is {}, not {confidence:?}", CONFIDENCE.join(", ")));
        }
        for name in code_spans(quirk) {
            if !declared.contains(name) {
                say(format!("{QUIRKS} declares no quirk {name}"));
            }
            named.insert(name);
        }
        if quirk != NOTHING && code_spans(quirk).next().is_none() {
            say(format!("name the quirk between backticks, or write {NOTHING}"));
        }
        if code_spans(test).next().is_none() {
            say("name the test that shows it".to_owned());
        }
        for reference in code_spans(test) {
            if let Err(message) = resolve(tree, reference) {
                say(message);
            }
        }
    }
    for missing in declared.iter().filter(|name| !named.contains(*name)) {
        findings.push(Finding::new(DOCUMENT, 0, format!("no row speaks of the quirk {missing}")));
    }
    findings
}

/// The rows of all tables, without headings, each with its line.
fn rows(document: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let lines: Vec<&str> = document.lines().collect();
    let is_rule = |line: &str| line.starts_with("|-");
    (0..lines.len()).filter_map(move |index| {
        let line = lines[index];
        let heads = lines.get(index + 1).is_some_and(|next| is_rule(next));
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        (!is_rule(line) && !heads).then(|| (index + 1, inner.split('|').map(str::trim).collect()))
    })
}

/// The fields of the struct of quirks.
fn declared(code: &str) -> BTreeSet<&str> {
    let body = code.split_once("pub struct Quirks {").map_or("", |(_, rest)| rest);
    let fields = body.lines().take_while(|line| *line != "}");
    fields.filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next()).collect()
}

fn code_spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// A file of the tree, or `file::test` with a function of that name in it.
fn resolve(tree: &Tree, reference: &str) -> Result<(), String> {
    let (path, test) = match reference.split_once("::") {
        Some((path, test)) => (path, Some(test)),
        None => (reference, None),
    };
    let Some(text) = tree.text(path) else { return Err(format!("there is no file {path}")) };
    match test {
        Some(test) if !text.contains(&format!("fn {test}(")) => {
            Err(format!("{path} has no test {test}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "/// All.\npub struct Quirks {\n    /// A.\n    pub auto_start: bool,\n}\n";
    const TEST: &str = "//! Tests.\n#[test]\nfn it_starts() {}\n";

    fn found(row: &str) -> Vec<String> {
        let table = "| behaviour | source | confidence | quirk | test |\n|---|---|---|---|---|\n";
        let document = format!("# Fidelity\n\n{table}{row}\n");
        let tree = Tree::of(&[(DOCUMENT, &document), (QUIRKS, CODE), ("a/t.rs", TEST)]);
        check(&tree).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_row_with_all_that_it_needs_is_fine() {
        let none: Vec<String> = Vec::new();
        assert_eq!(found("| it starts | §3.3 | high | `auto_start` | `a/t.rs::it_starts` |"), none);
    }

    #[test]
    fn each_lie_is_found() {
        let table = [
            ("| it starts | §3.3 | sure | `auto_start` | `a/t.rs` |", "confidence is"),
            ("| it starts | | high | `auto_start` | `a/t.rs` |", "without a source"),
            ("| it starts | §3.3 | high | `auto_stop` | `a/t.rs` |", "declares no quirk auto_stop"),
            ("| it starts | §3.3 | high | `auto_start` | `a/u.rs` |", "there is no file a/u.rs"),
            ("| it starts | §3.3 | high | `auto_start` | `a/t.rs::gone` |", "has no test gone"),
            ("| it starts | §3.3 | high | `auto_start` | nowhere |", "name the test"),
            ("| it starts | §3.3 | high | auto_start | `a/t.rs` |", "between backticks"),
            ("| it starts | §3.3 | high | `auto_start` |", "4 cells"),
            ("| it starts | §3.3 | high | – | `a/t.rs` |", "no row speaks of the quirk auto_start"),
        ];
        for (row, expected) in table {
            let found = found(row);
            assert!(found.iter().any(|finding| finding.contains(expected)), "{row}: {found:?}");
        }
    }
}
