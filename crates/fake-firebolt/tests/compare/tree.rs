//! A statement as a tree of text: what is made by the generator, rendered for the engines, and cut
//! down by the shrinker. It knows which parts can go and which stand for a value, and nothing else
//! of SQL.

use std::fmt;

/// Types of the portable dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Integer,
    Bigint,
    /// NUMERIC(10, 2) and no other: others do not meet in Firebolt (docs/fidelity.md, casts).
    Numeric,
    Double,
    Text,
    Boolean,
    Date,
    Timestamp,
}

impl Type {
    pub(crate) const ALL: [Self; 8] = [
        Self::Integer,
        Self::Bigint,
        Self::Numeric,
        Self::Double,
        Self::Text,
        Self::Boolean,
        Self::Date,
        Self::Timestamp,
    ];

    /// As CREATE TABLE and CAST spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Bigint => "BIGINT",
            Self::Numeric => "NUMERIC(10, 2)",
            Self::Double => "DOUBLE PRECISION",
            Self::Text => "TEXT",
            Self::Boolean => "BOOLEAN",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
        }
    }

    /// The plainest value, which the shrinker puts in the place of others.
    fn plain(self) -> &'static str {
        match self {
            Self::Integer => "1",
            Self::Bigint => "CAST(1 AS BIGINT)",
            Self::Numeric => "CAST(1 AS NUMERIC(10, 2))",
            Self::Double => "CAST(1 AS DOUBLE PRECISION)",
            Self::Text => "'a'",
            Self::Boolean => "TRUE",
            Self::Date => "DATE '2025-01-01'",
            Self::Timestamp => "TIMESTAMP '2025-01-01 00:00:00'",
        }
    }
}

/// What a node is to the shrinker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Stays as it is; what is inside of it may change.
    Fixed,
    /// A value, which another of its type can replace.
    Value(Type),
    /// May be left out.
    Clause,
    /// ORDER BY over all columns, with LIMIT: may be left out. With it the order of rows counts.
    Order,
}

/// A piece of a statement.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Word(String),
    Node(Node),
    /// Items of which all but `least` may go.
    List {
        separator: &'static str,
        items: Vec<Node>,
        least: usize,
    },
}

impl Node {
    /// Text with a node for every `{}`.
    pub(crate) fn new(kind: Kind, template: &str, nodes: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = Vec::new();
        let mut nodes = nodes.into_iter();
        for (at, word) in template.split("{}").enumerate() {
            if at > 0 {
                parts.push(Part::Node(nodes.next().expect("a node for every place")));
            }
            if !word.is_empty() {
                parts.push(Part::Word(word.to_owned()));
            }
        }
        assert!(nodes.next().is_none(), "a place for every node: {template}");
        Self { kind, parts }
    }

    pub(crate) fn word(text: impl Into<String>) -> Self {
        Self { kind: Kind::Fixed, parts: vec![Part::Word(text.into())] }
    }

    pub(crate) fn value(of: Type, template: &str, nodes: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Kind::Value(of), template, nodes)
    }

    pub(crate) fn nothing() -> Self {
        Self { kind: Kind::Fixed, parts: Vec::new() }
    }

    pub(crate) fn list(separator: &'static str, items: Vec<Self>, least: usize) -> Self {
        Self { kind: Kind::Fixed, parts: vec![Part::List { separator, items, least }] }
    }

    /// A list without what stands behind the item at that place.
    pub(crate) fn until(&self, last: usize) -> Self {
        match self.parts.as_slice() {
            [Part::List { separator, items, least }] => {
                Self::list(separator, items[..=last].to_vec(), *least)
            }
            _ => self.clone(),
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> &[Self] {
        match self.parts.as_slice() {
            [Part::List { items, .. }] => items,
            _ => &[],
        }
    }

    /// Whether the order of the statement's rows is said.
    pub(crate) fn is_ordered(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(part, Part::Node(node) if node.kind == Kind::Order && !node.parts.is_empty())
        })
    }

    fn with(&self, at: usize, part: Part) -> Self {
        let mut changed = self.clone();
        changed.parts[at] = part;
        changed
    }

    /// Everything that one step makes of it, the largest cuts first.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        if let Kind::Value(of) = self.kind {
            if self.to_string() != of.plain() {
                found.push(Self::value(of, of.plain(), []));
            }
            self.values_inside(of, &mut found);
        }
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Word(_) => {}
                Part::Node(node) => {
                    if matches!(node.kind, Kind::Clause | Kind::Order) && !node.parts.is_empty() {
                        let gone = Self { kind: node.kind, parts: Vec::new() };
                        found.push(self.with(at, Part::Node(gone)));
                    }
                    let smaller = node.smaller().into_iter();
                    found.extend(smaller.map(|node| self.with(at, Part::Node(node))));
                }
                Part::List { separator, items, least } => {
                    let list = |items| Part::List { separator, items, least: *least };
                    // Halves first: most of a script has nothing to do with what it shows.
                    let half = items.len() / 2;
                    if half > 1 && items.len() - half >= *least {
                        found.push(self.with(at, list(items[half..].to_vec())));
                        found.push(self.with(at, list(items[..items.len() - half].to_vec())));
                    }
                    for index in (0..items.len()).filter(|_| items.len() > *least) {
                        let mut items = items.clone();
                        items.remove(index);
                        found.push(self.with(at, list(items)));
                    }
                    for index in 0..items.len() {
                        for smaller in items[index].smaller() {
                            let mut items = items.clone();
                            items[index] = smaller;
                            found.push(self.with(at, list(items)));
                        }
                    }
                }
            }
        }
        found
    }

    fn values_inside(&self, of: Type, found: &mut Vec<Self>) {
        for part in &self.parts {
            let nodes = match part {
                Part::Word(_) => continue,
                Part::Node(node) => std::slice::from_ref(node),
                Part::List { items, .. } => items,
            };
            for node in nodes {
                if node.kind == Kind::Value(of) {
                    found.push(node.clone());
                } else {
                    node.values_inside(of, found);
                }
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Word(word) => f.write_str(word)?,
                Part::Node(node) => write!(f, "{node}")?,
                Part::List { separator, items, .. } => {
                    for (index, item) in items.iter().enumerate() {
                        if index > 0 {
                            f.write_str(separator)?;
                        }
                        write!(f, "{item}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
