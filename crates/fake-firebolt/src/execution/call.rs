//! One request that brought a statement, with everything about it that does not change.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::StatementInfo;
use crate::http::parameters::Parameters;
use crate::ids::Uuid;
use crate::server::Inner;
use crate::sql::{SqlError, Statement, StatementKind};
use crate::value::ResultSet;
use crate::wire::About;
use crate::wire::format::OutputFormat;

use super::life::Detour;
use super::patience::Leaving;
use crate::http::reply::Reply;

/// A request, ready to be executed, once or twice, now or later.
pub(crate) struct Call {
    pub(crate) inner: Arc<Inner>,
    pub(crate) info: Arc<StatementInfo>,
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) statement: Result<Statement, SqlError>,
    /// Further INSERTs of the same request, which are one transaction with the first.
    pub(crate) further: Vec<Statement>,
    pub(crate) bearer: Option<String>,
    /// `Firebolt-Protocol-Version`, as the client sent it.
    pub(crate) protocol: Option<String>,
    /// `Firebolt-Machine-Query` was sent along.
    pub(crate) is_machine: bool,
    /// The sign of a client that leaves, where the statement ends with that.
    pub(crate) client: Option<Leaving>,
    pub(crate) arrived: Instant,
    pub(crate) request_id: Uuid,
}

impl Call {
    /// Encodes a result in the format that was asked for.
    pub(crate) fn encode(&self, result: &ResultSet, query_id: Uuid) -> Result<Reply, Detour> {
        let format = self.format()?;
        let elapsed = Instant::now().saturating_duration_since(self.arrived).as_micros();
        let about = About {
            query_id,
            request_id: self.request_id,
            query_label: self.info.label.as_deref(),
            elapsed_micros: u64::try_from(elapsed).unwrap_or(u64::MAX),
        };
        Ok(Reply::new(200, format.content_type(), format.encode(result, about)))
    }

    /// Refuses a result of more rows than the server gives out.
    pub(crate) fn check_rows(&self, result: &ResultSet) -> Result<(), Detour> {
        let (rows, max) = (result.rows.len(), self.inner.config.limits.result_rows_max);
        if rows <= max {
            return Ok(());
        }
        let text = format!("The result has {rows} rows, and this server gives out {max} at most");
        Err(Detour::Answer(Reply::user_error(&text)))
    }

    /// Cuts the result of a SELECT as a LIMIT would, where `max_result_rows` says so.
    pub(crate) fn limit_rows(&self, result: &mut ResultSet) {
        if let Some(max) = self.parameters.max_result_rows
            && self.info.kind == StatementKind::Select
        {
            result.rows.truncate(max);
        }
    }

    /// A reply whose statement failed after its rows went out.
    pub(crate) fn fail_late(&self, mut reply: Reply, description: &str) -> Reply {
        if let (Ok(format), Ok(written)) = (self.format(), std::str::from_utf8(&reply.body))
            && reply.status == 200
            && let Some(failed) = format.fail_late(written, description)
        {
            reply.body = failed.into();
        }
        reply
    }

    /// How long the statement may run.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.parameters.timeout.or(self.inner.config.limits.statement_time_max)
    }

    /// The document of a statement without a result.
    pub(crate) fn encode_nothing(&self, query_id: Uuid) -> Result<Reply, Detour> {
        self.encode(&ResultSet::default(), query_id)
    }

    /// The output format, or the refusal of one that is not written here.
    pub(crate) fn format(&self) -> Result<OutputFormat, Detour> {
        self.parameters.format().map_err(|text| Detour::Answer(Reply::text(404, text)))
    }
}
