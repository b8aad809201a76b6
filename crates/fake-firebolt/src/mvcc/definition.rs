//! DDL inside a transaction: tables, their columns, and the other named objects.
//!
//! Each change notes the names that it touches; commit compares names, so that two definitions of
//! one name never both succeed (firebolt-semantics §1.3). Nothing in here touches the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::catalog::{Described, Object, Schema, Table};
use super::tablet::Rows;
use super::transaction::{Transaction, WriteError};
use crate::value::{Column, Row, Value};

impl Transaction {
    fn note_ddl(&mut self, name: &Arc<str>) {
        if !self.ddl.contains_key(name) {
            let before = self.view.tables.get(name).cloned();
            self.ddl.insert(name.clone(), before);
        }
    }

    fn is_taken(&self, name: &str) -> bool {
        self.view.tables.contains_key(name) || self.view.objects.contains_key(name)
    }

    fn add_table(&mut self, schema: Schema, rows: Rows) -> Result<Arc<str>, WriteError> {
        if self.is_taken(&schema.name) {
            return Err(WriteError::TableExists);
        }
        let name = Arc::clone(&schema.name);
        self.note_ddl(&name);
        let id = self.table_ids.fetch_add(1, Ordering::Relaxed);
        let table = Table { id, schema: Arc::new(schema), rows };
        Arc::make_mut(&mut self.view).tables.insert(Arc::clone(&name), Arc::new(table));
        self.owned.insert(id);
        Ok(name)
    }

    /// CREATE TABLE with columns and PRIMARY INDEX; its rows (CTAS) come with it.
    pub(crate) fn create_table(
        &mut self,
        name: &str,
        columns: Vec<Column>,
        primary_index: Vec<String>,
        created_micros: i64,
        rows: Vec<Row>,
    ) -> Result<(), WriteError> {
        let schema = Schema { primary_index, ..Schema::new(name, columns, created_micros) };
        self.define_table(schema, rows)
    }

    /// CREATE TABLE in full.
    pub(crate) fn define_table(
        &mut self,
        schema: Schema,
        rows: Vec<Row>,
    ) -> Result<(), WriteError> {
        let name = self.add_table(schema, Rows::default())?;
        self.write_rows(&name, &[], rows)
    }

    /// CREATE TABLE … CLONE: the rows are shared until one side changes them. `schema` is the
    /// source's under another name.
    pub(crate) fn clone_table(&mut self, source: &Table, schema: Schema) -> Result<(), WriteError> {
        self.relied.insert(Arc::clone(&source.schema.name));
        self.add_table(schema, source.rows.clone()).map(|_| ())
    }

    /// DROP TABLE.
    pub(crate) fn drop_table(&mut self, name: &str) -> Result<(), WriteError> {
        let Some(table) = self.view.tables.get(name).cloned() else {
            return Err(WriteError::NoTable);
        };
        self.note_ddl(&table.schema.name);
        Arc::make_mut(&mut self.view).tables.remove(name);
        self.writes.remove(&table.id);
        self.owned.remove(&table.id);
        Ok(())
    }

    /// ALTER TABLE: changes what is known of a table, and every row if `reshape` says how.
    pub(crate) fn alter_table(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Schema),
        reshape: Option<&dyn Fn(&Row) -> Row>,
    ) -> Result<(), WriteError> {
        let table = self.view.tables.get(name).cloned().ok_or(WriteError::NoTable)?;
        self.note_ddl(&table.schema.name);
        let altered = self.table_mut(name)?;
        let mut schema = Schema::clone(&altered.schema);
        change(&mut schema);
        schema.described = Described::default();
        altered.schema = Arc::new(schema);
        if let Some(reshape) = reshape {
            altered.rows.map(reshape);
        }
        self.owned.insert(table.id);
        Ok(())
    }

    /// ALTER TABLE … ADD COLUMN: existing rows get `value`.
    pub(crate) fn add_column(
        &mut self,
        name: &str,
        column: Column,
        value: &Value,
    ) -> Result<(), WriteError> {
        let table = self.view.tables.get(name).ok_or(WriteError::NoTable)?;
        if table.schema.columns.iter().any(|existing| existing.name == column.name) {
            return Err(WriteError::ColumnExists);
        }
        let wider = |row: &Row| -> Row {
            row.iter().cloned().chain(std::iter::once(value.clone())).collect()
        };
        self.alter_table(name, |schema| schema.columns.push(column), Some(&wider))
    }

    /// ALTER TABLE … RENAME TO. The table stays the same one, so its rows keep their ids.
    pub(crate) fn rename_table(&mut self, from: &str, to: &str) -> Result<(), WriteError> {
        if self.is_taken(to) {
            return Err(WriteError::TableExists);
        }
        let to: Arc<str> = Arc::from(to);
        self.note_ddl(&to);
        let renamed = Arc::clone(&to);
        self.alter_table(from, |schema| schema.name = renamed, None)?;
        let tables = &mut Arc::make_mut(&mut self.view).tables;
        let Some(table) = tables.remove(from) else { return Err(WriteError::NoTable) };
        if let Some(writes) = self.writes.get_mut(&table.id) {
            writes.name = Arc::clone(&to);
        }
        tables.insert(to, table);
        Ok(())
    }

    /// CREATE, CREATE OR REPLACE, or ALTER of an object that is not a table.
    pub(crate) fn put_object(&mut self, name: &str, object: Object) -> Result<(), WriteError> {
        if self.view.tables.contains_key(name) {
            return Err(WriteError::TableExists);
        }
        let name: Arc<str> = Arc::from(name);
        self.note_ddl(&name);
        if let Object::View(view) = &object {
            self.relied.extend(view.reads.iter().cloned());
        }
        Arc::make_mut(&mut self.view).objects.insert(name, Arc::new(object));
        Ok(())
    }

    /// DROP of an object that is not a table.
    pub(crate) fn drop_object(&mut self, name: &str) -> Result<(), WriteError> {
        if !self.view.objects.contains_key(name) {
            return Err(WriteError::NoTable);
        }
        self.note_ddl(&Arc::from(name));
        Arc::make_mut(&mut self.view).objects.remove(name);
        Ok(())
    }
}
