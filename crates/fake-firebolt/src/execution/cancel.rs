//! CANCEL QUERY, and `POST /cancel`: the end of a statement that runs (firebolt-wire §8.2).
//!
//! A cancel that succeeds proves nothing: the statement may have been past its commit
//! (firebolt-semantics §3.2).

use super::life::{Detour, Life};
use crate::fault::Phase;
use crate::http::reply::Reply;
use crate::server::Inner;
use crate::sql::Statement;

/// Cancels what runs under that id; whether there is such a query.
pub(crate) fn cancel(inner: &Inner, query_id: &str) -> bool {
    let mut state = inner.state();
    // One that still waits for its engine has not taken off, and is found in the other list.
    state.flights.cancel(query_id) || state.asynchronous.abort(query_id, inner.now_micros())
}

/// The refusal: nothing runs under that id. The service's own text is not known.
pub(crate) fn unknown(query_id: &str) -> Reply {
    Reply::user_error(&format!("Query '{query_id}' is not running"))
}

/// `CANCEL QUERY WHERE query_id = '…'`.
pub(super) async fn statement(life: &mut Life<'_>, parsed: &Statement) -> Result<Reply, Detour> {
    let query_id = parsed.used_name().unwrap_or_default();
    if !cancel(&life.call.inner, query_id) {
        return Err(Detour::Answer(unknown(query_id)));
    }
    life.done(Phase::Executed).await?;
    life.call.encode_nothing(life.query_id)
}
