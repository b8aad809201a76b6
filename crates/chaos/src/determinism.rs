//! The same plan twice: what makes a seed a reproducer.
//!
//! Only equality of the whole history counts; two runs that agree on a random number at their end
//! may have disagreed on everything before it.

use crate::history::Event;
use crate::plan::Plan;
use crate::run::{Record, run};

/// The first place where two histories differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Its index in both histories.
    pub at: usize,
    /// The event of the first run, if it has one there.
    pub first: Option<Event>,
    /// The event of the second run, if it has one there.
    pub second: Option<Event>,
}

/// Runs the plan twice in this process and compares.
///
/// # Errors
/// What went wrong in the simulator itself.
pub fn twice(plan: &Plan) -> Result<Option<Divergence>, String> {
    let (first, second) = (run(plan, Record::Full), run(plan, Record::Full));
    if let Some(error) = first.internal_error.or(second.internal_error) {
        return Err(error);
    }
    if first.hash == second.hash {
        return Ok(None);
    }
    Ok(divergence(first.history.events(), second.history.events()))
}

/// The first event that is not the same in both.
pub fn divergence(first: &[Event], second: &[Event]) -> Option<Divergence> {
    let at = (0..first.len().max(second.len())).find(|at| first.get(*at) != second.get(*at))?;
    Some(Divergence { at, first: first.get(at).cloned(), second: second.get(at).cloned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::What;
    use std::time::Duration;

    #[test]
    fn a_history_that_ends_earlier_diverges_at_its_end() {
        let event = |at| Event {
            at: Duration::from_secs(at),
            who: "world".to_owned(),
            what: What::Restarted,
        };
        let (long, short) = ([event(1), event(2)], [event(1)]);
        assert_eq!(divergence(&long, &long), None);
        let found = divergence(&long, &short).expect("one is longer");
        assert_eq!((found.at, found.first, found.second), (1, Some(event(2)), None));
    }
}
