//! MERGE of a tenth of a table into it, and how that grows.
//!
//! Nine staged rows in ten rewrite a row of the target, evenly spread, so that every block of it
//! is touched; the tenth is new.

use crate::memory::peak_mib;
use crate::report::{Report, busy, median};
use crate::session::Session;

const BATCH: u64 = 100_000;

const MERGE: &str = "MERGE INTO target t USING staged s ON t.id = s.id \
    WHEN MATCHED AND s.seq <= t.seq THEN DO NOTHING \
    WHEN MATCHED AND s.op = 'D' THEN DELETE \
    WHEN MATCHED THEN UPDATE SET name = s.name, amount = s.amount, seq = s.seq \
    WHEN NOT MATCHED AND s.op <> 'D' THEN \
    INSERT (id, name, amount, seq) VALUES (s.id, s.name, s.amount, s.seq)";

/// A table of the numbers below [`BATCH`], so that SQL alone can fill the others.
fn session() -> Session {
    let mut session = Session::new();
    session.run("CREATE TABLE digit (n BIGINT NOT NULL)");
    session.run("INSERT INTO digit VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)");
    session.run(
        "CREATE TABLE number AS SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS n \
         FROM digit a, digit b, digit c, digit d, digit e",
    );
    session
}

fn fill(session: &mut Session, rows: u64) {
    session.run(
        "CREATE TABLE target (id BIGINT NOT NULL, name TEXT, amount BIGINT, seq BIGINT NOT NULL)",
    );
    session.run(
        "CREATE TABLE staged (id BIGINT NOT NULL, name TEXT, amount BIGINT, seq BIGINT NOT NULL, \
         op TEXT NOT NULL)",
    );
    for batch in 0..rows / BATCH {
        let first = batch * BATCH;
        session.run(&format!(
            "INSERT INTO target SELECT n + {first}, 'customer ' || CAST(n AS TEXT), n, 1 FROM number"
        ));
    }
    let staged = rows / 10;
    for batch in 0..staged.div_ceil(BATCH) {
        let first = batch * BATCH;
        session.run(&format!(
            "INSERT INTO staged SELECT (n + {first}) * 11, 'changed ' || CAST(n AS TEXT), n, 2, \
             CASE WHEN n < 100 THEN 'D' ELSE 'U' END FROM number WHERE n + {first} < {staged}"
        ));
    }
}

pub(crate) fn measure(report: &mut Report, largest: u64) {
    report.heading("MERGE of a tenth of a table into it");
    let mut per_row = Vec::new();
    let mut rows = 100_000;
    while rows <= largest {
        let mut session = session();
        let (filling, ()) = busy(|| fill(&mut session, rows));
        let runs = if rows >= 10_000_000 { 3 } else { 5 };
        // The system tells a processor's time in steps of some milliseconds, as many as the smallest
        // takes: it is run several times at once.
        let at_once = usize::try_from(1_000_000 / rows).unwrap_or(1).max(1);
        let seconds = median(
            (0..runs)
                .map(|_| {
                    // Each starts from the same state: its transaction is rolled back.
                    let mut open: Vec<_> = (0..at_once).map(|_| session.store.begin(0)).collect();
                    let merge = |txn| {
                        session.run_in(txn, MERGE);
                    };
                    let (taken, ()) = busy(|| open.iter_mut().for_each(merge));
                    taken.as_secs_f64() / at_once as f64
                })
                .collect(),
        );
        let (committing, ()) = busy(|| {
            session.run(MERGE);
        });
        let nanos = seconds * 1e9 / (rows + rows / 10) as f64;
        per_row.push(nanos);
        let name = format!("{} into {rows}", rows / 10);
        let peak = peak_mib().map_or_else(|| "?".to_owned(), |mib| format!("{mib} MiB"));
        let measured = format!(
            "{seconds:7.3} s, {nanos:6.1} ns a row (filled in {:.1} s, with commit {:.3} s, peak {peak})",
            filling.as_secs_f64(),
            committing.as_secs_f64(),
        );
        if rows == 1_000_000 {
            report.target(&name, &measured, "≤ 2 s", committing.as_secs_f64() <= 2.0);
        } else {
            report.line(&name, &measured);
        }
        rows *= 10;
    }
    let growth = per_row[per_row.len() - 1] / per_row[0];
    report.target(
        "time per row, largest to smallest",
        &format!("{growth:.2}"),
        "≤ 3",
        growth <= 3.0,
    );
}
