//! Binding of one SELECT: FROM, WHERE, GROUP BY, HAVING, windows, the select list, ORDER BY.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast::{self, SelectItem, Spanned};

use super::aggregate::Aggregate;
use super::ast_walk::{has_aggregate, is_word};
use super::bind::Binder;
use super::bind_call::sort_key;
use super::bind_compare::{comparable, comparable_rows, compared};
use super::bind_query::{output_position, sorted};
use super::bind_table::Relation;
use super::error::SqlError;
use super::expr::Expr;
use super::join;
use super::plan::{Plan, SortKey};
use super::scope::{Field, Grouping, Outer, Scope, Typed, fold, name_parts};
use super::unnest::Spread;
use super::wildcard::{excluded, expand, plain_wildcard};

/// Output columns, and columns that only ORDER BY needs.
#[derive(Default)]
pub(super) struct Projection {
    pub(super) names: Vec<Arc<str>>,
    pub(super) columns: Vec<Typed>,
    hidden: Vec<Expr>,
    /// The column that is UNNEST of an array.
    unnested: Option<usize>,
}

impl<'b> Binder<'b> {
    /// Binds one SELECT with the ORDER BY around it.
    pub(super) fn select(
        &self,
        select: &'b ast::Select,
        order: &'b [ast::OrderByExpr],
        outer: Option<&Outer<'_>>,
    ) -> Result<Relation, SqlError> {
        check_select(select)?;
        let from = self.from(&select.from, outer)?;
        let input = Scope::new(Rc::new(from.fields), outer);
        let mut plan = from.plan;
        if let Some(selection) = &select.selection {
            let condition = self.condition(selection, &input)?;
            plan = join::restrict(plan, condition.conjuncts());
        }
        let grouped = is_grouped(select) || {
            let items = select.projection.iter().filter_map(item_expr);
            items.chain(order.iter().map(|key| &key.expr)).any(has_aggregate)
        };
        let mut scope = Scope::new(input.fields.clone(), outer);
        scope.windows = Some(RefCell::new(Vec::new()));
        if grouped {
            scope.grouping = Some(self.grouping(select, &input)?);
        }
        let distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let projection = if select.flavor == ast::SelectFlavor::FromFirstNoSelect {
            let mut all = Projection::default();
            expand(&mut all, None, &[], &scope)?;
            all
        } else {
            self.projection(&select.projection, &scope)?
        };
        let items = &select.projection;
        let (projection, keys) = self.order(order, items, projection, distinct, &scope)?;
        let having = self.having(select, &scope)?;
        let Scope { grouping, windows, .. } = scope;
        if let Some(Grouping { keys, sets, calls, .. }) = grouping {
            let keys = keys.into_iter().map(|key| key.typed.expr).collect();
            let calls = calls.into_inner();
            plan = Plan::Aggregate(Box::new(Aggregate { input: plan, keys, sets, calls }));
            plan = plan.filtered(having);
        }
        let windows = windows.map(RefCell::into_inner).unwrap_or_default();
        if !windows.is_empty() {
            plan = Plan::Window(Box::new(plan), windows);
        }
        if distinct {
            comparable_rows(&fields_of(&projection), "DISTINCT")?;
        }
        Ok(assemble(plan, projection, keys, distinct))
    }

    fn having(&self, select: &'b ast::Select, scope: &Scope<'_>) -> Result<Option<Expr>, SqlError> {
        let Some(having) = &select.having else { return Ok(None) };
        let count = || scope.windows.as_ref().map_or(0, |windows| windows.borrow().len());
        let before = count();
        let condition = self.condition(having, scope)?;
        if count() != before {
            return Err(SqlError::type_error("window functions are not allowed in HAVING"));
        }
        Ok(Some(condition))
    }

    fn projection(
        &self,
        items: &'b [SelectItem],
        scope: &Scope<'_>,
    ) -> Result<Projection, SqlError> {
        let mut projection = Projection {
            names: Vec::with_capacity(items.len()),
            columns: Vec::with_capacity(items.len()),
            ..Projection::default()
        };
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    self.item(&mut projection, expr, scope)?;
                    let name = match simple_name(expr) {
                        Some(name) => shared_name(&fold(name), &projection, scope),
                        None => output_name(expr),
                    };
                    projection.names.push(name);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.item(&mut projection, expr, scope)?;
                    projection.names.push(shared_name(&fold(alias), &projection, scope));
                }
                SelectItem::Wildcard(options) if plain_wildcard(options) => {
                    expand(&mut projection, None, &excluded(options)?, scope)?;
                }
                SelectItem::QualifiedWildcard(
                    ast::SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) if plain_wildcard(options) => {
                    let table = name_parts(name)?.pop().unwrap_or_default();
                    if !scope.has_qualifier(&table) {
                        return Err(SqlError::no_relation(&table));
                    }
                    expand(&mut projection, Some(&table), &excluded(options)?, scope)?;
                }
                other => return Err(SqlError::unsupported(format!("{other} in a select list"))),
            }
        }
        Ok(projection)
    }

    /// One expression of a select list, which may be UNNEST of an array.
    fn item(
        &self,
        projection: &mut Projection,
        expr: &'b ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<(), SqlError> {
        if let ast::Expr::Function(function) = expr
            && is_word(&function.name, "unnest")
        {
            if projection.unnested.replace(projection.columns.len()).is_some() {
                return Err(SqlError::unsupported("several UNNEST in one select list"));
            }
            projection.columns.push(self.unnest_call(function, scope)?);
            return Ok(());
        }
        projection.columns.push(self.expr(expr, scope)?);
        Ok(())
    }

    fn order(
        &self,
        order: &'b [ast::OrderByExpr],
        items: &'b [SelectItem],
        mut projection: Projection,
        distinct: bool,
        scope: &Scope<'_>,
    ) -> Result<(Projection, Vec<SortKey>), SqlError> {
        let mut keys = Vec::with_capacity(order.len());
        // Most queries have no order, and then nobody asks what the columns are called.
        let fields = if order.is_empty() { Vec::new() } else { fields_of(&projection) };
        for key in order {
            let position = match output_position(&key.expr, &fields) {
                Some(position) => position?,
                // What is written as an item is that item: RANDOM() is not drawn a second time.
                None if let Some(position) = written(items, &key.expr) => position,
                None => {
                    if distinct && let Some(position) = self.selected(key, &projection, scope)? {
                        keys.push(sort_key(Expr::Column(position), key)?);
                        continue;
                    }
                    if distinct {
                        let text = "ORDER BY of SELECT DISTINCT by something not selected";
                        return Err(SqlError::unsupported(text).at(key.expr.span()));
                    }
                    let typed = compared(self.expr(&key.expr, scope)?, "ORDER BY")
                        .map_err(|error| error.at(key.expr.span()))?;
                    projection.hidden.push(typed.expr);
                    fields.len() + projection.hidden.len() - 1
                }
            };
            if let Some(field) = fields.get(position) {
                comparable(&field.data_type, "ORDER BY")
                    .map_err(|error| error.at(key.expr.span()))?;
            }
            keys.push(sort_key(Expr::Column(position), key)?);
        }
        Ok((projection, keys))
    }

    /// The place in the select list of a column that ORDER BY names with its table.
    fn selected(
        &self,
        key: &'b ast::OrderByExpr,
        projection: &Projection,
        scope: &Scope<'_>,
    ) -> Result<Option<usize>, SqlError> {
        let ast::Expr::CompoundIdentifier(_) = &key.expr else { return Ok(None) };
        let Expr::Column(wanted) = self.expr(&key.expr, scope)?.expr else { return Ok(None) };
        let is_it = |column: &Typed| matches!(column.expr, Expr::Column(index) if index == wanted);
        Ok(projection.columns.iter().position(is_it))
    }
}

fn fields_of(projection: &Projection) -> Vec<Field> {
    let field = |(name, column): (&Arc<str>, &Typed)| Field {
        qualifier: None,
        name: Arc::clone(name),
        data_type: column.data_type.clone(),
        nullable: column.nullable,
        merged: false,
    };
    projection.names.iter().zip(&projection.columns).map(field).collect()
}

fn assemble(plan: Plan, projection: Projection, keys: Vec<SortKey>, distinct: bool) -> Relation {
    let fields = fields_of(&projection);
    let width = fields.len();
    let hidden = !projection.hidden.is_empty();
    let columns = projection.columns.into_iter().map(|column| column.expr);
    let mut plan = Plan::Project(Box::new(plan), columns.chain(projection.hidden).collect());
    if let Some(column) = projection.unnested {
        plan = Plan::Spread(Box::new(Spread { input: plan, column }));
    }
    if distinct {
        plan = Plan::Distinct(Box::new(plan));
    }
    plan = sorted(plan, keys);
    if hidden {
        plan = Plan::Cut(Box::new(plan), width);
    }
    Relation { plan, fields }
}

/// Refuses every clause of SELECT that is not bound elsewhere.
fn check_select(select: &ast::Select) -> Result<(), SqlError> {
    let named = [
        (select.qualify.is_some(), "QUALIFY"),
        (!select.named_window.is_empty(), "the WINDOW clause"),
        (select.into.is_some(), "SELECT INTO"),
        (select.top.is_some(), "TOP (LIMIT is its name)"),
        (matches!(select.distinct, Some(ast::Distinct::On(_))), "DISTINCT ON"),
    ];
    if let Some((_, name)) = named.iter().find(|(present, _)| *present) {
        return Err(SqlError::unsupported(name));
    }
    let ast::Select {
        select_token: _,
        optimizer_hints,
        distinct: None | Some(ast::Distinct::Distinct | ast::Distinct::All),
        select_modifiers: None,
        top: None,
        top_before_distinct: _,
        projection: _,
        exclude: None,
        into: None,
        from: _,
        lateral_views,
        prewhere: None,
        selection: _,
        connect_by,
        group_by: _,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window: _,
        qualify: None,
        window_before_qualify: _,
        value_table_mode: None,
        flavor: _,
    } = select
    else {
        return Err(SqlError::unsupported(
            "EXCLUDE after the select list, PREWHERE, or a modifier of SELECT",
        ));
    };
    let empty = optimizer_hints.is_empty()
        && lateral_views.is_empty()
        && connect_by.is_empty()
        && cluster_by.is_empty()
        && distribute_by.is_empty()
        && sort_by.is_empty();
    if empty {
        Ok(())
    } else {
        Err(SqlError::unsupported("a clause of SELECT that is not standard"))
    }
}

/// Whether the query is grouped whatever its select list holds.
fn is_grouped(select: &ast::Select) -> bool {
    let keys = match &select.group_by {
        ast::GroupByExpr::All(_) => true,
        ast::GroupByExpr::Expressions(exprs, _) => !exprs.is_empty(),
    };
    keys || select.having.is_some()
}

/// The expression of an item that is no wildcard.
pub(super) fn item_expr(item: &SelectItem) -> Option<&ast::Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// The place of an expression in the select list, where it stands there as it is.
fn written(items: &[SelectItem], expr: &ast::Expr) -> Option<usize> {
    if matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)) {
        return None;
    }
    let at = items.iter().position(|item| item_expr(item) == Some(expr))?;
    // Behind a wildcard, places in the list are not places of columns.
    items[..at].iter().all(|item| item_expr(item).is_some()).then_some(at)
}

/// The name of the column that an expression is.
fn simple_name(expr: &ast::Expr) -> Option<&ast::Ident> {
    match expr {
        ast::Expr::Identifier(name) => Some(name),
        ast::Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    }
}

/// A name for the newest column of a projection: that of the column it is, if it is called like it,
/// as most are; a text of its own otherwise.
fn shared_name(name: &str, projection: &Projection, scope: &Scope<'_>) -> Arc<str> {
    let Some(Typed { expr: Expr::Column(index), .. }) = projection.columns.last() else {
        return name.into();
    };
    match scope.fields.get(*index) {
        Some(field) if *field.name == *name => Arc::clone(&field.name),
        _ => name.into(),
    }
}

/// What a column without an alias is called.
fn output_name(expr: &ast::Expr) -> Arc<str> {
    if let Some(name) = simple_name(expr) {
        return fold(name).as_ref().into();
    }
    match expr {
        ast::Expr::Function(function) => function.name.to_string().to_lowercase().into(),
        ast::Expr::Cast { expr, .. } | ast::Expr::Nested(expr) => output_name(expr),
        ast::Expr::Case { .. } => "case".into(),
        // The field's name alone (the vendor's page on STRUCT).
        ast::Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(ast::AccessExpr::Dot(name)) => output_name(name),
            _ => "?column?".into(),
        },
        _ => "?column?".into(),
    }
}
