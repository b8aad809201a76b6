//! One request that brought a statement, with everything about it that does not change.

use std::sync::Arc;

use tokio::time::Instant;

use crate::fault::StatementInfo;
use crate::http::parameters::Parameters;
use crate::server::Inner;
use crate::sql::{SqlError, Statement};
use crate::value::ResultSet;
use crate::wire::About;
use crate::wire::format::OutputFormat;

use super::life::Detour;
use crate::http::reply::Reply;

/// A request, ready to be executed, once or twice, now or later.
pub(crate) struct Call {
    pub(crate) inner: Arc<Inner>,
    pub(crate) info: Arc<StatementInfo>,
    pub(crate) parameters: Parameters,
    pub(crate) statement: Result<Statement, SqlError>,
    pub(crate) bearer: Option<String>,
    pub(crate) arrived: Instant,
    pub(crate) request_id: String,
}

impl Call {
    /// Encodes a result in the format that was asked for.
    pub(crate) fn encode(&self, result: &ResultSet, query_id: &str) -> Result<Reply, Detour> {
        let format = self.format()?;
        let elapsed = Instant::now().saturating_duration_since(self.arrived).as_micros();
        let about = About {
            query_id,
            request_id: &self.request_id,
            query_label: self.info.label.as_deref(),
            elapsed_micros: u64::try_from(elapsed).unwrap_or(u64::MAX),
        };
        Ok(Reply::new(200, format.content_type(), format.encode(result, about)))
    }

    /// The document of a statement without a result.
    pub(crate) fn encode_nothing(&self, query_id: &str) -> Result<Reply, Detour> {
        self.encode(&ResultSet::default(), query_id)
    }

    /// The output format, or the refusal of one that is not written here.
    pub(crate) fn format(&self) -> Result<OutputFormat, Detour> {
        self.parameters.format().map_err(|text| Detour::Answer(Reply::text(404, text)))
    }
}
