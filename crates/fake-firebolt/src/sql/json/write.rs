//! Documents written anew: laid out for the eye, and in the one form in which a JSON value is kept.

use std::collections::BTreeMap;

use super::{Json, Kind};
use crate::wire::cell::push_json_string;

/// Where lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sql) enum Layout {
    /// Nowhere, and no spaces.
    Mini,
    /// Behind each value, with so many spaces a level in front of the next.
    Lines(u8),
}

/// A document in a layout; the order of its members stays, and so do numbers and texts.
pub(in crate::sql) fn laid_out(json: &Json<'_>, layout: Layout) -> String {
    let mut out = String::with_capacity(json.raw.len());
    push(&mut out, json, layout, 0);
    out
}

fn push(out: &mut String, json: &Json<'_>, layout: Layout, level: usize) {
    match &json.kind {
        Kind::List(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                push_break(out, at > 0, layout, level + 1);
                push(out, item, layout, level + 1);
            }
            push_break(out, false, layout, level);
            out.push(']');
        }
        Kind::Object(members) if !members.is_empty() => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                push_break(out, at > 0, layout, level + 1);
                out.push_str(name.raw);
                out.push_str(if layout == Layout::Mini { ":" } else { ": " });
                push(out, value, layout, level + 1);
            }
            push_break(out, false, layout, level);
            out.push('}');
        }
        Kind::List(_) => out.push_str("[]"),
        Kind::Object(_) => out.push_str("{}"),
        _ => out.push_str(json.raw),
    }
}

fn push_break(out: &mut String, comma: bool, layout: Layout, level: usize) {
    if comma {
        out.push(',');
    }
    if let Layout::Lines(indentation) = layout {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', usize::from(indentation) * level));
    }
}

/// A document as a JSON value keeps it: no white space, the members of an object by name, the last
/// of those with one name, texts with no more escapes than they need, numbers as they stand.
pub(in crate::sql) fn kept(json: &Json<'_>) -> String {
    let mut out = String::with_capacity(json.raw.len());
    push_kept(&mut out, json);
    out
}

fn push_kept(out: &mut String, json: &Json<'_>) {
    match &json.kind {
        Kind::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_kept(out, item);
            }
            out.push(']');
        }
        Kind::Object(members) => {
            let members: BTreeMap<String, &Json<'_>> =
                (members.iter()).filter_map(|(name, value)| Some((name.text()?, value))).collect();
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_json_string(out, &name);
                out.push(':');
                push_kept(out, value);
            }
            out.push('}');
        }
        Kind::Text => push_json_string(out, &json.text().unwrap_or_default()),
        _ => out.push_str(json.raw),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn layouts_and_the_kept_form() {
        let text =
            "{\"b\" : [1.50,{}, [ ]],\"a\":\"\\u0041\\/\" , \"b\": {\"y\":null,\"x\":[true]}}";
        let json = read(text).expect("JSON");
        assert_eq!(
            laid_out(&json, Layout::Mini),
            "{\"b\":[1.50,{},[]],\"a\":\"\\u0041\\/\",\"b\":{\"y\":null,\"x\":[true]}}"
        );
        let lines = "{\n \"b\": [\n  1.50,\n  {},\n  []\n ],\n \"a\": \"\\u0041\\/\",\n \"b\": {\n  \
                     \"y\": null,\n  \"x\": [\n   true\n  ]\n }\n}";
        assert_eq!(laid_out(&json, Layout::Lines(1)), lines);
        let bare: Vec<_> = lines.lines().map(str::trim_start).collect();
        assert_eq!(laid_out(&json, Layout::Lines(0)), bare.join("\n"));
        assert_eq!(kept(&json), "{\"a\":\"A/\",\"b\":{\"x\":[true],\"y\":null}}");
    }
}
