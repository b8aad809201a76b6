//! The names by which a rule says which requests it is about.
//!
//! A statement is called by its kind, spelled as in SQL with dashes. The two doors that take no
//! SQL have names of their own; `write` is every kind that changes something, `any` is everything.

use std::fmt;
use std::str::FromStr;

use super::point::{Endpoint, StatementInfo};
use crate::sql::StatementKind;

/// One name in a rule's `on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Every statement that changes rows or tables.
    Write,
    /// `POST /oauth/token`.
    SignOn,
    /// `GET /web/v3/account/{account}/engineUrl`.
    EngineUrl,
    /// Statements of one kind.
    Kind(StatementKind),
}

/// Makes the list and the match from one table, so that a new kind cannot stay without a name.
macro_rules! kinds {
    ($($kind:ident => $name:literal),* $(,)?) => {
        const KINDS: &[StatementKind] = &[$(StatementKind::$kind),*];

        impl StatementKind {
            /// The kind's name in rules and logs: as SQL spells it, lower case, with dashes.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),*
                }
            }
        }
    };
}

kinds! {
    Select => "select",
    Insert => "insert",
    Update => "update",
    Delete => "delete",
    Merge => "merge",
    Copy => "copy",
    CreateTable => "create-table",
    CreateTableAs => "create-table-as",
    CloneTable => "clone-table",
    DropTable => "drop-table",
    AlterTable => "alter-table",
    Truncate => "truncate",
    Vacuum => "vacuum",
    CreateView => "create-view",
    DropView => "drop-view",
    Index => "index",
    Database => "database",
    Engine => "engine",
    StartEngine => "start-engine",
    StopEngine => "stop-engine",
    Explain => "explain",
    Show => "show",
    Location => "location",
    Begin => "begin",
    Commit => "commit",
    Rollback => "rollback",
    UseDatabase => "use-database",
    UseEngine => "use-engine",
    Set => "set",
    AsyncStatus => "async-status",
    CancelQuery => "cancel-query",
    Nothing => "nothing",
    Other => "other",
}

const GROUPS: [On; 3] = [On::Write, On::SignOn, On::EngineUrl];

impl On {
    /// The name as rules spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::SignOn => "sign-on",
            Self::EngineUrl => "engine-url",
            Self::Kind(kind) => kind.name(),
        }
    }

    /// Whether the request is one of these.
    pub(crate) fn covers(self, statement: &StatementInfo) -> bool {
        match self {
            Self::SignOn => statement.endpoint == Endpoint::Token,
            Self::EngineUrl => statement.endpoint == Endpoint::EngineUrl,
            _ if statement.endpoint != Endpoint::Query => false,
            Self::Write => statement.kind.writes(),
            Self::Kind(kind) => statement.kind == kind,
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        GROUPS.into_iter().chain(KINDS.iter().map(|kind| Self::Kind(*kind)))
    }
}

impl From<StatementKind> for On {
    fn from(kind: StatementKind) -> Self {
        Self::Kind(kind)
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for On {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all().find(|on| on.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            format!("{text:?} names no statement; write any, {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for on in On::all() {
            assert_eq!(on.name().parse(), Ok(on));
        }
        let refusal = "merg".parse::<On>().expect_err("no such name");
        assert!(refusal.contains("merge, copy"), "{refusal}");
    }
}
