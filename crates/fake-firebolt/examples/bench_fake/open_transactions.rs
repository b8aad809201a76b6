//! What a statement costs while a thousand transactions are open.

use crate::report::{Report, median, micros_each};
use crate::session::Session;

const OPEN: usize = 1_000;
/// Enough that the system, which tells the time of a processor in steps of milliseconds, is right to a
/// few per cent.
const COUNT: u32 = 50_000;

pub(crate) fn measure(report: &mut Report) {
    report.heading("the same statements with 1,000 open transactions");
    let mut ratios = Vec::new();
    let statements = ["SELECT n FROM t WHERE id = 7", "UPDATE t SET n = n + 1 WHERE id = 7"];
    for statement in statements {
        let mut session = Session::new();
        session.run("CREATE TABLE t (id BIGINT NOT NULL, n INTEGER)");
        session.run("CREATE TABLE other (id BIGINT NOT NULL)");
        for id in 0..50 {
            session.run(&format!("INSERT INTO t VALUES ({id}, 0)"));
        }
        let alone = micros_each(COUNT, || {
            session.run(statement);
        });
        // Each has its own snapshot and something written that is not committed.
        let mut open = Vec::new();
        for id in 0..OPEN {
            let mut txn = session.store.begin(0);
            session.run_in(&mut txn, &format!("INSERT INTO other VALUES ({id})"));
            open.push(txn);
            session.run(statement);
        }
        let together = micros_each(COUNT, || {
            session.run(statement);
        });
        drop(open);
        report.line(statement, &format!("{alone:6.2} µs alone, {together:6.2} µs with them"));
        ratios.push(together / alone);
    }
    let ratio = median(ratios);
    report.target("1,000 open transactions", &format!("ratio {ratio:.2}"), "≤ 1.10", ratio <= 1.10);
}
