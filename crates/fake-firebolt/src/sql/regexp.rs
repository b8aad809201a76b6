//! Regular expressions (the vendor's pages on REGEXP_LIKE, REGEXP_REPLACE, and REGEXP_EXTRACT).
//!
//! The service speaks RE2. The engine here has its grammar except for Unicode classes, which are
//! refused by name; like RE2 it runs in linear time. `.` matches a newline unless the flag `-s`
//! says otherwise.

use std::cell::RefCell;

use regex_lite::{Captures, Regex, RegexBuilder};

use super::error::SqlError;
use super::expr::{Env, Expr};
use super::function::whole;
use crate::value::{DataType, Value};

/// A function on regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegexpKind {
    Like,
    LikeAny,
    Replace,
    ReplaceAll,
    Extract,
    ExtractAll,
}

/// One call, with the pattern it was last asked for.
#[derive(Debug, Clone)]
pub(super) struct Regexp {
    pub(super) kind: RegexpKind,
    pub(super) arguments: Vec<Expr>,
    pub(super) last: RefCell<Option<Compiled>>,
}

/// A pattern that has been read, with what it was read from.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pattern: String,
    flags: String,
    regex: Regex,
}

impl RegexpKind {
    /// The kind of a lower-case function name.
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "regexp_like" => Self::Like,
            "regexp_like_any" => Self::LikeAny,
            "regexp_replace" => Self::Replace,
            "regexp_replace_all" => Self::ReplaceAll,
            "regexp_extract" => Self::Extract,
            "regexp_extract_all" => Self::ExtractAll,
            _ => return None,
        })
    }

    /// Types of the arguments, how many of them there must be, and the type of the result.
    pub(super) fn signature(self) -> (Vec<DataType>, usize, DataType) {
        use DataType as T;
        let texts = || T::Array(Box::new(T::Text));
        match self {
            Self::Like => (vec![T::Text, T::Text, T::Text], 2, T::Boolean),
            Self::LikeAny => (vec![T::Text, texts()], 2, T::Boolean),
            Self::Replace | Self::ReplaceAll => (vec![T::Text, T::Text, T::Text], 3, T::Text),
            Self::Extract => (vec![T::Text, T::Text, T::Text, T::Integer], 2, T::Text),
            Self::ExtractAll => (vec![T::Text, T::Text, T::Text, T::Integer], 2, texts()),
        }
    }
}

impl Regexp {
    pub(super) fn eval(&self, row: &[Value], env: &Env<'_>) -> Result<Value, SqlError> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            let value = argument.eval(row, env)?.into_owned();
            if value.is_null() {
                return Ok(Value::Null);
            }
            values.push(value);
        }
        let text = |at: usize| match values.get(at) {
            Some(Value::Text(text)) => text.as_ref(),
            _ => "",
        };
        let input = text(0);
        Ok(match self.kind {
            RegexpKind::Like => Value::Boolean(self.regex(text(1), text(2))?.is_match(input)),
            RegexpKind::LikeAny => Value::Boolean(self.any(input, &values[1])?),
            RegexpKind::Replace | RegexpKind::ReplaceAll => {
                let limit = usize::from(self.kind == RegexpKind::Replace);
                let regex = self.regex(text(1), "")?;
                let replaced = regex
                    .replacen(input, limit, |found: &Captures<'_>| replacement(text(2), found));
                Value::text(&replaced)
            }
            RegexpKind::Extract => {
                let regex = self.regex(text(1), text(2))?;
                let group = group(&values, &regex)?;
                let found = regex.captures(input);
                found.map_or(Value::Null, |found| captured(&found, group))
            }
            RegexpKind::ExtractAll => {
                let regex = self.regex(text(1), text(2))?;
                let group = group(&values, &regex)?;
                let found = regex.captures_iter(input).map(|found| captured(&found, group));
                Value::Array(found.collect())
            }
        })
    }

    fn any(&self, input: &str, patterns: &Value) -> Result<bool, SqlError> {
        let Value::Array(patterns) = patterns else {
            return Err(SqlError::internal("REGEXP_LIKE_ANY of what is no array"));
        };
        for pattern in patterns.iter() {
            if let Value::Text(pattern) = pattern
                && self.regex(pattern, "")?.is_match(input)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Most calls have one pattern for all rows, so the last one is kept.
    fn regex(&self, pattern: &str, flags: &str) -> Result<Regex, SqlError> {
        if let Some(last) = &*self.last.borrow()
            && last.pattern == pattern
            && last.flags == flags
        {
            return Ok(last.regex.clone());
        }
        let regex = compile(pattern, flags)?;
        let (pattern, flags) = (pattern.to_owned(), flags.to_owned());
        *self.last.borrow_mut() = Some(Compiled { pattern, flags, regex: regex.clone() });
        Ok(regex)
    }
}

fn compile(pattern: &str, flags: &str) -> Result<Regex, SqlError> {
    let mut builder = RegexBuilder::new(pattern);
    builder.dot_matches_new_line(true);
    let mut on = true;
    for flag in flags.chars() {
        match flag {
            '-' => {
                on = false;
                continue;
            }
            'i' => builder.case_insensitive(on),
            'm' => builder.multi_line(on),
            's' => builder.dot_matches_new_line(on),
            'U' => builder.swap_greed(on),
            other => {
                let text = format!("unknown flag '{other}' of a regular expression");
                return Err(SqlError::data(text));
            }
        };
        on = true;
    }
    builder.build().map_err(|error| {
        if pattern.contains("\\p") || pattern.contains("\\P") {
            return SqlError::unsupported("Unicode classes in a regular expression");
        }
        SqlError::data(format!("invalid regular expression '{pattern}': {error}"))
    })
}

fn group(values: &[Value], regex: &Regex) -> Result<usize, SqlError> {
    let Some(index) = values.get(3) else { return Ok(0) };
    let index = whole(index)?;
    let groups = regex.captures_len() - 1;
    usize::try_from(index).ok().filter(|index| *index <= groups).ok_or_else(|| {
        SqlError::data(format!("the group must be between 0 and {groups}, not {index}"))
    })
}

fn captured(found: &Captures<'_>, group: usize) -> Value {
    Value::text(found.get(group).map_or("", |found| found.as_str()))
}

/// `\&` is the whole match, `\1` to `\9` are its groups, `\\` is a backslash.
fn replacement(pattern: &str, found: &Captures<'_>) -> String {
    let group = |at: usize| found.get(at).map_or("", |found| found.as_str());
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        if next != '\\' {
            out.push(next);
            continue;
        }
        match chars.next() {
            Some('&') => out.push_str(group(0)),
            Some(digit @ '1'..='9') => out.push_str(group(digit as usize - '0' as usize)),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
    }
    out
}
