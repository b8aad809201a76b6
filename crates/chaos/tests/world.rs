//! Whole runs of the assembled world: real engine, real fake, virtual time.

use std::path::Path;

use chaos::determinism;
use chaos::plan::{Plan, Policy};
use chaos::run::{Record, RunResult, run};
use chaos::scenario::Library;
use chaos::seed::Seed;

fn library() -> Library {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    Library::read(root).expect("every scenario is sound (see tests/scenarios.rs)")
}

fn plan(name: &str, seed: u64) -> Plan {
    let library = library();
    let scenario = library.get(name).expect("a scenario of the repository");
    Plan::resolve(scenario, Seed(seed), Policy::Engine)
}

fn sound(plan: &Plan, result: &RunResult) {
    let at = format!("{}@{}", plan.scenario, plan.seed);
    assert_eq!(result.internal_error, None, "{at}");
    assert_eq!(result.stuck, None, "{at}");
    let found: Vec<String> = result.violations.iter().map(|v| v.message.clone()).collect();
    assert_eq!(found, Vec::<String>::new(), "{at}");
}

#[test]
fn without_faults_every_file_is_applied_at_the_first_try() {
    let mut plan = plan("network/lost-commit-ack", 1);
    plan.faults.clear();
    plan.delivery.duplicate = chaos::ratio::Ratio::ZERO;
    plan.delivery.reorder = chaos::ratio::Ratio::ZERO;
    plan.delivery.late = None;
    let result = run(&plan, Record::Full);
    sound(&plan, &result);
    assert_eq!(result.counts.files_applied_at_end_of_deliveries, plan.workload.files);
    assert_eq!(result.counts.invocations, plan.workload.files);
    assert_eq!(result.counts.invocations_succeeded, plan.workload.files);
    assert_eq!(result.faults_fired.values().sum::<u64>(), 0);
}

#[test]
fn every_scenario_holds_for_a_few_seeds() {
    for scenario in library().all().filter(|scenario| scenario.mutant.is_none()) {
        for seed in 1..=3 {
            let plan = Plan::resolve(scenario, Seed(seed), Policy::Engine);
            sound(&plan, &run(&plan, Record::Hash));
        }
    }
}

#[test]
fn a_plan_is_the_same_run_every_time() {
    for name in ["swarm/everything", "crash/frozen-worker", "engine/restart-storm"] {
        assert_eq!(determinism::twice(&plan(name, 7)), Ok(None), "{name}");
    }
}

#[test]
fn what_fired_by_rate_fires_again_by_address() {
    let rated = plan("network/lost-commit-ack", 3);
    let first = run(&rated, Record::Full);
    sound(&rated, &first);
    let placed = Plan { faults: Vec::new(), placed: first.fired.clone(), ..rated.clone() };
    let second = run(&placed, Record::Full);
    assert_eq!(first.fired, second.fired);
    assert_eq!(first.hash, second.hash);
}
