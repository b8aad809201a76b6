//! The suites by name: what each asks for, and how it is run.
//!
//! A suite gets a server of its own, so that none can lean on what another has left behind.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{Kind, Server};
use super::{Request, fixtures, folder, node, postgres, python, tool};
use crate::{ci, process};

/// One line of the report.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    judge: Judge,
}

/// Who judges.
#[derive(Debug, Eq, PartialEq)]
enum Judge {
    /// Test targets of our own crates, on data of the repository: the words after `cargo test`.
    Cargo(&'static [&'static [&'static str]]),
    /// The scripts on PostgreSQL, which is started for them.
    Postgres,
    /// Scripts that nobody wrote, on PostgreSQL and on the fake.
    PostgresRandom,
    /// A pytest file or folder, by its path from the root.
    Pytest(&'static str),
    /// Node's own test runner, on all files of `fixtures/conformance/node`.
    Node,
}

/// All suites, in the order in which they run: the cheap ones first.
pub(super) const ALL: &[Suite] = &[
    Suite {
        name: "sql",
        about: "fixtures/sql on the fake",
        judge: Judge::Cargo(&[&["--test", "slt"]]),
    },
    Suite {
        name: "wire",
        about: "fixtures/wire on the client and on the fake",
        judge: Judge::Cargo(&[
            &["--test", "exchange", "wire::"],
            &["--test", "server", "wire::"],
            &["--lib", "wire::"],
        ]),
    },
    Suite {
        name: "postgres",
        about: "the portable scripts of fixtures/sql on PostgreSQL",
        judge: Judge::Postgres,
    },
    Suite {
        name: "postgres-random",
        about: "scripts out of a seed, on the fake and on PostgreSQL",
        judge: Judge::PostgresRandom,
    },
    Suite {
        name: "python-sdk",
        about: "the Python SDK on the fake",
        judge: Judge::Pytest("fixtures/conformance/python/sdk"),
    },
    Suite {
        name: "sqlalchemy",
        about: "the SQLAlchemy dialect on the fake",
        judge: Judge::Pytest("fixtures/conformance/python/sqlalchemy_dialect"),
    },
    Suite {
        name: "dbt",
        about: "a dbt project, built twice on the fake",
        judge: Judge::Pytest("fixtures/conformance/python/dbt_build"),
    },
    Suite {
        name: "pytest-example",
        about: "the example of a test suite in Python that uses the fake",
        judge: Judge::Pytest("crates/fake-firebolt/examples/pytest"),
    },
    Suite { name: "node-sdk", about: "the Node SDK on the fake, over TLS", judge: Judge::Node },
];

/// The suite of that name, or an error that lists the names.
pub(super) fn named(name: &str) -> Result<&'static Suite, String> {
    ALL.iter().find(|suite| suite.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|suite| suite.name).collect();
        format!("no suite is called {name}; there are {}", names.join(", "))
    })
}

/// Runs one suite.
///
/// # Errors
/// What went wrong, with the judge's own words where there are any.
pub(super) fn run(suite: &Suite, request: &Request) -> Result<(), String> {
    let profile = request.profile.as_str();
    let work = folder().join(suite.name);
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    match &suite.judge {
        Judge::Cargo(targets) => {
            let run = |words: &&[&str]| process::run(cargo_test(profile, words));
            targets.iter().try_for_each(run)
        }
        Judge::Postgres => {
            let cluster = postgres::Cluster::start(&work)?;
            let mut command = cargo_test(profile, &["--test", "slt_postgres"]);
            command.env("POSTGRES_URL", cluster.url());
            process::run(command)
        }
        Judge::PostgresRandom => {
            let cluster = postgres::Cluster::start(&work)?;
            let mut command = cargo_test(profile, &["--test", "compare"]);
            command
                .env("POSTGRES_URL", cluster.url())
                .env("COMPARE_SEED", request.seed.to_string())
                .env("COMPARE_CASES", request.cases.to_string());
            process::run(command)
        }
        Judge::Pytest(path) => pytest(path, &work, &server_binary(profile)?),
        Judge::Node => {
            let server = Server::start(&server_binary(profile)?, Kind::Tls, &work)?;
            let mut command = node::test_runner(&work)?;
            command.envs(server.environment());
            judged(command, &work.join("node.log"))
        }
    }
}

fn pytest(path: &str, work: &Path, binary: &Path) -> Result<(), String> {
    let interpreter = python::environment()?;
    let core = Server::start(binary, Kind::Core, work)?;
    let account = Server::start(binary, Kind::Account, work)?;
    let mut command = Command::new(interpreter);
    command
        .args(["-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"])
        .arg("-c")
        .arg(fixtures().join("python/pytest.ini"))
        .arg(path)
        .current_dir(process::root())
        .envs(core.environment())
        .envs(account.environment())
        .env("FAKE_FIREBOLT", binary)
        .env("CONFORMANCE_WORK", work)
        // Nothing may be written beside the tests, and nothing into the user's own folders.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", fixtures().join("python/resolver"))
        .env("XDG_DATA_HOME", work.join("data"))
        .env("HOME", work)
        .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false");
    judged(command, &work.join("pytest.log"))
}

/// Runs a judge and shows its summary.
fn judged(command: Command, log: &Path) -> Result<(), String> {
    let summary = tool::run_logged(command, log)?;
    eprintln!("             {summary}");
    Ok(())
}

/// The program under test, built. One selection of packages and features for all that is compiled
/// here, the one that `cargo xtask ci` has built already: another would build it all again.
fn server_binary(profile: &str) -> Result<PathBuf, String> {
    let build = ["build", "--profile", profile];
    let words = [&build[..], &ci::FACES, &["--bin", "fake-firebolt"]].concat();
    process::run(process::cargo(&words))?;
    let profile_folder = if profile == "dev" { "debug" } else { profile };
    let binary = tool::target_folder().join(profile_folder).join("fake-firebolt");
    match binary.exists() {
        true => Ok(binary),
        false => Err(format!("cargo built no {}", binary.display())),
    }
}

fn cargo_test(profile: &str, words: &[&str]) -> Command {
    let test = ["test", "--quiet", "--profile", profile];
    process::cargo(&[&test[..], &ci::FACES, words].concat())
}
