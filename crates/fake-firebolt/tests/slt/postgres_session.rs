//! A session on PostgreSQL that can be asked what the fake is asked.
//!
//! PostgreSQL at REPEATABLE READ has the isolation that Firebolt documents: snapshot isolation, the
//! first committer wins. It differs in when one hears of it, and this file evens that out:
//! * the snapshot is fixed by the first query, Firebolt's by BEGIN: BEGIN asks a query;
//! * a write on a row that another open transaction has written waits for that one's end. The
//!   script is one thread and would wait for ever. So a write that finds a lock is undone and asked
//!   again directly before COMMIT, by when the other one has to be at its end;
//! * the loser hears of the conflict at its write, in Firebolt at COMMIT: the news is held back, and
//!   is the answer to COMMIT.
//!
//! It must not hide anything else: each other refusal is handed on as it comes.

use sqllogictest::{DB, DBOutput};

use super::letter::Letter;
use super::letter_of_oid::letter_of_oid;
use super::postgres_wire::{Address, Connection, Refusal};

/// SQLSTATE of a conflict between snapshots, and of a deadlock.
const CONFLICTS: [&str; 2] = ["40001", "40P01"];

/// SQLSTATE of a lock that was not to be had in time.
const LOCKED: &str = "55P03";

/// What every session says first. Names are looked up in the script's own schema.
const SETTINGS: &str = "SET default_transaction_isolation = 'repeatable read'; \
     SET lock_timeout = '60ms'; SET timezone = 'UTC'; SET datestyle = 'ISO'; \
     SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1; \
     SET client_min_messages = 'error'";

/// The sessions of one script share a schema of their own.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    /// Inside BEGIN … COMMIT.
    open: bool,
    /// Writes that found a lock, in order.
    waiting: Vec<String>,
    /// A conflict that COMMIT will tell.
    lost: Option<Refusal>,
}

impl Session {
    pub(crate) fn open(address: &Address, schema: &str) -> Result<Self, Refusal> {
        let mut connection = Connection::open(address)?;
        connection.query(SETTINGS)?;
        connection.query(&format!("SET search_path = {schema}"))?;
        Ok(Self { connection, open: false, waiting: Vec::new(), lost: None })
    }

    fn begin(&mut self) -> Result<DBOutput<Letter>, Refusal> {
        self.connection.query("BEGIN")?;
        self.connection.query("SELECT 1")?;
        self.open = true;
        Ok(DBOutput::StatementComplete(0))
    }

    fn end(&mut self, verb: &str) -> Result<DBOutput<Letter>, Refusal> {
        self.open = false;
        let waiting = std::mem::take(&mut self.waiting);
        let lost = self.lost.take();
        if verb == "ROLLBACK" {
            self.connection.query("ROLLBACK")?;
            return Ok(DBOutput::StatementComplete(0));
        }
        let told = match lost {
            Some(refusal) => Err(refusal),
            None => waiting.iter().try_for_each(|text| self.connection.query(text).map(drop)),
        };
        if let Err(refusal) = told {
            self.connection.query("ROLLBACK")?;
            return Err(refusal);
        }
        self.connection.query("COMMIT")?;
        Ok(DBOutput::StatementComplete(0))
    }

    /// A write inside a transaction: it may be put off, and it may lose.
    fn write(&mut self, text: &str) -> Result<DBOutput<Letter>, Refusal> {
        if self.lost.is_some() || !self.waiting.is_empty() {
            // Behind a write that waits, or that has lost: in Firebolt this one would just run.
            self.waiting.push(text.to_owned());
            return Ok(DBOutput::StatementComplete(0));
        }
        self.connection.query("SAVEPOINT here")?;
        match self.connection.query(text) {
            Ok(_) => {
                self.connection.query("RELEASE SAVEPOINT here")?;
            }
            Err(refusal) if refusal.state == LOCKED => {
                self.connection.query("ROLLBACK TO SAVEPOINT here")?;
                self.waiting.push(text.to_owned());
            }
            Err(refusal) if CONFLICTS.contains(&refusal.state.as_str()) => {
                self.connection.query("ROLLBACK TO SAVEPOINT here")?;
                self.lost = Some(refusal);
            }
            Err(refusal) => return Err(refusal),
        }
        Ok(DBOutput::StatementComplete(0))
    }
}

impl DB for Session {
    type Error = Refusal;
    type ColumnType = Letter;

    fn run(&mut self, text: &str) -> Result<DBOutput<Letter>, Refusal> {
        let verb = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        match verb.trim_end_matches(';') {
            "BEGIN" if !self.open => return self.begin(),
            verb @ ("COMMIT" | "ROLLBACK") if self.open => return self.end(verb),
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" if self.open => return self.write(text),
            _ => {}
        }
        let answer = self.connection.query(text)?;
        let Some(oids) = answer.oids else { return Ok(DBOutput::StatementComplete(0)) };
        let types: Vec<Letter> = oids.into_iter().map(letter_of_oid).collect();
        let cell = |(letter, cell): (&Letter, Option<String>)| {
            cell.map_or_else(|| "NULL".to_owned(), |cell| letter.canonical(&cell))
        };
        let rows = answer.rows.into_iter().map(|row| types.iter().zip(row).map(cell).collect());
        Ok(DBOutput::Rows { rows: rows.collect(), types })
    }

    fn engine_name(&self) -> &str {
        "postgresql"
    }
}
