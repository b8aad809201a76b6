//! `PSQL`: the text table that fb-cli prints as it comes (firebolt-wire §1.5).
//!
//! The layout is psql's aligned one, which the format's name promises: names centred, numbers to
//! the right, all else to the left, and the number of rows below. That the service pads in the
//! same way is inferred, not seen; fb-cli prints whatever stands there.

use super::cell::push_text;
use crate::value::{DataType, ResultSet, Value};

/// Writes the table. A statement without a result is an empty body.
pub(crate) fn encode(result: &ResultSet) -> String {
    if result.columns.is_empty() {
        return String::new();
    }
    let cells: Vec<Vec<String>> = result.rows.iter().map(|row| texts(row)).collect();
    let widths: Vec<usize> = (result.columns.iter().enumerate())
        .map(|(at, column)| {
            let cells = cells.iter().map(|row| width(&row[at]));
            cells.chain([width(&column.name)]).max().unwrap_or_default()
        })
        .collect();
    let mut out = String::new();
    for (at, column) in result.columns.iter().enumerate() {
        let free = widths[at] - width(&column.name);
        push_cell(&mut out, at, &column.name, free / 2, free - free / 2);
    }
    out.push('\n');
    for (at, width) in widths.iter().enumerate() {
        out.push_str(if at == 0 { "-" } else { "+-" });
        out.extend(std::iter::repeat_n('-', width + 1));
    }
    out.push('\n');
    for row in &cells {
        for (at, cell) in row.iter().enumerate() {
            let free = widths[at] - width(cell);
            let is_right = is_number(&result.columns[at].data_type);
            let (before, after) = if is_right { (free, 0) } else { (0, free) };
            // Nothing is padded at the end of a line.
            let after = if at + 1 == row.len() { 0 } else { after };
            push_cell(&mut out, at, cell, before, after);
            if at + 1 == row.len() {
                out.pop();
            }
        }
        out.push('\n');
    }
    let rows = result.rows.len();
    out.push_str(&format!("({rows} row{})\n", if rows == 1 { "" } else { "s" }));
    out
}

fn texts(row: &[Value]) -> Vec<String> {
    let text = |value: &Value| {
        let mut text = String::new();
        // psql shows NULL as nothing.
        if !value.is_null() {
            push_text(&mut text, value);
        }
        text
    };
    row.iter().map(text).collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn push_cell(out: &mut String, at: usize, text: &str, before: usize, after: usize) {
    out.push_str(if at == 0 { " " } else { "| " });
    out.extend(std::iter::repeat_n(' ', before));
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', after + 1));
}

fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Integer
            | DataType::Bigint
            | DataType::Real
            | DataType::Double
            | DataType::Numeric { .. }
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::Column;

    #[test]
    fn a_table_as_psql_draws_it() {
        let column =
            |name: &str, data_type| Column { name: name.into(), data_type, nullable: true };
        let result = ResultSet {
            columns: vec![column("id", DataType::Integer), column("a name", DataType::Text)],
            rows: vec![
                Arc::from([Value::Integer(1), Value::text("a")]),
                Arc::from([Value::Integer(-1234), Value::Null]),
                Arc::from([Value::Null, Value::text("a longer text")]),
            ],
        };
        let expected = [
            "  id   |    a name     ",
            "-------+---------------",
            "     1 | a",
            " -1234 | ",
            "       | a longer text",
            "(3 rows)",
            "",
        ];
        assert_eq!(encode(&result), expected.join("\n"));
        assert_eq!(encode(&ResultSet::default()), "");
    }
}
