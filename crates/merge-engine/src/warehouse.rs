//! Statements over the client: commands of a merge in, replies out.
//!
//! It renders nothing (the protocol does) and judges nothing (the failure table does): it knows which
//! statement goes into the transaction, how long to wait for it, and how to read its rows.

use crate::catalog::Catalog;
use firebolt_client::{Client, Commit, Error, ErrorKind, ResultSet, StatementOptions, Transaction};
use merge_protocol::failure::{Effect, Failure, FailureKind, Seen};
use merge_protocol::machine::{
    CheckView, Command, Counts, Found, FoundIn, LedgerHit, Merge, Reply,
};
use merge_protocol::object::FileId;
use merge_protocol::plan::{Beside, ControlRow, Look};
use merge_protocol::policy::Policy;
use merge_protocol::schema::{Column, ColumnType};
use merge_protocol::sql;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rolling back is a courtesy: the server forgets an abandoned transaction anyway.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(5);
/// The statement's own limit lies below the client's patience by this much, so that the server has
/// given up by the time the client does.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(1);

/// The warehouse as one merge sees it: the client, and the transaction that is open.
pub(crate) struct Warehouse<'a> {
    client: &'a Client,
    catalog: &'a Catalog,
    transaction: Option<Transaction>,
}

impl<'a> Warehouse<'a> {
    pub(crate) fn new(client: &'a Client, catalog: &'a Catalog) -> Warehouse<'a> {
        Warehouse { client, catalog, transaction: None }
    }

    /// Performs a command that is made of statements.
    pub(crate) async fn perform(
        &mut self,
        merge: &Merge,
        command: &Command,
        remaining: Duration,
    ) -> Reply {
        let options = options(merge, command, remaining);
        let reply = match command {
            Command::Look => self.look(merge, &options).await.map(Reply::Looked),
            Command::Begin => self.begin(&options).await,
            Command::Commit => self.commit(&options).await,
            Command::Rollback => {
                if let Some(transaction) = self.transaction.take() {
                    // Whatever comes of it, the transaction is not used again.
                    let _ = transaction.rollback(&options).await;
                }
                Ok(Reply::Done)
            }
            _ => match merge.statement(command) {
                None => Err(unexpected(format!("{command:?} has no statement in this state"))),
                Some(statement) => self.statement(command, &statement, &options).await,
            },
        };
        reply.unwrap_or_else(Reply::Failed)
    }

    async fn begin(&mut self, options: &StatementOptions) -> Result<Reply, Failure> {
        // The id of a transaction that ended in doubt must never be sent again.
        self.transaction = None;
        match self.client.begin(options).await {
            Ok(transaction) => {
                self.transaction = Some(transaction);
                Ok(Reply::Opened)
            }
            Err(why) if why.kind() == ErrorKind::NoTransaction => Err(Failure::no_transaction_id()),
            Err(why) => Err(self.failed(&why)),
        }
    }

    async fn commit(&mut self, options: &StatementOptions) -> Result<Reply, Failure> {
        let Some(transaction) = self.transaction.take() else {
            return Err(unexpected("COMMIT without a transaction".into()));
        };
        match transaction.commit(options).await {
            Commit::Committed => Ok(Reply::Done),
            Commit::Aborted(why) | Commit::InDoubt(why) => Err(self.failed(&why)),
            Commit::NotSent(transaction, why) => {
                self.transaction = Some(transaction);
                Err(self.failed(&why))
            }
        }
    }

    async fn statement(
        &mut self,
        command: &Command,
        statement: &str,
        options: &StatementOptions,
    ) -> Result<Reply, Failure> {
        let rows = match is_in_round(command) {
            true => {
                let Some(transaction) = &mut self.transaction else {
                    return Err(unexpected(format!("{command:?} without a transaction")));
                };
                transaction.execute(statement, options).await
            }
            false => self.client.query(statement, options).await,
        };
        let mut rows = rows.map_err(|why| self.failed(&why))?;
        if matches!(
            command,
            Command::Probe | Command::Confirm | Command::Count | Command::Check | Command::Guard
        ) {
            rows = with_columns(rows)?;
        }
        match command {
            Command::Probe | Command::Confirm => found(&rows).map(Reply::Probed),
            Command::Count => counts(&rows).map(Reply::Counted),
            Command::Check => check(&rows).map(Reply::Checked),
            Command::Guard => Ok(Reply::Guarded(!rows.is_empty())),
            _ => Ok(Reply::Done),
        }
        .map_err(|what| unexpected(format!("{command:?} was answered by {what}")))
    }

    /// One question, one more where the columns are not known yet, and one or three more where our
    /// tables were not all there.
    async fn look(&mut self, merge: &Merge, options: &StatementOptions) -> Result<Look, Failure> {
        let target = merge.task().target.as_str();
        let (state, beside) = self.state(target, options).await?;
        let fed = fed_columns(&state);
        // A merge that looks again does so because what it knew was refused; and a column that was
        // fed and is not remembered was added since.
        let known = self.catalog.columns(target).filter(|columns| {
            merge.look().is_none()
                && fed.keys().all(|name| columns.iter().any(|column| &column.name == name))
        });
        let columns = match known {
            Some(columns) => columns,
            None => {
                let columns =
                    table_columns(&self.read(&sql::catalog::columns(target), options).await?)?;
                self.catalog.learn(target, &columns);
                columns
            }
        };
        Ok(Look { columns, control: control_rows(&state)?, fed, beside })
    }

    /// What our tables hold, and which of them are there.
    async fn state(
        &self,
        target: &str,
        options: &StatementOptions,
    ) -> Result<(ResultSet, BTreeSet<Beside>), Failure> {
        let mut again = true;
        loop {
            let failure = match self.read(&sql::catalog::state(target), options).await {
                Ok(state) => return Ok((state, Beside::ALL.into_iter().collect())),
                Err(failure) if matches!(failure.kind, FailureKind::MissingTable(_)) => failure,
                Err(failure) => return Err(failure),
            };
            let names = self.read(&sql::catalog::beside(target), options).await?;
            let is_there = |table: &Beside| {
                let name = table.table(target);
                (0..names.len()).any(|row| names.text(row, "table_name") == Some(&name))
            };
            let beside: BTreeSet<Beside> = Beside::ALL.into_iter().filter(is_there).collect();
            if beside.len() < Beside::ALL.len() {
                return Ok((ResultSet::default(), beside));
            }
            // All there now: another merge has set the last one up between the two questions. What
            // they hold has not been read, and no control row would pass for one that is broken.
            if !std::mem::take(&mut again) {
                return Err(failure);
            }
        }
    }

    /// The control row of a table, if it has one.
    pub(crate) async fn control(
        &self,
        target: &str,
        options: &StatementOptions,
    ) -> Result<Option<ControlRow>, Failure> {
        let state = none_if_missing(self.read(&sql::catalog::state(target), options).await)?;
        Ok(control_rows(&state)?.into_iter().next())
    }

    /// A statement that answers nothing.
    pub(crate) async fn run(
        &self,
        statement: &str,
        options: &StatementOptions,
    ) -> Result<(), Failure> {
        self.client.query(statement, options).await.map(drop).map_err(|why| self.failed(&why))
    }

    /// A question.
    pub(crate) async fn read(
        &self,
        statement: &str,
        options: &StatementOptions,
    ) -> Result<ResultSet, Failure> {
        let rows = self.client.query(statement, options).await.map_err(|why| self.failed(&why))?;
        with_columns(rows)
    }

    fn failed(&self, why: &Error) -> Failure {
        let failure = judge(why);
        let gone = matches!(
            failure.kind,
            FailureKind::EngineAway
                | FailureKind::Unauthorized
                | FailureKind::Unreached
                | FailureKind::NotAuthorized
        );
        if gone {
            // The endpoint that sign-on gave may be gone with the engine.
            self.client.forget_session();
        }
        failure
    }
}

fn is_in_round(command: &Command) -> bool {
    match command {
        Command::Fence
        | Command::Check
        | Command::Merge
        | Command::Versions
        | Command::RecordBelowHorizon(_)
        | Command::Ledger
        | Command::SetAside(_) => true,
        Command::Look
        | Command::Bootstrap(_)
        | Command::Probe
        | Command::Normalise
        | Command::AddColumn(_)
        | Command::Stage
        | Command::Count
        | Command::Begin
        | Command::Guard
        | Command::Commit
        | Command::Confirm
        | Command::Rollback
        | Command::Drop
        | Command::Pause(_)
        | Command::Finish => false,
    }
}

fn options(merge: &Merge, command: &Command, remaining: Duration) -> StatementOptions {
    let policy: &Policy = &merge.task().policy;
    let patience = match command {
        Command::Merge | Command::Versions => policy.patience_merge,
        Command::Stage | Command::Count => policy.patience_stage,
        Command::Rollback => ROLLBACK_PATIENCE,
        _ => policy.patience_quick,
    };
    let patience = patience.min(remaining);
    let mut options = StatementOptions::new(patience)
        .label(merge.label())
        .statement_timeout(patience.saturating_sub(TIMEOUT_MARGIN).max(TIMEOUT_MARGIN));
    if matches!(
        command,
        Command::Look | Command::Probe | Command::Check | Command::Guard | Command::Confirm
    ) {
        // A cached answer could be older than a commit that we must see.
        options = options.setting("enable_result_cache", "false");
    }
    options
}

/// The client's error in the protocol's words.
pub(crate) fn judge(why: &Error) -> Failure {
    let text = why.message();
    let answered = |status: u16| Failure::judge(Seen::Answered { status, text });
    match why.kind() {
        ErrorKind::Connect => Failure::judge(Seen::NotSent).with_text(text),
        ErrorKind::TimedOut if why.status().is_none() => {
            Failure::judge(Seen::TimedOut).with_text(text)
        }
        ErrorKind::ConnectionLost | ErrorKind::Malformed => {
            Failure::judge(Seen::Lost).with_text(text)
        }
        ErrorKind::Unauthorized => answered(401),
        ErrorKind::TooManyRequests => answered(429),
        // The server ended the transaction under us: whether by committing it, nobody says.
        ErrorKind::NoTransaction if why.status().is_none() => Failure {
            kind: FailureKind::NoTransaction,
            effect: Effect::InDoubt,
            text: text.to_owned(),
        },
        ErrorKind::Config => unexpected(text.to_owned()),
        _ => answered(why.status().unwrap_or(500)),
    }
}

/// A question that is answered without columns was not answered: an empty body would pass for "no
/// rows", and no rows means that nothing was applied yet.
fn with_columns(rows: ResultSet) -> Result<ResultSet, Failure> {
    if rows.columns.is_empty() {
        return Err(Failure::judge(Seen::Lost).with_text("the reply has no columns"));
    }
    Ok(rows)
}

fn unexpected(text: String) -> Failure {
    Failure { kind: FailureKind::NotAuthorized, effect: Effect::None, text }
}

/// A table that is not there holds no rows.
pub(crate) fn none_if_missing(rows: Result<ResultSet, Failure>) -> Result<ResultSet, Failure> {
    match rows {
        Err(Failure { kind: FailureKind::MissingTable(_), .. }) => Ok(ResultSet::default()),
        other => other,
    }
}

fn table_columns(rows: &ResultSet) -> Result<Vec<Column>, Failure> {
    (0..rows.len())
        .map(|row| {
            let text = |name| {
                rows.text(row, name)
                    .ok_or_else(|| unexpected(format!("information_schema.columns without {name}")))
            };
            Ok(Column {
                name: text("column_name")?.to_owned(),
                data_type: ColumnType::parse(text("data_type")?),
                nullable: text("is_nullable")? == "YES",
            })
        })
        .collect()
}

fn control_rows(rows: &ResultSet) -> Result<Vec<ControlRow>, Failure> {
    (0..rows.len())
        .filter(|row| rows.text(*row, "found") == Some("control"))
        .map(|row| {
            control_row(rows, row).ok_or_else(|| unexpected("unreadable control row".into()))
        })
        .collect()
}

fn control_row(rows: &ResultSet, row: usize) -> Option<ControlRow> {
    Some(ControlRow {
        token: rows.text(row, "token")?.to_owned(),
        generation: rows.int(row, "generation")?.try_into().ok()?,
        since: rows.text(row, "since")?.to_owned(),
        horizon: rows.text(row, "horizon")?.to_owned(),
    })
}

/// Per column the first change that had it: the smallest over all sets of columns with it.
fn fed_columns(rows: &ResultSet) -> BTreeMap<String, String> {
    let mut fed: BTreeMap<String, String> = BTreeMap::new();
    for row in (0..rows.len()).filter(|row| rows.text(*row, "found") == Some("fed")) {
        let (Some(columns), Some(first)) = (rows.text(row, "columns"), rows.text(row, "since"))
        else {
            continue;
        };
        for column in columns.lines() {
            let known = fed.entry(column.to_owned()).or_insert_with(|| first.to_owned());
            if first < known.as_str() {
                first.clone_into(known);
            }
        }
    }
    fed
}

fn found(rows: &ResultSet) -> Result<Vec<Found>, &'static str> {
    let one = |row| {
        Some(Found {
            found: match rows.text(row, "found")? {
                "ledger" => FoundIn::Ledger,
                "quarantine" => FoundIn::Quarantine,
                _ => return None,
            },
            file: FileId::from_ledger(rows.text(row, "file_id")?),
            generation: rows.int(row, "generation")?.try_into().ok()?,
            object_key: rows.text(row, "object_key")?.to_owned(),
            attempt: rows.text(row, "attempt")?.to_owned(),
        })
    };
    (0..rows.len()).map(|row| one(row).ok_or("an unreadable row")).collect()
}

fn counts(rows: &ResultSet) -> Result<Counts, &'static str> {
    let count = |name| {
        rows.int(0, name)
            .and_then(|count| u64::try_from(count).ok())
            .ok_or("something else than counts")
    };
    Ok(Counts { rows: count("n")?, keys: count("keys")?, key_columns: count("key_columns")? })
}

fn check(rows: &ResultSet) -> Result<CheckView, &'static str> {
    let one = |row| {
        let control = control_row(rows, row)?;
        let hit = match rows.text(row, "file_id") {
            None => None,
            Some(file) => Some(LedgerHit {
                file: FileId::from_ledger(file),
                generation: rows.int(row, "file_generation")?.try_into().ok()?,
                attempt: rows.text(row, "attempt")?.to_owned(),
            }),
        };
        Some((control, hit))
    };
    let rows: Option<Vec<_>> = (0..rows.len()).map(one).collect();
    rows.map(CheckView::from_rows).ok_or("an unreadable row")
}

#[cfg(test)]
mod tests;
