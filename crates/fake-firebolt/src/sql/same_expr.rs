//! Whether two expressions are one: the select list may write a key of GROUP BY in another way,
//! `T.X + 1` for `x + 1`, and means the same column all the same.
//!
//! Names are compared by where they lead, and those that lead to no column (a row as a whole) by how
//! they are written; functions by name in any case. Whatever is not taken apart here has to be written
//! alike. Both sides are read over one scope, so that what is written alike is the same; a call of
//! RANDOM that is written like a key is that key, and is not drawn again.

use std::borrow::Cow;

use sqlparser::ast::{self, Expr as E, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::bind_struct::has_fields;
use super::error::SqlErrorKind;
use super::expr::Expr;
use super::scope::{Scope, fold};

/// Whether both mean the same over the columns of that scope.
pub(super) fn same(a: &E, b: &E, scope: &Scope<'_>) -> bool {
    let both = |a: &E, b: &E| same(a, b, scope);
    match (a, b) {
        (E::Nested(a), b) => both(a, b),
        (a, E::Nested(b)) => both(a, b),
        (a, E::Identifier(name)) => is_name(a, std::slice::from_ref(name), scope),
        (a, E::CompoundIdentifier(name)) => is_name(a, name, scope),
        (
            E::BinaryOp { left, op, right },
            E::BinaryOp { left: other_left, op: other_op, right: other_right },
        ) => op == other_op && both(left, other_left) && both(right, other_right),
        (E::UnaryOp { op, expr }, E::UnaryOp { op: other_op, expr: other }) => {
            op == other_op && both(expr, other)
        }
        (E::IsNull(a), E::IsNull(b))
        | (E::IsNotNull(a), E::IsNotNull(b))
        | (E::IsTrue(a), E::IsTrue(b))
        | (E::IsNotTrue(a), E::IsNotTrue(b))
        | (E::IsFalse(a), E::IsFalse(b))
        | (E::IsNotFalse(a), E::IsNotFalse(b)) => both(a, b),
        (
            E::Cast { expr, data_type, format: None, .. },
            E::Cast { expr: other, data_type: other_type, format: None, .. },
        ) => same_cast(a, b) && data_type == other_type && both(expr, other),
        (E::Extract { field, expr, .. }, E::Extract { field: other_field, expr: other, .. }) => {
            field == other_field && both(expr, other)
        }
        (E::Function(a), E::Function(b)) => same_call(a, b, scope),
        (E::Case { .. }, E::Case { .. }) => same_case(a, b, scope),
        (a, b) => match (taken_apart(a), taken_apart(b)) {
            (Some((form, parts)), Some((other_form, others))) => {
                form == other_form
                    && parts.len() == others.len()
                    && parts.iter().zip(others).all(|(a, b)| both(a, b))
            }
            _ => a == b,
        },
    }
}

/// What a form that is written with words of its own is, whether it is negated, and its operands.
fn taken_apart(expr: &E) -> Option<((&'static str, bool), Vec<&E>)> {
    Some(match expr {
        E::Tuple(parts) => (("list", false), parts.iter().collect()),
        E::In { expr, target: ast::InTarget::List(list), negated, global: false } => {
            (("in", *negated), std::iter::once(&**expr).chain(list).collect())
        }
        E::Between { expr, negated, low, high } => (("between", *negated), vec![expr, low, high]),
        E::IsDistinctFrom(a, b) => (("distinct", false), vec![a, b]),
        E::IsNotDistinctFrom(a, b) => (("distinct", true), vec![a, b]),
        E::Like { negated, any: false, expr, pattern, escape_char: None } => {
            (("like", *negated), vec![expr, pattern])
        }
        E::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            (("ilike", *negated), vec![expr, pattern])
        }
        E::Substring { expr, substring_from: Some(from), substring_for, .. } => {
            let bounds = std::iter::once(&**from).chain(substring_for.as_deref());
            (("substring", false), std::iter::once(&**expr).chain(bounds).collect())
        }
        E::Position { expr, r#in } => (("position", false), vec![expr, r#in]),
        E::Trim { expr, trim_where, trim_what, trim_characters: None } => {
            let form = match trim_where {
                None | Some(ast::TrimWhereField::Both) => "trim",
                Some(ast::TrimWhereField::Leading) => "ltrim",
                Some(ast::TrimWhereField::Trailing) => "rtrim",
            };
            let what = trim_what.as_deref();
            ((form, false), std::iter::once(&**expr).chain(what).collect())
        }
        E::Ceil { expr, field } if is_plain(field) => (("ceil", false), vec![expr]),
        E::Floor { expr, field } if is_plain(field) => (("floor", false), vec![expr]),
        _ => return None,
    })
}

fn is_plain(field: &ast::CeilFloorKind) -> bool {
    matches!(field, ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime))
}

/// CAST and `::` are one; TRY_CAST is another.
fn same_cast(a: &E, b: &E) -> bool {
    let tries = |expr: &E| matches!(expr, E::Cast { kind: ast::CastKind::TryCast, .. });
    tries(a) == tries(b)
}

/// Whether an expression is a name that leads to where this one does.
pub(super) fn is_name(expr: &E, name: &[ast::Ident], scope: &Scope<'_>) -> bool {
    let other = match expr {
        E::Identifier(name) => std::slice::from_ref(name),
        E::CompoundIdentifier(parts) => parts,
        _ => return false,
    };
    match (place(name, scope), place(other, scope)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => name.iter().map(fold).eq(other.iter().map(fold)),
        _ => false,
    }
}

/// A column, by how many queries further out and its index, and the fields that are gone into.
type Place<'n> = ((usize, usize), Vec<Cow<'n, str>>);

/// Where a name leads to, in the order in which the binder looks; `None` if to no column.
fn place<'n>(name: &'n [ast::Ident], scope: &Scope<'_>) -> Option<Place<'n>> {
    for column in (0..name.len().min(3)).rev() {
        let table = column.checked_sub(1).map(|table| fold(&name[table]));
        let typed = match scope.resolve(table.as_deref(), &fold(&name[column])) {
            Ok(typed) => typed,
            Err(error) if error.kind == SqlErrorKind::NotFound => continue,
            Err(_) => return None,
        };
        let fields = &name[column + 1..];
        if fields.is_empty() || has_fields(&typed.data_type) {
            let at = match typed.expr {
                Expr::Column(at) => (0, at),
                Expr::Outer { depth, index } => (depth, index),
                _ => return None,
            };
            return Some((at, fields.iter().map(fold).collect()));
        }
    }
    None
}

fn same_call(a: &ast::Function, b: &ast::Function, scope: &Scope<'_>) -> bool {
    // Written alike apart from the name and the arguments, of which only plain ones are looked into.
    let (FunctionArguments::List(args), FunctionArguments::List(other_args)) = (&a.args, &b.args)
    else {
        return a == b;
    };
    let plain = |call: &ast::Function, args: &ast::FunctionArgumentList| {
        call.over.is_none()
            && call.filter.is_none()
            && call.within_group.is_empty()
            && call.null_treatment.is_none()
            && args.duplicate_treatment.is_none()
            && args.clauses.is_empty()
    };
    if !plain(a, args) || !plain(b, other_args) {
        return a == b;
    }
    let name = |call: &ast::Function| call.name.to_string().to_lowercase();
    let same_argument = |(a, b): (&FunctionArg, &FunctionArg)| match (a, b) {
        (
            FunctionArg::Unnamed(FunctionArgExpr::Expr(a)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(b)),
        ) => same(a, b, scope),
        (a, b) => a == b,
    };
    args.args.len() == other_args.args.len()
        && name(a) == name(b)
        && args.args.iter().zip(&other_args.args).all(same_argument)
}

fn same_case(a: &E, b: &E, scope: &Scope<'_>) -> bool {
    let (
        E::Case { operand, conditions, else_result, .. },
        E::Case { operand: other, conditions: others, else_result: other_result, .. },
    ) = (a, b)
    else {
        return false;
    };
    let optional = |a: &Option<Box<E>>, b: &Option<Box<E>>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same(a, b, scope),
        _ => false,
    };
    let branch = |(a, b): (&ast::CaseWhen, &ast::CaseWhen)| {
        same(&a.condition, &b.condition, scope) && same(&a.result, &b.result, scope)
    };
    optional(operand, other)
        && optional(else_result, other_result)
        && conditions.len() == others.len()
        && conditions.iter().zip(others).all(branch)
}
