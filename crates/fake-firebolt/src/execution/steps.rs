//! `transaction_sequence_id`: the number of the next step of a transaction, sent along with each
//! answer and, it may be, expected back (quirk `transaction-sequence-id`).
//!
//! Nothing public says what the service checks; the likely purpose is that a request which comes
//! twice or too late is found out (firebolt-semantics §1.2).

use super::call::Call;
use super::life::Detour;
use super::transactions::Turn;
use crate::http::reply::Reply;
use crate::quirks::{SequenceId, SessionHeaders};
use crate::wire::headers::{SessionChange, TRANSACTION_SEQUENCE_ID};

/// Refuses a statement that names another step than the next one. It has no part in the
/// transaction then, which goes on.
pub(super) fn check(call: &Call, turn: &Turn) -> Result<(), Detour> {
    if call.inner.config.quirks.transaction_sequence_id != SequenceId::Checked {
        return Ok(());
    }
    let named = call.parameters.transaction_sequence_id.as_deref();
    let expected = turn.step;
    if named.and_then(|named| named.parse().ok()) == Some(expected) {
        return Ok(());
    }
    let named = named.map_or("none".to_owned(), |named| format!("'{named}'"));
    let text = format!(
        "transaction_sequence_id {expected} is expected of the next statement of this \
         transaction, and the request has {named}"
    );
    Err(Detour::Answer(Reply::user_error(&text)))
}

/// The answer of a step, telling the number of the next.
pub(super) fn next(call: &Call, turn: &mut Turn, reply: Reply) -> Reply {
    turn.step += 1;
    tell(call, turn.step, reply)
}

/// An answer that tells the number of the next step, where such numbers are.
pub(super) fn tell(call: &Call, step: u64, reply: Reply) -> Reply {
    if call.inner.config.quirks.transaction_sequence_id == SequenceId::Absent {
        return reply;
    }
    add(call, reply, SessionChange::set(TRANSACTION_SEQUENCE_ID, step))
}

/// The answer that ends a transaction takes the number away with it.
pub(super) fn end(call: &Call, reply: Reply) -> Reply {
    if call.inner.config.quirks.transaction_sequence_id == SequenceId::Absent {
        return reply;
    }
    add(call, reply, SessionChange::Remove { name: TRANSACTION_SEQUENCE_ID })
}

/// One more change of the session: a line of its own, or the line that is there made longer.
fn add(call: &Call, mut reply: Reply, change: SessionChange) -> Reply {
    let as_list = call.inner.config.quirks.session_headers == SessionHeaders::List;
    match reply.session.last_mut().filter(|_| as_list) {
        Some(last) => *last = last.joined(&change),
        None => reply.session.push(change),
    }
    reply
}
