//! `information_schema`: the views that loaders, operators, and the sweeper ask
//! (firebolt-semantics §6).
//!
//! A view's rows are those of the transaction's own snapshot. What is not in the list is an
//! unknown relation: a view that is always empty would answer a question with a lie.

use std::sync::Arc;

use super::bind::Binder;
use super::bind_table::Relation;
use super::plan::Plan;
use super::scope::Field;
use super::{catalog_account, catalog_tables};
use crate::value::{Column, DataType, ResultSet, Row, Value};

/// Names and types of a view's columns.
pub(super) type Shape = &'static [(&'static str, DataType)];

const RUNNING: Shape = &[
    ("account_name", DataType::Text),
    ("submitted_time", DataType::TimestampTz),
    ("start_time", DataType::TimestampTz),
    ("duration_us", DataType::Bigint),
    ("status", DataType::Text),
    ("query_id", DataType::Text),
    ("query_label", DataType::Text),
    ("query_text", DataType::Text),
    ("retries", DataType::Bigint),
];

impl Binder<'_> {
    /// The view of that name, or `None`.
    pub(super) fn catalogue_view(&self, name: &str) -> Option<Relation> {
        let (view, ctx) = (self.view, self.ctx);
        let (shape, rows) = match name {
            "tables" => (catalog_tables::TABLES, catalog_tables::tables(view, ctx)),
            "columns" => (catalog_tables::COLUMNS, catalog_tables::columns(view, ctx)),
            "views" => (catalog_tables::VIEWS, catalog_tables::views(view, ctx)),
            "indexes" => (catalog_tables::INDEXES, catalog_tables::indexes(view, ctx)),
            "engines" => (catalog_account::ENGINES, catalog_account::engines(view, ctx)),
            "catalogs" => (catalog_account::CATALOGS, catalog_account::catalogs(view, ctx)),
            "databases" => (catalog_account::DATABASES, catalog_account::catalogs(view, ctx)),
            "schemata" => (catalog_account::SCHEMATA, catalog_account::schemata(ctx)),
            "engine_running_queries" => (RUNNING, self.running_rows()),
            _ => return self.ctx.server.view(name).map(server_view),
        };
        let field = |(name, data_type): &(&str, DataType)| Field {
            qualifier: None,
            name: (*name).into(),
            data_type: data_type.clone(),
            nullable: true,
            merged: false,
        };
        let fields = shape.iter().map(field).collect();
        Some(Relation { plan: Plan::Rows(Arc::new(rows)), fields })
    }

    fn running_rows(&self) -> Vec<Row> {
        let row = |query: &super::context::RunningQuery| {
            Row::from([
                Value::text(self.ctx.account),
                Value::TimestampTz(query.started_micros),
                Value::TimestampTz(query.started_micros),
                Value::Bigint(self.ctx.now_micros - query.started_micros),
                Value::text("RUNNING"),
                Value::text(&query.query_id),
                query.label.as_deref().map_or(Value::Null, Value::text),
                Value::text(&query.text),
                Value::Bigint(0),
            ])
        };
        self.ctx.server.running().iter().map(row).collect()
    }
}

fn server_view(view: ResultSet) -> Relation {
    let field = |column: Column| Field {
        qualifier: None,
        name: column.name,
        data_type: column.data_type,
        nullable: column.nullable,
        merged: false,
    };
    let fields = view.columns.into_iter().map(field).collect();
    Relation { plan: Plan::Rows(Arc::new(view.rows)), fields }
}
