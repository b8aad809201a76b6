//! Writes the files of `--out`, all of them or an error that names the one that failed.
//!
//! The only place of the runner that writes to disk besides `adopt`.

use std::path::{Path, PathBuf};

use crate::history::History;
use crate::plan::Plan;
use crate::report::json::Report;
use crate::report::timing::Timing;
use crate::report::{html, json, junit, summary, timeline, timing};

/// Writes report.json, junit.xml, summary.md, report.html, and timing.json where something was
/// timed (a merge of shards was not).
///
/// # Errors
/// When a file cannot be written.
pub fn write_report(out: &Path, report: &Report, times: Option<&Timing>) -> Result<(), String> {
    if let Some(times) = times {
        write(&out.join("timing.json"), &timing::render(times))?;
    }
    for (name, text) in [
        ("report.json", json::render(report)),
        ("junit.xml", junit::render(report)),
        ("summary.md", summary::render(report)),
        ("report.html", html::render(report)),
    ] {
        write(&out.join(name), &text)?;
    }
    Ok(())
}

/// Where the files of a failure live under `--out`.
pub fn failure_folder(out: &Path, scenario: &str, seed: &str) -> PathBuf {
    out.join("failures").join(format!("{scenario}@{seed}"))
}

/// Writes the files of one failure: the plan that failed, the smallest that fails in the same way,
/// and what happened in the latter, an event a line and as a page.
///
/// # Errors
/// When a file cannot be written.
pub fn write_failure(
    folder: &Path,
    title: &str,
    plan: &Plan,
    shrunk: &Plan,
    history: &History,
) -> Result<(), String> {
    write(&folder.join("plan.toml"), &plan.to_toml())?;
    write(&folder.join("shrunk.toml"), &shrunk.to_toml())?;
    write(&folder.join("history.jsonl"), &history.to_jsonl())?;
    write(&folder.join("timeline.html"), &timeline::html(title, history))
}

/// Takes away the failures of an earlier run: what lies in `--out` must be of this one.
///
/// # Errors
/// When the old folder cannot be removed.
pub fn clear_failures(out: &Path) -> Result<(), String> {
    let folder = out.join("failures");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Writes one file and the folders above it.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("cannot write {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

/// Reads one text file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
