//! Writes one DMS file: `Op`, `load_timestamp`, then the table's own columns, as AWS DMS does.
//!
//! A schedule writes at least six of these and hundreds of schedules run in a second, so there is
//! no dictionary, no compression and no statistics.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use super::{Cell, Change, Column, Kind};

/// Whether the file is a change file or a full load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// Has the column `Op` with I, U or D.
    Changes,
    /// `LOAD*.parquet`: no `Op`, every row is there to be inserted.
    FullLoad,
}

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    Arc::new(
        WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::PLAIN)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_created_by("dms".to_owned())
            .build(),
    )
});

type Group<'a, 'b> = SerializedRowGroupWriter<'a, &'b mut Vec<u8>>;

/// Writes the files of one table. The schema is parsed once for all files with the same columns.
#[derive(Default)]
pub(super) struct Writer {
    schema: Option<(FileKind, usize, TypePtr)>,
}

impl Writer {
    /// The file's bytes: the changes in source order, one row each. Equal input gives equal bytes.
    pub(super) fn write(
        &mut self,
        kind: FileKind,
        columns: &[Column],
        changes: &[Change],
    ) -> Bytes {
        let schema = self.schema(kind, columns);
        let mut buffer = Vec::with_capacity(1024 + changes.len() * 48);
        let mut file = SerializedFileWriter::new(&mut buffer, schema, Arc::clone(&PROPERTIES))
            .expect("writing a header to memory cannot fail");
        let mut group = file.next_row_group().expect("no other row group is open");
        if kind == FileKind::Changes {
            texts(&mut group, changes.iter().map(|change| Some(change.op.letter())));
        }
        let stamps = changes.iter().map(|change| Some(change.second * 1_000_000));
        column::<Int64Type>(&mut group, stamps);
        for (at, column) in columns.iter().enumerate() {
            own_column(&mut group, column.kind, changes.iter().map(|change| &change.cells[at]));
        }
        group.close().expect("every column was written with the same number of rows");
        file.close().expect("writing a footer to memory cannot fail");
        Bytes::from(buffer)
    }

    fn schema(&mut self, kind: FileKind, columns: &[Column]) -> TypePtr {
        if let Some((known, count, schema)) = &self.schema
            && (*known, *count) == (kind, columns.len())
        {
            return Arc::clone(schema);
        }
        let schema = schema(kind, columns);
        self.schema = Some((kind, columns.len(), Arc::clone(&schema)));
        schema
    }
}

fn schema(kind: FileKind, columns: &[Column]) -> TypePtr {
    let mut text = String::from("message dms {");
    if kind == FileKind::Changes {
        text.push_str(" optional binary Op (STRING);");
    }
    text.push_str(" optional int64 load_timestamp (TIMESTAMP(MICROS,false));");
    for Column { name, kind, .. } in columns {
        let field = match kind {
            Kind::Bigint => format!("int64 {name}"),
            Kind::Integer => format!("int32 {name}"),
            Kind::Numeric(digits, scale) => format!("int64 {name} (DECIMAL({digits},{scale}))"),
            Kind::Text => format!("binary {name} (STRING)"),
            Kind::Timestamp => format!("int64 {name} (TIMESTAMP(MICROS,false))"),
            Kind::Date => format!("int32 {name} (DATE)"),
            Kind::Boolean => format!("boolean {name}"),
        };
        text.push_str(&format!(" optional {field};"));
    }
    text.push_str(" }");
    Arc::new(parse_message_type(&text).expect("column names of a workload are plain words"))
}

fn own_column<'a>(group: &mut Group<'_, '_>, kind: Kind, cells: impl Iterator<Item = &'a Cell>) {
    match kind {
        Kind::Text => texts(
            group,
            cells.map(|cell| match cell {
                Cell::Text(text) => Some(text.as_str()),
                _ => None,
            }),
        ),
        Kind::Boolean => column::<BoolType>(
            group,
            cells.map(|cell| match cell {
                Cell::Boolean(value) => Some(*value),
                _ => None,
            }),
        ),
        Kind::Integer | Kind::Date => column::<Int32Type>(
            group,
            cells.map(|cell| match cell {
                Cell::Integer(number) => i32::try_from(*number).ok(),
                Cell::Date(days) => Some(*days),
                _ => None,
            }),
        ),
        Kind::Bigint | Kind::Numeric(..) | Kind::Timestamp => {
            column::<Int64Type>(
                group,
                cells.map(|cell| match cell {
                    Cell::Integer(number) | Cell::Decimal(number, _) | Cell::Timestamp(number) => {
                        Some(*number)
                    }
                    _ => None,
                }),
            );
        }
    }
}

fn texts<'a>(group: &mut Group<'_, '_>, values: impl Iterator<Item = Option<&'a str>>) {
    let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    column::<ByteArrayType>(group, values.map(|text| text.map(bytes)));
}

fn column<T: DataType>(group: &mut Group<'_, '_>, column: impl Iterator<Item = Option<T::T>>) {
    let mut values = Vec::new();
    let mut levels = Vec::new();
    for value in column {
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    let mut writer = group.next_column().expect("in memory").expect("the schema has this column");
    writer
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)
        .expect("levels and values agree by construction");
    writer.close().expect("in memory");
}
