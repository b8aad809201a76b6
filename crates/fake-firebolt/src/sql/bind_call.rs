//! Binding of calls: scalar functions, and the forms that SQL writes specially (TRIM, SUBSTRING,
//! POSITION). Aggregates and windows go on to files of their own.

use std::cell::RefCell;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::bind::Binder;
use super::bind_aggregate::aggregate_kind;
use super::bind_compare::comparable;
use super::bind_json::named_argument;
use super::cast::CastLevel;
use super::coerce::unify;
use super::error::SqlError;
use super::expr::Expr;
use super::function::{Function, Resolved, Signature};
use super::literal::literal;
use super::plan::SortKey;
use super::regexp::{Regexp, RegexpKind};
use super::scope::{Scope, Typed, single_name};
use crate::value::{DataType, Value};

/// Arguments of a call, and whether they are DISTINCT.
pub(super) struct Arguments<'b> {
    pub(super) distinct: bool,
    /// `None` for `*`.
    pub(super) list: Vec<Option<&'b ast::Expr>>,
}

impl<'b> Binder<'b> {
    /// Binds what looks like a call.
    pub(super) fn call_like(
        &self,
        expr: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        match expr {
            ast::Expr::Function(function) => {
                self.function(function, scope).map_err(|error| match error.text.get(..5) {
                    Some("Line ") => error,
                    _ => error.at(expr.span()),
                })
            }
            ast::Expr::Trim { expr, trim_where, trim_what, trim_characters: None } => {
                let function = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => "trim",
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                };
                let what = trim_what.as_deref();
                self.scalar_call(function, std::iter::once(&**expr).chain(what), scope)
            }
            ast::Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let bounds = std::iter::once(&**from).chain(substring_for.as_deref());
                self.scalar_call("substring", std::iter::once(&**expr).chain(bounds), scope)
            }
            ast::Expr::Position { expr, r#in } => {
                self.scalar_call("strpos", [&**r#in, &**expr].into_iter(), scope)
            }
            ast::Expr::Extract { field, expr, .. } => self.extract(field, expr, scope),
            ast::Expr::AtTimeZone { timestamp, time_zone } => {
                self.at_time_zone(timestamp, time_zone, scope)
            }
            ast::Expr::Ceil { expr, field } => self.rounding("ceil", expr, field, scope),
            ast::Expr::Floor { expr, field } => self.rounding("floor", expr, field, scope),
            ast::Expr::Array(array) => self.array(array, scope),
            ast::Expr::Dictionary(fields) => self.struct_literal(fields, scope),
            ast::Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, scope)
            }
            other => Err(SqlError::unsupported(format!("the expression {other}")).at(other.span())),
        }
    }

    /// CEIL and FLOOR, which the parser knows apart because of other dialects.
    fn rounding(
        &self,
        name: &str,
        expr: &'b ast::Expr,
        field: &'b ast::CeilFloorKind,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut bound = vec![self.expr(expr, scope)?];
        match field {
            ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) => {}
            ast::CeilFloorKind::DateTimeField(field) => {
                return Err(SqlError::unsupported(format!("{name} TO {field}")));
            }
            ast::CeilFloorKind::Scale(digits) => bound.push(literal(&digits.value)?),
        }
        self.resolved_call(name, bound)
    }

    fn function(&self, function: &'b ast::Function, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let ast::Function {
            name,
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args,
            within_group,
            filter,
            null_treatment: None,
            over,
        } = function
        else {
            return Err(SqlError::unsupported(format!("the call {function}")));
        };
        let name = single_name(name)?.to_lowercase();
        let arguments = arguments(&function.name, args)?;
        if let Some(over) = over {
            return self.window(&name, function, &arguments, over, scope);
        }
        if aggregate_kind(&name).is_some() {
            return self.aggregate(&name, function, &arguments, scope);
        }
        if filter.is_some() || !within_group.is_empty() {
            let text = format!("FILTER and WITHIN GROUP are for aggregates, and {name} is none");
            return Err(SqlError::type_error(text));
        }
        let mut list = Vec::new();
        for argument in &arguments.list {
            let unsupported = || SqlError::unsupported(format!("the call {function}"));
            list.push(argument.filter(|_| !arguments.distinct).ok_or_else(unsupported)?);
        }
        if let Some(at) = list.iter().position(|item| matches!(item, ast::Expr::Lambda(_))) {
            return self.lambda_call(&name, &list, at, scope);
        }
        match (name.as_str(), list.as_slice()) {
            ("current_database", []) => Ok(constant_text(self.ctx.database)),
            ("current_engine", []) => Ok(constant_text(self.ctx.engine)),
            ("current_account", []) => Ok(constant_text(self.ctx.account)),
            ("struct", values) => self.struct_call(values, scope),
            ("if", [condition, then, otherwise]) => self.choice(condition, then, otherwise, scope),
            ("city_hash" | "hash", list @ [_, ..]) => self.hash_call(&name, list, scope),
            ("grouping", list) => self.grouping_call(list, scope),
            ("typeof", [value]) => {
                let data_type = self.expr(value, scope)?.data_type;
                Ok(constant_text(&data_type.to_string()))
            }
            _ => {
                if let Some(typed) = self.time_call(&name, &list, scope)? {
                    return Ok(typed);
                }
                if let Some(typed) = self.json_call(&name, &list, scope)? {
                    return Ok(typed);
                }
                match self.volatile_call(&name, list.len())? {
                    Some(typed) => Ok(typed),
                    None => self.scalar_call(&name, list.into_iter(), scope),
                }
            }
        }
    }

    /// IF(condition, then, otherwise)
    fn choice(
        &self,
        condition: &'b ast::Expr,
        then: &'b ast::Expr,
        otherwise: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let condition = self.condition(condition, scope)?;
        let results = vec![self.expr(then, scope)?, self.expr(otherwise, scope)?];
        let nullable = results.iter().any(|result| result.nullable);
        let (mut results, data_type) = unify(results, "IF")?;
        let otherwise = results.pop().unwrap_or(Expr::Constant(Value::Null));
        let then = results.pop().unwrap_or(Expr::Constant(Value::Null));
        let expr = Expr::Case { branches: vec![(condition, then)], otherwise: Box::new(otherwise) };
        Ok(Typed::new(expr, data_type, nullable))
    }

    /// Binds a call of a scalar function by its lower-case name.
    pub(super) fn scalar_call(
        &self,
        name: &str,
        arguments: impl Iterator<Item = &'b ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut bound = Vec::new();
        for argument in arguments {
            bound.push(self.expr(argument, scope)?);
        }
        // LENGTH and its like mean something else for arrays and bytes.
        let first = bound.first().map(|typed| &typed.data_type);
        let overloaded = matches!(first, Some(DataType::Array(_) | DataType::Bytea));
        if overloaded && Resolved::find(name, &types(&bound)).is_some() {
            return self.resolved_call(name, bound);
        }
        let Some((function, signature)) = Function::find(name) else {
            return self.resolved_call(name, bound);
        };
        let wrong = || SqlError::type_error(format!("wrong number of arguments for {name}"));
        let all_null = bound.iter().all(|argument| argument.nullable);
        let some_null = bound.iter().any(|argument| argument.nullable);
        let (exprs, result) = match signature {
            Signature::Fixed { arguments, required, result } => {
                if bound.len() < required || bound.len() > arguments.len() {
                    return Err(wrong());
                }
                let mut exprs = Vec::new();
                for (argument, to) in bound.into_iter().zip(arguments) {
                    exprs.push(self.coerce(argument, to, CastLevel::Implicit)?.expr);
                }
                (exprs, result)
            }
            Signature::Same { at_least } if bound.len() >= at_least => {
                if function == Function::NullIf && bound.len() != 2 {
                    return Err(wrong());
                }
                if function != Function::Coalesce {
                    bound.iter().try_for_each(|typed| comparable(&typed.data_type, name))?;
                }
                unify(bound, &name.to_uppercase())?
            }
            Signature::Same { .. } => return Err(wrong()),
            Signature::Texts if bound.iter().any(|typed| typed.data_type.has_no_text()) => {
                return Err(SqlError::unsupported(format!("a STRUCT or JSON in {name}")));
            }
            Signature::Texts => {
                (bound.into_iter().map(|argument| argument.expr).collect(), DataType::Text)
            }
            Signature::Number => match <[Typed; 1]>::try_from(bound) {
                Ok([only]) if is_number(&only.data_type) => (vec![only.expr], only.data_type),
                Ok([only]) => {
                    let text = format!("function does not exist: {name}({})", only.data_type);
                    return Err(SqlError::type_error(text));
                }
                Err(_) => return Err(wrong()),
            },
        };
        let ignores_null =
            matches!(function, Function::Coalesce | Function::Greatest | Function::Least);
        let nullable = match function {
            Function::Concat => false,
            _ if ignores_null => all_null,
            _ => some_null || function.makes_null(),
        };
        Ok(Typed::new(Expr::Call(function, exprs), result, nullable))
    }

    fn regexp_call(
        &self,
        name: &str,
        kind: RegexpKind,
        bound: Vec<Typed>,
    ) -> Result<Typed, SqlError> {
        let (types, required, result) = kind.signature();
        if bound.len() < required || bound.len() > types.len() {
            return Err(SqlError::type_error(format!("wrong number of arguments for {name}")));
        }
        let nullable = kind == RegexpKind::Extract || bound.iter().any(|typed| typed.nullable);
        let mut arguments = Vec::new();
        for (typed, to) in bound.into_iter().zip(&types) {
            arguments.push(self.coerce(typed, to, CastLevel::Implicit)?.expr);
        }
        let call = Regexp { kind, arguments, last: RefCell::new(None) };
        Ok(Typed::new(Expr::Regexp(Box::new(call)), result, nullable))
    }

    /// Binds a call of a function that depends on the types of its arguments.
    pub(super) fn resolved_call(&self, name: &str, bound: Vec<Typed>) -> Result<Typed, SqlError> {
        if let Some(kind) = RegexpKind::find(name) {
            return self.regexp_call(name, kind, bound);
        }
        let given = types(&bound);
        let Some(resolved) = Resolved::find(name, &given) else {
            let all_null = |count| Resolved::find(name, &vec![DataType::Null; count]).is_some();
            if !(0..5).any(all_null) {
                return Err(unknown(name));
            }
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            let text = format!("function does not exist: {name}({})", given.join(", "));
            return Err(SqlError::type_error(text));
        };
        if let Function::Array(function) = resolved.function
            && function.compares()
        {
            given.iter().try_for_each(|data_type| comparable(data_type, name))?;
        }
        let mut nullable = resolved.function.makes_null();
        let mut exprs = Vec::new();
        for (typed, to) in bound.into_iter().zip(&resolved.arguments) {
            nullable |= typed.nullable;
            exprs.push(self.coerce(typed, to, CastLevel::Implicit)?.expr);
        }
        let mut expr = Expr::Call(resolved.function, exprs);
        if let (Function::Number(_), DataType::Numeric { .. }) =
            (resolved.function, &resolved.result)
        {
            // What is rounded up may have one digit too many.
            expr = Expr::Cast(Box::new(expr), resolved.result.clone());
        }
        Ok(Typed::new(expr, resolved.result, nullable))
    }
}

fn types(bound: &[Typed]) -> Vec<DataType> {
    bound.iter().map(|typed| typed.data_type.clone()).collect()
}

/// Families of functions that the real service has and this fake has not.
const ELSEWHERE: &[&str] = &[
    "apache_datasketches_",
    "city_hash",
    "hash",
    "hll_count_",
    "json_",
    "session_user",
    "st_",
    "vector_",
    "version",
];

/// The error for a name that no function here has.
pub(super) fn unknown(name: &str) -> SqlError {
    if ELSEWHERE.iter().any(|prefix| name.starts_with(prefix)) {
        return SqlError::unsupported(format!("the function {name}"));
    }
    SqlError::not_found(format!("Function '{name}' does not exist."))
}

fn constant_text(text: &str) -> Typed {
    Typed::new(Expr::Constant(Value::text(text)), DataType::Text, false)
}

pub(super) fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Integer
            | DataType::Bigint
            | DataType::Real
            | DataType::Double
            | DataType::Numeric { .. }
    )
}

/// NULLs come last in ascending and first in descending order, unless it is said otherwise.
pub(super) fn sort_key(expr: Expr, key: &ast::OrderByExpr) -> Result<SortKey, SqlError> {
    let ast::OrderByExpr { expr: _, options, with_fill: None } = key else {
        return Err(SqlError::unsupported("WITH FILL"));
    };
    let descending = match options.sort {
        None | Some(ast::OrderBySort::Asc) => false,
        Some(ast::OrderBySort::Desc) => true,
        Some(ast::OrderBySort::Using(_)) => {
            return Err(SqlError::unsupported("ORDER BY … USING"));
        }
    };
    Ok(SortKey { expr, descending, nulls_first: options.nulls_first.unwrap_or(descending) })
}

fn arguments<'f>(
    function: &ast::ObjectName,
    arguments: &'f FunctionArguments,
) -> Result<Arguments<'f>, SqlError> {
    let list = match arguments {
        FunctionArguments::None => return Ok(Arguments { distinct: false, list: Vec::new() }),
        FunctionArguments::Subquery(_) => {
            return Err(SqlError::unsupported("a subquery as an argument list"));
        }
        FunctionArguments::List(list) => list,
    };
    if !list.clauses.is_empty() {
        return Err(SqlError::unsupported(format!("the arguments ({list})")));
    }
    let mut result = Vec::new();
    for argument in &list.args {
        result.push(match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => None,
            other => match named_argument(function, other) {
                Some(expr) => Some(expr),
                None => return Err(SqlError::unsupported(format!("the argument {other}"))),
            },
        });
    }
    let distinct = list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
    Ok(Arguments { distinct, list: result })
}
