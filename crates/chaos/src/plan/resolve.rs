//! From a scenario and a seed to a plan: every choice is drawn here, once, before the run.
//!
//! Each choice has a stream of its own name, so a scenario that gains a knob keeps the draws of its
//! others, and a pinned seed stays close to the run it was pinned for.

use std::time::Duration;

use super::{
    Bounds, DeliveryPlan, Does, EventShape, HealPlan, Latency, Plan, PlannedFault, Policy, Sigma,
    Skew, WarehousePlan, WorkloadPlan,
};
use crate::ratio::Ratio;
use crate::scenario::Scenario;
use crate::scenario::choice::{Count, Parameters};
use crate::scenario::schema::{Fault, Heal};
use crate::scenario::swarm;
use crate::seed::Seed;
use crate::timespan::{Between, Span};

impl Plan {
    /// Draws a run from a scenario. The same arguments give the same plan, always.
    pub fn resolve(scenario: &Scenario, seed: Seed, policy: Policy) -> Plan {
        let draw = Draw { seed: seed.child(&scenario.name) };
        let heal = heal(scenario.file.heal.as_ref());
        let mut plan = Plan {
            scenario: scenario.name.clone(),
            seed,
            policy,
            mutant: scenario.mutant.clone(),
            points: false,
            workload: workload(scenario, &draw),
            delivery: delivery(scenario, &draw),
            warehouse: warehouse(scenario, &draw),
            bounds: bounds(scenario, heal),
            heal,
            expect: scenario.expect.clone(),
            faults: Vec::new(),
            placed: Vec::new(),
        };
        for fault in &scenario.file.fault {
            plan.faults.extend(rules(fault, &draw));
        }
        // A rule that never fires proves nothing about its fault; the swarm's rules are drawn, so
        // what they must reach is for its own file to say.
        for rule in &plan.faults {
            plan.expect.faults.entry(rule.does.fault_id().to_owned()).or_insert(1);
        }
        if let Some(swarm) = &scenario.file.swarm {
            swarm::draw(swarm, &mut plan, draw.seed);
        }
        plan
    }
}

/// Draws by name.
struct Draw {
    seed: Seed,
}

impl Draw {
    fn count(&self, name: &str, count: Option<Count>, or: Between<u64>) -> u64 {
        let Between { min, max } = count.map_or(or, |count| count.0);
        self.seed.stream(name).range(min..=max)
    }

    fn span(&self, name: &str, range: Between<Span>) -> Span {
        Span(self.seed.stream(name).span(range.min.0, range.max.0))
    }
}

fn seconds(count: u64) -> Span {
    Span(Duration::from_secs(count))
}

fn millis(count: u64) -> Span {
    Span(Duration::from_millis(count))
}

fn workload(scenario: &Scenario, draw: &Draw) -> WorkloadPlan {
    let wanted = scenario.file.workload.clone().unwrap_or_default();
    let tables = scenario.file.table.as_ref().map(|tables| tables.get_ref());
    let (table, key) = match tables.and_then(|tables| tables.iter().next()) {
        Some((name, table)) => (name.clone(), table.key.clone()),
        None => ("users".to_owned(), vec!["id".to_owned()]),
    };
    let keys = wanted.keys.as_ref().map(|keys| *keys.count.get_ref());
    let files = wanted.batches.as_ref().map(|batches| *batches.count.get_ref());
    let rows = wanted.batches.as_ref().map(|batches| batches.rows.get_ref().0);
    let (insert, update, delete) = wanted
        .changes
        .map_or((3, 6, 1), |weights| (weights.insert, weights.update, weights.delete));
    WorkloadPlan {
        database: "db".to_owned(),
        table,
        ddl: scenario.ddl.clone(),
        key,
        keys: draw.count("keys", keys, Between { min: 8, max: 24 }),
        skew: wanted.keys.and_then(|keys| keys.skew).unwrap_or(Skew::Zipf),
        insert,
        update,
        delete,
        same_key: wanted.same_key.unwrap_or(Ratio { numerator: 1, denominator: 4 }),
        full_load: wanted.full_load.unwrap_or(false),
        files: draw.count("files", files, Between { min: 6, max: 7 }),
        rows: rows.unwrap_or(Between { min: 1, max: 12 }),
        step: wanted.step.unwrap_or(millis(400)),
        added_column: wanted.added_column,
    }
}

fn delivery(scenario: &Scenario, draw: &Draw) -> DeliveryPlan {
    let wanted = scenario.file.delivery.clone().unwrap_or_default();
    let workers = wanted.workers.as_ref().map(|workers| *workers.get_ref());
    let workers = draw.count("workers", workers, Between { min: 2, max: 4 });
    DeliveryPlan {
        workers: u32::try_from(workers).unwrap_or(u32::MAX),
        spacing: wanted.spacing.unwrap_or(seconds(2)),
        duplicate: wanted.duplicate.unwrap_or_default(),
        reorder: wanted.reorder.unwrap_or_default(),
        late: wanted.late,
        deadline: wanted.deadline.unwrap_or(seconds(300)),
        tries: wanted.tries.unwrap_or(3),
        retry_after: wanted.retry_after.unwrap_or(seconds(60)),
        event: wanted.event.unwrap_or(EventShape::S3),
        clock_skew: wanted.clock_skew.unwrap_or_default(),
        object_cut: wanted.object_cut.unwrap_or_default(),
        sweep_every: wanted.sweep_every,
    }
}

fn warehouse(scenario: &Scenario, draw: &Draw) -> WarehousePlan {
    let wanted = scenario.file.warehouse.clone().unwrap_or_default();
    let engine = scenario.file.engine.clone().unwrap_or_default();
    let mut quirks = toml::Table::new();
    for (name, values) in &wanted.quirks {
        let mut stream = draw.seed.stream(&format!("quirk/{name}"));
        quirks.insert(name.replace('_', "-"), stream.pick(&values.get_ref().0).clone());
    }
    WarehousePlan {
        latency: wanted.latency.unwrap_or(QUICK),
        latencies: wanted
            .latencies
            .into_iter()
            .map(|(name, latency)| (name, latency.into_inner()))
            .collect(),
        away: engine.away.unwrap_or(Between { min: seconds(2), max: seconds(5) }),
        restart_every: engine.restart_every,
        killed_after_commit: engine
            .killed_after_commit
            .unwrap_or(Ratio { numerator: 1, denominator: 2 }),
        quirks,
    }
}

/// Most statements take tens of milliseconds, a few take seconds.
const QUICK: Latency = Latency {
    min: Span(Duration::from_millis(5)),
    mean: Span(Duration::from_millis(40)),
    max: Span(Duration::from_secs(3)),
    sigma: Sigma(Ratio { numerator: 1, denominator: 1 }),
};

fn heal(wanted: Option<&Heal>) -> HealPlan {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    match wanted {
        Some(heal) => HealPlan { after: heal.after.get_ref().0, within: heal.within.0 },
        None => HealPlan { after: minutes(10), within: minutes(30) },
    }
}

fn bounds(scenario: &Scenario, heal: HealPlan) -> Bounds {
    let wanted = scenario.file.scenario.as_ref().and_then(|head| head.bounds.as_ref());
    let sim_time = wanted.and_then(|bounds| bounds.sim_time.as_ref());
    let default = (heal.after + heal.within).max(Duration::from_secs(7200));
    Bounds {
        sim_time: sim_time.map_or(default, |limit| limit.get_ref().0),
        steps: wanted.and_then(|bounds| bounds.steps).unwrap_or(250_000),
    }
}

/// One rule of a scenario as rules of a plan: one for each thing that it does. A dropped connection
/// is another fault before execution than after it.
fn rules(fault: &Fault, draw: &Draw) -> Vec<PlannedFault> {
    let name = fault.name.get_ref();
    let parameter = |what: &str, range: Option<Between<Span>>| {
        range.map(|range| draw.span(&format!("{name}/{what}"), range))
    };
    let parameters = Parameters {
        by: parameter("by", fault.by),
        lasting: parameter("lasting", fault.lasting),
        status: fault.status.as_ref().map(|status| *status.get_ref()),
    };
    let mut rules: Vec<PlannedFault> = Vec::new();
    for phase in fault.at.iter().map(|phase| *phase.get_ref()) {
        let Some(does) = fault.does.get_ref().at(phase, &parameters) else { continue };
        match rules.iter_mut().find(|rule| rule.does == does) {
            Some(rule) => rule.at.push(phase),
            None => rules.push(PlannedFault {
                name: rule_name(name, rules.len(), does),
                on: fault.on.0.clone(),
                at: vec![phase],
                does,
                chance: *fault.chance.get_ref(),
                at_most: fault.at_most,
            }),
        }
    }
    rules
}

fn rule_name(name: &str, before: usize, does: Does) -> String {
    if before == 0 { name.to_owned() } else { format!("{name}/{}", does.fault_id()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Library;
    use proptest::prelude::*;

    fn scenario(text: &str) -> Scenario {
        let texts = [("a/b".to_owned(), text.to_owned())].into_iter().collect();
        let library = Library::assemble(&texts, &|_| None).expect("a sound scenario");
        library.get("a/b").expect("it was just put there").clone()
    }

    const EXAMPLE: &str = r#"
        [workload]
        batches = { count = "6..=40", rows = "1..=20" }
        [delivery]
        late = { chance = "1/50", by = "30s..=2m" }
        [warehouse]
        quirks = { conflict_unit = ["row", "tablet"], conflict_status = 409 }
        [engine]
        restart_every = "75s"
        [[fault]]
        name = "ack-lost"
        on = "commit"
        at = ["received", "committed"]
        does = "drop-connection"
        chance = "1/3"
        [[fault]]
        name = "zombie"
        on = ["commit", "merge"]
        at = ["received"]
        does = "execute-late"
        by = "30s..=10m"
        chance = "1/9"
    "#;

    #[test]
    fn one_rule_becomes_one_fault_for_each_thing_that_it_does() {
        let plan = Plan::resolve(&scenario(EXAMPLE), Seed(1), Policy::Engine);
        let kinds: Vec<_> = plan.faults.iter().map(|rule| rule.does.fault_id()).collect();
        assert_eq!(kinds, ["F02", "F04", "F13"]);
        assert_eq!(plan.expect.faults.keys().collect::<Vec<_>>(), ["F02", "F04", "F13"]);
    }

    proptest! {
        #[test]
        fn a_plan_is_read_back_as_it_was_written(seed: u64) {
            let plan = Plan::resolve(&scenario(EXAMPLE), Seed(seed), Policy::Prior1);
            let text = plan.to_toml();
            let back = Plan::from_toml(&text);
            prop_assert_eq!(back.as_ref(), Ok(&plan), "{}", text);
        }

        #[test]
        fn swarm_plans_are_read_back_too(seed: u64) {
            let text = "[swarm]\nrarest = \"1/200\"\nmost_frequent = \"1/5\"";
            let plan = Plan::resolve(&scenario(text), Seed(seed), Policy::Engine);
            let back = Plan::from_toml(&plan.to_toml());
            prop_assert_eq!(back.as_ref(), Ok(&plan));
        }
    }
}
