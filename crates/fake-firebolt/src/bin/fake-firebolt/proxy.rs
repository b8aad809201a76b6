//! `fake-firebolt proxy`: fault rules on the wire before a real Firebolt or Core.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fake_firebolt::RuleHooks;
use fake_firebolt::admin::Admin;
use fake_firebolt::fault::Side;
use fake_firebolt::proxy::{Origin, Proxy};
use tokio::net::TcpListener;

use super::Failure;
use super::control::{self, Control};

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
    #[command(flatten)]
    control: Control,
}

/// Relays until interrupted.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { upstream, upstream_ca, listen, control } = arguments;
    let ready = control.ready(Side::Wire).await?;
    let rules = ready.rules.unwrap_or_else(|| Arc::new(RuleHooks::new(ready.seed).on_wire()));
    let cannot = |error| Failure::bad_arguments(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(&listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let own_url = format!("http://{address}/");
    let proxy = Proxy::new(upstream.clone(), &own_url, Arc::clone(&rules), upstream_ca.as_deref())
        .map_err(|error| Failure::bad_arguments(format!("--upstream {upstream}: {error}")))?;
    let mut text = format!("fake-firebolt relays {own_url} to {upstream}\n");
    if let Some((listener, address)) = ready.admin {
        text.push_str(&control::line(address));
        tokio::spawn(Admin::of_proxy(&rules).serve(listener));
    }
    control::say(&text);
    let serving = tokio::spawn(proxy.serve(listener));
    let stop = tokio::signal::ctrl_c().await;
    serving.abort();
    stop.map_err(|error| Failure::machine(format!("cannot wait for a signal: {error}")))
}
