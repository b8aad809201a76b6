//! Which host of the service a request goes to, and what in a reply would lead the client around
//! the proxy.
//!
//! The cloud service is several hosts: one signs on, one knows accounts, one runs the system
//! engine, one each engine (firebolt-wire §1). Clients learn the later ones from replies; here the
//! proxy learns them, and tells the client its own address instead. Firebolt-Update-Endpoint is
//! taken out, because clients disagree about its port and scheme (firebolt-wire §3.3); the engine's
//! name goes on as a parameter, by which the proxy knows the way.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};

use super::origin::Origin;
use crate::fault::Endpoint;

const UPDATE_ENDPOINT: HeaderName = HeaderName::from_static("firebolt-update-endpoint");
const UPDATE_PARAMETERS: HeaderName = HeaderName::from_static("firebolt-update-parameters");

/// Engines whose address is kept; more than an account has.
const ENGINES_MAX: usize = 1_000;

/// What is known about the hosts of the service.
#[derive(Debug)]
pub(super) struct Routes {
    api: Origin,
    own_url: String,
    learned: Mutex<Learned>,
}

#[derive(Debug, Default)]
struct Learned {
    system: Option<Origin>,
    engines: BTreeMap<String, Origin>,
}

impl Routes {
    pub(super) fn new(api: Origin, own_url: &str) -> Self {
        Self { api, own_url: own_url.to_owned(), learned: Mutex::default() }
    }

    /// Where a request goes.
    pub(super) fn origin(&self, endpoint: Endpoint, query: Option<&str>) -> Origin {
        match endpoint {
            // Where the SDKs themselves look: the neighbour of the api host.
            Endpoint::Token => match self.api.host().strip_prefix("api.") {
                Some(rest) => self.api.with_host(format!("id.{rest}")),
                None => self.api.clone(),
            },
            Endpoint::EngineUrl => self.api.clone(),
            Endpoint::Query => {
                let learned = self.learned();
                parameter(query.unwrap_or_default(), "engine")
                    .and_then(|engine| learned.engines.get(&engine).cloned())
                    .or_else(|| learned.system.clone())
                    .unwrap_or_else(|| self.api.clone())
            }
        }
    }

    /// Whether the body of such a reply names an address.
    pub(super) fn rewrites_body(endpoint: Endpoint, status: u16) -> bool {
        endpoint == Endpoint::EngineUrl && status == 200
    }

    /// Learns the system engine's address and puts the proxy's own in its place, with the
    /// parameters that were there.
    pub(super) fn engine_url(&self, headers: &mut HeaderMap, body: Bytes) -> Bytes {
        let Ok(mut document) = serde_json::from_slice::<serde_json::Value>(&body) else {
            return body;
        };
        let Some(url) = document.get("engineUrl").and_then(|url| url.as_str()) else {
            return body;
        };
        let Ok(origin) = url.parse() else { return body };
        self.learned().system = Some(origin);
        let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = after_scheme.find(['/', '?']).map_or("", |at| &after_scheme[at..]);
        let own =
            format!("{}/{}", self.own_url.trim_end_matches('/'), rest.trim_start_matches('/'));
        document["engineUrl"] = own.into();
        let body = Bytes::from(document.to_string());
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        body
    }

    /// Learns an engine's address, and hides it from the client.
    pub(super) fn update_endpoint(&self, headers: &mut HeaderMap) {
        let Some(value) = headers.remove(UPDATE_ENDPOINT) else { return };
        let Ok(value) = value.to_str() else { return };
        let query = value.split_once('?').map_or("", |(_, query)| query);
        let (Some(engine), Ok(origin)) = (parameter(query, "engine"), value.parse::<Origin>())
        else {
            tracing::warn!(value, "an endpoint without an engine's name cannot be followed");
            return;
        };
        {
            let mut learned = self.learned();
            if learned.engines.len() < ENGINES_MAX || learned.engines.contains_key(&engine) {
                learned.engines.insert(engine.clone(), origin);
            }
        }
        let told = headers.get_all(UPDATE_PARAMETERS).iter().any(|line| {
            line.to_str()
                .is_ok_and(|line| line.split(',').any(|it| it.trim().starts_with("engine=")))
        });
        if let (false, Ok(line)) = (told, HeaderValue::from_str(&format!("engine={engine}"))) {
            headers.append(UPDATE_PARAMETERS, line);
        }
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let api = "https://api.app.firebolt.io".parse().expect("a URL");
        Routes::new(api, "http://127.0.0.1:3473/")
    }

    #[test]
    fn each_request_goes_to_the_host_that_serves_it() {
        let routes = routes();
        let to = |endpoint, query| routes.origin(endpoint, query).to_string();
        assert_eq!(to(Endpoint::Token, None), "https://id.app.firebolt.io");
        assert_eq!(to(Endpoint::EngineUrl, None), "https://api.app.firebolt.io");
        let mut headers = HeaderMap::new();
        let body = Bytes::from(r#"{"engineUrl":"sys.api.app.firebolt.io?account_id=a1"}"#);
        let body = routes.engine_url(&mut headers, body);
        assert_eq!(body, r#"{"engineUrl":"http://127.0.0.1:3473/?account_id=a1"}"#);
        assert_eq!(to(Endpoint::Query, Some("database=d")), "https://sys.api.app.firebolt.io");
        let line = "eng.api.app.firebolt.io/query?engine=e%201&account_id=a1";
        headers.insert(UPDATE_ENDPOINT, HeaderValue::from_static(line));
        routes.update_endpoint(&mut headers);
        assert_eq!(headers.get(UPDATE_ENDPOINT), None);
        assert_eq!(headers[UPDATE_PARAMETERS], "engine=e 1");
        assert_eq!(to(Endpoint::Query, Some("engine=e+1")), "https://eng.api.app.firebolt.io");
    }

    #[test]
    fn what_is_no_address_is_left_alone() {
        let mut headers = HeaderMap::new();
        for body in ["", "{}", "[1]", r#"{"engineUrl":7}"#, r#"{"engineUrl":""}"#] {
            assert_eq!(routes().engine_url(&mut headers, Bytes::from(body)), body);
        }
    }
}
