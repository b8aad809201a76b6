//! Statements on a store in this process: no HTTP, no runtime.

use fake_firebolt::mvcc::{Store, Transaction};
use fake_firebolt::quirks::Quirks;
use fake_firebolt::sql::{self, ExternalFiles, StatementContext};
use fake_firebolt::value::ResultSet;

/// A store and what statements need besides it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) store: Store,
    quirks: Quirks,
    files: ExternalFiles,
}

impl Session {
    pub(crate) fn new() -> Self {
        let quirks = Quirks::default();
        Self { store: Store::new(quirks.clone()), quirks, files: ExternalFiles::default() }
    }

    /// Runs a statement in a transaction of its own.
    pub(crate) fn run(&mut self, text: &str) -> ResultSet {
        let mut txn = self.store.begin(0);
        let result = self.run_in(&mut txn, text);
        self.store.commit(txn, 0).expect("nobody else commits");
        result
    }

    pub(crate) fn run_in(&self, txn: &mut Transaction, text: &str) -> ResultSet {
        let statement = sql::parse(text).expect("the statement parses");
        let mut random = |_: u64| 0;
        let mut ctx = StatementContext {
            now_micros: 0,
            database: "database",
            engine: "engine",
            account: "account",
            files: &self.files,
            quirks: &self.quirks,
            server: &sql::NoServer,
            watch: None,
            random: &mut random,
            values: &|| 0,
        };
        sql::execute(&statement, &self.store, txn, &mut ctx).expect("the statement runs")
    }
}
