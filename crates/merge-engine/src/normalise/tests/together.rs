//! Several files of one table: which are reduced together, and that their order does not matter.

use super::fixture::{World, cdc, ids, parquet, texts};
use super::users;
use crate::normalise::{ReadFile, read_file};
use merge_protocol::machine::Merge;

#[tokio::test]
async fn the_last_change_of_a_key_may_lie_in_any_of_the_files() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    let first = world.add(&cdc(1), &users(&[("I", 1, 1, "old"), ("U", 9, 2, "newest")])).await;
    let second = world.add(&cdc(2), &users(&[("D", 2, 1, "old"), ("U", 3, 2, "late")])).await;
    let batch = world.normalise().await.expect("the store answers").batch;
    let counts: Vec<_> =
        batch.files.iter().map(|file| (&file.id, file.rows_read, file.rows_staged)).collect();
    assert_eq!(counts.len(), 2);
    assert!(counts.contains(&(&first, 2, 1)) && counts.contains(&(&second, 2, 1)), "{counts:?}");
    insta::assert_snapshot!(world.reduced(&batch).await);
}

/// Reads the files of a merge in the order of their keys, or backwards.
async fn read<'a>(world: &World, merge: &'a Merge, backwards: bool) -> Vec<ReadFile<'a>> {
    let mut files: Vec<_> = merge.task().files.iter().collect();
    files.sort_by_key(|(_, file)| file.object.key.clone());
    if backwards {
        files.reverse();
    }
    let mut read = Vec::new();
    for (id, file) in files {
        let bytes = world.normaliser().fetch(file).await.expect("answers").expect("is there");
        read.push(read_file(merge, id, file, bytes).expect("readable"));
    }
    read
}

#[tokio::test]
async fn files_given_in_another_order_give_the_same_bytes() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    for (millis, name) in [(1, "a"), (2, "b"), (3, "c")] {
        // Every file holds key 1 at the same commit time; only the file's own stamp orders them.
        let own_key = i64::from(millis) + 10;
        world.add(&cdc(millis), &users(&[("U", 1, 1, name), ("I", 1, own_key, name)])).await;
    }
    let merge = world.merge();
    let mut patterns = Vec::new();
    for backwards in [false, true] {
        let files = read(&world, &merge, backwards).await;
        let files: Vec<&ReadFile<'_>> = files.iter().collect();
        let batch = world.normaliser().reduce(&files).await.expect("the store answers");
        assert_eq!(batch.rows, 4);
        patterns.push(batch.pattern.clone());
        assert!(
            world.reduced(&batch).await.contains("id: 1 | name: \"c\""),
            "the newest file wins"
        );
    }
    assert_eq!(patterns[0], patterns[1]);
}

#[tokio::test]
async fn the_same_columns_in_another_order_are_reduced_together() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    world.add(&cdc(1), &users(&[("I", 1, 1, "as ever")])).await;
    let schema = "optional binary name (STRING); optional int64 id; \
                  optional binary load_timestamp (STRING); optional binary Op (STRING);";
    let turned = vec![
        texts(&[Some("turned round")]),
        ids(&[Some(2)]),
        texts(&[Some("2025-11-11 12:00:01")]),
        texts(&[Some("I")]),
    ];
    world.add(&cdc(2), &parquet(schema, &[turned])).await;
    let batch = world.normalise().await.expect("the store answers").batch;
    assert_eq!((batch.files.len(), batch.rows), (2, 2));
    let rows = world.reduced(&batch).await;
    for (id, name) in [(1, "as ever"), (2, "turned round")] {
        let line = rows
            .lines()
            .find(|line| {
                line.contains(&format!("id: {id} ")) || line.ends_with(&format!("id: {id}"))
            })
            .expect("the row");
        assert!(line.contains(&format!("name: \"{name}\"")), "{rows}");
    }
}

#[tokio::test]
async fn files_with_other_columns_wait_for_the_next_turn() {
    let mut world = World::new(&[("id", "bigint"), ("name", "text")]);
    let narrow = world.add(&cdc(1), &users(&[("I", 1, 1, "a")])).await;
    let schema = "optional binary Op (STRING); optional binary load_timestamp (STRING); \
                  optional int64 id; optional binary name (STRING); optional int32 age;";
    let row = vec![
        texts(&[Some("I")]),
        texts(&[Some("2025-11-11 12:00:01")]),
        ids(&[Some(2)]),
        texts(&[Some("b")]),
        super::Data::Int32(vec![Some(30)]),
    ];
    let wide = world.add(&cdc(2), &parquet(schema, &[row])).await;
    let normalised = world.normalise().await.expect("the store answers");
    assert!(normalised.refused.is_empty(), "{:?}", normalised.refused);
    // Whichever id is smaller goes first; the other is in neither list and so stays pending.
    let first = narrow.clone().min(wide);
    let taken: Vec<_> = normalised.batch.files.iter().map(|file| &file.id).collect();
    assert_eq!(taken, [&first]);
    assert_eq!(normalised.batch.columns.len(), if first == narrow { 4 } else { 5 });
}
