//! `GET /web/v3/account/{account}/engineUrl`: where the account's queries go (firebolt-wire §3.1).

use std::sync::Arc;

use http::request::Parts;

use super::connection::Connection;
use super::query::door;
use super::reply::{Outcome, Reply};
use super::token;
use crate::fault::Endpoint;
use crate::server::Inner;
use crate::wire::cell::push_json_string;
use crate::wire::{JSON, errors};

/// The account in the path, if the path is this endpoint's.
pub(crate) fn account(path: &str) -> Option<String> {
    let account = path.strip_prefix("/web/v3/account/")?.strip_suffix("/engineUrl")?;
    // Only the percent signs need decoding in a path; a plus is a plus.
    let escaped = account.replace('+', "%2B");
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned())
}

/// Answers where to go, or that there is no such account: 404 means that to every SDK.
pub(crate) async fn handle(
    inner: &Arc<Inner>,
    connection: &Connection,
    head: &Parts,
    account: &str,
) -> Outcome {
    door(inner, connection, Endpoint::EngineUrl, || {
        if let Some(refusal) = token::refuse_stranger(inner, token::bearer(head)) {
            return refusal;
        }
        if account != inner.config.account {
            let text = format!("account '{account}' does not exist or is not authorized");
            return Reply::new(404, JSON, errors::gateway_body(5, &text));
        }
        let mut body = String::from("{\"engineUrl\":");
        push_json_string(&mut body, &inner.config.base_url);
        body.push('}');
        Reply::new(200, JSON, body)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_part_of_the_path() {
        assert_eq!(account("/web/v3/account/acc/engineUrl").as_deref(), Some("acc"));
        assert_eq!(account("/web/v3/account/a%20b+c/engineUrl").as_deref(), Some("a b+c"));
        assert_eq!(account("/web/v3/account/acc/resolve"), None);
    }
}
