//! PostgreSQL for the portable scripts: found, made, started and stopped.
//!
//! It refuses to run as root, so that where we are root it runs as a user without rights. It listens
//! on a free port of loopback only, and trusts whoever comes.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tool;

/// The oldest PostgreSQL with MERGE.
const MAJOR_VERSION_MIN: u32 = 15;

const MISSING: &str = "PostgreSQL 15 or later is needed to judge the portable scripts; on Debian: apt-get install postgresql";

/// Users without rights that a machine has, the best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A running PostgreSQL, stopped when it goes out of scope.
#[derive(Debug)]
pub(super) struct Cluster {
    programs: PathBuf,
    data: PathBuf,
    owner: Option<Owner>,
    port: u16,
}

/// Whom the cluster belongs to, where it cannot be us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Owner {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Makes a new cluster and starts it.
    ///
    /// # Errors
    /// What is missing and how to get it, or what PostgreSQL said.
    pub(super) fn start(work: &Path) -> Result<Cluster, String> {
        let programs = programs().ok_or(MISSING)?;
        let owner = owner()?;
        let data = data_folder(work, owner)?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        drop(listener);
        let cluster = Cluster { programs, data, owner, port };
        let mut make = cluster.command("initdb");
        make.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"])
            .args(["--locale=C", "--pgdata"])
            .arg(&cluster.data);
        tool::run_logged(make, &work.join("initdb.log"))?;
        let options = format!(
            "-p {port} -h 127.0.0.1 -c unix_socket_directories= -c fsync=off -c timezone=UTC"
        );
        let mut start = cluster.command("pg_ctl");
        start.args(["start", "--wait", "--timeout=60", "--options", &options]);
        start.arg("--log").arg(cluster.data.join("server.log"));
        start.arg("--pgdata").arg(&cluster.data);
        tool::run_logged(start, &work.join("start.log"))?;
        Ok(cluster)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// One of its programs, as its owner.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.data);
        if let Some(owner) = self.owner {
            command.gid(owner.group).uid(owner.user);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--mode=immediate", "--wait", "--silent", "--pgdata"]).arg(&self.data);
        if let Err(error) = stop.output() {
            eprintln!("warning: PostgreSQL was not stopped: {error}");
        }
        // What is left is the folder in target, which the next run makes anew.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// The folder of the newest PostgreSQL's programs: where Debian puts them, or on the path.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let programs = entry.path().join("bin");
        let version = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(version) = version.filter(|_| programs.join("initdb").exists()) {
            versions.push((version, programs));
        }
    }
    if let Some(programs) = tool::output(Command::new("pg_config").arg("--bindir")) {
        let programs = PathBuf::from(programs);
        let said = tool::output(Command::new(programs.join("initdb")).arg("--version"));
        if let Some(version) = said.as_deref().and_then(major_version) {
            versions.push((version, programs));
        }
    }
    versions.sort();
    versions
        .pop()
        .filter(|(version, _)| *version >= MAJOR_VERSION_MIN)
        .map(|(_, programs)| programs)
}

/// 15 of `initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_version(said: &str) -> Option<u32> {
    let number =
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Nobody where we are no root; else a user without rights.
fn owner() -> Result<Option<Owner>, String> {
    let ours = std::fs::metadata("/proc/self").map_err(|error| format!("/proc/self: {error}"))?;
    if ours.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let owner = UNPRIVILEGED.iter().find_map(|name| user(&users, name));
    owner.map(Some).ok_or_else(|| {
        let names = UNPRIVILEGED.join(" or ");
        format!("PostgreSQL does not run as root, and there is no user {names} to run it as")
    })
}

fn user(users: &str, name: &str) -> Option<Owner> {
    let fields: Vec<&str> = users
        .lines()
        .map(|line| line.split(':').collect())
        .find(|fields: &Vec<&str>| fields[0] == name)?;
    Some(Owner { user: fields.get(2)?.parse().ok()?, group: fields.get(3)?.parse().ok()? })
}

/// An empty folder of the owner's: below `work`, or, where the owner cannot get there, in the
/// machine's own place for such things.
fn data_folder(work: &Path, owner: Option<Owner>) -> Result<PathBuf, String> {
    let temporary = std::env::temp_dir().join(format!("conformance-pg-{}", std::process::id()));
    for folder in [work.join("data"), temporary] {
        let make = || -> std::io::Result<()> {
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            std::fs::create_dir_all(&folder)?;
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
            let Some(owner) = owner else { return Ok(()) };
            chown(&folder, Some(owner.user), Some(owner.group))
        };
        make().map_err(|error| format!("{}: {error}", folder.display()))?;
        if can_write(&folder, owner) {
            return Ok(folder);
        }
        let _ = std::fs::remove_dir_all(&folder);
    }
    Err("no folder that an unprivileged user can reach for PostgreSQL's data".to_owned())
}

fn can_write(folder: &Path, owner: Option<Owner>) -> bool {
    let mut test = Command::new("test");
    test.arg("-w").arg(folder);
    if let Some(owner) = owner {
        test.gid(owner.group).uid(owner.user);
    }
    tool::output(&mut test).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_users_are_read_from_what_the_machine_says() {
        assert_eq!(major_version("initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major_version("initdb (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("command not found"), None);
        let users = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(user(users, "nobody"), Some(Owner { user: 65534, group: 65533 }));
        assert_eq!(user(users, "postgres"), None);
    }
}
