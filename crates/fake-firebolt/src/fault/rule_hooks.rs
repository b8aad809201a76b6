//! Rules at work: which strikes where, counted, drawn from the seed.
//!
//! Each rule that matches counts the request and draws, whatever the others do; the first that
//! strikes decides, and a later one that would have struck as well counts as outvoted. So another
//! rule never shifts what this one draws.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::does::Does;
use super::holds::{Held, Holds};
use super::hooks::{Answer, Hooks};
use super::point::{FaultPoint, Phase, StatementInfo};
use super::rule::{Rule, RuleError, Side};
use super::statement_log::{Logged, StatementLog};
use super::verdict::Verdict;
use crate::ids::Stream;

/// Rules at once: each request is held against each of them.
pub const RULES_MAX: usize = 1_000;

/// A rule and how often it was asked.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Requests that matched.
    pub seen: u64,
    /// Requests that it struck.
    pub fired: u64,
    /// Requests that it would have struck, had an earlier rule not been first.
    pub outvoted: u64,
}

/// Hooks that follow rules; the rules may change at any time.
#[derive(Debug)]
pub struct RuleHooks {
    state: Mutex<State>,
    /// Whether there is anything to do at all: without rules and log a point costs one load.
    idle: AtomicBool,
    started: Instant,
    side: Side,
    /// Told whenever a request comes to stand still.
    stopped: Notify,
}

#[derive(Debug)]
struct State {
    seed: u64,
    rules: Vec<Armed>,
    holds: Holds,
    log: Option<StatementLog>,
}

#[derive(Debug)]
struct Armed {
    counted: Counted,
    name: Arc<str>,
    chances: Stream,
    spans: Stream,
}

impl Armed {
    fn new(rule: Rule, seed: u64) -> Self {
        let chances = Stream::new(seed, &format!("fault/{}", rule.name));
        let spans = Stream::new(seed, &format!("fault/{}/by", rule.name));
        let name = Arc::from(rule.name.as_str());
        let counted = Counted { rule: Arc::new(rule), seen: 0, fired: 0, outvoted: 0 };
        Self { counted, name, chances, spans }
    }

    /// Counts a request at a point; whether it is to be struck.
    fn asks(&mut self, point: &FaultPoint<'_>, tables: &mut Option<Vec<String>>) -> bool {
        let Counted { rule, seen, fired, .. } = &mut self.counted;
        if !rule.matches(point, tables) {
            return false;
        }
        *seen += 1;
        rule.strikes(*seen, *fired, &mut self.chances)
    }
}

impl RuleHooks {
    /// No rules yet. Call it inside the runtime that will serve.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State { seed, rules: Vec::new(), holds: Holds::default(), log: None };
        Self {
            state: Mutex::new(state),
            idle: AtomicBool::new(true),
            started: Instant::now(),
            side: Side::Server,
            stopped: Notify::new(),
        }
    }

    /// The same for a proxy: rules that need more than the wire are refused.
    #[must_use]
    pub fn on_wire(mut self) -> Self {
        self.side = Side::Wire;
        self
    }

    /// The same, with a log of the last 10,000 statements.
    #[must_use]
    pub fn with_statement_log(self) -> Self {
        self.state().log = Some(StatementLog::default());
        self.idle.store(false, Ordering::Relaxed);
        self
    }

    /// Where the rules strike.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Adds one rule after those that are there.
    ///
    /// # Errors
    /// A rule that means nothing, or whose name is taken.
    pub fn add(&self, rule: Rule) -> Result<(), RuleError> {
        self.add_all(vec![rule])
    }

    /// Adds all of the rules, or none.
    ///
    /// # Errors
    /// The first rule that means nothing, or whose name is taken.
    pub fn add_all(&self, rules: Vec<Rule>) -> Result<(), RuleError> {
        let rules: Vec<Rule> =
            rules.into_iter().map(|rule| rule.settle(self.side)).collect::<Result<_, _>>()?;
        let mut state = self.state();
        let mut names: Vec<&str> = state.rules.iter().map(|armed| &*armed.name).collect();
        for Rule { name, .. } in &rules {
            let problem = if names.contains(&name.as_str()) {
                "another rule has this name; remove that one first".to_owned()
            } else if names.len() == RULES_MAX {
                format!("there are {RULES_MAX} rules, which is the most")
            } else {
                names.push(name);
                continue;
            };
            return Err(RuleError { rule: name.clone(), key: "name", problem });
        }
        let seed = state.seed;
        state.rules.extend(rules.into_iter().map(|rule| Armed::new(rule, seed)));
        self.note_idleness(&state);
        Ok(())
    }

    /// Removes a rule and lets go what it holds; whether there was one of that name.
    pub fn remove(&self, name: &str) -> bool {
        let mut state = self.state();
        let before = state.rules.len();
        state.rules.retain(|armed| &*armed.name != name);
        state.holds.release(|held| &*held.rule == name);
        self.note_idleness(&state);
        state.rules.len() < before
    }

    /// Removes all rules, lets go what they hold, and forgets the log.
    pub fn clear(&self) {
        let mut state = self.state();
        state.rules.clear();
        state.holds.release(|_| true);
        if let Some(log) = &mut state.log {
            log.clear();
        }
        self.note_idleness(&state);
    }

    /// The rules in order, with their counters.
    #[must_use]
    pub fn rules(&self) -> Vec<Counted> {
        self.state().rules.iter().map(|armed| armed.counted.clone()).collect()
    }

    /// How often the rule of that name has struck; 0 when there is none.
    #[must_use]
    pub fn fired(&self, name: &str) -> u64 {
        let state = self.state();
        let found = state.rules.iter().find(|armed| &*armed.name == name);
        found.map_or(0, |armed| armed.counted.fired)
    }

    /// The seed from which the rules draw.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.state().seed
    }

    /// Starts over from a seed: the rules stay, their counters and draws begin anew.
    pub fn reseed(&self, seed: u64) {
        let mut state = self.state();
        state.seed = seed;
        for armed in &mut state.rules {
            *armed = Armed::new(Rule::clone(&armed.counted.rule), seed);
        }
    }

    /// The requests that stand still now.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        self.state().holds.list()
    }

    /// Returns once so many requests that `chosen` picks stand still at the same time.
    pub async fn wait_held(&self, count: usize, chosen: impl Fn(&Held) -> bool) -> Vec<Held> {
        loop {
            let mut stopped = std::pin::pin!(self.stopped.notified());
            // Listens before it looks: a request that stops in between would not be noticed.
            stopped.as_mut().enable();
            let mut held = self.held();
            held.retain(|held| chosen(held));
            if held.len() >= count {
                return held;
            }
            stopped.await;
        }
    }

    /// Lets held requests go; how many.
    pub fn release(&self, chosen: impl Fn(&Held) -> bool) -> usize {
        self.state().holds.release(chosen)
    }

    /// The last statements, oldest first, and how many older ones are forgotten; nothing without
    /// a log.
    #[must_use]
    pub fn statements(&self) -> (Vec<Logged>, u64) {
        self.state().log.as_ref().map(StatementLog::snapshot).unwrap_or_default()
    }

    fn note_idleness(&self, state: &State) {
        let idle = state.rules.is_empty() && state.log.is_none();
        self.idle.store(idle, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(self.started)
    }
}

impl Hooks for RuleHooks {
    fn at(&self, point: &FaultPoint<'_>) -> Verdict {
        if self.idle.load(Ordering::Relaxed) {
            return Verdict::Pass;
        }
        let mut state = self.state();
        let State { rules, holds, log, .. } = &mut *state;
        if let (Phase::Received, Some(log)) = (point.phase, log.as_mut()) {
            log.arrived(point.statement, self.elapsed());
        }
        let (mut tables, mut winner) = (None, None);
        for (index, armed) in rules.iter_mut().enumerate() {
            if armed.asks(point, &mut tables) {
                if winner.is_none() {
                    armed.counted.fired += 1;
                    winner = Some(index);
                } else {
                    armed.counted.outvoted += 1;
                }
            }
        }
        let Some(armed) = winner.map(|index| &mut rules[index]) else { return Verdict::Pass };
        if let Some(log) = log {
            log.struck(point, &armed.name);
        }
        let (name, now) = (Arc::clone(&armed.name), self.elapsed());
        let rule = Arc::clone(&armed.counted.rule);
        let verdict = rule.does.verdict(point.phase, point.statement, &mut armed.spans, || {
            holds.hold(&name, point, now)
        });
        drop(state);
        if rule.does == Does::Hold {
            self.stopped.notify_waiters();
        }
        verdict
    }

    fn answered(&self, answer: &Answer<'_>) {
        if self.idle.load(Ordering::Relaxed) {
            return;
        }
        let StatementInfo { request, .. } = answer.statement;
        if let Some(log) = &mut self.state().log {
            log.answered(*request, answer.status);
        }
    }
}
