//! One plan at a time: replay, shrink, adopt, and the words about scenarios.
//!
//! A plan is named by `<scenario>@<seed>`, which is resolved anew or found among the failures of
//! the last run, or by its file. The file survives a refactoring of the draws; the seed does not.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::cli::{Options, glob_matches};
use crate::conduct::{EXIT_PASSED, Refusal, Setting, to_stderr, to_stdout};
use crate::job;
use crate::mutant::MUTANTS;
use crate::outcome::Finding;
use crate::plan::{Plan, Policy};
use crate::report::{files, timeline, virtual_length};
use crate::run::{Record, RunResult, run};
use crate::seed::Seed;
use crate::shrink;
use crate::tier::Stock;

/// Finds the plan that is meant.
fn find(what: &str, shrunk: bool, stock: &Stock, options: &Options) -> Result<Plan, Refusal> {
    if what.ends_with(".toml") {
        return load(Path::new(what));
    }
    let wrong = || {
        Refusal::usage(format!(
            "{what:?} names no plan; write <scenario>@<seed>, or the path of a plan.toml"
        ))
    };
    let (name, seed) = what.split_once('@').ok_or_else(wrong)?;
    let folder = files::failure_folder(&options.out, name, seed);
    if shrunk {
        return load(&folder.join("shrunk.toml"));
    }
    if let Some(kept) = stock.regressions.iter().find(|regression| regression.name == name) {
        return Ok(kept.plan.clone());
    }
    match (stock.library.get(name), seed.parse::<Seed>()) {
        (Some(scenario), Ok(seed)) => Ok(Plan::resolve(scenario, seed, Policy::Engine)),
        _ if folder.join("plan.toml").exists() => load(&folder.join("plan.toml")),
        (None, _) => Err(Refusal::usage(format!(
            "there is no scenario {name:?}; `cargo xtask chaos list` shows them all"
        ))),
        (_, Err(error)) => Err(Refusal::usage(error.to_string())),
    }
}

fn load(path: &Path) -> Result<Plan, Refusal> {
    let text = files::read(path).map_err(Refusal::usage)?;
    Plan::from_toml(&text)
        .map_err(|error| Refusal::usage(format!("{} is no plan: {error}", path.display())))
}

/// Runs one plan and tells its story; the exit code is that run's.
///
/// # Errors
/// When there is no such plan.
pub fn replay(
    what: &str,
    shrunk: bool,
    policy: Option<&str>,
    stock: &Stock,
    options: &Options,
) -> Result<u8, Refusal> {
    let mut plan = find(what, shrunk, stock, options)?;
    if let Some(policy) = policy {
        plan.policy = policy.parse().map_err(Refusal::usage)?;
    }
    let result = run(&plan, Record::Full);
    let findings = job::findings(&result);
    let code = exit_code(&result, &findings);
    let story = story(&plan, &result, &findings);
    let last = format!("{} passed, {} failed\n", u8::from(code == 0), u8::from(code != 0));
    if options.json {
        let outcome = job::run_outcome(&plan, &result);
        let json = serde_json::to_string_pretty(&outcome)
            .map_err(|error| Refusal::internal(error.to_string()))?;
        to_stdout(&format!("{json}\n"));
        to_stderr(&(story + &last));
    } else {
        to_stdout(&(story + &last));
    }
    Ok(code)
}

/// A single run's exit code; vacuity is never judged on one.
fn exit_code(result: &RunResult, findings: &[Finding]) -> u8 {
    if result.internal_error.is_some() {
        1
    } else if findings.iter().any(|finding| finding.oracle != "O10") {
        10
    } else if findings.is_empty() {
        0
    } else {
        11
    }
}

fn story(plan: &Plan, result: &RunResult, findings: &[Finding]) -> String {
    let mut text = String::new();
    let mutant = plan.mutant.as_ref().map_or(String::new(), |name| format!(" · mutant {name}"));
    let _ = writeln!(
        text,
        "{:>12} {}@{} · {}{mutant}\n",
        "Replay", plan.scenario, plan.seed, plan.policy
    );
    text.push_str(&timeline::text(&result.history, usize::MAX));
    text.push('\n');
    let _ = writeln!(
        text,
        "{:>12} {:032x} · {} simulated · {} faults fired",
        "History",
        result.hash,
        virtual_length(u64::try_from(result.virtual_elapsed.as_millis()).unwrap_or(u64::MAX)),
        result.faults_fired.values().sum::<u64>()
    );
    let marks: Vec<String> = result.marks.iter().map(|(m, n)| format!("{m} ×{n}")).collect();
    let _ = writeln!(text, "{:>12} {}", "Reached", marks.join(", "));
    if let Some(error) = &result.internal_error {
        let _ = writeln!(text, "{:>12} {error}", "ERROR");
    }
    for finding in findings {
        let anchor = finding.oracle.to_lowercase();
        let _ = writeln!(
            text,
            "{:>12} {} {}   docs/invariants.md#{anchor}",
            "FAIL", finding.oracle, finding.message
        );
    }
    text
}

/// Shrinks one failing plan and saves it beside the other failures.
///
/// # Errors
/// When there is no such plan, or it does not fail.
pub fn shrink(what: &str, stock: &Stock, options: &Options) -> Result<u8, Refusal> {
    let plan = find(what, false, stock, options)?;
    let result = run(&plan, Record::Hash);
    let findings = job::findings(&result);
    let Some(first) = findings.first() else {
        return Err(Refusal::usage(format!("{what} does not fail: there is nothing to shrink")));
    };
    let shrunk = shrink::shrink(&plan, &first.oracle);
    let history = run(&shrunk.plan, Record::Full).history;
    let folder = files::failure_folder(&options.out, &plan.scenario, &plan.seed.to_string());
    files::write_failure(&folder, what, &plan, &shrunk.plan, &history)
        .map_err(Refusal::internal)?;
    to_stdout(&format!(
        "{:>12} {} {}\n{:>12} files {} → {}, faults {} → {}, {} tries{}\n{:>12} {}\n",
        "FAIL",
        first.oracle,
        first.message,
        "Shrunk",
        plan.workload.files,
        shrunk.plan.workload.files,
        result.fired.len(),
        shrunk.plan.placed.len(),
        shrunk.tries,
        if shrunk.minimal { ", 1-minimal" } else { ", not yet minimal: tries ran out" },
        "Files",
        folder.display()
    ));
    Ok(exit_code(&result, &findings))
}

/// Keeps a plan in `scenarios/regressions/`, with a header that wants its story.
///
/// # Errors
/// When there is no such plan, or the file cannot be written.
pub fn adopt(
    what: &str,
    stock: &Stock,
    options: &Options,
    setting: &Setting,
) -> Result<u8, Refusal> {
    let shrunk = what.contains('@')
        && what.split_once('@').is_some_and(|(name, seed)| {
            files::failure_folder(&options.out, name, seed).join("shrunk.toml").exists()
        });
    if !shrunk && what.contains('@') {
        // Else a plan ten times as large as it needs to be is kept, and nobody notices.
        to_stderr(&format!(
            "note: {} has no shrunk plan of {what}, it is kept whole; the run that found it may have \
             had another --out\n",
            options.out.display()
        ));
    }
    let plan = find(what, shrunk, stock, options)?;
    let findings = job::findings(&run(&plan, Record::Hash));
    let name = format!("{}-{}", plan.scenario.replace('/', "-"), plan.seed);
    let path: PathBuf =
        setting.root.join("scenarios").join("regressions").join(format!("{name}.toml"));
    let mut text = String::new();
    let _ =
        writeln!(text, "# Found by {}@{} at commit {}.", plan.scenario, plan.seed, setting.commit);
    for finding in &findings {
        let _ = writeln!(text, "#   {} {}", finding.oracle, finding.message.replace('\n', " "));
    }
    text.push_str("#\n# What happened, and what fixed it:\n#\n\n");
    text.push_str(&plan.to_toml());
    files::write(&path, &text).map_err(Refusal::internal)?;
    to_stdout(&format!("{:>12} {}\n", "Adopted", path.display()));
    Ok(EXIT_PASSED)
}

/// Every scenario with its tier and seeds, every mutant with what it undoes.
///
/// # Errors
/// Never; the signature is that of its siblings.
pub fn list(stock: &Stock, options: &Options) -> Result<u8, Refusal> {
    let fits = |name: &str| options.scenario.as_ref().is_none_or(|glob| glob_matches(glob, name));
    let mut names = Vec::new();
    let mut text = String::new();
    for scenario in stock.library.all().filter(|scenario| fits(&scenario.name)) {
        let title = scenario.header.lines().next().unwrap_or("");
        let _ = writeln!(
            text,
            "{:<44} {:>2} pinned, {:>3} fresh   {title}",
            scenario.name,
            scenario.pinned.len(),
            scenario.fresh
        );
        names.push(scenario.name.clone());
    }
    for regression in stock.regressions.iter().filter(|regression| fits(&regression.name)) {
        let _ = writeln!(text, "{:<44} a plan of {}", regression.name, regression.plan.scenario);
        names.push(regression.name.clone());
    }
    for mutant in MUTANTS.iter().filter(|mutant| fits(mutant.name)) {
        let _ = writeln!(text, "mutant {:<37} undoes: {}", mutant.name, mutant.undoes);
    }
    if options.json {
        let json = serde_json::to_string_pretty(&names)
            .map_err(|error| Refusal::internal(error.to_string()))?;
        to_stdout(&format!("{json}\n"));
    } else {
        to_stdout(&text);
    }
    Ok(EXIT_PASSED)
}

/// What a scenario says of itself, what it must reach, and one plan of it.
///
/// # Errors
/// When there is no such scenario.
pub fn explain(name: &str, stock: &Stock) -> Result<u8, Refusal> {
    let scenario = stock.library.get(name).ok_or_else(|| {
        Refusal::usage(format!(
            "there is no scenario {name:?}; `cargo xtask chaos list` shows them all"
        ))
    })?;
    let seed = scenario.pinned.first().copied().unwrap_or(stock.root_seed);
    let plan = Plan::resolve(scenario, seed, Policy::Engine);
    let mut text = format!("{}\n\n{}\n", scenario.name, scenario.header);
    for (mark, min) in &plan.expect.marks {
        let _ = writeln!(text, "must reach   {mark} at least {min} times over all seeds");
    }
    for (fault, min) in &plan.expect.faults {
        let _ = writeln!(text, "must fire    {fault} at least {min} times over all seeds");
    }
    if let Some(mutant) = &scenario.mutant {
        let oracle = plan.expect.caught_by.as_deref().unwrap_or("(no oracle is named)");
        let _ = writeln!(text, "known-bad    {mutant}, to be caught by {oracle}");
    }
    let _ = writeln!(text, "\nThe plan of seed {seed}:\n\n{}", plan.to_toml());
    to_stdout(&text);
    Ok(EXIT_PASSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_has_the_code_of_its_own_run() {
        let finding = |oracle: &str| Finding { oracle: oracle.into(), message: String::new() };
        let passed = RunResult::default();
        assert_eq!(exit_code(&passed, &[]), 0);
        assert_eq!(exit_code(&passed, &[finding("O10")]), 11);
        assert_eq!(exit_code(&passed, &[finding("O10"), finding("O1")]), 10);
        let broken = RunResult { internal_error: Some("x".into()), ..RunResult::default() };
        assert_eq!(exit_code(&broken, &[finding("O1")]), 1);
    }
}
