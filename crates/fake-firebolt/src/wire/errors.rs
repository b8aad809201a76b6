//! The structured error body (firebolt-wire §6.1).
//!
//! Most errors of the service carry a description and nothing else, so that is all this writes:
//! a client that needs more would fail against the real thing.

use super::cell::push_json_string;

/// `{"errors":[{"description":…}]}`.
pub(crate) fn body(description: &str) -> String {
    let mut out = String::with_capacity(description.len() + 48);
    out.push('{');
    push_list(&mut out, description);
    out.push('}');
    out
}

/// Appends the member `"errors":[{"description":…}]`.
pub(super) fn push_list(out: &mut String, description: &str) {
    out.push_str("\"errors\":[{\"description\":");
    push_json_string(out, description);
    out.push_str("}]");
}

/// The text of an error body, structured or plain: what a history or a status may tell of it.
pub(crate) fn description(body: &str) -> String {
    let read = serde_json::from_str::<serde_json::Value>(body).ok();
    let found = read.as_ref().and_then(|read| read["errors"][0]["description"].as_str());
    found.unwrap_or(body).to_owned()
}

/// The body of a gateway that refuses a request: a gRPC status number and a text.
pub(crate) fn gateway_body(code: u8, message: &str) -> String {
    let mut out = String::from("{\"error\":");
    push_json_string(&mut out, message);
    out.push_str(&format!(",\"code\":{code},\"message\":"));
    push_json_string(&mut out, message);
    out.push_str(",\"details\":[]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_whatever_the_text_holds() {
        for text in ["plain", "quotes \" and \\ and \n", "control \u{1} and é"] {
            let read: serde_json::Value = serde_json::from_str(&body(text)).expect("JSON");
            assert_eq!(read["errors"][0]["description"], text);
            let read: serde_json::Value =
                serde_json::from_str(&gateway_body(16, text)).expect("JSON");
            assert_eq!(read["message"], text);
            assert_eq!(read["code"], 16);
        }
    }
}
