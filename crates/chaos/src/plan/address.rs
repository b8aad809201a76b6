//! Where a fault happens, in words that survive a refactoring.
//!
//! A seed dies with the next change of the code that draws from it; an address does not. It names
//! the worker, the file, the statement, how often that statement has come to that phase, and the
//! phase: `worker-1/20251111-100000000/commit#2@executed`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::statement::StatementName;

/// The phases that a request lives through, in order; there are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The client opens a connection for it.
    Connect,
    /// The client has handed it to the network.
    Sent,
    /// The server has read it.
    Received,
    /// The server runs it.
    Executing,
    /// It has run, inside a transaction that is still open.
    Executed,
    /// It has run and is durable: COMMIT and autocommit statements.
    Committed,
    /// The reply is on its way.
    Answered,
    /// The client has read the reply.
    Seen,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Phase; 8] = [
        Phase::Connect,
        Phase::Sent,
        Phase::Received,
        Phase::Executing,
        Phase::Executed,
        Phase::Committed,
        Phase::Answered,
        Phase::Seen,
    ];

    /// The phase as scenarios spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Sent => "sent",
            Phase::Received => "received",
            Phase::Executing => "executing",
            Phase::Executed => "executed",
            Phase::Committed => "committed",
            Phase::Answered => "answered",
            Phase::Seen => "seen",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Phase::ALL.into_iter().find(|phase| phase.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
            format!("{text:?} is no phase; it is one of {}", names.join(", "))
        })
    }
}

/// One point of one run where a fault can strike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Whose request: `worker-1`, `sweeper`, `reconcile`.
    pub worker: String,
    /// The file the worker was busy with, by the stem of its object key; `-` without one.
    pub file: String,
    /// The statement.
    pub statement: StatementName,
    /// The n-th time that this worker, file and statement came to this phase; from 1.
    pub nth: u32,
    /// The phase.
    pub phase: Phase,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { worker, file, statement, nth, phase } = self;
        write!(f, "{worker}/{file}/{statement}#{nth}@{phase}")
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no address; write worker/file/statement#n@phase, such as \
                     worker-1/20251111-100000000/commit#1@executed"
            )
        };
        let mut parts = text.split('/');
        let (Some(worker), Some(file), Some(place), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let (statement, rest) = place.split_once('#').ok_or_else(wrong)?;
        let (nth, phase) = rest.split_once('@').ok_or_else(wrong)?;
        Ok(Address {
            worker: worker.to_owned(),
            file: file.to_owned(),
            statement: statement.parse()?,
            nth: nth.parse().map_err(|_| wrong())?,
            phase: phase.parse()?,
        })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back() {
        let text = "worker-2/20251111-100000000/commit#3@executed";
        let address: Address = text.parse().expect("a good address");
        assert_eq!(address.statement, StatementName::Commit);
        assert_eq!((address.nth, address.phase), (3, Phase::Executed));
        assert_eq!(address.to_string(), text);
    }

    #[test]
    fn a_wrong_address_says_what_to_write() {
        for text in ["", "a/b", "a/b/commit", "a/b/commit#1", "a/b/commit#x@sent", "a/b/c#1@sent"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
