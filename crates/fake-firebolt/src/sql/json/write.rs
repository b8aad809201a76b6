//! Documents written anew: laid out for the eye, and in the one form in which a JSON value is kept.

use std::collections::BTreeMap;

use super::super::error::SqlError;
use super::super::meter;
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
///
/// # Errors
/// Where the statement has no memory left for it. The indentation of a few megabytes can be
/// gigabytes, so the length is known and asked for before the first byte is written.
pub(in crate::sql) fn laid_out(json: &Json<'_>, layout: Layout) -> Result<String, SqlError> {
    // Without breaks it is never longer than it was.
    let length = match layout {
        Layout::Mini => json.raw.len(),
        Layout::Lines(_) => {
            let mut length = Length(0);
            push(&mut length, json, layout, 0);
            meter::has_room_for(length.0)?;
            usize::try_from(length.0).unwrap_or_default()
        }
    };
    let mut out = String::with_capacity(length);
    push(&mut out, json, layout, 0);
    Ok(out)
}

/// Where a layout goes: into a text, or only into its length.
trait Out {
    fn text(&mut self, text: &str);
    fn spaces(&mut self, count: usize);
}

impl Out for String {
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }

    fn spaces(&mut self, count: usize) {
        self.extend(std::iter::repeat_n(' ', count));
    }
}

/// Bytes.
struct Length(u64);

impl Out for Length {
    fn text(&mut self, text: &str) {
        self.spaces(text.len());
    }

    fn spaces(&mut self, count: usize) {
        self.0 = self.0.saturating_add(count as u64);
    }
}

fn push(out: &mut impl Out, json: &Json<'_>, layout: Layout, level: usize) {
    match &json.kind {
        Kind::List(items) if !items.is_empty() => {
            out.text("[");
            for (at, item) in items.iter().enumerate() {
                push_break(out, at > 0, layout, level + 1);
                push(out, item, layout, level + 1);
            }
            push_break(out, false, layout, level);
            out.text("]");
        }
        Kind::Object(members) if !members.is_empty() => {
            out.text("{");
            for (at, (name, value)) in members.iter().enumerate() {
                push_break(out, at > 0, layout, level + 1);
                out.text(name.raw);
                out.text(if layout == Layout::Mini { ":" } else { ": " });
                push(out, value, layout, level + 1);
            }
            push_break(out, false, layout, level);
            out.text("}");
        }
        Kind::List(_) => out.text("[]"),
        Kind::Object(_) => out.text("{}"),
        _ => out.text(json.raw),
    }
}

fn push_break(out: &mut impl Out, comma: bool, layout: Layout, level: usize) {
    if comma {
        out.text(",");
    }
    if let Layout::Lines(indentation) = layout {
        out.text("\n");
        out.spaces(usize::from(indentation) * level);
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
    use crate::quirks::Quirks;

    fn laid_out(json: &Json<'_>, layout: Layout) -> String {
        super::laid_out(json, layout).expect("no meter runs")
    }

    /// What is laid out is asked for first: here it is refused, and never was there to be charged.
    #[test]
    fn a_layout_of_more_than_there_is_is_refused_before_it_is_written() {
        let text = format!("{}{}1{}", "[".repeat(200), "1,".repeat(2_000), "]".repeat(200));
        let json = read(&text).expect("JSON");
        let whole = laid_out(&json, Layout::Lines(8));
        assert_eq!(whole.capacity(), whole.len(), "its length was known");
        assert!(whole.len() > 3 << 20, "{} are made of {}", whole.len(), text.len());
        let quirks = Quirks { statement_bytes_max: 1 << 20, ..Quirks::default() };
        let metered = meter::start(&quirks, None);
        let refusal = super::laid_out(&json, Layout::Lines(8)).expect_err("3 MiB");
        assert!(refusal.text.contains("more memory than the 1 MiB"), "{}", refusal.text);
        assert!(super::laid_out(&json, Layout::Lines(0)).is_ok());
        assert!(super::laid_out(&json, Layout::Mini).is_ok());
        drop(metered);
    }

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
