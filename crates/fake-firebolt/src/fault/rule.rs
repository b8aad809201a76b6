//! A rule: which requests, at which phase, which of those that come by, and what happens to them.
//!
//! A rule is data. It is made here from Rust, by `rule_file` from TOML and JSON; in each case
//! [`Rule::settle`] refuses what could never strike, since a rule that silently never fires makes a
//! test prove less than it claims.

use super::does::{Does, Needs};
use super::glob::Glob;
use super::named_tables::named_tables;
use super::on::On;
use super::point::{Endpoint, FaultPoint, Phase, StatementInfo};
use super::ratio::Ratio;
use crate::ids::Stream;
use crate::sql::StatementKind;

/// Which of the matching requests a rule strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Each.
    Each,
    /// Only the one of this number, from 1.
    Nth(u64),
    /// Each one whose number is a multiple of this.
    Every(u64),
    /// Those up to this number.
    First(u64),
    /// By chance, drawn from the rule's own stream of the seed.
    Chance(Ratio),
}

/// One rule. Fields that are left out match everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, by which it is counted and removed.
    pub name: String,
    /// Requests of one of these; empty: any.
    pub on: Vec<On>,
    /// The statement's text.
    pub sql: Option<Glob>,
    /// The query's label.
    pub label: Option<Glob>,
    /// A table that the statement names, read or written.
    pub table: Option<Glob>,
    /// At one of these phases; empty: the only one that the deed has.
    pub at: Vec<Phase>,
    /// What happens.
    pub does: Does,
    /// So many matching requests pass first, uncounted by `when`.
    pub after: u64,
    /// Which of the rest.
    pub when: When,
    /// How often it strikes at most.
    pub at_most: Option<u64>,
}

/// Where a rule is to strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In the fake, at every phase of a server.
    Server,
    /// On the wire before a real service: a proxy sees a request come and its answer go.
    Wire,
}

/// What cannot be in a rule: the key, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule:?}: `{key}`: {problem}")]
pub struct RuleError {
    /// The rule's name.
    pub rule: String,
    /// The key that is wrong, as TOML spells it.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Rule {
    /// A rule that strikes each request at the only phase that the deed has; narrow it with the
    /// methods below.
    pub fn new(name: impl Into<String>, does: Does) -> Self {
        Self {
            name: name.into(),
            on: Vec::new(),
            sql: None,
            label: None,
            table: None,
            at: Vec::new(),
            does,
            after: 0,
            when: When::Each,
            at_most: None,
        }
    }

    /// Requests of this kind; may be called again for more.
    #[must_use]
    pub fn on(mut self, on: impl Into<On>) -> Self {
        self.on.push(on.into());
        self
    }

    /// Statements whose text the pattern covers (`*`, `?`; letters in either case).
    #[must_use]
    pub fn sql(mut self, pattern: &str) -> Self {
        self.sql = Some(Glob::any_case(pattern));
        self
    }

    /// Statements with a label that the pattern covers.
    #[must_use]
    pub fn label(mut self, pattern: &str) -> Self {
        self.label = Some(Glob::exact_case(pattern));
        self
    }

    /// Statements that name a table that the pattern covers.
    #[must_use]
    pub fn table(mut self, pattern: &str) -> Self {
        self.table = Some(Glob::any_case(pattern));
        self
    }

    /// At this phase; may be called again for more.
    #[must_use]
    pub fn at(mut self, phase: Phase) -> Self {
        self.at.push(phase);
        self
    }

    /// Which of those that match.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Lets so many pass first.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// Strikes so often at most.
    #[must_use]
    pub fn at_most(mut self, times: u64) -> Self {
        self.at_most = Some(times);
        self
    }

    /// Refuses a rule that means nothing where it is to strike, and names the phase of one that
    /// leaves it open because there is only one.
    ///
    /// # Errors
    /// The key that is wrong, and what would be right.
    pub fn settle(mut self, side: Side) -> Result<Self, RuleError> {
        let allowed = match side {
            Side::Server => self.does.phases(),
            Side::Wire => self.does.wire_phases(),
        };
        if allowed.is_empty() {
            let name = self.does.name();
            return self
                .refuse("does", format!("a proxy cannot do {name}: it hurts the wire only"));
        }
        self.check_phases(allowed, side)?;
        if self.at.is_empty() {
            self.at = allowed.to_vec();
        }
        self.check_statements()?;
        self.check_counts()?;
        Ok(self)
    }

    fn refuse<T>(&self, key: &'static str, problem: impl Into<String>) -> Result<T, RuleError> {
        Err(RuleError { rule: self.name.clone(), key, problem: problem.into() })
    }

    fn check_phases(&self, allowed: &[Phase], side: Side) -> Result<(), RuleError> {
        let names: Vec<&str> = allowed.iter().map(|phase| phase.name()).collect();
        let (does, names) = (self.does.name(), names.join(", "));
        if self.at.is_empty() && allowed.len() > 1 {
            return self.refuse("at", format!("{does} needs a phase: one or more of {names}"));
        }
        match self.at.iter().find(|phase| !allowed.contains(phase)) {
            Some(phase) => {
                let phase = phase.name();
                let before = match side {
                    Side::Server => "",
                    Side::Wire => " in front of a real service",
                };
                let problem = format!("{does} means nothing at {phase}{before}; allowed: {names}");
                self.refuse("at", problem)
            }
            None => Ok(()),
        }
    }

    /// Every statement needs a phase that it reaches, every phase a statement that reaches it.
    fn check_statements(&self) -> Result<(), RuleError> {
        let meets = |on: On, phase: Phase| may_reach(on, phase) && may_suffer(on, &self.does);
        for on in &self.on {
            if !self.at.iter().any(|phase| meets(*on, *phase)) {
                let phases: Vec<&str> = self.at.iter().map(|phase| phase.name()).collect();
                let problem =
                    format!("{} never strikes {on} at {}", self.does.name(), phases.join(", "));
                return self.refuse("on", problem);
            }
        }
        for phase in &self.at {
            if !self.on.is_empty() && !self.on.iter().any(|on| meets(*on, *phase)) {
                let names: Vec<&str> = self.on.iter().map(|on| on.name()).collect();
                let problem =
                    format!("no request of {} reaches {}", names.join(", "), phase.name());
                return self.refuse("at", problem);
            }
        }
        let doors = !self.on.is_empty()
            && self.on.iter().all(|on| matches!(on, On::SignOn | On::EngineUrl));
        if doors && (self.sql.is_some() || self.label.is_some() || self.table.is_some()) {
            return self.refuse("on", "a sign-on has no text, no label and no table");
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), RuleError> {
        if self.name.is_empty() || self.name.len() > 200 {
            return self.refuse("name", "a rule needs a name of 1 to 200 bytes");
        }
        match self.when {
            When::Nth(0) => self.refuse("nth", "counting starts at 1"),
            When::Every(0) => self.refuse("every", "write 1 for each"),
            When::First(0) => self.refuse("first", "a rule for the first 0 never strikes"),
            _ if self.at_most == Some(0) => {
                self.refuse("at_most", "a rule that strikes at most 0 times never strikes")
            }
            _ => Ok(()),
        }
    }

    /// Whether the rule is about this request at this point. `tables` keeps what was found out
    /// about the statement's tables, for the next rule that asks.
    pub(crate) fn matches(&self, point: &FaultPoint<'_>, tables: &mut Option<Vec<String>>) -> bool {
        let statement = point.statement;
        self.at.contains(&point.phase)
            && (self.on.is_empty() || self.on.iter().any(|on| on.covers(statement)))
            && suffers(&self.does, statement)
            && self.label.as_ref().is_none_or(|glob| {
                statement.label.as_deref().is_some_and(|label| glob.matches(label))
            })
            && self.sql.as_ref().is_none_or(|glob| glob.matches(&statement.sql))
            && self.table.as_ref().is_none_or(|glob| {
                let tables = tables.get_or_insert_with(|| named_tables(&statement.sql));
                tables.iter().any(|table| glob.matches(table))
            })
    }

    /// Whether the rule strikes the matching request of this number. Draws for each of them, so
    /// that what was drawn before does not depend on how often it struck.
    pub(crate) fn strikes(&self, seen: u64, fired: u64, stream: &mut Stream) -> bool {
        let Some(number) = seen.checked_sub(self.after).filter(|number| *number > 0) else {
            return false;
        };
        let chosen = match self.when {
            When::Each => true,
            When::Nth(nth) => number == nth,
            When::Every(every) => number.is_multiple_of(every),
            When::First(first) => number <= first,
            When::Chance(ratio) => ratio.strikes(stream),
        };
        chosen && self.at_most.is_none_or(|most| fired < most)
    }
}

/// Whether a request of that name ever comes to that phase.
fn may_reach(on: On, phase: Phase) -> bool {
    use StatementKind as K;
    match (on, phase) {
        (_, Phase::Received | Phase::Answered) => true,
        (On::SignOn | On::EngineUrl, _) => false,
        (On::Kind(K::UseDatabase | K::UseEngine | K::Set | K::Nothing), phase) => {
            phase == Phase::Executed
        }
        (On::Kind(K::Begin | K::Rollback), Phase::Committed) => false,
        (On::Kind(K::Commit), Phase::Executed) => false,
        (_, phase) => matches!(phase, Phase::Executing | Phase::Executed | Phase::Committed),
    }
}

/// Whether the deed can be done to a request of that name.
fn may_suffer(on: On, does: &Does) -> bool {
    match (does.needs(), on) {
        (Needs::Nothing, _) | (Needs::Commit, On::Write) => true,
        (Needs::Commit, On::Kind(kind)) => kind == StatementKind::Commit || kind.writes(),
        (Needs::Drop, On::Write | On::Kind(StatementKind::DropTable)) => true,
        (Needs::Statement, on) => !matches!(on, On::SignOn | On::EngineUrl),
        (Needs::Commit | Needs::Drop, _) => false,
    }
}

/// Whether the deed can be done to this very request.
fn suffers(does: &Does, statement: &StatementInfo) -> bool {
    match does.needs() {
        Needs::Nothing => true,
        Needs::Statement => statement.endpoint == Endpoint::Query,
        Needs::Drop => statement.kind == StatementKind::DropTable,
        // Conflicts are found at commit and nowhere else.
        Needs::Commit => {
            statement.endpoint == Endpoint::Query
                && (statement.kind == StatementKind::Commit
                    || (statement.kind.writes() && statement.transaction.is_none()))
        }
    }
}
