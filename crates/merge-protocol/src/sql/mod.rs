//! Rendering, and nothing else: one statement family a file.
//!
//! Every name and every literal goes through [`quote`]; no other place builds SQL from text that came
//! from outside. What a statement means is decided elsewhere; that it says what was decided is held
//! by one reviewed snapshot a family.

pub mod audit;
pub mod catalog;
pub mod ledger;
pub mod merge;
pub mod quote;
pub mod round;
pub mod stage;
pub mod versions;

pub use quote::{Name, Text};

/// True inside our own transaction once the fence was moved, and nowhere else.
///
/// A statement that the server runs outside of that transaction (an expired transaction, a lost id)
/// must change nothing: without this predicate the protocol's model finds half files and duplicates.
fn ours(target: &str, token: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM {} AS c WHERE c.\"token\" = {})",
        Name(&crate::plan::Beside::Control.table(target)),
        Text(token)
    )
}
