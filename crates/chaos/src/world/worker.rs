//! Workers: Lambda containers, each with a loader of its own, one invocation at a time.
//!
//! The platform's rules: a deadline ends an invocation by dropping it, no clean-up code runs, and
//! the container is replaced by a new one with cold caches and no open connection. A container that
//! is frozen when its deadline strikes is given up as well, but lives on, thaws, and goes on where
//! it stopped: the zombie that no lease can stop.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::history::{Ended, Reported, What};
use crate::nemesis::Nemesis;
use crate::plan::Plan;
use crate::ratio::Ratio;
use crate::seed::Stream;
use crate::world::recorder::Recorder;
use crate::world::switch::{Fate, Mortal, Switch};

/// One call of the handler.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Its number in the run, from 1.
    pub number: u64,
    /// The request id: the same for the automatic retries of one event.
    pub request_id: String,
    /// 1 for the first try of this request id.
    pub delivery: u32,
    /// The files of the event, by index in the workload.
    pub files: Vec<usize>,
    /// Their object keys.
    pub object_keys: Vec<String>,
    /// The event as the platform hands it over.
    pub event: serde_json::Value,
    /// When the platform ends the invocation, as the worker's own clock sees it.
    pub deadline: Instant,
}

/// What a loader says about the files of an invocation; an error text means that the invocation
/// failed and that the platform will try it again.
pub type Report = Result<Vec<(usize, Reported)>, String>;

/// A loader under test, living in one container.
pub trait Loader: Send + Sync {
    /// Serves one invocation.
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'_, Report>;
}

/// Makes the loader of a new container: by the worker's name, and how many containers it has had.
pub type Hatch = Arc<dyn Fn(&str, u64) -> Arc<dyn Loader> + Send + Sync>;

/// All workers of a run; a cheap handle.
#[derive(Clone)]
pub struct Workers {
    containers: Arc<Mutex<Vec<Container>>>,
    free: Arc<Semaphore>,
    choice: Arc<Mutex<Stream>>,
    hatch: Hatch,
    nemesis: Nemesis,
    recorder: Recorder,
    patience: Duration,
    bugs: Arc<Mutex<Vec<String>>>,
}

struct Container {
    name: String,
    born: u64,
    busy: bool,
    skew: Duration,
    loader: Arc<dyn Loader>,
    switch: Switch,
}

/// A container that was taken for one invocation.
struct Taken {
    at: usize,
    name: String,
    skew: Duration,
    loader: Arc<dyn Loader>,
    switch: Switch,
    permit: OwnedSemaphorePermit,
}

/// A thawed zombie that still has not ended after this is put down: the platform's maximum.
const ZOMBIE_MAX: Duration = Duration::from_secs(900);

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").finish_non_exhaustive()
    }
}

impl Workers {
    /// The plan's number of workers, each with a fresh container.
    pub fn new(plan: &Plan, hatch: Hatch, nemesis: &Nemesis, recorder: &Recorder) -> Workers {
        let count = plan.delivery.workers.max(1);
        let mut skews = plan.seed.stream("clock-skew");
        let workers = Workers {
            containers: Arc::default(),
            free: Arc::new(Semaphore::new(count as usize)),
            choice: Arc::new(Mutex::new(plan.seed.stream("which-worker"))),
            hatch,
            nemesis: nemesis.clone(),
            recorder: recorder.clone(),
            patience: plan.delivery.deadline.0,
            bugs: Arc::default(),
        };
        for number in 1..=count {
            let drawn = skews.span(Duration::ZERO, plan.delivery.clock_skew.0);
            let right = skews.chance(Ratio { numerator: 1, denominator: 2 });
            let skew = if right { Duration::ZERO } else { drawn };
            if !skew.is_zero() {
                nemesis.count("F25");
            }
            let name = format!("worker-{number}");
            let container = workers.container(name, 1, skew);
            workers.lock().push(container);
        }
        workers
    }

    /// Serves an invocation on whichever container is free; waits for one if none is.
    pub async fn invoke(&self, invocation: Invocation, stem: &str) -> Ended {
        let taken = self.take().await;
        let Invocation { number, ref files, .. } = invocation;
        self.nemesis.busy_with(&taken.name, stem);
        self.recorder.push(
            &taken.name,
            What::Started { invocation: number, files: files.clone(), worker: taken.name.clone() },
        );
        let end = self.serve(taken, invocation).await;
        self.recorder.push("lambda", What::Ended { invocation: number, end: end.clone() });
        end
    }

    /// Returns when no container works any more, zombies included.
    pub async fn idle(&self) {
        let all = u32::try_from(self.lock().len()).expect("a plan has few workers");
        let _ = self.free.acquire_many(all).await;
    }

    /// Panics of loaders, in the order found: bugs, which no verdict may rest on.
    pub fn bugs(&self) -> Vec<String> {
        self.bugs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn serve(&self, taken: Taken, mut invocation: Invocation) -> Ended {
        let deadline = Instant::now() + self.patience;
        invocation.deadline = deadline + taken.skew;
        let loader = Arc::clone(&taken.loader);
        let work = async move { loader.invoke(invocation).await };
        let mut task = tokio::spawn(Mortal::new(taken.switch.clone(), work));
        let fate = tokio::select! {
            biased;
            fate = &mut task => fate,
            () = tokio::time::sleep_until(deadline) => {
                self.deadline_struck(taken, task).await;
                return Ended::TimedOut;
            }
        };
        match fate {
            Ok(Fate::Finished(report)) => {
                self.give_back(&taken, false);
                match report {
                    Ok(files) => Ended::Succeeded { files },
                    Err(error) => Ended::Failed { error },
                }
            }
            Ok(Fate::Killed) => {
                self.give_back(&taken, true);
                Ended::Killed
            }
            Err(error) => {
                self.found_bug(&taken.name, &error.to_string());
                self.give_back(&taken, true);
                Ended::Failed { error: "the loader panicked".to_owned() }
            }
        }
    }

    async fn deadline_struck(&self, taken: Taken, mut task: JoinHandle<Fate<Report>>) {
        if taken.switch.is_frozen() {
            let workers = self.clone();
            tokio::spawn(async move {
                while taken.switch.is_frozen() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                if tokio::time::timeout(ZOMBIE_MAX, &mut task).await.is_err() {
                    end(task).await;
                }
                workers.give_back(&taken, true);
            });
            return;
        }
        self.nemesis.count("F22");
        end(task).await;
        self.give_back(&taken, true);
    }

    async fn take(&self) -> Taken {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let mut containers = self.lock();
        let free: Vec<usize> = (0..containers.len()).filter(|at| !containers[*at].busy).collect();
        let at = *self.choice.lock().unwrap_or_else(PoisonError::into_inner).pick(&free);
        if containers[at].switch.is_killed() {
            // It died while it was idle, of a fault that struck a late execution of its own.
            self.replace(&mut containers[at]);
        }
        let container = &mut containers[at];
        container.busy = true;
        Taken {
            at,
            name: container.name.clone(),
            skew: container.skew,
            loader: Arc::clone(&container.loader),
            switch: container.switch.clone(),
            permit,
        }
    }

    fn give_back(&self, taken: &Taken, spent: bool) {
        let mut containers = self.lock();
        let container = &mut containers[taken.at];
        container.busy = false;
        if spent {
            self.replace(container);
        }
        self.nemesis.busy_with(&taken.name, "-");
        let _still_held_until_dropped = &taken.permit;
    }

    fn replace(&self, old: &mut Container) {
        *old = self.container(old.name.clone(), old.born + 1, old.skew);
    }

    fn container(&self, name: String, born: u64, skew: Duration) -> Container {
        let switch = Switch::default();
        self.nemesis.take_hold(&name, switch.clone());
        let loader = (self.hatch)(&name, born);
        Container { name, born, busy: false, skew, loader, switch }
    }

    fn found_bug(&self, worker: &str, text: &str) {
        let mut bugs = self.bugs.lock().unwrap_or_else(PoisonError::into_inner);
        bugs.push(format!("{worker}: {text}"));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Container>> {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a task at once and waits until it has been dropped: nothing of it may run later.
async fn end<T>(task: JoinHandle<T>) {
    task.abort();
    let _ = task.await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Works for two minutes, and counts how many invocations came to their end.
    struct Slow {
        finished: Arc<AtomicU64>,
    }

    impl Loader for Slow {
        fn invoke(&self, _: Invocation) -> BoxFuture<'_, Report> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(120)).await;
                self.finished.fetch_add(1, Ordering::Relaxed);
                Ok(vec![(0, Reported::Applied)])
            })
        }
    }

    struct Site {
        workers: Workers,
        nemesis: Nemesis,
        finished: Arc<AtomicU64>,
        hatched: Arc<AtomicU64>,
    }

    fn site(deadline: u64) -> Site {
        let mut plan = job::tests::plan();
        plan.delivery.deadline.0 = Duration::from_secs(deadline);
        let recorder = Recorder::new();
        let nemesis = Nemesis::new(&plan, recorder.clone());
        let (finished, hatched) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (ends, born) = (Arc::clone(&finished), Arc::clone(&hatched));
        let hatch: Hatch = Arc::new(move |_, _| {
            born.fetch_add(1, Ordering::Relaxed);
            Arc::new(Slow { finished: Arc::clone(&ends) })
        });
        let workers = Workers::new(&plan, hatch, &nemesis, &recorder);
        Site { workers, nemesis, finished, hatched }
    }

    fn invocation() -> Invocation {
        Invocation {
            number: 1,
            request_id: "r".to_owned(),
            delivery: 1,
            files: vec![0],
            object_keys: vec!["k".to_owned()],
            event: serde_json::Value::Null,
            deadline: Instant::now(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_drops_the_work_and_replaces_the_container() {
        let site = site(60);
        assert_eq!(site.workers.invoke(invocation(), "-").await, Ended::TimedOut);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(site.finished.load(Ordering::Relaxed), 0, "nothing of it runs later");
        assert_eq!(site.hatched.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kill_ends_the_invocation_where_it_stands() {
        let site = site(300);
        let (workers, nemesis) = (site.workers.clone(), site.nemesis.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            nemesis.switch_of("worker-1").expect("the only worker").kill();
        });
        assert_eq!(workers.invoke(invocation(), "-").await, Ended::Killed);
        assert_eq!(workers.invoke(invocation(), "-").await, succeeded());
        assert_eq!(site.hatched.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_worker_is_given_up_and_goes_on_after_the_thaw() {
        let site = site(60);
        let nemesis = site.nemesis.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let switch = nemesis.switch_of("worker-1").expect("the only worker");
            switch.freeze(Duration::from_secs(200));
        });
        assert_eq!(site.workers.invoke(invocation(), "-").await, Ended::TimedOut);
        assert_eq!(site.finished.load(Ordering::Relaxed), 0);
        site.workers.idle().await;
        assert_eq!(site.finished.load(Ordering::Relaxed), 1, "the zombie came to its end");
    }

    fn succeeded() -> Ended {
        Ended::Succeeded { files: vec![(0, Reported::Applied)] }
    }
}
