//! The life of the one engine: running, stopped, away; and which connections died with it.
//!
//! Pure arithmetic on instants that are passed in; who waits and who is killed is decided in
//! `execution`. An engine that is away or being started holds what arrives until it is back, as
//! the service does with AUTO_START (firebolt-semantics §3.3).

use std::time::Duration;

use tokio::time::Instant;

/// How long a stopped engine takes to start when a statement wakes it: the middle of the two to
/// five seconds of the field report.
pub(crate) const START_TIME: Duration = Duration::from_millis(3_500);

/// What the engine is doing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// It executes statements.
    Running,
    /// It was stopped and nobody has woken it.
    Stopped,
    /// It is starting, or gone for a restart, until this instant.
    Away {
        /// When it runs again.
        until: Instant,
    },
}

/// What a statement that arrives now has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Execute.
    Now,
    /// Wait until then and ask again: the engine may have gone away once more.
    HeldUntil(Instant),
    /// The engine is stopped and does not start by itself.
    Refused,
}

/// The engine's life, and the age of its connections.
#[derive(Debug)]
pub(crate) struct EngineLife {
    state: EngineState,
    epoch: u64,
}

impl EngineLife {
    pub(crate) fn new() -> Self {
        Self { state: EngineState::Running, epoch: 0 }
    }

    /// The state at `now`; an absence that is over counts as running.
    pub(crate) fn state(&self, now: Instant) -> EngineState {
        match self.state {
            EngineState::Away { until } if until <= now => EngineState::Running,
            state => state,
        }
    }

    /// Counts the restarts and stops. A connection accepted in an earlier epoch is dead: the
    /// node it led to is gone, though the client's pool does not know (chaos F15).
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The engine goes away for a while and every connection dies. An absence under way is never
    /// shortened.
    pub(crate) fn restart(&mut self, now: Instant, away: Duration) {
        let until = now + away;
        self.epoch += 1;
        self.state = match self.state {
            EngineState::Away { until: earlier } if earlier > until => self.state,
            _ => EngineState::Away { until },
        };
    }

    /// The engine stops until somebody wakes it; every connection dies.
    pub(crate) fn stop(&mut self) {
        self.epoch += 1;
        self.state = EngineState::Stopped;
    }

    /// A stopped engine runs again after `takes`; one that runs or comes back by itself is left
    /// alone.
    pub(crate) fn start(&mut self, now: Instant, takes: Duration) {
        if self.state(now) == EngineState::Stopped {
            self.state = EngineState::Away { until: now + takes };
        }
    }

    /// Lets a statement in, or says what it has to wait for. With `may_wake` a stopped engine
    /// starts because the statement came.
    pub(crate) fn admit(&mut self, now: Instant, may_wake: bool) -> Admission {
        match self.state(now) {
            EngineState::Running => {
                self.state = EngineState::Running;
                Admission::Now
            }
            EngineState::Away { until } => Admission::HeldUntil(until),
            EngineState::Stopped if may_wake => {
                let until = now + START_TIME;
                self.state = EngineState::Away { until };
                Admission::HeldUntil(until)
            }
            EngineState::Stopped => Admission::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_restart_holds_statements_and_kills_connections() {
        let now = Instant::now();
        let mut engine = EngineLife::new();
        assert_eq!(engine.admit(now, true), Admission::Now);
        engine.restart(now, Duration::from_secs(4));
        assert_eq!(engine.epoch(), 1);
        let back = now + Duration::from_secs(4);
        assert_eq!(engine.admit(now, true), Admission::HeldUntil(back));
        assert_eq!(engine.state(back), EngineState::Running);
        assert_eq!(engine.admit(back, true), Admission::Now);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_restart_never_brings_the_engine_back_earlier() {
        let now = Instant::now();
        let mut engine = EngineLife::new();
        engine.restart(now, Duration::from_secs(10));
        engine.restart(now, Duration::from_secs(1));
        assert_eq!(engine.admit(now, true), Admission::HeldUntil(now + Duration::from_secs(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_engine_is_woken_only_by_who_may() {
        let now = Instant::now();
        let mut engine = EngineLife::new();
        engine.stop();
        assert_eq!(engine.admit(now, false), Admission::Refused);
        assert_eq!(engine.state(now), EngineState::Stopped);
        assert_eq!(engine.admit(now, true), Admission::HeldUntil(now + START_TIME));
    }
}
