//! The rows of a target table next to those of other relations: UPDATE … FROM, DELETE … USING.
//!
//! The target becomes a relation with the row's id as one more column, and the whole an ordinary
//! join, so that it is as fast as a query's and every condition means what it means there.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast;

use super::bind::Binder;
use super::bind_join::joined;
use super::bind_table::{Relation, fields_of};
use super::error::{SqlError, SqlErrorKind};
use super::expr::Env;
use super::join::JoinKind;
use super::meter;
use super::plan::Plan;
use super::scope::{Field, Scope};
use crate::mvcc::Table;
use crate::value::{DataType, Row, Value};

/// Name of the column that holds the id: nobody writes a NUL in a name.
const ID: &str = "\0id";

/// Joined rows by the id of their target row: target, id, others.
pub(super) type Paired = BTreeMap<u64, Vec<Row>>;

/// A bound join of the target with what FROM or USING names.
#[derive(Debug)]
pub(super) struct Pairs {
    plan: Plan,
    /// Where the id is in a joined row.
    id: usize,
    /// What expressions over a joined row may name.
    pub(super) scope: Scope<'static>,
}

impl Pairs {
    /// Binds it; the target comes first.
    pub(super) fn bind<'b>(
        binder: &Binder<'b>,
        table: &Table,
        called: &str,
        from: &'b [ast::TableWithJoins],
        condition: Option<&'b ast::Expr>,
    ) -> Result<Self, SqlError> {
        let mut fields = fields_of(&table.schema.columns, called);
        let id = fields.len();
        fields.push(Field {
            qualifier: None,
            name: ID.into(),
            data_type: DataType::Bigint,
            nullable: false,
            merged: false,
        });
        meter::made(table.rows.len(), fields.len())?;
        let numbered = table.rows.iter().map(|(id, row)| -> Row {
            let id = Value::Bigint(i64::try_from(id).unwrap_or(i64::MAX));
            row.iter().cloned().chain(std::iter::once(id)).collect()
        });
        let target = Relation { plan: Plan::Rows(Arc::new(numbered.collect())), fields };
        let others = binder.from(from, None)?;
        if others.fields.iter().any(|field| field.qualifier.as_deref() == Some(called)) {
            let text = format!("table name \"{called}\" specified more than once");
            return Err(SqlError::new(SqlErrorKind::AlreadyExists, text));
        }
        let both: Vec<_> = target.fields.iter().chain(&others.fields).cloned().collect();
        let scope = Scope::new(Rc::new(both), None);
        let condition = match condition {
            Some(condition) => Some(binder.condition(condition, &scope)?),
            None => None,
        };
        let relation = joined(target, others, JoinKind::Inner, condition);
        Ok(Self { plan: relation.plan, id, scope })
    }

    /// The pairs, target rows in the order of their ids.
    pub(super) fn run(&self) -> Result<Paired, SqlError> {
        let mut paired = Paired::new();
        for row in self.plan.run(&Env::default())? {
            let Some(Value::Bigint(id)) = row.get(self.id) else {
                return Err(SqlError::internal("a joined row without the id of its target"));
            };
            let id = u64::try_from(*id).unwrap_or(u64::MAX);
            paired.entry(id).or_default().push(row);
        }
        Ok(paired)
    }
}
