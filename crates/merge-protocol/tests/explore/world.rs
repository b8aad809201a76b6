//! The world around the warehouse: workers that drive the production `step()`, and an adversary that
//! loses, delays and doubles requests, kills workers, and lets operators interfere.
//!
//! A node of the exploration is everything that can make a difference later; its successors are every
//! choice that the world has. Commands that touch nothing shared are performed at once: no other
//! actor could notice when exactly they happened.

use crate::warehouse::{Ask, Broken, Db, LedgerRow, Rules, Snapshot, Staged, Transaction};
use merge_protocol::change::{ChangeSeq, FileOrder};
use merge_protocol::failure::{Effect, Failure, FailureKind};
use merge_protocol::machine::{
    CheckView, Command, Counts, Found, FoundIn, Inputs, LedgerHit, Merge, Normalised, Reply,
};
use merge_protocol::object::FileId;
use merge_protocol::outcome::FileOutcome;
use merge_protocol::plan::{Batch, BatchFile, Beside, ControlRow, Look, Task};
use merge_protocol::schema::{Column, ColumnType};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A change: (key, order, deleted).
pub(crate) type Change = (u8, u32, bool);
/// The changes of a file.
pub(crate) type Changes = Vec<Change>;

/// What does not change during an exploration.
pub(crate) struct Setting {
    pub(crate) rules: Rules,
    pub(crate) changes: BTreeMap<FileId, Changes>,
    pub(crate) operators: Vec<fn(&mut Db)>,
}

/// One statement on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Request {
    command: Command,
    transaction: Option<u32>,
    token: String,
    horizon: String,
    staging: Option<String>,
    rows: Vec<LedgerRow>,
    files: Vec<FileId>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    /// Deliveries that are still to come to this worker.
    queue: Vec<Arc<Task>>,
    busy: Option<(Merge, Command)>,
    transaction: Option<u32>,
    /// Transactions and names that this worker has used up.
    begun: u32,
    named: u32,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) workers: Vec<Worker>,
    transactions: BTreeMap<u32, Transaction>,
    staging: BTreeMap<String, Staged>,
    late: Vec<Request>,
    faults: u32,
    operators_done: usize,
    /// What was acknowledged, and as what.
    pub(crate) settled: BTreeSet<(FileId, FileOutcome)>,
}

fn failure(kind: FailureKind, effect: Effect) -> Reply {
    Reply::Failed(Failure { kind, effect, text: String::new() })
}

fn lost() -> Reply {
    failure(FailureKind::ConnectionLost, Effect::InDoubt)
}

impl World {
    pub(crate) fn new(
        setting: &Setting,
        db: Db,
        queues: Vec<Vec<Arc<Task>>>,
        faults: u32,
    ) -> World {
        let worker = |queue| Worker { queue, busy: None, transaction: None, begun: 0, named: 0 };
        let mut world = World {
            db,
            workers: queues.into_iter().map(worker).collect(),
            transactions: BTreeMap::new(),
            staging: BTreeMap::new(),
            late: Vec::new(),
            faults,
            operators_done: 0,
            settled: BTreeSet::new(),
        };
        for worker in 0..world.workers.len() {
            world.settle(setting, worker);
        }
        world
    }

    /// Whether every delivery came to an end.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.workers.iter().all(|worker| worker.queue.is_empty() && worker.busy.is_none())
    }

    /// Every choice of the world, with its name.
    pub(crate) fn successors(&self, setting: &Setting) -> Vec<(String, World)> {
        let mut next = Vec::new();
        if let Some(worker) = self.private(setting) {
            self.successors_of(setting, worker, &mut next);
            return next;
        }
        for worker in 0..self.workers.len() {
            self.successors_of(setting, worker, &mut next);
        }
        for index in 0..self.late.len() {
            let mut world = self.clone();
            let request = world.late.remove(index);
            let name = format!("late {:?}", request.command);
            let _ = world.execute(setting, None, &request);
            world.forget();
            next.push((name, world));
        }
        if let Some(operator) = setting.operators.get(self.operators_done) {
            let mut world = self.clone();
            world.db.operate(operator);
            world.operators_done += 1;
            next.push(("operator".to_owned(), world));
        }
        next
    }

    /// A worker whose next command nobody else can notice or influence, whatever becomes of it: with
    /// snapshots fixed at BEGIN, everything between BEGIN and COMMIT. Its choices commute with all
    /// others, so it is enough to explore them first.
    fn private(&self, setting: &Setting) -> Option<usize> {
        let rules = setting.rules;
        if rules.snapshot != Snapshot::AtBegin
            || rules.broken == Broken::LedgerOutside
            || rules.dead_id_autocommits
            || !self.late.is_empty()
        {
            return None;
        }
        self.workers.iter().position(|worker| {
            worker.busy.as_ref().is_some_and(|(_, command)| {
                matches!(
                    command,
                    Command::Fence
                        | Command::Check
                        | Command::Merge
                        | Command::Versions
                        | Command::Ledger
                        | Command::SetAside(_)
                )
            })
        })
    }

    fn successors_of(&self, setting: &Setting, worker: usize, next: &mut Vec<(String, World)>) {
        let Some((merge, command)) = &self.workers[worker].busy else {
            if !self.workers[worker].queue.is_empty() {
                let mut world = self.clone();
                world.settle(setting, worker);
                next.push((format!("w{worker} starts"), world));
            }
            return;
        };
        let request = self.request(worker, merge, command);
        let mut choose = |name: &str, faults: u32, act: &dyn Fn(&mut World) -> Reply| {
            if self.faults < faults {
                return;
            }
            let mut world = self.clone();
            world.faults -= faults;
            let reply = act(&mut world);
            world.answer(setting, worker, reply);
            world.settle(setting, worker);
            world.forget();
            next.push((format!("w{worker} {command:?}: {name}"), world));
        };
        choose("done", 0, &|world| world.execute(setting, Some(worker), &request));
        choose("request lost", 1, &|_| lost());
        choose("reply lost", 1, &|world| {
            let _ = world.execute(setting, Some(worker), &request);
            if setting.rules.broken == Broken::DoubtIsSuccess && *command == Command::Commit {
                return Reply::Done;
            }
            lost()
        });
        choose("twice", 1, &|world| {
            let _ = world.execute(setting, Some(worker), &request);
            world.execute(setting, Some(worker), &request)
        });
        if *command != Command::Begin {
            choose("late", 1, &|world| {
                world.late.push(request.clone());
                world.late.sort_by_key(|late| format!("{late:?}"));
                if setting.rules.broken == Broken::DoubtIsSuccess && *command == Command::Commit {
                    return Reply::Done;
                }
                lost()
            });
        }
        if *command == Command::Commit {
            choose("spurious conflict", 1, &|world| {
                world.transactions.remove(&request.transaction.unwrap_or(u32::MAX));
                failure(FailureKind::Conflict, Effect::None)
            });
        }
        if let Some(id) = request.transaction {
            choose("its transaction is lost", 1, &|world| {
                world.transactions.remove(&id);
                world.execute(setting, Some(worker), &request)
            });
        }
        if self.faults > 0 {
            let mut world = self.clone();
            world.faults -= 1;
            let task = Arc::new(merge.task().clone());
            let dead = &mut world.workers[worker];
            dead.busy = None;
            dead.transaction = None;
            dead.queue.insert(0, task);
            world.forget();
            next.push((format!("w{worker} killed at {command:?}"), world));
        }
    }

    fn request(&self, worker: usize, merge: &Merge, command: &Command) -> Request {
        let control = merge.look().and_then(|look| look.control.first());
        let files: Vec<FileId> = merge
            .batch()
            .map(|batch| batch.files.iter().map(|file| file.id.clone()).collect())
            .unwrap_or_else(|| merge.task().files.keys().cloned().collect());
        let attempt = merge.label().split('.').next().unwrap_or_default().to_owned();
        let rows = files
            .iter()
            .map(|id| LedgerRow {
                file: id.to_string(),
                generation: control.map_or(0, |c| c.generation_of(&merge.task().files[id].path)),
                attempt: attempt.clone(),
            })
            .collect();
        Request {
            command: command.clone(),
            transaction: self.workers[worker].transaction,
            token: merge.label().to_owned(),
            horizon: merge.horizon().to_owned(),
            staging: merge.staging().map(str::to_owned),
            rows,
            files,
        }
    }

    /// Executes a request at the server, whoever still waits for it.
    fn execute(&mut self, setting: &Setting, by: Option<usize>, request: &Request) -> Reply {
        let rules = setting.rules;
        let ask = match &request.command {
            Command::Begin => {
                let worker = by.expect("a BEGIN that is late opens nothing that anybody uses");
                let begun = Transaction::begin(&self.db);
                self.workers[worker].begun += 1;
                self.transactions.insert(self.transaction_of(worker), begun);
                return Reply::Opened;
            }
            Command::Commit => return self.commit(rules, request),
            Command::Check => return self.check(rules, request),
            Command::Confirm => return Reply::Probed(self.found(&request.files)),
            Command::Guard => {
                let leaked = self.db.control.iter().any(|row| row.token == request.token);
                return Reply::Guarded(leaked && rules.broken != Broken::Fence);
            }
            Command::Fence => Ask::Fence,
            Command::Merge => Ask::Merge,
            Command::Versions => Ask::Versions,
            Command::Ledger => Ask::Ledger(request.rows.clone()),
            Command::SetAside(id) => Ask::SetAside(id.to_string()),
            Command::RecordBelowHorizon(_) => return Reply::Done,
            other => unreachable!("{other:?} is performed at once"),
        };
        let staged = request.staging.as_ref().and_then(|name| self.staging.get(name));
        let needs_staging = matches!(ask, Ask::Merge | Ask::Versions);
        if needs_staging && staged.is_none() {
            if let Some(open) = self.open(request) {
                open.doomed = true;
            }
            let name = request.staging.clone().unwrap_or_default();
            return failure(FailureKind::MissingTable(name), Effect::None);
        }
        let staged = staged.cloned();
        let outside = rules.broken == Broken::LedgerOutside && matches!(ask, Ask::Ledger(_));
        let db = self.db.clone();
        if let Some(open) = self.open(request).filter(|_| !outside) {
            if open.doomed {
                return failure(FailureKind::Doomed, Effect::None);
            }
            open.run(&db, rules, &ask, staged.as_ref(), &request.token, &request.horizon);
            return Reply::Done;
        }
        if outside || rules.dead_id_autocommits {
            let mut alone = Transaction::begin(&self.db);
            // Outside the transaction the predicate sees what is committed: only the broken variant,
            // which has no predicate, is let through.
            let token =
                if outside { self.db.control.first().map(|c| c.token.clone()) } else { None };
            let token = token.unwrap_or_else(|| request.token.clone());
            alone.run(&db, rules, &ask, staged.as_ref(), &token, &request.horizon);
            let _ = alone.commit(&mut self.db, rules);
            return Reply::Done;
        }
        failure(FailureKind::NoTransaction, Effect::InDoubt)
    }

    fn transaction_of(&self, worker: usize) -> u32 {
        u32::try_from(worker).expect("few workers") * 1_000 + self.workers[worker].begun
    }

    /// What nobody can reach any more makes no difference: without this, two nodes would differ in
    /// their rubbish only.
    fn forget(&mut self) {
        let held = |id: &u32| {
            self.workers.iter().any(|worker| worker.transaction == Some(*id))
                || self.late.iter().any(|late| late.transaction == Some(*id))
        };
        self.transactions.retain(|id, _| held(id));
        let named = |name: &String| {
            self.workers.iter().any(|worker| {
                worker.busy.as_ref().is_some_and(|(merge, _)| merge.staging() == Some(name))
            }) || self.late.iter().any(|late| late.staging.as_ref() == Some(name))
        };
        self.staging.retain(|name, _| named(name));
    }

    fn open(&mut self, request: &Request) -> Option<&mut Transaction> {
        self.transactions.get_mut(&request.transaction?)
    }

    fn commit(&mut self, rules: Rules, request: &Request) -> Reply {
        let open = request.transaction.and_then(|id| self.transactions.remove(&id));
        match open {
            None => failure(FailureKind::NoTransaction, Effect::InDoubt),
            Some(open) if open.doomed && rules.commit_of_failed_is_ok => Reply::Done,
            Some(open) if open.doomed => failure(FailureKind::Doomed, Effect::None),
            Some(open) => match open.commit(&mut self.db, rules) {
                Ok(()) => Reply::Done,
                Err(()) => failure(FailureKind::Conflict, Effect::None),
            },
        }
    }

    fn check(&mut self, rules: Rules, request: &Request) -> Reply {
        let db = self.db.clone();
        let view = match self.open(request) {
            Some(open) if open.doomed => return failure(FailureKind::Doomed, Effect::None),
            Some(open) => open.view(&db, rules),
            None if rules.dead_id_autocommits => db,
            None => return failure(FailureKind::NoTransaction, Effect::InDoubt),
        };
        let hits: Vec<LedgerHit> = view
            .ledger
            .iter()
            .filter(|row| request.files.iter().any(|id| id.as_str() == row.file))
            .map(|row| LedgerHit {
                file: FileId::from_ledger(&row.file),
                generation: row.generation,
                attempt: row.attempt.clone(),
            })
            .collect();
        let mut rows = Vec::new();
        for control in control_rows(&view) {
            let mut control = control;
            if rules.broken == Broken::Fence {
                control.token.clone_from(&request.token);
            }
            if hits.is_empty() {
                rows.push((control.clone(), None));
            }
            rows.extend(hits.iter().map(|hit| (control.clone(), Some(hit.clone()))));
        }
        Reply::Checked(CheckView::from_rows(rows))
    }

    fn found(&self, files: &[FileId]) -> Vec<Found> {
        let asked = |file: &str| files.iter().any(|id| id.as_str() == file);
        let entry = |found, file: &str, generation, attempt: &str| Found {
            found,
            file: FileId::from_ledger(file),
            generation,
            object_key: String::new(),
            attempt: attempt.to_owned(),
        };
        let ledger = self.db.ledger.iter().filter(|row| asked(&row.file));
        let aside = self.db.quarantine.iter().filter(|file| asked(file));
        ledger
            .map(|row| entry(FoundIn::Ledger, &row.file, row.generation, &row.attempt))
            .chain(aside.map(|file| entry(FoundIn::Quarantine, file, 0, "")))
            .collect()
    }

    fn answer(&mut self, setting: &Setting, worker: usize, reply: Reply) {
        let Some((merge, command)) = self.workers[worker].busy.take() else { return };
        match (&command, &reply) {
            (Command::Begin, Reply::Opened) => {
                self.workers[worker].transaction = Some(self.transaction_of(worker));
            }
            // Like the driver: an id is not used again once its COMMIT was sent.
            (Command::Begin | Command::Commit, _) => self.workers[worker].transaction = None,
            _ => {}
        }
        self.step(setting, worker, merge, reply);
    }

    fn step(&mut self, _setting: &Setting, worker: usize, merge: Merge, reply: Reply) {
        let entropy = ((worker as u128 + 1) << 64) | u128::from(self.workers[worker].named);
        let inputs = Inputs { now: Duration::ZERO, jitter: 0, entropy };
        let step = merge.step(reply, inputs).expect("every reply answers its command");
        // Only these two use the entropy up; counting more would tell apart what is the same.
        if matches!(step.command, Command::Stage | Command::Begin) {
            self.workers[worker].named += 1;
        }
        if step.command == Command::Finish {
            self.settled.extend(step.merge.outcomes());
            self.workers[worker].busy = None;
            self.workers[worker].transaction = None;
        } else {
            self.workers[worker].busy = Some((step.merge, step.command));
        }
    }

    /// Runs a worker up to its next command that others could notice.
    fn settle(&mut self, setting: &Setting, worker: usize) {
        loop {
            let Some((merge, command)) = self.workers[worker].busy.clone() else {
                if self.workers[worker].queue.is_empty() {
                    return;
                }
                let task = self.workers[worker].queue.remove(0);
                self.workers[worker].busy = Some(Merge::start(task));
                continue;
            };
            let reply = match &command {
                Command::Look => Reply::Looked(self.look()),
                Command::Probe => {
                    let files: Vec<FileId> = merge.task().files.keys().cloned().collect();
                    Reply::Probed(self.found(&files))
                }
                Command::Normalise => normalise(setting, &merge),
                Command::Stage => {
                    let batch = merge.batch().expect("a batch is staged");
                    let files = batch.files.iter().map(|file| file.id.clone()).collect();
                    let name = merge.staging().expect("a name").to_owned();
                    self.staging.insert(name, reduce(setting, &merge, &files).0);
                    Reply::Done
                }
                Command::Count => {
                    let rows = self.staging[merge.staging().expect("a name")].len() as u64;
                    Reply::Counted(Counts { rows, keys: rows, key_columns: rows })
                }
                Command::Drop => {
                    self.staging.remove(merge.staging().expect("a name"));
                    Reply::Done
                }
                Command::Rollback => {
                    if let Some(id) = self.workers[worker].transaction.take() {
                        self.transactions.remove(&id);
                    }
                    Reply::Done
                }
                Command::Pause(_) => Reply::Waited,
                _ => return,
            };
            self.workers[worker].busy = None;
            self.step(setting, worker, merge, reply);
            if self.workers[worker].busy.is_none() {
                return;
            }
        }
    }

    fn look(&self) -> Look {
        Look {
            columns: columns(),
            beside: Beside::ALL.into_iter().collect(),
            control: control_rows(&self.db),
            fed: BTreeMap::new(),
        }
    }
}

fn normalise(setting: &Setting, merge: &Merge) -> Reply {
    let (rows, files) = reduce(setting, merge, merge.pending());
    let batch =
        Batch { files, columns: columns(), pattern: String::new(), rows: rows.len() as u64 };
    Reply::Normalised(Normalised { batch, refused: BTreeMap::new() })
}

/// The last change per key of these files.
fn reduce(setting: &Setting, merge: &Merge, ids: &BTreeSet<FileId>) -> (Staged, Vec<BatchFile>) {
    let mut rows = Staged::new();
    let mut files = Vec::new();
    for id in ids {
        let control = merge.look().and_then(|look| look.control.first());
        let path = &merge.task().files[id].path;
        let generation = control.map_or(1, |control| control.generation_of(path));
        let seqs = sequences(merge.task(), id, &setting.changes[id], generation);
        for (seq, (key, _, deleted)) in seqs.iter().zip(&setting.changes[id]) {
            if rows.get(key).is_none_or(|(other, _)| seq.as_str() > other.as_str()) {
                rows.insert(*key, (seq.as_str().to_owned(), *deleted));
            }
        }
        files.push(BatchFile {
            id: id.clone(),
            rows_read: seqs.len() as u64,
            rows_staged: seqs.len() as u64,
            seq_min: seqs.iter().min().cloned(),
            seq_max: seqs.iter().max().cloned(),
        });
    }
    (rows, files)
}

/// The order of a file's changes, as production computes it.
pub(crate) fn sequences(
    task: &Task,
    id: &FileId,
    changes: &Changes,
    generation: u64,
) -> Vec<ChangeSeq> {
    let stamp = &task.files[id].path.stamp;
    let order = FileOrder { scheme: task.policy.order.scheme(), generation, stamp, id };
    changes
        .iter()
        .enumerate()
        .map(|(row, (_, order_value, _))| {
            ChangeSeq::new(&order, Some(&order_value.to_string()), row as u64).expect("in range")
        })
        .collect()
}

fn control_rows(db: &Db) -> Vec<ControlRow> {
    db.control
        .iter()
        .map(|row| ControlRow {
            token: row.token.clone(),
            generation: row.generation,
            since: row.since.clone(),
            horizon: row.horizon.clone(),
        })
        .collect()
}

fn columns() -> Vec<Column> {
    vec![Column { name: "id".into(), data_type: ColumnType::Bigint, nullable: true }]
}
