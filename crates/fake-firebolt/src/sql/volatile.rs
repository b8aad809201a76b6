//! RANDOM and GEN_RANDOM_UUID_TEXT: values that are drawn anew for every row.
//!
//! A statement that calls one of them takes one seed out of the server's own stream for that, and
//! draws from there: two servers of one seed answer alike, and what others draw (ids, tokens, picks)
//! does not move. Nothing may compute such an expression ahead of the rows, or once for several.
//!
//! BETWEEN is two comparisons, and draws for each of them, as in PostgreSQL; CASE compares its operand
//! with one WHEN after another, so that an operand that draws is refused where there are several.

use std::cell::RefCell;
use std::rc::Rc;

use sqlparser::ast::{self, Spanned};

use super::bind::Binder;
use super::bind_table::Relation;
use super::error::SqlError;
use super::expr::{Env, Expr};
use super::plan::Plan;
use super::scope::{Field, Scope, Typed};
use crate::ids::{Stream, Uuid};
use crate::value::{DataType, Row, Value};

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// DOUBLE PRECISION, greater than 0 and less than 1 (the vendor's page on RANDOM).
    Fraction,
    /// TEXT in the shape of a UUID of version 4 (the vendor's page on GEN_RANDOM_UUID_TEXT).
    Uuid,
}

/// A call; all calls of one statement draw from the same stream.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    kind: Kind,
    stream: Rc<RefCell<Stream>>,
}

impl Draw {
    /// The next value.
    pub(super) fn next(&self) -> Value {
        let mut stream = self.stream.borrow_mut();
        match self.kind {
            Kind::Fraction => Value::Double(stream.fraction()),
            Kind::Uuid => Value::text(&Uuid::of(&mut stream).to_string()),
        }
    }
}

/// A WITH query that draws: its rows are made once, or two references to it would see different
/// ones ("evaluated only once", the vendor's page on SELECT).
#[derive(Debug)]
pub(super) struct Once {
    plan: Plan,
    rows: RefCell<Option<Vec<Row>>>,
}

impl Once {
    /// The rows.
    pub(super) fn run(&self, env: &Env<'_>) -> Result<Vec<Row>, SqlError> {
        if let Some(rows) = self.rows.borrow().as_ref() {
            return Ok(rows.clone());
        }
        let rows = self.plan.run(env)?;
        self.rows.replace(Some(rows.clone()));
        Ok(rows)
    }
}

/// A WITH query with volatile calls: where it is written, its rows, and what its columns are.
pub(super) type Drawing<'b> = (&'b ast::Cte, Rc<Once>, Vec<Field>);

/// What a statement knows of its volatile calls.
#[derive(Debug, Default)]
pub(super) struct Volatile<'b> {
    stream: Option<Rc<RefCell<Stream>>>,
    /// Calls bound so far: whether one stands in what was just bound is seen by this.
    calls: usize,
    /// WITH queries with such calls, by where they are written.
    once: Vec<Drawing<'b>>,
}

impl<'b> Volatile<'b> {
    /// Takes the WITH queries out of sight, as a view does while it is bound.
    pub(super) fn forget(&mut self) -> Vec<Drawing<'b>> {
        std::mem::take(&mut self.once)
    }

    /// Puts them back.
    pub(super) fn remember(&mut self, once: Vec<Drawing<'b>>) {
        self.once = once;
    }
}

impl<'b> Binder<'b> {
    /// Binds the call of that name, if it is a volatile function.
    pub(super) fn volatile_call(
        &self,
        name: &str,
        arguments: usize,
    ) -> Result<Option<Typed>, SqlError> {
        let (kind, data_type) = match name {
            "random" => (Kind::Fraction, DataType::Double),
            "gen_random_uuid_text" => (Kind::Uuid, DataType::Text),
            _ => return Ok(None),
        };
        if arguments != 0 {
            return Err(SqlError::type_error(format!("wrong number of arguments for {name}")));
        }
        let mut volatile = self.volatile.borrow_mut();
        volatile.calls += 1;
        let seed = || Rc::new(RefCell::new(Stream::new((self.ctx.values)(), "statement")));
        let stream = Rc::clone(volatile.stream.get_or_insert_with(seed));
        Ok(Some(Typed::new(Expr::Draw(Draw { kind, stream }), data_type, false)))
    }

    /// Binds the operand of a CASE with so many branches. Each compares with it anew: one that draws
    /// would be another value for each, and a row that fits one of two would fit none.
    pub(super) fn case_operand(
        &self,
        operand: &'b ast::Expr,
        branches: usize,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let before = self.volatile.borrow().calls;
        let typed = self.expr(operand, scope)?;
        if branches > 1 && self.volatile.borrow().calls != before {
            let text = format!("CASE {operand} with several WHEN, as its operand is drawn anew");
            return Err(SqlError::unsupported(text).at(operand.span()));
        }
        Ok(typed)
    }

    /// Binds a WITH query by `bind`, or hands out what was made of it before.
    pub(super) fn once(
        &self,
        cte: &'b ast::Cte,
        bind: impl FnOnce() -> Result<Relation, SqlError>,
    ) -> Result<Relation, SqlError> {
        let known = self.volatile.borrow().once.iter().find_map(|(known, once, fields)| {
            std::ptr::eq(*known, cte).then(|| (Rc::clone(once), fields.clone()))
        });
        if let Some((once, fields)) = known {
            return Ok(Relation { plan: Plan::Once(once), fields });
        }
        let before = self.volatile.borrow().calls;
        let relation = bind()?;
        let mut volatile = self.volatile.borrow_mut();
        if volatile.calls == before {
            return Ok(relation);
        }
        let once = Rc::new(Once { plan: relation.plan, rows: RefCell::new(None) });
        volatile.once.push((cte, Rc::clone(&once), relation.fields.clone()));
        Ok(Relation { plan: Plan::Once(once), fields: relation.fields })
    }
}
