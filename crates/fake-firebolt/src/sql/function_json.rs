//! Functions on JSON: on documents in a TEXT, which answer with pieces of it, and on values of the
//! type JSON (the vendor's pages on both).

use super::cast;
use super::error::SqlError;
use super::json::{self, Json, Kind, Layout};
use crate::value::{DataType, Value};
use crate::wire::cell::{json as json_cell, push_json_string};

/// A function on JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonFunction {
    Extract,
    ExtractArray,
    ExtractText,
    ExtractValues,
    ExtractKeys,
    Value,
    ValueArray,
    Format {
        layout: Layout,
        tries: bool,
    },
    /// `TO_JSON(value)`
    ToJson,
    /// `TO_JSON_STRING(struct)`
    ToText,
    /// `json.name`
    Member,
    /// `json[key]`
    Entry,
}

/// A function with the answers to what the vendor's pages leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonCall {
    pub(super) function: JsonFunction,
    /// Whether a text that is no document is an error, not NULL.
    pub(super) strict: bool,
    /// Whether a null of JSON is NULL where a scalar is taken out, not the text `null`.
    pub(super) null_is_null: bool,
}

impl JsonCall {
    pub(super) fn compute(self, values: &[Value]) -> Result<Value, SqlError> {
        match (self.function, values) {
            (JsonFunction::ToJson, [value]) => {
                let mut text = String::new();
                push_json(&mut text, value)?;
                Ok(Value::Json(kept(&text)?.into()))
            }
            (JsonFunction::ToText, [value]) => {
                // Slashes stand in texts only.
                Ok(Value::text(&json_cell(value).replace('/', "\\/")))
            }
            (_, [Value::Text(text) | Value::Json(text), rest @ ..]) => match json::read(text) {
                Ok(document) => self.of(&document, rest),
                Err(error) if self.is_strict() => {
                    Err(SqlError::data(format!("Invalid JSON: {error}")))
                }
                Err(_) => Ok(Value::Null),
            },
            _ => Err(SqlError::internal(format!("{:?} got what is no document", self.function))),
        }
    }

    fn is_strict(self) -> bool {
        match self.function {
            JsonFunction::Format { tries, .. } => !tries,
            _ => self.strict,
        }
    }

    fn of(self, document: &Json<'_>, rest: &[Value]) -> Result<Value, SqlError> {
        let key = match rest.first() {
            Some(Value::Text(key)) => key.to_string(),
            Some(Value::Bigint(key)) => key.to_string(),
            None => String::new(),
            Some(_) => return Err(SqlError::internal("a place in JSON that is neither")),
        };
        Ok(match self.function {
            JsonFunction::Value => self.scalar(document),
            JsonFunction::ValueArray => self.scalars(document),
            JsonFunction::Format { layout, .. } => Value::text(&json::laid_out(document, layout)?),
            JsonFunction::Member => part(json::member(document, &key)),
            JsonFunction::Entry => part(json::entry(document, &key)),
            function => match json::follow(document, &key).map_err(SqlError::data)? {
                Some(place) => piece(function, place),
                None => Value::Null,
            },
        })
    }

    /// A scalar as TEXT; NULL for lists and objects.
    fn scalar(self, json: &Json<'_>) -> Value {
        match json.kind {
            Kind::Text => json.text().map_or(Value::Null, |text| Value::text(&text)),
            Kind::List(_) | Kind::Object(_) => Value::Null,
            Kind::Null if self.null_is_null => Value::Null,
            _ => Value::text(json.raw),
        }
    }

    fn scalars(self, json: &Json<'_>) -> Value {
        let Kind::List(items) = &json.kind else { return Value::Null };
        if items.iter().any(|item| matches!(item.kind, Kind::List(_) | Kind::Object(_))) {
            return Value::Null;
        }
        Value::Array(items.iter().map(|item| self.scalar(item)).collect())
    }
}

fn raw(json: &Json<'_>) -> Value {
    Value::text(json.raw)
}

/// A piece of a document as a function of TEXT answers it.
fn piece(function: JsonFunction, place: &Json<'_>) -> Value {
    let text = |json: &Json<'_>| json.text().map_or(Value::Null, |text| Value::text(&text));
    match (function, &place.kind) {
        (JsonFunction::Extract, _) => raw(place),
        (JsonFunction::ExtractText, _) => text(place),
        (JsonFunction::ExtractArray, Kind::List(items)) => {
            Value::Array(items.iter().map(raw).collect())
        }
        (JsonFunction::ExtractValues, Kind::Object(members)) => {
            Value::Array(members.iter().map(|(_, value)| raw(value)).collect())
        }
        (JsonFunction::ExtractKeys, Kind::Object(members)) => {
            Value::Array(members.iter().map(|(name, _)| text(name)).collect())
        }
        _ => Value::Null,
    }
}

/// A part of a JSON value, which is kept in its one form.
fn part(json: Option<&Json<'_>>) -> Value {
    json.map_or(Value::Null, |json| Value::Json(json.raw.into()))
}

/// A text as a JSON value keeps it: what a cast does.
pub(super) fn kept(text: &str) -> Result<String, SqlError> {
    let document = json::read(text);
    document
        .map(|document| json::kept(&document))
        .map_err(|error| SqlError::data(format!("Invalid JSON: {error}")))
}

/// Appends any value as JSON.
fn push_json(out: &mut String, value: &Value) -> Result<(), SqlError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(_) | Value::Integer(_) | Value::Bigint(_) => {
            out.push_str(&value.to_string());
        }
        Value::Real(_) | Value::Double(_) => {
            let text = value.to_string();
            if !text.ends_with(|c: char| c.is_ascii_digit()) {
                return Err(SqlError::unsupported(format!("{text} as JSON")));
            }
            out.push_str(&text);
        }
        Value::Json(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_json(out, item)?;
            }
            out.push(']');
        }
        Value::Struct(value) => {
            out.push('{');
            for (at, (name, field)) in value.fields().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_json_string(out, name);
                out.push(':');
                push_json(out, field)?;
            }
            out.push('}');
        }
        other => push_json_string(out, &cast::cast(other, &DataType::Text)?.to_string()),
    }
    Ok(())
}
