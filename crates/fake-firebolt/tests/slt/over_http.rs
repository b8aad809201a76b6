//! The shared scripts once more, over a socket: request and reply, transactions carried by URL
//! parameters, answers as `JSON_Compact`.
//!
//! What a statement means must not depend on the way it came: `slt` asks the store, this asks the
//! program. It is also how the session for Firebolt Core (`core_session`) is known to work where no
//! Core runs.

mod core_session;
mod corpus;
mod letter;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use sqllogictest::Runner;

/// A server that ends with the script.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-firebolt"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a first line");
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.unwrap_or_else(|| panic!("says where it listens: {line}")).to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn shared_scripts_hold_over_http() {
    let mut failed = Vec::new();
    let mut asked = 0;
    for script in corpus::scripts().into_iter().filter(corpus::Script::is_shared) {
        let server = Server::start();
        let mut runner = Runner::new(|| {
            let session = core_session::Session::open(&server.url, None);
            async move { Ok(session) }
        });
        // What holds for the fake only is asked too: this is the fake.
        runner.add_label("fake-firebolt");
        failed.extend(corpus::failures(&mut runner, &script));
        asked += 1;
    }
    assert!(asked > 0, "no script is shared");
    assert!(failed.is_empty(), "{}\n\n{} records fail", failed.join("\n\n"), failed.len());
}
