//! `FakeFirebolt::start()`: a fake for the tests of a Rust program, in a few words.
//!
//! ```
//! use fake_firebolt::sql::StatementKind;
//! use fake_firebolt::{Does, FakeFirebolt, Phase, Rule};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let fake = FakeFirebolt::start().setup("CREATE TABLE t (id INTEGER)").listen().await?;
//! // The reply to the first COMMIT is lost.
//! let rule = Rule::new("lost", Does::DropConnection).on(StatementKind::Commit);
//! fake.faults().add(rule.at(Phase::Committed).at_most(1))?;
//! // … let the program under test loose on `fake.url()`, then ask:
//! assert_eq!(fake.faults().fired("lost"), 0);
//! assert_eq!(fake.sql("SELECT id FROM t")?.rows.len(), 0);
//! fake.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::admin::{self, Admin};
use crate::fault::{Does, Held, Hooks, Rule, RuleError, RuleHooks};
use crate::listen;
use crate::mvcc::Snapshot;
use crate::quirks::Quirks;
use crate::server::{FakeConfig, FakeFirebolt, Location};
use crate::sql::SqlError;
use crate::value::ResultSet;

/// What a pipe in memory holds before its writer waits.
const PIPE: usize = 64 * 1024;

impl FakeFirebolt {
    /// A Firebolt Core without sign-on, with a database `firebolt`, about to start.
    #[must_use]
    pub fn start() -> Start {
        let config = FakeConfig {
            client_id: String::new(),
            client_secret: String::new(),
            database: "firebolt".to_owned(),
            ..FakeConfig::default()
        };
        Start { config, rules: Vec::new(), script: String::new(), with_admin: false }
    }
}

/// A fake that is about to start; awaiting it is [`Start::listen`].
#[derive(Clone, Debug)]
pub struct Start {
    config: FakeConfig,
    rules: Vec<Rule>,
    script: String,
    with_admin: bool,
}

/// Why a fake does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No socket on loopback.
    #[error("cannot listen on 127.0.0.1")]
    Socket(#[source] io::Error),
    /// A statement of the setup failed.
    #[error("a statement of the setup failed")]
    Setup(#[source] SqlError),
    /// A rule means nothing.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl Start {
    /// SQL to execute first; several statements are separated by `;`.
    #[must_use]
    pub fn setup(mut self, sql: &str) -> Self {
        self.script.push_str(sql);
        self.script.push_str(";\n");
        self
    }

    /// A rule that is there from the beginning.
    #[must_use]
    pub fn fault(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Where ids and the draws of rules come from; 0 otherwise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// The answers to open questions about the service.
    #[must_use]
    pub fn quirks(mut self, quirks: Quirks) -> Self {
        self.config.quirks = quirks;
        self
    }

    /// Asks for this service account, as the cloud service does.
    #[must_use]
    pub fn service_account(mut self, id: &str, secret: &str) -> Self {
        id.clone_into(&mut self.config.client_id);
        secret.clone_into(&mut self.config.client_secret);
        self
    }

    /// Everything else about the server; `base_url` is set when it listens.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut FakeConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// A LOCATION from which READ_PARQUET and COPY read.
    #[must_use]
    pub fn location(mut self, name: &str, location: Location) -> Self {
        self.config.locations.insert(name.to_owned(), location);
        self
    }

    /// Opens a control port too, for the parts of a test that are in another language.
    #[must_use]
    pub fn with_admin(mut self) -> Self {
        self.with_admin = true;
        self
    }

    /// Listens on a free port of 127.0.0.1.
    ///
    /// On a runtime of one thread, as `#[tokio::test]` makes it, a statement that is evaluated for
    /// long is alone: only its own time-out and its budget of steps end it. On one of several
    /// threads (and with the feature `serve`) others are answered meanwhile, and can cancel it.
    ///
    /// # Errors
    /// No socket, a failing statement of the setup, or a rule that means nothing.
    pub async fn listen(mut self) -> Result<RunningFake, StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(StartError::Socket)?;
        let address = listener.local_addr().map_err(StartError::Socket)?;
        self.config.base_url = format!("http://{address}/");
        let control = if self.with_admin {
            let control = TcpListener::bind("127.0.0.1:0").await.map_err(StartError::Socket)?;
            let address = control.local_addr().map_err(StartError::Socket)?;
            Some((control, address))
        } else {
            None
        };
        let mut running = self.in_process()?;
        let server = running.server.clone();
        running.tasks.push(tokio::spawn(listen::accept(listener, move |stream, peer| {
            server.serve_socket(stream, peer)
        })));
        if let Some((listener, address)) = control {
            running.tasks.push(tokio::spawn(running.admin.clone().serve(listener)));
            running.admin_address = Some(address);
        }
        Ok(running)
    }

    /// Starts without a socket: connections come from [`RunningFake::connect`]. Works on a paused
    /// clock.
    ///
    /// # Errors
    /// A failing statement of the setup, or a rule that means nothing.
    pub fn in_process(self) -> Result<RunningFake, StartError> {
        let rules = Arc::new(RuleHooks::new(self.config.seed).with_statement_log());
        rules.add_all(self.rules)?;
        let server = FakeFirebolt::new(self.config, Arc::clone(&rules) as Arc<dyn Hooks>);
        server.setup(&self.script).map_err(StartError::Setup)?;
        let admin = Admin::of_fake(&server, &rules);
        Ok(RunningFake { server, rules, admin, admin_address: None, tasks: Vec::new() })
    }
}

impl IntoFuture for Start {
    type Output = Result<RunningFake, StartError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.listen())
    }
}

/// A fake that runs until it is dropped.
pub struct RunningFake {
    server: FakeFirebolt,
    rules: Arc<RuleHooks>,
    admin: Admin,
    admin_address: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Debug for RunningFake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningFake").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl RunningFake {
    /// Where clients connect to, such as `http://127.0.0.1:40000/`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.config().base_url
    }

    /// The control port, such as `http://127.0.0.1:40001/admin`, if there is one.
    #[must_use]
    pub fn admin_url(&self) -> Option<String> {
        self.admin_address.map(|address| format!("http://{address}/admin"))
    }

    /// A new connection in memory: speak HTTP/1.1 on it.
    #[must_use]
    pub fn connect(&self, peer: &str) -> DuplexStream {
        let (near, far) = tokio::io::duplex(PIPE);
        tokio::spawn(self.server.serve_connection(far, peer));
        near
    }

    /// The control, as the control port offers it.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The server: its engine, tokens, commits.
    #[must_use]
    pub fn server(&self) -> &FakeFirebolt {
        &self.server
    }

    /// The rules, their counters, and the log of statements.
    #[must_use]
    pub fn faults(&self) -> &RuleHooks {
        &self.rules
    }

    /// Holds requests: a rule whose deed is [`Does::Hold`], for as long as the guard lives.
    ///
    /// # Errors
    /// A rule that does something else or means nothing, or whose name is taken.
    pub fn hold(&self, rule: Rule) -> Result<HoldGuard, RuleError> {
        let name = rule.name.clone();
        if rule.does != Does::Hold {
            let problem = "a hold does nothing but hold".to_owned();
            return Err(RuleError { rule: name, key: "does", problem });
        }
        self.rules.add(rule)?;
        Ok(HoldGuard { rules: Arc::clone(&self.rules), name })
    }

    /// The committed state of all tables, to go back to.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.server.snapshot()
    }

    /// Goes back to a state of all tables.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.server.restore(snapshot);
    }

    /// Everything as it was at the start: tables, rules, counters, log.
    pub fn reset(&self) {
        self.admin.reset(true);
    }

    /// The owner's own SQL, which no rule strikes: the rows of a SELECT, or a script.
    ///
    /// # Errors
    /// The first statement that fails; those before it stay committed.
    pub fn sql(&self, text: &str) -> Result<ResultSet, SqlError> {
        admin::own_sql(&self.server, text)
    }

    /// Stops listening, ends every connection, and returns when that is done.
    pub async fn shutdown(mut self) {
        self.rules.release(|_| true);
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // An aborted task ends with an error that says so.
            let _ = task.await;
        }
    }
}

impl Drop for RunningFake {
    fn drop(&mut self) {
        // What stands still would otherwise keep its task for as long as the runtime lives.
        self.rules.release(|_| true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Requests that stand still for as long as this lives.
#[derive(Debug)]
pub struct HoldGuard {
    rules: Arc<RuleHooks>,
    name: String,
}

impl HoldGuard {
    /// Waits until so many requests stand still here at the same time.
    pub async fn held(&self, count: usize) -> Vec<Held> {
        self.rules.wait_held(count, |held| *held.rule == *self.name).await
    }

    /// Lets go those that stand still now; later ones are held again.
    pub fn release(&self) -> usize {
        self.rules.release(|held| *held.rule == *self.name)
    }
}

impl Drop for HoldGuard {
    fn drop(&mut self) {
        self.rules.remove(&self.name);
    }
}
