//! Binding of the items of FROM: tables, derived tables, CTEs, catalogue views, READ_PARQUET.

use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast::{self, TableFactor};

use super::ast_walk::is_word;
use super::bind::Binder;
use super::error::SqlError;
use super::plan::Plan;
use super::scope::{Field, Outer, fold, name_parts};
use crate::mvcc::Table;
use crate::value::Column;

/// Rows and what their columns are called.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) plan: Plan,
    pub(super) fields: Vec<Field>,
}

impl Relation {
    pub(super) fn qualified(mut self, qualifier: &str) -> Self {
        let qualifier: Rc<str> = Rc::from(qualifier);
        for field in &mut self.fields {
            field.qualifier = Some(qualifier.clone());
        }
        self
    }

    /// Gives the first columns the names of an alias's column list.
    fn renamed(mut self, columns: &[ast::TableAliasColumnDef], of: &str) -> Result<Self, SqlError> {
        if columns.len() > self.fields.len() {
            let text = format!("table {of} has fewer columns than its alias names");
            return Err(SqlError::type_error(text));
        }
        for (field, column) in self.fields.iter_mut().zip(columns) {
            field.name = fold(&column.name).as_ref().into();
        }
        Ok(self)
    }
}

/// Columns of a table as fields.
pub(super) fn fields_of(columns: &[Column], qualifier: &str) -> Vec<Field> {
    let qualifier: Rc<str> = Rc::from(qualifier);
    let field = |column: &Column| Field {
        qualifier: Some(qualifier.clone()),
        name: column.name.clone(),
        data_type: column.data_type.clone(),
        nullable: column.nullable,
        merged: false,
    };
    columns.iter().map(field).collect()
}

impl<'b> Binder<'b> {
    /// Binds one item of FROM, or the source of a MERGE.
    pub(super) fn table_factor(
        &self,
        factor: &'b TableFactor,
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        let (relation, alias) = match factor {
            TableFactor::Table { name, alias, args, .. } => {
                check_plain(factor)?;
                if let Some(args) = args
                    && is_word(name, "generate_series")
                {
                    return self.generate_series(args, alias.as_ref());
                }
                let relation = match args {
                    Some(args) => self.table_function(name, args)?,
                    None => self.named(name)?,
                };
                (relation, alias)
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                (self.nested(|| self.query(subquery, outer))?.qualified(""), alias)
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.nested(|| self.table_with_joins(table_with_joins, outer));
            }
            other => return Err(SqlError::unsupported(format!("{other} in FROM"))),
        };
        match alias {
            None => Ok(relation),
            Some(ast::TableAlias { name, columns, at: None, .. }) => {
                relation.qualified(&fold(name)).renamed(columns, &name.value)
            }
            Some(alias) => Err(SqlError::unsupported(format!("the alias {alias}"))),
        }
    }

    fn named(&self, name: &'b ast::ObjectName) -> Result<Relation, SqlError> {
        if let Some(relation) = self.string_source(name)? {
            return Ok(relation);
        }
        let parts = name_parts(name)?;
        if let [only] = parts.as_slice()
            && let Some(relation) = self.cte(only)?
        {
            return Ok(relation.qualified(only));
        }
        let schema = parts.len().checked_sub(2).map(|at| parts[at].as_str());
        if schema == Some("information_schema") {
            let view = &parts[parts.len() - 1];
            if view == "locations" {
                return self.locations_view();
            }
            return self
                .catalogue_view(view)
                .map(|relation| relation.qualified(view))
                .ok_or_else(|| SqlError::no_relation(&format!("information_schema.{view}")));
        }
        let name = self.table_name(&parts)?;
        if let Some(reads) = self.reads.borrow_mut().as_mut() {
            reads.insert(Arc::from(name.as_str()));
        }
        if let Some(view) = self.view.view(&name) {
            return self.view_relation(view);
        }
        let table = self.view.table(&name).cloned();
        let table = table.ok_or_else(|| SqlError::no_relation(&name))?;
        let fields = fields_of(&table.schema.columns, &table.schema.name);
        Ok(Relation { plan: Plan::Scan(table), fields })
    }

    /// The WITH query of that name; it sees only those before it.
    fn cte(&self, name: &str) -> Result<Option<Relation>, SqlError> {
        let found = self.ctes.borrow().iter().rposition(|with| with.name == name);
        let Some(at) = found else { return Ok(None) };
        let cte = self.ctes.borrow()[at].cte;
        self.cte_at(at, cte).map(Some)
    }

    /// Binds the WITH query at that place.
    pub(super) fn cte_at(&self, at: usize, cte: &'b ast::Cte) -> Result<Relation, SqlError> {
        self.ctes.borrow_mut()[at].used = true;
        let hidden = self.ctes.borrow_mut().split_off(at);
        let relation = self.once(cte, || self.nested(|| self.query(&cte.query, None)));
        self.ctes.borrow_mut().extend(hidden);
        relation?.renamed(&cte.alias.columns, &cte.alias.name.value)
    }

    /// The name of a table of this database, without qualifiers.
    pub(super) fn table_name(&self, parts: &[String]) -> Result<String, SqlError> {
        let missing = || SqlError::no_relation(&parts.join("."));
        match parts {
            [name] => Ok(name.clone()),
            [schema, name] if schema == "public" => Ok(name.clone()),
            [database, schema, name] if schema == "public" && database == self.ctx.database => {
                Ok(name.clone())
            }
            _ => Err(missing()),
        }
    }

    /// The table of that name in the view of the transaction, to be written or altered.
    pub(super) fn table(&self, parts: &[String]) -> Result<Arc<Table>, SqlError> {
        let name = self.table_name(parts)?;
        self.view.table(&name).cloned().ok_or_else(|| match self.view.view(&name) {
            Some(_) => SqlError::type_error(format!("\"{name}\" is a view, not a table")),
            None => SqlError::no_relation(&name),
        })
    }
}

/// Refuses everything that may follow a table's name except an alias and arguments.
fn check_plain(factor: &TableFactor) -> Result<(), SqlError> {
    let plain = matches!(factor, TableFactor::Table {
        name: _,
        alias: _,
        args: _,
        with_hints,
        version: None,
        with_ordinality: false,
        partitions,
        json_path: None,
        sample: None,
        index_directives,
        inheritance: None,
    } if with_hints.is_empty() && partitions.is_empty() && index_directives.is_empty());
    if plain { Ok(()) } else { Err(SqlError::unsupported(format!("{factor} in FROM"))) }
}
