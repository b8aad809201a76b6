//! Queries: FROM with joins, WHERE, grouping and its sets, windows, set operations, WITH, ORDER BY.
//!
//! What would leave the engines a choice is left out: a window that counts rows goes by `id`, others
//! go by peers; LIMIT comes with an ORDER BY over all columns; FULL JOIN is by equality, the only
//! kind that PostgreSQL has.

use super::tree::{Kind, Node, Type};
use super::value::{Generator, Scope};

/// What FROM offers.
struct From {
    node: Node,
    scope: Scope,
    /// A column without duplicates, where the rows are those of one table.
    unique: Option<String>,
}

impl Generator {
    /// A whole SELECT statement.
    pub(crate) fn query_statement(&mut self) -> Node {
        let types: Vec<Type> = (0..1 + self.draw.below(3)).map(|_| self.any_type()).collect();
        let with = if self.draw.chance(1, 6) { self.with() } else { Node::nothing() };
        let body = self.body(&types, 2);
        if with.to_string().starts_with("WITH") {
            self.tables.pop();
        }
        let order = self.order(types.len());
        Node::new(Kind::Fixed, "{}{}{}", [with, body, order])
    }

    /// `SELECT *` of joined tables, ordered by an expression first.
    pub(crate) fn star_statement(&mut self) -> Node {
        let from = self.from(1);
        let condition = self.condition(&from.scope, 2);
        let filter = Node::new(Kind::Clause, " WHERE {}", [condition]);
        let of = self.any_type();
        let first = self.value(of, &from.scope, 2);
        let all = from.scope.leaves.len();
        let is_key =
            from.scope.leaves.iter().any(|(_, leaf)| first.to_string().contains(&leaf.to_string()));
        let mut keys: Vec<Node> = (1..=all).map(|key| Node::word(key.to_string())).collect();
        if is_key {
            let way = *self.draw.pick(&["", " DESC", " NULLS FIRST"]);
            keys.insert(0, Node::word(format!("{first}{way}")));
        }
        let least = keys.len();
        let keys = Node::new(Kind::Order, " ORDER BY {}", [Node::list(", ", keys, least)]);
        Node::new(Kind::Fixed, "SELECT * FROM {}{}{}", [from.node, filter, keys])
    }

    /// WITH, whose query is a table like any other from here on.
    fn with(&mut self) -> Node {
        let types: Vec<Type> = (0..1 + self.draw.below(3)).map(|_| self.any_type()).collect();
        let name = self.name();
        let query = self.body(&types, 1);
        let columns = types.iter().enumerate().map(|(at, of)| (format!("c{at}"), *of)).collect();
        self.tables.push(super::tables::Table { name: name.clone(), columns });
        Node::new(Kind::Fixed, &format!("WITH {name} AS ({{}}) "), [query])
    }

    fn order(&mut self, columns: usize) -> Node {
        if self.draw.chance(1, 2) {
            return Node::new(Kind::Order, "", []);
        }
        let mut keys = Vec::new();
        for column in 1..=columns {
            let way = *self.draw.pick(&["", " ASC", " DESC"]);
            let nulls = *self.draw.pick(&["", "", " NULLS FIRST", " NULLS LAST"]);
            keys.push(Node::word(format!("{column}{way}{nulls}")));
        }
        let limit = match self.draw.below(4) {
            0 => Node::new(Kind::Clause, &format!(" LIMIT {}", self.draw.below(5)), []),
            1 => Node::new(Kind::Clause, &format!(" LIMIT 3 OFFSET {}", self.draw.below(4)), []),
            _ => Node::nothing(),
        };
        Node::new(Kind::Order, " ORDER BY {}{}", [Node::list(", ", keys, columns), limit])
    }

    /// A query of those types; its columns are `c0`, `c1`, ….
    fn body(&mut self, types: &[Type], depth: usize) -> Node {
        if depth > 0 && self.draw.chance(1, 5) {
            let word =
                *self.draw.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]);
            let [a, b] = [(); 2].map(|()| self.body(types, depth - 1));
            return Node::new(Kind::Fixed, &format!("({{}}) {word} ({{}})"), [a, b]);
        }
        self.select(types, depth)
    }

    fn select(&mut self, types: &[Type], depth: usize) -> Node {
        let from = self.from(depth);
        let filter = if self.draw.chance(3, 5) {
            let condition = self.condition(&from.scope, 2);
            Node::new(Kind::Clause, " WHERE {}", [condition])
        } else {
            Node::nothing()
        };
        let source = Node::new(Kind::Fixed, " FROM {}{}", [from.node.clone(), filter]);
        match self.draw.below(8) {
            0..3 => self.grouped(types, &from, source),
            3 | 4 => {
                let scope = self.windowed(&from);
                self.listed("SELECT", types, &scope, source, Node::nothing())
            }
            5 => self.listed("SELECT DISTINCT", types, &from.scope, source, Node::nothing()),
            _ => self.listed("SELECT", types, &from.scope, source, Node::nothing()),
        }
    }

    fn listed(
        &mut self,
        word: &str,
        types: &[Type],
        scope: &Scope,
        source: Node,
        behind: Node,
    ) -> Node {
        let mut items = Vec::new();
        for (at, of) in types.iter().enumerate() {
            let item = self.value(*of, scope, 3);
            items.push(Node::new(Kind::Fixed, &format!("{{}} AS c{at}"), [item]));
        }
        let items = Node::list(", ", items, 1);
        Node::new(Kind::Fixed, &format!("{word} {{}}{{}}{{}}"), [items, source, behind])
    }

    fn grouped(&mut self, types: &[Type], from: &From, source: Node) -> Node {
        let mut keys: Vec<(Type, Node)> = Vec::new();
        for _ in 0..self.draw.below(4) {
            let of = self.any_type();
            let depth = self.draw.below(2);
            let key = self.value(of, &from.scope, depth).to_string();
            // A constant is a position or an error, and a subquery is not compared as a key.
            let is_key = from.scope.leaves.iter().any(|(_, leaf)| key.contains(&leaf.to_string()));
            // Nor are AND and OR: PostgreSQL makes one chain of what stands in another.
            if is_key && !["SELECT", " AND ", " OR "].iter().any(|word| key.contains(word)) {
                keys.push((of, Node::value(of, &key, [])));
            }
        }
        let mut scope = Scope { leaves: keys.clone(), correlates: false };
        let mut written = Vec::new();
        for (_, key) in &keys {
            // A key is the same in other letters, where no text would change with them.
            let key = key.to_string();
            let other = !key.contains('\'') && self.draw.chance(1, 4);
            written.push(Node::word(if other { key.to_uppercase() } else { key }));
        }
        let list = |least| Node::list(", ", written.clone(), least);
        let group = match self.draw.below(6) {
            _ if keys.is_empty() => Node::nothing(),
            // Some versions of PostgreSQL take a key that is constant in truth for one in every
            // set, and sort wrongly by it: keys of sets are columns.
            0..3 if !keys.iter().all(|(_, key)| is_column(key)) => {
                Node::new(Kind::Clause, " GROUP BY {}", [list(1)])
            }
            0 => Node::new(Kind::Clause, " GROUP BY ROLLUP ({})", [list(1)]),
            1 => Node::new(Kind::Clause, " GROUP BY CUBE ({})", [list(1)]),
            2 => {
                let mut sets: Vec<Node> = written
                    .iter()
                    .map(|key| Node::new(Kind::Fixed, "({})", [key.clone()]))
                    .collect();
                sets.push(Node::word("()"));
                sets.push(Node::new(Kind::Fixed, "({})", [list(0)]));
                let sets = Node::list(", ", sets, 1);
                Node::new(Kind::Clause, " GROUP BY GROUPING SETS ({})", [sets])
            }
            _ => Node::new(Kind::Clause, " GROUP BY {}", [list(1)]),
        };
        if let Some((_, key)) = keys.first() {
            let call = format!("GROUPING({key})");
            scope.leaves.push((Type::Integer, Node::value(Type::Integer, &call, [])));
        }
        for _ in 0..3 {
            let aggregate = self.aggregate(&from.scope);
            scope.leaves.push(aggregate);
        }
        let mut listed = scope.clone();
        if self.draw.chance(1, 4) {
            let window = self.peer_window(&scope);
            listed.leaves.push(window);
        }
        let having = if self.draw.chance(1, 3) {
            let condition = self.condition(&scope, 1);
            Node::new(Kind::Clause, " HAVING {}", [condition])
        } else {
            Node::nothing()
        };
        let behind = Node::new(Kind::Fixed, "{}{}", [group, having]);
        self.listed("SELECT", types, &listed, source, behind)
    }

    fn aggregate(&mut self, scope: &Scope) -> (Type, Node) {
        let of = self.any_type();
        let value = self.value(of, scope, 2);
        let filter = if self.draw.chance(1, 5) {
            let condition = self.condition(scope, 1);
            Node::new(Kind::Clause, " FILTER (WHERE {})", [condition])
        } else {
            Node::nothing()
        };
        let distinct = if self.draw.chance(1, 4) { "DISTINCT " } else { "" };
        let plain = match self.draw.below(6) {
            0 => Some((Type::Bigint, format!("COUNT({distinct}{{}}){{}}"))),
            1 => Some((of, "MIN({}){}".to_owned())),
            2 => Some((of, "MAX({}){}".to_owned())),
            _ => None,
        };
        let (result, template) = match (plain, of) {
            (Some((result, template)), _) if of != Type::Boolean => (result, template),
            (_, Type::Integer) if self.draw.chance(1, 3) => {
                (Type::Double, format!("CAST(AVG({distinct}{{}}){{}} AS DOUBLE PRECISION)"))
            }
            (_, Type::Integer) => (Type::Bigint, format!("SUM({distinct}{{}}){{}}")),
            (_, Type::Bigint) => (Type::Bigint, format!("CAST(SUM({distinct}{{}}){{}} AS BIGINT)")),
            (_, Type::Numeric) => (of, format!("CAST(SUM({distinct}{{}}){{}} AS NUMERIC(10, 2))")),
            (_, Type::Double) => (of, format!("SUM({distinct}{{}}){{}}")),
            (_, Type::Boolean) => {
                let word = if self.draw.chance(1, 2) { "BOOL_AND" } else { "BOOL_OR" };
                (of, format!("{word}({{}}){{}}"))
            }
            _ => (Type::Bigint, format!("COUNT({distinct}{{}}){{}}")),
        };
        if self.draw.chance(1, 8) {
            return (Type::Bigint, Node::value(Type::Bigint, "COUNT(*){}", [filter]));
        }
        (result, Node::value(result, &template, [value, filter]))
    }

    /// The columns, and functions over windows of them.
    fn windowed(&mut self, from: &From) -> Scope {
        let mut scope = Scope { leaves: from.scope.leaves.clone(), correlates: false };
        for _ in 0..2 {
            let call = match &from.unique {
                Some(unique) if self.draw.chance(1, 2) => self.row_window(unique, &from.scope),
                _ => self.peer_window(&from.scope),
            };
            scope.leaves.push(call);
        }
        scope
    }

    fn partition(&mut self, scope: &Scope) -> Node {
        if self.draw.chance(1, 2) {
            return Node::nothing();
        }
        let of = self.any_type();
        let key = self.value(of, scope, 1);
        Node::new(Kind::Clause, "PARTITION BY {} ", [key])
    }

    /// Rows in the order of a column without duplicates: every frame is one.
    fn row_window(&mut self, unique: &str, scope: &Scope) -> (Type, Node) {
        let partition = self.partition(scope);
        let of = self.any_type();
        let value = self.value(of, scope, 1);
        // A bare literal has no type in PostgreSQL, and LAG of it is refused.
        let value = Node::new(Kind::Fixed, &format!("CAST({{}} AS {})", of.name()), [value]);
        let way = if self.draw.chance(1, 3) { " DESC" } else { "" };
        let frame = *self.draw.pick(&[
            "",
            " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
            " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
            " ROWS 2 PRECEDING",
            " ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING",
            " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
        ]);
        let over = format!("OVER ({{}}ORDER BY {unique}{way}");
        match self.draw.below(8) {
            7 => (
                of,
                Node::value(of, &format!("NTH_VALUE({{}}, 2) {over}{frame})"), [value, partition]),
            ),
            0 => {
                let template = format!("ROW_NUMBER() {over})");
                (Type::Bigint, Node::value(Type::Bigint, &template, [partition]))
            }
            1 => (of, Node::value(of, &format!("LAG({{}}) {over})"), [value, partition])),
            2 => (of, Node::value(of, &format!("LEAD({{}}, 2) {over})"), [value, partition])),
            3 => (
                of,
                Node::value(of, &format!("FIRST_VALUE({{}}) {over}{frame})"), [value, partition]),
            ),
            4 => (
                of,
                Node::value(of, &format!("LAST_VALUE({{}}) {over}{frame})"), [value, partition]),
            ),
            5 => {
                let i = self.value(Type::Integer, scope, 1);
                let template = format!("SUM({{}}) {over}{frame})");
                (Type::Bigint, Node::value(Type::Bigint, &template, [i, partition]))
            }
            _ => {
                let template = format!("COUNT({{}}) {over}{frame})");
                (Type::Bigint, Node::value(Type::Bigint, &template, [value, partition]))
            }
        }
    }

    /// Functions that answer alike for all rows that the order leaves equal.
    fn peer_window(&mut self, scope: &Scope) -> (Type, Node) {
        let partition = self.partition(scope);
        let of = self.any_type();
        let [value, key] = [(); 2].map(|()| self.value(of, scope, 1));
        let way = *self.draw.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
        let order = Node::new(Kind::Fixed, &format!("ORDER BY {{}}{way}"), [key]);
        let big = Type::Bigint;
        match self.draw.below(8) {
            6 => {
                let share = Type::Double;
                (share, Node::value(share, "PERCENT_RANK() OVER ({}{})", [partition, order]))
            }
            7 => {
                let share = Type::Double;
                (share, Node::value(share, "CUME_DIST() OVER ({}{})", [partition, order]))
            }
            0 => (big, Node::value(big, "RANK() OVER ({}{})", [partition, order])),
            1 => (big, Node::value(big, "DENSE_RANK() OVER ({}{})", [partition, order])),
            2 => (big, Node::value(big, "COUNT({}) OVER ({}{})", [value, partition, order])),
            3 => (big, Node::value(big, "COUNT(*) OVER ({})", [partition])),
            4 if of != Type::Boolean => {
                (of, Node::value(of, "MAX({}) OVER ({}{})", [value, partition, order]))
            }
            _ => {
                let i = self.value(Type::Integer, scope, 1);
                (big, Node::value(big, "SUM({}) OVER ({}{})", [i, partition, order]))
            }
        }
    }

    fn from(&mut self, depth: usize) -> From {
        if depth > 0 && self.draw.chance(1, 6) {
            let types: Vec<Type> = (0..1 + self.draw.below(3)).map(|_| self.any_type()).collect();
            let mut query = self.body(&types, depth - 1);
            if self.draw.chance(1, 3) {
                let order = self.order(types.len());
                query = Node::new(Kind::Fixed, "{}{}", [query, order]);
            }
            let name = self.name();
            let leaf =
                |(at, of): (usize, &Type)| (*of, Node::value(*of, &format!("{name}.c{at}"), []));
            let leaves = types.iter().enumerate().map(leaf).collect();
            let node = Node::new(Kind::Fixed, &format!("({{}}) AS {name}"), [query]);
            return From { node, scope: Scope { leaves, correlates: true }, unique: None };
        }
        if self.draw.chance(1, 12) {
            return self.values_table();
        }
        let (node, scope) = self.table();
        if self.draw.chance(1, 2) {
            let id = scope.leaves.first().map(|(_, leaf)| leaf.to_string());
            let unique = id.filter(|id| id.ends_with(".id"));
            return From { node, scope, unique };
        }
        let mut from = self.join(node, scope);
        // Behind USING another table would bring another `id`.
        let merged = from.scope.leaves.iter().any(|(_, leaf)| leaf.to_string() == "id");
        if !merged && self.draw.chance(1, 3) {
            from = self.join(from.node, from.scope);
        }
        from
    }

    /// `(VALUES …) AS q (c0, c1)`
    fn values_table(&mut self) -> From {
        let types: Vec<Type> = (0..1 + self.draw.below(3)).map(|_| self.any_type()).collect();
        let mut rows = Vec::new();
        for _ in 0..1 + self.draw.below(3) {
            let cells = types.iter().map(|of| self.value(*of, &Scope::default(), 1)).collect();
            rows.push(Node::new(Kind::Fixed, "({})", [Node::list(", ", cells, types.len())]));
        }
        let name = self.name();
        let names: Vec<String> = (0..types.len()).map(|at| format!("c{at}")).collect();
        let leaf = |(of, column): (&Type, &String)| {
            (*of, Node::value(*of, &format!("{name}.{column}"), []))
        };
        let leaves = types.iter().zip(&names).map(leaf).collect();
        let template = format!("(VALUES {{}}) AS {name} ({})", names.join(", "));
        let node = Node::new(Kind::Fixed, &template, [Node::list(", ", rows, 1)]);
        From { node, scope: Scope { leaves, correlates: true }, unique: None }
    }

    fn join(&mut self, left: Node, scope: Scope) -> From {
        let (right, other) = self.table();
        let mut pairs = Vec::new();
        for (of, a) in &scope.leaves {
            for (_, b) in other.leaves.iter().filter(|(same, _)| same == of) {
                pairs.push((a.clone(), b.clone()));
            }
        }
        let both = Scope {
            leaves: scope.leaves.into_iter().chain(other.leaves).collect(),
            correlates: true,
        };
        let mut words = vec!["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"];
        if pairs.is_empty() {
            words.retain(|word| *word != "FULL JOIN");
        }
        let word = *self.draw.pick(&words);
        let template = format!("{{}} {word} {{}}");
        if word != "CROSS JOIN" && self.draw.chance(1, 6) {
            return using(word, left, right, both);
        }
        if word == "CROSS JOIN" {
            let node = Node::new(Kind::Fixed, &template, [left, right]);
            return From { node, scope: both, unique: None };
        }
        let mut conditions = Vec::new();
        if !pairs.is_empty() && (word == "FULL JOIN" || self.draw.chance(4, 5)) {
            let (a, b) = self.draw.pick(&pairs).clone();
            conditions.push(Node::word(format!("{a} = {b}")));
        }
        if word != "FULL JOIN" && (conditions.is_empty() || self.draw.chance(1, 3)) {
            let condition = self.condition(&both, 1);
            conditions.push(condition);
        }
        let conditions = Node::list(" AND ", conditions, 1);
        let node =
            Node::new(Kind::Fixed, &format!("{template} ON {{}}"), [left, right, conditions]);
        From { node, scope: both, unique: None }
    }
}

/// A join whose `id` is one column, found without the name of a table.
fn using(word: &str, left: Node, right: Node, mut scope: Scope) -> From {
    let is_id = |leaf: &(Type, Node)| leaf.1.to_string().ends_with(".id");
    let ids = scope.leaves.iter().filter(|leaf| is_id(leaf)).count();
    let template = format!("{{}} {word} {{}}");
    // With a third table, or with one of WITH, there are more of them, or fewer.
    if ids != 2 {
        let node = Node::new(Kind::Fixed, "{} CROSS JOIN {}", [left, right]);
        return From { node, scope, unique: None };
    }
    scope.leaves.insert(0, (Type::Integer, Node::value(Type::Integer, "id", [])));
    let node = Node::new(Kind::Fixed, &format!("{template} USING (id)"), [left, right]);
    From { node, scope, unique: None }
}

fn is_column(key: &Node) -> bool {
    key.to_string().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}
