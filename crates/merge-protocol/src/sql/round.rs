//! The frame of a round: begin, the fence, the check, the end.

use super::quote::{Name, Text, texts};
use crate::object::FileId;
use crate::plan::Beside;

/// Opens a transaction. Its reply must carry a transaction id.
pub const BEGIN: &str = "BEGIN";
/// The only statement that makes anything of a round visible.
pub const COMMIT: &str = "COMMIT";
/// Gives a round up.
pub const ROLLBACK: &str = "ROLLBACK";

/// The fence: rewrites the one row that every merge of the table rewrites first. Whatever else two
/// merges do, only one of them can commit, because Firebolt detects write conflicts on existing rows
/// and on nothing else (firebolt-semantics, what conflicts with what).
pub fn fence(target: &str, token: &str) -> String {
    format!(
        "UPDATE {} SET \"token\" = {}, \"commits\" = \"commits\" + 1 WHERE TRUE",
        Name(&Beside::Control.table(target)),
        Text(token)
    )
}

/// Whether the fence is committed, asked from outside the transaction: it must not be.
pub fn guard(target: &str, token: &str) -> String {
    format!(
        "SELECT g.\"token\" FROM {} AS g WHERE g.\"token\" = {}",
        Name(&Beside::Control.table(target)),
        Text(token)
    )
}

/// The control rows and which of our files the ledger has, read behind the fence.
pub fn check<'a>(target: &str, files: impl Iterator<Item = &'a FileId> + Clone) -> String {
    format!(
        "SELECT c.\"token\", c.\"commits\", c.\"generation\", c.\"since\", c.\"horizon\", l.\"file_id\", \
         l.\"generation\" AS \"file_generation\", l.\"attempt\" FROM {} AS c LEFT JOIN \"cdc_ledger\" AS l \
         ON l.\"target\" = {} AND l.\"file_id\" IN ({})",
        Name(&Beside::Control.table(target)),
        Text(target),
        texts(files.map(FileId::as_str))
    )
}
