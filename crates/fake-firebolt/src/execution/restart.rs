//! The engine goes away, and takes with it what is in flight.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::in_flight::Victim;
use super::transactions;
use crate::fault::InFlight;
use crate::quirks::{CannotBeRetried, RestartTransactions};
use crate::server::{Inner, State};

/// Restarts the engine; it is back after `away`.
pub(crate) fn restart(inner: &Arc<Inner>, away: Duration) {
    let victims = {
        let mut state = inner.state();
        state.engine.restart(Instant::now(), away);
        victims(inner, &mut state)
    };
    kill(inner, victims);
}

/// Stops the engine until somebody wakes it.
pub(crate) fn stop(inner: &Arc<Inner>) {
    let victims = {
        let mut state = inner.state();
        state.engine.stop();
        victims(inner, &mut state)
    };
    kill(inner, victims);
}

fn victims(inner: &Inner, state: &mut State) -> Vec<Victim> {
    if inner.config.quirks.restart_transactions == RestartTransactions::Lost {
        transactions::end_all(inner, state);
    }
    if !inner.config.quirks.history_survives_stop {
        state.history.forget();
    }
    state.flights.victims()
}

fn kill(inner: &Inner, victims: Vec<Victim>) {
    for victim in victims {
        let fate = match inner.hooks.on_restart(&victim.info) {
            InFlight::AsConfigured => match inner.config.quirks.cannot_be_retried {
                CannotBeRetried::BeforeCommit => InFlight::KilledBeforeCommit,
                CannotBeRetried::AfterCommit => InFlight::KilledAfterCommit,
            },
            fate => fate,
        };
        victim.tell(fate);
    }
}
