//! What both commands have: a file of fault rules, and the control port.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fake_firebolt::RuleHooks;
use fake_firebolt::fault::{RuleFile, Side};
use tokio::net::TcpListener;

use super::Failure;

/// Faults, and who may change them.
#[derive(Debug, Args)]
pub(super) struct Control {
    /// A TOML file of fault rules (docs/faults.md).
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Where ids, arbitrary picks and the chances of rules come from; the file's `seed` otherwise,
    /// or 0.
    #[arg(long)]
    seed: Option<u64>,
    /// Address of the control port, for instance 127.0.0.1:3474; there is none otherwise.
    #[arg(long, value_name = "HOST:PORT")]
    admin: Option<String>,
    /// Lets the control port listen on an address that is not loopback: whoever reaches it can
    /// read and change everything.
    #[arg(long, requires = "admin")]
    admin_anywhere: bool,
}

/// Rules and socket, ready.
pub(super) struct Ready {
    /// None when nothing could ever make use of them.
    pub(super) rules: Option<Arc<RuleHooks>>,
    pub(super) seed: u64,
    pub(super) admin: Option<(TcpListener, SocketAddr)>,
}

impl Control {
    /// Reads the rules and binds the control port.
    pub(super) async fn ready(self, side: Side) -> Result<Ready, Failure> {
        let file = self.file(side)?;
        let seed = self.seed.or(file.seed).unwrap_or(0);
        let admin = self.listen().await?;
        if file.rules.is_empty() && admin.is_none() {
            return Ok(Ready { rules: None, seed, admin });
        }
        let mut hooks = RuleHooks::new(seed);
        if side == Side::Wire {
            hooks = hooks.on_wire();
        }
        if admin.is_some() {
            hooks = hooks.with_statement_log();
        }
        hooks
            .add_all(file.rules)
            .map_err(|error| Failure::bad_arguments(format!("--faults: {error}")))?;
        Ok(Ready { rules: Some(Arc::new(hooks)), seed, admin })
    }

    fn file(&self, side: Side) -> Result<RuleFile, Failure> {
        let Some(path) = &self.faults else { return Ok(RuleFile::default()) };
        let name = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::bad_arguments(format!("cannot read --faults {name}: {error}"))
        })?;
        RuleFile::from_toml(&text, side)
            .map_err(|error| Failure::bad_arguments(format!("{name}:{error}")))
    }

    async fn listen(&self) -> Result<Option<(TcpListener, SocketAddr)>, Failure> {
        let Some(admin) = &self.admin else { return Ok(None) };
        let cannot =
            |error| Failure::bad_arguments(format!("cannot listen on --admin {admin}: {error}"));
        let mut addresses = tokio::net::lookup_host(admin).await.map_err(cannot)?;
        if !self.admin_anywhere && addresses.any(|address| !address.ip().is_loopback()) {
            let text = format!(
                "--admin {admin} is not loopback: whoever reaches the control port can read and \
                 change everything; add --admin-anywhere if that is wanted"
            );
            return Err(Failure::bad_arguments(text));
        }
        let listener = TcpListener::bind(admin).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Some((listener, address)))
    }
}

/// Says it on stdout. Whoever reads may have gone after the first line; the server serves on
/// without a listener.
pub(super) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// The line that tells where the control port is.
pub(super) fn line(address: SocketAddr) -> String {
    format!("  control at http://{address}/admin\n")
}
