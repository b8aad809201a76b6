//! Wildcards of a select list: which columns `*` stands for, less those that EXCLUDE names.

use sqlparser::ast;

use super::bind_select::Projection;
use super::error::SqlError;
use super::expr::Expr;
use super::scope::{Scope, Typed, single_name};

/// Appends the columns that `*` or, with a qualifier, `t.*` stands for.
pub(super) fn expand(
    projection: &mut Projection,
    qualifier: Option<&str>,
    excluded: &[String],
    scope: &Scope<'_>,
) -> Result<(), SqlError> {
    let mut missing: Vec<&String> = excluded.iter().collect();
    for (index, field) in scope.fields.iter().enumerate() {
        let wanted = match qualifier {
            Some(_) => qualifier == field.qualifier.as_deref(),
            None => !field.merged,
        };
        if !wanted {
            continue;
        }
        if excluded.iter().any(|name| **name == *field.name) {
            missing.retain(|name| ***name != *field.name);
            continue;
        }
        let typed = match &scope.grouping {
            Some(_) => scope.resolve(field.qualifier.as_deref(), &field.name)?,
            // By number: two tables may each have a column of that name.
            None => Typed::new(Expr::Column(index), field.data_type.clone(), field.nullable),
        };
        projection.columns.push(typed);
        projection.names.push(field.name.clone());
    }
    if let Some(name) = missing.first() {
        return Err(SqlError::not_found(format!("Column '{name}' does not exist.")));
    }
    if projection.columns.is_empty() {
        return Err(SqlError::type_error("SELECT * with no tables specified is not valid"));
    }
    Ok(())
}

/// Whether nothing but EXCLUDE follows a wildcard.
pub(super) fn plain_wildcard(options: &ast::WildcardAdditionalOptions) -> bool {
    matches!(
        options,
        ast::WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike: None,
            opt_exclude: _,
            opt_except: None,
            opt_replace: None,
            opt_rename: None,
            opt_alias: None,
        }
    )
}

/// The columns that EXCLUDE takes out of a wildcard.
pub(super) fn excluded(options: &ast::WildcardAdditionalOptions) -> Result<Vec<String>, SqlError> {
    match &options.opt_exclude {
        None => Ok(Vec::new()),
        Some(ast::ExcludeSelectItem::Single(name)) => Ok(vec![single_name(name)?.into_owned()]),
        Some(ast::ExcludeSelectItem::Multiple(names)) => {
            names.iter().map(|name| Ok(single_name(name)?.into_owned())).collect()
        }
    }
}
