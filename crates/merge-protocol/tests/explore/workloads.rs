//! Small workloads: each is the smallest world in which some broken variant shows.

use crate::warehouse::{Broken, Control, Db, Rules};
use crate::world::{Change, Changes, Setting, sequences};
use merge_protocol::object::{FileId, KeyPath, ObjectRef};
use merge_protocol::plan::{Task, TaskFile};
use merge_protocol::policy::Policy;
use merge_protocol::retry::Deadline;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    files: Vec<(&'static str, Changes)>,
    /// Per worker, the deliveries that come to it: each a group of files.
    deliveries: Vec<Vec<&'static [&'static str]>>,
    /// Keys that lived before us.
    adopted: Vec<u8>,
    /// Changes of files up to this order are below the horizon from the start.
    horizon_order: Option<u32>,
    operators: Vec<fn(&mut Db)>,
    without_keys: bool,
    pub(crate) faults_at_begin: u32,
    pub(crate) faults_per_statement: u32,
    pub(crate) is_small: bool,
}

const A: &[&str] = &["a"];
const B: &[&str] = &["b"];
const AB: &[&str] = &["a", "b"];

fn workload(
    name: &'static str,
    files: &[(&'static str, &'static [Change])],
    deliveries: Vec<Vec<&'static [&'static str]>>,
) -> Workload {
    Workload {
        name,
        files: files.iter().map(|(name, changes)| (*name, changes.to_vec())).collect(),
        deliveries,
        adopted: Vec::new(),
        horizon_order: None,
        operators: Vec::new(),
        without_keys: false,
        faults_at_begin: 2,
        faults_per_statement: 1,
        is_small: false,
    }
}

pub(crate) fn all() -> Vec<Workload> {
    const NEW: &[Change] = &[(1, 10, false)];
    const UPDATE: &[Change] = &[(1, 20, false)];
    const DELETE: &[Change] = &[(1, 20, true)];
    const MIXED: &[Change] = &[(1, 10, false), (2, 11, false)];
    const LATER: &[Change] = &[(1, 20, true), (2, 21, false)];
    let reload: fn(&mut Db) = |db| {
        for control in &mut db.control {
            control.generation += 1;
            control.since = "20251111000000001".into();
        }
    };
    let control_lost: fn(&mut Db) = |db| db.control.clear();
    let control_doubled: fn(&mut Db) = |db| db.control.extend(db.control.clone());
    let trim: fn(&mut Db) = |db| {
        // Everything applied so far falls below the horizon: tombstones and ledger rows go.
        let newest = db.versions.values().map(|(seq, _)| seq.clone()).max().unwrap_or_default();
        for control in &mut db.control {
            control.horizon = control.horizon.clone().max(newest.clone());
        }
        db.versions.retain(|_, (_, deleted)| !*deleted);
    };
    vec![
        Workload {
            is_small: true,
            ..workload("one file, twice", &[("a", NEW)], vec![vec![A], vec![A]])
        },
        Workload {
            is_small: true,
            ..workload("new key, then delete", &[("a", NEW), ("b", DELETE)], vec![vec![A], vec![B]])
        },
        workload("one file, three times", &[("a", NEW)], vec![vec![A, A], vec![A]]),
        workload("two files, one twice", &[("a", MIXED), ("b", LATER)], vec![vec![A, A], vec![B]]),
        workload("group and its part", &[("a", MIXED), ("b", LATER)], vec![vec![AB], vec![A]]),
        Workload {
            adopted: vec![1],
            ..workload(
                "adopted key, delete and update",
                &[("a", UPDATE), ("b", &[(1, 30, true)])],
                vec![vec![A], vec![B]],
            )
        },
        Workload {
            adopted: vec![1],
            horizon_order: Some(15),
            ..workload(
                "adopted, old changes return",
                &[("a", NEW), ("b", DELETE)],
                vec![vec![A, A], vec![B]],
            )
        },
        Workload {
            is_small: true,
            ..workload("delete of an absent key", &[("a", DELETE)], vec![vec![A], vec![A]])
        },
        Workload {
            operators: vec![reload],
            faults_at_begin: 1,
            ..workload("reload meanwhile", &[("a", NEW), ("b", DELETE)], vec![vec![A], vec![B]])
        },
        Workload {
            operators: vec![trim],
            faults_at_begin: 1,
            ..workload("trim meanwhile", &[("a", NEW), ("b", DELETE)], vec![vec![A, A], vec![B]])
        },
        Workload {
            operators: vec![control_lost],
            faults_at_begin: 1,
            ..workload("control row lost", &[("a", NEW)], vec![vec![A], vec![A]])
        },
        Workload {
            operators: vec![control_doubled],
            faults_at_begin: 1,
            ..workload("control row doubled", &[("a", NEW)], vec![vec![A], vec![A]])
        },
        Workload {
            without_keys: true,
            is_small: true,
            ..workload("set aside, twice", &[("a", NEW)], vec![vec![A], vec![A]])
        },
    ]
}

impl Workload {
    fn id(name: &str) -> FileId {
        FileId::of(&Self::object(name))
    }

    fn object(name: &str) -> ObjectRef {
        let stamp = name.as_bytes()[0] - b'a';
        let key = format!("p/d/t/2025/11/11/20251111-00000000{stamp}.parquet");
        ObjectRef { bucket: "bucket".into(), key, etag: name.into() }
    }

    fn task(&self, names: &[&str], rules: Option<Rules>) -> Arc<Task> {
        let files = names.iter().map(|name| {
            let object = Self::object(name);
            let path = KeyPath::parse(&object.key).expect("a key of ours");
            (Self::id(name), TaskFile { object, path })
        });
        Arc::new(Task {
            target: "t".into(),
            keys: (!self.without_keys).then(|| vec!["id".to_owned()]),
            location: "cdc".into(),
            files: files.collect(),
            // Bounds that nothing here may reach.
            policy: Policy {
                rounds_max: 1_000,
                trust_commit: rules.is_some_and(|rules| rules.trust_commit),
                refuses_dead_transactions: rules.is_some_and(|rules| rules.broken == Broken::Guard),
                ..Policy::default()
            },
            deadline: Deadline::never(),
        })
    }

    pub(crate) fn setting(&self, rules: Rules) -> Setting {
        let changes =
            self.files.iter().map(|(name, changes)| (Self::id(name), changes.clone())).collect();
        Setting { rules, changes, operators: self.operators.clone() }
    }

    pub(crate) fn queues(&self, rules: Rules) -> Vec<Vec<Arc<Task>>> {
        let task = |names: &&[&str]| self.task(names, Some(rules));
        let tasks = |groups: &Vec<&[&str]>| groups.iter().map(task).collect();
        self.deliveries.iter().map(tasks).collect()
    }

    pub(crate) fn db(&self) -> Db {
        let horizon = self.horizon_order.map_or_else(String::new, |order| {
            let task = self.task(A, None);
            let id = Self::id("a");
            let seqs = sequences(&task, &id, &vec![(0, order, false)], 1);
            seqs[0].as_str().to_owned()
        });
        let control = Control {
            token: String::new(),
            commits: 0,
            generation: 1,
            since: String::new(),
            horizon,
        };
        let mut db = Db::default();
        db.control = vec![control];
        db.target = self.adopted.iter().map(|key| (*key, vec![String::new()])).collect();
        db
    }

    /// What the target and the live versions must be: the newest change per key over the ledgered
    /// files, where changes at or below the horizon count only for keys that had a version. Order of
    /// application matters for that last rule alone, so below a moved horizon the fold is not
    /// computed but the invariants that hold anyway are checked.
    pub(crate) fn expected(
        &self,
        setting: &Setting,
        db: &Db,
    ) -> (BTreeMap<u8, String>, BTreeMap<u8, String>) {
        let mut newest: BTreeMap<u8, (String, bool)> = BTreeMap::new();
        for row in &db.ledger {
            let id = FileId::from_ledger(&row.file);
            let names: Vec<&str> = self.files.iter().map(|(name, _)| *name).collect();
            let task = self.task(&names, None);
            let changes = &setting.changes[&id];
            let seqs = sequences(&task, &id, changes, row.generation);
            for (seq, (key, _, deleted)) in seqs.iter().zip(changes) {
                let above = self.horizon_order.is_none()
                    || db.control.iter().all(|control| seq.as_str() > control.horizon.as_str());
                let newer = newest.get(key).is_none_or(|(other, _)| seq.as_str() > other.as_str());
                if above && newer {
                    newest.insert(*key, (seq.as_str().to_owned(), *deleted));
                }
            }
        }
        let mut target: BTreeMap<u8, String> =
            self.adopted.iter().map(|key| (*key, String::new())).collect();
        let mut live = BTreeMap::new();
        for (key, (seq, deleted)) in newest {
            if deleted {
                target.remove(&key);
            } else {
                target.insert(key, seq.clone());
                live.insert(key, seq);
            }
        }
        (target, live)
    }
}
