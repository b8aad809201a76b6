//! Finds the parts of a statement that change from one execution to the next, and writes their
//! values into a tree that was parsed from another execution's text.
//!
//! A slot keeps its place and its length, so a tree whose slots are refilled is the very tree that
//! parsing the new text would have made, error positions included. What the scanner does not
//! understand at a glance has no slots and is parsed afresh.

use std::ops::Range;

use sqlparser::ast::{self, Expr, Ident, ObjectName, Query, SetExpr, TableFactor};
use sqlparser::tokenizer::{Location, Span};

/// Shorter strings stay part of the skeleton: they are words of the statement, such as a unit or
/// the name of a table, rather than values.
const STRING_MIN: usize = 8;

/// A statement's text without the values of its slots, and where those are.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The text, each slot's value replaced by its kind and length.
    pub(super) skeleton: String,
    /// The values' places in the text, ascending.
    pub(super) slots: Vec<Slot>,
}

/// A value's place.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Where the token starts, quotes included, as sqlparser counts lines and columns.
    start: Location,
    /// The value, without quotes.
    pub(super) value: Range<usize>,
}

/// The bytes at which the scanner has to look twice: all that are no plain part of a line.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let bytes = b"\n'\"(-/;\\`$#@";
    let mut at = 0;
    while at < bytes.len() {
        marks[bytes[at] as usize] = true;
        at += 1;
    }
    marks
};

/// Splits a text into skeleton and slots. `None` for anything but lines of printable ASCII without
/// comments, doubled quotes and semicolons.
pub(super) fn scan(text: &str) -> Option<Scanned> {
    let bytes = text.as_bytes();
    // In one pass that never branches; below, nothing asks again.
    if bytes.iter().fold(false, |found, byte| found | !is_plain(*byte)) {
        return None;
    }
    let mut scanned =
        Scanned { skeleton: String::with_capacity(text.len()), slots: Vec::with_capacity(8) };
    let (mut at, mut copied) = (0, 0);
    let mut lines = Lines { line: 1, start: 0 };
    // What a value of several lines or with a backslash would need. Most statements have neither.
    let is_one_line = !text.contains('\n');
    let has_no_escape = is_one_line && !text.contains('\\');
    // Most of a statement is passed here, so the arms below are for what is left.
    while let Some(plain) = bytes[at..].iter().position(|byte| MARKS[usize::from(*byte)]) {
        at += plain;
        let rest = &bytes[at..];
        let (mark, value) = match rest {
            [quote @ (b'\'' | b'"'), ..] => {
                let value = at + 1..at + 1 + quoted_length(&rest[1..], *quote)?;
                let inner = &text[value.clone()];
                let is_slot = if *quote == b'"' {
                    inner.starts_with("stg_")
                } else {
                    // E'…' and its kind are another sort of string.
                    if at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
                        return None;
                    }
                    value.len() >= STRING_MIN && (has_no_escape || !inner.contains(['\\', '\n']))
                };
                let token = at;
                at = value.end + 1;
                if !is_slot {
                    if !is_one_line {
                        lines.pass(&bytes[..at], token);
                    }
                    continue;
                }
                scanned.slots.push(Slot { start: lines.location(token), value: value.clone() });
                ('\u{1}', value)
            }
            [b'(', b'0'..=b'9', ..] if text[..at].ends_with("CAST") => {
                let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let value = at + 1..at + 1 + digits;
                at += 1;
                if !text[value.end..].starts_with(" AS ") {
                    continue;
                }
                at = value.end;
                let start = lines.location(value.start);
                scanned.slots.push(Slot { start, value: value.clone() });
                ('\u{2}', value)
            }
            [b'-', b'-', ..] | [b'/', b'*' | b'/', ..] => return None,
            [b';' | b'\\' | b'`' | b'$' | b'#' | b'@', ..] => return None,
            [b'\n', ..] => {
                at += 1;
                lines.pass(&bytes[..at], at - 1);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        scanned.skeleton.push_str(&text[copied..value.start]);
        scanned.skeleton.push(mark);
        scanned.skeleton.push(char::from_u32(u32::try_from(value.len()).ok()?)?);
        copied = value.end;
    }
    scanned.skeleton.push_str(&text[copied..]);
    Some(scanned)
}

/// Counts lines.
struct Lines {
    line: u64,
    /// Where the line starts.
    start: usize,
}

impl Lines {
    /// Goes on to the end of `text`, which has been counted up to `from`.
    fn pass(&mut self, text: &[u8], from: usize) {
        for (at, _) in text.iter().enumerate().skip(from).filter(|(_, byte)| **byte == b'\n') {
            self.line += 1;
            self.start = at + 1;
        }
    }

    fn location(&self, at: usize) -> Location {
        Location { line: self.line, column: (at - self.start) as u64 + 1 }
    }
}

/// How long a quoted text is that starts here; `None` for what needs a real tokenizer.
fn quoted_length(rest: &[u8], quote: u8) -> Option<usize> {
    let length = rest.iter().position(|byte| *byte == quote)?;
    let is_doubled = rest.get(length + 1) == Some(&quote);
    (!is_doubled).then_some(length)
}

/// Printable ASCII, or the end of a line.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n')
}

/// Writes the values of `text` into the slots of `tree`.
pub(super) fn fill(tree: &mut ast::Statement, text: &str, slots: &[Slot]) {
    if !slots.is_empty() {
        Filler { text, slots }.statement(tree);
    }
}

/// Walks the parts of a tree in which the statements of loaders have values. A slot in a part that
/// is not walked keeps its old value; whoever makes a template finds out and refuses it.
struct Filler<'a> {
    text: &'a str,
    slots: &'a [Slot],
}

impl Filler<'_> {
    fn write(&self, value: &mut String, span: Span) {
        if let Ok(at) = self.slots.binary_search_by_key(&span.start, |slot| slot.start) {
            value.clear();
            value.push_str(&self.text[self.slots[at].value.clone()]);
        }
    }

    fn ident(&self, ident: &mut Ident) {
        self.write(&mut ident.value, ident.span);
    }

    fn name(&self, name: &mut ObjectName) {
        for part in &mut name.0 {
            if let ast::ObjectNamePart::Identifier(ident) = part {
                self.ident(ident);
            }
        }
    }

    fn statement(&self, tree: &mut ast::Statement) {
        match tree {
            ast::Statement::Query(query) => self.query(query),
            ast::Statement::Insert(insert) => {
                insert.source.iter_mut().for_each(|query| self.query(query));
            }
            ast::Statement::Update(update) => {
                self.factor(&mut update.table.relation);
                update.assignments.iter_mut().for_each(|to| self.expr(&mut to.value));
                update.selection.iter_mut().for_each(|expr| self.expr(expr));
            }
            ast::Statement::Merge(merge) => {
                self.factor(&mut merge.table);
                self.factor(&mut merge.source);
                self.expr(&mut merge.on);
                for clause in &mut merge.clauses {
                    clause.predicate.iter_mut().for_each(|expr| self.expr(expr));
                }
            }
            ast::Statement::CreateTable(create) => {
                self.name(&mut create.name);
                create.query.iter_mut().for_each(|query| self.query(query));
            }
            ast::Statement::Drop { names, .. } => {
                names.iter_mut().for_each(|name| self.name(name));
            }
            _ => {}
        }
    }

    fn query(&self, query: &mut Query) {
        if let Some(with) = &mut query.with {
            with.cte_tables.iter_mut().for_each(|cte| self.query(&mut cte.query));
        }
        self.set(&mut query.body);
    }

    fn set(&self, mut set: &mut SetExpr) {
        loop {
            match set {
                SetExpr::Select(select) => return self.select(select),
                SetExpr::Query(query) => return self.query(query),
                SetExpr::SetOperation { left, right, .. } => {
                    self.set(right);
                    set = left;
                }
                _ => return,
            }
        }
    }

    fn select(&self, select: &mut ast::Select) {
        for item in &mut select.projection {
            if let ast::SelectItem::UnnamedExpr(expr)
            | ast::SelectItem::ExprWithAlias { expr, .. } = item
            {
                self.expr(expr);
            }
        }
        for table in &mut select.from {
            self.factor(&mut table.relation);
            for join in &mut table.joins {
                self.factor(&mut join.relation);
                match &mut join.join_operator {
                    ast::JoinOperator::Join(ast::JoinConstraint::On(expr))
                    | ast::JoinOperator::Inner(ast::JoinConstraint::On(expr))
                    | ast::JoinOperator::Left(ast::JoinConstraint::On(expr)) => self.expr(expr),
                    _ => {}
                }
            }
        }
        select.selection.iter_mut().for_each(|expr| self.expr(expr));
    }

    fn factor(&self, factor: &mut TableFactor) {
        match factor {
            TableFactor::Table { name, args, .. } => {
                self.name(name);
                if let Some(arguments) = args {
                    arguments.args.iter_mut().for_each(|argument| self.argument(argument));
                }
            }
            TableFactor::Derived { subquery, .. } => self.query(subquery),
            _ => {}
        }
    }

    fn argument(&self, argument: &mut ast::FunctionArg) {
        if let ast::FunctionArg::Named { arg: ast::FunctionArgExpr::Expr(expr), .. }
        | ast::FunctionArg::ExprNamed { arg: ast::FunctionArgExpr::Expr(expr), .. }
        | ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = argument
        {
            self.expr(expr);
        }
    }

    fn expr(&self, mut expr: &mut Expr) {
        loop {
            match expr {
                Expr::Value(literal) => {
                    if let ast::Value::SingleQuotedString(text) | ast::Value::Number(text, _) =
                        &mut literal.value
                    {
                        self.write(text, literal.span);
                    }
                    return;
                }
                Expr::BinaryOp { left, right, .. } => {
                    self.expr(right);
                    expr = left;
                }
                Expr::Cast { expr: inner, .. }
                | Expr::Nested(inner)
                | Expr::UnaryOp { expr: inner, .. } => expr = inner,
                Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => {
                    return self.query(subquery);
                }
                Expr::In { target: ast::InTarget::List(list), .. } => {
                    return list.iter_mut().for_each(|item| self.expr(item));
                }
                _ => return,
            }
        }
    }
}
