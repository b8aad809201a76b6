//! The warehouse: a fake Firebolt, set up from the plan, and its restarts as a process in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fake_firebolt::{FakeConfig, FakeFirebolt, Location};
use object_store::ObjectStore;

use crate::history::{TextRow, What};
use crate::nemesis::{Nemesis, ServerHooks, text};
use crate::plan::Plan;
use crate::prior::setup_sql;
use crate::scenario::library::quirks;
use crate::workload::FIRST_SECOND;
use crate::world::recorder::Recorder;

/// The names by which a loader finds its warehouse and its bucket; the same in every run.
pub mod names {
    /// The account.
    pub const ACCOUNT: &str = "account";
    /// The database.
    pub const DATABASE: &str = "database";
    /// The engine.
    pub const ENGINE: &str = "engine";
    /// The service account's id.
    pub const CLIENT_ID: &str = "client";
    /// The service account's secret.
    pub const CLIENT_SECRET: &str = "secret";
    /// Where the token is asked for, and the engine's address.
    pub const API: &str = "http://api.fake.invalid";
    /// The engine.
    pub const ENGINE_URL: &str = "http://engine.fake.invalid/";
    /// The Firebolt LOCATION of the bucket.
    pub const LOCATION: &str = "cdc";
    /// The bucket.
    pub const BUCKET: &str = "bucket";
    /// The LOCATION's prefix in the bucket (field report).
    pub const PREFIX: &str = "firebolt_dms_job/";
}

/// The warehouse of a run.
#[derive(Clone, Debug)]
pub struct Warehouse {
    fake: FakeFirebolt,
    table: String,
}

impl Warehouse {
    /// Sets the warehouse up: location, quirks, the empty target.
    pub fn new(
        plan: &Plan,
        bucket: Arc<dyn ObjectStore>,
        nemesis: &Nemesis,
        recorder: &Recorder,
    ) -> Result<Warehouse, String> {
        let location = Location { store: bucket, prefix: names::PREFIX.to_owned() };
        let config = FakeConfig {
            account: names::ACCOUNT.to_owned(),
            database: names::DATABASE.to_owned(),
            engine: names::ENGINE.to_owned(),
            client_id: names::CLIENT_ID.to_owned(),
            client_secret: names::CLIENT_SECRET.to_owned(),
            locations: BTreeMap::from([(names::LOCATION.to_owned(), location)]),
            buckets: BTreeMap::new(),
            quirks: quirks(plan.warehouse.quirks.clone())?,
            seed: plan.seed.child("warehouse").0,
            epoch_micros: (FIRST_SECOND + 3600) * 1_000_000,
            base_url: names::ENGINE_URL.to_owned(),
            token_life: Duration::from_secs(12 * 3600),
            ..FakeConfig::default()
        };
        let hooks = ServerHooks::new(plan, nemesis.clone(), recorder.clone());
        let fake = FakeFirebolt::new(config, Arc::new(hooks));
        fake.setup(&plan.workload.ddl).map_err(|error| format!("the target's DDL: {error}"))?;
        if let Some(sql) = setup_sql(plan.policy) {
            fake.setup(sql).map_err(|error| format!("the prior loader's table: {error}"))?;
        }
        Ok(Warehouse { fake, table: plan.workload.table.clone() })
    }

    /// The server.
    pub fn fake(&self) -> &FakeFirebolt {
        &self.fake
    }

    /// The target's rows as they are committed now.
    pub fn target_rows(&self) -> Result<Vec<TextRow>, String> {
        let sql = format!("SELECT * FROM \"{}\"", self.table);
        let found = self.fake.query(&sql).map_err(|error| error.to_string())?;
        let names: Vec<String> =
            found.columns.into_iter().map(|column| column.name.to_string()).collect();
        let row = |row: &fake_firebolt::value::Row| {
            names.iter().cloned().zip(row.iter().map(text)).collect::<TextRow>()
        };
        Ok(found.rows.iter().map(row).collect())
    }

    /// The names of all tables that begin with `stg_`, in order.
    pub fn staging_tables(&self) -> Result<Vec<String>, String> {
        let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' \
                   AND table_name LIKE 'stg\\_%' ORDER BY table_name";
        let found = self.fake.query(sql).map_err(|error| error.to_string())?;
        Ok(found.rows.iter().filter_map(|row| text(row.first()?)).collect())
    }

    /// Restarts the engine now and then until faults stop: a process without memory.
    pub async fn restart_now_and_then(self, plan: Plan, nemesis: Nemesis, recorder: Recorder) {
        let Some(every) = plan.warehouse.restart_every else { return };
        let away = plan.warehouse.away;
        let mut stream = plan.seed.stream("restarts");
        loop {
            tokio::time::sleep(stream.exponential(every.0)).await;
            if nemesis.is_healed() {
                return;
            }
            recorder.push("world", What::Restarted);
            // Whatever was in flight was executing; what had committed is F09.
            nemesis.count("F08");
            // Every pooled connection is dead from here on.
            nemesis.count("F15");
            self.fake.restart_engine(stream.span(away.min.0, away.max.0));
        }
    }
}
