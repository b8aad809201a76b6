//! The fate of one container: it can be killed, and it can be frozen and thaw.
//!
//! The nemesis throws the switch from wherever a fault strikes: inside the worker's own poll (the
//! network) or inside a task of the server. [`Mortal`] wraps what runs in the container and obeys:
//! killed, it is dropped at once and no clean-up code runs, as on Lambda; frozen, it is not polled
//! while the rest of the world goes on, its own timers included.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The handle by which a container is killed or frozen.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    killed: bool,
    frozen_until: Option<Instant>,
    waker: Option<Waker>,
}

impl Switch {
    /// Kills the container.
    pub fn kill(&self) {
        let mut state = self.lock();
        state.killed = true;
        wake(&mut state);
    }

    /// Stops the container for a while. A longer freeze under way is not cut short.
    pub fn freeze(&self, lasting: Duration) {
        let until = Instant::now() + lasting;
        let mut state = self.lock();
        state.frozen_until = Some(state.frozen_until.map_or(until, |other| other.max(until)));
        wake(&mut state);
    }

    /// Lets a frozen container go on.
    pub fn thaw(&self) {
        let mut state = self.lock();
        state.frozen_until = None;
        wake(&mut state);
    }

    /// Whether it is dead.
    pub fn is_killed(&self) -> bool {
        self.lock().killed
    }

    /// Whether it is frozen right now.
    pub fn is_frozen(&self) -> bool {
        self.lock().frozen_until.is_some_and(|until| until > Instant::now())
    }

    /// Whether it is dead or frozen: then whoever runs in it must not take another step.
    pub fn is_stopped(&self) -> bool {
        self.lock().killed || self.is_frozen()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(state: &mut State) {
    if let Some(waker) = state.waker.take() {
        waker.wake();
    }
}

/// How a container's work ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate<T> {
    /// The work came to its end.
    Finished(T),
    /// The container died.
    Killed,
}

/// Work that obeys a [`Switch`].
#[derive(Debug)]
pub struct Mortal<F> {
    work: Pin<Box<F>>,
    switch: Switch,
    thaw: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Mortal<F> {
    /// Puts the work into the container of that switch.
    pub fn new(switch: Switch, work: F) -> Mortal<F> {
        Mortal { work: Box::pin(work), switch, thaw: None }
    }
}

impl<F: Future> Future for Mortal<F> {
    type Output = Fate<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let frozen = {
            let mut state = this.switch.lock();
            if state.killed {
                return Poll::Ready(Fate::Killed);
            }
            state.waker = Some(context.waker().clone());
            state.frozen_until.filter(|until| *until > Instant::now())
        };
        if let Some(until) = frozen {
            let mut sleep = Box::pin(tokio::time::sleep_until(until));
            if sleep.as_mut().poll(context).is_pending() {
                this.thaw = Some(sleep);
                return Poll::Pending;
            }
        }
        this.thaw = None;
        // Also after a thaw without a wake-up of its own: those that came while it was frozen are
        // spent, so the work has to look at everything again.
        this.work.as_mut().poll(context).map(Fate::Finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn work(steps: Arc<Mutex<u32>>) -> &'static str {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            *steps.lock().expect("no panic") += 1;
        }
        "done"
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_container_takes_no_further_step() {
        let (switch, steps) = (Switch::default(), Arc::new(Mutex::new(0)));
        let task = tokio::spawn(Mortal::new(switch.clone(), work(steps.clone())));
        tokio::time::sleep(Duration::from_secs(15)).await;
        switch.kill();
        assert_eq!(task.await.expect("no panic"), Fate::Killed);
        assert_eq!(*steps.lock().expect("no panic"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_container_goes_on_after_the_thaw() {
        let (switch, steps) = (Switch::default(), Arc::new(Mutex::new(0)));
        let start = Instant::now();
        let task = tokio::spawn(Mortal::new(switch.clone(), work(steps.clone())));
        tokio::time::sleep(Duration::from_secs(15)).await;
        switch.freeze(Duration::from_secs(100));
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(*steps.lock().expect("no panic"), 1, "nothing moves while it is frozen");
        assert_eq!(task.await.expect("no panic"), Fate::Finished("done"));
        assert_eq!(start.elapsed(), Duration::from_secs(125));
    }
}
