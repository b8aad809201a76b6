//! Binding of aggregate functions: their names, arguments, and result types.
//!
//! The same call is an aggregate of a grouped query or, with OVER, of a window; where its
//! arguments are bound is the caller's to say.

use sqlparser::ast::{self, Spanned};

use super::aggregate::{AggregateCall, AggregateKind};
use super::bind::Binder;
use super::bind_call::{Arguments, is_number};
use super::bind_compare::comparable;
use super::cast::CastLevel;
use super::error::SqlError;
use super::expr::Expr;
use super::scope::{Scope, Typed};
use crate::value::{DataType, Value};

/// The aggregate of that lower-case name, and whether it is DISTINCT by itself.
pub(super) fn aggregate_kind(name: &str) -> Option<(AggregateKind, bool)> {
    let plain = |kind| Some((kind, false));
    match name {
        "count" => plain(AggregateKind::Count),
        // Exact: an estimate that is right is one of the answers that the real one may give.
        "approx_count_distinct" => Some((AggregateKind::Count, true)),
        "min" => plain(AggregateKind::Min),
        "max" => plain(AggregateKind::Max),
        "sum" => plain(AggregateKind::Sum),
        "avg" => plain(AggregateKind::Average),
        "any_value" => plain(AggregateKind::AnyValue),
        "bool_and" => plain(AggregateKind::BoolAnd),
        "bool_or" => plain(AggregateKind::BoolOr),
        "bit_and" => plain(AggregateKind::BitAnd),
        "bit_or" => plain(AggregateKind::BitOr),
        "bit_xor" => plain(AggregateKind::BitXor),
        "array_agg" => plain(AggregateKind::ArrayAgg),
        "min_by" => plain(AggregateKind::MinBy),
        "max_by" => plain(AggregateKind::MaxBy),
        "stddev" | "stddev_samp" => plain(AggregateKind::StddevSamp),
        "stddev_pop" => plain(AggregateKind::StddevPop),
        "variance" | "var_samp" => plain(AggregateKind::VarSamp),
        "var_pop" => plain(AggregateKind::VarPop),
        "median" | "percentile_cont" => {
            plain(AggregateKind::PercentileCont { fraction: 0.5, descending: false })
        }
        _ => None,
    }
}

impl<'b> Binder<'b> {
    /// Binds an aggregate of a grouped query.
    pub(super) fn aggregate(
        &self,
        name: &str,
        function: &'b ast::Function,
        arguments: &Arguments<'b>,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let Some(grouping) = &scope.grouping else {
            let text = format!("aggregate function {name} is not allowed here");
            return Err(SqlError::type_error(text));
        };
        let call = self.aggregate_call(name, function, arguments, grouping.input)?;
        let (result, nullable) = (call.result.clone(), call.kind != AggregateKind::Count);
        let mut calls = grouping.calls.borrow_mut();
        calls.push(call);
        let column = Expr::Column(grouping.first_call() + calls.len() - 1);
        Ok(Typed::new(column, result, nullable))
    }

    /// Binds the call itself; its arguments see `scope`.
    pub(super) fn aggregate_call(
        &self,
        name: &str,
        function: &'b ast::Function,
        arguments: &Arguments<'b>,
        scope: &Scope<'_>,
    ) -> Result<AggregateCall, SqlError> {
        let Some((mut kind, always_distinct)) = aggregate_kind(name) else {
            return Err(SqlError::not_found(format!("Function '{name}' does not exist.")));
        };
        let wrong = || SqlError::type_error(format!("wrong arguments for {name}"));
        let mut listed = Vec::new();
        if name == "percentile_cont" {
            let ([Some(fraction)], [key]) =
                (arguments.list.as_slice(), function.within_group.as_slice())
            else {
                return Err(wrong());
            };
            let descending = super::bind_call::sort_key(Expr::Column(0), key)?.descending;
            kind = AggregateKind::PercentileCont { fraction: self.fraction(fraction)?, descending };
            listed.push(&key.expr);
        } else {
            if !function.within_group.is_empty() {
                return Err(SqlError::unsupported(format!("{name} WITHIN GROUP")));
            }
            listed.extend(arguments.list.iter().flatten());
        }
        let star = listed.len() != arguments.list.len();
        let mut bound = Vec::new();
        for argument in listed {
            bound.push(self.expr(argument, scope)?);
        }
        let distinct = arguments.distinct || always_distinct;
        let valid = match kind {
            AggregateKind::Count if distinct => !star && !bound.is_empty(),
            AggregateKind::Count => arguments.list.len() == 1,
            AggregateKind::MinBy | AggregateKind::MaxBy => !star && bound.len() == 2,
            _ => !star && bound.len() == 1,
        };
        if !valid {
            return Err(wrong());
        }
        let plain = matches!(
            kind,
            AggregateKind::Count | AggregateKind::ArrayAgg | AggregateKind::AnyValue
        );
        let by_second = matches!(kind, AggregateKind::MinBy | AggregateKind::MaxBy);
        if distinct || !plain {
            for argument in bound.iter().skip(usize::from(by_second && !distinct)) {
                comparable(&argument.data_type, name)?;
            }
        }
        let filter = match &function.filter {
            Some(filter) => Some(self.condition(filter, scope)?),
            None => None,
        };
        if needs_double(kind) {
            bound = bound
                .into_iter()
                .map(|typed| self.coerce(typed, &DataType::Double, CastLevel::Implicit))
                .collect::<Result<_, _>>()
                .map_err(|error| error.at(function.span()))?;
        }
        let argument = bound.first().map_or(DataType::Null, |typed| typed.data_type.clone());
        let result = aggregate_result(kind, name, &argument)?;
        let arguments = bound.into_iter().map(|typed| typed.expr).collect();
        // Equal values do not change the least or greatest, so they need no set.
        let distinct = distinct && !matches!(kind, AggregateKind::Min | AggregateKind::Max);
        Ok(AggregateCall { kind, distinct, arguments, filter, result })
    }

    fn fraction(&self, expr: &'b ast::Expr) -> Result<f64, SqlError> {
        let typed = self.expr(expr, &Scope::default())?;
        let typed = self.coerce(typed, &DataType::Double, CastLevel::Implicit)?;
        match typed.expr {
            Expr::Constant(Value::Double(value)) if (0.0..=1.0).contains(&value) => Ok(value),
            _ => {
                let text = "the percentile must be a literal between 0 and 1";
                Err(SqlError::type_error(text).at(expr.span()))
            }
        }
    }
}

fn needs_double(kind: AggregateKind) -> bool {
    matches!(
        kind,
        AggregateKind::StddevSamp
            | AggregateKind::StddevPop
            | AggregateKind::VarSamp
            | AggregateKind::VarPop
            | AggregateKind::PercentileCont { .. }
    )
}

fn aggregate_result(
    kind: AggregateKind,
    name: &str,
    argument: &DataType,
) -> Result<DataType, SqlError> {
    let whole = matches!(argument, DataType::Integer | DataType::Bigint);
    let allowed = match kind {
        AggregateKind::Sum | AggregateKind::Average => is_number(argument),
        AggregateKind::BoolAnd | AggregateKind::BoolOr => *argument == DataType::Boolean,
        AggregateKind::BitAnd | AggregateKind::BitOr | AggregateKind::BitXor => whole,
        _ => true,
    };
    // A bare NULL is of any type.
    if !allowed && *argument != DataType::Null {
        return Err(SqlError::type_error(format!("function does not exist: {name}({argument})")));
    }
    Ok(match kind {
        AggregateKind::Count => DataType::Bigint,
        AggregateKind::Sum if whole || *argument == DataType::Null => DataType::Bigint,
        AggregateKind::Sum | AggregateKind::Average => match argument {
            // A decimal keeps its scale in every operation (NUMERIC page of the vendor's
            // reference); that the digits in front become all there are is an assumption.
            DataType::Numeric { scale, .. } => DataType::Numeric { precision: 38, scale: *scale },
            _ => DataType::Double,
        },
        AggregateKind::BoolAnd | AggregateKind::BoolOr => DataType::Boolean,
        AggregateKind::ArrayAgg => DataType::Array(Box::new(argument.clone())),
        kind if needs_double(kind) => DataType::Double,
        _ => argument.clone(),
    })
}
