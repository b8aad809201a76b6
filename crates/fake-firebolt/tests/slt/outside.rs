//! The same scripts on engines that others wrote: who judges the fake must not be the fake.
//!
//! ```text
//! POSTGRES_URL=postgres://postgres@127.0.0.1:5432/postgres \
//!     cargo test -p fake-firebolt --features postgres-arm --test slt_postgres
//! ```
//!
//! * `POSTGRES_URL`: PostgreSQL 15 or later, signed on by `trust` or a clear-text password, as a
//!   user who may create databases. Each run makes one database (UTF-8, collation C) and drops it at
//!   its end; each script has a schema of its own.
//! * `FIREBOLT_CORE_URL`: Firebolt Core, e.g. `http://127.0.0.1:3473`; each script has a database of
//!   its own.
//! * `SLT_ANSWERS=postgres` has PostgreSQL write its answers into the scripts, for new records: then
//!   read the difference, it is what you assert.
//!
//! An engine whose variable is not set is left out and the run says so. Labels for `skipif` and
//! `onlyif`: `fake-firebolt`, `postgresql`, `firebolt-core`.

mod core_session;
mod corpus;
mod letter;
mod letter_of_oid;
mod postgres_session;
mod postgres_wire;

use std::path::Path;

use sqllogictest::{DB, Runner};

use self::corpus::{Script, scripts};
use self::postgres_wire::{Address, Connection, Refusal};

#[expect(clippy::disallowed_methods, reason = "where the engines are is known to the caller only")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn shared_scripts() -> Vec<Script> {
    let only = variable("SLT_ONLY").unwrap_or_default();
    scripts().into_iter().filter(|s| s.is_shared() && s.name.contains(&only)).collect()
}

fn report(engine: &str, scripts: usize, failed: &[String]) {
    let many = failed.len();
    assert!(failed.is_empty(), "{}\n\n{many} records fail on {engine}", failed.join("\n\n"));
    assert!(scripts > 0, "no script ran on {engine}");
    println!("{scripts} scripts hold on {engine}");
}

#[test]
fn shared_scripts_hold_on_postgresql() {
    let Some(url) = variable("POSTGRES_URL") else {
        println!("POSTGRES_URL is not set: PostgreSQL was not asked");
        return;
    };
    let server = Address::parse(&url).expect("POSTGRES_URL is an address");
    let mut admin = Connection::open(&server).expect("PostgreSQL answers");
    let database = format!("slt_{}", std::process::id());
    let create = format!(
        "CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    admin.query(&create).expect("the user may create databases");
    let failed = on_postgresql(&server.with_database(&database));
    let dropped = admin.query(&format!("DROP DATABASE {database} WITH (FORCE)"));
    report("PostgreSQL", shared_scripts().len(), &failed.expect("PostgreSQL answers"));
    dropped.expect("the database can be dropped");
}

fn on_postgresql(server: &Address) -> Result<Vec<String>, Refusal> {
    let mut admin = Connection::open(server)?;
    let writes = variable("SLT_ANSWERS").as_deref() == Some("postgres");
    let mut failed = Vec::new();
    for (number, script) in shared_scripts().iter().enumerate() {
        let schema = format!("script_{number}");
        admin.query(&format!("CREATE SCHEMA {schema}"))?;
        let mut runner = Runner::new(|| {
            let session = postgres_session::Session::open(server, &schema);
            async move { session }
        });
        if writes {
            write_answers(&mut runner, &script.path);
        } else {
            failed.extend(corpus::failures(&mut runner, script));
        }
    }
    Ok(failed)
}

fn write_answers<D, M>(runner: &mut Runner<D, M>, path: &Path)
where
    D: DB<ColumnType = letter::Letter> + Send,
    M: sqllogictest::MakeConnection<Conn = D>,
{
    let update = runner.update_test_file(
        path,
        " ",
        sqllogictest::default_validator,
        sqllogictest::default_normalizer,
        sqllogictest::strict_column_validator,
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(update).expect("the script can be rewritten");
}

#[test]
fn shared_scripts_hold_on_firebolt_core() {
    let Some(url) = variable("FIREBOLT_CORE_URL") else {
        println!("FIREBOLT_CORE_URL is not set: Firebolt Core was not asked");
        return;
    };
    let mut failed = Vec::new();
    let scripts = shared_scripts();
    for script in &scripts {
        let name = script.name.trim_end_matches(".slt").replace('/', "_");
        let database = format!("slt_{name}");
        let mut admin = core_session::Session::open(&url, None);
        admin
            .ask(&format!("CREATE DATABASE IF NOT EXISTS {database}"))
            .expect("Firebolt Core makes a database");
        let mut runner = Runner::new(|| {
            let session = core_session::Session::open(&url, Some(&database));
            async move { Ok(session) }
        });
        failed.extend(corpus::failures(&mut runner, script));
        if let Err(refusal) = admin.ask(&format!("DROP DATABASE {database}")) {
            failed.push(format!("{database} is left behind: {refusal}"));
        }
    }
    report("Firebolt Core", scripts.len(), &failed);
}
