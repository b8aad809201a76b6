//! The session as a value: an endpoint and a map of URL parameters, edited by four response headers.
//!
//! The server keeps no connection state (firebolt-wire §1), so a session can be cloned; a transaction
//! is exactly such a clone with an id of its own. Headers are read generously, because no two clients
//! agree on their form (firebolt-wire §3.3): comma lists, repeated lines, blanks, split at the first
//! `=`. Nothing here does IO.

use std::collections::BTreeMap;

use http::HeaderMap;

/// The parameter that puts a statement into a transaction (firebolt-wire §7).
pub(crate) const TRANSACTION_ID: &str = "transaction_id";
/// Sent back when the server gives one (firebolt-wire §7).
const TRANSACTION_SEQUENCE_ID: &str = "transaction_sequence_id";

/// What survives `Firebolt-Reset-Session`: without these the next statement could not be routed.
const KEPT_ON_RESET: [&str; 3] = ["database", "engine", "account_id"];

/// Where statements are sent: scheme, authority and path, never a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint {
    base: String,
}

impl Endpoint {
    /// Splits `[scheme://]host[:port][/path][?k=v&…]` into the endpoint and its parameters. Scheme
    /// and port are kept when present; without a scheme it is https (firebolt-wire §11.2).
    pub(crate) fn parse(text: &str) -> Option<(Endpoint, Vec<(String, String)>)> {
        let text = text.trim();
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
        let scheme = scheme.to_ascii_lowercase();
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let base = format!("{scheme}://{authority}{path}");
        let usable = matches!(scheme.as_str(), "http" | "https")
            && base
                .parse::<http::Uri>()
                .is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
        usable.then(|| {
            let parameters = form_urlencoded::parse(query.as_bytes())
                .filter(|(name, _)| !name.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            (Endpoint { base }, parameters)
        })
    }

    /// `scheme://authority/path`.
    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }
}

/// Endpoint and parameters of the next statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Session {
    pub(crate) endpoint: Endpoint,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Session {
    pub(crate) fn new(endpoint: Endpoint, parameters: Vec<(String, String)>) -> Self {
        Session { endpoint, parameters: parameters.into_iter().collect() }
    }

    /// Applies a change in the order that the Python SDK uses: endpoint, reset, set, remove
    /// (firebolt-wire §3.3).
    pub(crate) fn apply(&mut self, change: &SessionChange) {
        if let Some((endpoint, parameters)) = &change.endpoint {
            self.endpoint = endpoint.clone();
            self.parameters.extend(parameters.iter().cloned());
        }
        if change.reset {
            self.parameters.retain(|name, _| KEPT_ON_RESET.contains(&name.as_str()));
        }
        self.parameters.extend(change.set.iter().cloned());
        for name in &change.removed {
            self.parameters.remove(name);
        }
    }

    pub(crate) fn transaction_id(&self) -> Option<&str> {
        self.parameters.get(TRANSACTION_ID).map(String::as_str).filter(|id| !id.is_empty())
    }
}

/// What one reply does to the session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct SessionChange {
    endpoint: Option<(Endpoint, Vec<(String, String)>)>,
    reset: bool,
    set: Vec<(String, String)>,
    removed: Vec<String>,
}

impl SessionChange {
    /// Reads the session headers of a successful reply. A value that cannot be read (not text, no
    /// name, an endpoint without a host) is left out rather than guessed.
    pub(crate) fn of_success(headers: &HeaderMap) -> Self {
        // Nearly all replies have none of the four; then one look is enough.
        if !headers.keys().any(|name| name.as_str().starts_with("firebolt-")) {
            return SessionChange::default();
        }
        SessionChange {
            endpoint: lines(headers, "firebolt-update-endpoint").find_map(Endpoint::parse),
            reset: lines(headers, "firebolt-reset-session").any(|value| !value.trim().is_empty()),
            set: listed(headers, "firebolt-update-parameters").filter_map(pair).collect(),
            removed: listed(headers, "firebolt-remove-parameters").map(str::to_owned).collect(),
        }
    }

    /// Reads the session headers of an error: only the end of a transaction is honoured, never an
    /// addition, since most clients ignore them there (firebolt-wire §11.2).
    pub(crate) fn of_error(headers: &HeaderMap) -> Self {
        let mut change = SessionChange::of_success(headers);
        if change.reset {
            change.removed.extend([TRANSACTION_ID, TRANSACTION_SEQUENCE_ID].map(str::to_owned));
        }
        change.removed.retain(|name| is_transactional(name));
        SessionChange { removed: change.removed, ..SessionChange::default() }
    }

    /// Whether applying it would change nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        self.endpoint.is_none() && !self.reset && self.set.is_empty() && self.removed.is_empty()
    }

    /// The same change for a session that is shared between statements. A transaction belongs to
    /// the one value that began it: its id in a shared session would drag unrelated statements in.
    pub(crate) fn without_transaction(mut self) -> Self {
        self.set.retain(|(name, _)| !is_transactional(name));
        if let Some((_, parameters)) = &mut self.endpoint {
            parameters.retain(|(name, _)| !is_transactional(name));
        }
        self
    }
}

/// The parameters that only a transaction may set.
pub(crate) fn is_transactional(name: &str) -> bool {
    name == TRANSACTION_ID || name == TRANSACTION_SEQUENCE_ID
}

/// The values of all lines of a header that are text.
fn lines<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

/// The trimmed, non-empty pieces of all comma lists of a header.
fn listed<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    lines(headers, name)
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
}

/// `name=value`, trimmed on both sides of the first `=`.
fn pair(piece: &str) -> Option<(String, String)> {
    let (name, value) = piece.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_str(value).expect("the test's own header is valid");
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }

    fn session() -> Session {
        let (endpoint, parameters) =
            Endpoint::parse("http://h:1/?account_id=a").expect("a valid endpoint");
        Session::new(endpoint, parameters)
    }

    #[test]
    fn an_endpoint_keeps_scheme_port_path_and_parameters() {
        let table = [
            ("h.firebolt.io", "https://h.firebolt.io/", vec![]),
            ("h.firebolt.io?account_id=1", "https://h.firebolt.io/", vec![("account_id", "1")]),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", vec![]),
            (
                " HTTP://127.0.0.1:8080/query?engine=my%20eng&account_id=1 ",
                "http://127.0.0.1:8080/query",
                vec![("engine", "my eng"), ("account_id", "1")],
            ),
            ("h:3473/?", "https://h:3473/", vec![]),
        ];
        for (text, base, parameters) in table {
            let (endpoint, found) = Endpoint::parse(text).expect(text);
            assert_eq!(endpoint.as_str(), base, "{text}");
            let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(found, parameters, "{text}");
        }
        for text in ["", "http://", "ftp://h", "http://a b", "?x=1", "https:///path"] {
            assert!(Endpoint::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn lists_lines_and_blanks_are_all_read() {
        let change = SessionChange::of_success(&headers(&[
            ("firebolt-update-parameters", " transaction_id = tx=1 , transaction_sequence_id=2"),
            ("firebolt-update-parameters", "database=d"),
            ("firebolt-update-parameters", "nonsense, =x,"),
            ("firebolt-remove-parameters", "a , b"),
            ("firebolt-remove-parameters", "c"),
        ]));
        let mut session = session();
        session.apply(&change);
        assert_eq!(session.transaction_id(), Some("tx=1"));
        assert_eq!(session.parameters["transaction_sequence_id"], "2");
        assert_eq!(session.parameters["database"], "d");
        assert_eq!(change.removed, ["a", "b", "c"]);
    }

    #[test]
    fn an_error_may_only_end_a_transaction() {
        let mut session = session();
        session.parameters.insert("database".into(), "d".into());
        session.parameters.insert(TRANSACTION_ID.into(), "tx".into());
        let change = SessionChange::of_error(&headers(&[
            ("firebolt-update-parameters", "database=other,transaction_id=evil"),
            ("firebolt-update-endpoint", "http://elsewhere"),
            ("firebolt-remove-parameters", "database,transaction_id"),
        ]));
        session.apply(&change);
        assert_eq!(session.endpoint.as_str(), "http://h:1/");
        assert_eq!(session.parameters["database"], "d");
        assert_eq!(session.transaction_id(), None);
    }

    #[test]
    fn a_reset_keeps_what_routes_and_forgets_the_rest() {
        let mut session = session();
        session.parameters.insert("engine".into(), "e".into());
        session.parameters.insert("max_result_rows".into(), "5".into());
        session.parameters.insert(TRANSACTION_ID.into(), "tx".into());
        session.apply(&SessionChange::of_success(&headers(&[("firebolt-reset-session", "true")])));
        let left: Vec<_> = session.parameters.keys().map(String::as_str).collect();
        assert_eq!(left, ["account_id", "engine"]);
    }

    #[test]
    fn a_shared_session_never_takes_a_transaction() {
        let change = SessionChange::of_success(&headers(&[
            ("firebolt-update-parameters", "transaction_id=tx"),
            ("firebolt-update-endpoint", "http://h2/?transaction_id=tx&engine=e"),
        ]));
        let mut session = session();
        session.apply(&change.without_transaction());
        assert_eq!(session.transaction_id(), None);
        assert_eq!(session.parameters["engine"], "e");
    }

    proptest! {
        #[test]
        fn any_header_bytes_are_survived(values in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
            let names = ["firebolt-update-parameters", "firebolt-remove-parameters",
                "firebolt-update-endpoint", "firebolt-reset-session"];
            let mut headers = HeaderMap::new();
            for (index, bytes) in values.iter().enumerate() {
                if let Ok(value) = HeaderValue::from_bytes(bytes) {
                    headers.append(HeaderName::from_static(names[index % names.len()]), value);
                }
            }
            let mut session = session();
            session.apply(&SessionChange::of_success(&headers));
            session.apply(&SessionChange::of_error(&headers));
            prop_assert!(session.parameters.keys().all(|name| name.trim() == name));
        }
    }
}
