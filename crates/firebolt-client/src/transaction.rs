//! An explicit transaction: a session value with an id of its own.
//!
//! It can be committed once, by value, and every outcome of a COMMIT has a name: [`Commit`]. A
//! statement of a transaction whose id the server has taken back is never sent, because without the
//! id it would commit by itself.

use crate::client::Client;
use crate::config::StatementOptions;
use crate::error::{Asked, Effect, Error, ErrorKind};
use crate::response::{Reply, ResultSet};
use crate::session::Session;

/// An open transaction. Dropped without commit or rollback, it is left to the server, where it cannot
/// commit any more.
#[must_use = "a transaction that is neither committed nor rolled back stays open on the server"]
pub struct Transaction {
    client: Client,
    session: Session,
    id: String,
}

/// What became of a COMMIT.
#[derive(Debug)]
#[must_use = "a COMMIT has four outcomes, and only one of them means committed"]
pub enum Commit {
    /// Answered by a 2xx whose body has no errors.
    Committed,
    /// Certainly not committed: a detected conflict, or the server had ended the transaction before.
    Aborted(Error),
    /// The COMMIT was never executed (not sent, 401 after a refresh, 429), and the transaction is still
    /// open: it may be committed again.
    NotSent(Transaction, Error),
    /// It may have been committed, and may still be. Only reading back tells.
    InDoubt(Error),
}

impl Transaction {
    pub(crate) fn new(client: Client, session: Session, id: String) -> Self {
        Transaction { client, session, id }
    }

    /// The server's id of the transaction; safe to log.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Runs one statement inside the transaction.
    ///
    /// # Errors
    /// After any error the server holds the transaction as aborted (firebolt-wire §7), except where
    /// the statement was not executed at all. [`Effect::InDoubt`] here means: may have happened
    /// *inside* the transaction; nothing is visible to others before a COMMIT.
    pub async fn execute(
        &mut self,
        sql: &str,
        options: &StatementOptions,
    ) -> Result<ResultSet, Error> {
        self.send(sql, options, Asked::Statement).await
    }

    /// Commits.
    pub async fn commit(mut self, options: &StatementOptions) -> Commit {
        let error = match self.send("COMMIT", options, Asked::Commit).await {
            Ok(_) => return Commit::Committed,
            Err(error) => error,
        };
        if error.kind() == ErrorKind::NoTransaction || error.is_conflict() {
            return Commit::Aborted(error);
        }
        match error.effect() {
            // For a COMMIT, `classify` gives None to nothing but conflicts and rejections.
            Effect::None if self.is_open() => Commit::NotSent(self, error),
            Effect::None => Commit::Aborted(error),
            Effect::InDoubt | Effect::Certain => Commit::InDoubt(error),
        }
    }

    /// Rolls back. A transaction that the server knows no more is rolled back.
    ///
    /// # Errors
    /// The request failed. Nothing was committed all the same.
    pub async fn rollback(mut self, options: &StatementOptions) -> Result<(), Error> {
        match self.send("ROLLBACK", options, Asked::Statement).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NoTransaction => Ok(()),
            // firebolt-wire §6.3 and §11.2
            Err(error) if error.message().contains("no transaction is in progress") => Ok(()),
            Err(error) => Err(error.with_effect(Effect::None)),
        }
    }

    async fn send(
        &mut self,
        sql: &str,
        options: &StatementOptions,
        asked: Asked,
    ) -> Result<ResultSet, Error> {
        if !self.is_open() {
            let message = format!("the server has ended transaction {}", self.id);
            return Err(
                Error::new(ErrorKind::NoTransaction, Effect::None, message).with_context(sql)
            );
        }
        let bound = self.client.bound(options);
        let Reply { result, change } =
            self.client.run(&self.session, sql, options, asked, bound).await;
        self.session.apply(&change);
        result
    }

    /// True while requests carry the id that BEGIN gave. An id that was removed or replaced is the
    /// end: a statement sent under another id would be part of something else.
    fn is_open(&self) -> bool {
        self.session.transaction_id() == Some(&self.id)
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").field("id", &self.id).finish_non_exhaustive()
    }
}
