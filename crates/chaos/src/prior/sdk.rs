//! One session of the Python SDK: sign-on, statements, and errors as exceptions with a text.
//!
//! It retries nothing but one re-authentication on 401. A structured error carries no HTTP status,
//! which is why the loader's classification by status never worked (firebolt-semantics §9 F12).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;

use super::http::{Broken, Pool, Reply};
use super::wire::Wire;
use crate::statement::{Endpoint, StatementName, classify};

/// Who signs on, and to what.
#[derive(Clone)]
pub struct Account {
    /// The account's name.
    pub account: String,
    /// The database of every statement.
    pub database: String,
    /// The engine that runs them.
    pub engine: String,
    /// The service account.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} {}/{})", self.account, self.database, self.engine)
    }
}

/// An exception: its text, and the HTTP status where the exception type has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SdkError {
    pub(super) text: String,
    pub(super) status: Option<u16>,
}

impl SdkError {
    fn new(text: impl Into<String>) -> Self {
        SdkError { text: text.into(), status: None }
    }
}

impl From<Broken> for SdkError {
    fn from(broken: Broken) -> Self {
        SdkError::new(broken.to_string())
    }
}

/// A result's rows, each value as text; NULL as `None`.
pub(super) type Rows = Vec<Vec<Option<String>>>;

const TOKEN_HOST: &str = "id.app.firebolt.io";
const API_HOST: &str = "api.app.firebolt.io";

/// A connected session.
pub(super) struct Session {
    account: Account,
    pool: Pool,
    token: String,
    host: String,
    path: String,
    parameters: BTreeMap<String, String>,
}

impl Session {
    /// Signs on: token, engineUrl, USE DATABASE, USE ENGINE.
    pub(super) async fn connect(
        account: &Account,
        wire: Arc<dyn Wire>,
    ) -> Result<Session, SdkError> {
        let mut session = Session {
            account: account.clone(),
            pool: Pool::new(wire),
            token: String::new(),
            host: String::new(),
            path: "/".to_owned(),
            parameters: BTreeMap::new(),
        };
        session.authenticate().await?;
        session.find_engine().await?;
        session.execute(&format!("USE DATABASE \"{}\"", account.database)).await?;
        session.execute(&format!("USE ENGINE \"{}\"", account.engine)).await?;
        Ok(session)
    }

    /// Runs one statement.
    pub(super) async fn execute(&mut self, sql: &str) -> Result<Rows, SdkError> {
        let mut reply = self.post(sql).await?;
        if is_unauthenticated(&reply) {
            self.authenticate().await?;
            reply = self.post(sql).await?;
        }
        if reply.status.is_success() {
            self.follow(&reply);
        }
        interpret(&reply, &self.account.engine, &self.host)
    }

    async fn authenticate(&mut self) -> Result<(), SdkError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.account.client_id)
            .append_pair("client_secret", &self.account.client_secret)
            .append_pair("grant_type", "client_credentials")
            .append_pair("audience", "https://api.firebolt.io")
            .finish();
        let request = request(Method::POST, TOKEN_HOST, "/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let reply =
            self.pool.send(TOKEN_HOST, StatementName::SignOn, finished(request, form)).await?;
        let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match document.get("access_token").and_then(Value::as_str) {
            Some(token) if reply.status.is_success() => self.token = token.to_owned(),
            _ => return Err(SdkError::new("Failed to authenticate")),
        }
        Ok(())
    }

    async fn find_engine(&mut self) -> Result<(), SdkError> {
        let path = format!("/web/v3/account/{}/engineUrl", self.account.account);
        let request = request(Method::GET, API_HOST, &path)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        let request = finished(request, String::new());
        let reply = self.pool.send(API_HOST, StatementName::SignOn, request).await?;
        let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let Some(url) = document.get("engineUrl").and_then(Value::as_str) else {
            return Err(SdkError::new(format!(
                "Account '{}' does not exist in this organization or is not authorized.",
                self.account.account
            )));
        };
        let url = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        self.host = host.to_owned();
        self.path = format!("/{path}");
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            self.parameters.insert(name.into_owned(), value.into_owned());
        }
        Ok(())
    }

    async fn post(&mut self, sql: &str) -> Result<Reply, SdkError> {
        let format = [("output_format".to_owned(), "JSON_Compact".to_owned())];
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.parameters)
            .extend_pairs(format)
            .finish();
        let target = format!("{}?{query}", self.path);
        let request = request(Method::POST, &self.host, &target)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header("Firebolt-Protocol-Version", "2.3");
        let statement = classify(Endpoint::Query, sql);
        Ok(self.pool.send(&self.host, statement, finished(request, sql.to_owned())).await?)
    }

    /// Keeps what the server asks to keep. Transaction ids are dropped, as release 1.18 did: with
    /// its default autocommit the loader never had a transaction.
    fn follow(&mut self, reply: &Reply) {
        for line in reply.headers.get_all("Firebolt-Update-Parameters") {
            for pair in line.to_str().unwrap_or("").split(',') {
                if let Some((name, value)) = pair.trim().split_once('=')
                    && !name.starts_with("transaction_")
                {
                    self.parameters.insert(name.to_owned(), value.to_owned());
                }
            }
        }
    }
}

fn request(method: Method, host: &str, target: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, "PythonSDK/1.17.0 (Python 3.11.7; Linux; )")
}

fn finished(request: http::request::Builder, body: String) -> Request<Full<Bytes>> {
    request.body(Full::new(Bytes::from(body))).expect("host and target come from parsed texts")
}

fn is_unauthenticated(reply: &Reply) -> bool {
    reply.status.as_u16() == 401
        || (reply.status.as_u16() == 500 && reply.text().contains("HTTP status code: 401"))
}

/// A reply as rows or as the exception that the SDK raises (firebolt-wire §6.2, column PY).
fn interpret(reply: &Reply, engine: &str, host: &str) -> Result<Rows, SdkError> {
    let status = reply.status.as_u16();
    let text = reply.text();
    let is_json = reply.content_type().starts_with("application/json");
    let document: Option<Value> = if is_json { serde_json::from_str(&text).ok() } else { None };
    let is_stopped = ["stopped", "not running", "not yet healthy"].map(|word| text.contains(word));
    match status {
        500 => Err(SdkError::new(format!("Error executing query:\n{text}"))),
        403 => Err(SdkError::new(text)),
        404 | 503 if is_stopped.contains(&true) => Err(SdkError::new(format!(
            "Firebolt engine {engine} needs to be running to run queries against it."
        ))),
        _ => {
            let errors = document.as_ref().and_then(|document| document.get("errors")?.as_array());
            if let Some(errors) = errors.filter(|errors| !errors.is_empty()) {
                return Err(SdkError::new(structured(errors)));
            }
            if status < 400 {
                return rows(&text);
            }
            if reply.content_type().starts_with("text/plain") && !text.is_empty() {
                return Err(SdkError::new(text));
            }
            let text = format!("Client error '{status}' for url 'https://{host}/'");
            Err(SdkError { text, status: Some(status) })
        }
    }
}

/// `ERROR: name (code) - description`, as far as the parts are there.
fn structured(errors: &[Value]) -> String {
    let one = |error: &Value| {
        let part = |name: &str| error.get(name).and_then(Value::as_str);
        let mut text = String::new();
        if let Some(severity) = part("severity") {
            text.push_str(&format!("{severity}: "));
        }
        if let Some(name) = part("name") {
            text.push_str(&format!("{name} "));
        }
        if let Some(code) = part("code") {
            text.push_str(&format!("({code}) - "));
        }
        text + part("description").unwrap_or("")
    };
    errors.iter().map(one).collect::<Vec<_>>().join(",\n")
}

fn rows(text: &str) -> Result<Rows, SdkError> {
    if text.is_empty() {
        return Ok(Rows::new());
    }
    let wrong = || SdkError::new("Invalid query data format");
    let document: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let data = document.get("data").and_then(Value::as_array).ok_or_else(wrong)?;
    data.iter()
        .map(|row| Ok(row.as_array().ok_or_else(wrong)?.iter().map(cell).collect()))
        .collect()
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn raised(status: u16, content_type: Option<&str>, body: &str) -> SdkError {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(value).expect("a type"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let reply = Reply { status, headers, body: Bytes::from(body.to_owned()) };
        interpret(&reply, "eng", "engine.invalid").expect_err("an error")
    }

    #[test]
    fn errors_read_as_the_sdk_raises_them() {
        let json = Some("application/json");
        let plain = Some("text/plain");
        let structured =
            r#"{"errors":[{"code":"42P01","name":"E","severity":"ERROR","description":"boom"}]}"#;
        for (status, content_type, body, text, kept) in [
            (400, json, structured, "ERROR: E (42P01) - boom", None),
            (200, json, structured, "ERROR: E (42P01) - boom", None),
            (500, json, "oops", "Error executing query:\noops", None),
            (409, plain, "detected 1 conflicts, code: 9", "detected 1 conflicts, code: 9", None),
            (
                503,
                plain,
                "The engine is not running",
                "Firebolt engine eng needs to be running to run queries against it.",
                None,
            ),
            (409, None, "", "Client error '409' for url 'https://engine.invalid/'", Some(409)),
            (200, json, "{\"data\":", "Invalid query data format", None),
        ] {
            let error = raised(status, content_type, body);
            assert_eq!((error.text.as_str(), error.status), (text, kept), "{status} {body}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let account = Account {
            account: "acc".to_owned(),
            database: "db".to_owned(),
            engine: "eng".to_owned(),
            client_id: "id".to_owned(),
            client_secret: "s3cret".to_owned(),
        };
        assert_eq!(format!("{account:?}"), "Account(acc db/eng)");
    }
}
