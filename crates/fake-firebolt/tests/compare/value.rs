//! Values of each type: columns, literals, operators, functions, CASE, subqueries.
//!
//! Left out is what is known to differ (docs/fidelity.md): a literal with a point is DOUBLE
//! PRECISION in Firebolt, so it stands in a CAST; NUMERIC keeps its scale and meets no other, so
//! that each of its results is cast back; SUM over BIGINT is BIGINT, AVG over INTEGER is DOUBLE
//! PRECISION. Nothing in here can overflow or divide by zero: engines may evaluate what they like
//! first, so that one may refuse what the other never looks at.

use super::draw::Draw;
use super::tables::{Table, literal};
use super::tree::{Kind, Node, Type};

/// What an expression may use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Columns, or keys and aggregates of a grouped query.
    pub(crate) leaves: Vec<(Type, Node)>,
    /// Subqueries may look at the leaves.
    pub(crate) correlates: bool,
}

/// The state of the generator.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) draw: Draw,
    pub(crate) tables: Vec<Table>,
    names: usize,
}

impl Generator {
    pub(crate) fn new(draw: Draw, tables: Vec<Table>) -> Self {
        Self { draw, tables, names: 0 }
    }

    /// A name that nothing else in the case has.
    pub(crate) fn name(&mut self) -> String {
        self.names += 1;
        format!("q{}", self.names)
    }

    pub(crate) fn any_type(&mut self) -> Type {
        *self.draw.pick(&Type::ALL)
    }

    /// A value; `depth` is how many levels may still be below it.
    pub(crate) fn value(&mut self, of: Type, scope: &Scope, depth: usize) -> Node {
        if of == Type::Double && depth > 0 && self.draw.chance(1, 12) {
            return self.mixed(scope, depth - 1);
        }
        let leaves: Vec<&Node> =
            scope.leaves.iter().filter(|(leaf, _)| *leaf == of).map(|(_, leaf)| leaf).collect();
        if depth == 0 || self.draw.chance(1, 5) {
            if !leaves.is_empty() && self.draw.chance(5, 6) {
                return (*self.draw.pick(&leaves)).clone();
            }
            if self.draw.chance(1, 8) {
                return Node::value(of, &format!("CAST(NULL AS {})", of.name()), []);
            }
            return Node::value(of, literal(&mut self.draw, of), []);
        }
        if self.draw.chance(1, 3) {
            return self.conditional(of, scope, depth - 1);
        }
        match of {
            Type::Integer => self.integer(scope, depth - 1),
            Type::Bigint => self.bigint(scope, depth - 1),
            Type::Numeric => self.numeric(scope, depth - 1),
            Type::Double => self.double(scope, depth - 1),
            Type::Text => self.text(scope, depth - 1),
            Type::Boolean => self.condition(scope, depth - 1),
            Type::Date => self.date(scope, depth - 1),
            Type::Timestamp => self.timestamp(scope, depth - 1),
        }
    }

    /// What every type has.
    fn conditional(&mut self, of: Type, scope: &Scope, depth: usize) -> Node {
        let condition = self.value(Type::Boolean, scope, depth);
        let [a, b] = [(); 2].map(|()| self.value(of, scope, depth));
        match self.draw.below(8) {
            0 => Node::value(of, "CASE WHEN {} THEN {} ELSE {} END", [condition, a, b]),
            1 => Node::value(of, "CASE WHEN {} THEN {} END", [condition, a]),
            2 => {
                let key = self.any_type();
                let [x, y, z] = [(); 3].map(|()| self.value(key, scope, depth));
                let c = self.value(of, scope, depth);
                let nodes = [x, y, a, z, b, c];
                Node::value(of, "CASE {} WHEN {} THEN {} WHEN {} THEN {} ELSE {} END", nodes)
            }
            3 => Node::value(of, "COALESCE({}, {})", [a, b]),
            4 => Node::value(of, "NULLIF({}, {})", [a, b]),
            5 => Node::value(of, "GREATEST({}, {})", [a, b]),
            6 => Node::value(of, "LEAST({}, {})", [a, b]),
            _ if depth > 0 => self.scalar_subquery(of, scope, depth - 1),
            _ => Node::value(of, "COALESCE(NULL, {}, {})", [a, b]),
        }
    }

    /// Numbers of several types that become DOUBLE PRECISION.
    fn mixed(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Double;
        let other = *self.draw.pick(&[Type::Integer, Type::Bigint]);
        let condition = self.value(Type::Boolean, scope, depth);
        let a = self.value(of, scope, depth);
        let b = self.value(other, scope, depth);
        match self.draw.below(5) {
            0 => Node::value(of, "CASE WHEN {} THEN {} ELSE {} END", [condition, b, a]),
            1 => Node::value(of, "COALESCE({}, {})", [b, a]),
            2 => Node::value(of, "GREATEST({}, {}, NULL)", [b, a]),
            3 => Node::value(of, "({} - {})", [b, a]),
            _ => Node::value(of, "LEAST({}, {}, 2)", [a, b]),
        }
    }

    /// Two values that compare, of one type or of two.
    fn comparable(&mut self, scope: &Scope, depth: usize) -> [Node; 2] {
        let key = self.any_type();
        let others: &[Type] = match key {
            Type::Integer => &[Type::Integer, Type::Bigint, Type::Double],
            Type::Bigint => &[Type::Bigint, Type::Integer, Type::Double],
            Type::Double => &[Type::Double, Type::Integer, Type::Bigint],
            Type::Date => &[Type::Date, Type::Date, Type::Timestamp],
            Type::Timestamp => &[Type::Timestamp, Type::Timestamp, Type::Date],
            _ => &[],
        };
        let other = if others.is_empty() { key } else { *self.draw.pick(others) };
        let a = self.value(key, scope, depth);
        // A bare literal takes the type of what it is compared with.
        let literal = match key {
            Type::Date => Some("'2025-01-01'"),
            Type::Timestamp => Some("'2025-01-31 23:59:59'"),
            Type::Text => Some("NULL"),
            _ => None,
        };
        if let Some(literal) = literal.filter(|_| self.draw.chance(1, 5)) {
            return [a, Node::word(literal)];
        }
        let b = self.value(other, scope, depth);
        if self.draw.chance(1, 2) { [a, b] } else { [b, a] }
    }

    fn integer(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Integer;
        let [a, b] = [(); 2].map(|()| self.value(of, scope, depth));
        let [s, t] = [(); 2].map(|()| self.value(Type::Text, scope, depth));
        match self.draw.below(20) {
            0 => Node::value(of, "(({} + {}) % 1000)", [a, b]),
            1 => Node::value(of, "(({} - {}) % 1000)", [a, b]),
            2 => Node::value(of, "(({} % 100) * ({} % 100))", [a, b]),
            3 => Node::value(of, "({} / 3)", [a]),
            4 => Node::value(of, "({} / NULLIF({}, 0))", [a, b]),
            5 => Node::value(of, "MOD({}, 7)", [a]),
            6 => Node::value(of, "(- {})", [a]),
            7 => Node::value(of, "ABS({})", [a]),
            8 => Node::value(of, "LENGTH({})", [s]),
            9 => Node::value(of, "STRPOS({}, {})", [s, t]),
            10 => Node::value(of, "OCTET_LENGTH({})", [s]),
            11 => Node::value(of, "POSITION({} IN {})", [s, t]),
            12 => {
                let c = self.value(Type::Boolean, scope, depth);
                Node::value(of, "CAST({} AS INTEGER)", [c])
            }
            13 => {
                let part =
                    *self.draw.pick(&["YEAR", "MONTH", "DAY", "QUARTER", "WEEK", "DOY", "DOW"]);
                let d = self.value(Type::Date, scope, depth);
                Node::value(of, &format!("CAST(EXTRACT({part} FROM {{}}) AS INTEGER)"), [d])
            }
            14 => {
                let part = *self.draw.pick(&["HOUR", "MINUTE", "MONTH", "YEAR"]);
                let d = self.value(Type::Timestamp, scope, depth);
                Node::value(of, &format!("CAST(EXTRACT({part} FROM {{}}) AS INTEGER)"), [d])
            }
            15 => Node::value(of, "CAST(CAST({} AS TEXT) AS INTEGER)", [a]),
            16 => {
                let n = self.value(Type::Numeric, scope, depth);
                Node::value(of, "CAST({} AS INTEGER)", [n])
            }
            17 => {
                let n = self.value(Type::Bigint, scope, depth);
                Node::value(of, "CAST(({} % 1000) AS INTEGER)", [n])
            }
            18 => {
                let d = self.value(Type::Double, scope, depth);
                Node::value(of, "CAST(FLOOR({}) AS INTEGER)", [d])
            }
            _ => {
                let [x, y] = [(); 2].map(|()| self.value(Type::Date, scope, depth));
                Node::value(of, "CAST(({} - {}) % 1000 AS INTEGER)", [x, y])
            }
        }
    }

    fn bigint(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Bigint;
        let [a, b] = [(); 2].map(|()| self.value(of, scope, depth));
        let i = self.value(Type::Integer, scope, depth);
        match self.draw.below(7) {
            0 => Node::value(of, "(({} + {}) % 100000)", [a, i]),
            1 => Node::value(of, "(({} - {}) % 100000)", [i, b]),
            2 => Node::value(of, "(({} % 1000) * ({} % 1000))", [a, i]),
            3 => Node::value(of, "({} / NULLIF({}, 0))", [a, i]),
            4 => Node::value(of, "CAST({} AS BIGINT)", [i]),
            5 => Node::value(of, "ABS({})", [a]),
            _ => Node::value(of, "(- {})", [a]),
        }
    }

    fn numeric(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Numeric;
        let [a, b] = [(); 2].map(|()| self.value(of, scope, depth));
        match self.draw.below(5) {
            0 => Node::value(of, "CAST({} + {} AS NUMERIC(10, 2))", [a, b]),
            1 => Node::value(of, "CAST({} - {} AS NUMERIC(10, 2))", [a, b]),
            2 => Node::value(of, "ABS({})", [a]),
            3 => Node::value(of, "(- {})", [a]),
            _ => {
                let i = self.value(Type::Integer, scope, depth);
                Node::value(of, "CAST({} AS NUMERIC(10, 2))", [i])
            }
        }
    }

    fn double(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Double;
        let [a, b] = [(); 2].map(|()| self.value(of, scope, depth));
        match self.draw.below(10) {
            0 => Node::value(of, "({} + {})", [a, b]),
            1 => Node::value(of, "({} - {})", [a, b]),
            2 => Node::value(of, "({} / 4)", [a]),
            3 => Node::value(of, "ABS({})", [a]),
            4 => Node::value(of, "FLOOR({})", [a]),
            5 => Node::value(of, "CEIL({})", [a]),
            6 => Node::value(of, "SIGN({})", [a]),
            7 => Node::value(of, "TRUNC({})", [a]),
            8 => {
                let i = self.value(Type::Integer, scope, depth);
                Node::value(of, "({} + {})", [a, i])
            }
            _ => {
                let i = self.value(Type::Integer, scope, depth);
                Node::value(of, "CAST({} AS DOUBLE PRECISION)", [i])
            }
        }
    }

    fn text(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Text;
        let [a, b, c] = [(); 3].map(|()| self.value(of, scope, depth));
        let small = self.draw.below(5);
        let n = self.draw.below(9) as i64 - 3;
        match self.draw.below(21) {
            0 => {
                let other = *self.draw.pick(&[Type::Integer, Type::Text, Type::Bigint, Type::Date]);
                let d = self.value(other, scope, depth);
                // One of the two has to be TEXT; a bare literal is none yet.
                Node::value(of, "(CAST({} AS TEXT) || {})", [a, d])
            }
            1 => Node::value(of, "UPPER({})", [a]),
            2 => Node::value(of, "LOWER({})", [a]),
            3 => Node::value(of, &format!("SUBSTRING({{}}, {n})"), [a]),
            4 => Node::value(of, &format!("SUBSTRING({{}} FROM {n} FOR {small})"), [a]),
            5 => Node::value(of, "TRIM({})", [a]),
            6 => Node::value(of, "LTRIM({}, {})", [a, b]),
            7 => Node::value(of, "RTRIM({}, {})", [a, b]),
            8 => Node::value(of, "REPLACE({}, {}, {})", [a, b, c]),
            9 => Node::value(of, &format!("LEFT({{}}, {n})"), [a]),
            10 => Node::value(of, &format!("RIGHT({{}}, {n})"), [a]),
            11 => Node::value(of, &format!("LPAD({{}}, {small}, {{}})"), [a, b]),
            12 => Node::value(of, &format!("RPAD({{}}, {small}, {{}})"), [a, b]),
            13 => Node::value(of, &format!("REPEAT({{}}, {})", small.min(2)), [a]),
            14 => Node::value(of, "REVERSE({})", [a]),
            15 => Node::value(of, &format!("SPLIT_PART({{}}, ',', {})", small + 1), [a]),
            16 => {
                let other = *self.draw.pick(&[Type::Integer, Type::Text, Type::Date]);
                let d = self.value(other, scope, depth);
                Node::value(of, "CONCAT({}, {}, {})", [a, d, c])
            }
            17 => Node::value(of, "MD5({})", [a]),
            18 => Node::value(of, "TRIM(BOTH 'a' FROM {})", [a]),
            19 => {
                let format = *self.draw.pick(&["YYYY-MM-DD", "DD.MM.YYYY", "YYYYMM"]);
                let d = self.value(Type::Date, scope, depth);
                Node::value(of, &format!("TO_CHAR({{}}, '{format}')"), [d])
            }
            _ => {
                let from = *self.draw.pick(&[
                    Type::Integer,
                    Type::Bigint,
                    Type::Boolean,
                    Type::Date,
                    Type::Numeric,
                    Type::Timestamp,
                    Type::Double,
                ]);
                let d = self.value(from, scope, depth);
                Node::value(of, "CAST({} AS TEXT)", [d])
            }
        }
    }

    fn date(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Date;
        let a = self.value(of, scope, depth);
        let i = self.value(Type::Integer, scope, depth);
        match self.draw.below(5) {
            0 => Node::value(of, "({} + ({} % 1000))", [a, i]),
            1 => Node::value(of, "({} - ({} % 1000))", [a, i]),
            2 => Node::value(of, "CAST(CAST({} AS TEXT) AS DATE)", [a]),
            3 => Node::value(of, "(7 + {})", [a]),
            _ => {
                let t = self.value(Type::Timestamp, scope, depth);
                Node::value(of, "CAST({} AS DATE)", [t])
            }
        }
    }

    fn timestamp(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Timestamp;
        let a = self.value(of, scope, depth);
        let d = self.value(Type::Date, scope, depth);
        let unit = *self.draw.pick(&["year", "quarter", "month", "week", "day", "hour", "minute"]);
        let span = *self.draw.pick(&["1 month", "1 day", "3 hours", "1 year", "90 minutes"]);
        match self.draw.below(5) {
            0 => Node::value(of, &format!("DATE_TRUNC('{unit}', {{}})"), [a]),
            1 => Node::value(of, &format!("({{}} + INTERVAL '{span}')"), [a]),
            2 => Node::value(of, &format!("({{}} - INTERVAL '{span}')"), [a]),
            3 => Node::value(of, &format!("({{}} + INTERVAL '{span}')"), [d]),
            _ => Node::value(of, "CAST({} AS TIMESTAMP)", [d]),
        }
    }

    /// A condition of one more level.
    pub(crate) fn condition(&mut self, scope: &Scope, depth: usize) -> Node {
        let of = Type::Boolean;
        let key = self.any_type();
        let [p, q] = [(); 2].map(|()| self.value(of, scope, depth));
        let [a, b, c] = [(); 3].map(|()| self.value(key, scope, depth));
        let not = if self.draw.chance(1, 3) { "NOT " } else { "" };
        match self.draw.below(23) {
            0..5 => {
                let operator = *self.draw.pick(&["=", "<>", "<", "<=", ">", ">="]);
                let pair = self.comparable(scope, depth);
                Node::value(of, &format!("({{}} {operator} {{}})"), pair)
            }
            5 => Node::value(of, "({} AND {})", [p, q]),
            6 => Node::value(of, "({} OR {})", [p, q]),
            7 => Node::value(of, "(NOT {})", [p]),
            8 => Node::value(of, &format!("({{}} IS {not}NULL)"), [a]),
            9 => {
                let truth = if self.draw.chance(1, 2) { "TRUE" } else { "FALSE" };
                Node::value(of, &format!("({{}} IS {not}{truth})"), [p])
            }
            10 => Node::value(of, &format!("({{}} {not}BETWEEN {{}} AND {{}})"), [a, b, c]),
            11 => {
                let mut items = vec![b, c];
                if self.draw.chance(1, 4) {
                    items.push(Node::word("NULL"));
                }
                let items = Node::list(", ", items, 1);
                Node::value(of, &format!("({{}} {not}IN ({{}}))"), [a, items])
            }
            12 => {
                let word = if self.draw.chance(1, 2) { "LIKE" } else { "ILIKE" };
                let patterns = ["'a%'", "'%b'", "'_'", "'%'", "''", "'A_'", "'%\\%%'", "'a,%'"];
                let pattern = *self.draw.pick(&patterns);
                let s = self.value(Type::Text, scope, depth);
                Node::value(of, &format!("({{}} {not}{word} {pattern})"), [s])
            }
            13 => Node::value(of, &format!("({{}} IS {not}DISTINCT FROM {{}})"), [a, b]),
            14 => {
                let other = self.any_type();
                let [x, y] = [(); 2].map(|()| self.value(other, scope, depth));
                let operator = if not.is_empty() { "=" } else { "<>" };
                Node::value(of, &format!("(({{}}, {{}}) {operator} ({{}}, {{}}))"), [a, x, b, y])
            }
            15 if depth > 0 => self.exists(not, scope, depth - 1),
            16 | 17 if depth > 0 => self.in_subquery(a, key, not, scope, depth - 1),
            18 => Node::value(of, "(({} > {}) = {})", [a, b, p]),
            19 if depth > 0 => self.row_in_subquery([a, p], [key, of], not, scope, depth - 1),
            20 => {
                let [s, t] = [(); 2].map(|()| self.value(Type::Text, scope, depth));
                let t = Node::new(Kind::Fixed, "REPLACE({}, '\\', '%')", [t]);
                Node::value(of, &format!("({{}} {not}LIKE {{}})"), [s, t])
            }
            21 => {
                let s = self.value(Type::Text, scope, depth);
                Node::value(of, &format!("({{}} {not}LIKE 'a!%%' ESCAPE '!')"), [s])
            }
            _ => Node::value(of, "({} <> {})", [p, q]),
        }
    }

    /// A table under a new name, and the condition on it, which may look outside.
    fn inner(&mut self, scope: &Scope, depth: usize) -> (Node, Scope) {
        let (table, mut inner) = self.table();
        let columns = inner.clone();
        if scope.correlates {
            inner.leaves.extend(scope.leaves.iter().cloned());
        }
        let condition = self.condition(&inner, depth);
        let filter = Node::new(Kind::Clause, " WHERE {}", [condition]);
        (Node::new(Kind::Fixed, "{}{}", [table, filter]), columns)
    }

    fn scalar_subquery(&mut self, of: Type, scope: &Scope, depth: usize) -> Node {
        let (from, columns) = self.inner(scope, depth);
        let value = self.value(of, &columns, depth);
        if self.draw.chance(1, 4) {
            let way = *self.draw.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
            let template = format!("(SELECT {{}} FROM {{}} ORDER BY 1{way} LIMIT 1)");
            return Node::value(of, &template, [value, from]);
        }
        // A BOOLEAN has no greatest in PostgreSQL.
        if of == Type::Boolean {
            return Node::value(of, "(SELECT BOOL_OR({}) FROM {})", [value, from]);
        }
        let word = if self.draw.chance(1, 2) { "MAX" } else { "MIN" };
        Node::value(of, &format!("(SELECT {word}({{}}) FROM {{}})"), [value, from])
    }

    fn exists(&mut self, not: &str, scope: &Scope, depth: usize) -> Node {
        let (from, _) = self.inner(scope, depth);
        Node::value(Type::Boolean, &format!("({not}EXISTS (SELECT 1 FROM {{}}))"), [from])
    }

    fn in_subquery(
        &mut self,
        value: Node,
        of: Type,
        not: &str,
        scope: &Scope,
        depth: usize,
    ) -> Node {
        let (from, columns) = self.inner(scope, depth);
        let column = self.value(of, &columns, depth);
        let template = format!("({{}} {not}IN (SELECT {{}} FROM {{}}))");
        Node::value(Type::Boolean, &template, [value, column, from])
    }

    fn row_in_subquery(
        &mut self,
        row: [Node; 2],
        of: [Type; 2],
        not: &str,
        scope: &Scope,
        depth: usize,
    ) -> Node {
        let (from, columns) = self.inner(scope, depth);
        let [x, y] = of.map(|of| self.value(of, &columns, depth));
        let [a, b] = row;
        let template = format!("(({{}}, {{}}) {not}IN (SELECT {{}}, {{}} FROM {{}}))");
        Node::value(Type::Boolean, &template, [a, b, x, y, from])
    }

    /// A table under a new name, with its columns.
    pub(crate) fn table(&mut self) -> (Node, Scope) {
        let table = self.draw.pick(&self.tables).clone();
        let name = self.name();
        let leaf = |(column, of): &(String, Type)| {
            (*of, Node::value(*of, &format!("{name}.{column}"), []))
        };
        let leaves = table.columns.iter().map(leaf).collect();
        let from = Node::word(format!("{} AS {name}", table.name));
        (from, Scope { leaves, correlates: true })
    }
}
