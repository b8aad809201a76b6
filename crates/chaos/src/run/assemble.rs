//! Puts a world together from a plan, and drives it through its three phases.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{RunResult, tally};
use crate::checkers::{Bench, Judges, Rest};
use crate::history::What;
use crate::nemesis::Nemesis;
use crate::plan::{Plan, Policy};
use crate::workload::{Workload, generate};
use crate::world::delivery::{Delivery, Timetable};
use crate::world::loaders::{EngineLoader, Hatchery};
use crate::world::network::Network;
use crate::world::recorder::Recorder;
use crate::world::warehouse::Warehouse;
use crate::world::worker::Workers;

/// Past the sweep age (40 min by default) of whatever the latest zombie may still create.
const QUIET: Duration = Duration::from_secs(70 * 60);
/// Between the two sweeps at rest.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(60);
/// What the scheduled audit may take.
const AUDIT_PATIENCE: Duration = Duration::from_secs(1800);

/// The world of one run.
pub(super) struct World {
    pub(super) plan: Arc<Plan>,
    pub(super) workload: Arc<Workload>,
    pub(super) recorder: Recorder,
    pub(super) nemesis: Nemesis,
    pub(super) warehouse: Warehouse,
    pub(super) hatchery: Hatchery,
    pub(super) workers: Workers,
    delivery: Delivery,
    timetable: Timetable,
}

/// Runs a plan; an error is a bug of the simulator, or a plan that cannot be run.
pub(super) async fn run(plan: &Plan) -> Result<RunResult, String> {
    let world = World::new(plan)?;
    let mut judges = Judges::new(Bench {
        workload: Arc::clone(&world.workload),
        has_ledger: plan.policy == Policy::Engine,
        staging_age_max: None,
    });
    let mut applied_before_audit = 0;
    let mut seen = 0;
    let limit = plan.bounds.sim_time + QUIET + BETWEEN_SWEEPS + AUDIT_PATIENCE * 2;
    let driven = tokio::select! {
        biased;
        () = world.nemesis.out_of_steps() => {
            Err(format!("the bound of {} steps is reached", plan.bounds.steps))
        }
        () = sleep(limit) => Err("the bound of virtual time is reached".to_owned()),
        driven = async {
            world.deliver().await?;
            seen = show(&world.recorder, &mut judges, seen);
            applied_before_audit = applied(&judges, plan.policy);
            world.come_to_rest().await
        } => driven,
    };
    let stuck = driven.err();
    if let Some(bug) = world.bug() {
        return Err(bug);
    }
    show(&world.recorder, &mut judges, seen);
    let rest = Rest {
        target: world.warehouse.target_rows()?,
        staging_tables: world.warehouse.staging_tables()?,
        stuck: None,
    };
    let verdict = judges.conclude(&rest);
    Ok(tally::result(&world, verdict, stuck, applied_before_audit))
}

/// Shows the judges what has happened since; how much they have seen now.
fn show(recorder: &Recorder, judges: &mut Judges, seen: usize) -> usize {
    recorder.read(|history| {
        history.events()[seen..].iter().for_each(|event| judges.observe(event));
        history.events().len()
    })
}

fn applied(judges: &Judges, policy: Policy) -> u64 {
    let facts = judges.facts();
    match policy {
        Policy::Engine => facts.applied().len() as u64,
        _ => facts.reported.len() as u64,
    }
}

impl World {
    fn new(plan: &Plan) -> Result<World, String> {
        let plan = Arc::new(plan.clone());
        let recorder = Recorder::new();
        let workload = Arc::new(generate(&plan.workload, &mut plan.seed.stream("workload"))?);
        let nemesis = Nemesis::new(&plan, recorder.clone());
        let objects = Arc::new(InMemory::new());
        let store: Arc<dyn ObjectStore> = Arc::clone(&objects) as Arc<dyn ObjectStore>;
        let warehouse = Warehouse::new(&plan, store, &nemesis, &recorder)?;
        let network = Network::new(warehouse.fake().clone(), nemesis.clone());
        let hatchery = Hatchery::new(
            Arc::clone(&plan),
            &workload,
            network,
            Arc::clone(&objects),
            nemesis.clone(),
            recorder.clone(),
        )?;
        let workers = Workers::new(&plan, hatchery.hatch(), &nemesis, &recorder);
        let delivery = Delivery::new(
            Arc::clone(&plan),
            Arc::clone(&workload),
            objects,
            workers.clone(),
            nemesis.clone(),
            recorder.clone(),
        );
        let mut stream = plan.seed.stream("delivery");
        let timetable = Timetable::draw(&plan.delivery, workload.files.len(), &mut stream);
        Ok(World {
            plan,
            workload,
            recorder,
            nemesis,
            warehouse,
            hatchery,
            workers,
            delivery,
            timetable,
        })
    }

    /// Safety and heal: until the queue is empty and nobody works any more.
    async fn deliver(&self) -> Result<(), String> {
        self.phase("safety");
        let mut background = vec![tokio::spawn(self.warehouse.clone().restart_now_and_then(
            Plan::clone(&self.plan),
            self.nemesis.clone(),
            self.recorder.clone(),
        ))];
        background.extend(self.sweep_now_and_then());
        let mut delivery = tokio::spawn(self.delivery.clone().run(self.timetable.clone()));
        // A file that is written after the faults have stopped would be no test of anything.
        let heal = self.plan.heal;
        let after = heal.after.max(self.timetable.last_put());
        let in_time = timeout(after, &mut delivery).await;
        self.phase("heal");
        self.nemesis.heal();
        let ended = match in_time {
            Ok(ended) => ended,
            Err(_) => timeout(heal.within, &mut delivery)
                .await
                .map_err(|_| self.why_not("deliveries have not ended"))?,
        };
        ended.map_err(|error| format!("the delivery panicked: {error}"))??;
        timeout(heal.within, self.workers.idle())
            .await
            .map_err(|_| self.why_not("a worker still runs"))?;
        background.iter().for_each(JoinHandle::abort);
        Ok(())
    }

    fn why_not(&self, what: &str) -> String {
        let within = crate::timespan::render(self.plan.heal.within);
        let open = self.warehouse.fake().open_transactions();
        format!("{what} {within} after the faults stopped ({open} transactions open)")
    }

    /// One audit, past the sweep age, two sweeps. The prior loader had none of these.
    async fn come_to_rest(&self) -> Result<(), String> {
        self.phase("rest");
        if self.plan.policy != Policy::Engine {
            sleep(QUIET).await;
            return Ok(());
        }
        let operator = self.hatchery.ours("operator", 1);
        let redriven = operator.reconcile(AUDIT_PATIENCE).await;
        let redriven = redriven.map_err(|error| format!("the audit failed: {error}"))?;
        self.recorder.push("operator", What::Reconciled { redriven });
        sleep(QUIET).await;
        for _ in 0..2 {
            self.sweep(&operator).await.map_err(|error| format!("the sweep failed: {error}"))?;
            sleep(BETWEEN_SWEEPS).await;
        }
        Ok(())
    }

    async fn sweep(&self, operator: &EngineLoader) -> Result<(), String> {
        let dropped = operator.sweep().await?;
        self.recorder.push("operator", What::Swept { dropped });
        Ok(())
    }

    /// The scheduled sweep, where the plan has one. Its failures are faults of the run: the next
    /// one comes anyway.
    fn sweep_now_and_then(&self) -> Option<JoinHandle<()>> {
        let every = self.plan.delivery.sweep_every?;
        if self.plan.policy != Policy::Engine {
            return None;
        }
        let sweeper = self.hatchery.ours("sweeper", 1);
        let recorder = self.recorder.clone();
        Some(tokio::spawn(async move {
            loop {
                sleep(every.0).await;
                if let Ok(dropped) = sweeper.sweep().await {
                    recorder.push("sweeper", What::Swept { dropped });
                }
            }
        }))
    }

    fn phase(&self, name: &str) {
        self.recorder.push("world", What::Phase { name: name.to_owned() });
    }

    /// A panic anywhere means that the run proves nothing.
    fn bug(&self) -> Option<String> {
        let panics = self.warehouse.fake().panics();
        if panics > 0 {
            return Some(format!("the fake panicked while it served {panics} requests"));
        }
        self.workers.bugs().first().cloned()
    }

    /// How often a mutant changed something.
    pub(super) fn mutated(&self) -> u64 {
        self.hatchery.tallies().mutated.load(Ordering::Relaxed)
    }

    /// Virtual time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        Instant::now() - self.recorder.start()
    }
}
