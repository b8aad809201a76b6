//! `docs/fidelity.md` must not lie: each behaviour of the fake that it lists names a source, how sure
//! we are, the quirk that changes it, and a test that is really there; no quirk is left out; and each
//! trap of the wire has what the fake does about it, and a test.

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

/// The head of a table of behaviours, and that of the table of traps.
const BEHAVIOURS: [&str; 5] = ["behaviour", "source", "confidence", "quirk", "test"];
const TRAPS: [&str; 5] = ["trap", "source", "the fake", "quirk", "test"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(document) = tree.text(DOCUMENT) else { return Vec::new() };
    let declared = declared(tree.text(QUIRKS).unwrap_or_default());
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    let mut traps = 0;
    for Row { line, head, cells } in rows(document) {
        let mut say = |message: String| findings.push(Finding::new(DOCUMENT, line, message));
        if head != BEHAVIOURS && head != TRAPS {
            say(format!("a table is of {} or of {}", BEHAVIOURS.join(", "), TRAPS.join(", ")));
            continue;
        }
        let [about, second, third, quirk, test] = cells[..] else {
            say(format!("{} cells; {}", cells.len(), head.join(", ")));
            continue;
        };
        if [about, second, third].contains(&"") {
            say(format!("{}, {} or {} is empty", head[0], head[1], head[2]));
        }
        if head == TRAPS {
            traps += 1;
        } else if !CONFIDENCE.contains(&third) {
            say(format!("confidence is {}, not {third:?}", CONFIDENCE.join(", ")));
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
    if traps == 0 {
        findings.push(Finding::new(DOCUMENT, 0, "the table of traps is gone"));
    }
    findings
}

/// One row of a table.
struct Row<'d> {
    line: usize,
    /// The cells of the table's head.
    head: Vec<&'d str>,
    cells: Vec<&'d str>,
}

/// The rows of all tables, each with its table's head.
fn rows(document: &str) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut head = Vec::new();
    let mut lines = document.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let Some(inner) = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
            head.clear();
            continue;
        };
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        if line.starts_with("|-") {
            continue;
        }
        if lines.peek().is_some_and(|(_, next)| next.starts_with("|-")) {
            head = cells;
        } else {
            rows.push(Row { line: index + 1, head: head.clone(), cells });
        }
    }
    rows
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

/// A file of the tree, or `file::test` with a function of that name in it, in Rust or in Python.
fn resolve(tree: &Tree, reference: &str) -> Result<(), String> {
    let (path, test) = match reference.split_once("::") {
        Some((path, test)) => (path, Some(test)),
        None => (reference, None),
    };
    let Some(text) = tree.text(path) else { return Err(format!("there is no file {path}")) };
    match test {
        None => Ok(()),
        Some(test) => {
            let word = if path.ends_with(".py") { "def" } else { "fn" };
            let is_there = text.contains(&format!("{word} {test}("));
            is_there.then_some(()).ok_or_else(|| format!("{path} has no test {test}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "/// All.\npub struct Quirks {\n    /// A.\n    pub auto_start: bool,\n}\n";
    const TEST: &str = "//! Tests.\n#[test]\nfn it_starts() {}\n";

    const PYTHON: &str = "def test_it():\n    assert starts()\n";

    fn found_in(tables: &str) -> Vec<String> {
        let document = format!("# Fidelity\n\n{tables}\n");
        let files = [(DOCUMENT, &*document), (QUIRKS, CODE), ("a/t.rs", TEST), ("a/t.py", PYTHON)];
        check(&Tree::of(&files)).iter().map(Finding::to_string).collect()
    }

    const TRAP: &str = "| trap | source | the fake | quirk | test |\n|---|---|---|---|---|\n\
                        | it hangs | §1 | starts | – | `a/t.py::test_it` |\n";

    fn found(row: &str) -> Vec<String> {
        let head = "| behaviour | source | confidence | quirk | test |\n|---|---|---|---|---|\n";
        found_in(&format!("{head}{row}\n\n{TRAP}"))
    }

    const GOOD: &str = "| it starts | §3.3 | high | `auto_start` | `a/t.rs::it_starts` |";

    #[test]
    fn a_row_with_all_that_it_needs_is_fine() {
        assert_eq!(found(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_lie_is_found() {
        let table = [
            ("| it starts | §3.3 | sure | `auto_start` | `a/t.rs` |", "confidence is"),
            ("| it starts | | high | `auto_start` | `a/t.rs` |", "source or confidence is empty"),
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

    #[test]
    fn traps_are_held_as_behaviours_are() {
        let head = "| behaviour | source | confidence | quirk | test |\n|---|---|---|---|---|\n";
        for (traps, expected) in [
            ("", "the table of traps is gone"),
            (&*TRAP.replace("test_it", "test_gone"), "a/t.py has no test test_gone"),
            (&*TRAP.replace("| starts |", "| |"), "trap, source or the fake is empty"),
            (&*TRAP.replace("the fake", "answer"), "a table is of behaviour"),
        ] {
            let found = found_in(&format!("{head}{GOOD}\n\n{traps}"));
            assert!(found.iter().any(|finding| finding.contains(expected)), "{traps}: {found:?}");
        }
    }
}
