//! `fake-firebolt serve` as a process: what it prints, what it answers, how it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_fake-firebolt"))
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a first line");
        let address = line
            .trim()
            .strip_prefix("fake-firebolt listens on http://")
            .unwrap_or_else(|| panic!("says where it listens: {line}"))
            .trim_end_matches('/')
            .to_owned();
        Self { child, address }
    }

    fn post(&self, target: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(
            stream,
            "POST {target} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        reply
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn core_on_a_real_socket() {
    let server = Server::start(&[]);
    let reply = server.post("/?output_format=JSON_Compact", "SELECT 1 AS one");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("\"data\":[[1]]"), "{reply}");
}

#[test]
fn with_a_service_account_it_asks_for_a_token() {
    let server = Server::start(&["--client-id", "c", "--client-secret", "s"]);
    let reply = server.post("/", "SELECT 1");
    assert!(reply.starts_with("HTTP/1.1 401 "), "{reply}");
    let form = "client_id=c&client_secret=s&grant_type=client_credentials";
    let reply = server.post("/oauth/token", form);
    assert!(reply.contains("\"access_token\""), "{reply}");
}

#[test]
fn arguments_that_cannot_be_used_are_named_and_end_with_2() {
    for (arguments, named) in [
        (&["serve", "--quirk", "snapshot=yesterday"][..], "yesterday"),
        (&["serve", "--quirk", "no-such-quirk=1"], "no-such-quirk"),
        (&["serve", "--quirk", "snapshot"], "NAME=VALUE"),
        (&["serve", "--location", "cdc=/no/such/folder"], "--location cdc"),
        (&["serve", "--client-id", "c"], "--client-secret"),
        (&["serve", "--listen", "nowhere"], "cannot listen on nowhere"),
        (&["serve", "--setup", "/no/such/file"], "--setup"),
        (&["serf"], "serf"),
    ] {
        let output = command().args(arguments).output().expect("the binary");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(named), "{arguments:?}: {text}");
    }
}
