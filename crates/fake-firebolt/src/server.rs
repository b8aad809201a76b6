//! The server as its owner sees it: make one, give it connections, break it, ask it for the truth.
//!
//! One [`FakeFirebolt`] is one account with one database and one engine. It speaks HTTP over any
//! byte stream and keeps time by tokio's clock, so that a paused runtime drives it. Everything it
//! draws (ids, tokens, arbitrary picks, values of RANDOM) comes from the seed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::ObjectStore;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::engine_state::{EngineLife, EngineState};
use crate::execution::asynchronous::AsyncQueries;
use crate::execution::in_flight::Flights;
use crate::execution::query_history::QueryHistory;
use crate::execution::transaction_log::TransactionLog;
use crate::execution::transactions::OpenTransactions;
use crate::execution::{direct, restart, transactions};
use crate::fault::Hooks;
use crate::files::Files;
use crate::history::{CommitLog, Committed};
use crate::http::connection::ResetSwitch;
use crate::http::token::Tokens;
use crate::ids::{Ids, Stream};
use crate::limits::Limits;
use crate::mvcc::{Snapshot, Store};
use crate::quirks::Quirks;
use crate::sql::SqlError;
use crate::value::ResultSet;

/// A Firebolt LOCATION: where READ_PARQUET and COPY find their files.
#[derive(Clone, Debug)]
pub struct Location {
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// The LOCATION's own prefix inside the bucket; patterns are relative to it.
    pub prefix: String,
}

/// What a server is made of.
#[derive(Clone)]
pub struct FakeConfig {
    /// The account that `engineUrl` knows.
    pub account: String,
    /// The one database.
    pub database: String,
    /// The one engine.
    pub engine: String,
    /// The service account's id. Empty: the server is a Firebolt Core, which asks for no
    /// authorisation (firebolt-wire §2.3).
    pub client_id: String,
    /// The service account's secret.
    pub client_secret: String,
    /// LOCATIONs by name.
    pub locations: BTreeMap<String, Location>,
    /// Buckets by name: where `s3://name/…` leads, in a URL or in a LOCATION that a client makes.
    pub buckets: BTreeMap<String, Arc<dyn ObjectStore>>,
    /// The answers to the questions that public material leaves open.
    pub quirks: Quirks,
    /// Where every id, token and arbitrary pick comes from.
    pub seed: u64,
    /// The server's clock when it is made: microseconds since 1970, UTC.
    pub epoch_micros: i64,
    /// What `engineUrl` answers.
    pub base_url: String,
    /// How long a token is good for.
    pub token_life: Duration,
    /// How much one request may ask for.
    pub limits: Limits,
}

impl Default for FakeConfig {
    /// One account `account` with a database `database`, an engine `engine` and the service
    /// account `client`/`secret`, tokens of 24 h as the service gives them, starting on
    /// 2025-11-11 at 00:00 UTC.
    fn default() -> Self {
        Self {
            account: "account".to_owned(),
            database: "database".to_owned(),
            engine: "engine".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "secret".to_owned(),
            locations: BTreeMap::new(),
            buckets: BTreeMap::new(),
            quirks: Quirks::default(),
            seed: 0,
            epoch_micros: 1_762_819_200_000_000,
            base_url: "http://engine.fake.invalid/".to_owned(),
            token_life: Duration::from_secs(86_400),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for FakeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeConfig")
            .field("account", &self.account)
            .field("database", &self.database)
            .field("engine", &self.engine)
            .field("client_id", &self.client_id)
            .field("locations", &self.locations)
            .field("quirks", &self.quirks)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// A running fake. Clones are the same server.
#[derive(Clone)]
pub struct FakeFirebolt {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for FakeFirebolt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeFirebolt").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl FakeFirebolt {
    /// Makes a server whose clock starts now. Call it inside the runtime that will serve.
    pub fn new(config: FakeConfig, hooks: Arc<dyn Hooks>) -> Self {
        let state = State {
            store: Store::new(config.quirks.clone()),
            transactions: OpenTransactions::default(),
            transaction_log: TransactionLog::default(),
            flights: Flights::default(),
            asynchronous: AsyncQueries::default(),
            history: QueryHistory::default(),
            engine: EngineLife::new(),
            tokens: Tokens::default(),
            log: CommitLog::new(config.limits.commits_kept),
            ids: Ids::new(config.seed),
            picks: Stream::new(config.seed, "picks"),
            values: Stream::new(config.seed, "values"),
            panics: 0,
        };
        let files = Files::new(
            &config.locations,
            &config.buckets,
            config.quirks.clone(),
            config.epoch_micros,
        );
        let inner =
            Inner { config, hooks, started: Instant::now(), files, state: Mutex::new(state) };
        Self { inner: Arc::new(inner) }
    }

    /// Serves one HTTP/1.1 connection until it ends. Requests run in tasks of their own, so a
    /// client that leaves does not stop what it started (firebolt-semantics §3.2).
    pub fn serve_connection<Io>(
        &self,
        io: Io,
        peer: &str,
    ) -> impl Future<Output = ()> + Send + 'static + use<Io>
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let reset = ResetSwitch::default();
        crate::http::connection::serve(Arc::clone(&self.inner), io, peer.to_owned(), reset)
    }

    /// Executes SQL at once, without faults, hooks or HTTP: for seeding. Several statements may
    /// be separated by `;`, each commits on its own.
    ///
    /// # Errors
    /// The error of the first statement that fails; those before it stay committed.
    pub fn setup(&self, sql: &str) -> Result<(), SqlError> {
        direct::setup(&self.inner, sql)
    }

    /// Evaluates one SELECT on what is committed now, without faults, hooks or HTTP: for oracles.
    ///
    /// # Errors
    /// The statement's own error; a statement that would change something is refused.
    pub fn query(&self, sql: &str) -> Result<ResultSet, SqlError> {
        direct::query(&self.inner, sql)
    }

    /// Restarts the engine: what is in flight dies as the hooks say, every open connection is
    /// dead at its next request, and statements on new connections wait until the engine is back.
    pub fn restart_engine(&self, away: Duration) {
        restart::restart(&self.inner, away);
    }

    /// Stops the engine. What is in flight dies as in a restart; the next statement wakes the
    /// engine, unless the quirk `auto_start` is off.
    pub fn stop_engine(&self) {
        restart::stop(&self.inner);
    }

    /// Starts a stopped engine; it runs after `takes`. An engine that runs, or is on its way back
    /// from a restart, is left alone.
    pub fn start_engine(&self, takes: Duration) {
        self.inner.state().engine.start(Instant::now(), takes);
    }

    /// The committed state of all tables, to go back to. Costs one counter.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.state().store.snapshot()
    }

    /// Goes back to a state of all tables that this server once had. Open transactions end, as if
    /// rolled back; history goes on.
    pub fn restore(&self, snapshot: &Snapshot) {
        let mut state = self.inner.state();
        transactions::end_all(&self.inner, &mut state);
        state.store.restore(snapshot);
    }

    /// What this server is made of.
    pub fn config(&self) -> &FakeConfig {
        &self.inner.config
    }

    /// What the engine is doing now.
    pub fn engine_state(&self) -> EngineState {
        self.inner.state().engine.state(Instant::now())
    }

    /// Every token given out so far becomes invalid (chaos F21).
    pub fn expire_tokens(&self) {
        self.inner.state().tokens.expire_all();
    }

    /// How many explicit transactions are open, the aborted ones included.
    pub fn open_transactions(&self) -> usize {
        self.inner.state().transactions.len()
    }

    /// Every commit that changed something, oldest first: the ground truth. Only the latest ones,
    /// where [`Limits::commits_kept`] says so.
    pub fn commits(&self) -> Vec<Committed> {
        self.inner.state().log.snapshot()
    }

    /// How many commits there were that [`FakeFirebolt::commits`] does not show any more.
    pub fn commits_forgotten(&self) -> u64 {
        self.inner.state().log.forgotten()
    }

    /// How many requests ended in a panic of the server. Anything but 0 is a bug in the fake or
    /// in a hook, and no verdict about a client may rest on such a run.
    pub fn panics(&self) -> u64 {
        self.inner.state().panics
    }

    /// The server's clock: microseconds since 1970, UTC.
    pub fn now_micros(&self) -> i64 {
        self.inner.now_micros()
    }
}

/// What every part of the server shares.
pub(crate) struct Inner {
    pub(crate) config: FakeConfig,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) started: Instant,
    pub(crate) files: Files,
    state: Mutex<State>,
}

/// Everything that changes, under one lock that is never held across an await or a hook.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) transactions: OpenTransactions,
    pub(crate) transaction_log: TransactionLog,
    pub(crate) flights: Flights,
    pub(crate) asynchronous: AsyncQueries,
    pub(crate) history: QueryHistory,
    pub(crate) engine: EngineLife,
    pub(crate) tokens: Tokens,
    pub(crate) log: CommitLog,
    pub(crate) ids: Ids,
    pub(crate) picks: Stream,
    pub(crate) values: Stream,
    pub(crate) panics: u64,
}

impl Inner {
    /// The state. A panic under the lock leaves nothing half done that a later request could
    /// see: evaluation writes only into its own transaction.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the server was made.
    pub(crate) fn elapsed(&self) -> Duration {
        Instant::now() - self.started
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.micros_at(Instant::now())
    }

    pub(crate) fn micros_at(&self, instant: Instant) -> i64 {
        let elapsed = instant.saturating_duration_since(self.started).as_micros();
        self.config.epoch_micros.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    /// The user, as the views on the server name it.
    pub(crate) fn user(&self) -> &str {
        if self.is_core() { "firebolt" } else { &self.config.client_id }
    }

    /// Whether this server asks for no authorisation.
    pub(crate) fn is_core(&self) -> bool {
        self.config.client_id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let config = FakeConfig { client_secret: "s3cret".to_owned(), ..FakeConfig::default() };
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
