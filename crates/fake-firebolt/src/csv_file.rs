//! CSV and TSV files to rows of TEXT.
//!
//! The vendor's READ_CSV reads every cell as text, and COPY casts the text to the column's type, so
//! nothing in here knows a type. A record that does not fit is kept with a [`Flaw`]: COPY may be
//! told to go on past it. No bytes may panic in here.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use crate::sql::{CsvOptions, ExternalTable, Flaw, SqlError, SqlErrorKind};
use crate::value::{Column, DataType, Row, Value};

/// Bytes that a compressed file may unfold to.
const UNFOLDED_MAX: u64 = 1 << 30;

/// Decodes a file; `delimiter` is the one of its type, for options that name none.
///
/// # Errors
/// Names the file, and the line where there is one: a file that is not UTF-8, a quote that is never
/// closed, a compressed file that is damaged.
pub(crate) fn read(
    name: &str,
    bytes: Bytes,
    options: &CsvOptions,
    delimiter: char,
) -> Result<ExternalTable, SqlError> {
    let is_compressed = options.gzip.unwrap_or_else(|| name.ends_with(".gz"));
    let bytes = if is_compressed { unfold(name, &bytes)? } else { bytes };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        data(name, format!("line {line}: it is not UTF-8"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let delimiter = options.delimiter.unwrap_or(delimiter);
    Records { name, rest: text, line: 1, options, delimiter }.table()
}

fn data(name: &str, text: impl std::fmt::Display) -> SqlError {
    SqlError::new(SqlErrorKind::Data, format!("Cannot read '{name}': {text}"))
}

fn unfold(name: &str, bytes: &Bytes) -> Result<Bytes, SqlError> {
    let mut unfolded = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]).take(UNFOLDED_MAX + 1);
    reader
        .read_to_end(&mut unfolded)
        .map_err(|error| data(name, format!("it is not a complete GZIP file ({error})")))?;
    if u64::try_from(unfolded.len()).unwrap_or(u64::MAX) > UNFOLDED_MAX {
        return Err(data(name, format!("it unfolds to more than {UNFOLDED_MAX} bytes")));
    }
    Ok(Bytes::from(unfolded))
}

/// One field as it stands in the file.
struct Field<'t> {
    text: Cow<'t, str>,
    quoted: bool,
}

/// One record.
#[derive(Default)]
struct Record<'t> {
    fields: Vec<Field<'t>>,
    /// What is wrong with it, if anything.
    flaw: Option<&'static str>,
}

/// A file that is read record by record.
struct Records<'t, 'o> {
    name: &'o str,
    rest: &'t str,
    line: u64,
    options: &'o CsvOptions,
    delimiter: char,
}

impl<'t> Records<'t, '_> {
    fn table(mut self) -> Result<ExternalTable, SqlError> {
        let mut table = ExternalTable::default();
        let mut names = None;
        if self.options.header {
            names = self.next()?.map(|(_, record)| record);
        }
        let named = |names: &Record<'_>| -> Vec<String> {
            names.fields.iter().map(|field| field.text.clone().into_owned()).collect()
        };
        let mut titles = names.as_ref().map(named);
        while let Some((line, record)) = self.next()? {
            // Without a header, the first record says how wide the file is.
            let width =
                titles.get_or_insert_with(|| vec![String::new(); record.fields.len()]).len();
            let found = record.fields.len();
            let flaw = match record.flaw {
                Some(text) => Some((false, text.to_owned())),
                None if found != width => {
                    Some((found < width, format!("{found} fields where {width} are expected")))
                }
                None => None,
            };
            if let Some((is_short, text)) = flaw {
                table.flaws.push(Flaw { row: table.rows.len(), is_short, text });
            }
            let missing = std::iter::repeat_n(Value::Null, width.saturating_sub(found));
            let row: Row =
                record.fields.iter().take(width).map(|f| self.value(f)).chain(missing).collect();
            table.rows.push(row);
            table.lines.push(line);
        }
        let column = |(at, name): (usize, String)| Column {
            name: if name.is_empty() { format!("f{at}") } else { name }.into(),
            data_type: DataType::Text,
            nullable: true,
        };
        table.columns = titles.unwrap_or_default().into_iter().enumerate().map(column).collect();
        Ok(table)
    }

    fn value(&self, field: &Field<'_>) -> Value {
        let is_null = !field.quoted
            && (self.options.empty_as_null && field.text.is_empty()
                || self.options.null_string.as_deref().is_some_and(|null| null == field.text));
        if is_null { Value::Null } else { Value::Text(Arc::from(&*field.text)) }
    }

    /// The next record and the line on which it starts; `None` at the end.
    fn next(&mut self) -> Result<Option<(u64, Record<'t>)>, SqlError> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let line = self.line;
            if self.options.skip_blank_lines && self.newline() {
                continue;
            }
            return Ok(Some((line, self.record()?)));
        }
    }

    fn record(&mut self) -> Result<Record<'t>, SqlError> {
        let mut record = Record::default();
        loop {
            let field = match self.rest.strip_prefix(self.options.quote) {
                Some(inner) => self.quoted(inner)?,
                None => self.unquoted(),
            };
            record.fields.push(field);
            let ends = self.rest.is_empty()
                || self.rest.starts_with(self.delimiter)
                || self.newline_at(self.rest) > 0;
            if !ends {
                // The text is lost: the record must not count as read.
                record.flaw = Some("there is text after a closing quote");
                self.unquoted();
            }
            match self.rest.strip_prefix(self.delimiter) {
                Some(rest) => self.rest = rest,
                None => {
                    self.newline();
                    return Ok(record);
                }
            }
        }
    }

    /// A field up to the next delimiter or end of record.
    fn unquoted(&mut self) -> Field<'t> {
        let whole = self.rest;
        let mut built: Option<String> = None;
        let mut chars = whole.char_indices();
        while let Some((at, char)) = chars.next() {
            if char == self.delimiter || self.newline_at(&whole[at..]) > 0 {
                self.rest = &whole[at..];
                let text = built.map_or(Cow::Borrowed(&whole[..at]), Cow::Owned);
                return Field { text, quoted: false };
            }
            if Some(char) == self.options.escape && char != self.options.quote {
                let so_far = built.get_or_insert_with(|| whole[..at].to_owned());
                so_far.extend(chars.next().map(|(_, escaped)| escaped));
            } else if let Some(built) = &mut built {
                built.push(char);
            }
        }
        self.rest = "";
        Field { text: built.map_or(Cow::Borrowed(whole), Cow::Owned), quoted: false }
    }

    /// A field in quotes, from behind the first.
    fn quoted(&mut self, inner: &'t str) -> Result<Field<'t>, SqlError> {
        let quote = self.options.quote;
        let escape = self.options.escape.unwrap_or(quote);
        let mut built: Option<String> = None;
        let mut lines = 0;
        let mut chars = inner.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let is_escape = char == escape && (escape != quote || next == Some(quote));
            if is_escape && let Some(escaped) = next {
                let so_far = built.get_or_insert_with(|| inner[..at].to_owned());
                so_far.push(escaped);
                chars.next();
            } else if char == quote {
                self.rest = &inner[at + quote.len_utf8()..];
                self.line += lines;
                let text = built.map_or(Cow::Borrowed(&inner[..at]), Cow::Owned);
                return Ok(Field { text, quoted: true });
            } else {
                lines += u64::from(char == '\n');
                if let Some(built) = &mut built {
                    built.push(char);
                }
            }
        }
        let text = format!("line {}: a quote is never closed", self.line);
        Err(data(self.name, text))
    }

    /// Passes the end of a record, if it is here.
    fn newline(&mut self) -> bool {
        let length = self.newline_at(self.rest);
        self.rest = &self.rest[length..];
        self.line += u64::from(length > 0);
        length > 0
    }

    /// The length of the end of a record that the text begins with; 0 for none.
    fn newline_at(&self, text: &str) -> usize {
        match (&self.options.newline, text.as_bytes()) {
            (Some(custom), _) if custom != "\n" => {
                text.strip_prefix(custom.as_str()).map_or(0, |_| custom.len())
            }
            (_, [b'\r', b'\n', ..]) => 2,
            (_, [b'\n', b'\r', b'\n', ..]) => 1,
            (_, [b'\n', b'\r', ..]) => 2,
            (_, [b'\n' | b'\r', ..]) => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, options: &CsvOptions) -> String {
        let bytes = Bytes::from(text.to_owned());
        let table = match read("f.csv", bytes, options, ',') {
            Ok(table) => table,
            Err(error) => return error.text,
        };
        let names: Vec<_> = table.columns.iter().map(|column| &*column.name).collect();
        let mut lines = vec![names.join("|")];
        for (row, line) in table.rows.iter().zip(&table.lines) {
            let cells: Vec<_> = row.iter().map(ToString::to_string).collect();
            lines.push(format!("{line}: {}", cells.join("|")));
        }
        for flaw in &table.flaws {
            lines.push(format!("row {} short {}: {}", flaw.row, flaw.is_short, flaw.text));
        }
        lines.join("\n")
    }

    #[test]
    fn files_and_what_they_are() {
        let plain = CsvOptions::default;
        let header = || CsvOptions { header: true, ..plain() };
        let backslash = || CsvOptions { escape: Some('\\'), ..plain() };
        for (text, options, expected) in [
            ("", plain(), ""),
            ("a,b", plain(), "f0|f1\n1: a|b"),
            ("a,b\n", plain(), "f0|f1\n1: a|b"),
            ("a,b\r\nc,d\r\n", plain(), "f0|f1\n1: a|b\n2: c|d"),
            ("a,b\n\rc,d\rx,", plain(), "f0|f1\n1: a|b\n2: c|d\n3: x|NULL"),
            ("id,name\n1,Ann\n", header(), "id|name\n1: 1|Ann".replace("1: 1", "2: 1").as_str()),
            ("id,,id\n", header(), "id|f1|id"),
            ("\u{feff}id\n1\n", header(), "id\n2: 1"),
            ("\"a,b\",\"c\"\"d\"\n", plain(), "f0|f1\n1: a,b|c\"d"),
            ("\"\",\n", plain(), "f0|f1\n1: |NULL"),
            ("\"two\nlines\",x\ny,z\n", plain(), "f0|f1\n1: two\nlines|x\n3: y|z"),
            ("a\\,b,c\n", backslash(), "f0|f1\n1: a,b|c"),
            ("\"a\\\"b\",c\\", backslash(), "f0|f1\n1: a\"b|c"),
            (
                "a,b\nc\nd,e,f\n",
                plain(),
                "f0|f1\n1: a|b\n2: c|NULL\n3: d|e\n\
              row 1 short true: 1 fields where 2 are expected\n\
              row 2 short false: 3 fields where 2 are expected",
            ),
            (
                "\"a\"x,b\nc,d\n",
                plain(),
                "f0|f1\n1: a|b\n2: c|d\nrow 0 short false: there is text after a closing quote",
            ),
            ("a\n\nb\n", plain(), "f0\n1: a\n2: NULL\n3: b"),
            ("a\n\n\nb\n", CsvOptions { skip_blank_lines: true, ..plain() }, "f0\n1: a\n4: b"),
            (",x\n", CsvOptions { empty_as_null: false, ..plain() }, "f0|f1\n1: |x"),
            (
                "NA,\"NA\"\n",
                CsvOptions { null_string: Some("NA".into()), ..plain() },
                "f0|f1\n1: NULL|NA",
            ),
            (
                "'a,b'|\"c\n",
                CsvOptions { quote: '\'', delimiter: Some('|'), ..plain() },
                "f0|f1\n1: a,b|\"c",
            ),
            (
                "a,b#~c,d#~",
                CsvOptions { newline: Some("#~".into()), ..plain() },
                "f0|f1\n1: a|b\n2: c|d",
            ),
            ("x,\"y\nz", plain(), "Cannot read 'f.csv': line 1: a quote is never closed"),
        ] {
            assert_eq!(shown(text, &options), expected, "{text:?}");
        }
        let bytes = Bytes::from_static(b"a\n\xff\n");
        let error = read("f.csv", bytes, &plain(), ',').expect_err("not UTF-8");
        assert_eq!(error.text, "Cannot read 'f.csv': line 2: it is not UTF-8");
    }

    #[test]
    fn a_compressed_file_is_unfolded_and_a_damaged_one_is_named() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"a,b\n1,2\n").expect("in memory");
        let file = Bytes::from(encoder.finish().expect("in memory"));
        let table = read("f.csv.gz", file.clone(), &CsvOptions::default(), ',').expect("readable");
        assert_eq!(table.rows.len(), 2);
        let half = file.slice(..file.len() / 2);
        let error = read("f.csv.gz", half, &CsvOptions::default(), ',').expect_err("cut");
        assert!(error.text.starts_with("Cannot read 'f.csv.gz': it is not a complete GZIP file"));
    }

    fn quoted(cell: &str) -> String {
        format!("\"{}\"", cell.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read(
            rows in prop::collection::vec(prop::collection::vec(any::<String>(), 3), 1..20),
        ) {
            let lines: Vec<String> = rows
                .iter()
                .map(|row| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","))
                .collect();
            let text = lines.join("\n");
            let table =
                read("f", Bytes::from(text), &CsvOptions::default(), ',').expect("readable");
            let expected: Vec<Row> =
                rows.iter().map(|row| row.iter().map(|cell| Value::text(cell)).collect()).collect();
            prop_assert_eq!(table.rows, expected);
            prop_assert!(table.flaws.is_empty());
        }

        #[test]
        fn no_bytes_panic(
            bytes in prop::collection::vec(prop::sample::select(b"ab,\"\\\n\r\xff\xc3\xa9".to_vec()),
                                           0..60),
            header: bool,
            backslash: bool,
        ) {
            let escape = backslash.then_some('\\');
            let options = CsvOptions { header, escape, ..CsvOptions::default() };
            if let Ok(table) = read("f", Bytes::from(bytes), &options, ',') {
                prop_assert_eq!(table.rows.len(), table.lines.len());
                let width = table.columns.len();
                prop_assert!(table.rows.iter().all(|row| row.len() == width));
            }
        }
    }
}
