//! What conflicts with what, row by row of firebolt-semantics §1.3, and random interleavings
//! against the stupidest model of snapshot isolation.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{ChangeKind, Conflict, Object, Schema, Store, Transaction, View};
use crate::quirks::{ConflictUnit, Quirks};
use crate::value::{Column, DataType, Row, Value};

fn columns() -> Vec<Column> {
    let column =
        |name: &str| Column { name: name.into(), data_type: DataType::Bigint, nullable: true };
    vec![column("k"), column("v")]
}

fn row(key: i64, value: i64) -> Row {
    Row::from([Value::Bigint(key), Value::Bigint(value)])
}

fn store_with(unit: ConflictUnit) -> Store {
    let mut store = Store::new(Quirks { conflict_unit: unit, ..Quirks::default() });
    let mut txn = store.begin(0);
    txn.create_table("t", columns(), Vec::new(), 0, vec![row(1, 0), row(2, 0)]).unwrap();
    store.commit(txn, 0).unwrap();
    store
}

fn key_of(row: &Row) -> i64 {
    match row[0] {
        Value::Bigint(key) => key,
        _ => unreachable!("keys are bigint"),
    }
}

fn ids(txn: &Transaction, key: i64) -> Vec<u64> {
    let table = txn.view().table("t").cloned().expect("t is there");
    table.rows.iter().filter(|(_, row)| key_of(row) == key).map(|(id, _)| id).collect()
}

fn contents(txn: &Transaction) -> Vec<(i64, Row)> {
    let table = txn.view().table("t").cloned().expect("t is there");
    let mut rows: Vec<_> = table.rows.iter().map(|(_, row)| (key_of(row), row.clone())).collect();
    rows.sort();
    rows
}

/// One step of a transaction in the table below.
#[derive(Debug, Clone, Copy)]
enum Step {
    Insert(i64),
    Update(i64),
    Delete(i64),
    Read,
    Create(&'static str),
    Drop(&'static str),
    Alter,
    Rename(&'static str),
    Clone(&'static str),
    View(&'static str),
}

fn act(txn: &mut Transaction, step: Step) {
    match step {
        Step::Insert(key) => txn.write_rows("t", &[], vec![row(key, 1)]).unwrap(),
        Step::Update(key) => {
            let found = ids(txn, key);
            let new = found.iter().map(|_| row(key, 2)).collect();
            txn.write_rows("t", &found, new).unwrap();
        }
        Step::Delete(key) => txn.write_rows("t", &ids(txn, key), Vec::new()).unwrap(),
        Step::Read => assert_eq!(contents(txn).len(), 2),
        Step::Create(name) => txn.create_table(name, columns(), Vec::new(), 0, Vec::new()).unwrap(),
        Step::Drop(name) => txn.drop_table(name).unwrap(),
        Step::Alter => {
            let column = Column { name: "extra".into(), data_type: DataType::Text, nullable: true };
            txn.add_column("t", column, &Value::Null).unwrap();
        }
        Step::Rename(to) => txn.rename_table("t", to).unwrap(),
        Step::Clone(to) => {
            let source = txn.view().table("t").cloned().expect("t is there");
            txn.clone_table(&source, Schema::new(to, columns(), 0)).unwrap();
        }
        Step::View(name) => {
            let view = View {
                name: name.into(),
                definition: "".into(),
                query: std::sync::Arc::new(()),
                columns: columns(),
                reads: ["t".into()].into(),
                created_micros: 0,
            };
            txn.put_object(name, Object::View(view)).unwrap();
        }
    }
}

/// Runs both from one snapshot, commits the first, then the second.
fn race(unit: ConflictUnit, first: &[Step], second: &[Step]) -> Result<(), Conflict> {
    let mut store = store_with(unit);
    let (mut one, mut two) = (store.begin(0), store.begin(0));
    first.iter().for_each(|step| act(&mut one, *step));
    second.iter().for_each(|step| act(&mut two, *step));
    store.commit(one, 0).expect("the first committer always wins");
    let result = store.commit(two, 0).map(|_| ());
    assert_eq!(store.log_len(), 0, "nothing is open, so nothing may be kept");
    result
}

#[test]
fn conflict_table() {
    use Step::{Alter, Clone, Create, Delete, Drop, Insert, Read, Rename, Update, View};
    let clash = |rows| Some(Conflict { rows, transactions: 1, over_ddl: false });
    let over_ddl = |rows| Some(Conflict { rows, transactions: 1, over_ddl: true });
    let both = |expected| (expected, expected);
    // First committer, second committer, outcome by row and by tablet.
    type Case<'c> = (&'c [Step], &'c [Step], (Option<Conflict>, Option<Conflict>));
    let table: &[Case<'_>] = &[
        (&[Insert(7)], &[Insert(7)], both(None)),
        (&[Update(1)], &[Update(1)], both(clash(1))),
        (&[Update(1)], &[Delete(1)], both(clash(1))),
        (&[Delete(1)], &[Update(1)], both(clash(1))),
        (&[Delete(1)], &[Delete(1)], both(clash(1))),
        (&[Update(1), Update(2)], &[Update(2), Delete(1)], both(clash(2))),
        (&[Update(1)], &[Insert(1)], both(None)),
        (&[Insert(1)], &[Update(1)], both(None)),
        (&[Update(1)], &[Update(2)], (None, clash(1))),
        (&[Update(1)], &[Read], both(None)),
        (&[Drop("t")], &[Read], both(None)),
        (&[Create("x")], &[Create("x")], both(over_ddl(1))),
        (&[Create("x")], &[Create("y")], both(None)),
        (&[Alter], &[Alter], both(over_ddl(1))),
        (&[Drop("t")], &[Drop("t")], both(over_ddl(1))),
        (&[Drop("t")], &[Insert(7)], both(over_ddl(1))),
        (&[Alter], &[Insert(7)], both(over_ddl(1))),
        (&[Insert(7)], &[Alter], both(over_ddl(1))),
        (&[Update(1)], &[Drop("t")], both(over_ddl(1))),
        (&[Drop("t"), Create("t")], &[Update(1)], both(over_ddl(1))),
        (&[Create("x")], &[Update(1)], both(None)),
        // A rename is DDL of both names.
        (&[Rename("x")], &[Insert(7)], both(over_ddl(1))),
        (&[Insert(7)], &[Rename("x")], both(over_ddl(1))),
        (&[Rename("x")], &[Create("x")], both(over_ddl(1))),
        (&[Rename("x")], &[Rename("y")], both(over_ddl(1))),
        (&[Rename("x")], &[Rename("x")], both(over_ddl(2))),
        // What a clone or a view takes for granted must stay; its rows may change.
        (&[Clone("x")], &[Update(1)], both(None)),
        (&[Update(1)], &[Clone("x")], both(None)),
        (&[Drop("t")], &[Clone("x")], both(over_ddl(1))),
        (&[Clone("x")], &[Alter], both(over_ddl(1))),
        (&[View("x")], &[Insert(7)], both(None)),
        (&[View("x")], &[Drop("t")], both(over_ddl(1))),
        (&[Alter], &[View("x")], both(over_ddl(1))),
        (&[View("x")], &[Create("x")], both(over_ddl(1))),
        (&[View("x")], &[View("y")], both(None)),
        // A row that one transaction inserts and removes again is nobody else's business.
        (&[Insert(7), Delete(7)], &[Update(1)], both(None)),
    ];
    for (first, second, (by_row, by_tablet)) in table {
        let outcome = |unit| race(unit, first, second).err();
        assert_eq!(outcome(ConflictUnit::Row), *by_row, "row: {first:?} then {second:?}");
        assert_eq!(outcome(ConflictUnit::Tablet), *by_tablet, "tablet: {first:?}, {second:?}");
    }
}

#[test]
fn several_commits_are_counted() {
    let mut store = store_with(ConflictUnit::Row);
    let mut late = store.begin(0);
    act(&mut late, Step::Update(1));
    act(&mut late, Step::Update(2));
    for key in [1, 2] {
        let mut txn = store.begin(0);
        act(&mut txn, Step::Update(key));
        store.commit(txn, 0).unwrap();
    }
    let conflict = store.commit(late, 0).unwrap_err();
    assert_eq!(conflict, Conflict { rows: 2, transactions: 2, over_ddl: false });
    assert_eq!(
        conflict.to_string(),
        "Failed to commit transaction, error: 'detected 2 conflicts with 2 transactions on \
         transaction commit', code: 9"
    );
}

#[test]
fn a_commit_record_tells_what_happened() {
    let mut store = store_with(ConflictUnit::Row);
    let mut txn = store.begin(5);
    act(&mut txn, Step::Update(1));
    act(&mut txn, Step::Insert(9));
    txn.create_table("x", columns(), Vec::new(), 0, vec![row(4, 4)]).unwrap();
    let record = store.commit(txn, 6).unwrap();
    assert_eq!((record.lsn, record.at_micros), (2, 6));
    let shown: Vec<_> = record
        .changes
        .iter()
        .map(|c| (c.table.as_str(), c.kind, c.inserted.len(), c.deleted.len(), c.columns.len()))
        .collect();
    let expected = [("x", ChangeKind::Created, 1, 0, 2), ("t", ChangeKind::Rows, 2, 1, 2)];
    assert_eq!(shown, expected);
    let empty = store.begin(7);
    let record = store.commit(empty, 8).unwrap();
    assert_eq!((record.lsn, record.changes.len()), (2, 0));
}

#[test]
fn an_update_inside_a_wider_table_commits_with_it() {
    let mut store = store_with(ConflictUnit::Row);
    let mut txn = store.begin(0);
    act(&mut txn, Step::Insert(3));
    act(&mut txn, Step::Alter);
    txn.write_rows("t", &ids(&txn, 1), Vec::new()).unwrap();
    let record = store.commit(txn, 0).unwrap();
    let kinds: Vec<_> = record.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Altered, ChangeKind::Rows]);
    let after = store.begin(0);
    let shown: Vec<_> = contents(&after).iter().map(|(key, row)| (*key, row.len())).collect();
    assert_eq!(shown, [(2, 3), (3, 3)]);
}

#[test]
fn a_renamed_table_keeps_its_rows_and_what_was_written_before() {
    let mut store = store_with(ConflictUnit::Row);
    let mut txn = store.begin(0);
    act(&mut txn, Step::Insert(3));
    act(&mut txn, Step::Update(1));
    act(&mut txn, Step::Rename("x"));
    txn.write_rows("x", &[], vec![row(4, 4)]).unwrap();
    let record = store.commit(txn, 0).unwrap();
    let shown: Vec<_> =
        record.changes.iter().map(|c| (c.table.as_str(), c.kind, c.inserted.len())).collect();
    assert_eq!(shown, [("t", ChangeKind::Dropped, 0), ("x", ChangeKind::Created, 4)]);
    assert_eq!(store.table_names(), ["x"]);
}

#[test]
fn a_clone_shares_rows_until_one_side_changes() {
    let mut store = store_with(ConflictUnit::Row);
    let mut txn = store.begin(0);
    act(&mut txn, Step::Clone("x"));
    act(&mut txn, Step::Delete(1));
    store.commit(txn, 0).unwrap();
    let after = store.begin(0);
    let count = |name: &str| after.view().table(name).map(|table| table.rows.len());
    assert_eq!((count("t"), count("x")), (Some(1), Some(2)));
    let id = |name: &str| after.view().table(name).map(|table| table.id);
    assert_ne!(id("t"), id("x"), "rows of one are no rows of the other");
}

#[test]
fn memory_stays_flat() {
    let mut store = store_with(ConflictUnit::Row);
    let pin = store.begin(0);
    for _ in 0..100 {
        let mut txn = store.begin(0);
        act(&mut txn, Step::Update(1));
        store.commit(txn, 0).unwrap();
    }
    assert_eq!(store.log_len(), 100, "an open transaction needs the log since its BEGIN");
    assert_eq!(contents(&pin).len(), 2);
    drop(pin);
    store.commit(store.begin(0), 0).unwrap();
    assert_eq!(store.log_len(), 0);
}

/// The model: committed rows by identity, and copies of them.
#[derive(Debug, Clone, Default)]
struct Model {
    committed: BTreeMap<u64, (i64, i64)>,
    next: u64,
}

#[derive(Debug, Clone, Default)]
struct ModelTxn {
    seen: BTreeMap<u64, (i64, i64)>,
    deleted: BTreeSet<u64>,
    inserted: BTreeMap<u64, (i64, i64)>,
}

impl Model {
    fn begin(&self) -> ModelTxn {
        ModelTxn { seen: self.committed.clone(), ..ModelTxn::default() }
    }

    fn refresh(&self, txn: &mut ModelTxn) {
        txn.seen = self.committed.clone();
        txn.seen.retain(|id, _| !txn.deleted.contains(id));
        txn.seen.extend(txn.inserted.clone());
    }

    fn write(&mut self, txn: &mut ModelTxn, key: i64, value: Option<i64>, add: bool) {
        let hit: Vec<u64> =
            txn.seen.iter().filter(|(_, row)| row.0 == key && !add).map(|(id, _)| *id).collect();
        let count = if add { 1 } else { hit.len() };
        for id in hit {
            txn.seen.remove(&id);
            if txn.inserted.remove(&id).is_none() {
                txn.deleted.insert(id);
            }
        }
        for value in value.iter().cycle().take(count) {
            txn.seen.insert(self.next, (key, *value));
            txn.inserted.insert(self.next, (key, *value));
            self.next += 1;
        }
    }

    fn commit(&mut self, txn: ModelTxn) -> bool {
        if txn.deleted.iter().any(|id| !self.committed.contains_key(id)) {
            return false;
        }
        self.committed.retain(|id, _| !txn.deleted.contains(id));
        self.committed.extend(txn.inserted);
        true
    }
}

fn shown(txn: &ModelTxn) -> Vec<(i64, Row)> {
    let mut rows: Vec<_> = txn.seen.values().map(|(key, v)| (*key, row(*key, *v))).collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn interleavings_equal_snapshot_isolation(
        per_statement in any::<bool>(),
        steps in prop::collection::vec((0_usize..3, 0_u8..6, 1_i64..5, 0_i64..100), 1..60),
    ) {
        let mut store = store_with(ConflictUnit::Row);
        let mut model = Model::default();
        let mut setup = model.begin();
        model.write(&mut setup, 1, Some(0), true);
        model.write(&mut setup, 2, Some(0), true);
        model.commit(setup);
        let mut open: [Option<(Transaction, ModelTxn)>; 3] = [None, None, None];
        for (who, what, key, value) in steps {
            let (mut txn, mut twin) =
                open[who].take().unwrap_or_else(|| (store.begin(0), model.begin()));
            if per_statement {
                txn.refresh_snapshot(&store);
                model.refresh(&mut twin);
            }
            match what {
                0 => {
                    txn.write_rows("t", &[], vec![row(key, value)]).unwrap();
                    model.write(&mut twin, key, Some(value), true);
                }
                1 | 2 => {
                    let found = ids(&txn, key);
                    let new = found.iter().map(|_| row(key, value)).collect();
                    txn.write_rows("t", &found, new).unwrap();
                    model.write(&mut twin, key, Some(value), false);
                }
                3 => {
                    txn.write_rows("t", &ids(&txn, key), Vec::new()).unwrap();
                    model.write(&mut twin, key, None, false);
                }
                4 => {
                    prop_assert_eq!(store.commit(txn, 0).is_ok(), model.commit(twin));
                    prop_assert_eq!(contents(&store.begin(0)), shown(&model.begin()));
                    continue;
                }
                _ => continue,
            }
            prop_assert_eq!(contents(&txn), shown(&twin));
            open[who] = Some((txn, twin));
        }
        drop(open);
        store.commit(store.begin(0), 0).unwrap();
        prop_assert_eq!(store.log_len(), 0);
    }
}
