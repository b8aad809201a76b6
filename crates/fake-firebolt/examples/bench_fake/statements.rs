//! One simple statement in memory: parsed, bound, run, committed.

use crate::report::{Report, micros_each};
use crate::session::Session;

const TARGET_MICROS: f64 = 15.0;
/// Enough that the system, which tells the time of a processor in steps of milliseconds, is right to a
/// few per cent.
const COUNT: u32 = 50_000;

/// A table as a simulation has them: small.
fn session() -> Session {
    let mut session = Session::new();
    session.run("CREATE TABLE t (id BIGINT NOT NULL, name TEXT, n INTEGER)");
    for id in 0..50 {
        session.run(&format!("INSERT INTO t VALUES ({id}, 'name {id}', {id})"));
    }
    session
}

pub(crate) fn measure(report: &mut Report) {
    report.heading("a simple statement in memory, a table of 50 rows");
    let mut row = |name: &str, statement: &dyn Fn(u64) -> String, undo: Option<&str>| {
        let mut session = session();
        let mut turn = 0;
        let micros = micros_each(COUNT, || {
            turn += 1;
            session.run(&statement(turn));
            if let Some(undo) = undo {
                session.run(undo);
            }
        });
        let statements = if undo.is_some() { 2.0 } else { 1.0 };
        let each = micros / statements;
        report.target(name, &format!("{each:6.2} µs"), "≤ 15 µs", each <= TARGET_MICROS);
    };
    row("SELECT by key", &|turn| format!("SELECT name FROM t WHERE id = {}", turn % 50), None);
    row("SELECT COUNT(*)", &|_| "SELECT COUNT(*) FROM t".to_owned(), None);
    row("UPDATE by key", &|turn| format!("UPDATE t SET n = {turn} WHERE id = 7"), None);
    row(
        "INSERT of a row, DELETE of it",
        &|turn| format!("INSERT INTO t VALUES (1000, 'name', {turn})"),
        Some("DELETE FROM t WHERE id = 1000"),
    );
}
