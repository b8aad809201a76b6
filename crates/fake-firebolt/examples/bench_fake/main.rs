//! Measures the fake: what `cargo xtask bench fake` runs.
//!
//! Every number is the median of several runs, because the machine is shared with others; what one
//! thread does is measured in time of a processor, requests by the clock. Targets
//! are printed with what was measured; nothing fails when one is missed, since a number that
//! depends on the neighbours must not break a build. Ratios and growth are what to look at.

mod memory;
mod merges;
mod open_transactions;
mod report;
mod requests;
mod session;
mod statements;

use report::Report;

/// Rows of the largest target table; smaller with `--quick`.
const LARGEST: u64 = 10_000_000;
const LARGEST_QUICK: u64 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments.iter().find(|argument| !argument.starts_with("--"));
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let mut report = Report::default();
    if wanted("statements") {
        statements::measure(&mut report);
    }
    if wanted("transactions") {
        open_transactions::measure(&mut report);
    }
    if wanted("requests") {
        requests::measure(&mut report);
    }
    if wanted("merges") {
        merges::measure(&mut report, if quick { LARGEST_QUICK } else { LARGEST });
    }
    report.end();
}
