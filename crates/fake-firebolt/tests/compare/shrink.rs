//! From a script that the engines disagree about to the least one that they still disagree about.
//!
//! Greedy: the first smaller script that still shows a difference is taken, until none does. It has
//! to be of the same sort, or each search would end at the commonest fault there is.

use super::postgres_wire::{Connection, Refusal};
use super::tree::Node;
use super::{Difference, difference};

/// Scripts tried; a step is a few milliseconds.
const TRIES_MAX: usize = 3_000;

/// The least script found, with its difference.
///
/// # Errors
/// The connection is gone.
pub(crate) fn shrink(
    connection: &mut Connection,
    script: Node,
    found: Difference,
) -> Result<(Node, Difference), Refusal> {
    let mut best = (script.until(found.statement), found);
    let mut tries = 0;
    'smaller: loop {
        for candidate in best.0.smaller() {
            tries += 1;
            if tries > TRIES_MAX {
                return Ok(best);
            }
            let found = difference(connection, candidate.items())?;
            if let Some(found) = found.filter(|found| found.sort() == best.1.sort()) {
                best = (candidate, found);
                continue 'smaller;
            }
        }
        return Ok(best);
    }
}
