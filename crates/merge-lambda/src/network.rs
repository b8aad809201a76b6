//! The engine on the real network: reqwest, S3, the machine's entropy. Both binaries are put together
//! here, so that what the operator tries by hand is what the Lambda runs.
//!
//! It reads no setting of ours; the S3 client reads its own `AWS_*` variables, which the platform sets.

use crate::config::{ConfigError, FileSettings, KeysSource, Settings, table_keys};
use crate::handler::Handler;
use firebolt_client::{Client, ClientConfig, ReqwestTransport};
use merge_engine::{EngineError, Entropy, Logged, MergeEngine, Parts, TableKeys};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, RetryConfig};
use std::sync::Arc;
use std::time::Duration;

/// How long S3 may keep failing before one request to it is given up. Far below an invocation's time:
/// the merge waits and retries by itself.
const S3_RETRY_MAX: Duration = Duration::from_secs(30);

/// Why an engine cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting is missing or impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine refuses its settings.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system has no usable TLS set-up.
    #[error("the HTTPS client cannot be made: {0}")]
    Tls(#[from] firebolt_client::TransportError),
    /// The S3 client cannot be made, or the object with the keys cannot be read.
    #[error("{what}: {why}")]
    Store {
        /// What was wanted of it.
        what: String,
        /// What it says.
        why: object_store::Error,
    },
    /// The system gives no random numbers, without which staging tables cannot be named.
    #[error("the system gives no random numbers: {0}")]
    Entropy(getrandom::Error),
}

/// The machine's entropy, asked anew for every number: a process that was restored from a snapshot
/// must not repeat the numbers of its twin.
#[derive(Debug)]
pub struct SystemEntropy(());

impl SystemEntropy {
    /// Draws once, to find out here that nothing can be drawn.
    ///
    /// # Errors
    /// The system has no entropy to give.
    pub fn new() -> Result<SystemEntropy, SetupError> {
        getrandom::u64().map_err(SetupError::Entropy)?;
        Ok(SystemEntropy(()))
    }
}

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        getrandom::u64().expect("a system that gave entropy once gives it again")
    }
}

/// A client of the warehouse. To be made before any S3 client: it sets the TLS provider of the process.
///
/// # Errors
/// The system has no usable TLS set-up.
pub fn client(config: ClientConfig) -> Result<Client, SetupError> {
    Ok(Client::new(Arc::new(ReqwestTransport::new()?), config))
}

/// An S3 bucket; region and credentials come from the `AWS_*` variables.
///
/// # Errors
/// A variable that the S3 client cannot use.
pub fn bucket(name: &str) -> Result<Arc<dyn ObjectStore>, SetupError> {
    let retry = RetryConfig { retry_timeout: S3_RETRY_MAX, ..RetryConfig::default() };
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(name)
        .with_retry(retry)
        .build()
        .map_err(|why| SetupError::Store { what: format!("opening bucket {name}"), why })?;
    Ok(Arc::new(store))
}

/// The key columns of the tables, read from S3 where the settings say so.
///
/// # Errors
/// The object cannot be read, or is not the JSON that it should be.
pub async fn keys(source: &KeysSource) -> Result<TableKeys, SetupError> {
    let (bucket_name, key) = match source {
        KeysSource::Inline(keys) => return Ok(keys.clone()),
        KeysSource::Object { bucket, key } => (bucket, key),
    };
    let failed = |why| SetupError::Store {
        what: format!(
            "reading the table keys s3://{bucket_name}/{key} (TABLE_KEYS_S3_BUCKET, TABLE_KEYS_S3_KEY)"
        ),
        why,
    };
    let store = bucket(bucket_name)?;
    let path = Path::parse(key).map_err(|why| failed(why.into()))?;
    let bytes = store.get(&path).await.map_err(failed)?.bytes().await.map_err(failed)?;
    Ok(table_keys("TABLE_KEYS_S3_KEY", &String::from_utf8_lossy(&bytes))?)
}

/// An engine over a client and a bucket.
///
/// # Errors
/// The keys cannot be read, or a setting is impossible.
pub async fn engine(
    client: Client,
    store: Arc<dyn ObjectStore>,
    files: &FileSettings,
) -> Result<MergeEngine, SetupError> {
    let config = files.engine(keys(&files.keys).await?);
    let entropy = Arc::new(SystemEntropy::new()?);
    Ok(MergeEngine::new(Parts { client, store, config, entropy, observer: Arc::new(Logged) })?)
}

/// The handler of the Lambda.
///
/// # Errors
/// See [`SetupError`]; nothing was changed anywhere.
pub async fn handler(settings: Settings) -> Result<Handler, SetupError> {
    let client = client(settings.client)?;
    let store = bucket(&settings.files.bucket)?;
    Ok(Handler::new(engine(client, store, &settings.files).await?))
}
