//! EXPLAIN: the logical plan of a query as text, one line a step, the first step last.
//!
//! It is told from the query as written, once that has been bound: what is there is what the
//! query says, not what an optimizer would make of it. The service's own plan differs in detail
//! and says that its format may change (S19, explain), so nobody may rely on the text; that an
//! invalid query is refused is what clients use it for.

use sqlparser::ast::{self, SetExpr, TableFactor};

use super::bind::Binder;
use super::context::Facts;
use super::error::SqlError;
use super::scope::name_parts;
use crate::mvcc::Catalog;
use crate::value::{Column, DataType, ResultSet, Row, Value};

/// Runs EXPLAIN.
pub(super) fn run(
    query: &ast::Query,
    catalog: &Catalog,
    facts: Facts<'_>,
) -> Result<ResultSet, SqlError> {
    let relation = Binder::new(catalog, facts).query(query, None)?;
    let types = relation.fields.iter().map(|field| {
        let null = if field.nullable { "null" } else { "not null" };
        format!("{} {null}", field.data_type)
    });
    let types: Vec<_> = types.collect();
    let mut plan = Lines { catalog, lines: Vec::new() };
    plan.query(query, 0);
    plan.lines.insert(1.min(plan.lines.len()), format!("|   [RowType]: {}", types.join(", ")));
    let column =
        Column { name: "explain_logical".into(), data_type: DataType::Text, nullable: false };
    let text = Value::text(&plan.lines.join("\n"));
    Ok(ResultSet { columns: vec![column], rows: vec![Row::from([text])] })
}

/// The plan, top step first.
struct Lines<'c> {
    catalog: &'c Catalog,
    lines: Vec<String>,
}

impl Lines<'_> {
    /// Adds a step and returns the depth of what it works on.
    fn step(&mut self, depth: usize, name: &str, about: &str) -> usize {
        let number = self.lines.len();
        let branch = match depth {
            0 => String::new(),
            _ => format!("{}\\_", " ".repeat(3 * depth - 2)),
        };
        let space = if about.is_empty() { "" } else { " " };
        self.lines.push(format!("{branch}[{number}] [{name}]{space}{about}"));
        depth + 1
    }

    fn query(&mut self, query: &ast::Query, depth: usize) {
        let outermost = depth;
        let mut depth = depth;
        if let Some(limit) = &query.limit_clause {
            depth = self.step(depth, "Limit", limit.to_string().trim());
        }
        if let Some(order) = &query.order_by {
            let keys = order.to_string();
            let keys = keys.strip_prefix("ORDER BY ").unwrap_or(&keys);
            depth = self.step(depth, "Sort", &format!("OrderBy: [{keys}]"));
        }
        self.body(&query.body, depth);
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let inner = self.step(outermost + 1, "Cte", &format!("Name: {}", cte.alias));
            self.query(&cte.query, inner);
        }
    }

    fn body(&mut self, body: &SetExpr, depth: usize) {
        match body {
            SetExpr::Select(select) => self.select(select, depth),
            SetExpr::Query(query) => self.query(query, depth),
            SetExpr::SetOperation { op, set_quantifier, left, right } => {
                let name = format!("{op} {set_quantifier}");
                let inner = self.step(depth, name.trim(), "");
                self.body(left, inner);
                self.body(right, inner);
            }
            SetExpr::Values(values) => {
                self.step(depth, "Values", &format!("{} row(s)", values.rows.len()));
            }
            other => {
                self.step(depth, "Relation", &other.to_string());
            }
        }
    }

    fn select(&mut self, select: &ast::Select, depth: usize) {
        let mut depth = depth;
        if select.distinct.is_some() {
            depth = self.step(depth, "Distinct", "");
        }
        depth = self.step(depth, "Projection", &list(&select.projection));
        if let Some(having) = &select.having {
            depth = self.step(depth, "Filter", &having.to_string());
        }
        let keys = match &select.group_by {
            ast::GroupByExpr::All(_) => Some("ALL".to_owned()),
            ast::GroupByExpr::Expressions(exprs, _) if exprs.is_empty() => None,
            ast::GroupByExpr::Expressions(exprs, _) => Some(list(exprs)),
        };
        if let Some(keys) = keys {
            depth = self.step(depth, "Aggregate", &format!("GroupBy: [{keys}]"));
        }
        if let Some(condition) = &select.selection {
            depth = self.step(depth, "Filter", &condition.to_string());
        }
        match select.from.as_slice() {
            [] => {
                self.step(depth, "OneRow", "");
            }
            [only] => self.joined(only, depth),
            several => {
                let inner = self.step(depth, "Join", "Mode: Cross");
                several.iter().for_each(|item| self.joined(item, inner));
            }
        }
    }

    fn joined(&mut self, item: &ast::TableWithJoins, depth: usize) {
        let mut depth = depth;
        // The last join is the topmost; each has the rest on its left and its own relation right.
        let mut rights = Vec::new();
        for join in item.joins.iter().rev() {
            let text = join.to_string();
            depth = self.step(depth, "Join", text.trim());
            rights.push((&join.relation, depth));
        }
        self.factor(&item.relation, depth);
        for (relation, depth) in rights.into_iter().rev() {
            self.factor(relation, depth);
        }
    }

    fn factor(&mut self, factor: &TableFactor, depth: usize) {
        match factor {
            TableFactor::Derived { subquery, .. } => self.query(subquery, depth),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.joined(table_with_joins, depth);
            }
            TableFactor::Table { name, args: None, .. } => self.named(name, depth),
            other => {
                self.step(depth, "TableFunction", &other.to_string());
            }
        }
    }

    fn named(&mut self, name: &ast::ObjectName, depth: usize) {
        let parts = name_parts(name).unwrap_or_default();
        let last = parts.last().map(String::as_str).unwrap_or_default();
        if let Some(table) = self.catalog.table(last) {
            let kind = if table.schema.extras.is_dimension { "DIMENSION" } else { "FACT" };
            let width = table.schema.columns.len();
            let about =
                format!("Name: \"{last}\", {width} column(s), {} row(s) {kind}", table.rows.len());
            self.step(depth, "StoredTable", &about);
        } else if self.catalog.view(last).is_some() {
            self.step(depth, "View", &format!("Name: \"{last}\""));
        } else {
            self.step(depth, "Relation", &format!("Name: {name}"));
        }
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::sql::tests::Session;
    use crate::value::Value;

    fn plan(query: &str) -> String {
        let mut session = Session::new(&[
            "CREATE TABLE t (id INTEGER NOT NULL, v TEXT)",
            "CREATE DIMENSION TABLE u (id INTEGER, w TEXT)",
            "INSERT INTO t VALUES (1, 'a')",
            "CREATE VIEW w AS SELECT id FROM t",
        ]);
        let result = session.run(&format!("EXPLAIN {query}")).expect("valid");
        match &result.rows[0][0] {
            Value::Text(text) => text.to_string(),
            other => panic!("{other} is no plan"),
        }
    }

    #[test]
    fn steps_of_a_grouped_query() {
        let query = "SELECT v, COUNT(*) FROM t WHERE id > 1 GROUP BY v HAVING COUNT(*) > 2 \
                     ORDER BY 2 DESC LIMIT 5";
        insta::assert_snapshot!(plan(query), @r#"
        [0] [Limit] LIMIT 5
        |   [RowType]: text null, bigint not null
         \_[1] [Sort] OrderBy: [2 DESC]
            \_[2] [Projection] v, COUNT(*)
               \_[3] [Filter] COUNT(*) > 2
                  \_[4] [Aggregate] GroupBy: [v]
                     \_[5] [Filter] id > 1
                        \_[6] [StoredTable] Name: "t", 2 column(s), 1 row(s) FACT
        "#);
    }

    #[test]
    fn joins_have_the_rest_on_their_left() {
        let query = "SELECT DISTINCT t.v FROM t LEFT JOIN u ON t.id = u.id, (SELECT 1 AS a) AS x";
        insta::assert_snapshot!(plan(query), @r#"
        [0] [Distinct]
        |   [RowType]: text null
         \_[1] [Projection] t.v
            \_[2] [Join] Mode: Cross
               \_[3] [Join] LEFT JOIN u ON t.id = u.id
                  \_[4] [StoredTable] Name: "t", 2 column(s), 1 row(s) FACT
                  \_[5] [StoredTable] Name: "u", 2 column(s), 0 row(s) DIMENSION
               \_[6] [Projection] 1 AS a
                  \_[7] [OneRow]
        "#);
    }

    #[test]
    fn unions_with_queries_and_views() {
        let query = "(LOGICAL) WITH x AS (SELECT id FROM w) SELECT 1 UNION ALL SELECT id FROM x";
        insta::assert_snapshot!(plan(query), @r#"
        [0] [UNION ALL]
        |   [RowType]: integer not null
         \_[1] [Projection] 1
            \_[2] [OneRow]
         \_[3] [Projection] id
            \_[4] [Relation] Name: x
         \_[5] [Cte] Name: x
            \_[6] [Projection] id
               \_[7] [View] Name: "w"
        "#);
    }
}
