//! A connection to PostgreSQL: the simple query protocol, version 3, over TCP.
//!
//! A hundred lines instead of a driver, because a driver would be built by everyone who builds the
//! tests, and hides what is wanted here: each cell as the server wrote it, with its type. It must
//! not be used for anything else: no TLS, no prepared statements, and of the ways to sign on only
//! `trust` and the clear-text password.

use std::error::Error;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;

/// Version 3.0 of the protocol.
const PROTOCOL: i32 = 3 << 16;

/// Where the server is: `postgres://user[:password]@host[:port]/database`.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    user: String,
    password: String,
    host: String,
    database: String,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::local(format!("{url:?} is not postgres://user@host:port/database"));
        let rest = url.split_once("://").ok_or_else(bad)?.1;
        let rest = rest.split('?').next().unwrap_or(rest);
        let (user, place) = rest.split_once('@').ok_or_else(bad)?;
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let (host, database) = place.split_once('/').unwrap_or((place, "postgres"));
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
        let [user, password, database] = [user, password, database].map(str::to_owned);
        Ok(Self { user, password, host, database })
    }

    /// The same server, another database.
    pub(crate) fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }
}

/// What the server, or the way to it, refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// SQLSTATE; empty if the server never spoke.
    pub(crate) state: String,
    pub(crate) text: String,
}

impl Refusal {
    fn local(text: String) -> Self {
        Self { state: String::new(), text }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Refusal {}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::local(format!("the connection to PostgreSQL failed: {error}"))
    }
}

/// The answer to one statement.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The type of each column; `None` if the statement has no result.
    pub(crate) oids: Option<Vec<u32>>,
    /// Cells as text; `None` is NULL.
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: &Address) -> Result<Self, Refusal> {
        let stream = TcpStream::connect(&address.host)?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream: BufReader::new(stream) };
        let mut startup = PROTOCOL.to_be_bytes().to_vec();
        for text in ["user", &address.user, "database", &address.database] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
        startup.push(0);
        connection.send(None, &startup)?;
        connection.sign_on(&address.password)?;
        connection.answer()?;
        Ok(connection)
    }

    fn sign_on(&mut self, password: &str) -> Result<(), Refusal> {
        loop {
            let (kind, body) = self.receive()?;
            match (kind, number(&body, 0)) {
                (b'E', _) => return Err(refusal(&body)),
                (b'R', 0) => return Ok(()),
                (b'R', 3) => self.send(Some(b'p'), &[password.as_bytes(), &[0]].concat())?,
                (b'R', way) => {
                    let text = format!("PostgreSQL asks for sign-on {way}; use trust or password");
                    return Err(Refusal::local(text));
                }
                _ => {}
            }
        }
    }

    /// Sends one statement and waits until the server is ready again.
    pub(crate) fn query(&mut self, text: &str) -> Result<Answer, Refusal> {
        self.send(Some(b'Q'), &[text.as_bytes(), &[0]].concat())?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer, Refusal> {
        let mut answer = Answer::default();
        let mut refused = None;
        loop {
            let (kind, body) = self.receive()?;
            match kind {
                b'T' => answer.oids = Some(described(&body)),
                b'D' => answer.rows.push(cells(&body)),
                b'E' => refused = Some(refusal(&body)),
                b'Z' => return refused.map_or(Ok(answer), Err),
                _ => {} // notices, parameters, and the ends of statements
            }
        }
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> Result<(), Refusal> {
        let length = i32::try_from(body.len() + 4)
            .map_err(|_| Refusal::local("a statement of more than 2 GB was not sent".to_owned()))?;
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(body);
        self.stream.get_mut().write_all(&message)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<(u8, Vec<u8>), Refusal> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let mut body = vec![0; number(&head, 1).saturating_sub(4) as usize];
        self.stream.read_exact(&mut body)?;
        Ok((head[0], body))
    }
}

/// The big-endian number of four bytes at that place; 0 where the message is shorter.
fn number(body: &[u8], at: usize) -> u32 {
    body.get(at..at + 4).map_or(0, |bytes| bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
}

fn count(body: &[u8]) -> usize {
    body.get(..2).map_or(0, |bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
}

/// RowDescription: after each name 18 bytes, of which the type's identifier stands at 6.
fn described(body: &[u8]) -> Vec<u32> {
    let mut at = 2;
    (0..count(body))
        .map(|_| {
            at += body[at..].iter().position(|byte| *byte == 0).unwrap_or(0) + 1;
            let oid = number(body, at + 6);
            at += 18;
            oid
        })
        .collect()
}

/// DataRow: length and bytes of each cell, the length -1 for NULL.
fn cells(body: &[u8]) -> Vec<Option<String>> {
    let mut at = 2;
    (0..count(body))
        .map(|_| {
            let length = number(body, at);
            at += 4;
            if length == u32::MAX {
                return None;
            }
            let cell = body.get(at..at + length as usize).unwrap_or_default();
            at += length as usize;
            Some(String::from_utf8_lossy(cell).into_owned())
        })
        .collect()
}

fn refusal(body: &[u8]) -> Refusal {
    let mut refusal = Refusal::local("PostgreSQL refused without a word".to_owned());
    for field in body.split(|byte| *byte == 0) {
        let Some((kind, text)) = field.split_first() else { continue };
        let text = String::from_utf8_lossy(text).into_owned();
        match kind {
            b'C' => refusal.state = text,
            b'M' => refusal.text = text,
            _ => {}
        }
    }
    refusal
}
