//! The packages of the Node judges, and Node's own test runner on them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{fixtures, folder, tool};

/// The oldest Node whose test runner has what is used here.
const MAJOR_VERSION_MIN: u32 = 18;

const MISSING: &str = "Node 18 or later with npm is needed for the Node client; on Debian: apt-get install nodejs npm";

/// Node's test runner on every test of `fixtures/conformance/node`.
///
/// # Errors
/// What is missing and how to get it, or the end of npm's output.
pub(super) fn test_runner(work: &Path) -> Result<Command, String> {
    check_version()?;
    let packages = packages()?;
    // Node looks for packages from a file's own place upwards, so the tests go where they are.
    let tests = packages.join("tests");
    copy_folder(&fixtures().join("node"), &tests)?;
    let mut command = Command::new("node");
    command.arg("--test").args(test_files(&tests)?).current_dir(&packages).env("HOME", work);
    Ok(command)
}

fn check_version() -> Result<(), String> {
    let version = tool::output(Command::new("node").arg("--version")).ok_or(MISSING)?;
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    match major {
        Some(major) if (MAJOR_VERSION_MIN..).contains(&major) => Ok(()),
        _ => Err(format!("node is {version}. {MISSING}")),
    }
}

/// The folder with `node_modules`, installed where it is not there or not current.
fn packages() -> Result<PathBuf, String> {
    let home = folder().join("node");
    let lock = fixtures().join("package-lock.json");
    let read =
        |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let pinned = read(&lock)?;
    let mark = home.join("made-from.json");
    if tool::is_current(&mark, &pinned) {
        return Ok(home);
    }
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(home.join(name), bytes).map_err(|error| format!("{name}: {error}"))
    };
    std::fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    write("package.json", &read(&fixtures().join("package.json"))?)?;
    write("package-lock.json", &pinned)?;
    let mut install = Command::new("npm");
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
        .current_dir(&home);
    tool::run_logged(install, &folder().join("npm.log")).map_err(|error| {
        if error.contains("cannot be started") { MISSING.to_owned() } else { error }
    })?;
    write("made-from.json", &pinned)?;
    Ok(home)
}

/// Copies the files of one folder; what was in the new place is gone.
fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let copy = || -> std::io::Result<()> {
        if to.exists() {
            std::fs::remove_dir_all(to)?;
        }
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    };
    copy().map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    if files.is_empty() {
        return Err(format!("no test in {}", folder.display()));
    }
    Ok(files)
}
