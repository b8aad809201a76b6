//! A gate at which one request stands until somebody opens it.
//!
//! Unlike a delay it ends when a test says so, on any clock: nothing is guessed about how long
//! the other side of a race takes.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A closed gate. Clones are the same gate; once open it stays open.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed one.
    #[must_use]
    pub fn closed() -> Self {
        // Nobody ever puts a permit in: whoever asks for one waits until the semaphore closes.
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets the request go on.
    pub fn open(&self) {
        self.0.close();
    }

    /// Returns once the gate is open.
    pub async fn opened(&self) {
        let _ = self.0.acquire().await;
    }

    /// Whether anybody but the caller holds this gate: a request whose task has ended does not.
    pub(crate) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}
