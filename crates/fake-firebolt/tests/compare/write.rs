//! Writes: INSERT, UPDATE, DELETE, MERGE, and tables made of queries. Each is followed by a look at
//! the table.
//!
//! A row of the target has one partner at most, by `id`: what several do is a quirk of Firebolt's
//! (docs/fidelity.md, MERGE).

use super::tables::Table;
use super::tree::{Kind, Node};
use super::value::{Generator, Scope};

impl Generator {
    /// A write, and the query that shows what came of it.
    pub(crate) fn write_statements(&mut self) -> [Node; 2] {
        let table = self.draw.pick(&self.tables).clone();
        let write = match self.draw.below(8) {
            0 | 1 => self.update(&table),
            2 => self.delete(&table),
            3 if self.draw.chance(1, 3) => return self.table_of_query(),
            3 => self.insert(&table),
            _ => self.merge(&table),
        };
        [write, Node::word(format!("SELECT * FROM {}", table.name))]
    }

    /// A table or a view that a query makes.
    fn table_of_query(&mut self) -> [Node; 2] {
        let name = self.name();
        let what = if self.draw.chance(1, 2) { "TABLE" } else { "VIEW" };
        let query = self.query_statement();
        let make = Node::new(Kind::Fixed, &format!("CREATE {what} {name} AS {{}}"), [query]);
        [make, Node::word(format!("SELECT * FROM {name}"))]
    }

    fn scope_of(&self, table: &Table, name: &str) -> Scope {
        let leaf =
            |(column, of): &(String, _)| (*of, Node::value(*of, &format!("{name}.{column}"), []));
        Scope { leaves: table.columns.iter().map(leaf).collect(), correlates: true }
    }

    fn filter(&mut self, word: &str, scope: &Scope) -> Node {
        let condition = self.condition(scope, 2);
        Node::new(Kind::Clause, &format!(" {word} {{}}"), [condition])
    }

    /// `i = …, s = …`; every column but `id`, or none.
    fn assignments(&mut self, table: &Table, scope: &Scope) -> Option<Node> {
        let mut list = Vec::new();
        for (column, of) in &table.columns[1..] {
            if list.is_empty() || self.draw.chance(1, 3) {
                let value = self.value(*of, scope, 2);
                list.push(Node::new(Kind::Fixed, &format!("{column} = {{}}"), [value]));
            }
        }
        (!list.is_empty()).then(|| Node::list(", ", list, 1))
    }

    fn update(&mut self, table: &Table) -> Node {
        let name = self.name();
        let mut scope = self.scope_of(table, &name);
        let mut from = Node::nothing();
        let mut join = Node::nothing();
        if self.draw.chance(1, 3) {
            let (other, columns) = self.table();
            let id = columns.leaves[0].1.to_string();
            from = Node::new(Kind::Fixed, " FROM {}", [other]);
            join = Node::word(format!("{name}.id = {id} AND "));
            scope.leaves.extend(columns.leaves);
        }
        let Some(list) = self.assignments(table, &scope) else { return self.delete(table) };
        let condition = self.condition(&scope, 2);
        let template = format!("UPDATE {} AS {name} SET {{}}{{}} WHERE {{}}{{}}", table.name);
        Node::new(Kind::Fixed, &template, [list, from, join, condition])
    }

    fn delete(&mut self, table: &Table) -> Node {
        let name = self.name();
        let mut scope = self.scope_of(table, &name);
        let mut using = Node::nothing();
        if self.draw.chance(1, 3) {
            let (other, columns) = self.table();
            using = Node::new(Kind::Fixed, " USING {}", [other]);
            scope.leaves.extend(columns.leaves);
        }
        let condition = self.condition(&scope, 2);
        let template = format!("DELETE FROM {} AS {name}{{}} WHERE {{}}", table.name);
        Node::new(Kind::Fixed, &template, [using, condition])
    }

    /// An `id` that no row has yet.
    fn fresh_id(&mut self, id: &str) -> Node {
        let name = self.name();
        let above = name.trim_start_matches('q').parse::<usize>().unwrap_or(0) * 1_000;
        Node::word(format!("{id} + {above}"))
    }

    fn columns_and_values(&mut self, table: &Table, id: &str, scope: &Scope) -> (String, Node) {
        let mut columns = vec!["id"];
        let mut values = vec![self.fresh_id(id)];
        for (column, of) in &table.columns[1..] {
            if self.draw.chance(2, 3) {
                columns.push(column);
                let value = self.value(*of, scope, 2);
                values.push(value);
            }
        }
        let least = values.len();
        (columns.join(", "), Node::list(", ", values, least))
    }

    fn insert(&mut self, table: &Table) -> Node {
        let (from, scope) = self.table();
        let id = scope.leaves[0].1.to_string();
        let (columns, values) = self.columns_and_values(table, &id, &scope);
        let filter = self.filter("WHERE", &scope);
        let template = format!("INSERT INTO {} ({columns}) SELECT {{}} FROM {{}}{{}}", table.name);
        Node::new(Kind::Fixed, &template, [values, from, filter])
    }

    fn merge(&mut self, table: &Table) -> Node {
        let name = self.name();
        let target = self.scope_of(table, &name);
        let (source, columns) = self.table();
        let id = columns.leaves[0].1.to_string();
        let leaves = target.leaves.iter().chain(&columns.leaves).cloned().collect();
        let both = Scope { leaves, correlates: true };
        let mut branches = Vec::new();
        for _ in 0..1 + self.draw.below(3) {
            let matched = self.draw.chance(1, 2);
            let scope = if matched { &both } else { &columns };
            let and =
                if self.draw.chance(1, 2) { self.filter("AND", scope) } else { Node::nothing() };
            let then = match self.draw.below(4) {
                0 => Node::word("DO NOTHING"),
                1 if matched => Node::word("DELETE"),
                _ if matched => match self.assignments(table, scope) {
                    Some(list) => Node::new(Kind::Fixed, "UPDATE SET {}", [list]),
                    None => Node::word("DELETE"),
                },
                _ => {
                    let (names, values) = self.columns_and_values(table, &id, scope);
                    Node::new(Kind::Fixed, &format!("INSERT ({names}) VALUES ({{}})"), [values])
                }
            };
            let when = if matched { "MATCHED" } else { "NOT MATCHED" };
            branches.push(Node::new(
                Kind::Fixed,
                &format!(" WHEN {when}{{}} THEN {{}}"),
                [and, then],
            ));
        }
        let and = if self.draw.chance(1, 5) { self.filter("AND", &both) } else { Node::nothing() };
        let branches = Node::list("", branches, 1);
        let on = format!("{name}.id = {id}");
        let template = format!("MERGE INTO {} AS {name} USING {{}} ON {on}{{}}{{}}", table.name);
        Node::new(Kind::Fixed, &template, [source, and, branches])
    }
}
