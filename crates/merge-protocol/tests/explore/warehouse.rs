//! The model warehouse: multi-version rows, first committer wins on rewritten rows, inserts that never
//! conflict, snapshots fixed at BEGIN or per statement.
//!
//! It knows what each command means and nothing of SQL; it shares no code with the fake. Assumptions
//! that can be switched off ([`Broken`]) are the negative controls: with one of them off, the
//! exploration must find a violation.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Key = u8;
/// What a row holds: the change that wrote it. Rows that lived before us hold the empty text.
pub(crate) type Cell = String;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Snapshot {
    AtBegin,
    PerStatement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Row,
    Tablet,
}

/// One thing made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    Nothing,
    /// Write conflicts are not detected.
    Conflicts,
    /// The fence is answered as done and not executed; the check reports what was asked for.
    Fence,
    /// Step 3 takes every staged row.
    GuardOfStep3,
    /// Step 4 takes every staged row.
    GuardOfStep4,
    /// Deleted keys lose their version.
    Tombstones,
    /// Deletes of absent keys are inserted.
    DeletesInserted,
    /// The ledger is written outside the transaction.
    LedgerOutside,
    /// A lost reply to COMMIT is taken for success.
    DoubtIsSuccess,
    /// Nobody asks from outside whether the fence is committed already.
    Guard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rules {
    pub(crate) snapshot: Snapshot,
    pub(crate) unit: Unit,
    /// COMMIT of a failed transaction answers 200 and rolls back.
    pub(crate) commit_of_failed_is_ok: bool,
    /// A statement with a dead transaction id runs on its own instead of being refused.
    pub(crate) dead_id_autocommits: bool,
    /// The account proves that COMMIT of a failed transaction is an error, so a 2xx is believed.
    pub(crate) trust_commit: bool,
    pub(crate) broken: Broken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Control {
    pub(crate) token: String,
    pub(crate) commits: u32,
    pub(crate) generation: u64,
    pub(crate) since: String,
    pub(crate) horizon: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum RowId {
    Control,
    Target(Key),
    Version(Key),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LedgerRow {
    pub(crate) file: String,
    pub(crate) generation: u64,
    pub(crate) attempt: String,
}

/// What is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Db {
    pub(crate) lsn: u32,
    pub(crate) control: Vec<Control>,
    pub(crate) target: BTreeMap<Key, Vec<Cell>>,
    pub(crate) versions: BTreeMap<Key, (String, bool)>,
    pub(crate) ledger: Vec<LedgerRow>,
    pub(crate) quarantine: BTreeSet<String>,
    rewritten: BTreeMap<RowId, u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Effect {
    Control(String),
    TargetInsert(Key, Cell),
    TargetUpdate(Key, Cell),
    TargetDelete(Key),
    VersionPut(Key, String, bool),
    VersionRemove(Key),
    Ledger(LedgerRow),
    Quarantine(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Transaction {
    snapshot: Db,
    effects: Vec<Effect>,
    /// The control rows as our fence wrote them.
    fenced: Vec<Control>,
    /// Rewritten rows, each with the newest commit that the writing statement had seen.
    writes: BTreeMap<RowId, u32>,
    pub(crate) doomed: bool,
}

/// Staged rows: key → (change, deleted).
pub(crate) type Staged = BTreeMap<Key, (String, bool)>;

/// What one statement of a round asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    Fence,
    Merge,
    Versions,
    Ledger(Vec<LedgerRow>),
    SetAside(String),
}

impl Db {
    fn apply(&mut self, effects: &[Effect], lsn: u32) {
        for effect in effects {
            let rewritten = match effect.clone() {
                Effect::Control(token) => {
                    for row in &mut self.control {
                        row.token.clone_from(&token);
                        row.commits += 1;
                    }
                    Some(RowId::Control)
                }
                Effect::TargetInsert(key, cell) => {
                    self.target.entry(key).or_default().push(cell);
                    None
                }
                Effect::TargetUpdate(key, cell) => {
                    for row in self.target.entry(key).or_default() {
                        row.clone_from(&cell);
                    }
                    Some(RowId::Target(key))
                }
                Effect::TargetDelete(key) => {
                    self.target.remove(&key);
                    Some(RowId::Target(key))
                }
                Effect::VersionPut(key, seq, deleted) => {
                    let existed = self.versions.insert(key, (seq, deleted)).is_some();
                    existed.then_some(RowId::Version(key))
                }
                Effect::VersionRemove(key) => {
                    self.versions.remove(&key);
                    Some(RowId::Version(key))
                }
                Effect::Ledger(row) => {
                    self.ledger.push(row);
                    self.ledger.sort();
                    None
                }
                Effect::Quarantine(file) => {
                    self.quarantine.insert(file);
                    None
                }
            };
            if let Some(row) = rewritten {
                self.rewritten.insert(row, lsn);
            }
        }
        self.lsn = lsn;
    }

    /// An operator's change, atomic and fenced: rewrites the control row.
    pub(crate) fn operate(&mut self, change: impl FnOnce(&mut Db)) {
        change(self);
        self.lsn += 1;
        self.rewritten.insert(RowId::Control, self.lsn);
    }
}

impl Transaction {
    pub(crate) fn begin(db: &Db) -> Transaction {
        Transaction {
            snapshot: db.clone(),
            effects: Vec::new(),
            fenced: Vec::new(),
            writes: BTreeMap::new(),
            doomed: false,
        }
    }

    /// What a statement sees now: its snapshot and the transaction's own writes.
    pub(crate) fn view(&self, db: &Db, rules: Rules) -> Db {
        let mut view = match rules.snapshot {
            Snapshot::AtBegin => self.snapshot.clone(),
            Snapshot::PerStatement => db.clone(),
        };
        let lsn = view.lsn;
        // Our fence replaced rows that somebody else has replaced and committed since: theirs are
        // there to be seen, as committed, and ours, as the fence wrote them.
        let fenced = self.writes.get(&RowId::Control);
        let is_overtaken = fenced.is_some_and(|seen| {
            view.rewritten.get(&RowId::Control).is_some_and(|rewritten| rewritten > seen)
        });
        let theirs = view.control.clone();
        view.apply(&self.effects, lsn);
        if is_overtaken {
            view.control = theirs;
            view.control.extend(self.fenced.iter().cloned());
        }
        view
    }

    pub(crate) fn run(
        &mut self,
        db: &Db,
        rules: Rules,
        ask: &Ask,
        staged: Option<&Staged>,
        token: &str,
        horizon: &str,
    ) {
        let view = self.view(db, rules);
        let effects = effects_of(&view, rules.broken, ask, staged, token, horizon);
        for effect in &effects {
            let row = match effect {
                Effect::Control(_) => Some(RowId::Control),
                Effect::TargetUpdate(key, _) | Effect::TargetDelete(key) => {
                    Some(RowId::Target(*key))
                }
                Effect::VersionPut(key, ..) if view.versions.contains_key(key) => {
                    Some(RowId::Version(*key))
                }
                Effect::VersionRemove(key) => Some(RowId::Version(*key)),
                Effect::VersionPut(..)
                | Effect::TargetInsert(..)
                | Effect::Ledger(_)
                | Effect::Quarantine(_) => None,
            };
            if let Some(row) = row {
                // The first write decides: what came after it is not seen by the transaction's rows.
                self.writes.entry(row).or_insert(view.lsn);
            }
        }
        self.effects.extend(effects);
        if *ask == Ask::Fence {
            self.fenced = self.view(db, rules).control;
        }
    }

    /// First committer wins on rewritten rows; inserts are never validated.
    pub(crate) fn commit(self, db: &mut Db, rules: Rules) -> Result<(), ()> {
        let conflicts = |row: &RowId, seen: u32| match rules.unit {
            Unit::Row => db.rewritten.get(row).is_some_and(|lsn| *lsn > seen),
            Unit::Tablet => {
                db.rewritten.iter().any(|(other, lsn)| same_table(other, row) && *lsn > seen)
            }
        };
        let lost = self.writes.iter().any(|(row, seen)| conflicts(row, *seen));
        if lost && rules.broken != Broken::Conflicts {
            return Err(());
        }
        let lsn = db.lsn + 1;
        db.apply(&self.effects, lsn);
        Ok(())
    }
}

fn same_table(a: &RowId, b: &RowId) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn effects_of(
    view: &Db,
    broken: Broken,
    ask: &Ask,
    staged: Option<&Staged>,
    token: &str,
    horizon: &str,
) -> Vec<Effect> {
    let ours = broken == Broken::Fence || view.control.iter().any(|row| row.token == token);
    let empty = Staged::new();
    let staged = staged.unwrap_or(&empty);
    match ask {
        Ask::Fence if broken == Broken::Fence => Vec::new(),
        Ask::Fence => vec![Effect::Control(token.to_owned())],
        _ if !ours => Vec::new(),
        Ask::Merge => staged
            .iter()
            .filter(|(key, (seq, _))| {
                broken == Broken::GuardOfStep3 || is_newer(view, **key, seq, horizon)
            })
            .filter_map(|(key, (seq, deleted))| {
                let exists = view.target.get(key).is_some_and(|rows| !rows.is_empty());
                match (exists, deleted) {
                    (true, true) => Some(Effect::TargetDelete(*key)),
                    (true, false) => Some(Effect::TargetUpdate(*key, seq.clone())),
                    (false, false) => Some(Effect::TargetInsert(*key, seq.clone())),
                    (false, true) if broken == Broken::DeletesInserted => {
                        Some(Effect::TargetInsert(*key, seq.clone()))
                    }
                    (false, true) => None,
                }
            })
            .collect(),
        Ask::Versions => staged
            .iter()
            .filter(|(key, (seq, _))| {
                broken == Broken::GuardOfStep4 || is_newer(view, **key, seq, horizon)
            })
            .map(|(key, (seq, deleted))| {
                if *deleted && broken == Broken::Tombstones {
                    Effect::VersionRemove(*key)
                } else {
                    Effect::VersionPut(*key, seq.clone(), *deleted)
                }
            })
            .collect(),
        Ask::Ledger(rows) => rows
            .iter()
            .filter(|row| {
                let same = |l: &&LedgerRow| l.file == row.file && l.generation == row.generation;
                !view.ledger.iter().any(|ledger| same(&ledger))
            })
            .map(|row| Effect::Ledger(row.clone()))
            .collect(),
        Ask::SetAside(file) => vec![Effect::Quarantine(file.clone())],
    }
}

fn is_newer(view: &Db, key: Key, seq: &str, horizon: &str) -> bool {
    match view.versions.get(&key) {
        Some((version, _)) => seq > version.as_str(),
        None => seq > horizon,
    }
}
