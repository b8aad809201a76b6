//! The settings that a statement may be sent with, by URL or by SET.
//!
//! A setting that is silently ignored is a lie about what a statement will do, so each value is
//! checked, and a name or value that means something the fake does not do is refused by name. The
//! SDKs count on that: they test a SET by sending it along with `select 1` (firebolt-wire §8.1).

/// What a setting's value has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Anything.
    Text,
    /// A whole number.
    Number,
    /// A whole number, which may be negative.
    Signed,
    /// `true`, `false`, `1` or `0`.
    Switch,
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
}

/// Name and shape of each, in the order of the alphabet. Those that change something here are read
/// in [`super::parameters`]; the others tune a real engine and change no answer.
const SETTINGS: [(&str, Shape); 28] = [
    ("account_id", Shape::Text),
    ("advanced_mode", Shape::Switch),
    ("auto_start_stop_control", Shape::OneOf(&["ignore"])),
    ("cancel_query_on_connection_drop", Shape::OneOf(&["none", "all", "type_dependent"])),
    // What the tests of the vendor's clients set before they make a STRUCT, which needs no setting.
    ("enable_create_table_v2", Shape::Switch),
    ("enable_create_table_with_struct_type", Shape::Switch),
    ("enable_iceberg_partitioned_scan", Shape::Switch),
    // Errors of users are documents here, always; JDBC asks a Core for that, and tests of the vendor
    // the service.
    ("enable_json_error_output_format", Shape::OneOf(&["true", "1"])),
    ("enable_result_cache", Shape::Switch),
    ("enable_scan_cache", Shape::Switch),
    ("enable_storage_statistics", Shape::Switch),
    ("enable_struct", Shape::Switch),
    ("enable_struct_syntax", Shape::Switch),
    ("enable_subresult_cache", Shape::Switch),
    ("insert_sharding", Shape::Text),
    ("max_execution_time", Shape::Number),
    ("max_insert_threads", Shape::Number),
    ("max_result_rows", Shape::Signed),
    ("max_threads", Shape::Number),
    ("prevent_create_on_information_schema", Shape::Switch),
    ("query_label", Shape::Text),
    // A backslash means itself here: the vendor's default, and no other reading is done.
    ("standard_conforming_strings", Shape::OneOf(&["true", "1"])),
    ("statement_timeout", Shape::Number),
    ("tablet_max_size_bytes", Shape::Number),
    ("tablet_min_size_bytes", Shape::Number),
    // Times are rendered in UTC here, whatever the session's zone is.
    ("time_zone", Shape::OneOf(&["utc"])),
    ("timezone", Shape::OneOf(&["utc"])),
    ("transaction_sequence_id", Shape::Text),
];

/// Checks a setting.
///
/// # Errors
/// The text of the refusal: an unknown name, or a value that it cannot have.
pub(super) fn check(name: &str, value: &str) -> Result<(), String> {
    let Ok(at) = SETTINGS.binary_search_by_key(&name, |(known, _)| known) else {
        return Err(format!("Unknown setting '{name}'"));
    };
    let expected = match SETTINGS[at].1 {
        Shape::Text => return Ok(()),
        Shape::Number if value.parse::<u64>().is_ok() => return Ok(()),
        Shape::Signed if value.parse::<i64>().is_ok() => return Ok(()),
        Shape::Number | Shape::Signed => "a whole number".to_owned(),
        Shape::Switch if ["true", "false", "1", "0"].contains(&value) => return Ok(()),
        Shape::Switch => "true or false".to_owned(),
        Shape::OneOf(words) if words.iter().any(|word| word.eq_ignore_ascii_case(value)) => {
            return Ok(());
        }
        Shape::OneOf(words) => words.join(", "),
    };
    Err(format!("Invalid value '{value}' for setting {name}: expected {expected}"))
}

/// Checks a SET, which may not name what other statements or the client decide.
///
/// # Errors
/// The text of the refusal.
pub(crate) fn check_set(name: &str, value: &str) -> Result<(), String> {
    match name {
        "database" | "engine" => {
            return Err(format!(
                "Setting '{name}' cannot be set: send USE {}",
                name.to_uppercase()
            ));
        }
        "account_id"
        | "output_format"
        | "default_format"
        | "transaction_id"
        | "transaction_sequence_id"
        | "async"
        | "compress"
        | "query_parameters" => {
            return Err(format!("Setting '{name}' cannot be set: it belongs to the request"));
        }
        _ => check(name, value)?,
    }
    // The answer carries `name=value` in a header that clients split at these (firebolt-wire §3.3).
    match value.find(['=', ',']).or_else(|| value.find(|c: char| c.is_ascii_control())) {
        Some(_) => Err(format!(
            "Invalid value '{value}' for setting {name}: '=', ',' and control characters cannot \
             be sent in a session header; send the setting as a URL parameter"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(SETTINGS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn names_and_values_are_checked() {
        for (name, value, refusal) in [
            ("enable_result_cache", "false", None),
            ("max_result_rows", "5", None),
            ("max_result_rows", "-1", None),
            ("max_result_rows", "few", Some("expected a whole number")),
            ("standard_conforming_strings", "false", Some("expected true, 1")),
            ("enable_scan_cache", "true", None),
            ("timezone", "UTC", None),
            ("cancel_query_on_connection_drop", "ALL", None),
            ("bad_param", "1", Some("Unknown setting 'bad_param'")),
            ("enable_result_cache", "maybe", Some("expected true or false")),
            ("max_threads", "-1", Some("expected a whole number")),
            ("timezone", "Europe/Berlin", Some("expected utc")),
            ("enable_json_error_output_format", "true", None),
            ("enable_json_error_output_format", "0", Some("expected true, 1")),
        ] {
            let found = check(name, value);
            match refusal {
                None => assert_eq!(found, Ok(()), "{name}"),
                Some(text) => assert!(found.is_err_and(|found| found.contains(text)), "{name}"),
            }
        }
    }

    #[test]
    fn what_belongs_to_others_cannot_be_set() {
        for name in ["database", "engine", "output_format", "transaction_id"] {
            let refusal = check_set(name, "x").expect_err("not a setting");
            assert!(refusal.contains("cannot be set"), "{refusal}");
        }
        assert!(check_set("query_label", "a,b").is_err());
        assert_eq!(check_set("query_label", "a.b"), Ok(()));
    }
}
