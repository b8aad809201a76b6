//! Names that an expression may use, and where they lead.
//!
//! A scope is one FROM clause. Scopes nest through [`Outer`], one per subquery, which notes
//! whether anything inside looked out through it: only such a subquery has to run per row.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast;

use super::aggregate::AggregateCall;
use super::error::{SqlError, SqlErrorKind};
use super::expr::Expr;
use super::window::WindowCall;
use crate::value::DataType;

/// A column that a FROM clause offers.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Alias or name of the table it comes from.
    pub(super) qualifier: Option<Rc<str>>,
    pub(super) name: Arc<str>,
    pub(super) data_type: DataType,
    pub(super) nullable: bool,
    /// USING has merged it into another column: only its qualified name finds it.
    pub(super) merged: bool,
}

/// An expression with its type.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) data_type: DataType,
    pub(super) nullable: bool,
    /// A bare string literal, which takes the type of a date or timestamp that it is compared with.
    pub(super) literal: bool,
}

impl Typed {
    pub(super) fn new(expr: Expr, data_type: DataType, nullable: bool) -> Self {
        Self { expr, data_type, nullable, literal: false }
    }
}

/// The boundary between a subquery and the query around it.
#[derive(Debug)]
pub(super) struct Outer<'p> {
    pub(super) scope: &'p Scope<'p>,
    pub(super) touched: Cell<bool>,
}

/// The state of a grouped query: expressions see keys and aggregates instead of input rows.
#[derive(Debug)]
pub(super) struct Grouping<'p> {
    /// The scope of the rows that are grouped: arguments of aggregates are bound there.
    pub(super) input: &'p Scope<'p>,
    pub(super) keys: Vec<GroupKey<'p>>,
    /// The sets of GROUPING SETS, ROLLUP, or CUBE, as numbers of keys; empty where all keys are the
    /// one set.
    pub(super) sets: Vec<Vec<usize>>,
    pub(super) calls: RefCell<Vec<AggregateCall>>,
}

impl Grouping<'_> {
    /// The column that tells which set a row is of; there is one only where there are sets.
    pub(super) fn set_column(&self) -> usize {
        self.keys.len()
    }

    /// The column of the first aggregate.
    pub(super) fn first_call(&self) -> usize {
        self.keys.len() + usize::from(!self.sets.is_empty())
    }
}

/// One expression of GROUP BY.
#[derive(Debug)]
pub(super) struct GroupKey<'p> {
    pub(super) ast: &'p ast::Expr,
    pub(super) typed: Typed,
}

/// What names mean at one place.
#[derive(Debug, Default)]
pub(super) struct Scope<'p> {
    pub(super) fields: Rc<Vec<Field>>,
    pub(super) outer: Option<&'p Outer<'p>>,
    pub(super) grouping: Option<Grouping<'p>>,
    /// Present where window functions may stand.
    pub(super) windows: Option<RefCell<Vec<WindowCall>>>,
}

impl<'p> Scope<'p> {
    pub(super) fn new(fields: Rc<Vec<Field>>, outer: Option<&'p Outer<'p>>) -> Self {
        Self { fields, outer, grouping: None, windows: None }
    }

    /// Finds a column, here or further out.
    pub(super) fn resolve(&self, qualifier: Option<&str>, name: &str) -> Result<Typed, SqlError> {
        let mut scope = self;
        let mut depth = 0;
        loop {
            if let Some((index, field)) = scope.find(qualifier, name)? {
                let (index, nullable) = scope.grouped_index(index, field)?;
                self.touch(depth);
                let expr =
                    if depth == 0 { Expr::Column(index) } else { Expr::Outer { depth, index } };
                return Ok(Typed::new(expr, field.data_type.clone(), nullable));
            }
            let Some(outer) = scope.outer else {
                let shown = qualifier.map_or(String::new(), |qualifier| format!("{qualifier}."));
                return Err(SqlError::not_found(format!("Column '{shown}{name}' does not exist.")));
            };
            scope = outer.scope;
            depth += 1;
        }
    }

    /// Notes that something was found so many queries further out. What is looked for in vain
    /// makes no subquery depend on the row around it.
    fn touch(&self, depth: usize) {
        let mut scope = self;
        for _ in 0..depth {
            let Some(outer) = scope.outer else { return };
            outer.touched.set(true);
            scope = outer.scope;
        }
    }

    fn find(
        &self,
        qualifier: Option<&str>,
        name: &str,
    ) -> Result<Option<(usize, &Field)>, SqlError> {
        let mut found = None;
        for (index, field) in self.fields.iter().enumerate() {
            // The name first: few fields share it, and most share their table.
            let is_meant = &*field.name == name
                && match qualifier {
                    Some(_) => qualifier == field.qualifier.as_deref(),
                    None => !field.merged,
                };
            if is_meant && found.replace((index, field)).is_some() {
                let text = format!("Column reference '{name}' is ambiguous.");
                return Err(SqlError::new(SqlErrorKind::Type, text));
            }
        }
        Ok(found)
    }

    /// In a grouped query a column is the group key that it is, or an error. Also tells whether it
    /// may be NULL: a key is NULL in every set that it is not part of.
    fn grouped_index(&self, index: usize, field: &Field) -> Result<(usize, bool), SqlError> {
        let Some(grouping) = &self.grouping else { return Ok((index, field.nullable)) };
        let is_key = |key: &GroupKey<'_>| matches!(key.typed.expr, Expr::Column(at) if at == index);
        let Some(at) = grouping.keys.iter().position(is_key) else {
            return Err(SqlError::type_error(format!(
                "Column '{}' must appear in the GROUP BY clause or be used in an aggregate \
                 function",
                field.name
            )));
        };
        Ok((at, grouping.keys[at].typed.nullable))
    }

    /// Whether a table or alias of that name is here, for `t.*`.
    pub(super) fn has_qualifier(&self, qualifier: &str) -> bool {
        self.fields.iter().any(|field| field.qualifier.as_deref() == Some(qualifier))
    }
}

/// A name folded to lower case unless quoted (firebolt-semantics §7).
pub(super) fn fold(ident: &ast::Ident) -> Cow<'_, str> {
    let changes = |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii();
    // Names are mostly quoted or in lower case already, and each of a statement comes through here.
    if ident.quote_style.is_some() || !ident.value.bytes().any(changes) {
        Cow::Borrowed(&ident.value)
    } else {
        Cow::Owned(ident.value.to_lowercase())
    }
}

/// The folded parts of a dotted name.
pub(super) fn name_parts(name: &ast::ObjectName) -> Result<Vec<String>, SqlError> {
    name.0
        .iter()
        .map(|part| match part {
            ast::ObjectNamePart::Identifier(ident) => Ok(fold(ident).into_owned()),
            ast::ObjectNamePart::Function(_) => {
                Err(SqlError::unsupported(format!("the name {name}")))
            }
        })
        .collect()
}

/// A name that may not be qualified.
pub(super) fn single_name(name: &ast::ObjectName) -> Result<Cow<'_, str>, SqlError> {
    match name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(only)] => Ok(fold(only)),
        _ => Err(SqlError::unsupported(format!("the qualified name {name}"))),
    }
}
