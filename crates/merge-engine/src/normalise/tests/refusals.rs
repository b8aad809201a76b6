//! Files that will never be readable as they are: each is refused whole, with column and row.

use super::fixture::{Data, World, bytes, cdc, ids, parquet, texts};
use super::{USERS, users};
use merge_protocol::outcome::ReasonCode;

const NOON: &str = "2025-11-11 12:00:00";

/// Two good rows and a third with these values.
fn third(op: Option<&str>, stamp: Option<&str>, id: Option<i64>) -> Vec<u8> {
    let rows = vec![
        texts(&[Some("I"), Some("I"), op]),
        texts(&[Some(NOON), Some(NOON), stamp]),
        ids(&[Some(1), Some(2), id]),
        texts(&[Some("a"), Some("b"), Some("c")]),
    ];
    parquet(USERS, &[rows])
}

/// The usual columns and one more, in one row.
fn with(column: &str, value: Data) -> Vec<u8> {
    let row = vec![
        texts(&[Some("I")]),
        texts(&[Some(NOON)]),
        ids(&[Some(1)]),
        texts(&[Some("a")]),
        value,
    ];
    parquet(&format!("{USERS} {column}"), &[row])
}

async fn refused(file: &[u8]) -> String {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    let id = world.add(&cdc(1), file).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert!(normalised.batch.files.is_empty(), "nothing of a refused file is kept");
    let reason = &normalised.refused[&id];
    format!("{}: {}", reason.code.as_str(), reason.detail)
}

#[tokio::test]
async fn every_refusal_names_its_column_and_row() {
    let good = (Some("U"), Some(NOON), Some(3));
    let nested = "optional group address { optional binary city (STRING); }";
    let repeated = "repeated int64 tags;";
    let late_nanos = Data::Int64(vec![Some(1_500)]);
    let late_int96 = Data::Int96(vec![Some([1_500, 0, 2_440_589])]);
    let no_op = parquet(
        "optional binary load_timestamp (STRING); optional int64 id;",
        &[vec![texts(&[Some(NOON)]), ids(&[Some(1)])]],
    );
    let number_op = parquet(
        "optional int32 Op; optional int64 id;",
        &[vec![Data::Int32(vec![Some(1)]), ids(&[Some(1)])]],
    );
    let no_key = parquet(
        "optional binary Op (STRING); optional binary load_timestamp (STRING);",
        &[vec![texts(&[Some("I")]), texts(&[Some(NOON)])]],
    );
    let no_order = parquet(
        "optional binary Op (STRING); optional int64 id;",
        &[vec![texts(&[Some("I")]), ids(&[Some(1)])]],
    );
    let text_key = parquet(
        "optional binary Op (STRING); optional binary load_timestamp (STRING); optional binary id (STRING);",
        &[vec![texts(&[Some("I")]), texts(&[Some(NOON)]), texts(&[Some("one")])]],
    );
    let big = Data::Fixed(vec![Some(vec![1; 17])]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a key part is NULL", third(good.0, good.1, None)),
        ("an operation that is none", third(Some("X"), good.1, good.2)),
        ("an operation in lower case", third(Some("d"), good.1, good.2)),
        ("an operation is NULL", third(None, good.1, good.2)),
        ("operations are numbers", number_op),
        ("a change file without operations", no_op),
        ("the order is NULL", third(good.0, None, good.2)),
        ("the order is no time", third(good.0, Some("yesterday"), good.2)),
        ("a change file without an order", no_order),
        ("no key column", no_key),
        ("the table's type would change the key", text_key),
        ("a nested column", with(nested, texts(&[Some("Wien")]))),
        ("a repeated column", with(repeated, ids(&[Some(1)]))),
        ("half a microsecond", with("optional int64 at (TIMESTAMP(NANOS,true));", late_nanos)),
        ("half a microsecond in INT96", with("optional int96 at;", late_int96)),
        ("a time of day", with("optional int32 at (TIME_MILLIS);", Data::Int32(vec![Some(1)]))),
        ("39 digits", with("optional fixed_len_byte_array(17) n (DECIMAL(39,0));", big)),
        ("text that is none", with("optional binary t (STRING);", bytes(&[Some(&[0xff])]))),
        ("no Parquet", b"Op,id\nI,1\n".to_vec()),
        ("an empty object", Vec::new()),
    ];
    let mut said = String::new();
    for (what, file) in &cases {
        said.push_str(&format!("{what}\n    {}\n", refused(file).await));
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn one_bad_file_does_not_stop_the_others() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    let good = world.add(&cdc(1), &users(&[("I", 1, 1, "a")])).await;
    let bad = world.add(&cdc(2), &third(Some("X"), Some(NOON), Some(3))).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert_eq!(normalised.refused.keys().collect::<Vec<_>>(), [&bad]);
    assert_eq!(normalised.batch.files.iter().map(|file| &file.id).collect::<Vec<_>>(), [&good]);
}

#[tokio::test]
async fn an_object_that_is_gone_or_another_by_now_is_never_read_under_the_old_name() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    let gone = world.name(&cdc(1), "any");
    world.add(&cdc(2), &users(&[("I", 1, 1, "new")])).await;
    let overwritten = world.name(&cdc(2), "the etag before");
    let refused = world.normalise().await.expect("the store answers").refused;
    assert_eq!(refused[&gone].code, ReasonCode::ObjectMissing);
    assert_eq!(refused[&overwritten].code, ReasonCode::Superseded);
    assert_eq!(refused.len(), 2);
}
