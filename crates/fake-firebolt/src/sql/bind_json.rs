//! Binding of the functions on JSON, and of the two operators of the type JSON.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArgOperator};

use super::bind::{Binder, constant};
use super::cast::CastLevel;
use super::error::SqlError;
use super::expr::Expr;
use super::function::Function;
use super::function_json::{JsonCall, JsonFunction};
use super::json::Layout;
use super::scope::{Scope, Typed, fold};
use crate::quirks::{JsonNull, MalformedJson};
use crate::value::{DataType, Value};

impl<'b> Binder<'b> {
    fn json(&self, function: JsonFunction, arguments: Vec<Expr>, result: DataType) -> Typed {
        let call = JsonCall {
            function,
            strict: self.ctx.quirks.malformed_json == MalformedJson::Error,
            null_is_null: self.ctx.quirks.json_null == JsonNull::Missing,
        };
        Typed::new(Expr::Call(Function::Json(call), arguments), result, true)
    }

    /// A call of a function on JSON; `None` if the name is another's.
    pub(super) fn json_call(
        &self,
        name: &str,
        list: &[&'b ast::Expr],
        scope: &Scope<'_>,
    ) -> Result<Option<Typed>, SqlError> {
        use JsonFunction as F;
        let texts = || DataType::Array(Box::new(DataType::Text));
        let (function, result) = match name {
            "json_extract" | "json_pointer_extract" => (F::Extract, DataType::Text),
            "json_extract_array" | "json_pointer_extract_array" => (F::ExtractArray, texts()),
            "json_pointer_extract_text" => (F::ExtractText, DataType::Text),
            "json_pointer_extract_values" => (F::ExtractValues, texts()),
            "json_pointer_extract_keys" => (F::ExtractKeys, texts()),
            "json_value" => (F::Value, DataType::Text),
            "json_value_array" => (F::ValueArray, texts()),
            "to_json" => (F::ToJson, DataType::Json),
            "to_json_string" => (F::ToText, DataType::Text),
            "json_format" | "try_json_format" | "json_pretty" | "try_json_pretty" => {
                return self.format(name, list, scope).map(Some);
            }
            _ => return Ok(None),
        };
        let wrong = || SqlError::type_error(format!("wrong number of arguments for {name}"));
        let mut bound = Vec::with_capacity(list.len());
        for argument in list {
            bound.push(self.expr(argument, scope)?);
        }
        if matches!(name, "json_extract" | "json_extract_array")
            && let Some(syntax) = (bound.len() == 3).then(|| bound.pop()).flatten()
        {
            check_syntax(&syntax)?;
        }
        let pointed = !matches!(function, F::Value | F::ValueArray | F::ToJson | F::ToText);
        if bound.len() != if pointed { 2 } else { 1 } {
            return Err(wrong());
        }
        let mut arguments = Vec::with_capacity(bound.len());
        for (at, typed) in bound.into_iter().enumerate() {
            let of_any_type = at == 0
                && match (function, &typed.data_type) {
                    (F::ToJson, _) | (F::Value, DataType::Json) => true,
                    (F::ToText, DataType::Struct(_) | DataType::Null) => true,
                    (F::ToText, other) => {
                        let text = format!("function does not exist: {name}({other})");
                        return Err(SqlError::type_error(text));
                    }
                    _ => false,
                };
            arguments.push(match of_any_type {
                true => typed.expr,
                false => self.coerce(typed, &DataType::Text, CastLevel::Implicit)?.expr,
            });
        }
        Ok(Some(self.json(function, arguments, result)))
    }

    fn format(
        &self,
        name: &str,
        list: &[&'b ast::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let layout = match list {
            [_] => Layout::Lines(4),
            [_, indentation] if name.ends_with("format") => {
                layout(&self.expr(indentation, &Scope::default())?)?
            }
            _ => return Err(SqlError::type_error(format!("wrong number of arguments for {name}"))),
        };
        let function = JsonFunction::Format { layout, tries: name.starts_with("try_") };
        let document = self.expr(list[0], scope)?;
        let document = self.coerce(document, &DataType::Text, CastLevel::Implicit)?;
        Ok(self.json(function, vec![document.expr], DataType::Text))
    }

    /// `json.name`
    pub(super) fn json_member(&self, typed: Typed, name: &str) -> Typed {
        let name = Expr::Constant(Value::text(name));
        self.json(JsonFunction::Member, vec![typed.expr, name], DataType::Json)
    }

    /// `json[key]`, where a name and a position are written alike.
    pub(super) fn json_entry(&self, typed: Typed, key: Typed) -> Result<Typed, SqlError> {
        let to = match key.data_type {
            DataType::Text => DataType::Text,
            _ => DataType::Bigint,
        };
        let key = self.coerce(key, &to, CastLevel::Implicit)?;
        Ok(self.json(JsonFunction::Entry, vec![typed.expr, key.expr], DataType::Json))
    }
}

/// The syntax of paths: there is one.
fn check_syntax(syntax: &Typed) -> Result<(), SqlError> {
    match &syntax.expr {
        Expr::Constant(Value::Text(name)) if name.eq_ignore_ascii_case("JSONPointer") => Ok(()),
        Expr::Constant(other) => Err(SqlError::unsupported(format!("the path syntax {other}"))),
        _ => Err(SqlError::type_error("path_syntax must be a literal")),
    }
}

/// The layout that an indentation asks for (the vendor's page on JSON_FORMAT).
fn layout(indentation: &Typed) -> Result<Layout, SqlError> {
    let wrong = |value: &Value| {
        let text = format!(
            "the indentation of JSON cannot be {value}: it is -1, 0, 1, 2, 4, 8, 'mini', \
             'newline' or 'pretty'"
        );
        SqlError::type_error(text)
    };
    if !indentation.expr.is_constant() {
        return Err(SqlError::type_error("the indentation of JSON must be a literal"));
    }
    match &constant(&indentation.expr)? {
        Value::Integer(-1) => Ok(Layout::Mini),
        Value::Integer(0) => Ok(Layout::Lines(0)),
        Value::Integer(spaces @ (1 | 2 | 4 | 8)) => Ok(Layout::Lines(*spaces as u8)),
        Value::Text(word) => match &**word {
            "mini" => Ok(Layout::Mini),
            "newline" => Ok(Layout::Lines(0)),
            "pretty" => Ok(Layout::Lines(4)),
            _ => Err(wrong(&Value::Text(word.clone()))),
        },
        other => Err(wrong(other)),
    }
}

/// The argument that is given by its name, where a function has one: `path_syntax => 'JSONPointer'`.
pub(super) fn named_argument<'f>(
    function: &ast::ObjectName,
    argument: &'f FunctionArg,
) -> Option<&'f ast::Expr> {
    let takes = ["json_extract", "json_extract_array"];
    let name = function.to_string().to_lowercase();
    match argument {
        FunctionArg::Named {
            name: word,
            arg: FunctionArgExpr::Expr(expr),
            operator: FunctionArgOperator::RightArrow,
        } if takes.contains(&name.as_str()) && fold(word) == "path_syntax" => Some(expr),
        _ => None,
    }
}
