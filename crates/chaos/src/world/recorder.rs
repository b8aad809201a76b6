//! The pen: everything of the world writes its events through here, stamped with virtual time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::history::{Event, History, What};

/// A shared handle to the history of one run.
#[derive(Clone, Debug)]
pub struct Recorder {
    start: Instant,
    history: Arc<Mutex<History>>,
}

impl Recorder {
    /// A new history that begins now, on tokio's clock.
    pub fn new() -> Recorder {
        Recorder { start: Instant::now(), history: Arc::new(Mutex::new(History::new())) }
    }

    /// Virtual time since the run's start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// When the run began.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Writes an event down.
    pub fn push(&self, who: &str, what: What) {
        let at = self.elapsed();
        self.lock().push(Event { at, who: who.to_owned(), what });
    }

    /// Looks at the history so far.
    pub fn read<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.lock())
    }

    /// The history so far, moved out; the recorder goes on with an empty one.
    pub fn take(&self) -> History {
        std::mem::take(&mut *self.lock())
    }

    /// A panic elsewhere has its own report; the events up to it are still worth reading.
    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder::new()
    }
}
