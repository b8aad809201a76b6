//! `fake-firebolt serve` as a process: what it prints, what it answers, how it refuses.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_fake-firebolt"))
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
    said: RefCell<BufReader<ChildStdout>>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        Self::run(&arguments, "fake-firebolt listens on http://")
    }

    /// The program, whose address is the next word after this on a line of its own.
    fn run(arguments: &[&str], says: &str) -> Self {
        let mut child =
            command().args(arguments).stdout(Stdio::piped()).spawn().expect("the binary");
        let said = RefCell::new(BufReader::new(child.stdout.take().expect("a pipe")));
        let mut server = Self { child, address: String::new(), said };
        let line = server.line(says);
        let address = line.split(['/', ' ']).next().unwrap_or_default();
        address.clone_into(&mut server.address);
        server
    }

    /// The rest of the next line that begins like this.
    fn line(&self, begins: &str) -> String {
        let mut line = String::new();
        while self.said.borrow_mut().read_line(&mut line).expect("a line") > 0 {
            if let Some(rest) = line.trim_end().strip_prefix(begins) {
                return rest.to_owned();
            }
            line.clear();
        }
        panic!("it never says {begins:?}");
    }

    fn post(&self, target: &str, body: &str) -> String {
        exchange(&self.address, &format!("POST {target}"), body)
    }
}

/// One request on a connection of its own.
fn exchange(address: &str, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
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
fn a_folder_is_a_bucket_for_urls_and_for_locations_that_clients_make() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sql/files/data");
    let server = Server::start(&["--bucket", &format!("data={folder}")]);
    let target = "/?output_format=JSON_Compact";
    let create = "CREATE LOCATION mine WITH SOURCE = AMAZON_S3 URL = 's3://data/people/'";
    let reply = server.post(target, create);
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    let count = "SELECT COUNT(*) FROM READ_PARQUET(LOCATION => 'mine', PATTERN => '*.parquet')";
    let reply = server.post(target, count);
    assert!(reply.contains("\"data\":[[\"4\"]]"), "{reply}");
    let listed = "SELECT object_name FROM LIST_OBJECTS('s3://data/odd/')";
    let reply = server.post(target, listed);
    assert!(reply.contains("\"data\":[[\"odd/a[1].csv\"]]"), "{reply}");
    let reply =
        server.post(target, "SELECT id FROM READ_CSV('s3://data/odd/a[[]1].csv', HEADER => TRUE)");
    assert!(reply.contains("\"data\":[[\"1\"]]"), "{reply}");
}

#[test]
fn arguments_that_cannot_be_used_are_named_and_end_with_2() {
    for (arguments, named) in [
        (&["serve", "--quirk", "snapshot=yesterday"][..], "yesterday"),
        // Whoever misspells one is told what there is.
        (&["serve", "--quirk", "snapshot=yesterday"], "`begin` or `statement`"),
        (&["serve", "--quirk", "no-such-quirk=1"], "no-such-quirk"),
        (&["serve", "--quirk", "no-such-quirk=1"], "`transaction-sequence-id`"),
        (&["serve", "--quirk", "conflict-status=often"], "u16"),
        (&["serve", "--tls-ca-out", "/tmp/ca.pem"], "--tls"),
        (&["serve", "--tls", "--tls-names", "not a name!\u{e9}"], "TLS: the names"),
        (&["serve", "--body-bytes-max", "much"], "--body-bytes-max"),
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

#[test]
fn it_says_who_can_reach_it() {
    let server = Server::start(&[]);
    assert_eq!(server.line("  on loopback"), ": only this machine reaches it");
    let everywhere = ["serve", "--listen", "0.0.0.0:0"];
    let server = Server::run(&everywhere, "fake-firebolt listens on http://");
    assert_eq!(server.line("  NOT on loopback"), ": whoever reaches this machine reaches it");
}

#[test]
fn limits_are_arguments() {
    let server = Server::start(&["--body-bytes-max", "10", "--result-rows-max", "1"]);
    assert!(server.post("/", "SELECT 'too long'").starts_with("HTTP/1.1 413 "));
    assert!(server.post("/", "SELECT 1").starts_with("HTTP/1.1 200 "));
}

#[test]
fn quirks_are_arguments() {
    let settings = ["--quirk", "transaction-sequence-id=sent", "--quirk", "conflict_status=400"];
    let server = Server::start(&settings);
    let reply = server.post("/?output_format=JSON_Compact", "BEGIN");
    assert!(reply.contains("transaction_sequence_id=1\r\n"), "{reply}");
}

#[test]
fn tls_has_an_authority_that_clients_can_trust() {
    let file = std::env::temp_dir().join(format!("fake-firebolt-ca-{}.pem", std::process::id()));
    let path = file.to_str().expect("a path");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--tls", "--tls-ca-out", path];
    let server = Server::run(&arguments, "fake-firebolt listens on https://");
    let pem = std::fs::read_to_string(&file).expect("the authority's certificate");
    std::fs::remove_file(&file).expect("it can go");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE"), "the key stays where it is");
    // Whoever speaks plain http is told so by TLS, and by no HTTP.
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    stream.write_all(b"POST / HTTP/1.1\r\nhost: fake\r\n\r\n").expect("a request");
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    assert!(!reply.starts_with(b"HTTP"), "{reply:?}");
}

#[test]
fn it_serves_under_rules_and_a_control_port() {
    let folder = std::env::temp_dir().join(format!("fake-firebolt-rules-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rules = folder.join("rules.toml");
    let text = "[[fault]]\nname = 'busy'\non = 'select'\ndoes = 'refuse-request'\nfirst = 1\n";
    std::fs::write(&rules, text).expect("a file");
    let rules = rules.to_str().expect("UTF-8");
    let server = Server::start(&["--faults", rules, "--admin", "127.0.0.1:0"]);
    let control = server.line("  control at http://");
    let control = control.split('/').next().expect("an address");
    assert!(server.post("/", "SELECT 1").starts_with("HTTP/1.1 503 "), "the first is refused");
    assert!(server.post("/", "SELECT 1").starts_with("HTTP/1.1 200 "), "the second is not");
    let counted = exchange(control, "GET /admin/faults/busy", "");
    assert!(counted.contains("\"fired\":1,\"name\":\"busy\""), "{counted}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn rules_and_control_ports_that_cannot_be_used_are_named() {
    let folder = std::env::temp_dir().join(format!("fake-firebolt-bad-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rules = folder.join("rules.toml");
    std::fs::write(&rules, "[[fault]]\nname = 'c'\ndoes = 'conflict'\nat = 'answered'\n")
        .expect("a file");
    let rules = rules.to_str().expect("UTF-8");
    for (arguments, named) in [
        (&["--faults", rules][..], "rules.toml:4:6: `at`: conflict means nothing at answered"),
        (&["--faults", "/no/such/file"], "cannot read --faults /no/such/file"),
        (&["--admin", "0.0.0.0:0"], "--admin 0.0.0.0:0 is not loopback"),
        (&["--admin", "nowhere"], "cannot listen on --admin nowhere"),
        (&["--admin-anywhere"], "--admin"),
    ] {
        let output = command().arg("serve").args(arguments).output().expect("the binary");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(named), "{arguments:?}: {text}");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_proxy_relays_and_hurts() {
    let fake = Server::start(&[]);
    let upstream = format!("http://{}", fake.address);
    let arguments = ["proxy", "--upstream", &upstream, "--listen", "127.0.0.1:0"];
    let control = ["--admin", "127.0.0.1:0", "--seed", "7"];
    let proxy = Server::run(&[&arguments[..], &control].concat(), "fake-firebolt relays http://");
    assert!(proxy.post("/?output_format=JSON_Compact", "SELECT 7").contains("\"data\":[[7]]"));
    let control = proxy.line("  control at http://");
    let control = control.split('/').next().expect("an address");
    let rule = r#"{"name": "busy", "does": "refuse-request"}"#;
    let added = exchange(control, "POST /admin/faults", rule);
    assert!(added.contains("\"added\":[\"busy\"]"), "{added}");
    assert!(proxy.post("/", "SELECT 7").starts_with("HTTP/1.1 503 "));
    assert!(fake.post("/", "SELECT 7").starts_with("HTTP/1.1 200 "), "only the proxy refuses");
}

#[test]
fn a_proxy_speaks_tls_with_a_service_whose_authority_it_trusts() {
    let folder = std::env::temp_dir().join(format!("fake-firebolt-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let authority = folder.join("ca.pem");
    let authority = authority.to_str().expect("UTF-8");
    let fake = Server::run(
        &["serve", "--listen", "127.0.0.1:0", "--tls", "--tls-ca-out", authority],
        "fake-firebolt listens on https://",
    );
    let upstream = format!("https://{}", fake.address);
    let arguments = ["proxy", "--upstream", &upstream, "--listen", "127.0.0.1:0"];
    let says = "fake-firebolt relays http://";
    let trusting = Server::run(&[&arguments[..], &["--upstream-ca", authority]].concat(), says);
    let reply = trusting.post("/?output_format=JSON_Compact", "SELECT 7");
    assert!(reply.contains("\"data\":[[7]]"), "{reply}");
    let wary = Server::run(&arguments, says);
    let reply = wary.post("/", "SELECT 7");
    assert!(reply.starts_with("HTTP/1.1 502 ") && reply.contains("no TLS with"), "{reply}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_proxy_speaks_tls_with_its_clients() {
    let fake = Server::start(&["--client-id", "c", "--client-secret", "s"]);
    let folder = std::env::temp_dir().join(format!("fake-firebolt-front-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let authority = folder.join("ca.pem");
    let authority = authority.to_str().expect("UTF-8");
    let upstream = format!("http://{}", fake.address);
    let arguments = ["proxy", "--upstream", &upstream, "--listen", "127.0.0.1:0"];
    let tls = ["--tls", "--tls-ca-out", authority, "--upstream-idle-max", "2"];
    let says = "fake-firebolt relays https://";
    let front = Server::run(&[&arguments[..], &tls].concat(), says);
    // The way in is another proxy, which trusts the first one's authority.
    let upstream = format!("https://{}", front.address);
    let arguments = ["proxy", "--upstream", &upstream, "--listen", "127.0.0.1:0"];
    let trusting = [&arguments[..], &["--upstream-ca", authority]].concat();
    let client = Server::run(&trusting, "fake-firebolt relays http://");
    let form = "client_id=c&client_secret=s&grant_type=client_credentials";
    for _ in 0..3 {
        let reply = client.post("/oauth/token", form);
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains("access_token"), "{reply}");
    }
    // Plain http is no way in.
    let mut stream = TcpStream::connect(&front.address).expect("a connection");
    stream.write_all(b"POST / HTTP/1.1\r\nhost: fake\r\n\r\n").expect("a request");
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    assert!(!reply.starts_with(b"HTTP"), "{reply:?}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_proxy_that_cannot_be_is_refused() {
    for (arguments, named) in [
        (&["proxy"][..], "--upstream"),
        (&["proxy", "--upstream", "ftp://x"], "is no URL"),
        (&["proxy", "--upstream", "http://x", "--tls-ca-out", "ca.pem"], "--tls"),
        (&["proxy", "--upstream", "http://x", "--tls", "--tls-names", "\u{e9}"], "TLS: the names"),
        (&["proxy", "--upstream", "http://x", "--upstream-idle-max", "few"], "--upstream-idle-max"),
        (
            &[
                "proxy",
                "--upstream",
                "https://x",
                "--listen",
                "127.0.0.1:0",
                "--upstream-ca",
                "/no",
            ],
            "cannot read /no",
        ),
    ] {
        let output = command().args(arguments).output().expect("the binary");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(named), "{arguments:?}: {text}");
    }
}
