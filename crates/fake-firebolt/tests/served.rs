//! Statements that would run for hours, on a real socket and the real clock: who ends them, and who
//! is answered meanwhile.
//!
//! Nothing here waits for a clock: what runs is seen by asking the server, and each statement below
//! would outlive the test by far if what ends it did not work.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::ScopedJoinHandle;

/// A hundred billion pairs, none of which is kept.
const LONG: &str = "SELECT COUNT(*) FROM GENERATE_SERIES(1, 300000) a (n), \
                    GENERATE_SERIES(1, 300000) b (m) WHERE n + m < 0";

/// More than the program has threads that serve.
const MANY: usize = 9;

/// As many as there are cores to keep busy on a small machine.
const FEW: usize = 2;

struct Server {
    child: Child,
    address: String,
    control: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fake-firebolt"));
        // The budget of steps is not what is to end it here.
        let budget = ["--quirk", "statement-steps-max=1000000000000000"];
        let listen = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        command.args(listen).args(budget).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary");
        let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut after = |begins: &str| loop {
            let line = said.next().expect("a further line").expect("text");
            if let Some(rest) = line.strip_prefix(begins) {
                return rest.split('/').next().expect("an address").to_owned();
            }
        };
        let address = after("fake-firebolt listens on http://");
        let control = after("  control at http://");
        Self { child, address, control }
    }

    fn post(&self, parameters: &str, sql: &str) -> Reply {
        Reply::to(send(&self.address, parameters, sql))
    }

    fn rows(&self, sql: &str) -> serde_json::Value {
        self.post("", sql).json()["data"].clone()
    }

    /// Ids of the long statements that are in flight, once there are so many.
    fn running(&self, count: usize) -> Vec<String> {
        self.running_once(|ids| ids.len() == count)
    }

    /// Ids of the long statements that are in flight, once they are so.
    fn running_once(&self, is_so: impl Fn(&BTreeSet<String>) -> bool) -> Vec<String> {
        let sql = "SELECT query_id FROM information_schema.engine_running_queries \
                   WHERE query_text LIKE '%GENERATE_SERIES%' \
                   AND query_text NOT LIKE '%running_queries%'";
        loop {
            let rows = self.rows(sql);
            let ids = rows.as_array().expect("rows").iter();
            let ids = ids.map(|row| row[0].as_str().expect("an id").to_owned()).collect();
            if is_so(&ids) {
                return ids.into_iter().collect();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(address: &str, parameters: &str, sql: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let length = sql.len();
    let target = format!("/?output_format=JSON_Compact{parameters}");
    write!(
        stream,
        "POST {target} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\
         firebolt-protocol-version: 2.4\r\ncontent-length: {length}\r\n\r\n{sql}"
    )
    .expect("a request");
    stream
}

/// What came back before the connection ended.
struct Reply(String);

impl Reply {
    fn to(mut stream: TcpStream) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a reply");
        Self(text)
    }

    fn status(&self) -> &str {
        self.0.get(9..12).unwrap_or("none")
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").expect("a body").1
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body()).expect("JSON")
    }
}

/// Starts long statements, does something about them once all run, and gives their replies.
fn while_they_run(server: &Server, parameters: &str, act: impl FnOnce(&[String])) -> Vec<Reply> {
    std::thread::scope(|scope| {
        let ask = || scope.spawn(|| server.post(parameters, LONG));
        let asked: Vec<ScopedJoinHandle<'_, Reply>> = (0..MANY).map(|_| ask()).collect();
        act(&server.running(MANY));
        asked.into_iter().map(|asked| asked.join().expect("no panic")).collect()
    })
}

#[test]
fn a_timeout_ends_what_is_being_evaluated_and_aborts_its_transaction() {
    let server = Server::start(&[]);
    let reply = server.post("&statement_timeout=100", LONG);
    assert_eq!(reply.status(), "500");
    assert_eq!(reply.body(), "The query was canceled: statement_timeout of 100ms is over");
    let begun = server.post("", "BEGIN");
    let (_, id) = begun.0.split_once("transaction_id=").expect("an id");
    let id = format!("&transaction_id={}", id.lines().next().expect("a line"));
    let write = format!("CREATE TABLE t AS {LONG}");
    let reply = server.post(&format!("{id}&statement_timeout=100"), &write);
    assert_eq!(reply.status(), "500");
    let reply = server.post(&id, "SELECT 1");
    assert!(reply.body().contains("current transaction is aborted"), "{}", reply.0);
    assert_eq!(server.post(&id, "ROLLBACK").status(), "200");
    assert_eq!(server.post("", "SELECT * FROM t").status(), "400", "it was never made");
    assert!(server.running(0).is_empty(), "nothing goes on");
}

#[test]
fn the_servers_own_limit_ends_it_too() {
    let server = Server::start(&["--statement-millis-max", "100"]);
    let reply = server.post("", LONG);
    assert_eq!(reply.body(), "The query was canceled: statement_timeout of 100ms is over");
}

#[test]
fn others_are_answered_while_many_are_evaluated_and_each_can_be_cancelled() {
    let server = Server::start(&[]);
    let replies = while_they_run(&server, "", |ids| {
        assert_eq!(server.rows("SELECT 1 + 1"), serde_json::json!([[2]]));
        let mut get = TcpStream::connect(&server.address).expect("a connection");
        let request = "GET /web/v3/account/account/engineUrl HTTP/1.1\r\nhost: fake\r\n\
                       connection: close\r\n\r\n";
        get.write_all(request.as_bytes()).expect("a request");
        assert_ne!(Reply::to(get).status(), "none");
        for id in ids {
            let cancel = format!("CANCEL QUERY WHERE query_id = '{id}'");
            assert_eq!(server.post("", &cancel).status(), "200");
        }
    });
    for reply in replies {
        assert_eq!(reply.status(), "400");
        assert!(reply.body().contains("The query was canceled"), "{}", reply.0);
    }
    assert!(server.running(0).is_empty());
}

#[test]
fn a_restart_of_the_engine_ends_them() {
    let server = Server::start(&[]);
    let replies = while_they_run(&server, "", |_| {
        let mut control = TcpStream::connect(&server.control).expect("a connection");
        let request = "POST /admin/engine/restart HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\
                       content-length: 15\r\n\r\n{\"away\": \"1ms\"}";
        control.write_all(request.as_bytes()).expect("a request");
        assert_eq!(Reply::to(control).status(), "200");
    });
    assert!(replies.iter().all(|reply| reply.0.is_empty()), "their engine is gone");
    assert!(server.running(0).is_empty());
}

#[test]
fn a_client_that_leaves_takes_what_it_reads_along_and_what_it_writes_if_it_said_so() {
    let server = Server::start(&[]);
    let write = format!("CREATE TABLE t AS {LONG}");
    let leave = |parameters: &str, sql: &str, before: usize| {
        let send = |_| send(&server.address, parameters, sql);
        let streams: Vec<TcpStream> = (0..FEW).map(send).collect();
        server.running(before + FEW);
        for stream in streams {
            stream.shutdown(Shutdown::Both).expect("it closes");
        }
    };
    leave("", LONG, 0);
    assert!(server.running(0).is_empty(), "what reads ends by that alone");
    leave("&cancel_query_on_connection_drop=all", &write, 0);
    assert!(server.running(0).is_empty(), "what writes too, if that is asked for");
    leave("", &write, 0);
    leave("&cancel_query_on_connection_drop=none", LONG, FEW);
    // Those of clients that leave last have ended, so the leaving of the others has been seen.
    leave("", LONG, 2 * FEW);
    for id in server.running(2 * FEW) {
        let cancel = format!("CANCEL QUERY WHERE query_id = '{id}'");
        assert_eq!(server.post("", &cancel).status(), "200", "it is still there");
    }
}

#[test]
fn a_client_that_leaves_a_read_inside_a_transaction_does_not_abort_it() {
    let server = Server::start(&[]);
    let begin = |settings: &str| {
        let begin = server.post("", "BEGIN");
        let id = begin.0.split_once("transaction_id=").expect("an id").1;
        let id: String = id.chars().take_while(|c| !c.is_whitespace()).collect();
        format!("&transaction_id={id}{settings}")
    };
    let mut seen = BTreeSet::new();
    // Gives the id of the one that was left.
    let mut leave = |parameters: &str| {
        let stream = send(&server.address, parameters, LONG);
        let new = |ids: &BTreeSet<String>| ids.difference(&seen).next().cloned();
        let ids = server.running_once(|ids| new(ids).is_some());
        stream.shutdown(Shutdown::Both).expect("it closes");
        let id = new(&ids.into_iter().collect()).expect("it runs");
        seen.insert(id.clone());
        id
    };
    let left = leave(&begin(""));
    // These leave after it, one by one, and end: its leaving has been seen long before theirs.
    for settings in ["", "&cancel_query_on_connection_drop=all", ""] {
        let parameters = if settings.is_empty() { String::new() } else { begin(settings) };
        let other = leave(&parameters);
        server.running_once(|ids| !ids.contains(&other));
    }
    let cancel = format!("CANCEL QUERY WHERE query_id = '{left}'");
    assert_eq!(server.post("", &cancel).status(), "200", "it is still there");
}

#[test]
fn an_asynchronous_one_can_be_cancelled() {
    let server = Server::start(&[]);
    let create = format!("CREATE TABLE t AS {LONG}");
    let token =
        server.post("&async=true", &create).json()["token"].as_str().expect("it").to_owned();
    let ids = server.running(1);
    let cancel = format!("CANCEL QUERY WHERE query_id = '{}'", ids[0]);
    assert_eq!(server.post("", &cancel).status(), "200");
    assert!(server.running(0).is_empty());
    let status = server.rows(&format!("CALL fb_GetAsyncStatus('{token}')"));
    assert_eq!(status[0][5], "CANCELED_EXECUTION");
}
