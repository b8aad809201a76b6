//! Bytes to rows, by the format that the statement asks for or that the file's name tells.

use bytes::Bytes;

use crate::quirks::Quirks;
use crate::sql::{ExternalTable, FileFormat, SqlError, SqlErrorKind};
use crate::{csv_file, parquet_file};

/// Ends of names that mean a compression (vendor's page on READ_FILES).
const COMPRESSIONS: [&str; 6] = [".gz", ".zst", ".br", ".bz2", ".lz4", ".snappy"];

/// Decodes one file.
pub(super) fn decode(
    name: &str,
    bytes: Bytes,
    format: &FileFormat,
    quirks: &Quirks,
) -> Result<ExternalTable, SqlError> {
    let lower = name.to_ascii_lowercase();
    let compression = COMPRESSIONS.iter().find(|end| lower.ends_with(**end));
    let plain = lower.strip_suffix(compression.unwrap_or(&"")).unwrap_or(&lower);
    let (_, extension) = plain.rsplit_once('.').unwrap_or((plain, ""));
    let unsupported = |text: String| {
        SqlError::new(SqlErrorKind::Unsupported, format!("Cannot read '{name}': {text}"))
    };
    let by_name = matches!(format, FileFormat::Auto(_));
    let delimiter = if by_name && extension == "tsv" { '\t' } else { ',' };
    match (format, extension) {
        (FileFormat::Parquet, _) | (FileFormat::Auto(_), "parquet") => {
            parquet_file::read(name, bytes, quirks)
        }
        (FileFormat::Csv(options), _) | (FileFormat::Auto(options), "csv" | "tsv") => {
            match compression {
                Some(end) if *end != ".gz" && options.gzip.is_none() => {
                    Err(unsupported(format!("files that end in {end} are not supported")))
                }
                _ => csv_file::read(name, bytes, options, delimiter),
            }
        }
        (_, "json" | "jsonl" | "ndjson" | "avro" | "orc") => {
            Err(unsupported(format!("the format {} is not supported", extension.to_uppercase())))
        }
        _ => {
            let text = "its name does not tell its format: give one, e.g. TYPE = PARQUET";
            Err(SqlError::new(SqlErrorKind::Data, format!("Cannot read '{name}': {text}")))
        }
    }
}
