//! Walking over the parser's expressions: whether an aggregate stands in one, and how a name reads.
//! Subqueries are not looked into: what is in there belongs to them.
//!
//! Every SELECT is walked before it is bound, so nothing in here allocates for ordinary nodes.

use sqlparser::ast;

use super::bind_aggregate::aggregate_kind;

/// Whether an aggregate of the query itself stands in the expression. A window function is none,
/// but its operands may hold some. Chains of operators are walked without recursion: a statement
/// may have a thousand of them in a row.
pub(super) fn has_aggregate(expr: &ast::Expr) -> bool {
    use ast::Expr as E;
    let mut rest = expr;
    loop {
        rest = match rest {
            E::BinaryOp { left, right, .. } => {
                if has_aggregate(right) {
                    return true;
                }
                left
            }
            E::In { expr, target, .. } => {
                if let ast::InTarget::List(list) = target
                    && list.iter().any(has_aggregate)
                {
                    return true;
                }
                expr
            }
            E::IsDistinctFrom(left, right)
            | E::IsNotDistinctFrom(left, right)
            | E::Like { expr: left, pattern: right, .. }
            | E::ILike { expr: left, pattern: right, .. }
            | E::AtTimeZone { timestamp: left, time_zone: right } => {
                if has_aggregate(right) {
                    return true;
                }
                left
            }
            E::Between { expr, low, high, .. } => {
                if has_aggregate(low) || has_aggregate(high) {
                    return true;
                }
                expr
            }
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
            | E::Cast { expr: inner, .. } => inner,
            E::Function(function) => return in_function(function),
            other => return any_operand(other),
        };
    }
}

/// Whether a direct operand holds an aggregate. Forms that no query binds have no operands here:
/// binding refuses them.
fn any_operand(expr: &ast::Expr) -> bool {
    use ast::Expr as E;
    let any = |exprs: &[&ast::Expr]| exprs.iter().any(|expr| has_aggregate(expr));
    let optional = |expr: &Option<Box<ast::Expr>>| expr.as_deref().is_some_and(has_aggregate);
    match expr {
        E::Position { expr, r#in } => any(&[expr, r#in]),
        E::Substring { expr, substring_from, substring_for, .. } => {
            has_aggregate(expr) || optional(substring_from) || optional(substring_for)
        }
        E::Trim { expr, trim_what, .. } => has_aggregate(expr) || optional(trim_what),
        E::Case { operand, conditions, else_result, .. } => {
            optional(operand)
                || optional(else_result)
                || conditions.iter().any(|when| any(&[&when.condition, &when.result]))
        }
        E::Array(array) => array.elem.iter().any(has_aggregate),
        E::Dictionary(fields) => fields.iter().any(|field| has_aggregate(&field.value)),
        E::Tuple(parts) => parts.iter().any(has_aggregate),
        E::CompoundFieldAccess { root, access_chain } => {
            has_aggregate(root)
                || access_chain.iter().any(|access| match access {
                    ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => {
                        has_aggregate(index)
                    }
                    _ => false,
                })
        }
        _ => false,
    }
}

fn in_function(function: &ast::Function) -> bool {
    // GROUPING speaks of groups like an aggregate does: it makes no key of GROUP BY ALL.
    let groups = |name: &str| aggregate_kind(name).is_some() || name == "grouping";
    if function.over.is_none() && groups(&function.name.to_string().to_lowercase()) {
        return true;
    }
    let in_argument = |argument: &ast::FunctionArg| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner)) => has_aggregate(inner),
        _ => false,
    };
    let in_arguments = match &function.args {
        ast::FunctionArguments::List(list) => list.args.iter().any(in_argument),
        _ => false,
    };
    let in_window = match &function.over {
        Some(ast::WindowType::WindowSpec(window)) => {
            window.partition_by.iter().any(has_aggregate)
                || window.order_by.iter().any(|key| has_aggregate(&key.expr))
        }
        _ => false,
    };
    in_arguments || in_window || function.filter.as_deref().is_some_and(has_aggregate)
}

/// Whether a name is that one word, in any case and without quotes.
pub(super) fn is_word(name: &ast::ObjectName, word: &str) -> bool {
    match name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(ident)] => {
            ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case(word)
        }
        _ => false,
    }
}
