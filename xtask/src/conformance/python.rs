//! The virtual environment of the Python judges.

use std::path::PathBuf;
use std::process::Command;

use super::{fixtures, folder, tool};

/// The Pythons for which the pinned versions of `requirements.txt` exist: 3.minor.
const MINOR_VERSIONS: std::ops::RangeInclusive<u32> = 11..=13;

/// Its interpreter; the environment is made first where it is not there or not current.
///
/// # Errors
/// What is missing and how to get it, or the end of pip's output.
pub(super) fn environment() -> Result<PathBuf, String> {
    let requirements = fixtures().join("requirements.txt");
    let pinned = std::fs::read(&requirements)
        .map_err(|error| format!("{}: {error}", requirements.display()))?;
    let venv = folder().join("venv");
    let (interpreter, mark) = (venv.join("bin/python"), venv.join("made-from.txt"));
    if tool::is_current(&mark, &pinned) {
        return Ok(interpreter);
    }
    let base = find()?;
    let mut make = Command::new(base);
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    std::fs::create_dir_all(folder()).map_err(|error| format!("target/conformance: {error}"))?;
    tool::run_logged(make, &folder().join("venv.log")).map_err(|error| {
        format!("{error}\nno virtual environment; on Debian: apt-get install python3-venv")
    })?;
    let mut install = Command::new(&interpreter);
    install.args(["-m", "pip", "install", "--quiet", "--no-input", "-r"]).arg(&requirements);
    tool::run_logged(install, &folder().join("pip.log"))?;
    std::fs::write(&mark, pinned).map_err(|error| format!("{}: {error}", mark.display()))?;
    Ok(interpreter)
}

/// A Python of a version for which the pins are known to work.
fn find() -> Result<String, String> {
    let exact = MINOR_VERSIONS.map(|minor| format!("python3.{minor}"));
    let mut found = String::new();
    for name in std::iter::once("python3".to_owned()).chain(exact) {
        let version = "import sys; print(sys.version_info.minor)";
        let Some(minor) = tool::output(Command::new(&name).args(["-c", version])) else {
            continue;
        };
        if minor.parse().is_ok_and(|minor| MINOR_VERSIONS.contains(&minor)) {
            return Ok(name);
        }
        found.push_str(&format!("; {name} is 3.{minor}"));
    }
    let (first, last) = (MINOR_VERSIONS.start(), MINOR_VERSIONS.end());
    Err(format!(
        "Python 3.{first} to 3.{last} is needed for the Python clients{found}; \
         on Debian: apt-get install python3 python3-venv"
    ))
}
