//! READ_PARQUET and COPY over real Parquet files in an in-memory bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fake_firebolt::quirks::{Acceptance, Quirks};
use fake_firebolt::{FakeConfig, FakeFirebolt, Location};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::harness::{Client, Script, fake_with};

/// Writes a file of one row group.
fn parquet(schema: &str, write: impl FnOnce(&mut SerializedRowGroupWriter<'_, Vec<u8>>)) -> Bytes {
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).expect("a writer");
    let mut group = file.next_row_group().expect("a row group");
    write(&mut group);
    group.close().expect("a closed row group");
    Bytes::from(file.into_inner().expect("a file"))
}

fn column<T: parquet::data_type::DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: Option<&[i16]>,
) {
    let mut column = group.next_column().expect("a column").expect("one more");
    column.typed::<T>().write_batch(values, levels, None).expect("values");
    column.close().expect("a closed column");
}

/// Two rows of id and name, the second name NULL.
fn people(first: i32) -> Bytes {
    let schema = "message people { required int32 id; optional binary name (UTF8); }";
    parquet(schema, |group| {
        column::<Int32Type>(group, &[first, first + 1], None);
        column::<ByteArrayType>(group, &[ByteArray::from("Ann")], Some(&[1, 0]));
    })
}

async fn world(files: &[(&str, Bytes)]) -> (FakeFirebolt, Arc<InMemory>) {
    let bucket = Arc::new(InMemory::new());
    for (path, bytes) in files {
        bucket.put(&Path::from(*path), bytes.clone().into()).await.expect("a put");
    }
    let store: Arc<dyn ObjectStore> = Arc::clone(&bucket) as Arc<dyn ObjectStore>;
    let location = Location { store, prefix: "firebolt_dms_job/".to_owned() };
    let locations = BTreeMap::from([("cdc".to_owned(), location)]);
    let fake = fake_with(&Script::new(), FakeConfig { locations, ..FakeConfig::default() });
    (fake, bucket)
}

#[tokio::test(start_paused = true)]
async fn copy_creates_appends_and_ctas_reads() {
    let files = [("firebolt_dms_job/db/people/a.parquet", people(1))];
    let (fake, _bucket) = world(&files).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let copy = "COPY INTO \"stg_1\" FROM cdc WITH (PATTERN = 'db/people/a.parquet', \
                TYPE = PARQUET, AUTO_CREATE = TRUE)";
    client.ok(copy).await;
    let all = "SELECT \"id\", \"name\" FROM \"stg_1\" ORDER BY \"id\"";
    assert_eq!(client.ok(all).await, serde_json::json!([[1, "Ann"], [2, null]]));
    client.ok(copy).await;
    let count = client.ok("SELECT COUNT(*) FROM \"stg_1\"").await;
    assert_eq!(count, serde_json::json!([["4"]]), "COPY remembers nothing");
    client
        .ok("CREATE TABLE \"stg_2\" AS SELECT \"id\", \"name\" FROM \
             READ_PARQUET(LOCATION => 'cdc', PATTERN => 'db/people/a.parquet')")
        .await;
    let count = client.ok("SELECT COUNT(*) FROM \"stg_2\"").await;
    assert_eq!(count, serde_json::json!([["2"]]));
}

#[tokio::test(start_paused = true)]
async fn a_pattern_reads_many_files_and_an_overwritten_file_is_read_again() {
    let files = [
        ("firebolt_dms_job/db/people/a.parquet", people(1)),
        ("firebolt_dms_job/db/people/b.parquet", people(10)),
        ("elsewhere/db/people/c.parquet", people(100)),
    ];
    let (fake, bucket) = world(&files).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let read = "SELECT \"id\" FROM READ_PARQUET(LOCATION => 'cdc', \
                PATTERN => 'db/people/*.parquet') ORDER BY \"id\"";
    assert_eq!(client.ok(read).await, serde_json::json!([[1], [2], [10], [11]]));
    let path = Path::from("firebolt_dms_job/db/people/b.parquet");
    bucket.put(&path, people(20).into()).await.expect("a put");
    assert_eq!(client.ok(read).await, serde_json::json!([[1], [2], [20], [21]]));
}

#[tokio::test(start_paused = true)]
async fn every_type_that_a_change_stream_holds() {
    let schema = "message all {
        required boolean b;
        required int64 big;
        required float f;
        required double d;
        optional int32 day (DATE);
        required int64 millis (TIMESTAMP(MILLIS,true));
        required int64 micros (TIMESTAMP(MICROS,false));
        required int64 nanos (TIMESTAMP(NANOS,true));
        required int32 small (DECIMAL(9,2));
        required int64 middle (DECIMAL(18,4));
        required fixed_len_byte_array(16) large (DECIMAL(38,9));
        required binary loose (DECIMAL(20,0));
        required binary raw;
    }";
    let bytes = parquet(schema, |group| {
        column::<BoolType>(group, &[true], None);
        column::<Int64Type>(group, &[i64::MIN], None);
        column::<FloatType>(group, &[1.5], None);
        column::<DoubleType>(group, &[-0.25], None);
        column::<Int32Type>(group, &[], Some(&[0]));
        column::<Int64Type>(group, &[1_762_819_200_123], None);
        column::<Int64Type>(group, &[1_762_819_200_123_456], None);
        column::<Int64Type>(group, &[1_762_819_200_123_456_789], None);
        column::<Int32Type>(group, &[-12_345], None);
        column::<Int64Type>(group, &[12_345], None);
        let large = FixedLenByteArray::from((-1_i128).to_be_bytes().to_vec());
        column::<FixedLenByteArrayType>(group, &[large], None);
        column::<ByteArrayType>(group, &[ByteArray::from(vec![1, 0])], None);
        column::<ByteArrayType>(group, &[ByteArray::from(vec![0xde, 0xad])], None);
    });
    let (fake, _bucket) = world(&[("firebolt_dms_job/all.parquet", bytes)]).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard =
        client.sql("SELECT * FROM READ_PARQUET(LOCATION => 'cdc', PATTERN => 'all.parquet')").await;
    let types: Vec<String> = heard.json()["meta"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| column["type"].as_str().expect("a type").to_owned())
        .collect();
    assert_eq!(
        types,
        [
            "boolean",
            "long",
            "float",
            "double",
            "date null",
            "timestamptz",
            "timestamp",
            "timestamptz",
            "Decimal(9, 2)",
            "Decimal(18, 4)",
            "Decimal(38, 9)",
            "Decimal(20, 0)",
            "bytea",
        ]
    );
    assert_eq!(
        heard.data(),
        serde_json::json!([[
            true,
            "-9223372036854775808",
            1.5,
            -0.25,
            null,
            "2025-11-11 00:00:00.123+00",
            "2025-11-11 00:00:00.123456",
            "2025-11-11 00:00:00.123456+00",
            "-123.45",
            "1.2345",
            "-0.000000001",
            "256",
            "\\xdead",
        ]])
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_refused_by_name() {
    let whole = people(1);
    let map = "message m { required group list (MAP) { repeated group key_value { \
               required int32 key; required int32 value; } } }";
    let nested = parquet(map, |group| {
        for _ in ["key", "value"] {
            let mut column = group.next_column().expect("a column").expect("a column");
            column.typed::<Int32Type>().write_batch(&[1], Some(&[1]), Some(&[0])).expect("a value");
            column.close().expect("a column");
        }
    });
    let unsigned = parquet("message m { required int64 u (UINT_64); }", |group| {
        column::<Int64Type>(group, &[1], None);
    });
    let files = [
        ("firebolt_dms_job/half.parquet", whole.slice(..whole.len() / 2)),
        ("firebolt_dms_job/empty.parquet", Bytes::new()),
        ("firebolt_dms_job/nested.parquet", nested),
        ("firebolt_dms_job/unsigned.parquet", unsigned),
    ];
    let (fake, _bucket) = world(&files).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for (location, file, words) in [
        ("cdc", "half.parquet", ["firebolt_dms_job/half.parquet", "complete Parquet file"]),
        ("cdc", "empty.parquet", ["firebolt_dms_job/empty.parquet", "complete Parquet file"]),
        ("cdc", "nested.parquet", ["'list'", "MAP"]),
        ("cdc", "unsigned.parquet", ["'u'", "not supported"]),
        ("other", "half.parquet", ["location 'other'", "does not exist or not authorized"]),
    ] {
        let read = format!(
            "CREATE TABLE stg_1 AS SELECT * FROM \
             READ_PARQUET(LOCATION => '{location}', PATTERN => '{file}')"
        );
        let error = client.sql(&read).await.error();
        assert!(words.iter().all(|word| error.contains(word)), "{file}: {error}");
    }
    assert_eq!(fake.commits().len(), 2, "nothing but the seed");
}

#[tokio::test(start_paused = true)]
async fn a_pattern_without_a_file_is_an_error() {
    let (fake, _bucket) = world(&[]).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let copy = "COPY INTO stg_1 FROM cdc WITH (PATTERN = 'none.parquet', TYPE = PARQUET, \
                AUTO_CREATE = TRUE)";
    assert_eq!(client.sql(copy).await.status(), 400);
}

/// A fake with the bucket `data`, and no LOCATION.
async fn with_bucket(files: &[(&str, &str)], quirks: Quirks) -> FakeFirebolt {
    let bucket = InMemory::new();
    for (path, text) in files {
        bucket
            .put(&Path::from(*path), Bytes::from((*text).to_owned()).into())
            .await
            .expect("a put");
    }
    let buckets: BTreeMap<String, Arc<dyn ObjectStore>> =
        BTreeMap::from([("data".to_owned(), Arc::new(bucket) as Arc<dyn ObjectStore>)]);
    fake_with(&Script::new(), FakeConfig { buckets, quirks, ..FakeConfig::default() })
}

#[tokio::test(start_paused = true)]
async fn locations_are_the_account_s_and_no_transaction_s() {
    let fake = with_bucket(&[("a/x.csv", "1,one\n")], Quirks::default()).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let create = "CREATE LOCATION mine WITH SOURCE = AMAZON_S3 URL = 's3://data/a/'";
    client.ok(create).await;
    let mut other = Client::sign_on(&fake, "worker-2").await;
    let read = "SELECT f1 FROM READ_CSV(LOCATION => 'mine')";
    assert_eq!(other.ok(read).await, serde_json::json!([["one"]]));
    assert!(client.sql(create).await.error().contains("location 'mine' already exists"));
    client.ok("BEGIN").await;
    let error = client.sql("DROP LOCATION mine").await.error();
    assert!(error.contains("cannot run inside an explicit transaction"), "{error}");
    let error = client.sql(read).await.error();
    assert!(error.contains("transaction is aborted"), "{error}");
    client.ok("ROLLBACK").await;
    assert_eq!(other.ok(read).await, serde_json::json!([["one"]]), "it was not dropped");
    fake.setup("DROP LOCATION mine").expect("the owner may");
    let error = other.sql(read).await.error();
    assert!(error.contains("location 'mine' does not exist or not authorized"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn copy_inside_a_transaction_is_a_quirk() {
    let files = [("x.csv", "1,one\n")];
    for copy_in_transaction in [Acceptance::Accept, Acceptance::Refuse] {
        let quirks = Quirks { copy_in_transaction, ..Quirks::default() };
        let fake = with_bucket(&files, quirks).await;
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.ok("BEGIN").await;
        let answer = client.sql("COPY loaded FROM 's3://data/x.csv'").await;
        if copy_in_transaction == Acceptance::Accept {
            assert_eq!(answer.status(), 200);
            client.ok("COMMIT").await;
            let count = client.ok("SELECT COUNT(*) FROM loaded").await;
            assert_eq!(count, serde_json::json!([["1"]]));
        } else {
            let error = answer.error();
            assert!(
                error.contains("COPY FROM cannot run inside an explicit transaction"),
                "{error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_file_is_loaded_whole() {
    let text: String = (0..100_000).map(|i| format!("{i},name {i},{}\n", i * 3)).collect();
    let fake = with_bucket(&[("x.csv", &text)], Quirks::default()).await;
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("COPY loaded FROM 's3://data/x.csv'").await;
    let sums = client.ok("SELECT COUNT(*), SUM(f0), MAX(f2) FROM loaded").await;
    assert_eq!(sums, serde_json::json!([["100000", "4999950000", "299997"]]));
}
