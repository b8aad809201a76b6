//! The client: signs on when first needed, runs autocommit statements, begins transactions.
//!
//! It sends a statement again in one case only: after a 401, which the server gives before it
//! executes anything. Every other repetition is the caller's decision, who knows whether the
//! statement may run twice.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::{Instant, timeout_at};

use crate::auth::{Token, TokenCache};
use crate::config::{ClientConfig, Credentials, Secret, StatementOptions};
use crate::discovery;
use crate::error::{Asked, Effect, Error, ErrorKind};
use crate::request;
use crate::response::{self, Reply, ResultSet};
use crate::session::{Session, SessionChange};
use crate::transaction::Transaction;
use crate::transport::{Transport, TransportError};

/// A client of one account, database and engine. Clones are cheap and share token and session.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<dyn Transport>,
    config: ClientConfig,
    tokens: TokenCache,
    shared: Mutex<Shared>,
    /// Held during a sign-on: statements that start together sign on once.
    signing_on: tokio::sync::Mutex<()>,
}

/// The session of autocommit statements. The epoch counts how often it was forgotten, so that a
/// late reply to a statement of a former session cannot edit the present one.
#[derive(Default)]
struct Shared {
    session: Option<Arc<Session>>,
    epoch: u64,
}

/// How long a call may take: until when as a whole, and how long a single reply of the sign-on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    until: Instant,
    reply: Duration,
}

impl Bound {
    fn of(options: &StatementOptions, config: &ClientConfig) -> Self {
        // An Instant overflows at far less than Duration::MAX.
        const PATIENCE_MAX: Duration = Duration::from_secs(365 * 86_400);
        Bound {
            until: Instant::now() + options.patience.min(PATIENCE_MAX),
            reply: config.patience.min(PATIENCE_MAX),
        }
    }

    /// The bound of one request of the sign-on.
    pub(crate) fn step(self) -> Self {
        Bound { until: self.until.min(Instant::now() + self.reply), ..self }
    }
}

impl Client {
    /// A client that has sent nothing yet.
    pub fn new(transport: Arc<dyn Transport>, config: ClientConfig) -> Self {
        Client {
            inner: Arc::new(Inner {
                transport,
                config,
                tokens: TokenCache::default(),
                shared: Mutex::default(),
                signing_on: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// Runs one autocommit statement, after signing on if there is no session. Not for BEGIN: a
    /// transaction opened here belongs to nobody, and its id is dropped; see [`Client::begin`].
    ///
    /// # Errors
    /// [`Error::effect`] says whether the statement may have happened. Everything that goes wrong
    /// before it is sent, the sign-on included, has [`Effect::None`].
    pub async fn query(&self, sql: &str, options: &StatementOptions) -> Result<ResultSet, Error> {
        let bound = self.bound(options);
        let (session, epoch) = self.session(bound).await.map_err(|e| e.with_statement(sql))?;
        let reply = self.run(&session, sql, options, Asked::Statement, bound).await;
        self.keep(epoch, reply.change);
        reply.result
    }

    /// Opens a transaction: `BEGIN`, whose reply must carry a transaction id.
    ///
    /// # Errors
    /// A 2xx without an id is [`ErrorKind::NoTransaction`]: statements sent after it would commit one
    /// by one (firebolt-wire §7, what the Python SDK does). Every error has [`Effect::None`], because
    /// a BEGIN changes nothing, and a transaction that nobody can name cannot commit.
    pub async fn begin(&self, options: &StatementOptions) -> Result<Transaction, Error> {
        const BEGIN: &str = "BEGIN";
        let bound = self.bound(options);
        let (shared, _) = self.session(bound).await.map_err(|e| e.with_statement(BEGIN))?;
        let reply = self.run(&shared, BEGIN, options, Asked::Statement, bound).await;
        reply.result.map_err(|error| error.with_effect(Effect::None))?;
        let mut session = Session::clone(&shared);
        session.apply(&reply.change);
        match session.transaction_id().map(str::to_owned) {
            Some(id) => Ok(Transaction::new(self.clone(), session, id)),
            None => {
                let message = "the server answered BEGIN without a transaction id; does it support \
                               explicit transactions (protocol version 2.4)?";
                Err(Error::new(ErrorKind::NoTransaction, Effect::None, message).with_context(BEGIN))
            }
        }
    }

    /// Forgets the session: the next statement signs on again. The token is kept. Open transactions
    /// have a session of their own and are not affected.
    ///
    /// For use after connection-level errors, when the engine may have moved.
    pub fn forget_session(&self) {
        let mut shared = self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.session = None;
        shared.epoch += 1;
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    pub(crate) fn bound(&self, options: &StatementOptions) -> Bound {
        Bound::of(options, self.config())
    }

    /// Encodes, sends and decodes one statement. The context of every error is the statement.
    pub(crate) async fn run(
        &self,
        session: &Session,
        sql: &str,
        options: &StatementOptions,
        asked: Asked,
        bound: Bound,
    ) -> Reply {
        let mut change = SessionChange::default();
        let result = self
            .authorized(
                sql,
                bound,
                |token| request::statement(session, sql, options, token, &self.config().user_agent),
                |response| {
                    let reply = response::statement(response, asked);
                    change = reply.change;
                    reply.result
                },
            )
            .await;
        Reply { result, change }
    }

    /// Sends a request with a token; if that one is refused, once more with a new one. A 401 comes
    /// before execution, so this is the one repetition that cannot do anything twice.
    pub(crate) async fn authorized<T>(
        &self,
        context: &str,
        bound: Bound,
        encode: impl Fn(Option<&Secret>) -> Result<Request<Bytes>, Error>,
        mut decode: impl FnMut(&Response<Bytes>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let located = |error: Error| error.with_context(context);
        let Credentials::ServiceAccount { client_id, client_secret } = &self.config().credentials
        else {
            let request = encode(None).map_err(located)?;
            let response = self.exchange(request, bound).await.map_err(located)?;
            return decode(&response).map_err(located);
        };
        let mut refused: Option<Token> = None;
        loop {
            let token = self
                .token(refused.as_ref(), client_id, client_secret, bound)
                .await
                .map_err(|error| error.with_statement(context))?;
            let request = encode(Some(&token.secret)).map_err(located)?;
            let response = self.exchange(request, bound).await.map_err(located)?;
            match decode(&response) {
                Err(error) if error.kind() == ErrorKind::Unauthorized && refused.is_none() => {
                    tracing::debug!(context, "the token was refused, asking for a new one");
                    refused = Some(token);
                }
                result => {
                    return result.map_err(|error| located(error).without(token.secret.expose()));
                }
            }
        }
    }

    async fn token(
        &self,
        refused: Option<&Token>,
        client_id: &str,
        client_secret: &Secret,
        bound: Bound,
    ) -> Result<Token, Error> {
        const CONTEXT: &str = "POST oauth/token";
        let config = self.config();
        let fetch = async {
            let url = match &config.token_url {
                Some(url) => url.clone(),
                None => request::token_url(&config.api_base).ok_or_else(|| {
                    let message = "no token_url, and api_base is not an HTTP address";
                    Error::new(ErrorKind::Config, Effect::None, message)
                })?,
            };
            let request = request::token(&url, client_id, client_secret, &config.user_agent)?;
            response::token(&self.exchange(request, bound.step()).await?)
        };
        match timeout_at(bound.until, self.inner.tokens.get(refused, fetch)).await {
            Ok(token) => token.map_err(|error| error.without(client_secret.expose())),
            Err(_) => Err(out_of_patience(Effect::None)),
        }
        .map_err(|error| error.with_effect(Effect::None).with_context(CONTEXT))
    }

    /// One exchange within the bound. A request that was handed to the transport in vain is in doubt.
    pub(crate) async fn exchange(
        &self,
        request: Request<Bytes>,
        bound: Bound,
    ) -> Result<Response<Bytes>, Error> {
        // timeout_at polls first: without this, a request would leave after its caller gave up.
        if Instant::now() >= bound.until {
            return Err(out_of_patience(Effect::None));
        }
        match timeout_at(bound.until, self.inner.transport.send(request)).await {
            Ok(response) => response.map_err(of_transport),
            Err(_) => Err(out_of_patience(Effect::InDoubt)),
        }
    }

    /// The shared session and its epoch, signing on if there is none.
    async fn session(&self, bound: Bound) -> Result<(Arc<Session>, u64), Error> {
        let signed_on = async {
            let _gate = self.inner.signing_on.lock().await;
            let epoch = match self.shared_session() {
                (Some(session), epoch) => return Ok((session, epoch)),
                (None, epoch) => epoch,
            };
            let session = Arc::new(discovery::sign_on(self, bound).await?);
            self.remember(epoch, &session);
            Ok((session, epoch))
        };
        if let (Some(session), epoch) = self.shared_session() {
            return Ok((session, epoch));
        }
        timeout_at(bound.until, signed_on)
            .await
            .unwrap_or_else(|_| Err(out_of_patience(Effect::None)))
            .map_err(|error| error.with_effect(Effect::None))
    }

    fn shared_session(&self) -> (Option<Arc<Session>>, u64) {
        let shared = self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner);
        (shared.session.clone(), shared.epoch)
    }

    fn remember(&self, epoch: u64, session: &Arc<Session>) {
        let mut shared = self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.epoch == epoch {
            shared.session = Some(Arc::clone(session));
        }
    }

    /// Applies a reply's change to the shared session, if the session is still the one it answers.
    fn keep(&self, epoch: u64, change: SessionChange) {
        let mut shared = self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.epoch == epoch
            && let Some(session) = &mut shared.session
        {
            let change = change.without_transaction();
            // Most replies change nothing: the session is not copied for them.
            if !change.is_nothing() {
                Arc::make_mut(session).apply(&change);
            }
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

fn out_of_patience(effect: Effect) -> Error {
    let message = match effect {
        Effect::None => "out of patience before the request was sent",
        Effect::InDoubt | Effect::Certain => "no reply within the patience of the caller",
    };
    Error::new(ErrorKind::TimedOut, effect, message)
}

fn of_transport(error: TransportError) -> Error {
    let (kind, effect) = match error.is_sent_maybe() {
        true => (ErrorKind::ConnectionLost, Effect::InDoubt),
        false => (ErrorKind::Connect, Effect::None),
    };
    Error::new(kind, effect, error.to_string()).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send<T: Send>(value: T) -> T {
        value
    }

    /// Callers run on multi-threaded runtimes: this test is that it compiles.
    #[test]
    fn every_call_can_move_between_threads() {
        fn _calls(client: &'static Client, options: &'static StatementOptions) {
            drop(send(client.query("SELECT 1", options)));
            drop(send(client.begin(options)));
            drop(send(async move {
                let mut transaction = client.begin(options).await?;
                transaction.execute("SELECT 1", options).await?;
                match transaction.commit(options).await {
                    crate::Commit::NotSent(again, _) => again.rollback(options).await,
                    _ => Ok(()),
                }
            }));
        }
        send(());
    }
}
