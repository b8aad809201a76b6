//! Event envelopes: S3 notifications, EventBridge, and either of them inside SQS or SNS.
//!
//! Keys of S3 notifications are form-urlencoded, EventBridge's are not: decoding the wrong one gives
//! another object. Decoding happens here, once, and nothing downstream sees an encoded key.

use serde_json::Value;
use std::borrow::Cow;

/// One object that an event names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFile {
    /// The bucket.
    pub bucket: String,
    /// The decoded key.
    pub key: String,
    /// The etag without quotes, if the event carries one.
    pub etag: Option<String>,
    /// The SQS message that carried it: acknowledged one by one.
    pub message: Option<String>,
}

/// Why an event cannot be handled. It will never be: retrying it is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No envelope that is known.
    #[error(
        "the event at `{at}` is neither an S3 notification (`Records[].s3`), an EventBridge event \
         (`detail.object`), nor one of them inside SQS or SNS"
    )]
    Unknown {
        /// Where in the event.
        at: String,
    },
    /// A field is missing or has another type.
    #[error("the event has no text at `{at}`")]
    Missing {
        /// Where in the event.
        at: String,
    },
    /// A message body that is no JSON.
    #[error("the event's message at `{at}` is no JSON: {why}")]
    Body {
        /// Where in the event.
        at: String,
        /// What the parser says.
        why: String,
    },
    /// A key that is no UTF-8 once decoded.
    #[error("the key at `{at}` is no UTF-8 once decoded")]
    Key {
        /// Where in the event.
        at: String,
    },
}

/// Reads the objects that an event names. A test event of S3 and removals name none.
///
/// # Errors
/// See [`EventError`]; names the place in the event.
pub fn files(event: &Value) -> Result<Vec<EventFile>, EventError> {
    let mut files = Vec::new();
    read(event, "$", None, &mut files)?;
    Ok(files)
}

fn read(
    event: &Value,
    at: &str,
    message: Option<&str>,
    files: &mut Vec<EventFile>,
) -> Result<(), EventError> {
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(());
    }
    if let Some(detail) = event.get("detail") {
        // EventBridge also tells of deletions and restores: there is nothing to load for those.
        let kind = event.get("detail-type").and_then(Value::as_str).unwrap_or("Object Created");
        if kind != "Object Created" {
            return Ok(());
        }
        return event_bridge(detail, &format!("{at}.detail"), message, files);
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Err(EventError::Unknown { at: at.to_owned() });
    };
    for (index, record) in records.iter().enumerate() {
        let at = format!("{at}.Records[{index}]");
        if let Some(s3) = record.get("s3") {
            let name = record.get("eventName").and_then(Value::as_str).unwrap_or_default();
            if !name.contains("ObjectRemoved") {
                notification(s3, &format!("{at}.s3"), message, files)?;
            }
        } else if record.get("body").is_some() {
            let id = text(record, "messageId", &at)?;
            let inner = parse(&text(record, "body", &at)?, &format!("{at}.body"))?;
            read(&inner, &format!("{at}.body"), Some(&id), files)?;
        } else if let Some(sns) = record.get("Sns") {
            let at = format!("{at}.Sns");
            let inner = parse(&text(sns, "Message", &at)?, &format!("{at}.Message"))?;
            read(&inner, &format!("{at}.Message"), message, files)?;
        } else {
            return Err(EventError::Unknown { at });
        }
    }
    Ok(())
}

fn event_bridge(
    detail: &Value,
    at: &str,
    message: Option<&str>,
    files: &mut Vec<EventFile>,
) -> Result<(), EventError> {
    let part = |name: &str| {
        detail.get(name).ok_or_else(|| EventError::Missing { at: format!("{at}.{name}") })
    };
    let object = part("object")?;
    files.push(EventFile {
        bucket: text(part("bucket")?, "name", &format!("{at}.bucket"))?,
        key: text(object, "key", &format!("{at}.object"))?,
        etag: etag(object.get("etag")),
        message: message.map(str::to_owned),
    });
    Ok(())
}

fn notification(
    s3: &Value,
    at: &str,
    message: Option<&str>,
    files: &mut Vec<EventFile>,
) -> Result<(), EventError> {
    let part =
        |name: &str| s3.get(name).ok_or_else(|| EventError::Missing { at: format!("{at}.{name}") });
    let object = part("object")?;
    let encoded = text(object, "key", &format!("{at}.object"))?;
    let spaced = encoded.replace('+', " ");
    let key = percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| EventError::Key { at: format!("{at}.object.key") })?;
    files.push(EventFile {
        bucket: text(part("bucket")?, "name", &format!("{at}.bucket"))?,
        key,
        etag: etag(object.get("eTag")),
        message: message.map(str::to_owned),
    });
    Ok(())
}

fn etag(value: Option<&Value>) -> Option<String> {
    let text = value.and_then(Value::as_str)?.trim_matches('"');
    (!text.is_empty()).then(|| text.to_owned())
}

fn text(value: &Value, name: &str, at: &str) -> Result<String, EventError> {
    match value.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(EventError::Missing { at: format!("{at}.{name}") }),
    }
}

fn parse(body: &str, at: &str) -> Result<Value, EventError> {
    serde_json::from_str(body)
        .map_err(|why| EventError::Body { at: at.to_owned(), why: why.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn s3(key: &str) -> Value {
        json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {
            "bucket": {"name": "b"}, "object": {"key": key, "eTag": "\"e1\""}}}]})
    }

    #[test]
    fn only_s3_notifications_are_decoded() {
        let of_s3 = files(&s3("a+b/c%2Bd.parquet")).expect("read");
        assert_eq!(of_s3[0].key, "a b/c+d.parquet");
        assert_eq!(of_s3[0].etag.as_deref(), Some("e1"));
        let bridge =
            json!({"detail": {"bucket": {"name": "b"}, "object": {"key": "a+b/c%2Bd.parquet"}}});
        let of_bridge = files(&bridge).expect("read");
        assert_eq!(of_bridge[0].key, "a+b/c%2Bd.parquet");
        assert_eq!(of_bridge[0].etag, None);
    }

    #[test]
    fn every_record_is_read_and_queues_are_unwrapped() {
        let mut two = s3("one.parquet");
        let second = s3("two.parquet")["Records"][0].clone();
        two["Records"].as_array_mut().expect("array").push(second);
        assert_eq!(files(&two).expect("read").len(), 2);
        let sqs = json!({"Records": [{"messageId": "m1", "body": two.to_string()}]});
        let from_sqs = files(&sqs).expect("read");
        assert_eq!(from_sqs.len(), 2);
        assert_eq!(from_sqs[1].message.as_deref(), Some("m1"));
        let sns = json!({"Records": [{"Sns": {"Message": s3("x.parquet").to_string()}}]});
        assert_eq!(files(&sns).expect("read")[0].key, "x.parquet");
    }

    #[test]
    fn events_without_work_are_no_errors_and_events_without_a_file_are() {
        assert_eq!(files(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent"})), Ok(vec![]));
        let deleted =
            json!({"detail-type": "Object Deleted", "detail": {"object": {"key": "x.parquet"}}});
        assert_eq!(files(&deleted), Ok(vec![]));
        let mut removed = s3("x.parquet");
        removed["Records"][0]["eventName"] = json!("ObjectRemoved:Delete");
        assert_eq!(files(&removed), Ok(vec![]));
        for (event, says) in [
            (json!({"hello": "world"}), "the event at `$` is neither"),
            (json!({"Records": [{"aws": 1}]}), "`$.Records[0]` is neither"),
            (json!({"detail": {"bucket": {"name": "b"}}}), "no text at `$.detail.object`"),
            (
                json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {}}}]}),
                "no text at `$.Records[0].s3.object.key`",
            ),
            (
                json!({"Records": [{"messageId": "m", "body": "{"}]}),
                "message at `$.Records[0].body` is no JSON",
            ),
        ] {
            let error = files(&event).expect_err(says).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
