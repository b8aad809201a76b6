//! The multi-version store: snapshots, private writes, validation at commit.
//!
//! ```text
//! begin ─► Transaction ── reads its own view, writes into it
//!              │ commit
//!              ▼
//!          validate against the log of commits since BEGIN ─► new current catalogue │ Conflict
//! ```
//! - `tablet.rs`: rows under ids that are never used again, copied on write.
//! - `catalog.rs`: one immutable state of all tables; a snapshot is a pointer to it.
//! - `transaction.rs`: a private view and the writes that led to it; `definition.rs`: its DDL.
//! - `store.rs`: the current state, the log, commit.
//! - `validate.rs`: first committer wins.
//!
//! Old versions are freed when the last transaction that sees them ends: nothing has to be swept.
//! No clock, no randomness, no SQL in here.

mod catalog;
mod definition;
mod store;
mod tablet;
#[cfg(test)]
mod tests;
mod transaction;
mod validate;

pub(crate) use catalog::{
    Catalog, ColumnDefault, DefaultValue, Described, Entry, Extras, Object, Schema, Table, View,
};
pub use store::{ChangeKind, CommitRecord, Conflict, Snapshot, Store, TableChange};
pub use transaction::Transaction;
pub(crate) use transaction::WriteError;
