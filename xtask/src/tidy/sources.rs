//! How a source file must look: it opens with what it is, its name says what it holds, it is not too
//! long, and it holds none of the few things that make a test or a run worthless.

use super::Finding;
use super::tree::Tree;

/// Longest file, in lines of code (no blanks, no comments) before its tests.
const CODE_LINES_MAX: usize = 500;

/// Names under which anything may be hidden.
const HOMELESS: [&str; 6] = ["utils", "util", "common", "helpers", "types", "misc"];

/// Endings of the files in which a blank at the end of a line is never meant.
const TRIMMED: [&str; 5] = [".rs", ".toml", ".md", ".yml", ".sql"];

/// Text that must not be in a source file, and what to do instead. Written in two halves, or this
/// file would find itself.
const BANNED: [(&str, &str, &str); 7] = [
    ("#[ign", "ore", "a test that does not run proves nothing; delete it or make it run"),
    (
        "thread::sl",
        "eep",
        "a wait on the wall clock is slow and still a race; use tokio's paused clock",
    ),
    ("#[al", "low(", "#[expect(…, reason = \"…\")] says why, and says when it is no longer needed"),
    (
        "#![al",
        "low(",
        "#![expect(…, reason = \"…\")] says why, and says when it is no longer needed",
    ),
    ("todo", "!(", "write it, or leave the feature out"),
    ("debug_ass", "ert!(", "the profile that is judged by builds it out; assert! is always there"),
    ("debug_ass", "ert_", "the profile that is judged by builds it out; assert! is always there"),
];

/// Paths of one machine: whatever reads them works there only. In two halves, as above.
const MACHINE_PATHS: [(&str, &str); 3] = [("/ro", "ot/"), ("/ho", "me/"), ("/wo", "rk/")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(".rs") {
        check_opening(path, text, &mut findings);
        check_name(path, &mut findings);
        check_length(path, text, &mut findings);
        check_banned(path, text, &mut findings);
        check_select(path, text, &mut findings);
    }
    for (path, text) in tree.files() {
        check_machine_paths(path, text, &mut findings);
        if TRIMMED.iter().any(|ending| path.ends_with(ending)) {
            check_trimmed(path, text, &mut findings);
        }
    }
    findings
}

fn check_opening(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let prose = text.lines().next().and_then(|line| line.strip_prefix("//! "));
    if prose.is_none_or(|prose| prose.trim().is_empty()) {
        let message = "open with `//! ` and what this file is, why, and what it must not do";
        findings.push(Finding::new(path, 1, message));
    }
}

fn check_name(path: &str, findings: &mut Vec<Finding>) {
    let mut names = path.trim_end_matches(".rs").split('/');
    if let Some(name) = names.find(|name| HOMELESS.contains(name)) {
        let message = format!("nothing is called {name}: if a thing has no home, find its concept");
        findings.push(Finding::new(path, 0, message));
    }
}

fn check_length(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let is_code = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//")
    };
    let code = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").filter(is_code);
    let count = code.count();
    if count > CODE_LINES_MAX && !path.contains("/tests/") {
        let message = format!("{count} lines of code, {CODE_LINES_MAX} at most: split by concept");
        findings.push(Finding::new(path, 0, message));
    }
}

fn check_banned(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (head, tail, advice) in BANNED {
            let banned = format!("{head}{tail}");
            if line.contains(&banned) {
                findings.push(Finding::new(path, index + 1, format!("no {banned}: {advice}")));
            }
        }
    }
}

/// Without `biased;`, `select!` draws its order from a random number that no seed of ours decides.
fn check_select(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let opening = concat!("select", "! {");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        let is_select = line.ends_with(opening) && !line.starts_with("//");
        if is_select && next != "biased;" {
            let message = "select! without `biased;` on the next line: its order is random";
            findings.push(Finding::new(path, index + 1, message));
        }
    }
}

fn check_machine_paths(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        if MACHINE_PATHS.iter().any(|(head, tail)| starts_a_word(line, &format!("{head}{tail}"))) {
            let message = "a path of one machine: nobody else has it";
            findings.push(Finding::new(path, index + 1, message));
        }
    }
}

/// True if `needle` is in the line with nothing of a longer path before it.
fn starts_a_word(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "/._-}>*".contains(before))
    })
}

fn check_trimmed(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::new(path, index + 1, "a blank at the end of the line"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::new(path, 0, "no line break at the end of the file"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings in a file that is fine but for `body`.
    fn found(path: &str, body: &str) -> Vec<String> {
        let text = format!("//! A file.\n{body}");
        check(&Tree::of(&[(path, &text)])).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        let long = "let x = 1;\n".repeat(CODE_LINES_MAX + 1);
        let ignore = format!("#[ign{}]\n", "ore");
        let ignore_with_reason = format!("    #[ign{} = \"slow\"]\n", "ore");
        let sleep = format!("std::thread::sl{}(x);\n", "eep");
        let allow = format!("#[al{}(dead_code)]\n", "low");
        let select = format!("tokio::select{} {{\n    x = y => {{}}\n}}\n", "!");
        let machine = format!("let x = \"/ho{}/me/x\";\n", "me");
        let broken: [(&str, &str, &str); 9] = [
            ("a.rs", &long, "a.rs: 501 lines"),
            ("a.rs", &ignore, "a.rs:2: no"),
            ("a.rs", &ignore_with_reason, "a.rs:2: no"),
            ("a.rs", &sleep, "a.rs:2: no"),
            ("a.rs", &allow, "a.rs:2: no"),
            ("a.rs", &select, "a.rs:2: select!"),
            ("a.rs", &machine, "a.rs:2: a path of one machine"),
            ("a.rs", "x \n", "a.rs:2: a blank"),
            ("a.rs", "x", "a.rs: no line break"),
        ];
        for (path, body, start) in broken {
            let findings = found(path, body);
            assert_eq!(findings.len(), 1, "{body}: {findings:?}");
            assert!(findings[0].starts_with(start), "{findings:?}");
        }
    }

    #[test]
    fn a_file_says_what_it_is() {
        for text in ["", "use std::fmt;\n", "//!\n", "//! \n", "// not a doc\n"] {
            let findings = check(&Tree::of(&[("a.rs", text)]));
            assert!(findings.iter().any(|found| found.message.starts_with("open with")), "{text}");
        }
    }

    #[test]
    fn names_without_a_concept_are_found_wherever_they_hide() {
        for path in ["crates/a/src/utils.rs", "crates/a/src/common/x.rs", "a/tests/helpers.rs"] {
            assert_eq!(found(path, "").len(), 1, "{path}");
        }
        assert_eq!(found("crates/a/src/commons_of_boston.rs", ""), Vec::<String>::new());
    }

    #[test]
    fn what_only_looks_broken_passes() {
        let long_tests = format!("#[cfg(test)]\n{}", "x\n".repeat(CODE_LINES_MAX + 1));
        let long_comment = "// x\n\n".repeat(CODE_LINES_MAX + 1);
        let select = format!("tokio::select{} {{\n    biased;\n}}\n", "!");
        let fine = [
            long_tests.as_str(),
            &long_comment,
            &select,
            "let x = \"s3://bucket/work/file\"; // {prefix}/work/file\n",
            "#[expect(dead_code, reason = \"the next step reads it\")]\n",
        ];
        for body in fine {
            assert_eq!(found("a.rs", body), Vec::<String>::new(), "{body}");
        }
    }
}
