//! The access token of a service account: fetched once, shared, refreshed before it expires.
//!
//! Hundreds of statements that meet a 401 together must not send hundreds of token requests, so the
//! refresh is single-flight: whoever holds the lock asks, the others wait and take what it got. If
//! the asking caller is dropped, the lock is free and the next one asks. The token is never printed.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::Secret;
use crate::error::Error;

/// Refresh this long before the token expires, or at a tenth of its life if that is shorter.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// Longest believed life of a token, so that no arithmetic on time can overflow.
const LIFE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// A token and the number of the request that fetched it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    serial: u64,
    refresh_at: Instant,
}

impl Token {
    /// True while the token need not be refreshed.
    fn is_fresh(&self) -> bool {
        Instant::now() < self.refresh_at
    }
}

/// The one token of a client.
#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    token: Option<Token>,
    fetched: u64,
}

impl TokenCache {
    /// The cached token, or the one that `fetch` gets (with its life in seconds). `fetch` is only
    /// polled if a token is needed.
    ///
    /// `refused` is a token that the server has just answered with 401: it is not returned again,
    /// but a newer one that somebody else fetched meanwhile is, without another request.
    pub(crate) async fn get(
        &self,
        refused: Option<&Token>,
        fetch: impl Future<Output = Result<(Secret, u64), Error>>,
    ) -> Result<Token, Error> {
        let mut slot = self.slot.lock().await;
        if let Some(token) = &slot.token
            && token.is_fresh()
            && refused.is_none_or(|refused| refused.serial < token.serial)
        {
            return Ok(token.clone());
        }
        slot.token = None;
        let (secret, seconds) = fetch.await?;
        slot.fetched += 1;
        let life = Duration::from_secs(seconds).min(LIFE_MAX);
        let refresh_at = Instant::now() + life - EXPIRY_MARGIN.min(life / 10);
        let token = Token { secret, serial: slot.fetched, refresh_at };
        slot.token = Some(token.clone());
        Ok(token)
    }
}
