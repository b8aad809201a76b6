//! `fake-firebolt serve` as a child: started on a free loopback port, stopped when it goes out of
//! scope, whatever became of the suite.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::process;

/// What every server here is called inside; the judges know these names.
const NAMES: [&str; 6] = ["--account", "acc", "--database", "db", "--engine", "eng"];

/// The service account of those that ask for one.
const SERVICE_ACCOUNT: [&str; 4] = ["--client-id", "conformance", "--client-secret", "s3cret"];

/// How a client gets in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Firebolt Core: no sign-on.
    Core,
    /// A service account, over plain HTTP.
    Account,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    kind: Kind,
    url: String,
}

impl Server {
    /// Starts one; its log is below `work`.
    ///
    /// # Errors
    /// It cannot be started, or does not say where it listens.
    pub(super) fn start(binary: &Path, kind: Kind, work: &Path) -> Result<Server, String> {
        let name = match kind {
            Kind::Core => "server-core",
            Kind::Account => "server-account",
        };
        let log = work.join(format!("{name}.log"));
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(NAMES);
        if kind != Kind::Core {
            command.args(SERVICE_ACCOUNT);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| format!("`fake-firebolt serve` cannot be started: {error}"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // Nobody reads on: the server serves on without a listener.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let mut server = Server { child, kind, url: String::new() };
        match url(&line) {
            Some(url) => url.clone_into(&mut server.url),
            None => {
                drop(server);
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let log = log.strip_prefix(process::root()).unwrap_or(&log).display();
                return Err(format!(
                    "`fake-firebolt serve` says no address ({log}):\n{line}{said}"
                ));
            }
        }
        Ok(server)
    }

    /// How the judges find it.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        match self.kind {
            Kind::Core => vec![("FAKE_CORE_URL", self.url.clone())],
            Kind::Account => vec![("FAKE_ACCOUNT_URL", self.url.clone())],
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the first line that the server prints, without the slash at its end.
fn url(line: &str) -> Option<&str> {
    let word = line.split_whitespace().find(|word| word.starts_with("http"))?;
    Some(word.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_first_line() {
        let line = "fake-firebolt listens on http://127.0.0.1:4000/\n";
        assert_eq!(url(line), Some("http://127.0.0.1:4000"));
        assert_eq!(url("fake-firebolt: cannot listen\n"), None);
    }
}
