//! Binding of array literals, and of UNNEST and GENERATE_SERIES in FROM.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, Spanned, TableFactor};

use super::ast_walk::is_word;
use super::bind::Binder;
use super::bind_table::Relation;
use super::cast::CastLevel;
use super::coerce::unify;
use super::error::SqlError;
use super::expr::Expr;
use super::function::Function;
use super::function_array::ArrayFunction;
use super::plan::Plan;
use super::scope::{Field, Outer, Scope, Typed, fold};
use super::unnest::{Series, Unnest};
use crate::value::{DataType, Value};

impl<'b> Binder<'b> {
    /// `[a, b]` or `ARRAY[a, b]`
    pub(super) fn array(
        &self,
        array: &'b ast::Array,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut items = Vec::new();
        for item in &array.elem {
            items.push(self.expr(item, scope)?);
        }
        let (items, element) = unify(items, "ARRAY")?;
        let data_type = DataType::Array(Box::new(element));
        let constants: Option<Vec<Value>> = items
            .iter()
            .map(|item| match item {
                Expr::Constant(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let expr = match constants {
            Some(values) => Expr::Constant(Value::Array(values.into())),
            None => Expr::Call(Function::Array(ArrayFunction::Make), items),
        };
        Ok(Typed::new(expr, data_type, false))
    }

    /// The UNNEST that an item of FROM is, joined to what stands before it: its arrays may look at
    /// the columns there. `None` if the item is something else.
    pub(super) fn unnest_item(
        &self,
        item: &'b ast::TableWithJoins,
        left: Option<&Relation>,
        outer: Option<&Outer<'_>>,
    ) -> Result<Option<Relation>, SqlError> {
        let TableFactor::Table { name, alias, args: Some(args), .. } = &item.relation else {
            return Ok(None);
        };
        if !item.joins.is_empty() || !is_word(name, "unnest") {
            return Ok(None);
        }
        let fields = left.map(|left| left.fields.clone()).unwrap_or_default();
        let width = fields.len();
        let scope = Scope::new(std::rc::Rc::new(fields.clone()), outer);
        let mut arrays = Vec::new();
        let mut all = fields;
        for (at, argument) in arguments(args)?.into_iter().enumerate() {
            let typed = self.expr(argument, &scope)?;
            let DataType::Array(element) = typed.data_type else {
                let text = format!("UNNEST of {}, which is no array", typed.data_type);
                return Err(SqlError::type_error(text).at(argument.span()));
            };
            let name = if at == 0 { "unnest".to_owned() } else { format!("unnest_{at}") };
            let qualifier = Some("unnest".into());
            all.push(Field {
                qualifier,
                name: name.into(),
                data_type: *element,
                nullable: true,
                merged: false,
            });
            arrays.push(typed.expr);
        }
        named(&mut all[width..], alias.as_ref())?;
        let input = left.map_or(Plan::One, |left| left.plan.clone());
        let plan = Plan::Unnest(Box::new(Unnest { input, arrays }));
        Ok(Some(Relation { plan, fields: all }))
    }

    /// UNNEST(array) in a select list, typed as an element; the plan takes the array apart.
    pub(super) fn unnest_call(
        &self,
        function: &'b ast::Function,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let argument = match &function.args {
            ast::FunctionArguments::List(list) => list.args.as_slice(),
            _ => &[],
        };
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(array))] = argument else {
            return Err(SqlError::unsupported(format!("{function} in a select list")));
        };
        let typed = self.expr(array, scope)?;
        let DataType::Array(element) = typed.data_type else {
            let text = format!("UNNEST of {}, which is no array", typed.data_type);
            return Err(SqlError::type_error(text).at(array.span()));
        };
        Ok(Typed::new(typed.expr, *element, true))
    }

    /// GENERATE_SERIES(start, stop [, step])
    pub(super) fn generate_series(
        &self,
        args: &'b ast::TableFunctionArgs,
        alias: Option<&'b ast::TableAlias>,
    ) -> Result<Relation, SqlError> {
        let mut numbers = Vec::new();
        let mut big = false;
        for argument in arguments(args)? {
            let typed = self.expr(argument, &Scope::default())?;
            big |= typed.data_type == DataType::Bigint;
            let typed = self
                .coerce(typed, &DataType::Bigint, CastLevel::Implicit)
                .map_err(|error| error.at(argument.span()))?;
            match super::bind::constant(&typed.expr)? {
                Value::Bigint(number) => numbers.push(number),
                _ => return Err(SqlError::unsupported("GENERATE_SERIES of NULL")),
            }
        }
        let (start, stop, step) = match numbers.as_slice() {
            [start, stop] => (*start, *stop, 1),
            [start, stop, step] => (*start, *stop, *step),
            _ => return Err(SqlError::type_error("wrong arguments for generate_series")),
        };
        if step == 0 {
            return Err(SqlError::data("step size cannot equal zero"));
        }
        let data_type = if big { DataType::Bigint } else { DataType::Integer };
        let qualifier = Some("generate_series".into());
        let name = "generate_series".to_owned();
        let mut fields =
            vec![Field { qualifier, name: name.into(), data_type, nullable: false, merged: false }];
        named(&mut fields, alias)?;
        Ok(Relation { plan: Plan::Series(Series { start, stop, step, big }), fields })
    }
}

/// Names the columns that a table function makes. An alias without a column list names the only
/// column too.
fn named(fields: &mut [Field], alias: Option<&ast::TableAlias>) -> Result<(), SqlError> {
    let Some(alias) = alias else { return Ok(()) };
    let ast::TableAlias { name, columns, at: None, .. } = alias else {
        return Err(SqlError::unsupported(format!("the alias {alias}")));
    };
    if columns.len() > fields.len() {
        let text = format!("table {name} has fewer columns than its alias names");
        return Err(SqlError::type_error(text));
    }
    let qualifier: std::rc::Rc<str> = fold(name).into();
    if let ([only], []) = (&mut *fields, columns.as_slice()) {
        only.name = fold(name).as_ref().into();
    }
    for field in &mut *fields {
        field.qualifier = Some(qualifier.clone());
    }
    for (field, column) in fields.iter_mut().zip(columns) {
        field.name = fold(&column.name).as_ref().into();
    }
    Ok(())
}

fn arguments(args: &ast::TableFunctionArgs) -> Result<Vec<&ast::Expr>, SqlError> {
    if args.settings.is_some() {
        return Err(SqlError::unsupported("SETTINGS of a table function"));
    }
    args.args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
            other => Err(SqlError::unsupported(format!("the argument {other}"))),
        })
        .collect()
}
