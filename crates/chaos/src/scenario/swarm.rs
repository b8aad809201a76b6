//! The swarm: every seed draws its own subset of fault kinds, rates, workload and quirks.
//!
//! A fixed mix of all faults hides what only a pure one shows: when everything fails all the time,
//! nothing gets far enough to fail late. So most seeds leave out most kinds, some have one kind
//! only, and one in a hundred has none.

use std::time::Duration;

use super::schema::Swarm;
use crate::plan::{Does, EventShape, Late, Phase, Plan, PlannedFault, Skew};
use crate::ratio::Ratio;
use crate::seed::{Seed, Stream};
use crate::statement::StatementName;
use crate::timespan::{Between, Span};

/// Draws the world of one seed over the plan's defaults.
pub(crate) fn draw(swarm: &Swarm, plan: &mut Plan, seed: Seed) {
    workload(plan, &mut seed.stream("swarm/workload"));
    delivery(plan, &mut seed.stream("swarm/delivery"));
    quirks(plan, &mut seed.stream("swarm/quirks"));
    faults(swarm, plan, &mut seed.stream("swarm/faults"));
}

fn workload(plan: &mut Plan, stream: &mut Stream) {
    let workload = &mut plan.workload;
    workload.files = stream.range(6..=8);
    workload.keys = *stream.pick(&[1, 2, 4, 8, 16, 32]);
    workload.rows = Between { min: 1, max: *stream.pick(&[1, 3, 8, 20]) };
    workload.skew = *stream.pick(&[Skew::Uniform, Skew::Zipf]);
    workload.insert = count(stream.range(1..=6));
    workload.update = count(stream.range(0..=6));
    workload.delete = count(stream.range(0..=4));
    workload.same_key = Ratio { numerator: count(stream.range(0..=3)), denominator: 4 };
    workload.full_load = stream.range(0..=3) == 0;
    workload.step = Span(Duration::from_millis(*stream.pick(&[1, 50, 400, 5_000])));
}

fn count(number: u64) -> u32 {
    u32::try_from(number).expect("drawn from a small range")
}

fn delivery(plan: &mut Plan, stream: &mut Stream) {
    let delivery = &mut plan.delivery;
    delivery.workers = count(stream.range(2..=5));
    delivery.spacing = Span(Duration::from_millis(*stream.pick(&[1, 300, 3_000, 30_000])));
    delivery.duplicate = *stream.pick(&[ratio(0, 1), ratio(1, 10), ratio(1, 2)]);
    delivery.reorder = *stream.pick(&[ratio(0, 1), ratio(1, 8), ratio(1, 2)]);
    delivery.event = *stream.pick(&[EventShape::S3, EventShape::EventBridge]);
    if stream.chance(ratio(1, 4)) {
        let minutes = |count: u64| Span(Duration::from_secs(60 * count));
        let by = Between { min: minutes(1), max: minutes(*stream.pick(&[5, 600, 4_320])) };
        delivery.late = Some(Late { chance: ratio(1, 6), by });
    }
    if stream.chance(ratio(1, 8)) {
        delivery.clock_skew = Span(Duration::from_secs(stream.range(1..=60)));
    }
    if stream.chance(ratio(1, 8)) {
        delivery.object_cut = ratio(1, 10);
    }
}

fn ratio(numerator: u32, denominator: u32) -> Ratio {
    Ratio { numerator, denominator }
}

/// Each unknown of the service with its answers. The engine has to be right under all of them.
const QUIRKS: &[(&str, &[&str])] = &[
    ("conflict-unit", &["row", "tablet"]),
    ("snapshot", &["begin", "statement"]),
    ("merge-multi-match", &["error", "arbitrary", "multiply"]),
    ("commit-of-failed-transaction", &["error", "rollback"]),
    ("cannot-be-retried", &["before-commit", "after-commit"]),
    ("restart-transactions", &["lost", "survive"]),
    ("cancel-on-disconnect", &["none", "all"]),
    ("unknown-transaction-statement", &["refuse", "autocommit"]),
];

fn quirks(plan: &mut Plan, stream: &mut Stream) {
    for (name, answers) in QUIRKS {
        let answer = (*stream.pick(answers)).to_owned();
        plan.warehouse.quirks.insert((*name).to_owned(), toml::Value::String(answer));
    }
}

fn faults(swarm: &Swarm, plan: &mut Plan, stream: &mut Stream) {
    let kinds = kinds(stream);
    let rates = rates(swarm);
    // One seed in a hundred has no faults, one in ten a single kind; else each kind is in by 1/4.
    let mode = stream.below(100);
    let only = stream.below(kinds.len() as u64);
    for (at, (name, does)) in (0..).zip(kinds) {
        let drawn = stream.chance(ratio(1, 4));
        let rate = *stream.pick(&rates);
        let narrow = stream.chance(ratio(1, 2)).then(|| *stream.pick(STATEMENTS));
        let wanted = match mode {
            0 => false,
            1..=10 => at == only,
            _ => drawn,
        };
        if !wanted {
            continue;
        }
        let on: Vec<StatementName> = match narrow {
            Some(statement) if !matches!(does, Does::DropFails | Does::DropFailsButDone) => {
                vec![statement]
            }
            _ => StatementName::ALL.to_vec(),
        };
        plan.faults.push(PlannedFault {
            name: name.to_owned(),
            on,
            at: phases(does),
            does,
            chance: rate,
            at_most: None,
        });
    }
    if stream.chance(ratio(1, 10)) {
        let every = Duration::from_secs(stream.range(10..=200));
        plan.warehouse.restart_every = Some(Span(every));
    }
}

/// Where half of the rules strike only: the statements whose loss is hardest to get right.
const STATEMENTS: &[StatementName] = &[
    StatementName::Stage,
    StatementName::Begin,
    StatementName::Fence,
    StatementName::Check,
    StatementName::Merge,
    StatementName::Versions,
    StatementName::Ledger,
    StatementName::Commit,
    StatementName::Commit,
    StatementName::Drop,
];

/// A worker dies or stops at any event; every other fault has its own phases.
fn phases(does: Does) -> Vec<Phase> {
    does.phases().to_vec()
}

/// Every kind of fault that strikes statements, with its parameters drawn for this seed.
fn kinds(stream: &mut Stream) -> Vec<(&'static str, Does)> {
    let mut span = |low: u64, high: u64| Span(Duration::from_secs(stream.range(low..=high)));
    let (late, pause, freeze) = (span(1, 1_200), span(1, 400), span(1, 900));
    vec![
        ("connect-refused", Does::ConnectRefused),
        ("reset-before", Does::ResetBefore),
        ("request-lost", Does::RequestLost),
        ("reply-lost", Does::ReplyLost),
        ("truncate-reply", Does::TruncateReply),
        ("busy", Does::ErrorBefore { status: 429 }),
        ("internal-error", Does::ErrorBefore { status: 500 }),
        ("unavailable", Does::ErrorBefore { status: 503 }),
        ("error-after", Does::ErrorAfter),
        ("cannot-be-retried-before", Does::CannotBeRetriedBefore),
        ("cannot-be-retried-after", Does::CannotBeRetriedAfter),
        ("restart-before", Does::RestartBefore),
        ("restart-after", Does::RestartAfter),
        ("conflict", Does::Conflict),
        ("hang", Does::Hang),
        ("delay", Does::Delay { by: pause }),
        ("execute-late", Does::ExecuteLate { by: late }),
        ("twice", Does::Twice),
        ("stale-connection", Does::StaleConnection),
        ("drop-fails", Does::DropFails),
        ("drop-fails-but-done", Does::DropFailsButDone),
        ("error-inside", Does::ErrorInside),
        ("token-expires", Does::TokenExpires),
        ("kill-worker", Does::KillWorker),
        ("freeze", Does::Freeze { lasting: freeze }),
        ("vacuum", Does::Vacuum),
    ]
}

/// Rates between the two ends, each about 8/5 of the next: uniform in the logarithm.
fn rates(swarm: &Swarm) -> Vec<Ratio> {
    let denominator = |ratio: Ratio| ratio.denominator / ratio.numerator.max(1);
    let (mut below, rarest) = (denominator(swarm.most_frequent).max(1), denominator(swarm.rarest));
    let mut rates = vec![ratio(1, below)];
    while below < rarest {
        below = (below * 8 / 5).max(below + 1).min(rarest);
        rates.push(ratio(1, below));
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_spread_over_the_whole_range() {
        let swarm = Swarm { rarest: ratio(1, 200), most_frequent: ratio(1, 5) };
        let below: Vec<u32> = rates(&swarm).iter().map(|rate| rate.denominator).collect();
        assert_eq!(below, [5, 8, 12, 19, 30, 48, 76, 121, 193, 200]);
    }

    #[test]
    fn every_answer_to_a_quirk_is_one_that_the_fake_knows() {
        for (name, answers) in QUIRKS {
            for answer in *answers {
                let value = toml::Value::String((*answer).to_owned());
                let table = [((*name).to_owned(), value)].into_iter().collect();
                assert!(super::super::library::quirks(table).is_ok(), "{name} = {answer}");
            }
        }
    }
}
