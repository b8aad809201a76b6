//! What both commands are told about their socket, TLS, and `serve` about how much a request may
//! ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fake_firebolt::{Limits, Tls};

/// TLS.
#[derive(Debug, Args)]
pub(super) struct TlsArguments {
    /// Speak https, with a certificate of an authority that is made at the start.
    #[arg(long)]
    tls: bool,
    /// Where to write the authority's certificate, which clients have to trust.
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca_out: Option<PathBuf>,
    /// Host names and addresses that the certificate is for.
    #[arg(
        long,
        value_name = "NAME,…",
        requires = "tls",
        value_delimiter = ',',
        default_value = "localhost,127.0.0.1"
    )]
    tls_names: Vec<String>,
}

impl TlsArguments {
    /// TLS, where it was asked for, its authority's certificate written.
    pub(super) fn start(&self) -> Result<Option<Tls>, String> {
        if !self.tls {
            return Ok(None);
        }
        let tls = Tls::throw_away(&self.tls_names)?;
        if let Some(file) = &self.tls_ca_out {
            std::fs::write(file, tls.ca_pem()).map_err(|error| {
                format!("cannot write --tls-ca-out {}: {error}", file.display())
            })?;
        }
        Ok(Some(tls))
    }
}

/// Limits of a request.
#[derive(Debug, Args)]
pub(super) struct LimitArguments {
    /// Bytes of a request's body; more is answered with 413.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body_bytes_max)]
    body_bytes_max: usize,
    /// Bytes of a request's head, at least 8192; more is answered with 431.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().header_bytes_max)]
    header_bytes_max: usize,
    /// Rows of one result; more is an error of the statement.
    #[arg(long, value_name = "ROWS", default_value_t = Limits::default().result_rows_max)]
    result_rows_max: usize,
    /// Milliseconds that a statement runs which sets no statement_timeout; 0 is for ever.
    #[arg(long, value_name = "MILLIS", default_value_t = 0)]
    statement_millis_max: u64,
    /// Commits that the control port's history keeps, the latest ones.
    #[arg(long, value_name = "COMMITS", default_value_t = 10_000)]
    commits_kept: usize,
}

impl LimitArguments {
    /// The limits.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            body_bytes_max: self.body_bytes_max,
            header_bytes_max: self.header_bytes_max,
            result_rows_max: self.result_rows_max,
            statement_time_max: Some(self.statement_millis_max)
                .filter(|millis| *millis > 0)
                .map(Duration::from_millis),
            commits_kept: self.commits_kept,
            ..Limits::default()
        }
    }
}
