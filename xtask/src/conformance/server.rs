//! `fake-firebolt serve` as a child: started on a free loopback port, stopped when it goes out of
//! scope, whatever became of the suite.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::fixtures;
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
    /// A service account, over TLS.
    Tls,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    kind: Kind,
    url: String,
    /// The certificate that its clients have to trust, over TLS.
    authority: PathBuf,
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
            Kind::Tls => "server-tls",
        };
        let log = work.join(format!("{name}.log"));
        let authority = work.join("authority.pem");
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(NAMES);
        command.arg("--faults").arg(fixtures().join("faults.toml"));
        if kind != Kind::Core {
            command.args(SERVICE_ACCOUNT);
        }
        if kind == Kind::Tls {
            command.arg("--tls").arg("--tls-ca-out").arg(&authority);
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
        let mut server = Server { child, kind, url: String::new(), authority };
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
            Kind::Tls => vec![
                ("FAKE_TLS_URL", self.url.clone()),
                ("NODE_EXTRA_CA_CERTS", self.authority.display().to_string()),
            ],
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
