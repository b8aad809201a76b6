//! Several statements in one request (firebolt-wire §4): the server executes them one after the
//! other, and the answers stand one behind the other in one body.
//!
//! Each commits on its own, but INSERTs of values are one transaction (firebolt-semantics §5). A
//! statement that fails ends the request with its error; what stood before it stays done. Nothing
//! is executed if one of them cannot be read. To whoever watches, each is a request of its own.

use std::sync::Arc;

use bytes::BytesMut;

use super::query;
use super::reply::{Outcome, Reply};
use crate::execution::call::Call;
use crate::sql::{Statement, StatementKind};

/// Splits a text at the semicolons that stand outside of strings, quoted names and comments.
pub(crate) fn split(script: &str) -> Vec<&str> {
    let bytes = script.as_bytes();
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let rest = &script.as_bytes()[at..];
        at += match rest {
            [quote @ (b'\'' | b'"'), ..] => 1 + length_to(&rest[1..], &[*quote]),
            [b'-', b'-', ..] => length_to(rest, b"\n"),
            [b'/', b'*', ..] => 2 + length_to(&rest[2..], b"*/"),
            [b';', ..] => {
                parts.push(&script[start..at]);
                start = at + 1;
                1
            }
            _ => 1,
        };
    }
    parts.push(&script[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// How far it is to the end of the first `mark`, or to the end of the text.
fn length_to(text: &[u8], mark: &[u8]) -> usize {
    text.windows(mark.len())
        .position(|window| window == mark)
        .map_or(text.len(), |position| position + mark.len())
}

/// What a request with several statements must not hold: each of these changes the session, which
/// one answer cannot tell apart from the others.
fn is_alone(kind: StatementKind) -> Option<&'static str> {
    match kind {
        StatementKind::Begin => Some("BEGIN"),
        StatementKind::Commit => Some("COMMIT"),
        StatementKind::Rollback => Some("ROLLBACK"),
        StatementKind::UseDatabase | StatementKind::UseEngine => Some("USE"),
        StatementKind::Set => Some("SET"),
        _ => None,
    }
}

/// Why they cannot be executed together, if they cannot.
pub(super) fn refusal(statements: &[Statement], is_async: bool) -> Option<String> {
    if is_async {
        return Some("Several statements cannot be executed asynchronously".to_owned());
    }
    let what = statements.iter().find_map(|statement| is_alone(statement.kind()))?;
    Some(format!("{what} has to be the only statement of its request"))
}

/// The text of each of so many statements: its own where the text can be taken apart at sight,
/// else that of the whole request.
pub(super) fn texts(whole: &str, count: usize) -> Vec<Arc<str>> {
    let parts = split(whole);
    if parts.len() == count {
        return parts.into_iter().map(|part| Arc::from(part.trim())).collect();
    }
    vec![Arc::from(whole); count]
}

/// Executes them in order.
pub(super) async fn run(calls: Vec<Arc<Call>>) -> Outcome {
    let mut whole: Option<(Reply, BytesMut)> = None;
    let mut cut = None;
    for call in calls {
        match query::received(call).await {
            Outcome::Reply(reply, cut_after) if reply.status == 200 => {
                cut = cut.or(cut_after);
                match &mut whole {
                    Some((last, body)) => {
                        body.extend_from_slice(&reply.body);
                        *last = reply;
                    }
                    None => {
                        let body = BytesMut::from(&reply.body[..]);
                        whole = Some((reply, body));
                    }
                }
            }
            other => return other,
        }
    }
    match whole {
        Some((last, body)) => Outcome::Reply(Reply { body: body.freeze(), ..last }, cut),
        None => Reply::user_error("The request holds no statement").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_count_only_between_statements() {
        for (script, expected) in [
            ("SELECT 1; SELECT 2;", vec!["SELECT 1", " SELECT 2"]),
            ("SELECT ';''a;'; SELECT \"a;b\"", vec!["SELECT ';''a;'", " SELECT \"a;b\""]),
            ("-- a;b\nSELECT 1 /* ; */;", vec!["-- a;b\nSELECT 1 /* ; */"]),
            ("SELECT 'open; ", vec!["SELECT 'open; "]),
            (" ; ;", vec![]),
        ] {
            assert_eq!(split(script), expected, "{script}");
        }
    }
}
