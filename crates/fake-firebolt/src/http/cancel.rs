//! `POST /cancel?query_id=…`: JDBC's way to end a query (firebolt-wire §8.2).

use std::sync::Arc;

use http::request::Parts;

use super::connection::Connection;
use super::query::door;
use super::reply::{Outcome, Reply};
use super::token;
use crate::execution::cancel;
use crate::fault::Endpoint;
use crate::server::Inner;

/// Cancels the query, or says that there is none.
pub(crate) async fn handle(inner: &Arc<Inner>, connection: &Connection, head: &Parts) -> Outcome {
    let query = head.uri.query().unwrap_or_default();
    let query_id = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "query_id")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    door(inner, connection, Endpoint::Query, || {
        if let Some(refusal) = token::refuse_stranger(inner, token::bearer(head)) {
            return refusal;
        }
        if cancel::cancel(inner, &query_id) {
            return Reply::text(200, "");
        }
        cancel::unknown(&query_id)
    })
    .await
}
