//! A request to the control port, taken apart, and what it is told when it cannot be served.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::fault::{ReadError, RuleError, Span};

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// The parts of the path, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    /// The body as it came.
    pub(super) body: Vec<u8>,
}

/// Why a request is not served: the status, and the text under `error`.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(super) fn no_such_path(asked: &Asked) -> Self {
        let path = asked.path.join("/");
        Self::new(404, format!("nothing is at /{path}; GET /admin lists what there is"))
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "error": self.text })
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::new(400, error.to_string())
    }
}

impl From<RuleError> for Refusal {
    fn from(error: RuleError) -> Self {
        // A name that is taken is not a mistake in the rule.
        let status = if error.key == "name" { 409 } else { 400 };
        Self::new(status, error.to_string())
    }
}

impl Asked {
    /// Refuses every other method.
    pub(super) fn only(&self, method: &str) -> Result<(), Refusal> {
        if self.method == method { Ok(()) } else { Err(self.wrong_method(&[method])) }
    }

    pub(super) fn wrong_method(&self, allowed: &[&str]) -> Refusal {
        let (path, allowed) = (self.path.join("/"), allowed.join(", "));
        Refusal::new(405, format!("{} is not for /{path}; allowed: {allowed}", self.method))
    }

    /// The parameters of the URL, if no other is there.
    pub(super) fn parameters(&self, allowed: &[&str]) -> Result<(), Refusal> {
        match self.query.keys().find(|name| !allowed.contains(&name.as_str())) {
            Some(name) => {
                let text = format!("no such parameter: {name}; allowed: {}", allowed.join(", "));
                Err(Refusal::new(400, text))
            }
            None => Ok(()),
        }
    }

    /// A whole number of the URL.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        let refusal = || Refusal::new(400, format!("{name}={text}: expected a whole number"));
        text.parse().map(Some).map_err(|_| refusal())
    }

    /// A time span of the URL.
    pub(super) fn span(&self, name: &str) -> Result<Option<Duration>, Refusal> {
        self.query.get(name).map(|text| span(name, text)).transpose()
    }

    /// The body as JSON.
    pub(super) fn document(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::new(400, format!("the body is not JSON: {error}")))
    }

    /// The body as an object without other keys; no body is an empty object.
    pub(super) fn fields(&self, allowed: &[&str]) -> Result<Fields, Refusal> {
        if self.body.is_empty() {
            return Ok(Fields(Map::new()));
        }
        let Value::Object(map) = self.document()? else {
            return Err(Refusal::new(400, "expected a JSON object"));
        };
        match map.keys().find(|key| !allowed.contains(&key.as_str())) {
            Some(key) if allowed.is_empty() => {
                Err(Refusal::new(400, format!("`{key}`: nothing is expected here")))
            }
            Some(key) => {
                let text = format!("`{key}`: no such key; allowed: {}", allowed.join(", "));
                Err(Refusal::new(400, text))
            }
            None => Ok(Fields(map)),
        }
    }
}

/// The keys of a body.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Refusal> {
        let refusal = || Refusal::new(400, format!("`{key}`: expected a string"));
        self.0.get(key).map(|value| value.as_str().ok_or_else(refusal)).transpose()
    }

    /// A name that has to be there.
    pub(super) fn name(&self, key: &str) -> Result<&str, Refusal> {
        match self.text(key)? {
            Some(name) if !name.is_empty() && name.len() <= 200 => Ok(name),
            Some(_) => Err(Refusal::new(400, format!("`{key}`: 1 to 200 bytes"))),
            None => Err(Refusal::new(400, format!("`{key}` is missing: expected a string"))),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        let refusal = || Refusal::new(400, format!("`{key}`: expected true or false"));
        self.0.get(key).map(|value| value.as_bool().ok_or_else(refusal)).transpose()
    }

    pub(super) fn whole(&self, key: &str) -> Result<Option<u64>, Refusal> {
        let refusal = || Refusal::new(400, format!("`{key}`: expected a whole number"));
        self.0.get(key).map(|value| value.as_u64().ok_or_else(refusal)).transpose()
    }

    pub(super) fn span(&self, key: &str) -> Result<Option<Duration>, Refusal> {
        self.text(key)?.map(|text| span(key, text)).transpose()
    }
}

fn span(key: &str, text: &str) -> Result<Duration, Refusal> {
    let read: Result<Span, String> = text.parse();
    let span = read.map_err(|problem| Refusal::new(400, format!("`{key}`: {problem}")))?;
    span.exactly().ok_or_else(|| Refusal::new(400, format!("`{key}`: one span, not a range")))
}
