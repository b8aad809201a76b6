//! Binding of GROUP BY: its keys, the sets that GROUPING SETS, ROLLUP, and CUBE make of them, and
//! GROUPING, which tells the sets apart.
//!
//! Every element of GROUP BY is a list of sets: an expression is one set of one key, ROLLUP is one
//! set more than it has parts, CUBE is all subsets. The sets of the whole are what the elements make
//! together, one set of each (the SQL standard, and PostgreSQL as its judge). It must not decide
//! what a column means behind GROUP BY: that is the scope's.

use std::cell::RefCell;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, SelectItem, Spanned};

use super::ast_walk::{has_aggregate, is_word};
use super::bind::Binder;
use super::bind_compare::comparable;
use super::bind_query::ordinal;
use super::bind_select::item_expr;
use super::error::{SqlError, SqlErrorKind};
use super::expr::Expr;
use super::same_expr;
use super::scope::{GroupKey, Grouping, Scope, Typed, fold};
use crate::value::{DataType, Value};

/// Sets of one GROUP BY, as PostgreSQL has it; each reads the whole input again.
const SETS_MAX: usize = 4_096;

/// Parts of one CUBE, which makes two to the power of it sets.
const CUBE_MAX: usize = 12;

/// Arguments of GROUPING: each is a bit of an INTEGER.
const GROUPING_ARGUMENTS_MAX: usize = 31;

/// A set of keys, by their numbers.
type Set = Vec<usize>;

/// The keys of GROUP BY so far.
struct Keys<'k, 'b, 's> {
    binder: &'k Binder<'b>,
    select: &'b ast::Select,
    input: &'s Scope<'s>,
    keys: Vec<GroupKey<'s>>,
}

impl<'b> Binder<'b> {
    /// Binds GROUP BY; without one, all rows are one group.
    pub(super) fn grouping<'s>(
        &self,
        select: &'b ast::Select,
        input: &'s Scope<'s>,
    ) -> Result<Grouping<'s>, SqlError>
    where
        'b: 's,
    {
        let mut keys = Keys { binder: self, select, input, keys: Vec::new() };
        let sets = match &select.group_by {
            ast::GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => {
                if exprs.iter().any(is_several) {
                    keys.sets(exprs)?
                } else {
                    for expr in exprs {
                        keys.list(expr)?;
                    }
                    Vec::new()
                }
            }
            // GROUP BY ALL: everything in the select list that holds no aggregate.
            ast::GroupByExpr::All(modifiers) if modifiers.is_empty() => {
                for item in &select.projection {
                    let Some(expr) = item_expr(item) else {
                        return Err(SqlError::unsupported("GROUP BY ALL with a wildcard"));
                    };
                    if !has_aggregate(expr) {
                        keys.add(expr)?;
                    }
                }
                Vec::new()
            }
            other => return Err(SqlError::unsupported(other)),
        };
        let mut keys = keys.keys;
        for (number, key) in keys.iter_mut().enumerate() {
            key.typed.nullable |= sets.iter().any(|set| !set.contains(&number));
        }
        Ok(Grouping { input, keys, sets, calls: RefCell::new(Vec::new()) })
    }

    /// GROUPING(key, …): a bit per key, the last one the lowest, which is set where the key is not
    /// part of the row's set.
    pub(super) fn grouping_call(
        &self,
        list: &[&'b ast::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let Some(grouping) = &scope.grouping else {
            return Err(SqlError::type_error("grouping operations are not allowed here"));
        };
        if list.is_empty() {
            return Err(SqlError::type_error("wrong number of arguments for grouping"));
        }
        if list.len() > GROUPING_ARGUMENTS_MAX {
            return Err(SqlError::type_error("GROUPING must have fewer than 32 arguments"));
        }
        let mut keys = Vec::new();
        for argument in list {
            keys.push(self.key_of(argument, scope, grouping)?);
        }
        let answer =
            |set: &Set| keys.iter().fold(0, |bits, key| bits << 1 | i32::from(!set.contains(key)));
        let expr = if grouping.sets.is_empty() {
            Expr::Constant(Value::Integer(0))
        } else {
            let answers = grouping.sets.iter().map(answer).collect();
            let number = Box::new(Expr::Column(grouping.set_column()));
            Expr::Grouping { number, answers }
        };
        Ok(Typed::new(expr, DataType::Integer, false))
    }

    /// The number of the key that an argument of GROUPING is.
    fn key_of(
        &self,
        argument: &'b ast::Expr,
        scope: &Scope<'_>,
        grouping: &Grouping<'_>,
    ) -> Result<usize, SqlError> {
        let other = || {
            let text = "arguments to GROUPING must be grouping expressions of the associated \
                        query level";
            SqlError::type_error(text).at(argument.span())
        };
        match self.expr(argument, scope) {
            Ok(Typed { expr: Expr::Column(at), .. }) if at < grouping.keys.len() => Ok(at),
            Err(error) if error.kind == SqlErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Err(other()),
        }
    }
}

impl<'b: 's, 's> Keys<'_, 'b, 's> {
    /// The sets of a whole GROUP BY: every choice of one set of each element, joined.
    fn sets(&mut self, exprs: &'b [ast::Expr]) -> Result<Vec<Set>, SqlError> {
        let mut whole: Vec<Set> = vec![Vec::new()];
        for expr in exprs {
            let element = self.element(expr)?;
            check_count(whole.len() * element.len())?;
            let joined = |set: &Set| {
                let others = element.clone();
                let set = set.clone();
                others.into_iter().map(move |other| union(set.clone(), &other))
            };
            whole = whole.iter().flat_map(joined).collect();
        }
        Ok(whole)
    }

    /// The sets of one element of GROUP BY, or of GROUPING SETS.
    fn element(&mut self, expr: &'b ast::Expr) -> Result<Vec<Set>, SqlError> {
        match expr {
            ast::Expr::Rollup(parts) => Ok(rollup(&self.parts(parts)?)),
            ast::Expr::Cube(parts) => cube(&self.parts(parts)?),
            ast::Expr::GroupingSets(lists) => {
                let mut sets = Vec::new();
                for list in lists {
                    match list.as_slice() {
                        [only] if nested(only).is_some() => sets.extend(self.nested(only)?),
                        list => sets.push(self.part(list)?),
                    }
                    check_count(sets.len())?;
                }
                Ok(sets)
            }
            other => Ok(vec![self.list(other)?]),
        }
    }

    /// ROLLUP or CUBE inside of GROUPING SETS, where the parser takes them for functions.
    fn nested(&mut self, expr: &'b ast::Expr) -> Result<Vec<Set>, SqlError> {
        let Some((cubes, arguments)) = nested(expr) else { return Ok(Vec::new()) };
        let mut parts = Vec::new();
        for argument in arguments {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(part)) = argument else {
                return Err(SqlError::unsupported(format!("{expr} in GROUPING SETS")));
            };
            parts.push(self.list(part)?);
        }
        if cubes { cube(&parts) } else { Ok(rollup(&parts)) }
    }

    fn parts(&mut self, lists: &'b [Vec<ast::Expr>]) -> Result<Vec<Set>, SqlError> {
        lists.iter().map(|list| self.part(list)).collect()
    }

    /// Expressions in parentheses: one set of all of them.
    fn part(&mut self, list: &'b [ast::Expr]) -> Result<Set, SqlError> {
        let mut set = Vec::new();
        for expr in list {
            set = union(set, &self.list(expr)?);
        }
        Ok(set)
    }

    /// One expression, or a list of them in parentheses.
    fn list(&mut self, expr: &'b ast::Expr) -> Result<Set, SqlError> {
        match expr {
            ast::Expr::Tuple(list) => self.part(list),
            ast::Expr::GroupingSets(_) | ast::Expr::Rollup(_) | ast::Expr::Cube(_) => {
                Err(SqlError::unsupported(format!("{expr} inside a list of GROUP BY")))
            }
            ast::Expr::Nested(inner) => self.list(inner),
            other if nested(other).is_some() => {
                Err(SqlError::unsupported(format!("{other} inside a list of GROUP BY")))
            }
            other => match ordinal(other) {
                Some(position) => {
                    let item =
                        position.checked_sub(1).and_then(|at| self.select.projection.get(at));
                    let expr = item.and_then(item_expr).ok_or_else(|| {
                        SqlError::type_error("GROUP BY position is not in select list")
                    })?;
                    Ok(vec![self.add(expr)?])
                }
                None => Ok(vec![self.add(other)?]),
            },
        }
    }

    /// Adds a key, unless it is there already, and returns its number.
    fn add(&mut self, mut expr: &'b ast::Expr) -> Result<usize, SqlError> {
        let typed = match self.binder.expr(expr, self.input) {
            // An input column of that name comes first, as in PostgreSQL.
            Err(error) => {
                expr = aliased(self.select, expr).ok_or(error)?;
                self.binder.expr(expr, self.input)?
            }
            Ok(typed) => typed,
        };
        while let ast::Expr::Nested(inner) = expr {
            expr = inner;
        }
        let column = |typed: &Typed| match typed.expr {
            Expr::Column(at) => Some(at),
            _ => None,
        };
        let same = |key: &GroupKey<'_>| match column(&typed) {
            Some(at) => column(&key.typed) == Some(at),
            None => same_expr::same(key.ast, expr, self.input),
        };
        if let Some(at) = self.keys.iter().position(same) {
            return Ok(at);
        }
        comparable(&typed.data_type, "GROUP BY").map_err(|error| error.at(expr.span()))?;
        self.keys.push(GroupKey { ast: expr, typed });
        Ok(self.keys.len() - 1)
    }
}

/// Whether an element makes several sets; a list in parentheses is no more than its expressions.
fn is_several(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::GroupingSets(_) | ast::Expr::Rollup(_) | ast::Expr::Cube(_))
}

fn nested(expr: &ast::Expr) -> Option<(bool, &[FunctionArg])> {
    let ast::Expr::Function(ast::Function { name, args: FunctionArguments::List(list), .. }) = expr
    else {
        return None;
    };
    let cubes = is_word(name, "cube");
    (cubes || is_word(name, "rollup")).then_some((cubes, list.args.as_slice()))
}

/// All parts, then one less from the end, down to none.
fn rollup(parts: &[Set]) -> Vec<Set> {
    let first = |count: usize| parts[..count].iter().fold(Vec::new(), |set, part| union(set, part));
    (0..=parts.len()).rev().map(first).collect()
}

/// All subsets of the parts, the first part the last to go.
fn cube(parts: &[Set]) -> Result<Vec<Set>, SqlError> {
    if parts.len() > CUBE_MAX {
        return Err(SqlError::type_error(format!("CUBE is limited to {CUBE_MAX} elements")));
    }
    let chosen = |choice: u32| {
        let bit = |at: usize| 1 << (parts.len() - 1 - at);
        let in_choice = parts.iter().enumerate().filter(|(at, _)| choice & bit(*at) != 0);
        in_choice.fold(Vec::new(), |set, (_, part)| union(set, part))
    };
    Ok((0..1 << parts.len()).rev().map(chosen).collect())
}

fn union(mut set: Set, other: &[usize]) -> Set {
    for key in other {
        if !set.contains(key) {
            set.push(*key);
        }
    }
    set
}

fn check_count(sets: usize) -> Result<(), SqlError> {
    if sets <= SETS_MAX {
        return Ok(());
    }
    let text = format!("too many grouping sets present (maximum {SETS_MAX})");
    Err(SqlError::type_error(text))
}

/// What the select list calls by that name.
fn aliased<'b>(select: &'b ast::Select, name: &ast::Expr) -> Option<&'b ast::Expr> {
    let ast::Expr::Identifier(name) = name else { return None };
    select.projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if fold(alias) == fold(name) => Some(expr),
        _ => None,
    })
}
