//! Plays the exchanges of `fixtures/wire/server-*.http` against the server.
//!
//! The fixtures are written from firebolt-wire, not recorded from this server: they are where the
//! fake and a client meet without sharing code. Their form is explained at the head of each; a
//! value `…` matches anything, and a `{name}` is kept and filled in from there on.

use std::path::PathBuf;

use bytes::Bytes;
use fake_firebolt::{FakeConfig, FakeFirebolt};
use http::Request;
use http_body_util::Full;

use crate::harness::{Heard, Script, Wire, fake_with};

/// One request and what has to come back.
struct Exchange {
    request: Message,
    reply: Message,
}

#[derive(Default)]
struct Message {
    first_line: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[tokio::test(start_paused = true)]
async fn every_exchange_is_answered_as_written() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wire");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("fixtures/wire")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("server-") && name.ends_with(".http")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the fixtures are gone: {files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a fixture");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        play(&name, &text).await;
    }
}

async fn play(name: &str, text: &str) {
    // fb-cli is written down as it speaks to a Core.
    let core = name.contains("core") || name.contains("fbcli");
    let config = if core {
        FakeConfig { client_id: String::new(), ..FakeConfig::default() }
    } else {
        FakeConfig::default()
    };
    let fake: FakeFirebolt = fake_with(&Script::new(), config);
    let mut wire = Wire::open(&fake, "fixture").await;
    let mut kept: Vec<(String, String)> = Vec::new();
    for (position, exchange) in exchanges(text).into_iter().enumerate() {
        let at = format!("{name}, exchange {}", position + 1);
        let fill = |text: &str| {
            kept.iter().fold(text.to_owned(), |text, (hole, value)| text.replace(hole, value))
        };
        let heard = wire.send(request(&exchange.request, fill)).await;
        compare(&at, &exchange.reply, &heard, &mut kept);
    }
}

fn request(message: &Message, fill: impl Fn(&str) -> String) -> Request<Full<Bytes>> {
    let first_line = fill(&message.first_line);
    let mut words = first_line.split(' ');
    let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in &message.headers {
        request = request.header(name, fill(value));
    }
    request.body(Full::new(Bytes::from(fill(&message.body)))).expect("a request")
}

/// Compares, and keeps what stands where the fixture has a `{hole}`.
fn compare(at: &str, expected: &Message, heard: &Heard, kept: &mut Vec<(String, String)>) {
    let status = expected.first_line.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status: u16 = status.expect("HTTP/1.1 and a status");
    assert_eq!(heard.status(), status, "{at}: {heard:?}");
    for (name, value) in &expected.headers {
        let found = heard.header(name).unwrap_or_else(|| panic!("{at}: no {name} in {heard:?}"));
        keep_text(&format!("{at}, {name}"), value, found, kept);
    }
    let names: Vec<&str> = expected.headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["firebolt-update-parameters", "firebolt-remove-parameters"] {
        assert_eq!(heard.header(name).is_some(), names.contains(&name), "{at}: {name}");
    }
    match serde_json::from_str::<serde_json::Value>(&expected.body) {
        Ok(expected) => keep_json(at, &expected, &heard.json(), kept),
        Err(_) => keep_text(at, expected.body.trim_end(), heard.body().trim_end(), kept),
    }
}

fn keep_json(
    at: &str,
    expected: &serde_json::Value,
    found: &serde_json::Value,
    kept: &mut Vec<(String, String)>,
) {
    use serde_json::Value;
    match (expected, found) {
        (Value::String(any), _) if any == "…" => {}
        (Value::String(expected), Value::String(found)) => keep_text(at, expected, found, kept),
        (Value::Object(expected), Value::Object(found)) => {
            let keys: Vec<&String> = found.keys().collect();
            assert_eq!(expected.keys().collect::<Vec<_>>(), keys, "{at}");
            for (key, value) in expected {
                keep_json(&format!("{at}.{key}"), value, &found[key], kept);
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            assert_eq!(expected.len(), found.len(), "{at}: {found:?}");
            for (expected, found) in expected.iter().zip(found) {
                keep_json(at, expected, found, kept);
            }
        }
        (expected, found) => assert_eq!(expected, found, "{at}"),
    }
}

/// A text may hold one `{hole}`; what stands there is kept for later requests.
fn keep_text(at: &str, expected: &str, found: &str, kept: &mut Vec<(String, String)>) {
    let hole = expected.find('{').and_then(|start| {
        let end = start + expected[start..].find('}')? + 1;
        Some((&expected[..start], &expected[start..end], &expected[end..]))
    });
    match hole {
        Some((before, hole, after)) => {
            let value = found
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .unwrap_or_else(|| panic!("{at}: {found:?} is not like {expected:?}"));
            kept.push((hole.to_owned(), value.to_owned()));
        }
        None => assert_eq!(found, expected, "{at}"),
    }
}

fn exchanges(text: &str) -> Vec<Exchange> {
    text.split("### request\n")
        .skip(1)
        .map(|exchange| {
            let (request, reply) = exchange.split_once("### response\n").expect("a response");
            Exchange { request: message(request), reply: message(reply) }
        })
        .collect()
}

fn message(text: &str) -> Message {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let first_line = lines.next().unwrap_or_default().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Message { first_line, headers, body: body.trim_end().to_owned() }
}
