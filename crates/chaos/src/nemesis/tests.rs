//! The nemesis alone: what fires where, how often, and under which name.

use std::time::Duration;

use super::{Nemesis, Point};
use crate::job;
use crate::plan::{Address, Does, Phase, PlacedFault, Plan, PlannedFault};
use crate::ratio::Ratio;
use crate::statement::StatementName;
use crate::timespan::Span;
use crate::world::recorder::Recorder;
use crate::world::switch::Switch;

fn point(phase: Phase) -> Point<'static> {
    let (worker, file, statement) = ("worker-1", "20251111-1", StatementName::Commit);
    Point { worker, file, statement, phase, reused: true }
}

fn rule(name: &str, does: Does, chance: Ratio) -> PlannedFault {
    PlannedFault {
        name: name.to_owned(),
        on: vec![StatementName::Commit],
        at: does.phases().to_vec(),
        does,
        chance,
        at_most: None,
    }
}

fn nemesis(plan: &Plan) -> Nemesis {
    Nemesis::new(plan, Recorder::new())
}

#[tokio::test(start_paused = true)]
async fn a_placed_fault_fires_once_at_its_address_and_nowhere_else() {
    let address: Address =
        "worker-1/20251111-1/commit#2@committed".parse().expect("a good address");
    let placed = vec![PlacedFault { address, does: Does::ReplyLost }];
    let nemesis =
        nemesis(&Plan { faults: Vec::new(), placed: placed.clone(), ..job::tests::plan() });
    let struck: Vec<_> = (0..4).map(|_| nemesis.decide(point(Phase::Committed))).collect();
    assert_eq!(struck, [None, Some(Does::ReplyLost), None, None]);
    let tallies = nemesis.take_tallies();
    assert_eq!(tallies.fired, placed);
    assert_eq!(tallies.faults_fired["F04"], 1);
}

#[tokio::test(start_paused = true)]
async fn addresses_count_per_worker_file_statement_and_phase() {
    let nemesis = nemesis(&Plan { points: true, faults: Vec::new(), ..job::tests::plan() });
    nemesis.decide(point(Phase::Sent));
    nemesis.decide(point(Phase::Received));
    nemesis.decide(point(Phase::Sent));
    nemesis.decide(Point { worker: "worker-2", ..point(Phase::Sent) });
    nemesis.decide(Point { file: "-", ..point(Phase::Sent) });
    let points: Vec<String> =
        nemesis.take_tallies().points.iter().map(ToString::to_string).collect();
    assert_eq!(
        points,
        [
            "worker-1/20251111-1/commit#1@sent",
            "worker-1/20251111-1/commit#1@received",
            "worker-1/20251111-1/commit#2@sent",
            "worker-2/20251111-1/commit#1@sent",
            "worker-1/-/commit#1@sent",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rule_more_does_not_shift_the_others() {
    let half = Ratio { numerator: 1, denominator: 2 };
    let fired = |faults: Vec<PlannedFault>| {
        let nemesis = nemesis(&Plan { faults, placed: Vec::new(), ..job::tests::plan() });
        for _ in 0..50 {
            nemesis.decide(point(Phase::Received));
        }
        let fired = nemesis.take_tallies().fired;
        fired.into_iter().filter(|fault| fault.does == Does::Twice).collect::<Vec<_>>()
    };
    let alone = fired(vec![rule("twice", Does::Twice, half)]);
    let second = rule("lost", Does::RequestLost, half);
    assert!(alone.len() > 10, "the rule fires");
    assert_eq!(fired(vec![rule("twice", Does::Twice, half), second]), alone);
}

#[tokio::test(start_paused = true)]
async fn nothing_fires_after_heal_or_beyond_its_limit() {
    let mut often = rule("often", Does::Twice, Ratio::ONE);
    often.at_most = Some(2);
    let nemesis = nemesis(&Plan { faults: vec![often], ..job::tests::plan() });
    let struck = |_| nemesis.decide(point(Phase::Received)).is_some();
    assert_eq!((0..4).map(struck).collect::<Vec<_>>(), [true, true, false, false]);
    nemesis.heal();
    assert!(nemesis.is_healed());
    assert_eq!(nemesis.decide(point(Phase::Received)), None);
}

#[tokio::test(start_paused = true)]
async fn a_stale_connection_needs_a_connection_that_was_used() {
    let stale = rule("stale", Does::StaleConnection, Ratio::ONE);
    let nemesis = nemesis(&Plan { faults: vec![stale], ..job::tests::plan() });
    let fresh = Point { reused: false, ..point(Phase::Sent) };
    assert_eq!(nemesis.decide(fresh), None);
    assert_eq!(nemesis.decide(point(Phase::Sent)), Some(Does::StaleConnection));
}

#[tokio::test(start_paused = true)]
async fn kills_and_freezes_reach_the_container_and_heal_thaws_it() {
    let lasting = Span(Duration::from_secs(600));
    let freeze = rule("freeze", Does::Freeze { lasting }, Ratio::ONE);
    let nemesis = nemesis(&Plan { faults: vec![freeze], ..job::tests::plan() });
    let switch = Switch::default();
    nemesis.take_hold("worker-1", switch.clone());
    nemesis.decide(point(Phase::Executed));
    assert!(switch.is_frozen());
    nemesis.heal();
    assert!(!switch.is_frozen() && !switch.is_killed());
}

#[tokio::test(start_paused = true)]
async fn the_bound_of_steps_is_noticed() {
    let mut plan = job::tests::plan();
    plan.bounds.steps = 3;
    let nemesis = nemesis(&plan);
    for _ in 0..4 {
        nemesis.decide(point(Phase::Sent));
    }
    nemesis.out_of_steps().await;
}
