//! Who may depend on whom: the arrows of ARCHITECTURE.md, read from the Cargo.toml files, and the
//! imports that Cargo cannot forbid inside one crate.
//!
//! A fake that shares code with its client, or an oracle that shares code with the engine, shares its
//! mistakes, and then no run can find them.

use toml::{Table, Value};

use super::Finding;
use super::tree::Tree;

/// Every crate of ours, and which of ours it may depend on.
const ARROWS: [(&str, &[&str]); 9] = [
    ("merge-protocol", &[]),
    ("firebolt-client", &[]),
    ("merge-engine", &["merge-protocol", "firebolt-client"]),
    ("merge-lambda", &["merge-engine", "merge-protocol", "firebolt-client"]),
    ("merge-cli", &["merge-lambda", "merge-engine", "merge-protocol", "firebolt-client"]),
    ("fake-firebolt", &[]),
    ("fake-firebolt-fuzz", &["fake-firebolt"]),
    (
        "chaos",
        &["merge-lambda", "merge-engine", "merge-protocol", "firebolt-client", "fake-firebolt"],
    ),
    ("xtask", &[]),
];

/// The functional core does no IO and knows no time, so it has none of these.
const IMPURE: [&str; 12] = [
    "tokio",
    "hyper",
    "hyper-util",
    "http",
    "rand",
    "rand_chacha",
    "reqwest",
    "object_store",
    "parquet",
    "futures-util",
    "chrono",
    "tracing-subscriber",
];

/// What judges a run: files of the chaos crate that may not import the engine's side.
const ORACLE: [&str; 5] = [
    "crates/chaos/src/model.rs",
    "crates/chaos/src/model/",
    "crates/chaos/src/checkers",
    "crates/chaos/src/workload",
    "crates/chaos/src/workload.rs",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending("Cargo.toml") {
        match text.parse::<Table>() {
            Ok(manifest) => check_manifest(path, &manifest, &mut findings),
            Err(error) => {
                findings.push(Finding::new(path, 0, format!("not TOML: {}", error.message())));
            }
        }
    }
    check_oracle(tree, &mut findings);
    findings
}

fn check_manifest(path: &str, manifest: &Table, findings: &mut Vec<Finding>) {
    let name = manifest.get("package").and_then(|package| package.get("name"));
    let Some(name) = name.and_then(Value::as_str) else {
        return; // the workspace's own manifest
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else {
        let message = format!("{name} has no row in the table of arrows; add it there");
        findings.push(Finding::new(path, 0, message));
        return;
    };
    for dependency in dependencies(manifest) {
        let ours = ARROWS.iter().any(|(crate_name, _)| *crate_name == dependency);
        if ours && !allowed.contains(&dependency.as_str()) {
            let message = format!("{name} must not depend on {dependency}");
            findings.push(Finding::new(path, 0, message));
        }
        if name == "merge-protocol" && IMPURE.contains(&dependency.as_str()) {
            let message = format!("{name} is pure and must not depend on {dependency}");
            findings.push(Finding::new(path, 0, message));
        }
    }
}

/// All dependencies by their real names: of every kind, of every target, renamed or not.
fn dependencies(manifest: &Table) -> Vec<String> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values());
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    tables
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)))
        .filter_map(Value::as_table)
        .flatten()
        .map(|(name, value)| {
            let package = value.get("package").and_then(Value::as_str);
            package.unwrap_or(name).to_owned()
        })
        .collect()
}

fn check_oracle(tree: &Tree, findings: &mut Vec<Finding>) {
    const FOREIGN: [&str; 4] =
        ["merge_protocol", "merge_engine", "merge_lambda", "firebolt_client"];
    let has_chaos = tree.text("crates/chaos/Cargo.toml").is_some();
    let mut judged = false;
    for (path, text) in tree.ending(".rs") {
        if !ORACLE.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        judged |= path.starts_with("crates/chaos/src/model");
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(name) = FOREIGN.iter().find(|name| code.contains(*name)) {
                let message = format!("what judges the engine must not know {name}");
                findings.push(Finding::new(path, index + 1, message));
            }
        }
    }
    if has_chaos && !judged {
        let message = "the model is gone, and with it the check that it is independent";
        findings.push(Finding::new("crates/chaos/src/model.rs", 0, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(Finding::to_string).collect()
    }

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    #[test]
    fn a_forbidden_arrow_is_found_in_every_kind_of_dependency() {
        let broken = [
            ("fake-firebolt", "[dependencies]\nfirebolt-client = { workspace = true }"),
            ("fake-firebolt", "[dev-dependencies]\nmerge-protocol.workspace = true"),
            ("merge-protocol", "[build-dependencies]\nmerge-engine = \"1\""),
            ("merge-protocol", "[target.'cfg(unix)'.dependencies]\ntokio = \"1\""),
            ("merge-protocol", "[dependencies.pretty]\npackage = \"rand\"\nversion = \"1\""),
            ("merge-engine", "[dev-dependencies]\nfake-firebolt.workspace = true"),
            ("xtask", "[dependencies]\nchaos = { path = \"../crates/chaos\" }"),
            ("a-new-crate", ""),
        ];
        for (name, rest) in broken {
            let text = manifest(name, rest);
            let findings = found(&[("crates/x/Cargo.toml", &text)]);
            assert_eq!(findings.len(), 1, "{name}: {rest}: {findings:?}");
            assert!(findings[0].contains(name), "{findings:?}");
        }
        assert_eq!(found(&[("Cargo.toml", "[package")]).len(), 1);
    }

    #[test]
    fn allowed_arrows_pass() {
        let fine = [
            ("merge-engine", "[dependencies]\nmerge-protocol.workspace = true\ntokio = \"1\""),
            ("merge-protocol", "[dependencies]\nserde = \"1\"\n[dev-dependencies]\ntoml = \"1\""),
        ];
        for (name, rest) in fine {
            assert_eq!(found(&[("c/Cargo.toml", &manifest(name, rest))]), Vec::<String>::new());
        }
        assert_eq!(found(&[("Cargo.toml", "[workspace]\nmembers = []")]), Vec::<String>::new());
    }

    #[test]
    fn an_oracle_that_knows_the_engine_is_found() {
        let broken = [
            ("crates/chaos/src/model.rs", "use merge_protocol::Change;"),
            ("crates/chaos/src/checkers/honesty.rs", "    x: merge_lambda::Response,"),
            ("crates/chaos/src/workload.rs", "use {merge_engine as e};"),
            ("crates/chaos/src/checkers.rs", "firebolt_client::Value"),
        ];
        for (path, text) in broken {
            assert_eq!(found(&[(path, text)]).len(), 1, "{path}");
        }
        let fine = [
            ("crates/chaos/src/model.rs", "// unlike merge_protocol, this folds\nuse std::fmt;"),
            ("crates/chaos/src/world/worker.rs", "use merge_lambda::Handler;"),
        ];
        assert_eq!(found(&fine), Vec::<String>::new());
        let chaos = manifest("chaos", "");
        assert_eq!(found(&[("crates/chaos/Cargo.toml", &chaos)]).len(), 1, "the model is gone");
    }
}
