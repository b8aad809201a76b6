//! Which loader lives in a container: ours, a mutant of ours, or a rung of the prior one.
//!
//! Ours is the production code from the event to the acknowledgement, with nothing replaced but
//! transport, object store, entropy and the ears that hear its notes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firebolt_client::{Client, ClientConfig, Transport};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use merge_engine::{
    EngineConfig, Entropy, MergeEngine, Note, Observer, Parts, SweepOptions, TableKeys,
};
use merge_lambda::{FileReport, Handler};
use merge_protocol::outcome::FileOutcome;
use object_store::memory::InMemory;
use tokio::time::Instant;

use crate::history::{Reported, What};
use crate::mutant::{self, Mutant};
use crate::nemesis::Nemesis;
use crate::plan::Plan;
use crate::prior::policy::Rung;
use crate::prior::{Account, CleanUp, PriorConfig, PriorLoader, SimWire};
use crate::seed::Stream;
use crate::workload::{FIRST_SECOND, Workload};
use crate::world::bucket::Bucket;
use crate::world::network::{Network, SimTransport};
use crate::world::recorder::Recorder;
use crate::world::warehouse::names;
use crate::world::worker::{Hatch, Invocation, Loader, Report};

/// Everything that containers of a run are made from; a cheap handle.
#[derive(Clone)]
pub struct Hatchery {
    plan: Arc<Plan>,
    network: Network,
    objects: Arc<InMemory>,
    nemesis: Nemesis,
    recorder: Recorder,
    files: Arc<BTreeMap<String, usize>>,
    config: EngineConfig,
    mutant: Option<&'static Mutant>,
    tallies: Arc<LoaderTallies>,
}

/// What loaders did that only they know.
#[derive(Debug, Default)]
pub struct LoaderTallies {
    /// Clean-ups of a staging table.
    pub cleanup_attempts: AtomicU64,
    /// Those that failed for good.
    pub cleanup_failures: AtomicU64,
    /// How often a mutant changed something, shared with the mutant.
    pub mutated: Arc<AtomicU64>,
}

impl fmt::Debug for Hatchery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hatchery").field("policy", &self.plan.policy).finish_non_exhaustive()
    }
}

impl Hatchery {
    /// Gets ready to make containers; the error is a plan that cannot be run.
    pub fn new(
        plan: Arc<Plan>,
        workload: &Workload,
        network: Network,
        objects: Arc<InMemory>,
        nemesis: Nemesis,
        recorder: Recorder,
    ) -> Result<Hatchery, String> {
        let keys = BTreeMap::from([(plan.workload.table.clone(), plan.workload.key.clone())]);
        let json = serde_json::to_string(&keys).map_err(|error| error.to_string())?;
        let tables = TableKeys::from_json(&json).map_err(|error| error.to_string())?;
        let mut config = EngineConfig::new(names::BUCKET, names::LOCATION, names::PREFIX, tables);
        // Some mutants run statements outside their transaction. The engine's own guard against a
        // server that does so would stop them, and the oracles behind it would not be tested.
        config.policy.refuses_dead_transactions = plan.mutant.is_some();
        let mutant = match &plan.mutant {
            None => None,
            Some(name) => {
                Some(mutant::named(name).ok_or_else(|| format!("there is no mutant {name:?}"))?)
            }
        };
        let files = workload.files.iter().map(|file| (file.object_key.clone(), file.index));
        Ok(Hatchery {
            network,
            objects,
            nemesis,
            recorder,
            files: Arc::new(files.collect()),
            config,
            mutant,
            tallies: Arc::default(),
            plan,
        })
    }

    /// What makes the loader of a new container.
    pub fn hatch(&self) -> Hatch {
        let hatchery = self.clone();
        match Rung::of(self.plan.policy) {
            None => Arc::new(move |worker, born| Arc::new(hatchery.ours(worker, born))),
            Some(rung) => {
                Arc::new(move |worker, born| Arc::new(hatchery.prior(rung, worker, born)))
            }
        }
    }

    /// What the loaders counted.
    pub fn tallies(&self) -> &LoaderTallies {
        &self.tallies
    }

    /// The merge engine in a container of its own.
    pub fn ours(&self, worker: &str, born: u64) -> EngineLoader {
        let transport: Arc<dyn Transport> =
            Arc::new(SimTransport::new(self.network.clone(), worker));
        let transport = match self.mutant {
            Some(mutant) => mutant.transport(transport, Arc::clone(&self.tallies.mutated)),
            None => transport,
        };
        let stream = |what: &str| self.plan.seed.stream(&format!("{what}/{worker}/{born}"));
        let objects = Arc::clone(&self.objects);
        let cut = self.plan.delivery.object_cut;
        let engine = MergeEngine::new(Parts {
            client: Client::new(transport, client_config()),
            store: Arc::new(Bucket::new(objects, cut, stream("object"), self.nemesis.clone())),
            config: self.config.clone(),
            entropy: Arc::new(Drawn(Mutex::new(stream("entropy")))),
            observer: Arc::new(Ears {
                worker: worker.to_owned(),
                recorder: self.recorder.clone(),
                tallies: Arc::clone(&self.tallies),
            }),
        });
        EngineLoader {
            handler: Handler::new(engine.expect("the world's own settings are sound")),
            files: Arc::clone(&self.files),
            database: self.plan.workload.database.clone(),
            table: self.plan.workload.table.clone(),
        }
    }

    fn prior(&self, rung: Rung, worker: &str, born: u64) -> PriorLoader {
        let epoch_seconds = u64::try_from(FIRST_SECOND + 3600).unwrap_or(0);
        let table = self.plan.workload.table.clone();
        let config = PriorConfig {
            account: Account {
                account: names::ACCOUNT.to_owned(),
                database: names::DATABASE.to_owned(),
                engine: names::ENGINE.to_owned(),
                client_id: names::CLIENT_ID.to_owned(),
                client_secret: names::CLIENT_SECRET.to_owned(),
            },
            location: names::LOCATION.to_owned(),
            prefix: names::PREFIX.to_owned(),
            table_keys: BTreeMap::from([(table, self.plan.workload.key.clone())]),
            delete_column: "Op".to_owned(),
            delete_values: vec!["D".to_owned()],
            epoch_millis: epoch_seconds * 1000,
        };
        let wire = Arc::new(SimWire::new(self.network.clone(), worker));
        let jitter = self.plan.seed.stream(&format!("jitter/{worker}/{born}"));
        let (tallies, recorder) = (Arc::clone(&self.tallies), self.recorder.clone());
        let worker = worker.to_owned();
        let heard = move |clean_up: &CleanUp| {
            tallies.cleanup_attempts.fetch_add(1, Ordering::Relaxed);
            if !clean_up.done {
                tallies.cleanup_failures.fetch_add(1, Ordering::Relaxed);
                recorder.push(&worker, What::CleanupFailed { table: clean_up.table.clone() });
            }
        };
        PriorLoader::new(rung, wire, config, jitter, Arc::new(heard))
    }
}

fn client_config() -> ClientConfig {
    let mut config =
        ClientConfig::service_account(names::ACCOUNT, names::CLIENT_ID, names::CLIENT_SECRET);
    config.api_base = names::API.to_owned();
    config.database = names::DATABASE.to_owned();
    config.engine = Some(names::ENGINE.to_owned());
    config
}

/// The merge engine behind its Lambda handler.
pub struct EngineLoader {
    handler: Handler,
    files: Arc<BTreeMap<String, usize>>,
    database: String,
    table: String,
}

impl fmt::Debug for EngineLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineLoader").field("table", &self.table).finish_non_exhaustive()
    }
}

impl EngineLoader {
    /// Drops old staging tables; how many.
    pub async fn sweep(&self) -> Result<u64, String> {
        let report = self.handler.engine().sweep(&SweepOptions::default()).await;
        report.map(|report| report.dropped.len() as u64).map_err(|error| error.to_string())
    }

    /// Audits the table and merges what is not settled; how many files that were.
    pub async fn reconcile(&self, patience: Duration) -> Result<u64, String> {
        let deadline = Instant::now() + patience;
        let engine = self.handler.engine();
        let report = engine.reconcile(&self.database, &self.table, deadline).await;
        report.map(|report| report.redriven.len() as u64).map_err(|error| error.to_string())
    }

    fn reported(&self, report: &FileReport) -> Option<(usize, Reported)> {
        let file = *self.files.get(&report.key)?;
        let reported = match &report.outcome {
            FileOutcome::Applied => Reported::Applied,
            FileOutcome::AlreadyApplied => Reported::AlreadyApplied,
            FileOutcome::Quarantined(reason) => {
                Reported::Quarantined(reason.code.as_str().to_owned())
            }
            // A success that leaves a file unsettled is a promise about nothing; O14 looks whether
            // it was acknowledged nevertheless.
            FileOutcome::Unfinished(_) => return None,
        };
        Some((file, reported))
    }
}

impl Loader for EngineLoader {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'_, Report> {
        async move {
            let answer = self.handler.handle(&invocation.event, invocation.deadline).await;
            let response = answer.map_err(|error| error.to_string())?;
            Ok(response.files.iter().filter_map(|report| self.reported(report)).collect())
        }
        .boxed()
    }
}

/// Entropy that is a named stream.
struct Drawn(Mutex<Stream>);

impl Entropy for Drawn {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }
}

/// Hears the engine's notes and writes their marks down.
struct Ears {
    worker: String,
    recorder: Recorder,
    tallies: Arc<LoaderTallies>,
}

impl Observer for Ears {
    fn note(&self, _target: &str, note: &Note) {
        self.recorder.push(&self.worker, What::Note { mark: note.mark().to_owned() });
        match note {
            Note::CleanedUp { .. } => {
                self.tallies.cleanup_attempts.fetch_add(1, Ordering::Relaxed);
            }
            Note::DropFailed { table, .. } => {
                self.tallies.cleanup_attempts.fetch_add(1, Ordering::Relaxed);
                self.tallies.cleanup_failures.fetch_add(1, Ordering::Relaxed);
                self.recorder.push(&self.worker, What::CleanupFailed { table: table.clone() });
            }
            _ => {}
        }
    }
}
