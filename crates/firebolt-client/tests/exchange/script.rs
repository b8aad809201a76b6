//! A transport that answers from a script and remembers what it was asked.
//!
//! Only for tests: it knows nothing of Firebolt, so what the client makes of an answer is not decided
//! here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use firebolt_client::{BoxFuture, Client, ClientConfig, Transport, TransportError};
use http::{Request, Response};

/// What the server does with one request.
pub(crate) enum Answer {
    Reply(Response<Bytes>),
    After(Duration, Response<Bytes>),
    Fail(TransportError),
    Silence,
}

/// A server: from a request to its answer.
type Server = dyn FnMut(&Request<Bytes>) -> Answer + Send;

pub(crate) struct Script {
    server: Mutex<Box<Server>>,
    sent: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    pub(crate) fn new(server: impl FnMut(&Request<Bytes>) -> Answer + Send + 'static) -> Arc<Self> {
        Arc::new(Script { server: Mutex::new(Box::new(server)), sent: Mutex::default() })
    }

    /// Answers in order, whatever is asked; panics when asked once more than there are answers.
    pub(crate) fn queue(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Script::new(move |request| match answers.pop_front() {
            Some(answer) => answer,
            None => panic!("a request too many: {}", line(request)),
        })
    }

    /// One line a request, in the order they were sent.
    pub(crate) fn log(&self) -> Vec<String> {
        self.sent.lock().expect("no test panics while logging").iter().map(line).collect()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Option<Request<Bytes>> {
        self.sent.lock().expect("no test panics while logging").last().cloned()
    }

    /// A client of Firebolt Core on this script.
    pub(crate) fn core(self: &Arc<Self>) -> Client {
        let mut config = ClientConfig::core("http://h");
        config.user_agent = "test".to_owned();
        Client::new(self.clone(), config)
    }

    /// A client with a service account on this script.
    pub(crate) fn cloud(self: &Arc<Self>) -> Client {
        let mut config = ClientConfig::service_account("acc", "cid", "s3cret");
        config.api_base = "http://h".to_owned();
        config.database = "d".to_owned();
        config.engine = Some("e".to_owned());
        Client::new(self.clone(), config)
    }
}

impl Transport for Script {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.sent.lock().expect("no test panics while logging").push(request.clone());
        let answer = (self.server.lock().expect("a failed test fails anyway"))(&request);
        Box::pin(async move {
            match answer {
                Answer::Reply(response) => {
                    // A reply takes a moment, or concurrent statements would never overlap.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    Ok(response)
                }
                Answer::After(delay, response) => {
                    tokio::time::sleep(delay).await;
                    Ok(response)
                }
                Answer::Fail(error) => Err(error),
                Answer::Silence => std::future::pending().await,
            }
        })
    }
}

/// `token` or `engineUrl` or the statement, and the transaction it is sent in.
fn line(request: &Request<Bytes>) -> String {
    if !is_statement(request) {
        return request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    }
    let sql = sql(request);
    match parameter(request, "transaction_id") {
        Some(id) => format!("{sql} [{id}]"),
        None => sql,
    }
}

pub(crate) fn is_statement(request: &Request<Bytes>) -> bool {
    !request.uri().path().ends_with("/oauth/token") && !request.uri().path().ends_with("engineUrl")
}

pub(crate) fn sql(request: &Request<Bytes>) -> String {
    String::from_utf8_lossy(request.body()).into_owned()
}

pub(crate) fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) fn bearer(request: &Request<Bytes>) -> String {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    header.unwrap_or_default().to_owned()
}

/// A result document without rows.
pub(crate) fn ok() -> Response<Bytes> {
    reply(200, r#"{"query":{},"meta":[],"data":[],"rows":0,"statistics":{"elapsed":0}}"#)
}

pub(crate) fn reply(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .expect("the test's own response is valid")
}

/// A result document without rows, with one header.
pub(crate) fn ok_with(name: &'static str, value: &'static str) -> Response<Bytes> {
    let mut response = ok();
    response.headers_mut().append(name, http::HeaderValue::from_static(value));
    response
}

pub(crate) fn token(text: &str, expires_in: u64) -> Response<Bytes> {
    let body =
        format!(r#"{{"access_token":"{text}","token_type":"Bearer","expires_in":{expires_in}}}"#);
    reply(200, &body)
}

/// The usual answers to a sign-on; `None` for statements other than USE.
pub(crate) fn sign_on(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let path = request.uri().path();
    if path.ends_with("/oauth/token") {
        return Some(token("tok", 86_400));
    }
    if path.ends_with("/engineUrl") {
        return Some(reply(200, r#"{"engineUrl":"http://h?account_id=1"}"#));
    }
    sql(request).starts_with("USE ").then(ok)
}
