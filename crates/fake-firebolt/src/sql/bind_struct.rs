//! Binding of STRUCT: the two ways to make one, a row as a whole, and the way to a field; values of
//! the type JSON are gone into in the same way.
//!
//! `t.a` may be a column of a table or a field of a column; the column is preferred, and in `(t).a`
//! the field (the vendor's page on STRUCT). That a table's name alone is its row, as a STRUCT of
//! its columns, is what the vendor's own tests of its clients rely on.

use std::sync::Arc;

use sqlparser::ast::{self, AccessExpr, Spanned};

use super::bind::Binder;
use super::cast::CastLevel;
use super::error::{SqlError, SqlErrorKind};
use super::expr::Expr;
use super::function::Function;
use super::function_array::ArrayFunction;
use super::same_expr;
use super::scope::{GroupKey, Scope, Typed, fold};
use crate::value::{DataType, Struct, StructField, StructType, Value};

/// Types inside of one STRUCT, itself and all levels counted: beyond that it is refused (own limit).
const TYPES_MAX: usize = 10_000;

/// STRUCT and ARRAY in one another: each level is a stack frame of whoever walks the type.
const LEVELS_MAX: usize = 100;

impl<'b> Binder<'b> {
    /// `STRUCT(value, …)`: its fields are called f1, f2, … (the vendor's page on TO_JSON_STRING).
    pub(super) fn struct_call(
        &self,
        values: &[&'b ast::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut fields = Vec::with_capacity(values.len());
        for (at, value) in values.iter().enumerate() {
            fields.push((Arc::from(unnamed(at)), self.expr(value, scope)?));
        }
        make(fields)
    }

    /// `{'name': value, …}`
    pub(super) fn struct_literal(
        &self,
        entries: &'b [ast::DictionaryField],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut fields: Vec<(Arc<str>, Typed)> = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = match entry.key.quote_style {
                Some('\'') => entry.key.value.clone(),
                _ => {
                    let text = format!("the key {} without single quotes", entry.key);
                    return Err(SqlError::unsupported(text).at(entry.key.span));
                }
            };
            if fields.iter().any(|(other, _)| **other == *name) {
                let text = format!("field {name} is in a STRUCT more than once");
                return Err(SqlError::type_error(text).at(entry.key.span));
            }
            fields.push((Arc::from(name), self.expr(&entry.value, scope)?));
        }
        make(fields)
    }

    /// The row of a table as a STRUCT of its columns; `None` if no table here is called so.
    pub(super) fn whole_row(
        &self,
        table: &str,
        scope: &Scope<'_>,
    ) -> Option<Result<Typed, SqlError>> {
        let mut of = scope;
        while !of.has_qualifier(table) {
            of = of.outer?.scope;
        }
        let names = of.fields.iter().filter(|field| field.qualifier.as_deref() == Some(table));
        let fields: Result<Vec<_>, SqlError> = names
            .map(|field| {
                Ok((field.name.to_string().into(), scope.resolve(Some(table), &field.name)?))
            })
            .collect();
        Some(fields.and_then(make))
    }

    /// `a.b.c`: a column with its table in front, or fields of one behind.
    pub(super) fn compound(
        &self,
        parts: &[ast::Ident],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        // A column of a table, which nearly every name is.
        if let [table, column] = parts
            && let Ok(typed) = scope.resolve(Some(&fold(table)), &fold(column))
        {
            return Ok(typed);
        }
        if let Some((key, fields)) = named_key(parts, scope) {
            return fields.iter().try_fold(key, |typed, name| self.field(typed, &fold(name)));
        }
        let names: Vec<_> = parts.iter().map(fold).collect();
        let mut refusal = None;
        for column in (0..names.len().min(3)).rev() {
            let table = column.checked_sub(1).map(|table| &*names[table]);
            let typed = match scope.resolve(table, &names[column]) {
                Ok(typed) => typed,
                Err(error) if error.kind == SqlErrorKind::NotFound => {
                    refusal.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let rest = &names[column + 1..];
            if rest.is_empty() || has_fields(&typed.data_type) {
                return rest.iter().try_fold(typed, |typed, name| self.field(typed, name));
            }
        }
        Err(refusal.unwrap_or_else(|| SqlError::internal("a name without parts")))
    }

    /// `array[index]` and `struct.field`, repeated for what is nested.
    pub(super) fn access(
        &self,
        root: &'b ast::Expr,
        chain: &'b [AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let (mut typed, rest) = self.start(root, chain, scope)?;
        for access in rest {
            typed = match access {
                AccessExpr::Subscript(ast::Subscript::Index { index }) => {
                    self.element(typed, root, index, scope)?
                }
                AccessExpr::Dot(ast::Expr::Identifier(name)) => {
                    self.field(typed, &fold(name)).map_err(|error| error.at(name.span))?
                }
                other => return Err(SqlError::unsupported(format!("the access {other}"))),
            };
        }
        Ok(typed)
    }

    /// What the accesses begin at, and those that are left.
    fn start<'c>(
        &self,
        root: &'b ast::Expr,
        chain: &'c [AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<(Typed, &'c [AccessExpr]), SqlError> {
        let name = |access: &AccessExpr| match access {
            AccessExpr::Dot(ast::Expr::Identifier(name)) => Some(name.clone()),
            _ => None,
        };
        if let ast::Expr::Identifier(first) = root {
            let dotted: Vec<_> = chain.iter().map_while(name).collect();
            let parts: Vec<_> = std::iter::once(first.clone()).chain(dotted).collect();
            if let Some(behind) = chain.get(parts.len() - 1..).filter(|_| parts.len() > 1) {
                return Ok((self.compound(&parts, scope)?, behind));
            }
        }
        let typed = self.expr(root, scope)?;
        if let (ast::Expr::Nested(inner), Some(wanted)) = (root, chain.first().and_then(name))
            && let ast::Expr::Identifier(table) = &**inner
            && !has_field(&typed.data_type, &fold(&wanted))
            && scope.has_qualifier(&fold(table))
        {
            match scope.resolve(Some(&fold(table)), &fold(&wanted)) {
                Ok(column) => return Ok((column, &chain[1..])),
                // Neither is there: what is missing is said of the STRUCT.
                Err(_) if has_fields(&typed.data_type) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((typed, chain))
    }

    fn element(
        &self,
        typed: Typed,
        root: &ast::Expr,
        index: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        if typed.data_type == DataType::Json {
            let key = self.expr(index, scope)?;
            return self.json_entry(typed, key).map_err(|error| error.at(index.span()));
        }
        let DataType::Array(element) = typed.data_type else {
            let text = format!("cannot subscript type {}", typed.data_type);
            return Err(SqlError::type_error(text).at(root.span()));
        };
        let bound = self.expr(index, scope)?;
        let bound = self
            .coerce(bound, &DataType::Bigint, CastLevel::Implicit)
            .map_err(|error| error.at(index.span()))?;
        let arguments = vec![typed.expr, bound.expr];
        let expr = Expr::Call(Function::Array(ArrayFunction::Element), arguments);
        Ok(Typed::new(expr, *element, true))
    }

    /// One field of a STRUCT, or member of a JSON object.
    fn field(&self, typed: Typed, name: &str) -> Result<Typed, SqlError> {
        if typed.data_type == DataType::Json {
            return Ok(self.json_member(typed, name));
        }
        let DataType::Struct(of) = &typed.data_type else {
            let text = format!("type {} has no field '{name}'", typed.data_type);
            return Err(SqlError::type_error(text));
        };
        let Some(at) = of.position(name) else {
            let text = format!("Field '{name}' does not exist in {of}.");
            return Err(SqlError::not_found(text));
        };
        let StructField { data_type, nullable, .. } = &of.fields[at];
        let nullable = typed.nullable || *nullable;
        let data_type = data_type.clone();
        Ok(Typed::new(Expr::Call(Function::Field(at), vec![typed.expr]), data_type, nullable))
    }
}

/// The key of GROUP BY that a name is, or that it goes into, where the key is no column: a field of
/// a STRUCT, or a row as a whole. Also returns what is left of the name.
pub(super) fn named_key<'n>(
    name: &'n [ast::Ident],
    scope: &Scope<'_>,
) -> Option<(Typed, &'n [ast::Ident])> {
    let grouping = scope.grouping.as_ref()?;
    (name.len().min(2)..=name.len()).rev().find_map(|count| {
        let (name, rest) = name.split_at(count);
        // Columns are looked up by their index.
        let is_it = |key: &GroupKey<'_>| {
            !matches!(key.typed.expr, Expr::Column(_))
                && same_expr::is_name(key.ast, name, grouping.input)
        };
        let at = grouping.keys.iter().position(is_it)?;
        let key = &grouping.keys[at].typed;
        Some((Typed::new(Expr::Column(at), key.data_type.clone(), key.nullable), rest))
    })
}

/// What the field at a position is called that has no name.
pub(super) fn unnamed(at: usize) -> String {
    format!("f{}", at + 1)
}

fn make(fields: Vec<(Arc<str>, Typed)>) -> Result<Typed, SqlError> {
    if fields.is_empty() {
        return Err(SqlError::unsupported("a STRUCT without fields"));
    }
    let described = fields.iter().map(|(name, typed)| StructField {
        name: name.clone(),
        data_type: typed.data_type.clone(),
        nullable: typed.nullable,
    });
    let of = Arc::new(StructType { fields: described.collect() });
    let mut left = TYPES_MAX;
    if !DataType::Struct(Arc::clone(&of)).fits(LEVELS_MAX, &mut left) {
        return Err(SqlError::unsupported(format!(
            "a STRUCT of more than {TYPES_MAX} types or {LEVELS_MAX} levels"
        )));
    }
    let constants: Option<Vec<Value>> = fields
        .iter()
        .map(|(_, typed)| match &typed.expr {
            Expr::Constant(value) => Some(value.clone()),
            _ => None,
        })
        .collect();
    let expr = match constants {
        Some(values) => Expr::Constant(Struct::value(of.clone(), values)),
        None => {
            let exprs = fields.into_iter().map(|(_, typed)| typed.expr).collect();
            Expr::Struct(of.clone(), exprs)
        }
    };
    Ok(Typed::new(expr, DataType::Struct(of), false))
}

/// Whether one can go into a value of that type by a dot.
pub(super) fn has_fields(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(_) | DataType::Json)
}

fn has_field(data_type: &DataType, name: &str) -> bool {
    match data_type {
        DataType::Struct(of) => of.position(name).is_some(),
        other => has_fields(other),
    }
}
