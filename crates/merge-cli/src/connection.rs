//! From options and environment to a client and an engine.
//!
//! The same variables as the Lambda's, and two ways round them: a Firebolt Core instead of the cloud,
//! a folder instead of the bucket. Commands that touch no file ask for no variable about files.

use crate::arguments::Options;
use crate::error::CliError;
use firebolt_client::{Client, ClientConfig};
use merge_engine::{EngineConfig, Logged, MergeEngine, Parts, TableKeys};
use merge_lambda::config::{self, FileSettings};
use merge_lambda::network::{self, SystemEntropy};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use std::sync::Arc;

/// What files of a folder are said to be in, where nothing else is said.
const LOCAL_BUCKET: &str = "local";

/// Looks variables up.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A client of the warehouse.
pub(crate) fn client(options: &Options, lookup: Lookup<'_>) -> Result<Client, CliError> {
    let config = match &options.core {
        None => config::warehouse(lookup)?,
        Some(url) => {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(CliError::unusable(format!(
                    "--core {url} is no URL; write it as http://127.0.0.1:3473"
                )));
            }
            // A Core has one database unless told otherwise.
            let database = lookup("FIREBOLT_DATABASE").unwrap_or_default();
            ClientConfig { database, ..ClientConfig::core(url.trim_end_matches('/')) }
        }
    };
    Ok(network::client(config)?)
}

/// An engine that merges and audits files.
pub(crate) async fn engine(options: &Options, lookup: Lookup<'_>) -> Result<MergeEngine, CliError> {
    // Before any S3 client: it sets the TLS provider of the process.
    let client = client(options, lookup)?;
    let Some(folder) = &options.bucket_dir else {
        let files = FileSettings::read(lookup)?;
        let store = network::bucket(&files.bucket)?;
        return Ok(network::engine(client, store, &files).await?);
    };
    let files = FileSettings::read(&|name| match (lookup(name), name) {
        (None, "CDC_BUCKET") => Some(LOCAL_BUCKET.to_owned()),
        (value, _) => value,
    })?;
    let store = LocalFileSystem::new_with_prefix(folder)
        .map_err(|why| CliError::unusable(format!("--bucket-dir {}: {why}", folder.display())))?;
    Ok(network::engine(client, Arc::new(store), &files).await?)
}

/// An engine that only knows the warehouse: for the sweep.
pub(crate) fn without_files(
    options: &Options,
    lookup: Lookup<'_>,
) -> Result<MergeEngine, CliError> {
    let client = client(options, lookup)?;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let config = EngineConfig::new("none", "none", "", TableKeys::default());
    let entropy = Arc::new(SystemEntropy::new()?);
    Ok(MergeEngine::new(Parts { client, store, config, entropy, observer: Arc::new(Logged) })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(core: Option<&str>, bucket_dir: Option<&str>) -> Options {
        Options {
            core: core.map(str::to_owned),
            bucket_dir: bucket_dir.map(Into::into),
            json: false,
        }
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_said_with_its_name() {
        let core = Some("http://127.0.0.1:3473");
        let text = |error: CliError| (error.exit_code(), error.text());
        let error = client(&options(None, None), &nothing).err().map(text).expect("no account");
        assert!(error.0 == 2 && error.1.contains("FIREBOLT_ACCOUNT is not set"), "{error:?}");
        let error = client(&options(Some("localhost"), None), &nothing).err().map(text);
        assert!(error.expect("no URL").1.contains("--core localhost is no URL"));
        let error = engine(&options(core, None), &nothing).await.err().map(text);
        assert!(error.expect("no bucket").1.contains("CDC_BUCKET is not set"));
        // With a folder no bucket is asked for.
        let error = engine(&options(core, Some("no/such/folder")), &nothing).await.err().map(text);
        assert!(error.expect("no location").1.contains("LOCATION_NAME is not set"));
        let location = |name: &str| match name {
            "LOCATION_NAME" => Some("cdc".to_owned()),
            "TABLE_KEYS_JSON" => Some("{}".to_owned()),
            _ => None,
        };
        let error = engine(&options(core, Some("no/such/folder")), &location).await.err().map(text);
        assert!(error.expect("no folder").1.contains("--bucket-dir no/such/folder"));
        assert!(without_files(&options(core, None), &nothing).is_ok());
    }
}
