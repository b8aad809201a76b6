//! A hand-made set of results, for the tests of the renderers and of the verdict.
//!
//! Small enough to recompute every figure by hand, with one of everything in it.

use std::collections::BTreeMap;

use crate::outcome::{
    Cell, CensusOutcome, DeterminismOutcome, Expectation, Finding, Label, MutantOutcome, Origin,
    Outcome, Part, RawReport, RunOutcome, Section, Tally,
};

/// A complaint of this oracle.
pub(crate) fn finding(oracle: &str) -> Finding {
    Finding {
        oracle: oracle.to_owned(),
        message: "users id=17 is live, but its last change is a delete".to_owned(),
    }
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn run(hash: u8, succeeded: u64, first_try: &[bool]) -> RunOutcome {
    RunOutcome {
        hash: format!("{hash:032x}"),
        tally: Tally {
            invocations: 10,
            invocations_succeeded: succeeded,
            undisturbed_invocations: 9,
            files: 8,
            files_applied_at_end_of_deliveries: 8,
            files_applied: 8,
            cleanup_attempts: 10,
            cleanup_failures: 3,
            requests: 96,
            ..Tally::default()
        },
        file_millis: vec![800, 1_200, 9_000],
        faults_fired: counts(&[("F02", 2), ("F04", 1)]),
        marks: counts(&[("merge.check.found-after-doubt", 1)]),
        oracles: counts(&[("O1", 40), ("O4", 3), ("O7", 8)]),
        cells: vec![
            Cell {
                fault: "F02".into(),
                statement: "begin".into(),
                phase: "received".into(),
                count: 2,
            },
            Cell {
                fault: "F04".into(),
                statement: "commit".into(),
                phase: "committed".into(),
                count: 1,
            },
        ],
        virtual_millis: 1_234_500,
        first_try: first_try.to_vec(),
        size: [8, 3],
        ..RunOutcome::default()
    }
}

/// A report's worth of results with one violation, in `delivery/late-delete`.
pub(crate) fn raw() -> RawReport {
    let mut raw = passing();
    for part in &mut raw.parts {
        if part.label.name == "delivery/late-delete"
            && part.label.origin == Origin::Fresh
            && let Outcome::Run(run) = &mut part.outcome
        {
            run.findings.push(finding("O4"));
            run.tally.resurrected_deletes = 1;
        }
    }
    raw
}

/// The same without the violation.
pub(crate) fn passing() -> RawReport {
    let mut parts = Vec::new();
    let mut push = |section, name: &str, seed: &str, origin, outcome| {
        let label = Label { section, name: name.to_owned(), seed: seed.to_owned(), origin };
        parts.push(Part { index: parts.len(), label, outcome });
    };
    let seeds = ["51d0_09aa_7c3e_11f4", "0b1e_4c77_92d0_6a15", "0000_0000_0000_0003"];
    for (seed, origin) in seeds.into_iter().zip([Origin::Pinned, Origin::Fresh, Origin::Fresh]) {
        let outcome = Outcome::Run(run(seed.as_bytes()[3], 10, &[]));
        push(Section::Scenario, "network/lost-commit-ack", seed, origin, outcome);
    }
    for (seed, origin) in seeds.into_iter().zip([Origin::Pinned, Origin::Fresh]) {
        let small = RunOutcome { size: [2, 1], ..run(7, 9, &[]) };
        push(Section::Scenario, "delivery/late-delete", seed, origin, Outcome::Run(small));
    }
    let census = CensusOutcome {
        schedules: 30,
        points: 12,
        hashes: vec!["aa".into(), "bb".into()],
        fault_kinds: 6,
        faults_max: 2,
        complete: true,
        oracles: counts(&[("O1", 30)]),
        ..CensusOutcome::default()
    };
    for share in ["1/2", "2/2"] {
        let outcome = Outcome::Census(census.clone());
        push(Section::Exhaustive, "one-file", share, Origin::Enumerated, outcome);
    }
    push(Section::Crash, "every-step", "1/1", Origin::Enumerated, Outcome::Census(census));
    for (policy, succeeded, first) in
        [("prior-0", 7, [true, false]), ("prior-1", 9, [true, true]), ("engine", 10, [true, true])]
    {
        for seed in &seeds[..2] {
            let outcome = Outcome::Run(run(3, succeeded, &first));
            push(Section::Ladder, policy, seed, Origin::Pinned, outcome);
        }
    }
    for (name, by, schedules) in [("no-fence", "O1", 1), ("no-tombstones", "O4", 7)] {
        let outcome = Outcome::Mutant(MutantOutcome {
            kind: "engine".into(),
            by: Some(by.into()),
            expected: by.into(),
            schedules,
            schedules_max: 200,
            internal_error: None,
        });
        push(Section::Mutant, name, "-", Origin::Fresh, outcome);
    }
    let same = Outcome::Determinism(DeterminismOutcome::default());
    push(Section::Determinism, "network/lost-commit-ack", seeds[0], Origin::Pinned, same);
    RawReport {
        commit: "3f9c2d1".into(),
        root_seed: "5eed_51d0_c0de_0042".into(),
        distribution: "9a4f0c77".into(),
        tier: "pr".into(),
        filtered: false,
        jobs_total: parts.len(),
        expectations: BTreeMap::from([(
            "network/lost-commit-ack".to_owned(),
            Expectation {
                faults: vec!["F04".into()],
                marks: counts(&[("merge.check.found-after-doubt", 1)]),
            },
        )]),
        parts,
    }
}

/// The first mutant.
pub(crate) fn mutant_of(raw: &mut RawReport) -> &mut MutantOutcome {
    raw.parts
        .iter_mut()
        .find_map(|part| match &mut part.outcome {
            Outcome::Mutant(mutant) => Some(mutant),
            _ => None,
        })
        .expect("the sample has one")
}

/// The comparison of two histories.
pub(crate) fn determinism_of(raw: &mut RawReport) -> &mut DeterminismOutcome {
    raw.parts
        .iter_mut()
        .find_map(|part| match &mut part.outcome {
            Outcome::Determinism(outcome) => Some(outcome),
            _ => None,
        })
        .expect("the sample has one")
}
