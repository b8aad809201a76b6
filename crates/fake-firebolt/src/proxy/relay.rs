//! The life of a request in the proxy: received, sent on, answered.
//!
//! A client that goes away takes its request to the service along, as it would without a proxy;
//! only what a rule executes late goes on by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

use super::Inner;
use super::body::Relayed;
use super::routes::Routes;
use crate::fault::{
    Answer, CannedReply, Endpoint, FaultPoint, Hooks, Phase, StatementInfo, Verdict, statement_kind,
};
use crate::http::body::unpack;
use crate::http::connection::ResetSwitch;
use crate::http::engine_url;
use crate::http::parameters::Parameters;
use crate::http::reply::Severed;
use crate::wire::errors;

/// Bytes of a request or of a reply that has to be read whole.
const BODY_MAX: usize = 256 << 20;

/// Headers that belong to one connection and not to the message (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Who is at the other end.
pub(super) struct Client {
    pub(super) ordinal: u64,
    pub(super) peer: String,
    pub(super) reset: ResetSwitch,
}

/// One request as it came.
struct Message {
    head: Parts,
    body: Bytes,
    endpoint: Endpoint,
}

/// What the service said.
struct Said {
    response: Response<Incoming>,
}

type Reply = Result<Response<Relayed>, Severed>;

pub(super) async fn respond(
    inner: Arc<Inner>,
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Reply {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Ok(own(413, format!("the proxy takes bodies of up to {BODY_MAX} bytes")));
        }
        // A request that the client did not finish was never received.
        Err(_) => return Err(Severed),
    };
    let endpoint = match (&head.method, head.uri.path()) {
        (&Method::POST, "/oauth/token") => Endpoint::Token,
        (&Method::GET, path) if engine_url::account(path).is_some() => Endpoint::EngineUrl,
        _ => Endpoint::Query,
    };
    let info = describe(&inner, &client, endpoint, &head, &body);
    let message = Message { head, body, endpoint };
    let verdict = inner.rules.at(&FaultPoint { phase: Phase::Received, statement: &info });
    match verdict {
        Verdict::Delay(delay) => tokio::time::sleep(delay).await,
        Verdict::Hold(gate) => gate.opened().await,
        Verdict::Cut => return Err(Severed),
        Verdict::Reset => return reset(&client),
        Verdict::Hang => return std::future::pending().await,
        Verdict::Answer(reply) => return Ok(canned(reply)),
        Verdict::ExecuteLater(delay) => {
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                if let Ok(said) = send(&inner, &message).await {
                    drain(said).await;
                }
            });
            return Err(Severed);
        }
        Verdict::Twice => {
            if let Ok(said) = send(&inner, &message).await {
                drain(said).await;
            }
        }
        // What a rule cannot demand on the wire.
        Verdict::Pass
        | Verdict::CutMidReply(_)
        | Verdict::Conflict
        | Verdict::FailStatement(_)
        | Verdict::Restart { .. } => {}
    }
    match send(&inner, &message).await {
        Ok(said) => answered(&inner, &client, &info, &message, said).await,
        Err(text) => {
            tracing::warn!(text, "the service could not be asked");
            inner.rules.answered(&Answer { statement: &info, status: 502 });
            Ok(own(502, text))
        }
    }
}

/// The `Answered` point: the service's reply is here, and nothing of it has gone on.
async fn answered(
    inner: &Inner,
    client: &Client,
    info: &StatementInfo,
    message: &Message,
    said: Said,
) -> Reply {
    let endpoint = message.endpoint;
    let status = said.response.status().as_u16();
    inner.rules.answered(&Answer { statement: info, status });
    match inner.rules.at(&FaultPoint { phase: Phase::Answered, statement: info }) {
        Verdict::Delay(delay) => tokio::time::sleep(delay).await,
        Verdict::Hold(gate) => gate.opened().await,
        // What is lost here is the reply and nothing else: the service is let to its end first.
        Verdict::Cut => {
            drain(said).await;
            return Err(Severed);
        }
        Verdict::Reset => {
            drain(said).await;
            return reset(client);
        }
        Verdict::Hang => {
            drain(said).await;
            return std::future::pending().await;
        }
        Verdict::Answer(reply) => {
            drain(said).await;
            return Ok(canned(reply));
        }
        Verdict::CutMidReply(bytes) => return cut(inner, endpoint, said, bytes).await,
        Verdict::FailStatement(error) if status == 200 => {
            return fail_late(inner, message, said, &error).await;
        }
        Verdict::Pass
        | Verdict::Conflict
        | Verdict::FailStatement(_)
        | Verdict::ExecuteLater(_)
        | Verdict::Twice
        | Verdict::Restart { .. } => {}
    }
    let (mut head, body) = said.response.into_parts();
    strip(&mut head.headers);
    inner.routes.update_endpoint(&mut head.headers);
    if Routes::rewrites_body(endpoint, status) {
        let body = whole(body).await?;
        let body = inner.routes.engine_url(&mut head.headers, body);
        return Ok(Response::from_parts(head, Relayed::whole(body)));
    }
    Ok(Response::from_parts(head, Relayed::Stream(body)))
}

/// The reply with an error behind its rows, where there is a place for one that is known here.
async fn fail_late(inner: &Inner, message: &Message, said: Said, error: &CannedReply) -> Reply {
    let (mut head, body) = said.response.into_parts();
    strip(&mut head.headers);
    inner.routes.update_endpoint(&mut head.headers);
    let mut body = whole(body).await?;
    if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip") {
        body = unpack(&body, BODY_MAX).map_err(|_| Severed)?;
        head.headers.remove(CONTENT_ENCODING);
    }
    // Read as the service reads them: it may be either of two parameters that says the format.
    let parameters = Parameters::parse(message.head.uri.query().unwrap_or_default());
    let text = errors::description(&String::from_utf8_lossy(&error.body));
    // No text can be put behind blocks of LZ4.
    let known = parameters.format().ok().filter(|_| !parameters.compress);
    let failed = known.and_then(|format| {
        std::str::from_utf8(&body).ok().and_then(|written| format.fail_late(written, &text))
    });
    match failed {
        Some(failed) => body = failed.into(),
        None => tracing::warn!(?parameters, "no place for an error is known in this reply"),
    }
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(head, Relayed::whole(body)))
}

async fn cut(inner: &Inner, endpoint: Endpoint, said: Said, bytes: usize) -> Reply {
    let (mut head, body) = said.response.into_parts();
    strip(&mut head.headers);
    inner.routes.update_endpoint(&mut head.headers);
    let mut body = whole(body).await?;
    if Routes::rewrites_body(endpoint, head.status.as_u16()) {
        body = inner.routes.engine_url(&mut head.headers, body);
    }
    if body.is_empty() {
        // An empty body has no middle to break off in.
        return Err(Severed);
    }
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(head, Relayed::cut(&body, bytes)))
}

fn describe(
    inner: &Inner,
    client: &Client,
    endpoint: Endpoint,
    head: &Parts,
    body: &Bytes,
) -> StatementInfo {
    let is_query = endpoint == Endpoint::Query && head.method == Method::POST;
    // No credentials reach a rule or a log: the body of a sign-on is not a statement.
    let sql = if is_query { String::from_utf8_lossy(body) } else { "".into() };
    StatementInfo {
        request: inner.requests.fetch_add(1, Ordering::Relaxed) + 1,
        peer: client.peer.clone(),
        connection: client.ordinal,
        endpoint,
        kind: statement_kind(&sql),
        sql: Arc::from(&*sql),
        transaction: parameter(head, "transaction_id"),
        label: parameter(head, "query_label"),
    }
}

fn parameter(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Sends the message on; the head of the reply, or why there is none.
async fn send(inner: &Inner, message: &Message) -> Result<Said, String> {
    let Message { head, body, endpoint } = message;
    let origin = inner.routes.origin(*endpoint, head.uri.query());
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = head.method.clone();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse().map_err(|_| format!("cannot ask for {target}"))?;
    let headers = request.headers_mut();
    headers.clone_from(&head.headers);
    strip(headers);
    headers.remove(CONTENT_LENGTH);
    let host = HeaderValue::from_str(&origin.authority())
        .map_err(|_| format!("{origin} cannot be the name of a host"))?;
    headers.insert(HOST, host);
    if !inner.connector.pool.keeps() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let response = inner.connector.send(&origin, request).await?;
    Ok(Said { response })
}

/// Takes out what belongs to one connection only, also what the message itself names so.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

async fn whole(body: Incoming) -> Result<Bytes, Severed> {
    // A service that breaks off is a service that breaks off: the client sees the same.
    Limited::new(body, BODY_MAX).collect().await.map(|body| body.to_bytes()).map_err(|_| Severed)
}

/// Reads a reply to its end and keeps nothing of it.
async fn drain(said: Said) {
    let mut body = said.response.into_body();
    while let Some(Ok(_)) = body.frame().await {}
}

fn reset(client: &Client) -> Reply {
    client.reset.turn_on();
    Err(Severed)
}

/// The proxy's own words.
fn own(status: u16, text: String) -> Response<Relayed> {
    canned(CannedReply::text(status, format!("fake-firebolt proxy: {text}")))
}

fn canned(reply: CannedReply) -> Response<Relayed> {
    let mut response = Response::new(Relayed::whole(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_str(&reply.content_type);
    if let (false, Ok(value)) = (reply.content_type.is_empty(), content_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.append(name, value);
        }
    }
    response
}
