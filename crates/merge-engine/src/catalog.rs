//! The columns of the targets, remembered between the merges of one engine.
//!
//! A stale entry leads to a refusal by the server, and a merge that looks again asks the server and
//! not this; a column that was fed and is not remembered makes the entry stale at once. The control row
//! and what was fed are never remembered.

use merge_protocol::schema::Column;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Columns per target.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    columns: Mutex<BTreeMap<String, Vec<Column>>>,
}

impl Catalog {
    /// What is remembered of a target.
    pub(crate) fn columns(&self, target: &str) -> Option<Vec<Column>> {
        let columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        columns.get(target).cloned()
    }

    /// Remembers what the server said. That a table is not there is not worth remembering: somebody is
    /// about to create it.
    pub(crate) fn learn(&self, target: &str, columns: &[Column]) {
        let mut known = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if columns.is_empty() {
            known.remove(target);
        } else {
            known.insert(target.to_owned(), columns.to_vec());
        }
    }
}
