//! Statements that read and write tables: on their own, or inside a transaction.
//!
//! Both evaluate on a snapshot taken when they start and take effect when their execution time is
//! over. That is what lets two overlapping MERGEs insert the same new key, both with success
//! (firebolt-semantics §1.3).

use std::sync::Arc;

use crate::fault::Phase;
use crate::http::reply::Reply;
use crate::mvcc::{Conflict, Transaction};
use crate::quirks::{
    Acceptance, QueuedSnapshot, Quirks, SnapshotRule, TimestampRule, UnknownTransactionStatement,
};
use crate::server::Inner;
use crate::sql::{
    self, ExternalFiles, SqlError, SqlErrorKind, Statement, StatementContext, StatementKind, Watch,
};
use crate::value::ResultSet;

use super::life::{Detour, Life, Work};
use super::patience::Patience;
use super::views::Views;
use super::{boundary, steps, transactions};

/// What a conflict that a hook demands is said to consist of.
pub(crate) const DEMANDED: Conflict = Conflict { rows: 1, transactions: 1, over_ddl: false };

/// The text of every statement in a transaction of which an earlier one failed
/// (firebolt-wire §6.3).
pub(crate) const ABORTED: &str = "current transaction is aborted, commands will be ignored until \
                                  execution of ROLLBACK or COMMIT";

/// A statement that is a transaction of its own.
pub(crate) async fn autocommit(
    life: &mut Life<'_>,
    statement: &Statement,
) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    let at_arrival = (inner.config.quirks.queued_snapshot == QueuedSnapshot::Arrival)
        .then(|| inner.state().store.begin(inner.now_micros()));
    let files = inner.files.fetch(statement, &inner.config.account).await?;
    life.wait_for_engine().await?;
    life.take_off();
    let (patience, now) = (life.patience(), inner.now_micros());
    let mut transaction = at_arrival.unwrap_or_else(|| inner.state().store.begin(now));
    let mut end = evaluate(inner, statement, &mut transaction, &files, now, &patience);
    for further in &life.call.further {
        if end.is_ok() {
            end = evaluate(inner, further, &mut transaction, &files, now, &patience);
        }
    }
    let mut result = life.evaluated(end).await?;
    life.call.limit_rows(&mut result);
    life.returned_rows = result.rows.len();
    life.call.check_rows(&result)?;
    match life.work().await {
        Work::Done => {
            boundary::commit(life, transaction, None)
                .map_err(|conflict| life.conflict(conflict))?;
            if statement.kind() == StatementKind::Location {
                inner.files.apply(statement, inner.now_micros())?;
            }
        }
        Work::DoneAndKilled => {
            // A conflict is as invisible to the client as a commit: its engine is gone.
            let _ = boundary::commit(life, transaction, None);
            let _ = inner.files.apply(statement, inner.now_micros());
            return Err(Detour::Stop(life.death()));
        }
        Work::Failed(detour) => return Err(detour),
        Work::Conflict => return Err(life.conflict(DEMANDED)),
    }
    life.done(Phase::Committed).await?;
    life.call.encode(&result, life.query_id)
}

/// A statement with a transaction id.
pub(crate) async fn in_transaction(
    life: &mut Life<'_>,
    statement: &Statement,
    id: &str,
) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    let Some(mut turn) = boundary::turn(inner, id).await else {
        return unknown(life, statement, id).await;
    };
    if turn.doomed {
        return Err(Detour::Answer(Reply::user_error(ABORTED)));
    }
    steps::check(life.call, &turn)?;
    // Whatever ends this statement early, a panic and an abandoned task included, has failed it,
    // and a transaction with a failed statement must not commit.
    turn.doomed = true;
    if let Some(refusal) = statement.refused_in_transaction() {
        return Err(refusal.into());
    }
    refuse_copy(statement, &inner.config.quirks)?;
    let files = inner.files.fetch(statement, &inner.config.account).await?;
    life.wait_for_engine().await?;
    if !inner.state().transactions.contains(id) {
        // The engine went away while the statement waited, and took the transaction along.
        drop(turn);
        return unknown(life, statement, id).await;
    }
    life.take_off();
    let patience = life.patience();
    let end = {
        let Some(transaction) = turn.transaction.as_mut() else {
            return Err(Detour::Answer(Reply::user_error(ABORTED)));
        };
        let now = match inner.config.quirks.current_timestamp {
            TimestampRule::Statement => inner.now_micros(),
            TimestampRule::Transaction => transaction.began_micros(),
        };
        evaluate(inner, statement, transaction, &files, now, &patience)
    };
    let mut result = life.evaluated(end).await?;
    life.call.limit_rows(&mut result);
    life.returned_rows = result.rows.len();
    life.call.check_rows(&result)?;
    match life.work().await {
        Work::Done => {}
        Work::DoneAndKilled => return Err(Detour::Stop(life.death())),
        Work::Failed(detour) => return Err(detour),
        // Conflicts are found at commit and nowhere else.
        Work::Conflict => tracing::warn!("a conflict was demanded of a statement, passed over"),
    }
    turn.doomed = false;
    life.done(Phase::Executed).await?;
    let reply = life.call.encode(&result, life.query_id)?;
    transactions::touch(inner, id);
    Ok(steps::next(life.call, &mut turn, reply))
}

/// COPY inside an explicit transaction is an open question (firebolt-semantics §1.2).
fn refuse_copy(statement: &Statement, quirks: &Quirks) -> Result<(), SqlError> {
    match (statement.kind(), quirks.copy_in_transaction) {
        (StatementKind::Copy, Acceptance::Refuse) => {
            let text = "COPY FROM cannot run inside an explicit transaction";
            Err(SqlError::new(SqlErrorKind::Data, text))
        }
        _ => Ok(()),
    }
}

async fn unknown(life: &mut Life<'_>, statement: &Statement, id: &str) -> Result<Reply, Detour> {
    match life.call.inner.config.quirks.unknown_transaction_statement {
        UnknownTransactionStatement::Refuse => Err(Detour::Answer(not_in_progress(id))),
        UnknownTransactionStatement::Autocommit => autocommit(life, statement).await,
    }
}

/// The refusal of a statement whose transaction is not open. The service's own text is not
/// known; that it must not commit on its own is (firebolt-wire §11.1, rule 9).
pub(crate) fn not_in_progress(id: &str) -> Reply {
    Reply::user_error(&format!("cannot execute the statement: transaction {id} is not in progress"))
}

/// Evaluates a statement on a transaction's view. The lock is not held meanwhile: a statement that
/// takes long must not stop the others.
pub(crate) fn evaluate(
    inner: &Inner,
    statement: &Statement,
    transaction: &mut Transaction,
    files: &ExternalFiles,
    now_micros: i64,
    patience: &Arc<Patience>,
) -> Result<ResultSet, SqlError> {
    let quirks = &inner.config.quirks;
    if quirks.snapshot == SnapshotRule::Statement {
        transaction.refresh_snapshot(&inner.state().store);
    }
    let watch = Arc::clone(patience) as Arc<dyn Watch>;
    patience.evaluate(|| {
        let mut context = StatementContext {
            now_micros,
            database: &inner.config.database,
            engine: &inner.config.engine,
            account: &inner.config.account,
            files,
            quirks,
            server: &Views { inner },
            watch: Some(&watch),
            random: &mut |bound| inner.state().picks.below(bound),
            values: &|| inner.state().values.next_u64(),
        };
        sql::execute_on_snapshot(statement, transaction, &mut context)
    })
}
