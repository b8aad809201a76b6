//! Statements that ask the server about itself: the state of an asynchronous query, and the end of
//! a running one (firebolt-wire §8.2).
//!
//! Read here, answered by the server: nothing in this layer knows what runs.

use super::error::SqlError;
use super::parse::Cursor;
use super::statement::{Body, Statement, StatementKind};

/// `CALL fb_GetAsyncStatus('token')`; there is no other procedure.
pub(super) fn parse_call(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.expect_word("CALL")?;
    let name = cursor.identifier("a procedure")?;
    if name != "fb_getasyncstatus" {
        return Err(SqlError::unsupported(format!("the procedure {name}")));
    }
    cursor.expect_symbol("(")?;
    let token = cursor.string()?;
    cursor.expect_symbol(")")?;
    cursor.expect_end()?;
    Ok(named(StatementKind::AsyncStatus, token))
}

/// `CANCEL QUERY WHERE query_id = 'id'`.
pub(super) fn parse_cancel(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    for word in ["CANCEL", "QUERY", "WHERE", "query_id"] {
        cursor.expect_word(word)?;
    }
    cursor.expect_symbol("=")?;
    let id = cursor.string()?;
    cursor.expect_end()?;
    Ok(named(StatementKind::CancelQuery, id))
}

fn named(kind: StatementKind, name: String) -> Statement {
    Statement::new(kind, Body::Name(name))
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn both_are_read_as_the_clients_write_them() {
        for (text, kind, name) in [
            ("CALL fb_GetAsyncStatus('tkn-1')", StatementKind::AsyncStatus, "tkn-1"),
            ("call FB_GETASYNCSTATUS ( 'a' );", StatementKind::AsyncStatus, "a"),
            ("CANCEL QUERY WHERE query_id='q-1'", StatementKind::CancelQuery, "q-1"),
            ("cancel query where QUERY_ID = 'q';", StatementKind::CancelQuery, "q"),
        ] {
            let parsed = parse(text).expect(text);
            assert_eq!((parsed.kind(), parsed.used_name()), (kind, Some(name)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for (text, expected) in [
            ("CALL do_it()", "the procedure do_it"),
            ("CALL fb_GetAsyncStatus(1)", "expecting a string"),
            ("CANCEL QUERY 'q'", "expecting WHERE"),
            ("CANCEL QUERY WHERE query_id = 'q' OR TRUE", "expecting end of statement"),
        ] {
            let refusal = parse(text).expect_err(text).text;
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
