//! One rule out of what somebody wrote, and back.
//!
//! Every key is looked at, and every value is refused by name where it cannot be used.

use std::time::Duration;

use super::does::{Does, gateway_reply};
use super::given::{Given, Place, ReadError, What};
use super::glob::Glob;
use super::point::Phase;
use super::rule::{Rule, Side, When};
use super::timespan::Span;
use super::verdict::CannedReply;

/// The keys of every rule, and those that belong to some deeds.
const KEYS: [&str; 12] = [
    "name", "on", "sql", "label", "table", "at", "does", "after", "nth", "every", "first", "chance",
];
const MORE_KEYS: [&str; 9] =
    ["at_most", "by", "away", "bytes", "status", "body", "content_type", "headers", "text"];

/// The deeds, each with the keys that only it, and a few others, have.
const DEEDS: [(&str, &[&str]); 21] = [
    ("drop-connection", &[]),
    ("reset-connection", &[]),
    ("lose-request", &[]),
    ("never-answer", &[]),
    ("delay", &["by"]),
    ("hold", &[]),
    ("truncate-reply", &["bytes"]),
    ("refuse-request", REPLY),
    ("answer-instead", REPLY),
    ("report-error", REPLY),
    ("cannot-be-retried", &[]),
    ("restart-engine", &["away"]),
    ("conflict", &[]),
    ("report-conflict", &[]),
    ("execute-late", &["by"]),
    ("send-twice", &[]),
    ("fail-drop", &[]),
    ("report-failed-drop", &[]),
    ("hide-error", &["text"]),
    ("fail-late", &["text"]),
    ("expire-token", &[]),
];
const REPLY: &[&str] = &["status", "body", "content_type", "headers"];

/// How long an engine is away for a restart where nothing else is said: within the two to five
/// seconds of the field report.
const AWAY: Duration = Duration::from_secs(3);

/// Reads one rule, and refuses it where it could never strike.
pub(super) fn rule(given: &Given, side: Side) -> Result<Rule, ReadError> {
    let fields = Fields::of(given)?;
    let (_, deed) = fields.required("does")?;
    let deed_text = text("does", deed)?;
    let Some((_, own)) = DEEDS.iter().find(|(name, _)| *name == deed_text) else {
        let names: Vec<&str> = DEEDS.iter().map(|(name, _)| *name).collect();
        let problem =
            format!("{deed_text:?} is nothing a rule does; allowed: {}", names.join(", "));
        return Err(wrong(&deed.place, "does", problem));
    };
    for (key, place, _) in fields.entries {
        let common = KEYS.contains(&key.as_str()) || key == "at_most";
        if !common && !own.contains(&key.as_str()) {
            let allowed = if own.is_empty() { "nothing".to_owned() } else { own.join(", ") };
            let problem = format!("means nothing to {deed_text}, which takes: {allowed}");
            return Err(wrong(place, key, problem));
        }
    }
    let (_, name) = fields.required("name")?;
    let mut rule = Rule::new(text("name", name)?, fields.does(deed_text)?);
    rule.sql = fields.text("sql")?.map(Glob::any_case);
    rule.table = fields.text("table")?.map(Glob::any_case);
    rule.label = fields.text("label")?.map(Glob::exact_case);
    for (place, name) in fields.words("on")? {
        // Everything is what a rule without `on` is about.
        if name != "any" {
            rule.on.push(name.parse().map_err(|problem| wrong(place, "on", problem))?);
        }
    }
    for (place, name) in fields.words("at")? {
        rule.at.push(phase(name).map_err(|problem| wrong(place, "at", problem))?);
    }
    rule.after = fields.count("after")?.unwrap_or(0);
    rule.at_most = fields.count("at_most")?;
    rule.when = fields.when()?;
    rule.settle(side).map_err(|error| {
        let place = fields.get(error.key).map_or(&given.place, |(_, value)| &value.place);
        wrong(place, error.key, error.problem)
    })
}

fn wrong(place: &Place, key: &str, problem: impl Into<String>) -> ReadError {
    ReadError { place: place.clone(), key: Some(key.to_owned()), problem: problem.into() }
}

fn phase(name: &str) -> Result<Phase, String> {
    match Phase::ALL.into_iter().find(|phase| phase.name() == name) {
        Some(Phase::Connect | Phase::Sent | Phase::Seen) => {
            Err(format!("{name} is on the client's side of the wire; a server cannot strike there"))
        }
        Some(phase) => Ok(phase),
        None => Err(format!(
            "{name:?} is no phase; allowed: received, executing, executed, committed, answered"
        )),
    }
}

fn text<'g>(key: &str, given: &'g Given) -> Result<&'g str, ReadError> {
    match &given.what {
        What::Text(text) => Ok(text),
        other => {
            Err(wrong(&given.place, key, format!("expected a string, found {}", other.name())))
        }
    }
}

/// The keys of one rule.
struct Fields<'g> {
    place: &'g Place,
    entries: &'g [(String, Place, Given)],
}

impl<'g> Fields<'g> {
    fn of(given: &'g Given) -> Result<Self, ReadError> {
        let What::Table(entries) = &given.what else {
            let problem = format!("a rule is a table, not {}", given.what.name());
            return Err(ReadError { place: given.place.clone(), key: None, problem });
        };
        for (key, place, _) in entries {
            if !KEYS.contains(&key.as_str()) && !MORE_KEYS.contains(&key.as_str()) {
                let allowed = [&KEYS[..], &MORE_KEYS].concat().join(", ");
                return Err(wrong(place, key, format!("no such key; a rule has: {allowed}")));
            }
        }
        Ok(Self { place: &given.place, entries })
    }

    fn get(&self, key: &str) -> Option<(&'g Place, &'g Given)> {
        let found = self.entries.iter().find(|(known, ..)| known == key);
        found.map(|(_, place, given)| (place, given))
    }

    fn required(&self, key: &str) -> Result<(&'g Place, &'g Given), ReadError> {
        self.get(key).ok_or_else(|| wrong(self.place, key, "a rule cannot do without"))
    }

    fn text(&self, key: &str) -> Result<Option<&'g str>, ReadError> {
        self.get(key).map(|(_, given)| text(key, given)).transpose()
    }

    fn count(&self, key: &str) -> Result<Option<u64>, ReadError> {
        let Some((_, given)) = self.get(key) else { return Ok(None) };
        match given.what {
            What::Whole(number) if number >= 0 => Ok(Some(number.cast_unsigned())),
            What::Whole(_) => Err(wrong(&given.place, key, "a count is not negative")),
            ref other => {
                let problem = format!("expected a whole number, found {}", other.name());
                Err(wrong(&given.place, key, problem))
            }
        }
    }

    fn span(&self, key: &str) -> Result<Option<Span>, ReadError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let place = self.get(key).map_or(self.place, |(_, given)| &given.place);
        text.parse().map(Some).map_err(|problem: String| wrong(place, key, problem))
    }

    /// One word, or a list of them.
    fn words(&self, key: &str) -> Result<Vec<(&'g Place, &'g str)>, ReadError> {
        let Some((_, given)) = self.get(key) else { return Ok(Vec::new()) };
        let list = match &given.what {
            What::List(list) if list.is_empty() => {
                return Err(wrong(&given.place, key, "an empty list; leave the key out"));
            }
            What::List(list) => list.as_slice(),
            _ => std::slice::from_ref(given),
        };
        list.iter().map(|given| Ok((&given.place, text(key, given)?))).collect()
    }

    /// At most one of the keys that choose.
    fn when(&self) -> Result<When, ReadError> {
        let keys = ["nth", "every", "first", "chance"];
        let mut found = keys.into_iter().filter_map(|key| Some((key, self.get(key)?)));
        let Some((key, (_, given))) = found.next() else { return Ok(When::Each) };
        if let Some((other, (place, _))) = found.next() {
            let problem = format!("a rule has one of nth, every, first and chance; {key} is there");
            return Err(wrong(place, other, problem));
        }
        if key == "chance" {
            let ratio = text(key, given)?.parse();
            return Ok(When::Chance(
                ratio.map_err(|problem: String| wrong(&given.place, key, problem))?,
            ));
        }
        let number = self.count(key)?.unwrap_or_default();
        Ok(match key {
            "nth" => When::Nth(number),
            "every" => When::Every(number),
            _ => When::First(number),
        })
    }

    fn does(&self, deed: &str) -> Result<Does, ReadError> {
        let by = || match self.span("by")? {
            Some(by) => Ok(by),
            None => Err(wrong(self.place, "by", format!("{deed} needs it, such as by = \"5s\""))),
        };
        Ok(match deed {
            "drop-connection" => Does::DropConnection,
            "reset-connection" => Does::ResetConnection,
            "lose-request" => Does::LoseRequest,
            "never-answer" => Does::NeverAnswer,
            "delay" => Does::Delay { by: by()? },
            "hold" => Does::Hold,
            "truncate-reply" => {
                let bytes = self.count("bytes")?.unwrap_or(32);
                Does::TruncateReply { bytes: usize::try_from(bytes).unwrap_or(usize::MAX) }
            }
            "refuse-request" => Does::RefuseRequest(self.reply(Some(503))?),
            "answer-instead" => Does::AnswerInstead(self.reply(None)?),
            "report-error" => Does::ReportError(self.reply(Some(500))?),
            "cannot-be-retried" => Does::CannotBeRetried,
            "restart-engine" => {
                Does::RestartEngine { away: self.span("away")?.unwrap_or(AWAY.into()) }
            }
            "conflict" => Does::Conflict,
            "report-conflict" => Does::ReportConflict,
            "execute-late" => Does::ExecuteLate { by: by()? },
            "send-twice" => Does::SendTwice,
            "fail-drop" => Does::FailDrop,
            "report-failed-drop" => Does::ReportFailedDrop,
            "hide-error" => {
                let text = self.text("text")?.unwrap_or("Cluster not yet healthy");
                Does::HideError { text: text.to_owned() }
            }
            "fail-late" => {
                let text = self.text("text")?.unwrap_or("Line 1, Column 1: the query failed");
                Does::FailLate { text: text.to_owned() }
            }
            _ => Does::ExpireToken,
        })
    }

    fn reply(&self, default: Option<u16>) -> Result<CannedReply, ReadError> {
        let status = match (self.count("status")?, default) {
            (Some(status), _) => u16::try_from(status)
                .ok()
                .filter(|status| (200..=599).contains(status))
                .ok_or_else(|| {
                    let place = self.get("status").map_or(self.place, |(_, given)| &given.place);
                    wrong(place, "status", "an HTTP status is between 200 and 599")
                })?,
            (None, Some(status)) => status,
            (None, None) => {
                return Err(wrong(self.place, "status", "answer-instead cannot do without"));
            }
        };
        let mut reply = match self.text("body")? {
            Some(body) => CannedReply::text(status, body),
            None if status < 400 => CannedReply::text(status, ""),
            None => gateway_reply(status),
        };
        if let Some(content_type) = self.text("content_type")? {
            self.check_header("content_type", "content-type", content_type)?;
            content_type.clone_into(&mut reply.content_type);
        }
        if let Some((_, given)) = self.get("headers") {
            let What::Table(entries) = &given.what else {
                let problem = format!("expected a table of texts, found {}", given.what.name());
                return Err(wrong(&given.place, "headers", problem));
            };
            reply.headers.clear();
            for (name, _, value) in entries {
                let value = text("headers", value)?;
                self.check_header("headers", name, value)?;
                reply.headers.push((name.clone(), value.to_owned()));
            }
        }
        Ok(reply)
    }

    fn check_header(&self, key: &str, name: &str, value: &str) -> Result<(), ReadError> {
        let framing = ["content-length", "transfer-encoding", "connection"];
        let problem = if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            format!("{name:?} cannot be the name of a header")
        } else if framing.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            format!("{name} is the server's own to write")
        } else if http::HeaderValue::from_str(value).is_err() {
            format!("{value:?} cannot be the value of a header")
        } else {
            return Ok(());
        };
        let place = self.get(key).map_or(self.place, |(_, given)| &given.place);
        Err(wrong(place, key, problem))
    }
}
