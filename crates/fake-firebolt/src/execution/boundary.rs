//! BEGIN, COMMIT and ROLLBACK: the edges of an explicit transaction, and the one place where
//! anything is committed.

use std::sync::Arc;

use tokio::time::Instant;

use super::call::Call;
use super::life::{Detour, Life, Work};
use super::statement::{ABORTED, DEMANDED, not_in_progress};
use super::steps;
use super::transaction_log::{End, TransactionRecord};
use super::transactions::{self, HeldTurn};
use crate::fault::{Commit, Phase};
use crate::history::Committed;
use crate::http::reply::Reply;
use crate::ids::Lsn;
use crate::mvcc::{Conflict, Transaction};
use crate::quirks::{
    Acceptance, CommitOfFailed, FailedCommit, TransactionId, UnknownTransactionStatement,
};
use crate::server::Inner;
use crate::wire::headers::{SessionChange, TRANSACTION_ID};

// The three texts for the wrong state, asserted by the vendor's own tests; the capital C of the
// third is how it is spelled there (firebolt-semantics §1.2).
const ALREADY_IN_PROGRESS: &str = "cannot BEGIN transaction: a transaction is already in progress";
const NOTHING_TO_COMMIT: &str = "cannot COMMIT transaction: no transaction is in progress";
const NOTHING_TO_ROLL_BACK: &str = "Cannot ROLLBACK transaction: no transaction is in progress";

/// The protocol that knows transactions (firebolt-semantics §1.2).
const PROTOCOL_MIN: (u32, u32) = (2, 4);

/// Waits for the turn in a transaction; `None` when it is not open, or no longer once the turn
/// has come.
pub(crate) async fn turn(inner: &Inner, id: &str) -> Option<HeldTurn> {
    let queue = transactions::queue(inner, id)?;
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
    check_protocol(life.call)?;
    life.wait_for_engine().await?;
    life.take_off();
    match life.work().await {
        Work::Done | Work::Conflict => {}
        Work::DoneAndKilled => return Err(Detour::Stop(life.death())),
        Work::Failed(detour) => return Err(detour),
    }
    let id = open(inner)?;
    life.done(Phase::Executed).await?;
    let reply = life.call.encode_nothing(life.query_id)?;
    let reply = reply.with_session(SessionChange::set(TRANSACTION_ID, id));
    Ok(steps::tell(life.call, 1, reply))
}

/// Opens a transaction, if there is room for one more; its id.
fn open(inner: &Inner) -> Result<String, Detour> {
    let quirks = &inner.config.quirks;
    let mut state = inner.state();
    if quirks.open_transactions_max > 0 {
        transactions::sweep(inner, &mut state);
        if state.transactions.len() >= quirks.open_transactions_max {
            let text = "cannot BEGIN transaction: too many transactions are in progress";
            return Err(Detour::Answer(Reply::user_error(text)));
        }
    }
    let transaction = state.store.begin(inner.now_micros());
    let begin = state.ids.lsn();
    let id = match quirks.transaction_id {
        TransactionId::Lsn => begin.to_string(),
        TransactionId::Opaque => state.ids.uuid().to_string(),
    };
    state.transactions.open(id.clone(), begin, transaction, Instant::now());
    Ok(id)
}

/// A client that says it speaks an older protocol would never send the id back, and every
/// statement that it means to be part of the transaction would commit on its own.
fn check_protocol(call: &Call) -> Result<(), Detour> {
    let Some(spoken) = &call.protocol else { return Ok(()) };
    if call.inner.config.quirks.old_protocol_begin == Acceptance::Accept {
        return Ok(());
    }
    let (major, minor) = spoken.split_once('.').unwrap_or((spoken, "0"));
    let version = (major.parse().unwrap_or(0), minor.parse().unwrap_or(0));
    if version >= PROTOCOL_MIN {
        return Ok(());
    }
    let text = format!(
        "cannot BEGIN transaction: it needs Firebolt-Protocol-Version 2.4 or later, and the \
         client speaks {spoken}"
    );
    Err(Detour::Answer(Reply::user_error(&text)))
}

/// COMMIT: validated and applied when it has executed; the transaction is aborted by anything
/// else that happens to it.
pub(crate) async fn commit_transaction(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    let refusal = || Detour::Answer(Reply::user_error(NOTHING_TO_COMMIT));
    let id = life.call.info.transaction.as_deref().ok_or_else(refusal)?;
    let Some(mut turn) = turn(inner, id).await else {
        return commit_again(life, id).await.ok_or_else(refusal)?;
    };
    if turn.doomed {
        return commit_of_failed(life.call, id, life);
    }
    steps::check(life.call, &turn)?;
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
        Work::Conflict => return Err(failed_commit(life, id, DEMANDED)),
    }
    let Some(transaction) = turn.transaction.take() else {
        return Err(Detour::Answer(Reply::user_error(ABORTED)));
    };
    let committed = commit(life, transaction, Some(id));
    if killed {
        let end = committed.map_or(End::RolledBack, End::Committed);
        transactions::end(inner, &mut inner.state(), id, end);
        return Err(Detour::Stop(life.death()));
    }
    let lsn = committed.map_err(|conflict| failed_commit(life, id, conflict))?;
    {
        let mut state = inner.state();
        transactions::end(inner, &mut state, id, End::Committed(lsn));
        if inner.config.quirks.duplicate_commit == Acceptance::Accept {
            state.transactions.remember_commit(id);
        }
    }
    life.done(Phase::Committed).await?;
    ended(life)
}

/// The answer to a conflict at COMMIT. The transaction stays aborted until ROLLBACK, or is gone.
fn failed_commit(life: &Life<'_>, id: &str, conflict: Conflict) -> Detour {
    let inner = &life.call.inner;
    let quirks = &inner.config.quirks;
    if quirks.failed_commit == FailedCommit::Ended {
        transactions::end(inner, &mut inner.state(), id, End::RolledBack);
    }
    match life.conflict(conflict) {
        Detour::Answer(reply) if quirks.failed_commit_removes_id => {
            let reply = reply.with_session(SessionChange::Remove { name: TRANSACTION_ID });
            Detour::Answer(steps::end(life.call, reply))
        }
        detour => detour,
    }
}

/// A COMMIT of a transaction that has committed: the same success once more, under the quirk.
async fn commit_again(life: &mut Life<'_>, id: &str) -> Option<Result<Reply, Detour>> {
    if !life.call.inner.state().transactions.has_committed(id) {
        return None;
    }
    if let Err(detour) = life.done(Phase::Executed).await {
        return Some(Err(detour));
    }
    Some(ended(life))
}

fn commit_of_failed(call: &Call, id: &str, life: &Life<'_>) -> Result<Reply, Detour> {
    match call.inner.config.quirks.commit_of_failed_transaction {
        CommitOfFailed::Error => Err(Detour::Answer(Reply::user_error(ABORTED))),
        CommitOfFailed::Rollback => {
            transactions::end(&call.inner, &mut call.inner.state(), id, End::RolledBack);
            ended(life)
        }
    }
}

/// ROLLBACK: succeeds on a transaction in any state, the dead and the unknown included. An error
/// there would leave clients with an id that they never get rid of (firebolt-wire §7).
pub(crate) async fn roll_back(life: &mut Life<'_>) -> Result<Reply, Detour> {
    let inner = &life.call.inner;
    let refusal = || Detour::Answer(Reply::user_error(NOTHING_TO_ROLL_BACK));
    let id = life.call.info.transaction.as_deref().ok_or_else(refusal)?;
    let turn = turn(inner, id).await;
    if turn.is_none() && inner.config.quirks.rollback_of_unknown == Acceptance::Refuse {
        return Err(refusal());
    }
    life.wait_for_engine().await?;
    life.take_off();
    let work = life.work().await;
    if !matches!(work, Work::Failed(_)) {
        transactions::end(inner, &mut inner.state(), id, End::RolledBack);
    }
    match work {
        Work::Done | Work::Conflict => {}
        Work::DoneAndKilled => return Err(Detour::Stop(life.death())),
        Work::Failed(detour) => return Err(detour),
    }
    drop(turn);
    life.done(Phase::Executed).await?;
    ended(life)
}

fn ended(life: &Life<'_>) -> Result<Reply, Detour> {
    let reply = life.call.encode_nothing(life.query_id)?;
    let reply = reply.with_session(SessionChange::Remove { name: TRANSACTION_ID });
    Ok(steps::end(life.call, reply))
}

/// Commits, and tells the logs and the hooks what that changed. The place of the commit in the
/// sequence of transactions.
pub(crate) fn commit(
    life: &mut Life<'_>,
    transaction: Transaction,
    id: Option<&str>,
) -> Result<Lsn, Conflict> {
    let Call { inner, info, .. } = life.call;
    if !transaction.has_writes() {
        return Ok(inner.state().ids.lsn());
    }
    let at = inner.elapsed();
    let began_micros = transaction.began_micros();
    let (record, lsn) = {
        let mut state = inner.state();
        let now = inner.now_micros();
        // One of its own begins and ends here; the other has its beginning already.
        let begin = if id.is_none() { Some(state.ids.lsn()) } else { None };
        let record = Arc::new(state.store.commit(transaction, now)?);
        let lsn = state.ids.lsn();
        if let Some(begin) = begin {
            let end = End::Committed(lsn);
            let done = TransactionRecord { begin, began_micros, ended_micros: now, end };
            state.transaction_log.push(done, inner.config.quirks.transactions_max);
        }
        if record.changes.is_empty() {
            return Ok(lsn);
        }
        state.log.push(Committed {
            at,
            peer: Arc::from(info.peer.as_str()),
            sql: Arc::clone(&info.sql),
            transaction: id.map(Arc::from),
            record: Arc::clone(&record),
        });
        (record, lsn)
    };
    if id.is_none() {
        life.inserted_rows = Some(record.changes.iter().map(|change| change.inserted.len()).sum());
    }
    inner.hooks.committed(&Commit {
        record: &record,
        peer: &info.peer,
        sql: &info.sql,
        transaction: id,
        at,
    });
    Ok(lsn)
}
