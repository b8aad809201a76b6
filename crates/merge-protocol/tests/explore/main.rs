//! Exhaustive exploration of the production `step()`: every interleaving of two workers, every
//! placement of a bounded number of faults, over a model warehouse.
//!
//! After every commit the target must be what folding the ledgered files gives, and at rest every
//! delivery must have ended in an acknowledgement that is true. The second half of this file breaks
//! the warehouse or the protocol in one place and demands that the exploration notices: an
//! exploration that cannot fail proves nothing.

mod warehouse;
mod workloads;
mod world;

use merge_protocol::object::FileId;
use merge_protocol::outcome::{FileOutcome, Unfinished};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use warehouse::{Broken, Db, Rules, Snapshot, Unit};
use workloads::Workload;
use world::{Setting, World};

/// No workload of this file needs as many: reaching it is a failure.
const STATES_MAX: usize = 500_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Violation {
    DuplicateKey,
    LedgerTwice,
    Drift,
    WrongAcknowledgement,
    Stuck,
}

struct Explored {
    states: usize,
    ends: usize,
    violation: Option<(Violation, Vec<String>)>,
}

/// 128 bits of a node: two nodes with one fingerprint would hide a part of the exploration, so it is
/// wide; and it is computed for every node, so it is a multiply and a rotate a word.
struct Fingerprint(u128);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let mixed =
            (self.0 ^ u128::from(word)).wrapping_mul(0x2d35_8dcc_aa6c_78a5_8bb8_4b93_962e_acc9);
        self.0 = mixed.rotate_left(59) ^ (mixed >> 71);
    }
}

fn fingerprint(world: &World) -> u128 {
    let mut fingerprint = Fingerprint(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    world.hash(&mut fingerprint);
    fingerprint.0
}

fn explore(workload: &Workload, rules: Rules, faults: u32) -> Explored {
    let setting = workload.setting(rules);
    let start = World::new(&setting, workload.db(), workload.queues(rules), faults);
    let mut seen: BTreeSet<u128> = BTreeSet::new();
    seen.insert(fingerprint(&start));
    let mut parents: Vec<(usize, String)> = vec![(usize::MAX, String::new())];
    let mut open = vec![(0usize, start)];
    let mut ends = 0;
    let trace = |parents: &[(usize, String)], mut at: usize| {
        let mut steps = Vec::new();
        while at != usize::MAX {
            steps.push(parents[at].1.clone());
            at = parents[at].0;
        }
        steps.reverse();
        steps
    };
    while let Some((at, world)) = open.pop() {
        let broken = judge(&setting, workload, &world);
        let successors = world.successors(&setting);
        let at_rest = successors.is_empty();
        ends += usize::from(at_rest);
        let stuck = (at_rest && !world.is_at_rest()).then_some(Violation::Stuck);
        if let Some(violation) = broken.or(stuck) {
            let violation = Some((violation, trace(&parents, at)));
            return Explored { states: seen.len(), ends, violation };
        }
        for (name, next) in successors {
            if seen.insert(fingerprint(&next)) {
                assert!(seen.len() <= STATES_MAX, "{}: more states than stated", workload.name);
                parents.push((at, name));
                open.push((parents.len() - 1, next));
            }
        }
    }
    Explored { states: seen.len(), ends, violation: None }
}

fn judge(setting: &Setting, workload: &Workload, world: &World) -> Option<Violation> {
    let db = &world.db;
    if db.target.values().any(|rows| rows.len() > 1) {
        return Some(Violation::DuplicateKey);
    }
    let distinct: BTreeSet<_> =
        db.ledger.iter().map(|row| (row.file.clone(), row.generation)).collect();
    if distinct.len() != db.ledger.len() {
        return Some(Violation::LedgerTwice);
    }
    let (target, live) = workload.expected(setting, db);
    let actual: BTreeMap<u8, String> =
        db.target.iter().filter_map(|(key, rows)| Some((*key, rows.first()?.clone()))).collect();
    if target != actual {
        return Some(Violation::Drift);
    }
    let versions: BTreeMap<u8, String> = db
        .versions
        .iter()
        .filter(|(_, (_, deleted))| !deleted)
        .map(|(key, (seq, _))| (*key, seq.clone()))
        .collect();
    if versions != live {
        return Some(Violation::Drift);
    }
    world
        .settled
        .iter()
        .any(|(id, outcome)| is_false(db, id, outcome))
        .then_some(Violation::WrongAcknowledgement)
}

fn is_false(db: &Db, id: &FileId, outcome: &FileOutcome) -> bool {
    match outcome {
        FileOutcome::Applied | FileOutcome::AlreadyApplied => {
            !db.ledger.iter().any(|row| row.file == id.as_str())
        }
        FileOutcome::Quarantined(_) => !db.quarantine.contains(id.as_str()),
        // A table whose control row is broken is refused, loudly. Nothing else may give up here:
        // the exploration has no clock, so there is always time.
        FileOutcome::Unfinished(Unfinished::ControlBroken { .. }) => db.control.len() == 1,
        FileOutcome::Unfinished(_) => true,
    }
}

fn rules(snapshot: Snapshot) -> Rules {
    Rules {
        snapshot,
        unit: Unit::Row,
        commit_of_failed_is_ok: false,
        dead_id_autocommits: false,
        trust_commit: false,
        broken: Broken::Nothing,
    }
}

fn must_hold(workload: &Workload, rules: Rules, faults: u32) -> usize {
    let explored = explore(workload, rules, faults);
    if let Some((violation, trace)) = &explored.violation {
        panic!("{}: {violation:?} under {rules:?}\n  {}", workload.name, trace.join("\n  "));
    }
    assert!(explored.ends > 0, "{}: no end was reached", workload.name);
    eprintln!(
        "{:<34} {:?} faults {faults}: {} states, {} ends",
        workload.name, rules.snapshot, explored.states, explored.ends
    );
    explored.states
}

#[test]
fn two_workers_with_snapshots_at_begin() {
    for workload in workloads::all() {
        must_hold(&workload, rules(Snapshot::AtBegin), workload.faults_at_begin);
    }
}

#[test]
fn two_workers_with_snapshots_per_statement() {
    for workload in workloads::all() {
        must_hold(&workload, rules(Snapshot::PerStatement), workload.faults_per_statement);
    }
}

#[test]
fn unknowns_of_the_service_do_not_matter() {
    let base = rules(Snapshot::AtBegin);
    for workload in workloads::all().iter().filter(|workload| workload.is_small) {
        must_hold(workload, Rules { unit: Unit::Tablet, ..base }, 1);
        must_hold(workload, Rules { trust_commit: true, ..base }, 2);
        must_hold(workload, Rules { commit_of_failed_is_ok: true, ..base }, 2);
        must_hold(workload, Rules { dead_id_autocommits: true, ..base }, 1);
    }
}

#[test]
fn every_broken_variant_is_found() {
    use Violation::{Drift, DuplicateKey, LedgerTwice, WrongAcknowledgement};
    for (broken, expected) in [
        (Broken::Conflicts, vec![DuplicateKey, LedgerTwice, Drift]),
        (Broken::Fence, vec![DuplicateKey, LedgerTwice]),
        (Broken::GuardOfStep3, vec![Drift]),
        (Broken::GuardOfStep4, vec![Drift]),
        (Broken::Tombstones, vec![Drift]),
        (Broken::DeletesInserted, vec![Drift]),
        (Broken::LedgerOutside, vec![LedgerTwice, Drift, WrongAcknowledgement]),
        (Broken::DoubtIsSuccess, vec![WrongAcknowledgement]),
        (Broken::Guard, vec![DuplicateKey, LedgerTwice, Drift]),
    ] {
        // Where every commit is confirmed by the ledger, a doubt taken for success is caught by the
        // engine itself: that variant shows only where a 2xx is believed.
        let trust_commit = broken == Broken::DoubtIsSuccess;
        // The guard matters only where a lost transaction's statements run on their own.
        let dead_id_autocommits = broken == Broken::Guard;
        let rules = rules(Snapshot::AtBegin);
        let rules = Rules { broken, trust_commit, dead_id_autocommits, ..rules };
        let caught =
            workloads::all().iter().find_map(|workload| explore(workload, rules, 1).violation);
        let (violation, trace) =
            caught.unwrap_or_else(|| panic!("{broken:?} was not noticed by any workload"));
        assert!(
            expected.contains(&violation),
            "{broken:?}: {violation:?}\n  {}",
            trace.join("\n  ")
        );
    }
}
