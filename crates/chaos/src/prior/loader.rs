//! One invocation of the prior loader: connect, clean up, stage, compare columns, merge, clean up.
//!
//! On any error: clean up, disconnect, fail; the platform then tries the event again. A time-out of
//! the platform drops all of this where it stands, so no clean-up runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use md5::{Digest, Md5};

use super::policy::{Rung, Staging};
use super::sdk::{Account, Rows, SdkError, Session};
use super::wire::Wire;
use super::{markers, merge, staging, statements};
use crate::history::Reported;
use crate::seed::Stream;
use crate::world::worker::{Invocation, Loader};

/// What the loader is configured with (field report: its environment variables).
#[derive(Debug, Clone)]
pub struct PriorConfig {
    /// The service account and where it works.
    pub account: Account,
    /// `LOCATION_NAME`.
    pub location: String,
    /// The LOCATION's prefix, which a COPY pattern does not repeat.
    pub prefix: String,
    /// `TABLE_KEYS_JSON`: key columns by table.
    pub table_keys: BTreeMap<String, Vec<String>>,
    /// `CDC_DELETE_COLUMN`.
    pub delete_column: String,
    /// `CDC_DELETE_VALUES`.
    pub delete_values: Vec<String>,
    /// Unix milliseconds at the start of the run: the name of a prior-5 staging table is a time.
    pub epoch_millis: u64,
}

/// One clean-up of a staging table: one DROP, or three on the rungs that try three times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanUp {
    /// The staging table.
    pub table: String,
    /// Whether the DROP went through, or the table was not there.
    pub done: bool,
}

/// Told about every clean-up, before the work and after it.
pub type OnCleanUp = Arc<dyn Fn(&CleanUp) + Send + Sync>;

/// The prior loader in one container.
pub struct PriorLoader {
    pub(super) rung: Rung,
    pub(super) config: PriorConfig,
    wire: Arc<dyn Wire>,
    jitter: Mutex<Stream>,
    on_clean_up: OnCleanUp,
    started: tokio::time::Instant,
}

impl PriorLoader {
    /// A container of that rung. `wire` is its network, `jitter` feeds its waits.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(
        rung: Rung,
        wire: Arc<dyn Wire>,
        config: PriorConfig,
        jitter: Stream,
        on_clean_up: OnCleanUp,
    ) -> Self {
        let started = tokio::time::Instant::now();
        PriorLoader { rung, config, wire, jitter: Mutex::new(jitter), on_clean_up, started }
    }

    /// A uniform time up to `most` milliseconds.
    pub(super) fn jitter(&self, most: u64) -> Duration {
        let mut stream = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(stream.range(0..=most))
    }

    fn now_millis(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.config.epoch_millis.saturating_add(elapsed)
    }
}

impl Loader for PriorLoader {
    fn invoke(
        &self,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<Vec<(usize, Reported)>, String>> {
        async move {
            let mut reported = Vec::new();
            for (at, (file, key)) in
                invocation.files.iter().zip(&invocation.object_keys).enumerate()
            {
                // prior-5 looks at Records[0] alone and returns success for the whole event.
                if self.rung.staging == Staging::Copy || at == 0 {
                    load(self, key, &invocation.request_id).await.map_err(|error| error.text)?;
                }
                reported.push((*file, Reported::Applied));
            }
            Ok(reported)
        }
        .boxed()
    }
}

/// What an object key says about its file.
pub(super) struct File {
    /// The whole key: the name in `cdc_processed_files`.
    pub(super) key: String,
    pub(super) table: String,
    /// The key below the LOCATION's prefix.
    pub(super) pattern: String,
    date: String,
    name: String,
}

impl File {
    fn parse(config: &PriorConfig, key: &str) -> Option<File> {
        let pattern = key.strip_prefix(&config.prefix)?;
        let mut parts = pattern.split('/');
        let (_database, table) = (parts.next()?, parts.next()?);
        let (name, date) = parts
            .collect::<Vec<_>>()
            .split_last()
            .map(|(name, date)| ((*name).to_owned(), date.join("/")))?;
        let (key, table, pattern) = (key.to_owned(), table.to_owned(), pattern.to_owned());
        Some(File { key, table, pattern, date, name })
    }

    /// `stg_<table>_<8 hex>`: the same for all tries of one event, which share their request id.
    fn staging_name(&self, request_id: &str) -> String {
        let text = format!("{}_{}_{}_{request_id}", self.table, self.date, self.name);
        let digest = Md5::digest(text.as_bytes());
        let mut name = format!("stg_{}_", self.table);
        for byte in &digest[..4] {
            write!(name, "{byte:02x}").expect("writing to a String cannot fail");
        }
        name
    }
}

/// One file, from connect to disconnect.
async fn load(loader: &PriorLoader, key: &str, request_id: &str) -> Result<(), SdkError> {
    let plain = |text: String| SdkError { text, status: None };
    let file = File::parse(&loader.config, key)
        .ok_or_else(|| plain(format!("cannot parse the S3 key {key}")))?;
    let keys = loader.config.table_keys.get(&file.table).cloned();
    let keys = keys.ok_or_else(|| plain(format!("no primary key for table {}", file.table)))?;
    let staging = match loader.rung.staging {
        Staging::Copy => file.staging_name(request_id),
        Staging::Numbered => format!("stg_{}_{}", file.table, loader.now_millis()),
    };
    let session = Session::connect(&loader.config.account, Arc::clone(&loader.wire)).await?;
    let mut work = Work { loader, session: Some(session), file, keys, staging };
    if !markers::may_start(&mut work).await? {
        return Ok(());
    }
    let outcome = work.run().await;
    match &outcome {
        Ok(()) => markers::completed(&mut work).await,
        Err(error) => {
            work.clean_up_all().await;
            tracing::warn!(file = %work.file.key, error = %error.text, "the invocation fails");
            markers::failed(&mut work).await;
        }
    }
    outcome
}

/// One file under way.
pub(super) struct Work<'a> {
    pub(super) loader: &'a PriorLoader,
    /// `None` after a reconnect that failed.
    session: Option<Session>,
    pub(super) file: File,
    pub(super) keys: Vec<String>,
    pub(super) staging: String,
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), SdkError> {
        let staged = match self.loader.rung.staging {
            Staging::Copy => {
                let staging = self.staging.clone();
                self.clean_up(&staging).await;
                staging::copied(self).await?
            }
            Staging::Numbered => staging::numbered(self).await?,
        };
        merge::merge(self, &staged).await?;
        tracing::info!("✓ MERGE completed for {}", self.file.table);
        self.clean_up_all().await;
        Ok(())
    }

    /// Runs a statement as the rung does: at once, or with one reconnect and the same SQL again.
    pub(super) async fn execute(&mut self, sql: &str) -> Result<Rows, SdkError> {
        let first = match self.session.as_mut() {
            Some(session) => session.execute(sql).await,
            None => Err(SdkError { text: "Connection closed.".to_owned(), status: None }),
        };
        let Err(error) = first else { return first };
        if !self.loader.rung.takes_for_connection_error(&error.text) {
            return Err(error);
        }
        tracing::warn!("⚠️  Connection error detected, attempting to reconnect");
        self.session = None;
        let account = &self.loader.config.account;
        let session = Session::connect(account, Arc::clone(&self.loader.wire)).await?;
        let session = self.session.insert(session);
        tracing::info!("✓ Reconnected successfully, retrying query");
        let second = session.execute(sql).await;
        if second.is_err() {
            tracing::warn!("✗ Retry after reconnect failed");
        }
        second
    }

    /// Drops every table that this rung may have made.
    async fn clean_up_all(&mut self) {
        let staging = self.staging.clone();
        if self.loader.rung.staging == Staging::Numbered {
            for suffix in ["_temp", "_dedup"] {
                self.clean_up(&format!("{staging}{suffix}")).await;
            }
        }
        self.clean_up(&staging).await;
    }

    /// Tries to drop a staging table; an error is logged and swallowed.
    pub(super) async fn clean_up(&mut self, table: &str) {
        let done = self.try_to_drop(table).await;
        (self.loader.on_clean_up)(&CleanUp { table: table.to_owned(), done });
    }

    async fn try_to_drop(&mut self, table: &str) -> bool {
        let tries = self.loader.rung.drop_tries;
        for attempt in 0..tries {
            let Err(error) = self.execute(&statements::drop(table)).await else {
                tracing::info!("✓ Cleaned up staging table {table}");
                return true;
            };
            let text = error.text.to_lowercase();
            if tries > 1 && (text.contains("does not exist") || text.contains("not found")) {
                return true;
            }
            if tries > 1 && text.contains("connection") && text.contains("closed") {
                break;
            }
            if attempt + 1 < tries {
                tracing::warn!("⚠️  Failed to drop {table} (attempt {}/3), retrying", attempt + 1);
                let wait = Duration::from_secs(1 << attempt) + self.loader.jitter(1000);
                tokio::time::sleep(wait).await;
            }
        }
        tracing::warn!("✗ Failed to drop {table} after {tries} attempts");
        false
    }
}
