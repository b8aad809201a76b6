//! The rungs against the fake, over in-memory streams: each wart where it was reported.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_firebolt::quirks::{MergeMultiMatch, Quirks};
use fake_firebolt::sql::StatementKind;
use fake_firebolt::{
    CannedReply, FakeConfig, FakeFirebolt, FaultPoint, Hooks, Location, Phase, Verdict,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::time::Instant;

use super::Wire;
use super::policy::Rung;
use super::{Account, CleanUp, DialError, PROCESSED_FILES_DDL, PriorConfig, PriorLoader, Socket};
use crate::history::Reported;
use crate::model::Model;
use crate::plan::{Policy, WorkloadPlan};
use crate::ratio::Ratio;
use crate::seed::Seed;
use crate::statement::StatementName;
use crate::timespan::Between;
use crate::workload::{Row, Workload, generate, tests::plan};
use crate::world::network::Passage;
use crate::world::worker::{Invocation, Loader};

/// Faults that strike the n-th time a kind of statement comes to a phase; each fires once.
#[derive(Default)]
struct Faults(Mutex<Vec<(StatementKind, Phase, u32, Verdict)>>);

impl Hooks for Faults {
    fn at(&self, point: &FaultPoint<'_>) -> Verdict {
        let mut faults = self.0.lock().expect("no panic");
        for at in 0..faults.len() {
            let (kind, phase, waits, _) = &mut faults[at];
            if *kind == point.statement.kind && *phase == point.phase {
                if *waits == 0 {
                    return faults.remove(at).3;
                }
                *waits -= 1;
                return Verdict::Pass;
            }
        }
        Verdict::Pass
    }
}

struct Direct(FakeFirebolt);

impl Wire for Direct {
    fn connect(&self, _statement: StatementName) -> BoxFuture<'_, Result<Socket, DialError>> {
        let (ours, theirs) = tokio::io::duplex(65_536);
        tokio::spawn(self.0.serve_connection(theirs, "worker-1"));
        async move { Ok(Box::new(ours) as Socket) }.boxed()
    }

    fn sent(&self, _statement: StatementName, _reused: bool) -> BoxFuture<'_, Passage> {
        async { Passage::Open }.boxed()
    }

    fn seen(&self, _statement: StatementName) -> BoxFuture<'_, Passage> {
        async { Passage::Open }.boxed()
    }
}

struct Bench {
    fake: FakeFirebolt,
    workload: Workload,
    loader: PriorLoader,
    clean_ups: Arc<Mutex<Vec<CleanUp>>>,
}

impl Bench {
    async fn new(policy: Policy, plan: &WorkloadPlan, faults: Faults) -> Bench {
        let workload = generate(plan, &mut Seed(1).stream("workload")).expect("a good plan");
        let store = InMemory::new();
        for file in &workload.files {
            let bytes = PutPayload::from(file.bytes.clone());
            store.put(&Path::from(file.object_key.as_str()), bytes).await.expect("in memory");
        }
        let location = Location {
            store: Arc::new(store) as Arc<dyn ObjectStore>,
            prefix: "firebolt_dms_job/".to_owned(),
        };
        let quirks = Quirks { merge_multi_match: MergeMultiMatch::Arbitrary, ..Quirks::default() };
        let config = FakeConfig {
            account: "acc".to_owned(),
            database: "db".to_owned(),
            engine: "eng".to_owned(),
            client_id: "id".to_owned(),
            client_secret: "secret".to_owned(),
            locations: BTreeMap::from([("cdc".to_owned(), location)]),
            buckets: BTreeMap::new(),
            quirks,
            seed: 1,
            epoch_micros: 1_762_858_800_000_000,
            base_url: "http://engine.fake.invalid/".to_owned(),
            token_life: Duration::from_secs(43_200),
            ..FakeConfig::default()
        };
        let fake = FakeFirebolt::new(config, Arc::new(faults));
        fake.setup(&workload.ddl).expect("the target");
        fake.setup(PROCESSED_FILES_DDL).expect("the markers");
        let config = PriorConfig {
            account: Account {
                account: "acc".to_owned(),
                database: "db".to_owned(),
                engine: "eng".to_owned(),
                client_id: "id".to_owned(),
                client_secret: "secret".to_owned(),
            },
            location: "cdc".to_owned(),
            prefix: "firebolt_dms_job/".to_owned(),
            table_keys: BTreeMap::from([("users".to_owned(), vec!["id".to_owned()])]),
            delete_column: "Op".to_owned(),
            delete_values: vec!["D".to_owned()],
            epoch_millis: 1_762_858_800_000,
        };
        let clean_ups: Arc<Mutex<Vec<CleanUp>>> = Arc::default();
        let told = Arc::clone(&clean_ups);
        let loader = PriorLoader::new(
            Rung::of(policy).expect("a prior rung"),
            Arc::new(Direct(fake.clone())),
            config,
            Seed(1).stream("jitter"),
            Arc::new(move |clean_up: &CleanUp| {
                told.lock().expect("no panic").push(clean_up.clone());
            }),
        );
        Bench { fake, workload, loader, clean_ups }
    }

    async fn load(&self, file: usize) -> Result<(), String> {
        let invocation = Invocation {
            number: 1,
            request_id: format!("request-{file}"),
            delivery: 1,
            files: vec![file],
            object_keys: vec![self.workload.files[file].object_key.clone()],
            event: serde_json::Value::Null,
            deadline: Instant::now() + Duration::from_secs(300),
        };
        let reported = self.loader.invoke(invocation).await?;
        assert_eq!(reported, [(file, Reported::Applied)]);
        Ok(())
    }

    fn rows(&self) -> Vec<Row> {
        let sql = "SELECT \"id\", \"name\", CAST(\"amount\" AS TEXT) AS \"amount\", \
                   CAST(\"counter\" AS TEXT) AS \"counter\" FROM \"users\"";
        let found = self.fake.query(sql).expect("the target is there");
        let names: Vec<String> = found.columns.iter().map(|c| c.name.to_string()).collect();
        let text = |value: &fake_firebolt::value::Value| match value {
            fake_firebolt::value::Value::Text(text) => Some(text.to_string()),
            fake_firebolt::value::Value::Bigint(number) => Some(number.to_string()),
            _ => None,
        };
        let mut rows: Vec<Row> = found
            .rows
            .iter()
            .map(|row| {
                let named = names.iter().zip(row.iter());
                named.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
            })
            .collect();
        rows.sort();
        rows
    }

    fn model(&self, files: &[usize]) -> Vec<Row> {
        Model::fold(&self.workload, &files.iter().copied().collect::<BTreeSet<_>>()).rows()
    }

    fn staging_tables(&self) -> usize {
        let sql = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'stg_%'";
        self.fake.query(sql).expect("the catalogue").rows.len()
    }

    fn clean_ups(&self) -> Vec<bool> {
        self.clean_ups.lock().expect("no panic").iter().map(|clean_up| clean_up.done).collect()
    }
}

/// Inserts of new keys only: what every rung gets right when nothing fails.
fn inserts() -> WorkloadPlan {
    WorkloadPlan {
        keys: 100,
        insert: 1,
        update: 0,
        delete: 0,
        same_key: Ratio::ZERO,
        full_load: false,
        rows: Between { min: 3, max: 3 },
        ..plan()
    }
}

fn fault(kind: StatementKind, phase: Phase, waits: u32, verdict: Verdict) -> Faults {
    Faults(Mutex::new(vec![(kind, phase, waits, verdict)]))
}

fn refusal(text: &str) -> CannedReply {
    CannedReply {
        status: 500,
        content_type: "text/plain".to_owned(),
        body: text.to_owned().into(),
        headers: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_loads_on_every_rung_and_leaves_no_staging_table() {
    for policy in Policy::LADDER.into_iter().filter(|policy| *policy != Policy::Engine) {
        let bench = Bench::new(policy, &inserts(), Faults::default()).await;
        for file in 0..2 {
            bench.load(file).await.unwrap_or_else(|error| panic!("{policy}: {error}"));
        }
        assert_eq!(bench.rows(), bench.model(&[0, 1]), "{policy}");
        assert_eq!(bench.staging_tables(), 0, "{policy}");
        assert!(bench.clean_ups().iter().all(|done| *done), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_run_again_doubles_the_staging_rows() {
    let lost = || fault(StatementKind::Copy, Phase::Committed, 0, Verdict::Cut);
    let bench = Bench::new(Policy::Prior1, &inserts(), lost()).await;
    bench.load(0).await.expect("the reconnect makes it a success");
    assert_eq!((bench.rows().len(), bench.model(&[0]).len()), (6, 3));
    let bench = Bench::new(Policy::Prior0, &inserts(), lost()).await;
    let error = bench.load(0).await.expect_err("prior-0 raises it");
    assert_eq!(error, "[Errno 104] Connection reset by peer");
    assert_eq!((bench.rows().len(), bench.staging_tables()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delete_without_a_match_is_inserted() {
    let plan = WorkloadPlan {
        keys: 1,
        insert: 0,
        update: 0,
        delete: 1,
        same_key: Ratio::ZERO,
        full_load: false,
        rows: Between { min: 1, max: 1 },
        ..plan()
    };
    for policy in [Policy::Prior0, Policy::Prior1, Policy::Prior5] {
        let bench = Bench::new(policy, &plan, Faults::default()).await;
        assert_eq!(bench.workload.truth[1].op.letter(), "D");
        bench.load(1).await.expect("nothing fails");
        assert_eq!(bench.rows().len(), 1, "{policy}");
        bench.load(1).await.expect("nothing fails");
        // A second time it matches, and is deleted; prior-5 has marked the file and does nothing.
        assert_eq!(bench.rows().len(), usize::from(policy == Policy::Prior5), "{policy}");
    }
}

/// The field report's second failure: the MERGE is answered "cannot be retried", and the pooled
/// connection is dead.
#[tokio::test(start_paused = true)]
async fn a_restart_fails_prior_0_and_is_survived_by_prior_1() {
    let restart = || {
        let away = Duration::from_secs(3);
        fault(StatementKind::Merge, Phase::Executing, 0, Verdict::Restart { away })
    };
    let bench = Bench::new(Policy::Prior0, &inserts(), restart()).await;
    let error = bench.load(0).await.expect_err("no reconnect");
    assert_eq!(error, "[Errno 104] Connection reset by peer");
    let bench = Bench::new(Policy::Prior1, &inserts(), restart()).await;
    bench.load(0).await.expect("it reconnects");
    assert_eq!(bench.rows(), bench.model(&[0]));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_tried_again_after_a_wait() {
    let conflict = || fault(StatementKind::Merge, Phase::Executing, 0, Verdict::Conflict);
    let bench = Bench::new(Policy::Prior0, &inserts(), conflict()).await;
    let before = Instant::now();
    bench.load(0).await.expect("the second try");
    let waited = before.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited <= Duration::from_secs(3), "{waited:?}");
    assert_eq!(bench.rows(), bench.model(&[0]));
}

#[tokio::test(start_paused = true)]
async fn a_drop_that_fails_leaves_an_orphan_once_and_is_tried_again_since_prior_1() {
    let fails = || {
        let verdict = Verdict::FailStatement(refusal("Internal error"));
        // The first DROP is the clean-up before the work.
        fault(StatementKind::DropTable, Phase::Executing, 1, verdict)
    };
    let bench = Bench::new(Policy::Prior0, &inserts(), fails()).await;
    bench.load(0).await.expect("a failed clean-up fails nothing");
    assert_eq!((bench.staging_tables(), bench.clean_ups()), (1, vec![true, false]));
    let bench = Bench::new(Policy::Prior1, &inserts(), fails()).await;
    bench.load(0).await.expect("the second DROP");
    assert_eq!((bench.staging_tables(), bench.clean_ups()), (0, vec![true, true]));
}

/// A try that died leaves its mark, and the platform's own retry then returns success for nothing.
#[tokio::test(start_paused = true)]
async fn a_processing_mark_loses_the_file() {
    let hangs = fault(StatementKind::Merge, Phase::Received, 0, Verdict::Hang);
    let bench = Bench::new(Policy::Prior4, &inserts(), hangs).await;
    let killed = tokio::time::timeout(Duration::from_secs(300), bench.load(0)).await;
    assert!(killed.is_err(), "the Lambda time-out strikes");
    bench.load(0).await.expect("success without work");
    assert_eq!(bench.rows(), Vec::<Row>::new());
    tokio::time::sleep(Duration::from_secs(16 * 60)).await;
    bench.load(0).await.expect("the mark is stale by now");
    assert_eq!(bench.rows(), bench.model(&[0]));
}

/// Two rows of one new key in a file: inserted twice until prior-5 looked at keys.
#[tokio::test(start_paused = true)]
async fn two_rows_of_one_new_key_are_two_rows_until_prior_5() {
    let plan = WorkloadPlan {
        keys: 1,
        insert: 1,
        update: 1,
        delete: 0,
        same_key: Ratio::ONE,
        full_load: false,
        rows: Between { min: 2, max: 2 },
        ..plan()
    };
    for (policy, rows) in
        [(Policy::Prior1, 2), (Policy::Prior3, 2), (Policy::Prior4, 2), (Policy::Prior5, 1)]
    {
        let bench = Bench::new(policy, &plan, Faults::default()).await;
        bench.load(0).await.expect("nothing fails");
        assert_eq!(bench.rows().len(), rows, "{policy}");
    }
}
