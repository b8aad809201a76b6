//! What the tests stand on: a Parquet writer for a few rows, a bucket in memory, and a merge that has
//! come as far as reading its files.

use crate::normalise::Normaliser;
use bytes::Bytes;
use merge_protocol::failure::Failure;
use merge_protocol::machine::{Command, Inputs, Merge, Normalised, Reply};
use merge_protocol::object::{FileId, KeyPath, ObjectRef};
use merge_protocol::outcome::Reason;
use merge_protocol::plan::{Batch, Beside, ControlRow, Look, Planned, Task, TaskFile, plan};
use merge_protocol::policy::Policy;
use merge_protocol::retry::Deadline;
use merge_protocol::schema::{Column, ColumnType};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The values of one column in one row group, in their physical type.
pub(super) enum Data {
    Bool(Vec<Option<bool>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Int96(Vec<Option<[u32; 3]>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

impl Data {
    /// One NULL of the same type.
    pub(super) fn null(&self) -> Data {
        match self {
            Data::Bool(_) => Data::Bool(vec![None]),
            Data::Int32(_) => Data::Int32(vec![None]),
            Data::Int64(_) => Data::Int64(vec![None]),
            Data::Int96(_) => Data::Int96(vec![None]),
            Data::Float(_) => Data::Float(vec![None]),
            Data::Double(_) => Data::Double(vec![None]),
            Data::Bytes(_) => Data::Bytes(vec![None]),
            Data::Fixed(_) => Data::Fixed(vec![None]),
        }
    }
}

pub(super) fn texts(values: &[Option<&str>]) -> Data {
    Data::Bytes(values.iter().map(|value| value.map(|text| text.as_bytes().to_vec())).collect())
}

pub(super) fn bytes(values: &[Option<&[u8]>]) -> Data {
    Data::Bytes(values.iter().map(|value| value.map(<[u8]>::to_vec)).collect())
}

pub(super) fn ids(values: &[Option<i64>]) -> Data {
    Data::Int64(values.to_vec())
}

/// A Parquet file: its columns in the message syntax, then one list of columns a row group.
pub(super) fn parquet(columns: &str, groups: &[Vec<Data>]) -> Vec<u8> {
    let schema = parse_message_type(&format!("message schema {{ {columns} }}")).expect("a schema");
    let properties = Arc::new(WriterProperties::builder().build());
    let mut out = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut out, Arc::new(schema), properties).expect("a writer");
    for columns in groups {
        let mut group = writer.next_row_group().expect("a row group");
        for column in columns {
            write(&mut group, column);
        }
        group.close().expect("as many columns as the schema has");
    }
    writer.close().expect("a whole file");
    out
}

fn write(group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>, data: &Data) {
    match data {
        Data::Bool(values) => typed::<BoolType, _>(group, values, |value| *value),
        Data::Int32(values) => typed::<Int32Type, _>(group, values, |value| *value),
        Data::Int64(values) => typed::<Int64Type, _>(group, values, |value| *value),
        Data::Float(values) => typed::<FloatType, _>(group, values, |value| *value),
        Data::Double(values) => typed::<DoubleType, _>(group, values, |value| *value),
        Data::Int96(values) => typed::<Int96Type, _>(group, values, |[low, high, day]| {
            let mut value = Int96::new();
            value.set_data(*low, *high, *day);
            value
        }),
        Data::Bytes(values) => {
            typed::<ByteArrayType, _>(group, values, |value| ByteArray::from(value.clone()));
        }
        Data::Fixed(values) => typed::<FixedLenByteArrayType, _>(group, values, |value| {
            FixedLenByteArray::from(value.clone())
        }),
    }
}

fn typed<T: DataType, V>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[Option<V>],
    turn: impl Fn(&V) -> T::T,
) {
    let mut column = group.next_column().expect("a column").expect("one more column");
    let writer = column.typed::<T>();
    // A value that is there has the deepest definition level; required columns have no levels.
    let there = writer.get_descriptor().max_def_level();
    let present: Vec<T::T> = values.iter().flatten().map(turn).collect();
    let levels: Vec<i16> =
        values.iter().map(|value| if value.is_some() { there } else { 0 }).collect();
    let repeats = vec![0; values.len()];
    writer.write_batch(&present, Some(&levels), Some(&repeats)).expect("values of the type");
    column.close().expect("a column");
}

/// The key of a change file.
pub(super) fn cdc(millis: u32) -> String {
    format!("cdc/shop/users/2025/11/11/20251111-120000{millis:03}.parquet")
}

/// A bucket, and a merge of what lies in it.
pub(super) struct World {
    store: InMemory,
    files: BTreeMap<FileId, TaskFile>,
    target: Vec<Column>,
}

impl World {
    /// A world whose table `users` has these columns and the key `id`.
    pub(super) fn new(target: &[(&str, &str)]) -> World {
        let column = |(name, data_type): &(&str, &str)| Column {
            name: (*name).to_owned(),
            data_type: ColumnType::parse(data_type),
            nullable: true,
        };
        World {
            store: InMemory::new(),
            files: BTreeMap::new(),
            target: target.iter().map(column).collect(),
        }
    }

    /// Puts a file into the bucket and into the merge.
    pub(super) async fn add(&mut self, key: &str, bytes: &[u8]) -> FileId {
        let path = Path::parse(key).expect("a key");
        let put = self.store.put(&path, bytes.to_vec().into()).await.expect("memory");
        self.name(key, put.e_tag.as_deref().expect("the store has etags"))
    }

    /// Puts a file into the merge that the bucket may not have, or has in another version.
    pub(super) fn name(&mut self, key: &str, etag: &str) -> FileId {
        let object = ObjectRef {
            bucket: "bucket".into(),
            key: key.into(),
            etag: etag.trim_matches('"').into(),
        };
        let id = FileId::of(&object);
        let path = KeyPath::parse(key).expect("a key of a file");
        self.files.insert(id.clone(), TaskFile { object, path });
        id
    }

    pub(super) fn task(&self) -> Task {
        Task {
            target: "users".into(),
            keys: Some(vec!["id".into()]),
            location: "cdc".into(),
            files: self.files.clone(),
            policy: Policy::default(),
            deadline: Deadline::never(),
        }
    }

    pub(super) fn look(&self) -> Look {
        let control = ControlRow {
            token: String::new(),
            generation: 1,
            since: String::new(),
            horizon: String::new(),
        };
        Look {
            columns: self.target.clone(),
            beside: Beside::ALL.into_iter().collect(),
            control: vec![control],
            fed: Default::default(),
        }
    }

    /// A merge that waits for its files to be read.
    pub(super) fn merge(&self) -> Merge {
        let inputs = Inputs { now: Duration::ZERO, jitter: 0, entropy: 0 };
        let (mut merge, mut command) = Merge::start(Arc::new(self.task()));
        for reply in [Reply::Looked(self.look()), Reply::Probed(Vec::new())] {
            let step = merge.step(reply, inputs).expect("what was asked for");
            (merge, command) = (step.merge, step.command);
        }
        assert_eq!(command, Command::Normalise);
        merge
    }

    pub(super) fn normaliser(&self) -> Normaliser<'_> {
        Normaliser {
            store: &self.store,
            location_prefix: "cdc/",
            normalised_prefix: "_normalised/",
        }
    }

    /// Reads and reduces the files of the merge.
    pub(super) async fn normalise(&self) -> Result<Normalised, Failure> {
        self.normaliser().normalise(&self.merge()).await
    }

    /// Which files the plan refuses.
    pub(super) fn plan(&self, normalised: Normalised) -> BTreeMap<FileId, Reason> {
        match plan(&self.task(), &self.look(), &normalised.batch) {
            Ok(Planned::Add(_) | Planned::Ready(_)) => BTreeMap::new(),
            Err(reason) => {
                normalised.batch.files.into_iter().map(|file| (file.id, reason.clone())).collect()
            }
        }
    }

    /// An object below the LOCATION's prefix.
    pub(super) async fn object(&self, pattern: &str) -> Bytes {
        let path = Path::from(format!("cdc/{pattern}"));
        let got =
            self.store.get_opts(&path, Default::default()).await.expect("the object is there");
        got.bytes().await.expect("memory")
    }

    /// The rows of the reduced file, one a line, by the Parquet crate's record reader.
    pub(super) async fn reduced(&self, batch: &Batch) -> String {
        let reader = SerializedFileReader::new(self.object(&batch.pattern).await).expect("Parquet");
        let rows: Vec<String> = reader
            .get_row_iter(None)
            .expect("rows")
            .map(|row| {
                let row = row.expect("a row");
                let fields: Vec<String> =
                    row.get_column_iter().map(|(name, field)| format!("{name}: {field}")).collect();
                fields.join(" | ")
            })
            .collect();
        assert_eq!(rows.len() as u64, batch.rows);
        rows.join("\n")
    }
}
