//! What COPY does with the files: which of them, into which columns, row by row.
//!
//! It appends to a table that is there and creates one that is not. A row that does not fit fails
//! the statement, unless MAX_ERRORS_PER_FILE lets it be passed over. Nothing remembers what was
//! loaded: the same COPY again loads the same rows again (firebolt-semantics §4).

use std::rc::Rc;

use super::bind::Binder;
use super::bind_table::fields_of;
use super::cast::{self, CastLevel};
use super::copy::{CopyStatement, Metadata, Source};
use super::csv_schema;
use super::error::{SqlError, SqlErrorKind};
use super::execute::{check_nulls, refused};
use super::expr::{Env, Expr};
use super::external::{ExternalFile, ExternalTable};
use super::meter;
use super::scope::Scope;
use super::table_function::no_files;
use crate::mvcc::Transaction;
use crate::quirks::{CopyColumnCase, CopyNoMatch};
use crate::value::{Column, DataType, Row, Value};

/// Runs COPY.
pub(super) fn run<'b>(
    copy: &'b CopyStatement,
    binder: &Binder<'b>,
    txn: &mut Transaction,
) -> Result<(), SqlError> {
    let name = binder.table_name(&copy.table)?;
    let existing = binder.view.table(&name).cloned();
    let files = files(copy, binder)?;
    if files.is_empty() {
        let empty = binder.ctx.quirks.copy_no_match == CopyNoMatch::Empty;
        let read = copy.reads.first().cloned().unwrap_or_default();
        return if empty && existing.is_some() { Ok(()) } else { Err(no_files(&read)) };
    }
    if let Some(table) = existing {
        let rows = rows(copy, &files, &table.schema.columns)?;
        return txn.write_rows(&name, &[], rows).map_err(|error| refused(error, &name));
    }
    if !copy.auto_create {
        return Err(SqlError::no_relation(&name));
    }
    if !copy.mapping.is_empty() {
        // The vendor's page: a list of columns is for tables that exist.
        return Err(SqlError::no_relation(&name));
    }
    let columns = new_columns(copy, binder, &files)?;
    let rows = rows(copy, &files, &columns)?;
    txn.create_table(&name, columns, Vec::new(), binder.ctx.now_micros, rows)
        .map_err(|error| refused(error, &name))
}

/// The files that WHERE lets through, source by source.
fn files<'b>(
    copy: &'b CopyStatement,
    binder: &Binder<'b>,
) -> Result<Vec<&'b ExternalFile>, SqlError> {
    let mut files: Vec<&ExternalFile> = Vec::new();
    for read in &copy.reads {
        files.extend(binder.files(read)?);
    }
    let Some(condition) = &copy.condition else { return Ok(files) };
    let column = |(name, metadata): &(&str, Metadata)| Column {
        name: (*name).into(),
        data_type: metadata.data_type(),
        nullable: true,
    };
    let columns: Vec<Column> = Metadata::ALL.iter().map(column).collect();
    let scope = Scope::new(Rc::new(fields_of(&columns, "")), None);
    let condition: Expr = binder.condition(condition, &scope)?;
    let env = Env::default();
    let mut kept = Vec::new();
    for file in files {
        let row: Row = Metadata::ALL.iter().map(|(_, metadata)| metadata.value(file)).collect();
        if condition.test(&row, &env)? == Some(true) {
            kept.push(file);
        }
    }
    Ok(kept)
}

impl Metadata {
    fn data_type(self) -> DataType {
        match self {
            Self::Name | Self::Etag => DataType::Text,
            Self::Timestamp => DataType::TimestampTz,
            Self::Size => DataType::Bigint,
        }
    }

    fn value(self, file: &ExternalFile) -> Value {
        match self {
            Self::Name => Value::text(&file.name),
            Self::Etag => file.etag.as_deref().map_or(Value::Null, Value::text),
            // To the second, as the store gives it.
            Self::Timestamp => {
                let second = file.modified_micros.div_euclid(1_000_000);
                Value::TimestampTz(second * 1_000_000)
            }
            Self::Size => Value::Bigint(file.size),
        }
    }
}

/// The columns of a table that COPY makes: those of the first file (firebolt-semantics §4).
fn new_columns(
    copy: &CopyStatement,
    binder: &Binder<'_>,
    files: &[&ExternalFile],
) -> Result<Vec<Column>, SqlError> {
    let mut columns = files[0].table.columns.clone();
    if is_text_file(&files[0].table) {
        csv_schema::infer(&files[..1], &mut columns);
    }
    if let Some(column) = columns.iter().find(|column| column.data_type.has_struct())
        && !copy.support_structs
    {
        // Each field becomes a column then, under names that the vendor's page does not tell.
        let text = format!("COPY … WITH SUPPORT_STRUCTS = FALSE of the STRUCT {}", column.name);
        return Err(SqlError::unsupported(text));
    }
    let lowers = binder.ctx.quirks.copy_column_case == CopyColumnCase::Lower;
    let mut names = std::collections::BTreeSet::new();
    for column in &mut columns {
        if lowers && !copy.case_sensitive {
            column.name = column.name.to_lowercase().into();
        }
        if !names.insert(column.name.clone()) {
            let text = format!("column {} is in the file more than once", column.name);
            return Err(SqlError::type_error(text));
        }
    }
    Ok(columns)
}

/// Files whose rows have lines are CSV or TSV.
fn is_text_file(table: &ExternalTable) -> bool {
    !table.lines.is_empty()
}

/// How one column of the target is filled from one file.
enum Filler {
    /// A value of the file as it is.
    Same(usize),
    /// A value of the file, cast.
    Cast(usize),
    /// The same for every row.
    Constant(Value),
}

/// The rows for a table of these columns.
fn rows(
    copy: &CopyStatement,
    files: &[&ExternalFile],
    columns: &[Column],
) -> Result<Vec<Row>, SqlError> {
    let mut loaded = Vec::new();
    let mut skipped = 0;
    for file in files {
        let loader = Loader::new(copy, file, columns)?;
        meter::made(file.table.rows.len(), columns.len())?;
        let mut errors = 0_u64;
        for at in 0..file.table.rows.len() {
            meter::row(at)?;
            if copy.limit.is_some_and(|limit| loaded.len() as u64 >= limit) {
                return Ok(loaded);
            }
            match loader.row(at) {
                Ok(_) if skipped < copy.offset => skipped += 1,
                Ok(row) => loaded.push(row),
                Err(error) => {
                    errors += 1;
                    if !error.is_of_a_value() || copy.errors_max.is_some_and(|max| errors > max) {
                        return Err(error);
                    }
                }
            }
        }
    }
    Ok(loaded)
}

/// One file on its way into a table.
struct Loader<'c> {
    copy: &'c CopyStatement,
    file: &'c ExternalFile,
    columns: &'c [Column],
    fillers: Vec<Filler>,
    /// What stands in for NULL, per column.
    defaults: Vec<Option<Value>>,
    /// The column that a file of text lacks, where it must not: an error of every row.
    missing: Option<String>,
}

impl<'c> Loader<'c> {
    fn new(
        copy: &'c CopyStatement,
        file: &'c ExternalFile,
        columns: &'c [Column],
    ) -> Result<Self, SqlError> {
        for mapped in &copy.mapping {
            super::insert::column_index(columns, &mapped.target)?;
        }
        let mut loader = Self {
            copy,
            file,
            columns,
            fillers: Vec::with_capacity(columns.len()),
            defaults: Vec::with_capacity(columns.len()),
            missing: None,
        };
        for column in columns {
            let mapped = copy.mapping.iter().find(|mapped| *mapped.target == *column.name);
            let default = mapped.and_then(|mapped| mapped.default.as_deref());
            let default = default
                .map(|text| cast::cast(&Value::text(text), &column.data_type))
                .transpose()?;
            loader.defaults.push(default);
            let filler = match mapped.map(|mapped| &mapped.source) {
                None if copy.mapping.is_empty() => loader.by_name(&column.name, column)?,
                None => Filler::Constant(Value::Null),
                Some(Source::Name(name)) => loader.by_name(name, column)?,
                Some(Source::Index(index)) => {
                    loader.at(index - 1, &format!("$c{index}"), column)?
                }
                Some(Source::Metadata(metadata)) => {
                    check_cast(&metadata.data_type(), column)?;
                    let value = cast::cast(&metadata.value(file), &column.data_type)?;
                    Filler::Constant(value)
                }
            };
            loader.fillers.push(filler);
        }
        Ok(loader)
    }

    /// A column is found by its own name first, then in any case.
    fn by_name(&mut self, name: &str, column: &Column) -> Result<Filler, SqlError> {
        let columns = &self.file.table.columns;
        let exact = columns.iter().position(|other| &*other.name == name);
        let folded = || {
            let same = |other: &Column| other.name.to_lowercase() == name.to_lowercase();
            columns.iter().position(same).filter(|_| !self.copy.case_sensitive)
        };
        let place = exact.or_else(folded).unwrap_or(usize::MAX);
        self.at(place, name, column)
    }

    fn at(&mut self, place: usize, name: &str, column: &Column) -> Result<Filler, SqlError> {
        let table = &self.file.table;
        let Some(from) = table.columns.get(place).map(|from| &from.data_type) else {
            if !self.copy.allow_column_mismatch {
                // The vendor's page: an error of the file for Parquet, of each row for CSV.
                let missing = format!("Couldn't find column {name}");
                if !is_text_file(table) {
                    return Err(SqlError::not_found(missing));
                }
                self.missing.get_or_insert(missing);
            }
            return Ok(Filler::Constant(Value::Null));
        };
        if *from == column.data_type {
            return Ok(Filler::Same(place));
        }
        if !is_text_file(table) {
            check_cast(from, column)?;
        } else if cast::level(from, &column.data_type).is_none() {
            return Err(cast::refused(from, &column.data_type));
        }
        Ok(Filler::Cast(place))
    }

    fn row(&self, at: usize) -> Result<Row, SqlError> {
        if let Some(missing) = &self.missing {
            return Err(SqlError::not_found(missing.clone()));
        }
        let flaws = &self.file.table.flaws;
        if let Ok(flaw) = flaws.binary_search_by_key(&at, |flaw| flaw.row) {
            let flaw = &flaws[flaw];
            if !flaw.is_short || !self.copy.allow_column_mismatch {
                return Err(self.place(at, None, SqlError::data(flaw.text.clone())));
            }
        }
        let source = &self.file.table.rows[at];
        let mut values = Vec::with_capacity(self.columns.len());
        for (index, column) in self.columns.iter().enumerate() {
            let value = match &self.fillers[index] {
                Filler::Same(from) => source[*from].clone(),
                Filler::Cast(from) => cast::cast(&source[*from], &column.data_type)
                    .map_err(|error| self.place(at, Some(&column.name), error))?,
                Filler::Constant(value) => value.clone(),
            };
            values.push(match (&value, &self.defaults[index]) {
                (Value::Null, Some(default)) => default.clone(),
                _ => value,
            });
        }
        let row = Row::from(values);
        check_nulls(self.columns, &row, "INSERT INTO")?;
        Ok(row)
    }

    /// Says where in the file a value is.
    fn place(&self, at: usize, column: Option<&str>, error: SqlError) -> SqlError {
        if error.kind != SqlErrorKind::Data {
            return error;
        }
        let line = self.file.table.lines.get(at).map(|line| format!(", line {line}"));
        let column = column.map(|column| format!(", column {column}"));
        let (line, column) = (line.unwrap_or_default(), column.unwrap_or_default());
        let text = format!("{} (file '{}'{line}{column})", error.text, self.file.name);
        SqlError::data(text)
    }
}

/// Refuses what is not assigned by itself (firebolt-semantics §7).
fn check_cast(from: &DataType, column: &Column) -> Result<(), SqlError> {
    match cast::level(from, &column.data_type) {
        Some(CastLevel::Implicit | CastLevel::Assignment) => Ok(()),
        Some(CastLevel::Explicit) | None => Err(cast::refused(from, &column.data_type)),
    }
}
