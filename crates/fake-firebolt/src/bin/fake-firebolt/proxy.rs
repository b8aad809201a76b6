//! `fake-firebolt proxy`: fault rules on the wire before a real Firebolt or Core.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fake_firebolt::RuleHooks;
use fake_firebolt::admin::Admin;
use fake_firebolt::fault::Side;
use fake_firebolt::proxy::{IDLE_MAX, Origin, Proxy};
use tokio::net::TcpListener;

use super::Failure;
use super::control::{self, Control};
use super::transport::TlsArguments;

/// What `proxy` is told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The service: https://api.app.firebolt.io for the cloud, or a Core's http://host:3473.
    #[arg(long, value_name = "URL")]
    upstream: Origin,
    /// A PEM file of certificate authorities to trust besides the public ones.
    #[arg(long, value_name = "FILE")]
    upstream_ca: Option<PathBuf>,
    /// Address to listen on; anything but loopback lets strangers in.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3473")]
    listen: String,
    /// Idle connections that are kept for each host of the service; 0 makes one for each request.
    #[arg(long, value_name = "CONNECTIONS", default_value_t = IDLE_MAX)]
    upstream_idle_max: usize,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    tls: TlsArguments,
}

/// Relays until interrupted.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { upstream, upstream_ca, listen, upstream_idle_max, control, tls } = arguments;
    let tls = tls.start().map_err(Failure::bad_arguments)?;
    let ready = control.ready(Side::Wire).await?;
    let rules = ready.rules.unwrap_or_else(|| Arc::new(RuleHooks::new(ready.seed).on_wire()));
    let cannot = |error| Failure::bad_arguments(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(&listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let own_url = format!("{scheme}://{address}/");
    let proxy = Proxy::new(upstream.clone(), &own_url, Arc::clone(&rules), upstream_ca.as_deref())
        .map_err(|error| Failure::bad_arguments(format!("--upstream {upstream}: {error}")))?
        .idle_max(upstream_idle_max);
    let mut text = format!("fake-firebolt relays {own_url} to {upstream}\n");
    if let Some((listener, address)) = ready.admin {
        text.push_str(&control::line(address));
        tokio::spawn(Admin::of_proxy(&rules).serve(listener));
    }
    control::say(&text);
    let serving = match tls {
        Some(tls) => tokio::spawn(proxy.serve_tls(listener, tls)),
        None => tokio::spawn(proxy.serve(listener)),
    };
    let stop = tokio::signal::ctrl_c().await;
    serving.abort();
    stop.map_err(|error| Failure::machine(format!("cannot wait for a signal: {error}")))
}
