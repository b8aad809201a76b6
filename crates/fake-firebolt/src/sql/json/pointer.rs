//! JSON pointers (RFC 6901) as the vendor's page on JSON functions has them: `/` is the whole
//! document too, and a number may count the members of an object.

use super::{Json, Kind};

/// Follows a pointer; `None` where nothing is, and an error for what is no pointer.
pub(in crate::sql) fn follow<'j, 't>(
    json: &'j Json<'t>,
    pointer: &str,
) -> Result<Option<&'j Json<'t>>, String> {
    let mut place = Some(json);
    if matches!(pointer, "" | "/") {
        return Ok(place);
    }
    let Some(path) = pointer.strip_prefix('/') else {
        return Err(format!("Invalid JSON pointer '{pointer}': it does not begin with '/'"));
    };
    for step in path.split('/') {
        let name = unescaped(step)
            .ok_or_else(|| format!("Invalid JSON pointer '{pointer}': '~' is written '~0'"))?;
        place = place.and_then(|json| inside(json, &name));
    }
    Ok(place)
}

/// The text of a step: `~1` is a slash, `~0` a tilde, and no other tilde is allowed.
fn unescaped(step: &str) -> Option<String> {
    // Each by what follows it: were the pairs taken out, `~~01` would be left with one more.
    let is_escape = |rest: &str| rest.starts_with(['0', '1']);
    let escapes = step.split('~').skip(1).all(is_escape);
    escapes.then(|| step.replace("~1", "/").replace("~0", "~"))
}

/// The position that a step is, if it is one: no sign and no zero in front.
fn position(step: &str) -> Option<usize> {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    let plain = step == "0" || !step.starts_with('0');
    if digits && plain { step.parse().ok() } else { None }
}

/// The member of that name.
pub(in crate::sql) fn member<'j, 't>(json: &'j Json<'t>, name: &str) -> Option<&'j Json<'t>> {
    let Kind::Object(members) = &json.kind else { return None };
    let is_it = |key: &Json<'t>| match key.raw.contains('\\') {
        true => key.text().as_deref() == Some(name),
        false => &key.raw[1..key.raw.len() - 1] == name,
    };
    members.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
}

/// One step: a name first, then a position, which counts from zero.
fn inside<'j, 't>(json: &'j Json<'t>, step: &str) -> Option<&'j Json<'t>> {
    match &json.kind {
        Kind::List(items) => items.get(position(step)?),
        Kind::Object(members) => {
            member(json, step).or_else(|| Some(&members.get(position(step)?)?.1))
        }
        _ => None,
    }
}

/// An entry of a list or a member of an object, by the text that the subscript is.
pub(in crate::sql) fn entry<'j, 't>(json: &'j Json<'t>, key: &str) -> Option<&'j Json<'t>> {
    match &json.kind {
        Kind::List(items) => items.get(position(key)?),
        _ => member(json, key),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    /// The table of the vendor's page, and what it does not say.
    #[test]
    fn pointers_of_the_vendors_page() {
        let text = r#"{"key": 123, "key~with~tilde": 2, "key/with/slash": 3, "value": {
            "dyid": 987, "keywords" : ["insanely","fast","analytics"]}, "1": "one", "\u0061": []}"#;
        let json = read(text).expect("JSON");
        for (pointer, expected) in [
            ("/", Some(text)),
            ("", Some(text)),
            ("/key", Some("123")),
            ("/key~0with~0tilde", Some("2")),
            ("/key~1with~1slash", Some("3")),
            // One pass: the tilde that comes of `~0` begins no escape.
            ("/key~01with~01slash", None),
            ("/0", Some("123")),
            ("/value/keywords/2", Some("\"analytics\"")),
            ("/value/keywords/3", None),
            ("/value/keywords/02", None),
            ("/value/keywords/-", None),
            ("/value/no_such_key", None),
            ("/key/0", None),
            ("/1", Some("\"one\"")),
            ("/a", Some("[]")),
            ("/a/0", None),
            ("/value/", None),
        ] {
            let found = follow(&json, pointer).expect(pointer).map(|json| json.raw);
            assert_eq!(found, expected, "{pointer}");
        }
        for pointer in ["key", "/a~2", "/~", "/~~01", "/~~10", "/a~0~", "/~~"] {
            assert!(follow(&json, pointer).is_err(), "{pointer}");
        }
    }
}
