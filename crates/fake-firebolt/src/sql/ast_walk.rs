//! Walking over the parser's expressions: which operands an expression has, and whether an
//! aggregate stands in it. Subqueries are not looked into: what is in there belongs to them.

use sqlparser::ast;

use super::bind_aggregate::aggregate_kind;

/// Whether an aggregate of the query itself stands in the expression. A window function is none,
/// but its operands may hold some.
pub(super) fn has_aggregate(expr: &ast::Expr) -> bool {
    if let ast::Expr::Function(function) = expr
        && function.over.is_none()
        && aggregate_kind(&function.name.to_string().to_lowercase()).is_some()
    {
        return true;
    }
    operands(expr).into_iter().any(has_aggregate)
}

/// The direct operands. Forms that no query binds have none here: binding refuses them.
fn operands(expr: &ast::Expr) -> Vec<&ast::Expr> {
    use ast::Expr as E;
    match expr {
        E::Function(function) => of_function(function),
        E::Nested(inner)
        | E::IsNull(inner)
        | E::IsNotNull(inner)
        | E::IsTrue(inner)
        | E::IsNotTrue(inner)
        | E::IsFalse(inner)
        | E::IsNotFalse(inner)
        | E::UnaryOp { expr: inner, .. }
        | E::Extract { expr: inner, .. }
        | E::Ceil { expr: inner, .. }
        | E::Floor { expr: inner, .. }
        | E::Cast { expr: inner, .. } => vec![inner],
        E::In { expr, target, .. } => match target {
            ast::InTarget::List(list) => std::iter::once(&**expr).chain(list).collect(),
            _ => vec![expr],
        },
        E::BinaryOp { left, right, .. }
        | E::IsDistinctFrom(left, right)
        | E::IsNotDistinctFrom(left, right) => vec![left, right],
        E::Like { expr, pattern, .. } | E::ILike { expr, pattern, .. } => vec![expr, pattern],
        E::AtTimeZone { timestamp, time_zone } => vec![timestamp, time_zone],
        E::Position { expr, r#in } => vec![expr, r#in],
        E::Between { expr, low, high, .. } => vec![expr, low, high],
        E::Substring { expr, substring_from, substring_for, .. } => {
            let bounds = substring_from.iter().chain(substring_for);
            std::iter::once(&**expr).chain(bounds.map(|bound| &**bound)).collect()
        }
        E::Trim { expr, trim_what, .. } => {
            std::iter::once(&**expr).chain(trim_what.iter().map(|what| &**what)).collect()
        }
        E::Case { operand, conditions, else_result, .. } => {
            let ends = operand.iter().chain(else_result).map(|expr| &**expr);
            let when = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            ends.chain(when).collect()
        }
        E::Array(array) => array.elem.iter().collect(),
        E::Tuple(parts) => parts.iter().collect(),
        E::CompoundFieldAccess { root, access_chain } => {
            let index = |access| match access {
                &ast::AccessExpr::Subscript(ast::Subscript::Index { ref index }) => Some(index),
                _ => None,
            };
            std::iter::once(&**root).chain(access_chain.iter().filter_map(index)).collect()
        }
        _ => Vec::new(),
    }
}

fn of_function(function: &ast::Function) -> Vec<&ast::Expr> {
    let mut found = Vec::new();
    if let ast::FunctionArguments::List(list) = &function.args {
        found.extend(list.args.iter().filter_map(|argument| match argument {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner)) => Some(inner),
            _ => None,
        }));
    }
    if let Some(ast::WindowType::WindowSpec(window)) = &function.over {
        found.extend(&window.partition_by);
        found.extend(window.order_by.iter().map(|key| &key.expr));
    }
    found.extend(function.filter.as_deref());
    found
}
