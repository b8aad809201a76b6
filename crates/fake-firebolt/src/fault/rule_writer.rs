//! A rule as JSON, with the keys by which it is read: what is listed can be added again.

use serde_json::{Map, Value, json};

use super::does::Does;
use super::rule::{Rule, When};
use super::verdict::CannedReply;

impl Rule {
    /// The rule as `RuleFile::from_json` reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        put("name", json!(self.name));
        if !self.on.is_empty() {
            put("on", self.on.iter().map(|on| on.name()).collect());
        }
        for (key, glob) in [("sql", &self.sql), ("label", &self.label), ("table", &self.table)] {
            if let Some(glob) = glob {
                put(key, json!(glob.to_string()));
            }
        }
        if !self.at.is_empty() {
            put("at", self.at.iter().map(|phase| phase.name()).collect());
        }
        put("does", json!(self.does.name()));
        if self.after > 0 {
            put("after", json!(self.after));
        }
        match self.when {
            When::Each => {}
            When::Nth(nth) => put("nth", json!(nth)),
            When::Every(every) => put("every", json!(every)),
            When::First(first) => put("first", json!(first)),
            When::Chance(ratio) => put("chance", json!(ratio.to_string())),
        }
        if let Some(most) = self.at_most {
            put("at_most", json!(most));
        }
        match &self.does {
            Does::Delay { by } | Does::ExecuteLate { by } => put("by", json!(by.to_string())),
            Does::RestartEngine { away } => put("away", json!(away.to_string())),
            Does::TruncateReply { bytes } => put("bytes", json!(bytes)),
            Does::HideError { text } | Does::FailLate { text } => put("text", json!(text)),
            Does::RefuseRequest(reply) | Does::AnswerInstead(reply) | Does::ReportError(reply) => {
                let CannedReply { status, content_type, body, headers } = reply;
                put("status", json!(status));
                put("content_type", json!(content_type));
                put("body", json!(String::from_utf8_lossy(body)));
                let headers = headers.iter().map(|(name, value)| (name.clone(), json!(value)));
                put("headers", Value::Object(headers.collect()));
            }
            _ => {}
        }
        Value::Object(map)
    }
}
