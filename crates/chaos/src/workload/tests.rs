//! What every workload must be, whatever its plan.

use std::collections::BTreeSet;
use std::time::Duration;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use proptest::prelude::*;

use super::*;
use crate::plan::{AddedColumn, Skew};
use crate::ratio::Ratio;
use crate::seed::Seed;
use crate::timespan::{Between, Span};

/// Six files over a dozen keys of a small table.
pub(crate) fn plan() -> WorkloadPlan {
    let ddl = "CREATE TABLE \"users\" (\"id\" BIGINT NOT NULL, \"name\" TEXT NULL, \
               \"amount\" NUMERIC(12, 2) NULL, \"counter\" BIGINT NULL) PRIMARY INDEX \"id\"";
    WorkloadPlan {
        database: "db".to_owned(),
        table: "users".to_owned(),
        ddl: ddl.to_owned(),
        key: vec!["id".to_owned()],
        keys: 12,
        skew: Skew::Zipf,
        insert: 3,
        update: 6,
        delete: 1,
        same_key: Ratio { numerator: 1, denominator: 4 },
        full_load: false,
        files: 6,
        rows: Between { min: 1, max: 8 },
        step: Span(Duration::from_millis(400)),
        added_column: None,
    }
}

fn plans() -> impl Strategy<Value = WorkloadPlan> {
    let weights = (0u32..4, 0u32..8, 0u32..4, 0u32..=4);
    (1u64..20, any::<bool>(), weights, 1u64..8, 1u64..6, 0u64..6).prop_map(
        |(keys, zipf, (insert, update, delete, same), files, min, more)| WorkloadPlan {
            keys,
            skew: if zipf { Skew::Zipf } else { Skew::Uniform },
            insert,
            update,
            delete,
            same_key: Ratio { numerator: same, denominator: 4 },
            files,
            rows: Between { min, max: min + more },
            ..plan()
        },
    )
}

fn drawn(plan: &WorkloadPlan, seed: u64) -> Workload {
    generate(plan, &mut Seed(seed).stream("workload")).expect("a good plan")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// An illegal history (an update of a missing row) would make every oracle meaningless.
    #[test]
    fn the_truth_is_what_a_database_can_do(plan in plans(), seed in any::<u64>()) {
        let workload = drawn(&plan, seed);
        let mut live: BTreeSet<&str> = BTreeSet::new();
        for (position, change) in workload.truth.iter().enumerate() {
            prop_assert_eq!(change.counter, position as u64 + 1);
            match change.op {
                Op::Insert => prop_assert!(live.insert(&change.key), "second insert of {}", change.key),
                Op::Update => prop_assert!(live.contains(change.key.as_str()), "update of nothing"),
                Op::Delete => prop_assert!(live.remove(change.key.as_str()), "delete of nothing"),
            }
            prop_assert!(workload.keys.contains(&change.key));
        }
        prop_assert!(workload.keys.len() as u64 <= plan.keys);
    }

    #[test]
    fn files_are_consecutive_slices_under_increasing_names(plan in plans(), seed in any::<u64>()) {
        let workload = drawn(&plan, seed);
        prop_assert_eq!(workload.files.len(), plan.files as usize);
        let mut next = 0;
        for file in &workload.files {
            let start = next;
            next += file.changes.len();
            prop_assert_eq!(&file.changes, &(start..next).collect::<Vec<_>>());
        }
        prop_assert_eq!(next, workload.truth.len());
        let names: BTreeSet<_> = workload.files.iter().map(|file| &file.object_key).collect();
        prop_assert_eq!(names.len(), workload.files.len());
        prop_assert!(workload.files.is_sorted_by_key(|file| file.stamp_millis));
    }

    #[test]
    fn one_seed_gives_one_workload(plan in plans(), seed in any::<u64>()) {
        let bytes = |workload: Workload| {
            workload.files.into_iter().map(|file| (file.object_key, file.bytes)).collect::<Vec<_>>()
        };
        prop_assert_eq!(bytes(drawn(&plan, seed)), bytes(drawn(&plan, seed)));
    }
}

#[test]
fn a_file_reads_back_as_its_slice_of_the_truth() {
    let workload = drawn(&plan(), 7);
    for file in &workload.files {
        let reader = SerializedFileReader::new(file.bytes.clone()).expect("our own file");
        let rows: Vec<_> =
            reader.get_row_iter(None).expect("flat").map(|r| r.expect("row")).collect();
        assert_eq!(rows.len(), file.changes.len());
        let shift = usize::from(file.kind == FileKind::Changes);
        for (row, change) in rows.iter().zip(&file.changes).map(|(r, c)| (r, &workload.truth[*c])) {
            if shift == 1 {
                assert_eq!(row.get_string(0).expect("Op"), change.op.letter());
            }
            assert_eq!(row.get_timestamp_micros(shift).expect("stamp"), change.second * 1_000_000);
            assert_eq!(row.get_long(shift + 1).expect("id").to_string(), change.key);
            let name = row.get_string(shift + 2).ok();
            assert_eq!(name, change.row.get("name"));
            let counter = row.get_long(shift + 4).expect("counter");
            assert_eq!(counter.to_string(), change.row["counter"]);
        }
    }
}

#[test]
fn names_follow_the_job() {
    let plan = plan();
    assert_eq!(
        object_key(&plan, FileKind::Changes, FIRST_SECOND * 1000 + 123),
        "firebolt_dms_job/db/users/2025/11/11/20251111-100000123.parquet"
    );
    assert_eq!(
        object_key(&plan, FileKind::FullLoad, FIRST_SECOND * 1000),
        "firebolt_dms_job/db/users/LOAD00000001.parquet"
    );
}

/// The shapes that production files had must really appear, or the field scenario proves nothing.
#[test]
fn the_shapes_appear() {
    let plan = WorkloadPlan { keys: 400, files: 40, delete: 2, ..plan() };
    let workload = drawn(&plan, 3);
    let (mut twice, mut next_file, mut reinserted, mut ties) = (0, 0, 0, 0);
    let mut inserted_before = BTreeSet::new();
    for file in &workload.files {
        let changes: Vec<_> = file.changes.iter().map(|index| &workload.truth[*index]).collect();
        let mut inserted = BTreeSet::new();
        for pair in changes.windows(2) {
            ties += usize::from(pair[0].second == pair[1].second);
            twice += usize::from(
                pair[0].key == pair[1].key && (pair[0].op, pair[1].op) == (Op::Insert, Op::Update),
            );
            reinserted += usize::from(
                pair[0].key == pair[1].key && (pair[0].op, pair[1].op) == (Op::Delete, Op::Insert),
            );
        }
        for change in changes {
            next_file += usize::from(inserted_before.contains(&change.key));
            if change.op == Op::Insert {
                inserted.insert(change.key.clone());
            }
        }
        inserted_before = inserted;
    }
    for (shape, count) in
        [("twice", twice), ("next file", next_file), ("re-insert", reinserted), ("ties", ties)]
    {
        assert!(count >= 3, "{shape}: {count}");
    }
}

#[test]
fn other_tables_work_as_well() {
    let ddl = "CREATE TABLE loans (id BIGINT NOT NULL, branch TEXT NOT NULL, due DATE NULL, \
               open BOOLEAN NULL, paid TIMESTAMP NULL, rate NUMERIC(9, 4) NULL, n INTEGER NULL)";
    let plan = WorkloadPlan {
        table: "loans".to_owned(),
        ddl: ddl.to_owned(),
        key: vec!["id".to_owned(), "branch".to_owned()],
        keys: 9,
        added_column: Some(AddedColumn { name: "nickname".to_owned(), from_file: 3 }),
        ..plan()
    };
    let workload = drawn(&plan, 5);
    assert_eq!(workload.keys[..4], ["1|k'1", "1|k'2", "1|k'3", "2|k'1"]);
    let columns = |file: usize| {
        let reader = SerializedFileReader::new(workload.files[file].bytes.clone()).expect("ours");
        reader.metadata().file_metadata().schema_descr().num_columns()
    };
    assert_eq!((columns(2), columns(3)), (9, 10));
    let wrong = WorkloadPlan { key: vec!["uid".to_owned()], ..plan };
    let error = generate(&wrong, &mut Seed(1).stream("workload")).expect_err("no such column");
    assert!(error.contains("uid"), "{error}");
}

#[test]
fn a_full_load_holds_one_insert_of_each_key_and_no_op() {
    let plan = WorkloadPlan { rows: Between { min: 5, max: 5 }, full_load: true, ..plan() };
    let stream = &mut Seed(2).stream("workload");
    let workload = generate(&plan, stream).expect("a good plan");
    let load = &workload.files[0];
    assert_eq!(load.object_key, "firebolt_dms_job/db/users/LOAD00000001.parquet");
    let changes: Vec<_> = load.changes.iter().map(|index| &workload.truth[*index]).collect();
    let keys: Vec<_> = changes.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["1", "2", "3", "4", "5"]);
    assert!(changes.iter().all(|change| change.op == Op::Insert));
    let reader = SerializedFileReader::new(load.bytes.clone()).expect("our own file");
    let columns = reader.metadata().file_metadata().schema_descr().columns().to_vec();
    assert_eq!(columns[0].name(), "load_timestamp");
    assert_eq!(workload.files[1].kind, FileKind::Changes);
}
