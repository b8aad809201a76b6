//! Parquet bytes: a file that is damaged anywhere is read or refused by name; the reader never
//! panics, and a few bytes never make it fill the memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use fake_firebolt::{FakeConfig, FakeFirebolt, Location, NoFaults};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::choices::Choices;
use super::http::in_virtual_time;

/// Any bytes as a file.
pub(crate) fn bytes(data: &[u8]) {
    read(data.to_vec());
}

/// A file that was whole once.
pub(crate) fn damaged(data: &[u8]) {
    let mut file = whole();
    let mut choices = Choices::new(data);
    for _ in 0..=choices.below(6) {
        let at = (choices.below(256) * 256 + choices.below(256)) % file.len();
        match choices.below(4) {
            0 => file[at] = choices.below(256) as u8,
            1 => file[at] ^= 1 << choices.below(8),
            2 => {
                file.splice(at..at, choices.raw(8).iter().copied());
            }
            _ => {
                let end = (at + 1 + choices.below(16)).min(file.len());
                if file.len() > end - at {
                    file.drain(at..end);
                }
            }
        }
    }
    read(file);
}

/// A small file with a column of each kind that the pipelines use.
fn whole() -> Vec<u8> {
    let schema = parse_message_type(
        "message m { required int32 id; optional binary v (UTF8); optional int64 at \
         (TIMESTAMP(MICROS, true)); optional double f; required boolean b; }",
    )
    .expect("a schema");
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut file, Arc::new(schema), properties).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let levels: &[i16] = &[1, 0, 1];
    let mut column = group.next_column().expect("a column").expect("id");
    column
        .typed::<parquet::data_type::Int32Type>()
        .write_batch(&[1, 2, 3], None, None)
        .expect("id");
    column.close().expect("id");
    let mut column = group.next_column().expect("a column").expect("v");
    let texts = ["ann".into(), "bob".into()];
    column
        .typed::<parquet::data_type::ByteArrayType>()
        .write_batch(&texts, Some(levels), None)
        .expect("v");
    column.close().expect("v");
    let mut column = group.next_column().expect("a column").expect("at");
    column
        .typed::<parquet::data_type::Int64Type>()
        .write_batch(&[1, 2], Some(levels), None)
        .expect("at");
    column.close().expect("at");
    let mut column = group.next_column().expect("a column").expect("f");
    column
        .typed::<parquet::data_type::DoubleType>()
        .write_batch(&[0.5, 1.5], Some(levels), None)
        .expect("f");
    column.close().expect("f");
    let mut column = group.next_column().expect("a column").expect("b");
    column
        .typed::<parquet::data_type::BoolType>()
        .write_batch(&[true, false, true], None, None)
        .expect("b");
    column.close().expect("b");
    group.close().expect("a row group");
    writer.close().expect("a file");
    file
}

fn read(file: Vec<u8>) {
    in_virtual_time(async {
        let store = InMemory::new();
        store.put(&Path::from("x.parquet"), PutPayload::from(file)).await.expect("an object");
        let location = Location { store: Arc::new(store), prefix: String::new() };
        let config = FakeConfig {
            client_id: String::new(),
            locations: BTreeMap::from([("l".to_owned(), location)]),
            ..FakeConfig::default()
        };
        let fake = FakeFirebolt::new(config, Arc::new(NoFaults));
        let sql = "SELECT * FROM READ_PARQUET(LOCATION => 'l', PATTERN => 'x.parquet')";
        let (mut near, far) = tokio::io::duplex(1 << 14);
        tokio::spawn(fake.serve_connection(far, "fuzz"));
        let request = format!(
            "POST /?database=database HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{sql}",
            sql.len()
        );
        near.write_all(request.as_bytes()).await.expect("a request");
        let mut reply = Vec::new();
        near.read_to_end(&mut reply).await.expect("a reply");
        let reply = String::from_utf8_lossy(&reply);
        let answered = reply.starts_with("HTTP/1.1 200") || reply.starts_with("HTTP/1.1 4");
        assert!(answered, "{reply}");
        assert_eq!(fake.panics(), 0, "the reader panicked");
    });
}
