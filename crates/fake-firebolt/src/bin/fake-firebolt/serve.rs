//! `fake-firebolt serve`: a server for trying clients by hand, and for tests over sockets.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use fake_firebolt::admin::Admin;
use fake_firebolt::fault::Side;
use fake_firebolt::quirks::Quirks;
use fake_firebolt::{FakeConfig, FakeFirebolt, Hooks, Location, NoFaults, Tls};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use tokio::net::{TcpListener, TcpStream};

use super::Failure;
use super::control::{self, Control};
use super::transport::{LimitArguments, TlsArguments};

/// What `serve` is told.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address to listen on; anything but loopback lets strangers in.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3473")]
    listen: String,
    /// A LOCATION and the folder that stands for its bucket and prefix; may be repeated.
    #[arg(long, value_name = "NAME=DIR", value_parser = pair)]
    location: Vec<(String, String)>,
    /// A bucket, where s3://NAME/… leads, and the folder that stands for it; may be repeated.
    #[arg(long, value_name = "NAME=DIR", value_parser = pair)]
    bucket: Vec<(String, String)>,
    /// The database.
    #[arg(long, default_value = "firebolt")]
    database: String,
    /// The engine.
    #[arg(long, default_value = "engine")]
    engine: String,
    /// The account.
    #[arg(long, default_value = "account")]
    account: String,
    /// The service account's id; without it the server is a Firebolt Core and asks for nothing.
    #[arg(long, requires = "client_secret")]
    client_id: Option<String>,
    /// The service account's secret.
    #[arg(long, requires = "client_id")]
    client_secret: Option<String>,
    /// The answer to an open question about the service, e.g. `snapshot=statement`; may be
    /// repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    quirk: Vec<(String, String)>,
    /// A file of SQL statements, separated by `;`, to execute before serving.
    #[arg(long, value_name = "FILE")]
    setup: Option<PathBuf>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    limits: LimitArguments,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Serves until interrupted.
pub(super) async fn run(arguments: Serve) -> Result<(), Failure> {
    let bad = |text: String| Failure::bad_arguments(text);
    let quirks = quirks(&arguments.quirk).map_err(bad)?;
    let locations = locations(&arguments.location).map_err(bad)?;
    let buckets = buckets(&arguments.bucket).map_err(bad)?;
    let script = match &arguments.setup {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| bad(format!("cannot read --setup {}: {error}", file.display())))?,
        None => String::new(),
    };
    let control = arguments.control.ready(Side::Server).await?;
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| bad(format!("cannot listen on {}: {error}", arguments.listen)))?;
    let address = listener.local_addr().map_err(|error| Failure::machine(error.to_string()))?;
    let tls = arguments.tls.start().map_err(bad)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let config = FakeConfig {
        account: arguments.account,
        database: arguments.database,
        engine: arguments.engine,
        client_id: arguments.client_id.unwrap_or_default(),
        client_secret: arguments.client_secret.unwrap_or_default(),
        locations,
        buckets,
        quirks,
        seed: control.seed,
        epoch_micros: now_micros(),
        base_url: format!("{scheme}://{address}/"),
        token_life: Duration::from_secs(86_400),
        limits: arguments.limits.limits(),
    };
    let hooks: Arc<dyn Hooks> = match &control.rules {
        Some(rules) => Arc::clone(rules) as Arc<dyn Hooks>,
        None => Arc::new(NoFaults),
    };
    let fake = FakeFirebolt::new(config, hooks);
    fake.setup(&script).map_err(|error| bad(format!("--setup: {error}")))?;
    announce(fake.config(), address, control.admin.as_ref().map(|(_, address)| *address));
    if let (Some((listener, _)), Some(rules)) = (control.admin, &control.rules) {
        tokio::spawn(Admin::of_fake(&fake, rules).serve(listener));
    }
    accept(&fake, listener, tls).await
}

async fn accept(
    fake: &FakeFirebolt,
    listener: TcpListener,
    tls: Option<Tls>,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            biased;
            stop = tokio::signal::ctrl_c() => {
                return stop
                    .map_err(|error| Failure::machine(format!("cannot wait for a signal: {error}")));
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    serve_connection(fake, stream, peer, tls.as_ref());
                }
                // One connection that dies while it is accepted is no reason to stop serving.
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            },
        }
    }
}

/// Serves one connection in a task of its own, a handshake first where there is TLS.
fn serve_connection(fake: &FakeFirebolt, stream: TcpStream, peer: SocketAddr, tls: Option<&Tls>) {
    let Some(tls) = tls.cloned() else {
        tokio::spawn(fake.serve_socket(stream, peer));
        return;
    };
    tokio::spawn(fake.clone().serve_tls_socket(tls, stream, peer));
}

/// The wall clock, read once: from here on the fake counts by tokio's clock.
#[expect(clippy::disallowed_methods, reason = "the one place where the fake learns the date")]
fn now_micros() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or_default()
}

/// Says where to connect and how.
fn announce(config: &FakeConfig, address: SocketAddr, admin: Option<SocketAddr>) {
    let FakeConfig { base_url, database, engine, account, client_id, .. } = config;
    let mut text = format!("fake-firebolt listens on {base_url}\n");
    text.push_str(if address.ip().is_loopback() {
        "  on loopback: only this machine reaches it\n"
    } else {
        "  NOT on loopback: whoever reaches this machine reaches it\n"
    });
    if client_id.is_empty() {
        text.push_str(&format!(
            "  Firebolt Core, no sign-on:\n  \
             curl '{base_url}?database={database}&output_format=JSON_Compact' -d 'SELECT 1'\n"
        ));
    } else {
        text.push_str(&format!(
            "  account {account}, database {database}, engine {engine}, client {client_id}\n  \
             sign on at {base_url}oauth/token, \
             then GET {base_url}web/v3/account/{account}/engineUrl\n"
        ));
    }
    for name in config.locations.keys() {
        text.push_str(&format!("  LOCATION {name}\n"));
    }
    if let Some(address) = admin {
        text.push_str(&control::line(address));
    }
    // Whoever reads may have gone after the first line; the server serves on without a listener.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn locations(pairs: &[(String, String)]) -> Result<BTreeMap<String, Location>, String> {
    let mut locations = BTreeMap::new();
    for (name, folder) in pairs {
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| format!("--location {name}={folder}: {error}"))?;
        let location = Location { store: Arc::new(store), prefix: String::new() };
        if locations.insert(name.clone(), location).is_some() {
            return Err(format!("--location {name} is given twice"));
        }
    }
    Ok(locations)
}

fn buckets(pairs: &[(String, String)]) -> Result<BTreeMap<String, Arc<dyn ObjectStore>>, String> {
    let mut buckets: BTreeMap<String, Arc<dyn ObjectStore>> = BTreeMap::new();
    for (name, folder) in pairs {
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| format!("--bucket {name}={folder}: {error}"))?;
        if buckets.insert(name.clone(), Arc::new(store)).is_some() {
            return Err(format!("--bucket {name} is given twice"));
        }
    }
    Ok(buckets)
}

/// Quirks as the scenario files spell them: a value is a JSON literal or a bare word.
fn quirks(pairs: &[(String, String)]) -> Result<Quirks, String> {
    let read = |map| serde_json::from_value::<Quirks>(serde_json::Value::Object(map));
    let mut all = serde_json::Map::new();
    for (name, text) in pairs {
        let value =
            serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.clone()));
        // Scenario files write names with dashes; both spellings are taken here.
        let name = name.replace('_', "-");
        // Each alone first, so that the error says which it is about.
        read(serde_json::Map::from_iter([(name.clone(), value.clone())]))
            .map_err(|error| format!("--quirk {name}={text}: {error}"))?;
        all.insert(name, value);
    }
    read(all).map_err(|error| format!("--quirk: {error}"))
}
