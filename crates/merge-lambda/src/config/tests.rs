//! The environment as operators have it: what starts, and what each mistake says.

use super::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECRET: &str = "not-to-be-seen";

/// What the field's Lambda has, and the one new variable.
const FIELD: [(&str, &str); 10] = [
    ("FIREBOLT_ACCOUNT", "acme"),
    ("FIREBOLT_DATABASE", "shop_db"),
    ("FIREBOLT_ENGINE", "loader"),
    ("FIREBOLT_CLIENT_ID", "service-id"),
    ("FIREBOLT_CLIENT_SECRET", SECRET),
    ("LOCATION_NAME", "cdc"),
    ("TABLE_KEYS_JSON", r#"{"users": "id", "loans": ["id", "branch"], "audit": null}"#),
    ("CDC_DELETE_COLUMN", "Op"),
    ("CDC_DELETE_VALUES", "D"),
    ("CDC_BUCKET", "acme-cdc"),
];

/// The field's environment with some variables changed; `None` unsets.
fn read(changes: &[(&str, Option<&str>)]) -> Result<Settings, ConfigError> {
    let mut environment: BTreeMap<&str, &str> = FIELD.into_iter().collect();
    for (name, value) in changes {
        match value {
            Some(value) => environment.insert(name, value),
            None => environment.remove(name),
        };
    }
    Settings::read(&|name| environment.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn the_field_environment_starts_as_it_is() {
    let settings = read(&[]).expect("complete");
    assert_eq!(settings.client.account, "acme");
    assert_eq!(settings.client.database, "shop_db");
    assert_eq!(settings.client.engine.as_deref(), Some("loader"));
    assert_eq!(settings.files.location_prefix, "firebolt_dms_job/");
    assert_eq!(settings.files.policy, Policy::default());
    let KeysSource::Inline(tables) = settings.files.keys.clone() else { panic!("inline") };
    let engine = settings.files.engine(tables);
    assert!(engine.check().is_ok());
    assert_eq!(engine.tables.of("loans"), Some(vec!["id".to_owned(), "branch".to_owned()]));
}

#[test]
fn what_is_optional_is_read() {
    let settings = read(&[
        ("CDC_DELETE_COLUMN", None),
        ("CDC_DELETE_VALUES", None),
        ("LOCATION_PREFIX", Some("")),
        ("MERGE_POLICY_TOML", Some("rounds_max = 3\npatience_merge = \"90s\"")),
        ("TABLE_KEYS_JSON", None),
        ("TABLE_KEYS_S3_BUCKET", Some("settings")),
        ("TABLE_KEYS_S3_KEY", Some("keys.json")),
    ])
    .expect("complete");
    assert_eq!(settings.files.location_prefix, "");
    assert_eq!(settings.files.policy.rounds_max, 3);
    assert_eq!(settings.files.policy.patience_merge, Duration::from_secs(90));
    let object = KeysSource::Object { bucket: "settings".into(), key: "keys.json".into() };
    assert_eq!(settings.files.keys, object);
}

#[test]
fn every_mistake_is_one_error_that_names_its_variable() {
    let mut said = String::new();
    let mut mistake = |changes: &[(&str, Option<&str>)]| {
        let error = read(changes).expect_err("a mistake");
        let (named, _) = changes[0];
        assert_eq!(error.variable, named, "{error}");
        said.push_str(&format!("{error}\n"));
    };
    for name in FIELD.map(|(name, _)| name) {
        if !name.starts_with("CDC_DELETE") {
            mistake(&[(name, None)]);
        }
    }
    mistake(&[("FIREBOLT_ENGINE", Some(" "))]);
    mistake(&[("CDC_DELETE_COLUMN", Some("operation"))]);
    mistake(&[("CDC_DELETE_VALUES", Some("D,DELETE"))]);
    mistake(&[("LOCATION_PREFIX", Some("firebolt_dms_job"))]);
    mistake(&[("LOCATION_PREFIX", Some("/firebolt_dms_job/"))]);
    mistake(&[("TABLE_KEYS_JSON", Some("{\"users\": 7}"))]);
    mistake(&[("TABLE_KEYS_JSON", Some("{\"users\": []}"))]);
    let no_inline = ("TABLE_KEYS_JSON", None);
    mistake(&[("TABLE_KEYS_S3_KEY", None), no_inline, ("TABLE_KEYS_S3_BUCKET", Some("b"))]);
    mistake(&[("TABLE_KEYS_S3_BUCKET", None), no_inline, ("TABLE_KEYS_S3_KEY", Some("k"))]);
    mistake(&[("MERGE_POLICY_TOML", Some("rounds_max = 3\nrounds = 4"))]);
    mistake(&[("MERGE_POLICY_TOML", Some("round_reserve = \"soon\""))]);
    mistake(&[("MERGE_POLICY_TOML", Some("rounds_max = "))]);
    insta::assert_snapshot!(said);
}

#[test]
fn no_secret_is_printed() {
    let settings = read(&[]).expect("complete");
    assert!(!format!("{settings:?}").contains(SECRET));
    assert_eq!(settings.client.credentials, {
        firebolt_client::Credentials::ServiceAccount {
            client_id: "service-id".into(),
            client_secret: SECRET.into(),
        }
    });
}
