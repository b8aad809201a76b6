//! Pure decoding of replies. Whatever bytes arrive, the answer is a result or an error, never a panic.
//!
//! A 2xx is a success only if its body says so: the service reports errors inside a 200, and a body
//! that was cut short says nothing about the statement (firebolt-wire §6, §11.2).

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::config::Secret;
use crate::error::{Asked, Effect, Error, ErrorKind, classify};
use crate::session::SessionChange;
use crate::value::{Shape, Value};

/// One column of a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// Name as the server gave it.
    pub name: String,
    /// Type name as the server gave it, in either spelling (firebolt-wire §5.3).
    pub type_name: String,
}

/// The rows of a result; without columns for statements that return nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultSet {
    /// The columns, in the order of the values.
    pub columns: Vec<Column>,
    /// The rows; each has exactly one value per column.
    pub rows: Vec<Vec<Value>>,
}

impl ResultSet {
    /// The position of the first column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The value at a row and a named column.
    pub fn value(&self, row: usize, name: &str) -> Option<&Value> {
        self.rows.get(row)?.get(self.column(name)?)
    }

    /// The text at a row and a named column; `None` if there is no such place or it holds no text.
    pub fn text(&self, row: usize, name: &str) -> Option<&str> {
        self.value(row, name)?.as_str()
    }

    /// The integer at a row and a named column; `None` if there is no such place or it holds none.
    pub fn int(&self, row: usize, name: &str) -> Option<i64> {
        self.value(row, name)?.as_int()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A decoded reply to a statement: its result, and what it does to the session either way.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) result: Result<ResultSet, Error>,
    pub(crate) change: SessionChange,
}

/// Decodes the reply to a statement.
pub(crate) fn statement(response: &Response<Bytes>, asked: Asked) -> Reply {
    let result = rows_of(response, asked);
    let change = match result {
        Ok(_) => SessionChange::of_success(response.headers()),
        Err(_) => SessionChange::of_error(response.headers()),
    };
    Reply { result, change }
}

fn rows_of(response: &Response<Bytes>, asked: Asked) -> Result<ResultSet, Error> {
    let status = response.status();
    let body = response.body();
    if !status.is_success() {
        return Err(refusal(status.as_u16(), &message_of(body), asked));
    }
    check_complete(response)?;
    // We never ask for asynchronous execution, so an acceptance is not an answer.
    if status.as_u16() == 202 {
        return Err(malformed(202, "the statement was accepted for later, not executed"));
    }
    documents(status.as_u16(), body, asked)
}

/// Reads one or several JSON documents. The first is the result; errors in any of them count, since
/// an error may follow rows that have been sent already (firebolt-wire §5.4).
fn documents(status: u16, body: &[u8], asked: Asked) -> Result<ResultSet, Error> {
    let text = std::str::from_utf8(body).map_err(|_| malformed(status, "the body is not UTF-8"))?;
    // A statement without a result may be answered by an empty body (firebolt-wire §5.1).
    if text.is_empty() {
        return Ok(ResultSet::default());
    }
    let mut first = None;
    for document in serde_json::Deserializer::from_str(text).into_iter::<Document<'_>>() {
        let document = document.map_err(|error| {
            malformed(status, &format!("the body is cut short or no JSON: {error}"))
        })?;
        if let Some(errors) = document.errors.filter(|errors| !is_empty_errors(errors)) {
            return Err(refusal(status, &message_of_errors(errors.get()), asked));
        }
        first.get_or_insert(document);
    }
    match first {
        Some(document) if document.is_result() => document.into_rows(status),
        Some(_) | None => Err(malformed(status, "the body is JSON, but no result document")),
    }
}

/// A result document, JSON_Compact (firebolt-wire §5.1). Unknown keys are welcome.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    meta: Option<Vec<MetaColumn>>,
    #[serde(borrow, default)]
    data: Option<Vec<Vec<&'a RawValue>>>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
    #[serde(default)]
    query: Option<IgnoredAny>,
    #[serde(default)]
    statistics: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct MetaColumn {
    name: String,
    #[serde(rename = "type", default)]
    type_name: String,
}

impl Document<'_> {
    /// At least one part of the result: a gateway's own JSON inside a 200 has none.
    fn is_result(&self) -> bool {
        self.meta.is_some()
            || self.data.is_some()
            || self.query.is_some()
            || self.statistics.is_some()
    }

    fn into_rows(self, status: u16) -> Result<ResultSet, Error> {
        let columns: Vec<Column> = self
            .meta
            .unwrap_or_default()
            .into_iter()
            .map(|column| Column { name: column.name, type_name: column.type_name })
            .collect();
        let data = self.data.unwrap_or_default();
        // The document is whole and without errors, so the statement did happen.
        if let Some(row) = data.iter().position(|row| row.len() != columns.len()) {
            let message = format!("row {row} does not have {} values", columns.len());
            return Err(malformed(status, &message).with_effect(Effect::Certain));
        }
        let shapes: Vec<Shape> = match data.is_empty() {
            true => Vec::new(),
            false => columns.iter().map(|column| Shape::of(&column.type_name)).collect(),
        };
        let decoded = |row: Vec<&RawValue>| {
            shapes.iter().zip(row).map(|(shape, raw)| Value::decode(shape, raw)).collect()
        };
        let rows = data.into_iter().map(decoded).collect();
        Ok(ResultSet { columns, rows })
    }
}

/// Decodes the reply of the token endpoint into the token and its life in seconds.
pub(crate) fn token(response: &Response<Bytes>) -> Result<(Secret, u64), Error> {
    #[derive(Deserialize)]
    struct TokenReply {
        access_token: String,
        #[serde(default)]
        expires_in: Option<f64>,
    }
    const EXPIRES_IN_DEFAULT: u64 = 3_600;

    let status = response.status();
    if !status.is_success() {
        // A refusal of the credentials is 400, 401 or 403, by the OAuth server's taste.
        let error = refusal(status.as_u16(), &message_of(response.body()), Asked::Statement);
        let refused = matches!(status.as_u16(), 400 | 401 | 403);
        let kind = if refused { ErrorKind::Unauthorized } else { error.kind() };
        return Err(Error::new(kind, Effect::None, error.message()).with_status(status.as_u16()));
    }
    let reply: TokenReply = serde_json::from_slice(response.body())
        .map_err(|_| malformed(status.as_u16(), "the token reply cannot be read"))?;
    // A cast of a float saturates, so a negative or absurd life is harmless.
    let seconds = reply.expires_in.map_or(EXPIRES_IN_DEFAULT, |seconds| seconds as u64);
    Ok((Secret::new(reply.access_token), seconds))
}

/// Decodes the reply of the account's `engineUrl` (firebolt-wire §3.1).
pub(crate) fn engine_url(response: &Response<Bytes>) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct EngineUrlReply {
        #[serde(rename = "engineUrl")]
        engine_url: String,
    }
    let status = response.status();
    if status.as_u16() == 404 {
        let message = "the account does not exist in this organization, or is not authorized";
        return Err(Error::new(ErrorKind::Refused, Effect::None, message).with_status(404));
    }
    if !status.is_success() {
        return Err(refusal(status.as_u16(), &message_of(response.body()), Asked::Statement));
    }
    check_complete(response)?;
    serde_json::from_slice::<EngineUrlReply>(response.body())
        .map(|reply| reply.engine_url)
        .map_err(|_| malformed(status.as_u16(), "the engineUrl reply cannot be read"))
}

/// A body shorter or longer than announced was cut or mixed up on its way.
fn check_complete(response: &Response<Bytes>) -> Result<(), Error> {
    let announced = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<u64>().ok());
    let encoded = response.headers().contains_key(http::header::CONTENT_ENCODING);
    let read = response.body().len() as u64;
    match announced {
        Some(length) if length != read && !encoded => {
            let message = format!("the body has {read} of {length} announced bytes");
            Err(malformed(response.status().as_u16(), &message))
        }
        _ => Ok(()),
    }
}

fn refusal(status: u16, message: &str, asked: Asked) -> Error {
    let (kind, effect) = classify(status, message, asked);
    Error::new(kind, effect, message).with_status(status)
}

fn malformed(status: u16, message: &str) -> Error {
    Error::new(ErrorKind::Malformed, Effect::InDoubt, message).with_status(status)
}

/// The readable part of an error body, whichever of the known forms it has (firebolt-wire §6.1):
/// structured, gateway, OAuth, or plain text.
fn message_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&text) else {
        return text.trim().to_owned();
    };
    if let Some(errors) = object.get("errors") {
        let message = message_of_errors(&errors.to_string());
        if !message.is_empty() {
            return message;
        }
    }
    let mut parts: Vec<&str> = Vec::new();
    for key in ["message", "error", "error_description", "detail"] {
        if let Some(part) = object.get(key).and_then(serde_json::Value::as_str)
            && !part.is_empty()
            && !parts.contains(&part)
        {
            parts.push(part);
        }
    }
    if parts.is_empty() { text.trim().to_owned() } else { parts.join(": ") }
}

/// The readable part of an `errors` value: each entry's code, name and description.
fn message_of_errors(errors: &str) -> String {
    let entries = match serde_json::from_str(errors) {
        Ok(serde_json::Value::Array(entries)) => entries,
        Ok(serde_json::Value::Null) | Err(_) => return errors.to_owned(),
        Ok(entry) => vec![entry],
    };
    let shown: Vec<String> = entries.iter().map(message_of_entry).collect();
    shown.join("; ")
}

fn message_of_entry(entry: &serde_json::Value) -> String {
    let parts: Vec<String> = ["code", "name", "description", "message"]
        .iter()
        .filter_map(|key| match entry.get(key) {
            Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ => None,
        })
        .collect();
    match entry.as_str() {
        Some(text) => text.to_owned(),
        None if parts.is_empty() => entry.to_string(),
        None => parts.join(": "),
    }
}

/// `errors` may be present and say nothing: `[]` or `null` (firebolt-wire §5.1).
fn is_empty_errors(errors: &RawValue) -> bool {
    match serde_json::from_str(errors.get()) {
        Ok(serde_json::Value::Array(entries)) => entries.is_empty(),
        Ok(serde_json::Value::Null) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = r#"{"query":{"query_id":"q"},"meta":[{"name":"n","type":"long"}],
        "data":[["7"]],"rows":1,"statistics":{"elapsed":0.1}}"#;

    fn reply(status: u16, body: &str) -> Response<Bytes> {
        Response::builder()
            .status(status)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .expect("the test's own response is valid")
    }

    fn failure(status: u16, body: &str) -> Error {
        statement(&reply(status, body), Asked::Statement).result.expect_err(body)
    }

    #[test]
    fn a_whole_document_is_a_result() {
        let result = statement(&reply(200, WHOLE), Asked::Statement).result.expect("whole");
        assert_eq!((result.int(0, "n"), result.len()), (Some(7), 1));
        assert_eq!((result.int(0, "N"), result.int(1, "n")), (None, None));
        let twice = format!("{WHOLE}\n{}", WHOLE.replace("\"7\"", "\"8\""));
        let result = statement(&reply(200, &twice), Asked::Statement).result.expect("two whole");
        assert_eq!(result.int(0, "n"), Some(7));
        let empty = statement(&reply(200, ""), Asked::Commit).result.expect("empty is a success");
        assert!(empty.columns.is_empty());
    }

    #[test]
    fn a_success_status_is_not_enough() {
        let table = [
            (200, "<html>gateway</html>", ErrorKind::Malformed, Effect::InDoubt),
            (200, "  ", ErrorKind::Malformed, Effect::InDoubt),
            (200, "{}", ErrorKind::Malformed, Effect::InDoubt),
            (200, "{\"error\":\"no\",\"code\":16}", ErrorKind::Malformed, Effect::InDoubt),
            (200, "[1]", ErrorKind::Malformed, Effect::InDoubt),
            (202, WHOLE, ErrorKind::Malformed, Effect::InDoubt),
            (200, "{\"meta\":[],\"data\":[[1]]}", ErrorKind::Malformed, Effect::Certain),
            (200, "{\"errors\":[{\"description\":\"no\"}]}", ErrorKind::Refused, Effect::None),
            (200, "{\"meta\":[],\"errors\":{\"a\":1}}", ErrorKind::Refused, Effect::None),
        ];
        for (status, body, kind, effect) in table {
            let error = failure(status, body);
            assert_eq!((error.kind(), error.effect()), (kind, effect), "{status} {body}");
        }
        let appended = format!("{WHOLE}{{\"errors\":[{{\"description\":\"died\"}}]}}");
        assert_eq!(failure(200, &appended).message(), "died");
        let quiet = WHOLE.replacen('{', "{\"errors\":[],", 1);
        assert!(statement(&reply(200, &quiet), Asked::Statement).result.is_ok());
    }

    #[test]
    fn the_message_is_read_from_every_known_form() {
        let table = [
            ("plain text\n", "plain text"),
            ("{\"errors\":[{\"description\":\"a\"},{\"code\":\"7\",\"name\":\"b\"}]}", "a; 7: b"),
            ("{\"errors\":\"just text\"}", "just text"),
            ("{\"error\":\"E\",\"code\":16,\"message\":\"M\",\"details\":[]}", "M: E"),
            ("{\"error\":\"same\",\"message\":\"same\"}", "same"),
            ("{\"detail\":\"D\"}", "D"),
            ("{\"unknown\":1}", "{\"unknown\":1}"),
            ("", ""),
        ];
        for (body, message) in table {
            assert_eq!(failure(400, body).message(), message, "{body}");
        }
    }

    #[test]
    fn an_announced_length_is_checked() {
        let mut short = reply(200, WHOLE);
        short.headers_mut().insert(CONTENT_LENGTH, http::HeaderValue::from(WHOLE.len() + 1));
        let error = statement(&short, Asked::Commit).result.expect_err("short");
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Malformed, Effect::InDoubt));
        let mut empty = reply(200, "");
        empty.headers_mut().insert(CONTENT_LENGTH, http::HeaderValue::from(9));
        assert!(statement(&empty, Asked::Commit).result.is_err());
    }

    #[test]
    fn a_refused_token_is_unauthorized_whatever_the_status() {
        for status in [400, 401, 403] {
            let error = token(&reply(status, "{\"error\":\"bad\"}")).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
        }
        let (_, seconds) = token(&reply(200, "{\"access_token\":\"t\",\"expires_in\":-1}"))
            .expect("a strange life is no reason to fail");
        assert_eq!(seconds, 0);
        assert!(token(&reply(200, "{}")).is_err());
    }

    proptest! {
        #[test]
        fn any_reply_is_an_answer(
            status in 100u16..1000,
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "[\\[\\]{}\":,a-z0-9 ]{0,120}".prop_map(String::into_bytes),
                r#"\{"(meta|data|errors|query)":[\[\]{}":,a-z0-9null]{0,60}\}"#
                    .prop_map(String::into_bytes),
            ],
        ) {
            let response = Response::builder().status(status).body(Bytes::from(body));
            let response = response.expect("any such status is valid");
            for asked in [Asked::Statement, Asked::Commit] {
                let reply = statement(&response, asked);
                // Outside 2xx there is no success, and no effect is ever claimed as certain.
                if !(200..300).contains(&status) {
                    let error = reply.result.expect_err("not a success");
                    prop_assert!(error.effect() != Effect::Certain);
                }
            }
            let _ = token(&response);
            let _ = engine_url(&response);
        }

        #[test]
        fn no_beginning_of_a_document_is_a_success(cut in 1..WHOLE.len()) {
            let error = failure(200, &WHOLE[..cut]);
            prop_assert_eq!(error.kind(), ErrorKind::Malformed);
            prop_assert_eq!(error.effect(), Effect::InDoubt);
        }
    }
}
