//! `POST /oauth/token`: client credentials in, a bearer token out (firebolt-wire §2.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use serde::Deserialize;
use tokio::time::Instant;

use super::connection::Connection;
use super::query::door;
use super::reply::{Outcome, Reply};
use crate::fault::Endpoint;
use crate::server::Inner;
use crate::wire::{JSON, errors};

/// The tokens that were given out, each with its end.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    valid_until: BTreeMap<String, Instant>,
}

impl Tokens {
    fn give_out(&mut self, token: String, until: Instant) {
        self.valid_until.insert(token, until);
    }

    /// Whether a request that carries this token is let in.
    pub(crate) fn admits(&self, token: &str, now: Instant) -> bool {
        self.valid_until.get(token).is_some_and(|until| now < *until)
    }

    /// Forgets all of them.
    pub(crate) fn expire_all(&mut self) {
        self.valid_until.clear();
    }
}

/// The fields that matter, in a form or in JSON; the rest (audience, resource) is not looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Credentials {
    client_id: String,
    client_secret: String,
    grant_type: String,
}

/// Answers a sign-on.
pub(crate) async fn handle(
    inner: &Arc<Inner>,
    connection: &Connection,
    head: &Parts,
    body: &[u8],
) -> Outcome {
    door(inner, connection, Endpoint::Token, || grant(inner, head, body)).await
}

fn grant(inner: &Inner, head: &Parts, body: &[u8]) -> Reply {
    let credentials = read(head, body);
    let config = &inner.config;
    if credentials.grant_type != "client_credentials" {
        return refusal(400, "unsupported_grant_type", "grant_type must be client_credentials");
    }
    let known = credentials.client_id == config.client_id
        && credentials.client_secret == config.client_secret;
    if inner.is_core() || !known {
        return refusal(401, "access_denied", "Unauthorized");
    }
    let mut state = inner.state();
    let token = state.ids.token();
    state.tokens.give_out(token.clone(), Instant::now() + config.token_life);
    // Exactly these three: the Go SDK refuses a reply with any other field.
    let body = format!(
        "{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":{}}}",
        config.token_life.as_secs()
    );
    Reply::new(200, JSON, body)
}

fn read(head: &Parts, body: &[u8]) -> Credentials {
    let is_json = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    if is_json {
        return serde_json::from_slice(body).unwrap_or_default();
    }
    let mut credentials = Credentials::default();
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "client_id" => credentials.client_id = value.into_owned(),
            "client_secret" => credentials.client_secret = value.into_owned(),
            "grant_type" => credentials.grant_type = value.into_owned(),
            _ => {}
        }
    }
    credentials
}

fn refusal(status: u16, error: &str, description: &str) -> Reply {
    let body = format!("{{\"error\":\"{error}\",\"error_description\":\"{description}\"}}");
    Reply::new(status, JSON, body)
}

/// The bearer token of a request.
pub(crate) fn bearer(head: &Parts) -> Option<&str> {
    head.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Refuses a request without a valid token, before anything of it is executed: clients send it
/// again with a new one (firebolt-wire §2.1).
pub(crate) fn refuse_stranger(inner: &Inner, bearer: Option<&str>) -> Option<Reply> {
    let known = inner.is_core()
        || bearer.is_some_and(|token| inner.state().tokens.admits(token, Instant::now()));
    // 16 is gRPC's number for unauthenticated.
    (!known).then(|| Reply::new(401, JSON, errors::gateway_body(16, "Invalid or expired token")))
}
