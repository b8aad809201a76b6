//! Values of a scenario that may be written in more than one way.

use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::plan::{Does, Phase};
use crate::statement::StatementName;
use crate::timespan::{Between, Span};

/// A whole number, or a range from which each seed draws one: `4` or `"2..=8"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub Between<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number such as 4, or a range such as \"2..=8\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Count, E> {
                let number = u64::try_from(number)
                    .map_err(|_| E::custom(format!("{number} is negative; a count is not")))?;
                Ok(Count(Between { min: number, max: number }))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Count, E> {
                text.parse().map(Count).map_err(E::custom)
            }
        }
        from.deserialize_any(Read)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// One value or a list of them, of which each seed takes one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OneOf(pub Vec<toml::Value>);

impl<'de> Deserialize<'de> for OneOf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match toml::Value::deserialize(from)? {
            toml::Value::Array(values) if values.is_empty() => {
                return Err(de::Error::custom("an empty list leaves nothing to choose"));
            }
            toml::Value::Array(values) => OneOf(values),
            single => OneOf(vec![single]),
        })
    }
}

/// The statements that a rule is about: one name, a list of names, or `"any"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Statements(pub Vec<StatementName>);

impl<'de> Deserialize<'de> for Statements {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Statements;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a statement such as \"commit\", a list of them, or \"any\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Statements, E> {
                if text == "any" {
                    return Ok(Statements(StatementName::ALL.to_vec()));
                }
                Ok(Statements(vec![text.parse().map_err(E::custom)?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Statements, A::Error> {
                let mut names = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    names.push(text.parse().map_err(de::Error::custom)?);
                }
                Ok(Statements(names))
            }
        }
        from.deserialize_any(Read)
    }
}

/// What a rule does, as scenarios spell it; together with the phase it becomes a [`Does`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Resets the connection: before execution that loses the request, afterwards the reply.
    DropConnection,
    /// Refuses the connection.
    RefuseConnection,
    /// Loses the request without a word.
    LoseRequest,
    /// Cuts the reply short.
    TruncateReply,
    /// Answers 429, 500 or 503 (`status`) instead of executing.
    RefuseRequest,
    /// Answers 500 although it is done.
    ReportError,
    /// "Query of type … cannot be retried": while executing it is rolled back, afterwards done.
    CannotBeRetried,
    /// Restarts the engine: while executing it is rolled back, afterwards done.
    RestartEngine,
    /// A write conflict.
    Conflict,
    /// A write conflict is reported, though it is done (a stratum of its own).
    ReportConflict,
    /// Done, and never answered.
    NeverAnswer,
    /// Takes longer (`by`).
    Delay,
    /// Executes `by` later, after the connection was reset.
    ExecuteLate,
    /// Executes it twice.
    SendTwice,
    /// The pooled connection is dead.
    StaleConnection,
    /// DROP fails.
    FailDrop,
    /// DROP is done, and reported as failed.
    ReportFailedDrop,
    /// 200 with an error in the body.
    HideError,
    /// 401.
    ExpireToken,
    /// Kills the worker.
    KillWorker,
    /// Freezes the worker (`lasting`).
    FreezeWorker,
    /// Another writer wins a conflict.
    Vacuum,
}

impl Deed {
    /// What it means in a phase; `None` where it means nothing.
    pub fn at(self, phase: Phase, rule: &Parameters) -> Option<Does> {
        let early = matches!(phase, Phase::Sent | Phase::Received);
        let does = match self {
            Deed::DropConnection if early => Does::ResetBefore,
            Deed::DropConnection => Does::ReplyLost,
            Deed::RefuseConnection => Does::ConnectRefused,
            Deed::LoseRequest => Does::RequestLost,
            Deed::TruncateReply => Does::TruncateReply,
            Deed::RefuseRequest => Does::ErrorBefore { status: rule.status.unwrap_or(500) },
            Deed::ReportError => Does::ErrorAfter,
            Deed::CannotBeRetried if phase == Phase::Executing => Does::CannotBeRetriedBefore,
            Deed::CannotBeRetried => Does::CannotBeRetriedAfter,
            Deed::RestartEngine if phase == Phase::Executing => Does::RestartBefore,
            Deed::RestartEngine => Does::RestartAfter,
            Deed::Conflict => Does::Conflict,
            Deed::ReportConflict => Does::ConflictApplied,
            Deed::NeverAnswer => Does::Hang,
            Deed::Delay => Does::Delay { by: rule.by? },
            Deed::ExecuteLate => Does::ExecuteLate { by: rule.by? },
            Deed::SendTwice => Does::Twice,
            Deed::StaleConnection => Does::StaleConnection,
            Deed::FailDrop => Does::DropFails,
            Deed::ReportFailedDrop => Does::DropFailsButDone,
            Deed::HideError => Does::ErrorInside,
            Deed::ExpireToken => Does::TokenExpires,
            Deed::KillWorker => Does::KillWorker,
            Deed::FreezeWorker => Does::Freeze { lasting: rule.lasting? },
            Deed::Vacuum => Does::Vacuum,
        };
        does.phases().contains(&phase).then_some(does)
    }

    /// The parameter without which it means nothing.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Deed::Delay | Deed::ExecuteLate => Some("by"),
            Deed::FreezeWorker => Some("lasting"),
            _ => None,
        }
    }
}

/// The parameters that a rule may carry, drawn for one seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters {
    /// How much later or longer.
    pub by: Option<Span>,
    /// How long frozen.
    pub lasting: Option<Span>,
    /// The HTTP status of a refusal.
    pub status: Option<u16>,
}
