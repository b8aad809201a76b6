//! Verdicts, exit codes and their precedence, on a hand-made set of results.

use super::*;
use crate::report::{json, sample};

/// One thing that is not as it should be.
type Change<'a> = &'a dyn Fn(&mut RawReport);

/// What a passing sample turns into when one part of it is changed.
fn code_after(change: impl Fn(&mut RawReport)) -> u8 {
    let mut raw = sample::passing();
    change(&mut raw);
    report(&raw).exit_code
}

fn run_of(raw: &mut RawReport, section: Section) -> &mut RunOutcome {
    raw.parts
        .iter_mut()
        .filter(|part| part.label.section == section)
        .find_map(|part| match &mut part.outcome {
            Outcome::Run(run) => Some(run),
            _ => None,
        })
        .expect("the sample has one")
}

#[test]
fn each_verdict_has_its_code_and_its_precedence() {
    let violate = |raw: &mut RawReport| {
        run_of(raw, Section::Scenario).findings.push(sample::finding("O1"));
    };
    let stick = |raw: &mut RawReport| run_of(raw, Section::Scenario).stuck = Some("waits".into());
    let idle = |raw: &mut RawReport| {
        raw.expectations.entry("network/lost-commit-ack".into()).or_default().faults =
            vec!["F99".into()];
    };
    let miss = |raw: &mut RawReport| sample::mutant_of(raw).by = None;
    let diverge = |raw: &mut RawReport| sample::determinism_of(raw).difference = Some("x".into());
    let crash =
        |raw: &mut RawReport| run_of(raw, Section::Scenario).internal_error = Some("bug".into());
    let steps: [(u8, Change<'_>); 6] =
        [(12, &idle), (14, &miss), (11, &stick), (10, &violate), (13, &diverge), (1, &crash)];
    assert_eq!(code_after(|_| {}), 0);
    for (code, change) in steps {
        assert_eq!(code_after(change), code);
    }
    // Each stronger verdict hides the weaker ones before it.
    let mut raw = sample::passing();
    for (code, change) in steps {
        change(&mut raw);
        assert_eq!(report(&raw).exit_code, code);
    }
}

#[test]
fn prior_rungs_never_set_the_code_and_the_engine_does() {
    let violate = |raw: &mut RawReport, policy: &str| {
        for part in &mut raw.parts {
            if part.label.section == Section::Ladder
                && part.label.name == policy
                && let Outcome::Run(run) = &mut part.outcome
            {
                run.findings.push(sample::finding("O1"));
            }
        }
    };
    assert_eq!(code_after(|raw| violate(raw, "prior-0")), 0);
    assert_eq!(code_after(|raw| violate(raw, ENGINE)), 10);
}

#[test]
fn a_shard_is_never_vacuous_and_the_merge_is() {
    let mut raw = sample::passing();
    raw.expectations.entry("network/lost-commit-ack".into()).or_default().marks =
        BTreeMap::from([("never.reached".into(), 1)]);
    assert_eq!(report(&raw).exit_code, 12);
    let cut = |keep: usize| {
        let mut shard = raw.clone();
        shard.parts.retain(|part| part.index % 2 == keep);
        shard
    };
    let (even, odd) = (cut(0), cut(1));
    assert_eq!(report(&even).exit_code, 0);
    let merged = RawReport::merge(vec![odd, even]).expect("a partition");
    assert_eq!(json::render(&report(&merged)), json::render(&report(&raw)));
}

#[test]
fn a_liveness_complaint_is_stuck_and_not_a_violation() {
    let code = code_after(|raw| {
        run_of(raw, Section::Scenario).findings.push(sample::finding("O10"));
    });
    assert_eq!(code, 11);
}
