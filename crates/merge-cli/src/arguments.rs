//! What may be said on the command line. Parsing touches nothing: no environment, no file.

use clap::{Args, Parser, Subcommand};
use merge_protocol::policy::span;
use std::path::PathBuf;
use std::time::Duration;

/// Shown below the help.
const AFTER: &str = "\
Environment: FIREBOLT_ACCOUNT, FIREBOLT_DATABASE, FIREBOLT_ENGINE, FIREBOLT_CLIENT_ID,
FIREBOLT_CLIENT_SECRET; for files also CDC_BUCKET, LOCATION_NAME, LOCATION_PREFIX,
TABLE_KEYS_JSON (or TABLE_KEYS_S3_BUCKET and TABLE_KEYS_S3_KEY), MERGE_POLICY_TOML and the usual
AWS_* variables: the same as the Lambda's. RUST_LOG filters the logs on stderr.

Exit codes: 0 done; 1 the warehouse, the bucket or this program failed; 2 the command line or the
configuration cannot be used; 10 something needs attention: a file is not settled or was set aside,
a key stands twice, a table could not be dropped.";

/// Looks after the CDC merge: sweeps staging tables, audits, merges files again.
#[derive(Debug, Parser)]
#[command(name = "firebolt-merge", version, after_help = AFTER, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The options of every command.
    #[command(flatten)]
    pub(crate) options: Options,
}

/// The options of every command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Use this Firebolt Core (or fake) instead of the cloud; no sign-on.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) core: Option<String>,
    /// Use this folder instead of the S3 bucket.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) bucket_dir: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Drop staging tables that nobody uses any more.
    Sweep {
        /// Only show what would be dropped.
        #[arg(long)]
        dry_run: bool,
        /// Leave younger tables alone (by the server's clock). Below 40m a merge that still runs
        /// may lose its table; that costs it a retry and nothing else.
        #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "40m")]
        older_than: Duration,
    },
    /// Compare the bucket with the ledger of one table, and look for keys that stand twice.
    Audit(Table),
    /// Audit one table, then merge every file that is not settled.
    Redrive {
        /// Which table.
        #[command(flatten)]
        table: Table,
        /// How long it may take.
        #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "15m")]
        within: Duration,
    },
    /// Merge these objects now; a file that is applied already stays as it is.
    Apply {
        /// Object keys, such as `firebolt_dms_job/shop/users/2025/11/11/20251111-120000123.parquet`.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        /// How long it may take.
        #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "15m")]
        within: Duration,
    },
    /// Show how many files every table has applied and set aside.
    Status,
}

/// A table by its folders in the bucket.
#[derive(Debug, Args)]
pub(crate) struct Table {
    /// The source database: the folder above the table's.
    pub(crate) database: String,
    /// The table.
    pub(crate) table: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_help_says_what_there_is() {
        Arguments::command().debug_assert();
        insta::assert_snapshot!(Arguments::command().render_help());
    }

    #[test]
    fn mistakes_are_found_before_anything_runs() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert!(parse("firebolt-merge sweep --older-than 2h --json").is_ok());
        assert!(parse("firebolt-merge --core http://127.0.0.1:3473 status").is_ok());
        for (line, says) in [
            ("firebolt-merge", "Usage"),
            ("firebolt-merge apply", "<KEY>"),
            ("firebolt-merge audit shop", "<TABLE>"),
            ("firebolt-merge sweep --older-than soon", "`soon` is no duration"),
            ("firebolt-merge doctor", "unrecognized subcommand"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
