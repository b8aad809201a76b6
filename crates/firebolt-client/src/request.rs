//! Pure encoding of the four requests there are: statement, token, engine URL. No IO, no state.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::config::{Secret, StatementOptions};
use crate::error::{Effect, Error, ErrorKind};
use crate::session::{Endpoint, Session, is_transactional};

/// Explicit transactions need at least this protocol version (firebolt-wire §7).
const PROTOCOL_VERSION: &str = "2.4";

const PROTOCOL_VERSION_HEADER: HeaderName = HeaderName::from_static("firebolt-protocol-version");

/// The audience of a service account's token (firebolt-wire §2.1).
const AUDIENCE: &str = "https://api.firebolt.io";

/// One statement: `POST <endpoint>?<parameters>` with the SQL as the body (firebolt-wire §4).
///
/// The parameters are the session's, overridden by the statement's own settings, except that no
/// setting can take a statement out of its transaction or change the format that we decode.
pub(crate) fn statement(
    session: &Session,
    sql: &str,
    options: &StatementOptions,
    token: Option<&Secret>,
    user_agent: &str,
) -> Result<Request<Bytes>, Error> {
    // 0 would mean "no limit" (firebolt-semantics §3.2), the opposite of what was asked.
    let timeout = options.statement_timeout.map(|limit| limit.as_millis().max(1).to_string());
    let mut parameters = Parameters::of(session);
    for (name, value) in &options.settings {
        if !is_transactional(name) {
            parameters.set(name, value);
        }
    }
    if let Some(label) = &options.label {
        parameters.set("query_label", label);
    }
    if let Some(milliseconds) = &timeout {
        parameters.set("statement_timeout", milliseconds);
    }
    parameters.set("output_format", "JSON_Compact");

    // Most addresses of a statement fit, so that the text grows once.
    let mut uri = String::with_capacity(256);
    uri.push_str(session.endpoint.as_str());
    uri.push('?');
    let uri = encoded(uri, parameters.sorted());
    build(Method::POST, uri, token, user_agent, Some("text/plain; charset=utf-8"), sql.to_owned())
        .map_err(|error| error.with_context(sql))
}

/// The parameters of one request: half a dozen, so a list is searched faster than a map is built.
struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    fn of(session: &'a Session) -> Self {
        let mut pairs = Vec::with_capacity(session.parameters.len() + 8);
        pairs
            .extend(session.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Parameters(pairs)
    }

    /// Sets a parameter, or sets it anew.
    fn set(&mut self, name: &'a str, value: &'a str) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(pair) => pair.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// By name: one session and one statement give one address.
    fn sorted(mut self) -> Vec<(&'a str, &'a str)> {
        self.0.sort_unstable();
        self.0
    }
}

/// A token for a service account, as a form (firebolt-wire §2.1).
pub(crate) fn token(
    url: &str,
    client_id: &str,
    client_secret: &Secret,
    user_agent: &str,
) -> Result<Request<Bytes>, Error> {
    let fields = [
        ("client_id", client_id),
        ("client_secret", client_secret.expose()),
        ("grant_type", "client_credentials"),
        ("audience", AUDIENCE),
    ];
    let form = encoded(String::new(), fields);
    build(
        Method::POST,
        url.to_owned(),
        None,
        user_agent,
        Some("application/x-www-form-urlencoded"),
        form,
    )
}

/// Where an account's system engine is (firebolt-wire §3.1).
pub(crate) fn engine_url(
    api: &Endpoint,
    account: &str,
    token: Option<&Secret>,
    user_agent: &str,
) -> Result<Request<Bytes>, Error> {
    let base = api.as_str().trim_end_matches('/');
    let account = percent_encoded(account);
    let uri = format!("{base}/web/v3/account/{account}/engineUrl");
    build(Method::GET, uri, token, user_agent, None, String::new())
}

/// The token URL for an API base: `/oauth/token` on the same host, whose first label `api` becomes
/// `id`; any other host is used as it is (firebolt-wire §2.1, the rule of the Node and Go SDKs).
pub(crate) fn token_url(api_base: &str) -> Option<String> {
    let (endpoint, _) = Endpoint::parse(api_base)?;
    let (scheme, rest) = endpoint.as_str().split_once("://")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = match authority.strip_prefix("api.") {
        Some(domain) => format!("id.{domain}"),
        None => authority.to_owned(),
    };
    Some(format!("{scheme}://{host}/oauth/token"))
}

fn build(
    method: Method,
    uri: String,
    token: Option<&Secret>,
    user_agent: &str,
    content_type: Option<&'static str>,
    body: String,
) -> Result<Request<Bytes>, Error> {
    // Not by the builder of the http crate: it moves the whole request at every step.
    let cannot = |error: http::Error| unsendable(&format!("the request cannot be built: {error}"));
    // The error says what is wrong with the URI, but does not quote it: it may be very long.
    let uri = Uri::try_from(uri).map_err(|error| cannot(error.into()))?;
    let user_agent = HeaderValue::from_str(user_agent).map_err(|error| cannot(error.into()))?;
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    // Ours and what the transport adds; a map that grows is built anew.
    headers.reserve(8);
    headers.insert(USER_AGENT, user_agent);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(PROTOCOL_VERSION_HEADER, HeaderValue::from_static(PROTOCOL_VERSION));
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(["Bearer ", token.expose()].concat())
            .map_err(|_| unsendable("the access token is not a valid header value"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(request)
}

fn unsendable(message: &str) -> Error {
    Error::new(ErrorKind::Config, Effect::None, message)
}

/// Appends `k=v&…` to what is there.
fn encoded<'a>(mut text: String, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        push_encoded(&mut text, name);
        text.push('=');
        push_encoded(&mut text, value);
    }
    text
}

/// With `%20` for a blank: unlike `+`, nothing reads it as anything else.
fn push_encoded(text: &mut String, part: &str) {
    // What has nothing to encode is taken whole, and nearly all parts are such.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if part.bytes().all(is_plain) {
        text.push_str(part);
        return;
    }
    for piece in form_urlencoded::byte_serialize(part.as_bytes()) {
        text.push_str(if piece == "+" { "%20" } else { piece });
    }
}

fn percent_encoded(part: &str) -> String {
    let mut text = String::new();
    push_encoded(&mut text, part);
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::TRANSACTION_ID;

    fn session() -> Session {
        let (endpoint, parameters) =
            Endpoint::parse("http://h:1/query?account_id=a b").expect("a valid endpoint");
        Session::new(endpoint, parameters)
    }

    #[test]
    fn no_setting_takes_a_statement_out_of_its_transaction() {
        let mut session = session();
        session.parameters.insert(TRANSACTION_ID.into(), "tx".into());
        let options = StatementOptions::default()
            .label("a+b")
            .statement_timeout(Duration::from_micros(1))
            .setting(TRANSACTION_ID, "other")
            .setting("output_format", "PSQL")
            .setting("enable_result_cache", "false");
        let request = statement(&session, "SELECT 1", &options, None, "ua").expect("encodes");
        assert_eq!(
            request.uri().to_string(),
            "http://h:1/query?account_id=a%20b&enable_result_cache=false\
             &output_format=JSON_Compact&query_label=a%2Bb&statement_timeout=1&transaction_id=tx"
        );
    }

    #[test]
    fn what_cannot_be_sent_is_an_error_without_effect() {
        let long = StatementOptions::default().label("x".repeat(100_000));
        let error = statement(&session(), "SELECT 1", &long, None, "ua").expect_err("too long");
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Config, Effect::None));
        let token = Secret::new("bad\ntoken");
        let options = StatementOptions::default();
        let error = statement(&session(), "SELECT 1", &options, Some(&token), "ua")
            .expect_err("not a header value");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("bad"));
    }

    #[test]
    fn the_token_host_is_the_api_host_with_another_first_label() {
        let table = [
            ("https://api.app.firebolt.io", Some("https://id.app.firebolt.io/oauth/token")),
            ("http://127.0.0.1:80/", Some("http://127.0.0.1:80/oauth/token")),
            ("https://apis.example", Some("https://apis.example/oauth/token")),
            ("", None),
        ];
        for (base, expected) in table {
            assert_eq!(token_url(base).as_deref(), expected, "{base}");
        }
    }

    #[test]
    fn an_account_name_cannot_leave_its_path_segment() {
        let (api, _) = Endpoint::parse("https://api.x/").expect("a valid endpoint");
        let request = engine_url(&api, "a/../b c", None, "ua").expect("encodes");
        assert_eq!(
            request.uri().to_string(),
            "https://api.x/web/v3/account/a%2F..%2Fb%20c/engineUrl"
        );
    }
}
