//! BEGIN, COMMIT and ROLLBACK: the edges of an explicit transaction, and the one place where
//! anything is committed.

use std::sync::Arc;

use super::call::Call;
use super::life::{Detour, Life, Work};
use super::statement::{ABORTED, DEMANDED, not_in_progress};
use super::transactions::HeldTurn;
use crate::fault::{Commit, Phase};
use crate::history::Committed;
use crate::http::reply::Reply;
use crate::mvcc::{Conflict, Transaction};
use crate::quirks::{CommitOfFailed, UnknownTransactionStatement};
use crate::server::Inner;
use crate::wire::headers::{SessionChange, TRANSACTION_ID};

// The three texts for the wrong state, asserted by the vendor's own tests; the capital C of the
// third is how it is spelled there (firebolt-semantics §1.2).
const ALREADY_IN_PROGRESS: &str = "cannot BEGIN transaction: a transaction is already in progress";
const NOTHING_TO_COMMIT: &str = "cannot COMMIT transaction: no transaction is in progress";
const NOTHING_TO_ROLL_BACK: &str = "Cannot ROLLBACK transaction: no transaction is in progress";

/// Waits for the turn in a transaction; `None` when it is not open, or no longer once the turn
/// has come.
pub(crate) async fn turn(inner: &Inner, id: &str) -> Option<HeldTurn> {
    let queue = inner.state().transactions.get(id)?;
    let turn = queue.lock_owned().await;
    inner.state().transactions.contains(id).then_some(turn)
}

/// BEGIN: the snapshot is taken when it has executed.
pub(crate) async fn begin(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    if let Some(id) = &life.call.info.transaction {
        if let Some(mut turn) = turn(inner, id).await {
            turn.doomed = true;
            return Err(Detour::Answer(Reply::user_error(ALREADY_IN_PROGRESS)));
        }
        if inner.config.quirks.unknown_transaction_statement == UnknownTransactionStatement::Refuse
        {
            return Err(Detour::Answer(not_in_progress(id)));
        }
    }
    life.wait_for_engine().await?;
    life.take_off();
    match life.work().await {
        Work::Done | Work::Conflict => {}
        Work::DoneAndKilled => return Err(Detour::Stop(life.death())),
        Work::Failed(detour) => return Err(detour),
    }
    let id = {
        let mut state = inner.state();
        let transaction = state.store.begin(inner.now_micros());
        let id = state.ids.transaction();
        state.transactions.open(id.clone(), transaction);
        id
    };
    life.done(Phase::Executed).await?;
    let reply = life.call.encode_nothing(&life.query_id)?;
    Ok(reply.with_session(SessionChange::Set { name: TRANSACTION_ID, value: id }))
}

/// COMMIT: validated and applied when it has executed; the transaction is aborted by anything
/// else that happens to it.
pub(crate) async fn commit_transaction(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    let refusal = || Detour::Answer(Reply::user_error(NOTHING_TO_COMMIT));
    let id = life.call.info.transaction.as_deref().ok_or_else(refusal)?;
    let mut turn = turn(inner, id).await.ok_or_else(refusal)?;
    if turn.doomed {
        return commit_of_failed(life.call, id, &life.query_id);
    }
    life.wait_for_engine().await?;
    if !inner.state().transactions.contains(id) {
        return Err(refusal());
    }
    life.take_off();
    turn.doomed = true;
    let work = life.work().await;
    let killed = matches!(work, Work::DoneAndKilled);
    match work {
        Work::Done | Work::DoneAndKilled => {}
        Work::Failed(detour) => return Err(detour),
        Work::Conflict => return Err(life.conflict(DEMANDED)),
    }
    let Some(transaction) = turn.transaction.take() else {
        return Err(Detour::Answer(Reply::user_error(ABORTED)));
    };
    let committed = commit(life, transaction, Some(id));
    if killed {
        inner.state().transactions.end(id);
        return Err(Detour::Stop(life.death()));
    }
    // A conflict leaves the transaction aborted until ROLLBACK; a commit ends it.
    committed.map_err(|conflict| life.conflict(conflict))?;
    inner.state().transactions.end(id);
    life.done(Phase::Committed).await?;
    ended(life.call, &life.query_id)
}

fn commit_of_failed(call: &Call, id: &str, query_id: &str) -> Result<Reply, Detour> {
    match call.inner.config.quirks.commit_of_failed_transaction {
        CommitOfFailed::Error => Err(Detour::Answer(Reply::user_error(ABORTED))),
        CommitOfFailed::Rollback => {
            call.inner.state().transactions.end(id);
            ended(call, query_id)
        }
    }
}

/// ROLLBACK: succeeds on a transaction in any state, the dead and the unknown included. An error
/// there would leave clients with an id that they never get rid of (firebolt-wire §7).
pub(crate) async fn roll_back(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    let Some(id) = life.call.info.transaction.as_deref() else {
        return Err(Detour::Answer(Reply::user_error(NOTHING_TO_ROLL_BACK)));
    };
    let turn = turn(inner, id).await;
    life.wait_for_engine().await?;
    life.take_off();
    match life.work().await {
        Work::Done | Work::Conflict => {}
        Work::DoneAndKilled => {
            inner.state().transactions.end(id);
            return Err(Detour::Stop(life.death()));
        }
        Work::Failed(detour) => return Err(detour),
    }
    inner.state().transactions.end(id);
    drop(turn);
    life.done(Phase::Executed).await?;
    ended(life.call, &life.query_id)
}

fn ended(call: &Call, query_id: &str) -> Result<Reply, Detour> {
    let reply = call.encode_nothing(query_id)?;
    Ok(reply.with_session(SessionChange::Remove { name: TRANSACTION_ID }))
}

/// Commits, and tells the log and the hooks what that changed.
pub(crate) fn commit(
    life: &Life<'_>,
    transaction: Transaction,
    id: Option<&str>,
) -> Result<(), Conflict> {
    let Call { inner, info, .. } = life.call;
    if !transaction.has_writes() {
        return Ok(());
    }
    let at = inner.elapsed();
    let record = {
        let mut state = inner.state();
        let record = Arc::new(state.store.commit(transaction, inner.now_micros())?);
        if record.changes.is_empty() {
            return Ok(());
        }
        state.log.push(Committed {
            at,
            peer: Arc::from(info.peer.as_str()),
            sql: Arc::clone(&info.sql),
            transaction: id.map(Arc::from),
            record: Arc::clone(&record),
        });
        record
    };
    inner.hooks.committed(&Commit {
        record: &record,
        peer: &info.peer,
        sql: &info.sql,
        transaction: id,
        at,
    });
    Ok(())
}
