//! Whole files through the real code: written with the low-level Parquet writers, read from a store
//! in memory, reduced, and read back by the Parquet crate's own record reader.

mod cut;
mod fixture;
mod refusals;
mod together;

use fixture::{Data, World, bytes, cdc, ids, parquet, texts};
use merge_protocol::outcome::ReasonCode;
use parquet::basic::Compression;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

const USERS: &str = "optional binary Op (STRING); optional binary load_timestamp (STRING); \
                     optional int64 id; optional binary name (STRING);";

/// One change a row: Op, whole second of the commit, id, name.
pub(super) fn users(rows: &[(&str, u8, i64, &str)]) -> Vec<u8> {
    let stamp = |second: &u8| format!("2025-11-11 12:00:{second:02}");
    let stamps: Vec<String> = rows.iter().map(|row| stamp(&row.1)).collect();
    parquet(
        USERS,
        &[vec![
            texts(&rows.iter().map(|row| Some(row.0)).collect::<Vec<_>>()),
            texts(&stamps.iter().map(|stamp| Some(stamp.as_str())).collect::<Vec<_>>()),
            ids(&rows.iter().map(|row| Some(row.2)).collect::<Vec<_>>()),
            texts(&rows.iter().map(|row| Some(row.3)).collect::<Vec<_>>()),
        ]],
    )
}

#[tokio::test]
async fn the_last_change_of_each_key_is_kept_and_the_counts_add_up() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    // Commit times tie: the row's place decides between the second and the third change of key 1.
    let file = users(&[
        ("I", 1, 1, "first"),
        ("U", 5, 1, "tied, earlier row"),
        ("U", 5, 1, "tied, later row"),
        ("I", 2, 2, "alone"),
        ("I", 3, 3, "gone"),
        ("D", 4, 3, "gone"),
        ("U", 9, 4, "newest, though it comes first"),
        ("I", 8, 4, "older"),
    ]);
    world.add(&cdc(1), &file).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert!(normalised.refused.is_empty(), "{:?}", normalised.refused);
    let batch = &normalised.batch;
    assert_eq!((batch.files[0].rows_read, batch.files[0].rows_staged, batch.rows), (8, 4, 4));
    assert!(batch.files[0].seq_min < batch.files[0].seq_max);
    insta::assert_snapshot!(world.reduced(batch).await);
}

#[tokio::test]
async fn every_type_keeps_its_value_over_row_groups_and_nulls() {
    let schema = "required binary Op (STRING); required int64 load_timestamp (TIMESTAMP_MICROS); \
        required int32 id; optional boolean flag; optional int32 small; optional int32 day (DATE); \
        optional int32 u32 (UINT_32); optional int64 big; optional int64 u64 (UINT_64); \
        optional int64 utc_millis (TIMESTAMP(MILLIS,true)); optional int64 local (TIMESTAMP(MICROS,false)); \
        optional int64 nanos (TIMESTAMP(NANOS,true)); optional int96 old; optional float real; \
        optional double wide; optional int32 cents (DECIMAL(9,2)); optional int64 more (DECIMAL(18,4)); \
        optional binary any (DECIMAL(30,3)); optional fixed_len_byte_array(16) most (DECIMAL(38,0)); \
        optional binary text (STRING); optional binary raw; optional fixed_len_byte_array(3) three;";
    let one = |seconds: i64, id: i32| {
        vec![
            texts(&[Some("I")]),
            Data::Int64(vec![Some(seconds * 1_000_000)]),
            Data::Int32(vec![Some(id)]),
        ]
    };
    let mut full = one(1, 1);
    full.extend([
        Data::Bool(vec![Some(true)]),
        Data::Int32(vec![Some(i32::MIN)]),
        Data::Int32(vec![Some(-1)]),
        Data::Int32(vec![Some(-1)]),
        Data::Int64(vec![Some(i64::MAX)]),
        Data::Int64(vec![Some(-1)]),
        Data::Int64(vec![Some(1_762_862_400_123)]),
        Data::Int64(vec![Some(-1)]),
        Data::Int64(vec![Some(1_000)]),
        Data::Int96(vec![Some([2_000, 0, 2_440_589])]),
        Data::Float(vec![Some(1.5)]),
        Data::Double(vec![Some(-0.0)]),
        Data::Int32(vec![Some(-1_05)]),
        Data::Int64(vec![Some(12_3456)]),
        bytes(&[Some(&[0xff, 0x38])]),
        Data::Fixed(vec![Some((-99_i128).to_be_bytes().to_vec())]),
        texts(&[Some("grüße, \"quoted\"")]),
        bytes(&[Some(&[0, 0xff])]),
        Data::Fixed(vec![Some(vec![1, 2, 3])]),
    ]);
    let mut empty = one(2, 2);
    empty.extend(full[3..].iter().map(Data::null));
    let mut world = World::new(&[("id", "integer")]);
    world.add(&cdc(1), &parquet(schema, &[full, empty])).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert!(normalised.refused.is_empty(), "{:?}", normalised.refused);
    let columns: Vec<String> = normalised
        .batch
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.data_type.sql()))
        .collect();
    let rows = world.reduced(&normalised.batch).await;
    insta::assert_snapshot!(format!("{}\n\n{rows}", columns.join("\n")));
}

#[tokio::test]
async fn a_full_load_has_no_operations_and_needs_no_order() {
    let schema = "optional int64 id; optional binary name (STRING);";
    let rows = vec![ids(&[Some(1), Some(2)]), texts(&[Some("a"), None])];
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    world.add("cdc/shop/users/LOAD0000000A.parquet", &parquet(schema, &[rows])).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert!(normalised.refused.is_empty(), "{:?}", normalised.refused);
    insta::assert_snapshot!(world.reduced(&normalised.batch).await);
}

#[tokio::test]
async fn the_same_input_gives_the_same_bytes_under_the_same_name() {
    let file = users(&[("I", 1, 7, "seven"), ("U", 2, 8, "eight"), ("I", 3, 7, "again")]);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut world = World::new(&[("id", "bigint")]);
        world.add(&cdc(1), &file).await;
        let first = world.normalise().await.expect("the store answers").batch;
        // A second delivery finds the object there already and leaves it alone.
        let second = world.normalise().await.expect("an object that is there is no failure").batch;
        assert_eq!(first, second);
        seen.push((first.pattern.clone(), world.object(&first.pattern).await));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].0.starts_with("_normalised/"), "{}", seen[0].0);
}

#[tokio::test]
async fn a_reserved_column_is_left_to_the_plan_which_refuses_it() {
    let schema = format!("{USERS} optional binary __cdc_key (STRING);");
    let row = vec![
        texts(&[Some("I")]),
        texts(&[Some("2025-11-11 12:00:00")]),
        ids(&[Some(1)]),
        texts(&[Some("a")]),
        texts(&[Some("forged")]),
    ];
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    let id = world.add(&cdc(1), &parquet(&schema, &[row])).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert!(normalised.refused.is_empty(), "{:?}", normalised.refused);
    let refused = world.plan(normalised);
    assert_eq!(refused.keys().collect::<Vec<_>>(), [&id]);
    assert_eq!(refused[&id].code, ReasonCode::ReservedColumn);
    assert!(refused[&id].detail.contains("__cdc_key"), "{}", refused[&id].detail);
}

#[tokio::test]
async fn few_rows_of_long_texts_are_compressed_and_small_files_are_not() {
    for (length, is_compressed) in [(10, false), (10_000, true)] {
        let long = "abc ".repeat(length / 4);
        let rows: Vec<_> = (0..10).map(|id| ("I", 1, id, long.as_str())).collect();
        let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
        world.add(&cdc(1), &users(&rows)).await;
        let batch = world.normalise().await.expect("the store answers").batch;
        assert_eq!(batch.rows, 10);
        let reader =
            SerializedFileReader::new(world.object(&batch.pattern).await).expect("Parquet");
        let columns = reader.metadata().row_group(0).columns().to_vec();
        let expected = if is_compressed { Compression::SNAPPY } else { Compression::UNCOMPRESSED };
        let of_all: Vec<Compression> = columns.iter().map(|column| column.compression()).collect();
        assert_eq!(of_all, vec![expected; columns.len()], "texts of {length} bytes");
    }
}
