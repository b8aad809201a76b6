//! Binding of lambda functions: `ARRAY_TRANSFORM(x, y -> x + y, array, array)`.
//!
//! All parameters but the last stand in front of the arrow as arguments of their own (the vendor's
//! page on arrays); a list in parentheses is read too.

use std::cell::Cell;
use std::rc::Rc;

use sqlparser::ast::{self, Spanned};

use super::bind::Binder;
use super::bind_compare::comparable;
use super::error::SqlError;
use super::expr::Expr;
use super::function_array::sum_of;
use super::lambda::{Lambda, LambdaKind};
use super::scope::{Field, Outer, Scope, Typed, fold};
use crate::value::DataType;

impl<'b> Binder<'b> {
    /// Binds a call that has a lambda among its arguments, at `at`.
    pub(super) fn lambda_call(
        &self,
        name: &str,
        arguments: &[&'b ast::Expr],
        at: usize,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let (before, rest) = arguments.split_at(at);
        let [ast::Expr::Lambda(lambda), arrays @ ..] = rest else {
            return Err(SqlError::internal("a lambda that is none"));
        };
        let Some(kind) = LambdaKind::find(name) else {
            return Err(SqlError::unsupported(format!("the lambda function {name}")));
        };
        let mut names = Vec::new();
        for parameter in before {
            let ast::Expr::Identifier(parameter) = parameter else {
                let text = "a parameter of a lambda that is not a name";
                return Err(SqlError::type_error(text).at(parameter.span()));
            };
            names.push(fold(parameter));
        }
        names.extend(lambda.params.iter().map(|parameter| fold(&parameter.name)));
        if names.len() != arrays.len() {
            let text = format!("{name}: {} parameters for {} arrays", names.len(), arrays.len());
            return Err(SqlError::type_error(text));
        }
        let mut fields = Vec::new();
        let mut bound = Vec::new();
        let mut nullable = false;
        for (array, name) in arrays.iter().zip(names) {
            let typed = self.expr(array, scope)?;
            let DataType::Array(element) = typed.data_type else {
                let text = format!("a lambda function over {}, which is no array", typed.data_type);
                return Err(SqlError::type_error(text).at(array.span()));
            };
            nullable |= typed.nullable;
            let data_type = *element;
            fields.push(Field {
                qualifier: None,
                name: name.as_ref().into(),
                data_type,
                nullable: true,
                merged: false,
            });
            bound.push(typed.expr);
        }
        let first = fields.first().map_or(DataType::Null, |field| field.data_type.clone());
        let outer = Outer { scope, touched: Cell::new(false) };
        let inner = Scope::new(Rc::new(fields), Some(&outer));
        let body = if kind.tests() {
            let condition = self.condition(&lambda.body, &inner)?;
            Typed::new(condition, DataType::Boolean, true)
        } else {
            self.expr(&lambda.body, &inner)?
        };
        let result = match kind {
            LambdaKind::Transform => DataType::Array(Box::new(body.data_type)),
            LambdaKind::AnyMatch | LambdaKind::AllMatch => DataType::Boolean,
            LambdaKind::First => first,
            LambdaKind::Count => DataType::Integer,
            LambdaKind::Sum => sum_of(&body.data_type).ok_or_else(|| {
                let text = format!("function does not exist: {name}({})", body.data_type);
                SqlError::type_error(text)
            })?,
            LambdaKind::Sort { .. } => {
                comparable(&body.data_type, name)?;
                DataType::Array(Box::new(first))
            }
        };
        let lambda = Lambda {
            kind,
            body: body.expr,
            arrays: bound,
            correlated: outer.touched.get(),
            result: result.clone(),
        };
        let nullable = nullable || matches!(kind, LambdaKind::First | LambdaKind::Sum);
        Ok(Typed::new(Expr::Lambda(Box::new(lambda)), result, nullable))
    }
}
