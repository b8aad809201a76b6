//! A session on Firebolt Core: one HTTP request per statement, answers as `JSON_Compact`.
//!
//! Plain HTTP/1.1 on a socket, because Core speaks it on the loopback interface and needs neither
//! TLS nor a token. What the server asks to remember (`Firebolt-Update-Parameters`, the transaction
//! above all) goes into the next request's parameters. It must not retry: a lost reply is a failure.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value as Json;
use sqllogictest::{DB, DBOutput};

use super::letter::Letter;

#[derive(Debug)]
pub(crate) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refusal {}

fn refused(error: impl fmt::Display) -> Refusal {
    Refusal(error.to_string())
}

/// Host and parameters of one session.
#[derive(Debug)]
pub(crate) struct Session {
    host: String,
    parameters: BTreeMap<String, String>,
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Session {
    /// A session at `http://host:port`, in that database if one is given.
    pub(crate) fn open(url: &str, database: Option<&str>) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut parameters = BTreeMap::from([("output_format".into(), "JSON_Compact".into())]);
        if let Some(database) = database {
            parameters.insert("database".into(), database.into());
        }
        Self { host, parameters }
    }

    fn request(&self, text: &str) -> Result<Reply, Refusal> {
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish();
        let request = format!(
            "POST /?{query} HTTP/1.1\r\nHost: {}\r\nFirebolt-Protocol-Version: 2.4\r\n\
             Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            self.host,
            text.len(),
        );
        let mut stream = TcpStream::connect(&self.host).map_err(refused)?;
        stream.write_all(request.as_bytes()).map_err(refused)?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).map_err(refused)?;
        parse_reply(&String::from_utf8_lossy(&reply))
    }

    fn remember(&mut self, headers: &[(String, String)]) {
        let trimmed = |text: &str| text.split(',').map(|p| p.trim().to_owned()).collect::<Vec<_>>();
        for (name, value) in headers {
            match name.as_str() {
                "firebolt-update-parameters" => {
                    for pair in trimmed(value) {
                        if let Some((name, value)) = pair.split_once('=') {
                            self.parameters.insert(name.to_owned(), value.to_owned());
                        }
                    }
                }
                "firebolt-remove-parameters" => {
                    trimmed(value).iter().for_each(|name| drop(self.parameters.remove(name)));
                }
                _ => {}
            }
        }
    }

    /// What is left of a transaction whose COMMIT failed is not documented (firebolt-semantics §12,
    /// no. 6). The official clients send ROLLBACK and begin anew, and so does this one.
    fn abandon_transaction(&mut self) {
        drop(self.ask("ROLLBACK"));
        self.parameters.retain(|name, _| !name.starts_with("transaction"));
    }

    /// Runs a statement; its JSON, or nothing if there is no result.
    pub(crate) fn ask(&mut self, text: &str) -> Result<Option<Json>, Refusal> {
        let reply = self.request(text)?;
        if !(200..300).contains(&reply.status) {
            return Err(described(reply.body));
        }
        self.remember(&reply.headers);
        if reply.body.trim().is_empty() {
            return Ok(None);
        }
        let json: Json = serde_json::from_str(&reply.body).map_err(refused)?;
        // A 200 whose body holds errors is a failure too (firebolt-semantics §8).
        if json.get("errors").is_some() { Err(described(reply.body)) } else { Ok(Some(json)) }
    }
}

/// The descriptions of a body with errors, or the body if it has none.
fn described(body: String) -> Refusal {
    let json: Json = serde_json::from_str(&body).unwrap_or_default();
    let errors = json["errors"].as_array().cloned().unwrap_or_default();
    let texts: Vec<&str> = errors.iter().filter_map(|e| e["description"].as_str()).collect();
    Refusal(if texts.is_empty() { body } else { texts.join("; ") })
}

fn parse_reply(text: &str) -> Result<Reply, Refusal> {
    let cut = || Refusal(format!("the reply was cut: {text:?}"));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked =
        headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunked(body).ok_or_else(cut)? } else { body.to_owned() };
    Ok(Reply { status: status.ok_or_else(cut)?, headers, body })
}

fn unchunked(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

fn letter(type_name: &str) -> Letter {
    let name = type_name.split(['(', ' ']).next().unwrap_or_default();
    match name {
        "int" | "integer" | "long" | "bigint" => Letter::Integer,
        "real" | "float" | "double" | "numeric" | "decimal" | "Decimal" => Letter::Number,
        "boolean" => Letter::Boolean,
        "date" | "timestamp" | "timestamptz" | "pgdate" | "timestampntz" => Letter::Time,
        _ => Letter::Text,
    }
}

fn cell(letter: Letter, value: &Json) -> String {
    match value {
        Json::Null => "NULL".to_owned(),
        Json::String(text) => letter.canonical(text),
        other => letter.canonical(&other.to_string()),
    }
}

impl DB for Session {
    type Error = Refusal;
    type ColumnType = Letter;

    fn run(&mut self, text: &str) -> Result<DBOutput<Letter>, Refusal> {
        let answer = self.ask(text);
        if answer.is_err() && text.trim_start().to_ascii_uppercase().starts_with("COMMIT") {
            self.abandon_transaction();
        }
        let Some(json) = answer? else { return Ok(DBOutput::StatementComplete(0)) };
        let list = |json: &Json, name| json[name].as_array().cloned().unwrap_or_default();
        let types: Vec<Letter> = list(&json, "meta")
            .iter()
            .map(|column| letter(column["type"].as_str().unwrap_or_default()))
            .collect();
        if types.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let row = |row: &Json| {
            let cells = row.as_array().map(Vec::as_slice).unwrap_or_default();
            types.iter().zip(cells).map(|(letter, value)| cell(*letter, value)).collect()
        };
        Ok(DBOutput::Rows { rows: list(&json, "data").iter().map(row).collect(), types })
    }

    fn engine_name(&self) -> &str {
        "firebolt-core"
    }
}
