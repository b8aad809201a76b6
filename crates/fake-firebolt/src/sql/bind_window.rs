//! Binding of window functions: the call, PARTITION BY, ORDER BY, and the frame.

use sqlparser::ast::{self, BinaryOperator, Spanned, WindowFrameBound};

use super::arithmetic::Operator;
use super::bind::Binder;
use super::bind_aggregate::aggregate_kind;
use super::bind_call::{Arguments, sort_key};
use super::bind_compare::compared;
use super::cast::CastLevel;
use super::coerce::{convert, pair};
use super::error::SqlError;
use super::expr::Expr;
use super::scope::{Scope, Typed};
use super::window::{Bound, Frame, WindowCall, WindowFunction};
use crate::value::{DataType, Value};

/// Where a frame ends if only its start is written.
static CURRENT_ROW: WindowFrameBound = WindowFrameBound::CurrentRow;

impl<'b> Binder<'b> {
    /// Binds a call with OVER.
    pub(super) fn window(
        &self,
        name: &str,
        function: &'b ast::Function,
        arguments: &Arguments<'b>,
        over: &'b ast::WindowType,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let ast::WindowType::WindowSpec(ast::WindowSpec {
            window_name: None,
            partition_by,
            order_by,
            window_frame,
        }) = over
        else {
            return Err(SqlError::unsupported("a named window"));
        };
        let Some(windows) = &scope.windows else {
            return Err(SqlError::type_error("window functions are not allowed here"));
        };
        let before = windows.borrow().len();
        let (bound, result, nullable) = self.window_function(name, function, arguments, scope)?;
        let mut partition = Vec::new();
        for expr in partition_by {
            let typed = compared(self.expr(expr, scope)?, "PARTITION BY");
            partition.push(typed.map_err(|error| error.at(expr.span()))?.expr);
        }
        let mut order = Vec::new();
        let mut typed_keys = Vec::new();
        for key in order_by {
            let typed = compared(self.expr(&key.expr, scope)?, "ORDER BY")
                .map_err(|error| error.at(key.expr.span()))?;
            order.push(sort_key(typed.expr.clone(), key)?);
            typed_keys.push(typed);
        }
        let frame = match window_frame {
            None => Frame::standard(),
            Some(frame) => self.frame(frame, order_by, &mut order, typed_keys, scope)?,
        };
        let mut windows = windows.borrow_mut();
        if windows.len() != before {
            return Err(SqlError::type_error("window function calls cannot be nested"));
        }
        windows.push(WindowCall { function: bound, partition, order, frame });
        Ok(Typed::new(Expr::FromEnd(before), result, nullable))
    }

    fn window_function(
        &self,
        name: &str,
        function: &'b ast::Function,
        arguments: &Arguments<'b>,
        scope: &Scope<'_>,
    ) -> Result<(WindowFunction, DataType, bool), SqlError> {
        if arguments.distinct {
            return Err(SqlError::unsupported(format!("{name}(DISTINCT …) OVER")));
        }
        if aggregate_kind(name).is_some() {
            let call = self.aggregate_call(name, function, arguments, scope)?;
            let (result, counts) =
                (call.result.clone(), call.kind == super::aggregate::AggregateKind::Count);
            return Ok((WindowFunction::Aggregate(Box::new(call)), result, !counts));
        }
        if function.filter.is_some() || !function.within_group.is_empty() {
            return Err(SqlError::unsupported(format!("the call {function}")));
        }
        let mut list = Vec::new();
        for argument in &arguments.list {
            list.push(argument.ok_or_else(|| wrong(name))?);
        }
        let number = (DataType::Bigint, false);
        let share = (DataType::Double, false);
        let ((result, nullable), bound) = match (name, list.as_slice()) {
            ("row_number", []) => (number, WindowFunction::RowNumber),
            ("rank", []) => (number, WindowFunction::Rank),
            ("dense_rank", []) => (number, WindowFunction::DenseRank),
            ("percent_rank", []) => (share, WindowFunction::PercentRank),
            ("cume_dist", []) => (share, WindowFunction::CumeDist),
            ("ntile", [buckets]) => {
                ((DataType::Bigint, true), WindowFunction::Ntile(self.whole(buckets, scope)?))
            }
            ("first_value" | "last_value", [value]) => {
                let value = self.expr(value, scope)?;
                let first = name == "first_value";
                let call = if first { WindowFunction::First } else { WindowFunction::Last };
                ((value.data_type, true), call(value.expr))
            }
            ("nth_value", [value, at]) => {
                let value = self.expr(value, scope)?;
                let at = self.whole(at, scope)?;
                ((value.data_type, true), WindowFunction::Nth(value.expr, at))
            }
            ("lag" | "lead", [value, rest @ ..]) if rest.len() <= 2 => {
                let value = self.expr(value, scope)?;
                let offset = rest.first().map(|at| self.whole(at, scope)).transpose()?;
                let default = match rest.get(1) {
                    None => None,
                    Some(default) => {
                        let typed = self.expr(default, scope)?;
                        let level =
                            if typed.literal { CastLevel::Assignment } else { CastLevel::Implicit };
                        let typed = self.coerce(typed, &value.data_type, level);
                        Some(typed.map_err(|error| error.at(default.span()))?.expr)
                    }
                };
                let forward = name == "lead";
                let call = WindowFunction::Lag { value: value.expr, offset, default, forward };
                ((value.data_type, true), call)
            }
            (
                "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile"
                | "first_value" | "last_value" | "nth_value" | "lag" | "lead",
                _,
            ) => return Err(wrong(name)),
            _ => return Err(SqlError::unsupported(format!("the window function {name}"))),
        };
        Ok((bound, result, nullable))
    }

    fn whole(&self, expr: &'b ast::Expr, scope: &Scope<'_>) -> Result<Expr, SqlError> {
        let typed = self.expr(expr, scope)?;
        let typed = self.coerce(typed, &DataType::Bigint, CastLevel::Implicit);
        typed.map(|typed| typed.expr).map_err(|error| error.at(expr.span()))
    }

    fn frame(
        &self,
        frame: &'b ast::WindowFrame,
        keys: &'b [ast::OrderByExpr],
        order: &mut [super::plan::SortKey],
        mut typed_keys: Vec<Typed>,
        scope: &Scope<'_>,
    ) -> Result<Frame, SqlError> {
        let (start, end) = (&frame.start_bound, frame.end_bound.as_ref().unwrap_or(&CURRENT_ROW));
        check_bounds(start, end)?;
        let rows = match frame.units {
            ast::WindowFrameUnits::Rows => true,
            ast::WindowFrameUnits::Range => false,
            ast::WindowFrameUnits::Groups => return Err(SqlError::unsupported("GROUPS frames")),
        };
        let mut bounds = Vec::new();
        for (bound, open) in [(start, Bound::First), (end, Bound::Last)] {
            bounds.push(match bound {
                WindowFrameBound::CurrentRow => Bound::Current,
                WindowFrameBound::Preceding(None) | WindowFrameBound::Following(None) => open,
                WindowFrameBound::Preceding(Some(offset)) if rows => {
                    Bound::RowsBefore(self.row_offset(offset)?)
                }
                WindowFrameBound::Following(Some(offset)) if rows => {
                    Bound::RowsAfter(self.row_offset(offset)?)
                }
                WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_)) => {
                    let ([key], [sort], [typed]) = (keys, &mut *order, typed_keys.as_mut_slice())
                    else {
                        let text = "RANGE with an offset requires exactly one ORDER BY column";
                        return Err(SqlError::type_error(text));
                    };
                    self.range_bound(bound, key, sort, typed, scope)?
                }
            });
        }
        let (end, start) = (bounds.pop(), bounds.pop());
        let missing = || SqlError::internal("a frame without a bound");
        let (start, end) = (start.ok_or_else(missing)?, end.ok_or_else(missing)?);
        Ok(Frame { rows, start, end })
    }

    fn row_offset(&self, expr: &'b ast::Expr) -> Result<usize, SqlError> {
        match self.whole(expr, &Scope::default())? {
            Expr::Constant(Value::Bigint(offset)) => usize::try_from(offset)
                .map_err(|_| SqlError::data("frame offset must not be negative").at(expr.span())),
            Expr::Constant(Value::Null) => {
                Err(SqlError::data("frame offset must not be null").at(expr.span()))
            }
            _ => Err(SqlError::unsupported("a frame offset that is not a number").at(expr.span())),
        }
    }

    /// A bound at a distance from the current row's key. The key is brought to the type that the
    /// distance can be added to, and sorted by in that type.
    fn range_bound(
        &self,
        bound: &'b WindowFrameBound,
        key: &'b ast::OrderByExpr,
        sort: &mut super::plan::SortKey,
        typed_key: &mut Typed,
        scope: &Scope<'_>,
    ) -> Result<Bound, SqlError> {
        let typed = typed_key.clone();
        let (before, offset) = match bound {
            WindowFrameBound::Preceding(Some(offset)) => (true, offset),
            WindowFrameBound::Following(Some(offset)) => (false, offset),
            _ => return Err(SqlError::internal("a RANGE bound without an offset")),
        };
        let back = before != sort.descending;
        let operator = if back { Operator::Subtract } else { Operator::Add };
        if let ast::Expr::Interval(interval) = &**offset {
            let typed = match typed.data_type {
                DataType::Date => convert(typed, &DataType::Timestamp)?,
                _ => typed,
            };
            sort.expr = typed.expr;
            let limit = self.shift(&key.expr, operator, interval, scope)?.expr;
            return Ok(Bound::Value { limit: Box::new(limit), before });
        }
        let distance = self.expr(offset, &Scope::default())?;
        let op = if back { BinaryOperator::Minus } else { BinaryOperator::Plus };
        let (typed, distance) =
            pair(typed, distance, &op).map_err(|error| error.at(offset.span()))?;
        let Expr::Constant(value) = &distance.expr else {
            return Err(SqlError::unsupported("a frame offset that is not a number"));
        };
        let zero = super::cast::cast(&Value::Integer(0), &distance.data_type)
            .map_err(|_| SqlError::unsupported("a frame offset that is not a number"))?;
        if value.is_null() || *value < zero {
            return Err(SqlError::data("frame offset must not be negative").at(offset.span()));
        }
        let Some(result) = operator.result(&typed.data_type) else {
            let text = format!("RANGE with an offset on {}", typed.data_type);
            return Err(SqlError::unsupported(text).at(offset.span()));
        };
        sort.expr = typed.expr.clone();
        *typed_key = typed.clone();
        let (key, distance) = (Box::new(typed.expr), Box::new(distance.expr));
        let limit = Box::new(Expr::Arithmetic(operator, key, distance, result));
        Ok(Bound::Value { limit, before })
    }
}

fn wrong(name: &str) -> SqlError {
    SqlError::type_error(format!("wrong arguments for {name}"))
}

/// A frame must not end before it begins by its very wording.
fn check_bounds(start: &WindowFrameBound, end: &WindowFrameBound) -> Result<(), SqlError> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let text = match (start, end) {
        (Following(None), _) => "frame start cannot be UNBOUNDED FOLLOWING",
        (_, Preceding(None)) => "frame end cannot be UNBOUNDED PRECEDING",
        (CurrentRow, Preceding(_)) => "frame starting from current row cannot have preceding rows",
        (Following(_), CurrentRow | Preceding(_)) => {
            "frame starting from following row cannot have preceding rows"
        }
        _ => return Ok(()),
    };
    Err(SqlError::type_error(text))
}
