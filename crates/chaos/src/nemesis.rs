//! The nemesis: the one place that decides which fault strikes where.
//!
//! Whatever in the world comes to a fault point asks here: the network before it connects, sends
//! and hands a reply over, the fake in the phases of the server. The answer depends on the plan
//! alone: placed faults first, each at its exact address and once, then the rules by rate, each
//! with a random stream of its own. After [`Nemesis::heal`] nothing fires any more.
//!
//! Every fault that fires is kept as a placed one, so a run by rates can be replayed, and cut down,
//! without its random numbers.

mod hooks;
mod ledger;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub use self::hooks::ServerHooks;
pub(crate) use self::hooks::text;
pub use self::ledger::Tallies;
use crate::history::What;
use crate::plan::{Address, Does, Phase, Plan, PlannedFault};
use crate::seed::{Seed, Stream};
use crate::statement::StatementName;
use crate::world::recorder::Recorder;
use crate::world::switch::Switch;

/// Decides about faults; a cheap handle, shared by the whole world of a run.
#[derive(Clone, Debug)]
pub struct Nemesis {
    state: Arc<Mutex<State>>,
    recorder: Recorder,
    exhausted: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    seed: Seed,
    rules: Vec<Rule>,
    placed: BTreeMap<Address, Vec<Does>>,
    /// How often each place was reached: by worker, then by file, then by statement and phase.
    reached: BTreeMap<String, BTreeMap<String, Visits>>,
    busy_with: BTreeMap<String, Arc<str>>,
    switches: BTreeMap<String, Switch>,
    keep_points: bool,
    steps_left: u64,
    healed: bool,
    tallies: Tallies,
}

/// A count for each statement and phase: a run comes to a thousand points, each of them here.
#[derive(Debug)]
struct Visits(Box<[[u32; Phase::ALL.len()]; StatementName::ALL.len()]>);

#[derive(Debug)]
struct Rule {
    fault: PlannedFault,
    places: Places,
    stream: Stream,
    fired: u64,
}

/// The statements and phases of a rule, a bit for each phase: every rule is asked at every point.
#[derive(Debug)]
struct Places([u8; StatementName::ALL.len()]);

const _: () = assert!(Phase::ALL.len() <= 8, "a phase has no bit");

/// A request at a point of its life.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// Whose request.
    pub worker: &'a str,
    /// The file it is for, by stem; `-` without one.
    pub file: &'a str,
    /// The statement.
    pub statement: StatementName,
    /// The phase.
    pub phase: Phase,
    /// Whether it travels on a connection that was used before.
    pub reused: bool,
}

impl Nemesis {
    /// The nemesis of a plan.
    pub fn new(plan: &Plan, recorder: Recorder) -> Nemesis {
        let rules = plan.faults.iter().map(|fault| Rule {
            stream: plan.seed.stream(&format!("fault/{}", fault.name)),
            places: Places::of(fault),
            fault: fault.clone(),
            fired: 0,
        });
        let mut placed: BTreeMap<Address, Vec<Does>> = BTreeMap::new();
        for fault in &plan.placed {
            placed.entry(fault.address.clone()).or_default().push(fault.does);
        }
        let state = State {
            seed: plan.seed,
            rules: rules.collect(),
            placed,
            reached: BTreeMap::new(),
            busy_with: BTreeMap::new(),
            switches: BTreeMap::new(),
            keep_points: plan.points,
            steps_left: plan.bounds.steps,
            healed: false,
            tallies: Tallies::default(),
        };
        Nemesis { state: Arc::new(Mutex::new(state)), recorder, exhausted: Arc::default() }
    }

    /// What strikes at this point, if anything. Kills and freezes are carried out here; the caller
    /// sees them only as the reason to stop.
    pub fn decide(&self, point: Point<'_>) -> Option<Does> {
        let mut state = self.lock();
        if state.steps_left == 0 {
            self.exhausted.notify_one();
        }
        state.steps_left = state.steps_left.saturating_sub(1);
        if state.healed {
            return None;
        }
        let (address, does) = state.strike(point)?;
        match does {
            Does::KillWorker => state.switches.get(point.worker).into_iter().for_each(Switch::kill),
            Does::Freeze { lasting } => {
                state.switches.get(point.worker).into_iter().for_each(|it| it.freeze(lasting.0));
            }
            _ => {}
        }
        drop(state);
        let id = does.fault_id().to_owned();
        self.recorder.push("nemesis", What::Fault { id, address });
        Some(does)
    }

    /// The worker starts on a file, or with `-` on none. A stem must not contain `/`.
    pub fn busy_with(&self, worker: &str, file: &str) {
        self.lock().busy_with.insert(worker.to_owned(), file.into());
    }

    /// The file that the worker is busy with.
    pub fn file_of(&self, worker: &str) -> Arc<str> {
        self.lock().busy_with.get(worker).cloned().unwrap_or_else(|| "-".into())
    }

    /// Puts a container under the nemesis' hand; a replaced container has a new switch.
    pub fn take_hold(&self, worker: &str, switch: Switch) {
        self.lock().switches.insert(worker.to_owned(), switch);
    }

    /// The switch of a worker. Who has none cannot be killed or frozen.
    pub fn switch_of(&self, worker: &str) -> Option<Switch> {
        self.lock().switches.get(worker).cloned()
    }

    /// Counts a fault that the delivery, the bucket or a timed process brought about.
    pub fn count(&self, id: &str) {
        self.lock().tallies.count(id);
    }

    /// Counts a request that left its client.
    pub fn count_request(&self) {
        self.lock().tallies.requests += 1;
    }

    /// Faults stop for good, and whoever is frozen thaws.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.healed = true;
        state.switches.values().for_each(Switch::thaw);
    }

    /// Whether faults have stopped.
    pub fn is_healed(&self) -> bool {
        self.lock().healed
    }

    /// Returns when the bound of steps is reached; never otherwise.
    pub async fn out_of_steps(&self) {
        self.exhausted.notified().await;
    }

    /// What fired and what was reached so far, moved out.
    pub fn take_tallies(&self) -> Tallies {
        std::mem::take(&mut self.lock().tallies)
    }

    /// A random time for one use, from a stream of that name.
    pub fn span(&self, name: &str, low: Duration, high: Duration) -> Duration {
        // A stream made anew for each draw would repeat itself, so the count of draws is part of
        // its name.
        let mut state = self.lock();
        let drawn = state.tallies.draws.entry(name.to_owned()).or_default();
        *drawn += 1;
        let name = format!("nemesis/{name}/{drawn}");
        state.seed.stream(&name).span(low, high)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts the point, and finds what strikes there.
    fn strike(&mut self, point: Point<'_>) -> Option<(Address, Does)> {
        let Point { worker, file, statement, phase, reused } = point;
        let nth = visit(&mut self.reached, &point);
        let address =
            || Address { worker: worker.to_owned(), file: file.to_owned(), statement, nth, phase };
        if self.keep_points {
            self.tallies.points.push(address());
        }
        let mut found = None;
        if !self.placed.is_empty()
            && let Some(waiting) = self.placed.get_mut(&address())
            && !waiting.is_empty()
        {
            found = Some(waiting.remove(0));
        }
        for rule in &mut self.rules {
            // Each rule that could strike draws, also when another one strikes first: removing a
            // rule must not shift the numbers of the others.
            if rule.could_strike(statement, phase, reused)
                && rule.stream.chance(rule.fault.chance)
                && found.is_none()
            {
                rule.fired += 1;
                found = Some(rule.fault.does);
            }
        }
        let does = found?;
        self.tallies.fire(address(), does);
        Some((address(), does))
    }
}

/// Counts a visit; which one at its place it is, from 1. Names are copied only on the first.
fn visit(reached: &mut BTreeMap<String, BTreeMap<String, Visits>>, point: &Point<'_>) -> u32 {
    let known = reached.get_mut(point.worker).and_then(|files| files.get_mut(point.file));
    let visits = match known {
        Some(visits) => visits,
        None => {
            let files = reached.entry(point.worker.to_owned()).or_default();
            files.entry(point.file.to_owned()).or_insert_with(|| Visits(Box::default()))
        }
    };
    let nth = &mut visits.0[point.statement as usize][point.phase as usize];
    *nth += 1;
    *nth
}

impl Rule {
    fn could_strike(&self, statement: StatementName, phase: Phase, reused: bool) -> bool {
        let fault = &self.fault;
        self.places.contain(statement, phase)
            && (reused || fault.does != Does::StaleConnection)
            && fault.at_most.is_none_or(|most| self.fired < most)
    }
}

impl Places {
    fn of(fault: &PlannedFault) -> Places {
        let mut places = Places([0; StatementName::ALL.len()]);
        for &statement in &fault.on {
            for &phase in &fault.at {
                if fault.does.fits(statement, phase) {
                    places.0[statement as usize] |= 1 << phase as u8;
                }
            }
        }
        places
    }

    fn contain(&self, statement: StatementName, phase: Phase) -> bool {
        self.0[statement as usize] & 1 << phase as u8 != 0
    }
}

#[cfg(test)]
mod tests;
