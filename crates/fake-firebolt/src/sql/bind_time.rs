//! Binding of the functions on dates and times: their units, patterns, and zones are no values.

use sqlparser::ast::{self, Spanned};

use super::bind::Binder;
use super::cast::{self, CastLevel};
use super::coerce::convert;
use super::datetime::Unit;
use super::datetime_field::Field;
use super::error::SqlError;
use super::expr::Expr;
use super::function::Function;
use super::function_time::TimeFunction;
use super::scope::{Scope, Typed};
use crate::quirks::Acceptance;
use crate::value::{DataType, Value};

impl<'b> Binder<'b> {
    /// Binds the function of that name, if it is one of time.
    pub(super) fn time_call(
        &self,
        name: &str,
        list: &[&'b ast::Expr],
        scope: &Scope<'_>,
    ) -> Result<Option<Typed>, SqlError> {
        let now = self.ctx.now_micros;
        let constant =
            |value, data_type| Ok(Some(Typed::new(Expr::Constant(value), data_type, false)));
        let bound = match (name, list) {
            ("current_timestamp" | "now", []) => {
                return constant(Value::TimestampTz(now), DataType::TimestampTz);
            }
            ("localtimestamp", []) => return constant(Value::Timestamp(now), DataType::Timestamp),
            ("current_date", []) => {
                let today = cast::cast(&Value::TimestampTz(now), &DataType::Date)?;
                return constant(today, DataType::Date);
            }
            ("datediff", _) if self.ctx.quirks.datediff == Acceptance::Refuse => {
                return Err(SqlError::not_found("Function 'datediff' does not exist."));
            }
            ("date_diff" | "datediff", [unit, start, end]) => {
                let unit = self.unit(unit, scope)?;
                self.date_diff(unit, start, end, scope)?
            }
            ("date_add", [unit, quantity, point]) => {
                let unit = self.unit(unit, scope)?;
                let quantity = self.argument(quantity, &DataType::Bigint, scope)?;
                let point = self.timestamp(name, point, scope)?;
                let result = point.data_type.clone();
                call(TimeFunction::Add(unit), vec![quantity, point], result)
            }
            ("date_trunc", [unit, point, zone @ ..]) if zone.len() <= 1 => {
                let unit = self.unit(unit, scope)?;
                self.date_trunc(unit, point, zone.first().copied(), scope)?
            }
            ("to_char", [point, pattern]) => {
                let point = self.timestamp(name, point, scope)?;
                let pattern = self.argument(pattern, &DataType::Text, scope)?;
                call(TimeFunction::Render, vec![point, pattern], DataType::Text)
            }
            ("to_date", [text]) => self.read_by_cast(text, &DataType::Date, scope)?,
            ("to_timestamp", [value]) => self.to_timestamp(value, scope)?,
            ("from_unixtime", [seconds]) => {
                let seconds = self.argument(seconds, &DataType::Double, scope)?;
                call(TimeFunction::FromEpoch, vec![seconds], DataType::TimestampTz)
            }
            ("to_date" | "to_timestamp", [text, pattern]) => {
                let date = name == "to_date";
                let result = if date { DataType::Date } else { DataType::TimestampTz };
                let text = self.argument(text, &DataType::Text, scope)?;
                let pattern = self.argument(pattern, &DataType::Text, scope)?;
                call(TimeFunction::Read { date }, vec![text, pattern], result)
            }
            ("date", [value]) => {
                let typed = self.expr(value, scope)?;
                self.coerce(typed, &DataType::Date, CastLevel::Explicit)
                    .map_err(|error| error.at(value.span()))?
            }
            ("to_yyyymm" | "to_yyyymmdd", [point]) => {
                let point = self.timestamp(name, point, scope)?;
                let day = name == "to_yyyymmdd";
                let function =
                    if day { TimeFunction::YearMonthDay } else { TimeFunction::YearMonth };
                call(function, vec![point], DataType::Integer)
            }
            _ => return Ok(None),
        };
        Ok(Some(bound))
    }

    /// EXTRACT(field FROM point)
    pub(super) fn extract(
        &self,
        field: &ast::DateTimeField,
        point: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let name = field.to_string().to_lowercase();
        let Some(field) = Field::parse(&name) else {
            return Err(SqlError::type_error(format!("EXTRACT of an unknown field '{name}'")));
        };
        let typed = self.expr(point, scope)?;
        if !is_point(&typed.data_type) || !field.is_of(&typed.data_type) {
            let text = format!("EXTRACT({name} FROM {}) is not defined", typed.data_type);
            return Err(SqlError::type_error(text).at(point.span()));
        }
        Ok(call(TimeFunction::Extract(field), vec![typed], field.result()))
    }

    /// `point AT TIME ZONE zone`: from the one kind of timestamp to the other.
    pub(super) fn at_time_zone(
        &self,
        point: &'b ast::Expr,
        zone: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let ahead = self.zone(zone, scope)?;
        let typed = self.expr(point, scope)?;
        let result = match typed.data_type {
            DataType::TimestampTz => DataType::Timestamp,
            DataType::Timestamp => DataType::TimestampTz,
            other => {
                let text = format!("AT TIME ZONE is not defined for {other}");
                return Err(SqlError::type_error(text).at(point.span()));
            }
        };
        Ok(call(TimeFunction::Zone(ahead), vec![typed], result))
    }

    /// Microseconds that a zone is ahead of UTC. Zones whose rules change with the date would need
    /// the database of them.
    fn zone(&self, expr: &'b ast::Expr, scope: &Scope<'_>) -> Result<i64, SqlError> {
        let Expr::Constant(Value::Text(name)) = self.expr(expr, scope)?.expr else {
            return Err(SqlError::unsupported("a time zone that is not a string literal"));
        };
        fixed_zone(&name)
            .ok_or_else(|| SqlError::unsupported(format!("the time zone {name}")).at(expr.span()))
    }

    fn unit(&self, expr: &'b ast::Expr, scope: &Scope<'_>) -> Result<Unit, SqlError> {
        let typed = self.expr(expr, scope)?;
        match &typed.expr {
            Expr::Constant(Value::Text(text)) => Unit::parse(text)
                .ok_or_else(|| SqlError::data(format!("unknown date unit '{text}'"))),
            _ => Err(SqlError::unsupported("a date unit that is not a string literal")),
        }
    }

    fn argument(
        &self,
        expr: &'b ast::Expr,
        to: &DataType,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let typed = self.expr(expr, scope)?;
        self.coerce(typed, to, CastLevel::Implicit).map_err(|error| error.at(expr.span()))
    }

    /// A TIMESTAMP or TIMESTAMPTZ; a date becomes one, and so does a string literal.
    fn timestamp(
        &self,
        name: &str,
        expr: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let typed = self.expr(expr, scope)?;
        match typed.data_type {
            DataType::Timestamp | DataType::TimestampTz => Ok(typed),
            DataType::Date | DataType::Null => convert(typed, &DataType::Timestamp),
            DataType::Text if typed.literal => convert(typed, &DataType::Timestamp),
            other => {
                let text = format!("function does not exist: {name}({other})");
                Err(SqlError::type_error(text).at(expr.span()))
            }
        }
    }

    /// All operands become TIMESTAMPTZ if one is, else TIMESTAMP.
    fn date_diff(
        &self,
        unit: Unit,
        start: &'b ast::Expr,
        end: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let bound = [self.expr(start, scope)?, self.expr(end, scope)?];
        let zoned = bound.iter().any(|operand| operand.data_type == DataType::TimestampTz);
        let to = if zoned { DataType::TimestampTz } else { DataType::Timestamp };
        let nullable = bound.iter().any(|operand| operand.nullable);
        let mut exprs = Vec::new();
        for operand in bound {
            let level = if operand.literal { CastLevel::Explicit } else { CastLevel::Implicit };
            exprs.push(self.coerce(operand, &to, level)?.expr);
        }
        let expr = Expr::Call(Function::DateDiff(unit), exprs);
        Ok(Typed::new(expr, DataType::Bigint, nullable))
    }

    fn date_trunc(
        &self,
        unit: Unit,
        point: &'b ast::Expr,
        zone: Option<&'b ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let typed = self.expr(point, scope)?;
        let refused = |text: String| Err(SqlError::type_error(text).at(point.span()));
        if let Some(zone) = zone {
            if typed.data_type != DataType::TimestampTz {
                return refused(format!("a time zone to truncate {} in", typed.data_type));
            }
            if self.zone(zone, scope)? != 0 {
                return Err(SqlError::unsupported("DATE_TRUNC in a time zone other than UTC"));
            }
        }
        let typed = match typed.data_type {
            DataType::Date if unit.is_within_a_day() => {
                return refused("a date cannot be truncated to a part of a day".to_owned());
            }
            DataType::Date | DataType::Timestamp | DataType::TimestampTz => typed,
            _ => self.timestamp("date_trunc", point, scope)?,
        };
        let (result, nullable) = (typed.data_type, typed.nullable);
        Ok(Typed::new(Expr::Call(Function::DateTrunc(unit), vec![typed.expr]), result, nullable))
    }

    fn read_by_cast(
        &self,
        expr: &'b ast::Expr,
        to: &DataType,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let typed = self.argument(expr, &DataType::Text, scope)?;
        self.coerce(typed, to, CastLevel::Explicit).map_err(|error| error.at(expr.span()))
    }

    fn to_timestamp(&self, expr: &'b ast::Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let typed = self.expr(expr, scope)?;
        if typed.data_type == DataType::Text {
            return self.read_by_cast(expr, &DataType::TimestampTz, scope);
        }
        let seconds = self
            .coerce(typed, &DataType::Double, CastLevel::Implicit)
            .map_err(|error| error.at(expr.span()))?;
        Ok(call(TimeFunction::FromEpoch, vec![seconds], DataType::TimestampTz))
    }
}

fn is_point(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Timestamp | DataType::TimestampTz)
}

fn call(function: TimeFunction, arguments: Vec<Typed>, result: DataType) -> Typed {
    let nullable = arguments.iter().any(|argument| argument.nullable);
    let exprs = arguments.into_iter().map(|argument| argument.expr).collect();
    Typed::new(Expr::Call(Function::Time(function), exprs), result, nullable)
}

/// Names of the tz database whose distance from UTC never changes. The sign in `Etc/GMT-2` counts
/// westwards, as that database has it.
fn fixed_zone(name: &str) -> Option<i64> {
    const UTC: &[&str] =
        &["utc", "gmt", "etc/utc", "etc/gmt", "etc/uct", "uct", "universal", "zulu", "etc/zulu"];
    let lower = name.to_ascii_lowercase();
    if UTC.contains(&lower.as_str()) {
        return Some(0);
    }
    let hours: i64 = lower.strip_prefix("etc/gmt")?.parse().ok()?;
    (-14..=12).contains(&hours).then_some(-hours * 3600 * super::datetime::SECOND)
}
