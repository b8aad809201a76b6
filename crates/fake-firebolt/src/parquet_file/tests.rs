//! What was written is read; what is damaged is an error and never a panic.

use std::sync::Arc;

use bytes::Bytes;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::leaf::big_endian;
use super::*;

type Line = (i32, Option<i64>, Option<String>);

/// Writes the rows, so many a row group.
fn write(rows: &[Line], group_rows: usize, dictionary: bool) -> Bytes {
    let schema = "message m { required int32 a; optional int64 b; optional binary c (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(dictionary)
        .set_data_page_row_count_limit(3)
        .set_write_batch_size(2)
        .build();
    let mut file =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
    for rows in rows.chunks(group_rows) {
        let mut group = file.next_row_group().expect("a row group");
        let present =
            |is: fn(&Line) -> bool| rows.iter().map(|row| i16::from(is(row))).collect::<Vec<i16>>();
        let mut column = group.next_column().expect("a").expect("a");
        let values: Vec<i32> = rows.iter().map(|row| row.0).collect();
        column.typed::<Int32Type>().write_batch(&values, None, None).expect("a");
        column.close().expect("a");
        let mut column = group.next_column().expect("b").expect("b");
        let values: Vec<i64> = rows.iter().filter_map(|row| row.1).collect();
        let levels = present(|row| row.1.is_some());
        column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).expect("b");
        column.close().expect("b");
        let mut column = group.next_column().expect("c").expect("c");
        let values: Vec<ByteArray> =
            rows.iter().filter_map(|row| row.2.as_deref().map(ByteArray::from)).collect();
        let levels = present(|row| row.2.is_some());
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).expect("c");
        column.close().expect("c");
        group.close().expect("a closed row group");
    }
    Bytes::from(file.into_inner().expect("a file"))
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it() {
    let whole = write(&vec![(1, Some(2), Some("x".to_owned())); 5], 2, true);
    assert!(read("f", whole.clone(), &Quirks::default()).is_ok());
    for length in 0..whole.len() {
        let error =
            read("a/f.parquet", whole.slice(..length), &Quirks::default()).expect_err("cut");
        assert!(error.text.contains("'a/f.parquet'"), "{length}: {error}");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        rows in prop::collection::vec(
            (any::<i32>(), any::<Option<i64>>(), any::<Option<String>>()), 0..40),
        group_rows in 1..20_usize,
        dictionary: bool,
    ) {
        let table = read("f", write(&rows, group_rows, dictionary), &Quirks::default()).expect("readable");
        let expected: Vec<Row> = rows
            .iter()
            .map(|(a, b, c)| Row::from([
                Value::Integer(*a),
                b.map_or(Value::Null, Value::Bigint),
                c.as_deref().map_or(Value::Null, Value::text),
            ]))
            .collect();
        prop_assert_eq!(table.rows, expected);
        let nullable: Vec<bool> = table.columns.iter().map(|column| column.nullable).collect();
        prop_assert_eq!(nullable, [false, true, true]);
    }

    #[test]
    fn a_number_of_any_width_is_itself(number: i128, more in 0..4_usize) {
        let filler = if number < 0 { 0xff } else { 0 };
        let mut wide = vec![filler; more];
        wide.extend(number.to_be_bytes());
        prop_assert_eq!(big_endian(&wide), Some(number));
        let small = number as i16;
        prop_assert_eq!(big_endian(&small.to_be_bytes()), Some(i128::from(small)));
    }
}

#[test]
fn a_number_that_needs_more_than_128_bits_is_none() {
    let mut wide = vec![0x01];
    wide.extend(0_i128.to_be_bytes());
    assert_eq!(big_endian(&wide), None);
    let mut flipped = vec![0x00];
    flipped.extend((-1_i128).to_be_bytes());
    assert_eq!(big_endian(&flipped), None, "2^128 - 1 is not -1");
    assert_eq!(big_endian(&[]), Some(0));
}
