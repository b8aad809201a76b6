//! The views of `information_schema` that show the server: its history, its transactions.
//!
//! Made only when a statement names one of them; the state is locked for that moment alone.

use std::fmt;

use crate::server::Inner;
use crate::sql::{RunningQuery, ServerViews};
use crate::value::ResultSet;

/// The views of one server.
pub(super) struct Views<'a> {
    pub(super) inner: &'a Inner,
}

impl fmt::Debug for Views<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").finish_non_exhaustive()
    }
}

impl ServerViews for Views<'_> {
    fn view(&self, name: &str) -> Option<ResultSet> {
        let inner = self.inner;
        let quirks = &inner.config.quirks;
        match name {
            "engine_query_history" | "engine_user_query_history" => {
                let delay = i64::try_from(quirks.history_delay_millis).unwrap_or(i64::MAX);
                let until = inner.now_micros().saturating_sub(delay.saturating_mul(1_000));
                let users_only = name == "engine_user_query_history";
                let names = (&*inner.config.account, inner.user());
                Some(inner.state().history.view(names, until, users_only))
            }
            "transactions" => {
                let state = inner.state();
                let (max, shape) = (quirks.transactions_max, quirks.transactions_view);
                Some(state.transaction_log.view(state.transactions.list(), max, shape))
            }
            _ => None,
        }
    }

    fn running(&self) -> Vec<RunningQuery> {
        self.inner.state().flights.running()
    }
}
